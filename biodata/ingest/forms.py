"""Which form a survey's files have, stated by what they hold: their first bytes, their members, their headings.

A name is only a person's word: of a file that is called `images.csv` the headings decide. Where nothing decides, or two
forms are as likely, nothing is read: what is read in a wrong form may let people in, or lose records.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple

from biodata.core.errors import InputError
from biodata.formats import delimited
from biodata.formats.archives import BROKEN, Archive, is_archive, is_tar, open_archive
from biodata.formats.camtrapdp import DESCRIPTOR
from biodata.formats.dwca import META, METADATA, open_dwca
from biodata.formats.other_workbooks import ODS, XLS, XLSX, kind_of
from biodata.ingest import dwca
from biodata.ingest.table_headings import term_of

SHEETS: Final = "survey"
"""Workbooks and texts as people write them; what every other form is distinguished from."""
_MEASURED: Final = "measurements"
_WITH_TABLES: Final = ("detections", "wildlife-insights")
"""Forms whose deployments may lie beside them as a table of their own."""
_READABLE: Final = (
    "a workbook, CSV, a Darwin Core Archive, Camtrap DP, Wildlife Insights, MegaDetector or SpeciesNet with deployments, "
    "SMART or KoboToolbox"
)
MAX_BYTES: Final = 4_000_000_000
_TEXTS: Final = (".csv", ".tsv", ".txt")
_SEEN_BYTES: Final = 1 << 16
_SEEN_JSON_BYTES: Final = 1 << 22
_MOST_LOOKED_AT: Final = 200
_ROOT: Final = re.compile(r"<(?![?!])(?:[\w.\-]+:)?([\w.\-]+)")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_PATROLS: Final = ("patrol", "patrols")
_KOBO: Final = (
    frozenset({"_uuid", "_id"}),
    frozenset({"_submission_time", "_index", "__version__", "_validation_status", "_status", "_submitted_by"}),
)
_INSIGHTS: Final = (
    frozenset({"deployment_id"}), frozenset({"image_id", "sequence_id", "wi_taxon_id", "is_blank"}), frozenset({"genus"}),
    frozenset({"species"}),
)  # fmt: skip
"""Wildlife Insights, also where somebody took out the column that identifies pictures: its reader says so."""
_OBSERVATIONS: Final = (frozenset({"observationid"}), frozenset({"deploymentid"}), frozenset({"observationtype"}))
"""Camtrap DP's table of observations; without its descriptor nothing tells of which version and package it is."""
_BARE: Final = "camtrapdp without its descriptor"
_Opener = Callable[[], BinaryIO]


def recognise(paths: Sequence[Path], *, names: Sequence[str] | None = None, limit_bytes: int = MAX_BYTES) -> str:
    """Tell the form of a survey's files.

    Parameters
    ----------
    paths : sequence of Path
        Files that belong together.
    names : sequence of str, optional
        What a person calls them, for errors.
    limit_bytes : int
        What an archive may unpack to at most, pictures and sounds left out.

    Returns
    -------
    str
        The name of the source that reads them, of `biodata.ingest.SOURCES`.

    Raises
    ------
    InputError
        If the form is not known (FORM_UNKNOWN), or they may be of several (FORM_AMBIGUOUS); or an archive is not safe.
    """
    text = ", ".join(names or [path.name for path in paths])
    found: set[str] = set()
    for path, name in zip(paths, names or [path.name for path in paths], strict=True):
        found |= _of_file(path, name, limit_bytes)
    if _MEASURED in found:
        # Texts of Darwin Core with measurements beside them, as OBIS passes them on: sheets would leave those out.
        found = (found - {_MEASURED, SHEETS}) | {"dwca"} if SHEETS in found else (found - {_MEASURED}) | {SHEETS}
    if _BARE in found:
        problem = f"these are tables of a Camtrap DP package, and its {DESCRIPTOR} is not in one zip with them"
        expected = f"the whole package as one zip: {DESCRIPTOR} with deployments, media and observations"
        raise InputError(problem, file=text, expected=expected, code="DESCRIPTOR_MISSING")
    special = sorted(found - {SHEETS})
    if len(special) > 1 or (special and SHEETS in found and special[0] not in _WITH_TABLES):
        problem = "the files may be of several forms, and in each they would mean something else"
        expected = f"one form at a time; found {' and '.join(sorted(found))}"
        raise InputError(problem, file=text, expected=expected, code="FORM_AMBIGUOUS")
    if not found:
        problem = "nothing tells in which form this file is"
        raise InputError(problem, file=text, expected=_READABLE, code="FORM_UNKNOWN")
    return special[0] if special else SHEETS


def _of_file(path: Path, name: str, limit_bytes: int) -> set[str]:
    """Return the forms that one file, or the folder of an archive, may have."""
    if path.is_dir() or is_tar(path):
        return _of_archive(_checked(open_archive(path), name, limit_bytes), name)
    with path.open("rb") as stream:
        beginning = stream.read(_SEEN_BYTES)
    if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = kind_of(path)
        if kind in (XLSX, ODS):
            return {_of_workbook(path)}
        if kind is None and (b"[Content_Types].xml" in beginning or b"xl/" in beginning):
            return {SHEETS}  # a broken workbook: its reader says so
        return _of_archive(_checked(open_archive(path), name, limit_bytes), name)
    if beginning.startswith(XLS):
        return {"kobo" if _has(_KOBO, _marked(path)) else SHEETS}
    return _of_part(lambda: path.open("rb"), name, beginning)


def _checked(archive: Archive, name: str, limit_bytes: int) -> Archive:
    """Return an archive that does not unpack to more than is read at once."""
    total = sum(size for member, size in archive.sizes.items() if not _is_picture(member))
    if total > limit_bytes:
        problem = f"the archive unpacks to {total:,} bytes beside pictures"
        raise InputError(problem, file=name, expected=f"at most {limit_bytes:,}", code="INPUT_TOO_LARGE")
    return archive


def _of_workbook(path: Path) -> str:
    """Tell an export of KoboToolbox from other workbooks; one that cannot be read is informed so where it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = [
                m
                for m in archive.infolist()
                if re.search(r"(?i)sheet[^/]*\.xml$|strings\.xml$|content\.xml$", m.filename)
            ]
            seen = b""
            for part in parts[:50]:
                with archive.open(part) as stream:
                    seen += b"".join(re.findall(rb">_{1,2}[A-Za-z_]{1,30}<", stream.read(_SEEN_JSON_BYTES)))
    except BROKEN:
        return SHEETS
    cells = {cell.decode() for cell in re.findall(rb">(_{1,2}[A-Za-z_]{1,30})<", seen)}
    return "kobo" if _has(_KOBO, cells) else SHEETS


def _marked(path: Path) -> set[str]:
    """Return the columns of KoboToolbox's own that an old workbook's bytes hold, in letters of one byte or two."""
    with path.open("rb") as stream:
        content = stream.read(_SEEN_JSON_BYTES)
    return {name for group in _KOBO for name in group
            if name.encode() in content or name.encode("utf-16-le") in content}  # fmt: skip


def _of_archive(archive: Archive, name: str) -> set[str]:
    """Return the forms that a zip may have."""
    found: set[str] = set()
    if DESCRIPTOR in archive.sizes:
        found.add(_of_package(archive))
    if META in archive.sizes:
        found.add("dwca")
    if found:
        return found - {""}
    members = [member for member in archive.sizes if not _is_picture(member)]
    if len(members) > _MOST_LOOKED_AT:
        problem = f"the archive holds {len(members):,} files beside pictures"
        raise InputError(problem, file=name, expected=f"at most {_MOST_LOOKED_AT}", code="INPUT_TOO_LARGE")
    for member in members:
        with archive.open(member) as stream:
            beginning = stream.read(_SEEN_BYTES)
        found |= _of_part(partial(archive.open, member), member, beginning)
    described = [member for member in members if member.lower() in METADATA]
    if found and not found - {SHEETS, _MEASURED}:
        texts = all(PurePosixPath(member).suffix.lower() in _TEXTS for member in members if member not in described)
        # A description in EML stands beside texts of Darwin Core alone: as sheets they would lose title and licence.
        return ({"dwca"} if described else found) if texts else set()
    return found


def _of_package(archive: Archive) -> str:
    """Return whether a data package is one of camera traps; empty for another."""
    with archive.open(DESCRIPTOR) as stream:
        content = stream.read(_SEEN_JSON_BYTES)
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return "camtrapdp"  # its reader says what is wrong with the descriptor
    if not isinstance(facts, dict):
        return ""
    listed = facts.get("resources")
    tables = {
        one["name"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str)
    }
    is_told = "camtrap-dp" in str(facts.get("profile", ""))
    return "camtrapdp" if is_told or {"deployments", "observations"} <= tables else ""


def _of_part(opener: _Opener, name: str, beginning: bytes) -> set[str]:
    """Return the forms that a file that is no zip may have."""
    text = _text(beginning).lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        root = _ROOT.search(_COMMENT.sub("", text))
        if root is not None and root[1] in _PATROLS:
            return {"smart"}
        return set()
    if text.startswith(("{", "[")) and not _is_table(text):
        return {"detections"} if _is_of_machine(opener) else set()
    headings = _headings(opener, name)
    plain = {heading.strip().lower() for heading in headings}
    found = {
        form
        for form, signs in (
            ("kobo", _KOBO),
            ("wildlife-insights", _INSIGHTS),
            (_BARE, _OBSERVATIONS),
        )
        if _has(signs, plain)
    }
    if found:
        return found
    try:
        return {_MEASURED} if dwca.kind_of(headings) == dwca.MEASURED else {SHEETS}
    except InputError:
        return {SHEETS}


def _is_table(text: str) -> bool:
    """Return whether a text that begins with a bracket is a table all the same: JSON has a quote or another bracket next."""
    return re.match(r"[\[{]\s*[\"\[{}\]\-\d]", text) is None


def _is_of_machine(opener: _Opener) -> bool:
    """Return whether JSON holds results of MegaDetector or SpeciesNet."""
    with opener() as stream:
        seen = stream.read(_SEEN_JSON_BYTES)
    return (b'"images"' in seen and (b'"detections"' in seen or b'"detection_categories"' in seen)) or (
        b'"predictions"' in seen and b'"filepath"' in seen
    )


def _headings(opener: _Opener, name: str) -> tuple[str, ...]:
    """Return the headings of a text; none where it cannot be read, which is stated where it is read."""
    try:
        return delimited.read(opener, file=name).headings
    except InputError:
        return ()


def _has(signs: Iterable[frozenset[str]], headings: set[str]) -> bool:
    """Return whether one of each group of signs is there."""
    return all(group & headings for group in signs)


def _text(beginning: bytes) -> str:
    """Return the beginning of a file as text, to be compared alone."""
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return beginning.decode("utf-16", "ignore")
    return beginning.decode("utf-8", "ignore")


def _is_picture(member: str) -> bool:
    """Return whether a member is called as a picture or a sound: those are never opened."""
    return PurePosixPath(member).suffix.lower() in (
        ".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".heic", ".mp4", ".avi", ".mov", ".wav", ".mp3",
    )  # fmt: skip


_MAPS: Final = (".gpkg", ".shp", ".geojson", ".gdb", ".kml")
_RASTERS: Final = (".tif", ".tiff")
_OF_TAXA: Final = frozenset({"taxonID", "taxonRank", "taxonomicStatus", "acceptedNameUsage", "acceptedNameUsageID"})
_OF_RECORDS: Final = frozenset(
    {
        "occurrenceID",
        "gbifID",
        "basisOfRecord",
        "eventID",
        "eventDate",
        "decimalLatitude",
        "recordedBy",
        "catalogNumber",
    }
)
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "camtrapdp": "a Camtrap DP package",
        "detections": "results of MegaDetector or SpeciesNet",
        "dwca": "tables of a survey in Darwin Core",
        "kobo": "an export of KoboToolbox",
        "smart": "patrols of SMART",
        "wildlife-insights": "a download of Wildlife Insights",
        "survey": "a table of records",
    }
)


class Kind(NamedTuple):
    """What a file is.

    Attributes
    ----------
    source : str
        The source that reads it, of `biodata.ingest.SOURCES`.
    words : str
        What a person calls it.
    """

    source: str
    words: str


def source_of(paths: Sequence[Path]) -> Kind | None:
    """Return what files are that belong together; None where nothing tells it for certain.

    Examples
    --------
    >>> source_of([Path("roads.gpkg")]).source
    'layer'
    """
    if not paths:
        return None
    suffix = paths[0].suffix.lower()
    if suffix in _MAPS:
        return Kind("layer", "a map; protected areas are read by the source protected-areas")
    if suffix in _RASTERS:
        return Kind("layer", "a raster")
    try:
        if len(paths) == 1 and is_archive(paths[0]) and META in open_archive(paths[0]).sizes:
            return _source_of_archive(paths[0])
        source = recognise(paths)
        return _source_of_text(paths[0]) if source == SHEETS else Kind(source, _WORDS[source])
    except InputError:
        return None


def _source_of_archive(path: Path) -> Kind:
    """Return what a Darwin Core Archive is."""
    description = open_dwca(path).description
    kind = "Occurrence" if description is None else description.core.kind
    if kind == "Taxon":
        return Kind("checklist", "a Darwin Core Archive of taxa, a checklist")
    return Kind("dwca", f"a Darwin Core Archive of {'events' if kind == 'Event' else 'occurrences'}")


def _source_of_text(path: Path) -> Kind:
    """Return what a workbook or a table of text is, by its headings."""
    if is_archive(path):  # a workbook, or texts in a zip
        return Kind(SHEETS, "a workbook or a zip of tables")
    headings = delimited.read(lambda: path.open("rb"), file=path.name).headings
    terms = {term_of(heading) for heading in headings}
    if terms & _OF_TAXA and "scientificName" in terms and not terms & _OF_RECORDS:
        return Kind("checklist", "a table of taxa, a checklist")
    if "scientificName" in terms and len(terms & _OF_RECORDS) > 1:
        return Kind("gbif", "a table of records with Darwin Core's headings")
    return Kind(SHEETS, _WORDS[SHEETS])
