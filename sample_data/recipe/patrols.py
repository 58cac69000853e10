"""Two made-up patrols in the form of SMART with their data model, and a made-up form of KoboToolbox."""

import struct
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import numpy as np
import polars as pl

from recipe import records
from recipe.tables import chance

NAMESPACE: Final = "http://www.smartconservationsoftware.org/xml/1.3/patrol"
MODEL_NAMESPACE: Final = "http://www.smartconservationsoftware.org/xml/1.0/datamodel"
DAYS: Final = (("2026-02-03", "2026-02-04"), ("2026-03-10", "2026-03-11"))
SEEN_A_DAY: Final = 4
STEP_DEGREES: Final = 0.0007
STEPS: Final = 160
KOBO_ROWS: Final = 12
NOTE: Final = "SYNTHETIC: nobody walked there"
_KOBO_HEADINGS: Final = (
    "start", "end", "today", "deviceid", "username", "Your name", "Your telephone", "Scientific name",
    "individualCount", "_Where did you see it?_latitude", "_Where did you see it?_longitude",
    "_Where did you see it?_altitude", "_Where did you see it?_precision", "What is the place like?", "Anything else?", "_id", "_uuid",
    "_submission_time", "_submitted_by", "_index",
)  # fmt: skip


def make(out: Path) -> None:
    """Write the folders `smart` and `kobo`."""
    seen = records.clean("namha").filter(
        (pl.col("site") == "nam_ha") & ~pl.col("ambiguous") & (pl.col("group") == "large_mammal")
    )
    (out / "smart").mkdir(parents=True, exist_ok=True)
    (out / "kobo").mkdir(parents=True, exist_ok=True)
    for number, days in enumerate(DAYS):
        rows = seen.slice(number * SEEN_A_DAY * len(days), SEEN_A_DAY * len(days))
        (out / "smart" / f"patrol_{number + 1}.xml").write_text(_patrol(number + 1, days, rows), encoding="utf-8")
    species = sorted(set(seen["species"].to_list()))
    (out / "smart" / "datamodel.xml").write_text(_model(species), encoding="utf-8")
    (out / "kobo" / "wildlife.csv").write_text(_form(seen.tail(KOBO_ROWS)), encoding="utf-8")
    mapping = 'heading,term\n"What is the place like?",habitat\n'
    (out / "kobo" / "mapping.csv").write_text(mapping, encoding="utf-8")


def _key(species: str) -> str:
    """Return a species' key in the data model."""
    return species.lower().replace(" ", "")


def _patrol(number: int, days: tuple[str, ...], rows: pl.DataFrame) -> str:
    """Return a patrol: of each day a track, wildlife with its places, and what must stay out."""
    rng = chance(f"patrol {number}")
    told = []
    for n, day in enumerate(days):
        of_day = rows.slice(n * SEEN_A_DAY, SEEN_A_DAY)
        first = of_day.row(0, named=True)
        points = _walk(first["longitude"], first["latitude"], rng)
        spots = "".join(_waypoint(k, row) for k, row in enumerate(of_day.iter_rows(named=True), 1))
        told.append(
            f'<ns2:days date="{day}" startTime="07:30:00" endTime="15:30:00" restMinutes="45.0">'
            f'<ns2:track distance="0.0" geom="{points}"/>\n{spots}</ns2:days>\n'
        )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ns2:patrol xmlns:ns2="{NAMESPACE}" id="SAMPLE_{number:06d}" patrolType="GROUND" startDate="{days[0]}" endDate="{days[-1]}" isArmed="false">
<ns2:objective><ns2:description>{NOTE}</ns2:description></ns2:objective>
<ns2:team languageCode="en" value="Team {number}"/>
<ns2:station languageCode="en" value="Station {number}"/>
<ns2:legs id="1" startDate="{days[0]}" endDate="{days[-1]}">
<ns2:transportType languageCode="en" value="Foot"/>
<ns2:members givenName="Ranger" familyName="Number {number}" employeeId="SYN-{number:04d}" isPilot="false" isLeader="true"/>
<ns2:mandate languageCode="en" value="Research and Monitoring"/>
{"".join(told)}</ns2:legs>
<ns2:comment>{NOTE}</ns2:comment>
</ns2:patrol>
"""


def _walk(longitude: float, latitude: float, rng: np.random.Generator) -> str:
    """Return a day's track as SMART writes it: a line's WKB in hexadecimal figures, its third number the time in ms."""
    turns = np.cumsum(rng.normal(0, 0.25, STEPS))
    x = longitude + STEP_DEGREES * np.cumsum(np.cos(turns))
    y = latitude + STEP_DEGREES * np.cumsum(np.sin(turns))
    body = b"".join(
        struct.pack("<3d", round(a, 6), round(b, 6), 60_000.0 * n) for n, (a, b) in enumerate(zip(x, y, strict=True))
    )
    return (b"\x01" + struct.pack("<II", 1002, STEPS) + body).hex()


def _waypoint(number: int, row: dict[str, Any]) -> str:
    """Return a waypoint with an animal; the second of a day also has a snare, with a person."""
    snare = """<ns2:observations categoryKey="threats.snares."><ns2:attributes attributeKey="suspectname">
<ns2:sValue>Nobody Atall</ns2:sValue></ns2:attributes></ns2:observations>
"""
    return f"""<ns2:waypoints id="{number}" x="{row["longitude"]}" y="{row["latitude"]}" time="{8 + number:02d}:15:00"><ns2:groups>
<ns2:observations categoryKey="animals.animalsightings.direct."><ns2:attributes attributeKey="species">
<ns2:itemKey>mammals.{_key(row["species"])}.</ns2:itemKey></ns2:attributes>
<ns2:attributes attributeKey="numberofanimals"><ns2:dValue>{float(row["count"] or 1)}</ns2:dValue></ns2:attributes>
<ns2:attributes attributeKey="notes"><ns2:sValue>{NOTE}</ns2:sValue></ns2:attributes></ns2:observations>
{snare if number == 2 else ""}</ns2:groups></ns2:waypoints>
"""


def _model(species: list[str]) -> str:
    """Return the data model that tells what the species' keys mean."""
    nodes = "".join(
        f'<children key={quoteattr(_key(name))} isactive="true"><names language_code="en" value={quoteattr(name)}/></children>\n'
        for name in species
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<DataModel xmlns="{MODEL_NAMESPACE}"><languages><language code="en"/></languages>
<attributes><attribute key="species" isrequired="true" type="TREE"><names language_code="en" value="Species"/>
<tree key="mammals" isactive="true"><names language_code="en" value="Mammals"/>
{nodes}</tree></attribute></attributes></DataModel>
"""


def _form(rows: pl.DataFrame) -> str:
    """Return the submissions of a form, as KoboToolbox exports them with labels."""
    lines = [_KOBO_HEADINGS]
    for number, row in enumerate(rows.iter_rows(named=True), 1):
        day = f"2026-04-{number:02d}"
        lines.append(
            (f"{day}T08:00:00.000+07:00", f"{day}T08:04:00.000+07:00", day, f"synthetic:{number}", "nobody", "Nobody Atall", "000",
             row["species"], str(row["count"] or 1), str(row["latitude"]), str(row["longitude"]), "0", "5.0", "evergreen forest", NOTE,
             str(990000000 + number), f"00000000-0000-4000-8000-{number:012d}", f"{day}T09:00:00", "nobody", str(number))
        )  # fmt: skip
    return "\n".join(";".join(f'"{cell}"' for cell in line) for line in lines) + "\n"
