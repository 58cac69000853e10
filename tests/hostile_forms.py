"""A small right survey in each form that takes files, and what harm can be written into its members: for the tests of it."""

import base64
import io
import json
import random
import tarfile
import warnings
import zipfile
from functools import cache

import camtrapdp_rows
import detections_rows
import kobo_rows
import patrols
import wildlife_insights_rows
from sheets import book_of, bytes_of

TERMS = "http://rs.tdwg.org/dwc/terms/"
DTD = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "http://127.0.0.1:9/x"><!ENTITY b "&a;&a;">]>'
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b"]>"
)
EVENT = "id\teventID\teventDate\tdecimalLatitude\tdecimalLongitude\tcountryCode\tsamplingProtocol\nE1\tE1\t2026-03-01\t20.9\t101.4\tLA\twalk\n"
OCCURRENCE = "id\toccurrenceID\tbasisOfRecord\tscientificName\nE1\tR1\tHumanObservation\tSus scrofa\n"
LONG = base64.b64encode(random.Random(1).randbytes(7_500_000))
SHEET = (
    "occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\nR1,2026-03-01,Sus scrofa,20.65,101.95\n"
)
EML = '<eml:eml xmlns:eml="https://eml.ecoinformatics.org/eml-2.2.0"><dataset><title>A walk</title></dataset></eml:eml>'


def described(tag, row_type, file, text, key):
    """Return how meta.xml describes a text."""
    names = text.splitlines()[0].split("\t")
    fields = "".join(f'<field index="{n}" term="{TERMS}{name}"/>' for n, name in enumerate(names) if n)
    return (
        f'<{tag} encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" '
        f'ignoreHeaderLines="1" rowType="{TERMS}{row_type}"><files><location>{file}</location></files>'
        f'<{key} index="0"/>{fields}</{tag}>'
    )


def meta():
    core = described("core", "Event", "event.txt", EVENT, "id")
    extension = described("extension", "Occurrence", "occurrence.txt", OCCURRENCE, "coreid")
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml">{core}{extension}</archive>'


def package():
    tables = [{"name": name, "path": f"{name}.csv"} for name in ("deployments", "observations")]
    return json.dumps({"name": "nam-ha", "resources": tables})


def kobo_sheet():
    """Return an export of KoboToolbox as a workbook."""
    return bytes_of(book_of({"Sheet": (kobo_rows.HEADINGS, kobo_rows.submission(0))}))


def kobo_text():
    lines = [";".join(f'"{cell}"' for cell in row) for row in (kobo_rows.HEADINGS, kobo_rows.submission(0))]
    return "\n".join(lines) + "\n"


def smart():
    return patrols.patrol(
        patrols.day(patrols.waypoint(1, (101.33, 21.22), patrols.observation("animals.liveanimals.")))
    )


_MEMBERS = {
    "csv": {"survey.csv": SHEET},
    "dwca": {"meta.xml": meta(), "eml.xml": EML, "event.txt": EVENT, "occurrence.txt": OCCURRENCE},
    "camtrapdp": {
        "datapackage.json": package(),
        "deployments.csv": camtrapdp_rows.DEPLOYMENTS,
        "observations.csv": camtrapdp_rows.OBSERVATIONS,
    },
    "wildlife-insights": {
        "projects.csv": wildlife_insights_rows.PROJECTS,
        "cameras.csv": wildlife_insights_rows.CAMERAS,
        "deployments.csv": wildlife_insights_rows.DEPLOYMENTS,
        "images.csv": wildlife_insights_rows.HEADING + wildlife_insights_rows.ROW,
    },
    "detections": {
        "results.json": json.dumps(detections_rows.megadetector(detections_rows.image("park/cam1/a.jpg", ("1", 0.93)))),
        "deployments.csv": detections_rows.DEPLOYMENTS,
    },
    "smart": {"patrol.xml": smart()},
    "kobo": {"kobo.csv": kobo_text()},
}
FORMS = tuple(_MEMBERS)


def members(form):
    """Return the members of a right survey, by their names."""
    return {name: content.encode() if isinstance(content, str) else content for name, content in _MEMBERS[form].items()}


def zipped(files, *, more=(), beside=b""):
    """Return a zip of members; `more` are (ZipInfo or name, content) after them, `beside` is a zip that they join."""
    out = io.BytesIO(beside)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in (*files.items(), *more):
            archive.writestr(name, content)
    return out.getvalue()


@cache
def bomb():
    """Return a zip of one member of 300 MB."""
    return zipped({"more.csv": bytes(300_000_000)})


@cache
def crowd():
    """Return a zip of 50,000 members that hold nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(50_000):
            archive.writestr(f"{number}.csv", b"")
    return out.getvalue()


def link():
    """Return a member that is a link to a file of the system, and its target."""
    member = zipfile.ZipInfo("more.csv")
    member.create_system, member.external_attr = 3, 0o120777 << 16
    return member, b"/etc/passwd"


def locked(content):
    """Return a zip whose list says that every member is locked with a password."""
    told = bytearray(content)
    at = told.find(b"PK\x01\x02")
    while at >= 0:
        told[at + 8] |= 1
        at = told.find(b"PK\x01\x02", at + 4)
    at = told.find(b"PK\x03\x04")
    while at >= 0:
        told[at + 6] |= 1
        at = told.find(b"PK\x03\x04", at + 4)
    return bytes(told)


def lying(content, size=10):
    """Return a zip whose list tells another size of the largest member."""
    told, found = bytearray(content), {}
    at = told.find(b"PK\x01\x02")
    while at >= 0:
        found[int.from_bytes(told[at + 24 : at + 28], "little")] = at
        at = told.find(b"PK\x01\x02", at + 4)
    at = found[max(found)]
    told[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(told)


def spoilt(content):
    """Return a zip of which a byte of the first member's content is another."""
    told = bytearray(content)
    at = 30 + int.from_bytes(told[26:28], "little") + int.from_bytes(told[28:30], "little") + 3
    told[at] ^= 0xFF
    return bytes(told)


def tar(files):
    """Return a tar.gz of members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def archives(form):
    """Return the hostile archives of a form by name (rows 1-7 of the list)."""
    right = members(form)
    whole = zipped(right)
    return {
        **{f"a path {name!r}": zipped(right, more=[(name, b"x")]) for name in ("../../x.csv", "/etc/x.csv", "C:\\x.csv", "..\\x.csv")},
        "a link": zipped(right, more=[link()]),
        "a bomb of 300 MB": zipped(right, beside=bomb()),
        "50,000 members": zipped(right, beside=crowd()),
        "a zip in it": zipped(right, more=[("more.zip", whole)]),
        "a list that lies": lying(whole),
        "locked": locked(whole),
        "cut off": whole[: len(whole) * 2 // 3],
        "a byte that is another": spoilt(whole),
        "a name twice": zipped(right, more=[(next(iter(right)), b"x")]),
    }  # fmt: skip


def texts(form):
    """Return archives of a form with each of its texts made hostile, by name (row 11)."""
    found = {}
    for name, content in members(form).items():
        if not name.endswith((".csv", ".txt")):
            continue
        heading, _, rest = content.partition(b"\n")
        separator = next(one for one in (b"\t", b";", b",") if one in heading)
        rows = {
            "NUL": content.replace(b"\n", b"\n\0", 1),
            "a field of 10 MB": heading + b"\n" + LONG + rest,
            "a quote that does not end": heading + b'\n"' + rest.replace(b'"', b""),
            "100,000 columns": separator.join([heading, *(b"c%d" % n for n in range(100_000))]) + b"\n" + rest,
            "two encodings": content + "E9\t紅毛\n".encode("gb18030") + "ນ້ຳ\n".encode(),
            "UTF-16": content.decode().encode("utf-16"),
            "CR alone": content.replace(b"\n", b"\r"),
            "a mark and CRLF": b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"),
            "empty": b"",
            "headings alone": heading + b"\n",
            "binary": bytes(range(256)) * 40,
        }
        for what, made in rows.items():
            found[f"{name}: {what}"] = zipped({**members(form), name: made})
    return found


def documents(form):
    """Return archives of a form with each of its XML and JSON documents made hostile, by name (rows 2, 8, 10)."""
    found = {}
    for name, content in members(form).items():
        made = {}
        if name.endswith(".xml"):
            plain = content.partition(b"?>")[2] if content.startswith(b"<?xml") else content
            made = {
                "an entity of the network": DTD + plain.replace(b">", b">&b;", 1),
                "a billion laughs": LAUGHS + plain.replace(b">", b">&a11;", 1),
                "100,000 elements deep": b"<a>" * 100_000,
                "cut off": content[: len(content) // 2],
                "not XML": b"nothing",
                "in UTF-7": b'<?xml version="1.0" encoding="utf-7"?>' + plain,
                "an instruction": b'<?xml version="1.0"?><?xml-stylesheet href="http://127.0.0.1:9/x"?>' + plain,
            }
        if name.endswith(".json"):
            made = {
                "100,000 lists deep": b'{"images": ' + b"[" * 100_000,
                "cut off": content[: len(content) // 2],
                "a number beyond all": content.replace(b"0.93", b"1e400").replace(b'"nam-ha"', b"1e400"),
                "a list": b"[" + content + b"]",
                "not UTF-8": content.replace(b"a.jpg", b"\xff\xfe.jpg").replace(b"nam-ha", b"\xff\xfe"),
                "a text of 10 MB": content.replace(b"a.jpg", LONG).replace(b"nam-ha", LONG),
                "a key of 1 MB": content.replace(b"{", b'{"' + b"k" * 1_000_000 + b'": 1, ', 1),
                "with NaN": content.replace(b"0.93", b"NaN").replace(b'"nam-ha"', b"NaN"),
            }
        if name == "meta.xml":
            for what, was, now in (
                *((f"location {place}", b"event.txt", place.encode()) for place in
                  ("/etc/passwd", "../../etc/passwd", "http://127.0.0.1:9/x", "file:///etc/passwd", "none.txt")),
                ("an index beyond the columns", b'index="5"', b'index="500"'),
                ("a negative index", b'index="5"', b'index="-5"'),
                ("an index that is none", b'index="5"', b'index="x"'),
                ("an index twice", b'index="5"', b'index="4"'),
                ("no core", b"core", b"kernel"),
                ("no id", b'<id index="0"/>', b""),
                ("an unknown row type", b"terms/Event", b"terms/Nothing"),
                ("no separator", b'fieldsTerminatedBy="\\t"', b'fieldsTerminatedBy=""'),
                ("a separator of two signs", b'fieldsTerminatedBy="\\t"', b'fieldsTerminatedBy="ab"'),
                ("an encoding that nobody has", b'encoding="UTF-8"', b'encoding="utf-7"'),
                ("a million heading lines", b'ignoreHeaderLines="1"', b'ignoreHeaderLines="1000000"'),
            ):  # fmt: skip
                made[what] = content.replace(was, now)
        if name == "datapackage.json":
            for place in ("/etc/passwd", "../../etc/passwd", "http://127.0.0.1:9/x", "file:///etc/passwd", "none.csv"):
                made[f"path {place}"] = content.replace(b"deployments.csv", place.encode())
            made["no resources"] = b'{"name": "x", "profile": "camtrap-dp"}'
            made["resources of another kind"] = b'{"profile": "camtrap-dp", "resources": 7}'
        for what, text in made.items():
            found[f"{name}: {what}"] = zipped({**members(form), name: text})
    return found


def with_part(content, name, make):
    """Return a workbook with one part made anew; `make` gets its bytes, empty where there is no such part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in [*old.namelist(), *({name} - set(old.namelist()))]:
            data = old.read(member) if member in old.namelist() else b""
            new.writestr(member, make(data) if member == name else data)
    return out.getvalue()
