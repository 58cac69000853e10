"""Patrols of SMART as tests make them, with what must never come in planted everywhere."""

import struct

NAMESPACE = "http://www.smartconservationsoftware.org/xml/1.3/patrol"
SECRETS = ("Somchai", "Jaidee", "Khamphone", "0812345678", "EMP-77431", "3-1005-01234-56-7", "TeamCobra", "StationTen",
           "AKnumber9", "informant-says", "ObjectiveRaid", "waypoint-remark", "leader-remark", "photo-of-suspect",
           "nickname-x")  # fmt: skip
"""None of these may be found anywhere once a patrol was taken in."""


def track(points, *, kind=1002, order="<"):
    """Return a line as hexadecimal WKB with a time (milliseconds) as its third number, as SMART writes it."""
    mark = b"\x01" if order == "<" else b"\x00"
    body = b"".join(struct.pack(f"{order}3d", x, y, 1.7e12 + n * 1000) for n, (x, y) in enumerate(points))
    return (mark + struct.pack(f"{order}II", kind, len(points)) + body).hex()


def observation(category, key="species", value="<itemKey>panthera-tigris</itemKey>", more=""):
    """Return an observation with personal attributes beside its species."""
    return f"""<n:observations categoryKey="{category}" observer="Somchai Jaidee">
      <n:attributes attributeKey="{key}">{value}</n:attributes>
      <n:attributes attributeKey="count"><n:dValue>2.0</n:dValue></n:attributes>
      <n:attributes attributeKey="suspectname"><n:sValue>Khamphone</n:sValue></n:attributes>
      <n:attributes attributeKey="phone"><n:dValue>0812345678</n:dValue></n:attributes>
      <n:attributes attributeKey="idcard"><n:sValue>3-1005-01234-56-7</n:sValue></n:attributes>
      <n:attributes attributeKey="notes"><n:sValue>informant-says nickname-x</n:sValue></n:attributes>
      <n:attributes attributeKey="sex"><n:itemKey>Somchai</n:itemKey></n:attributes>
      <n:attributes attributeKey="age"><n:sValue>0812345678</n:sValue></n:attributes>
      <n:attachments filename="photo-of-suspect.jpg"/>{more}
    </n:observations>""".replace("<itemKey", "<n:itemKey").replace("</itemKey", "</n:itemKey").replace(
        "<sValue", "<n:sValue").replace("</sValue", "</n:sValue")  # fmt: skip


def waypoint(number, place, *observations, groups=True):
    """Return a waypoint."""
    inner = "".join(observations)
    if groups:
        inner = f"<n:groups>{inner}</n:groups>"
    x, y = place
    return f"""<n:waypoints id="Somchai-{number}" x="{x}" y="{y}" time="09:37:53" comment="waypoint-remark" direction="30"
      lastModifiedBy="Somchai Jaidee"><n:comment>waypoint-remark</n:comment>{inner}</n:waypoints>"""


def patrol(*days, transport="Foot", identifier="EMP-77431", namespace=NAMESPACE):
    """Return a patrol's XML, bytes."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n:patrol xmlns:n="{namespace}" id="{identifier}" patrolType="GROUND" startDate="2026-03-01" endDate="2026-03-02"
  isArmed="true" leader="Somchai Jaidee">
  <n:objective><n:description>ObjectiveRaid</n:description></n:objective>
  <n:team languageCode="en" value="TeamCobra"/><n:station languageCode="en" value="StationTen"/>
  <n:legs id="leg Somchai" startDate="2026-03-01" endDate="2026-03-02">
    <n:transportType languageCode="en" value="{transport}"/>
    <n:members givenName="Somchai" familyName="Jaidee" employeeId="EMP-77431" isPilot="false" isLeader="true"/>
    <n:members givenName="Khamphone" familyName="Jaidee" employeeId="0812345678"/>
    <n:mandate value="ObjectiveRaid"/>{"".join(days)}
  </n:legs>
  <n:comment>leader-remark AKnumber9</n:comment>
  <n:attributes key="weapons" stringValue="AKnumber9"/>
</n:patrol>""".encode()


def day(*waypoints, date="2026-03-01", geom=None, start="08:00:00", end="16:00:00", rest="30"):
    """Return a day."""
    told = f'<n:track distance="4.2" geom="{geom}" recordedBy="Somchai"/>' if geom is not None else ""
    return f'<n:days date="{date}" startTime="{start}" endTime="{end}" restMinutes="{rest}">{told}{"".join(waypoints)}</n:days>'
