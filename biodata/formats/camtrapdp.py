"""Camtrap DP's tables beside the standard's schemas: every cell that does not fit, with what would be right."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.formats import archives, delimited
from biodata.formats.archives import Archive, open_archive, read_document


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a table, as the standard's schema tells it.

    Attributes
    ----------
    name, type : str
        Its name, and `string`, `number`, `integer`, `boolean`, `datetime` or `any`.
    required, unique : bool
        Whether a cell may be empty, or may stand twice.
    minimum, maximum : float or None
        The least and the most.
    values : tuple of str
        What it may hold; empty where it may hold anything.
    pattern, without : str or None
        A regular expression that fits its beginning; a text that may not stand in it.
    refers_to : str or None
        The table and field that it points at.
    """

    name: str
    type: str
    required: bool
    unique: bool
    minimum: float | None
    maximum: float | None
    values: tuple[str, ...]
    pattern: str | None
    without: str | None
    refers_to: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that does not fit.

    Attributes
    ----------
    row : int
        Line of the file, the heading being line 1.
    column : str
        The field.
    value : str or None
        The cell as it came.
    code : str
        CELL_MISSING, CELL_TYPE, CELL_RANGE, CELL_VALUE, CELL_PATTERN, CELL_REPEATED or CELL_REFERENCE.
    expected : str
        What would be right.
    """

    row: int
    column: str
    value: str | None
    code: str
    expected: str


_SHAPES: Final = MappingProxyType(
    {
        "integer": r"^[+-]?\d{1,18}$",
        "number": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$",
        "boolean": r"^(true|True|TRUE|1|false|False|FALSE|0)$",
        "datetime": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)$",
    }
)
_READABLE: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?$"
"""A time that can be read, though the standard asks for a T, for whole seconds and for an offset: without one it is the station's."""
_EXPECTED: Final = MappingProxyType(
    {
        "integer": "a whole number",
        "number": "a number with a point",
        "boolean": "true or false",
        "datetime": "a time with its offset, as 2026-01-31T06:00:00+07:00",
    }
)


@cache
def fields(table: str) -> tuple[Field, ...]:
    """Return the fields of a table in the standard's order."""
    with files("biodata").joinpath("data").joinpath("camtrapdp_fields.csv").open("rb") as file:
        rows = pl.read_csv(file, infer_schema=False).filter(pl.col("table") == table)
    return tuple(
        Field(
            row["field"], row["type"], row["required"] == "true", row["unique"] == "true",
            None if row["minimum"] is None else float(row["minimum"]),
            None if row["maximum"] is None else float(row["maximum"]),
            tuple(row["values"].split("|")) if row["values"] else (), row["pattern"], row["without"], row["refers_to"],
        )
        for row in rows.iter_rows(named=True)
    )  # fmt: skip


def moment(name: str) -> pl.Expr:
    """Return the time that a cell of type `datetime` tells, in UTC, as if it were of UTC where it states no offset; null for none."""
    whole = pl.col(name).str.replace(r"^(.{10}) ", "${1}T").str.replace(r"\.\d+(Z|[+-][\d:]+)?$", "$1")
    whole = whole.str.replace(r"(T\d\d:\d\d:\d\d)$", "${1}Z")
    plain = whole.str.replace(r"Z$", "+0000").str.replace(r"([+-]\d\d):(\d\d)$", "$1$2")
    return plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%z", strict=False, time_unit="us", time_zone="UTC")


def faults(
    table: str, frame: pl.DataFrame, *, known: Mapping[str, pl.Series] = MappingProxyType({})
) -> Iterator[Fault]:
    """Yield every cell of a table that does not fit its schema, field by field.

    Parameters
    ----------
    table : str
        Its name.
    frame : polars.DataFrame of n rows
        `source_row`, and its fields as text, empty cells null.
    known : mapping of str to Series
        What fields of other tables hold, by `table.field`: what `refers_to` is set beside.

    Yields
    ------
    Fault
        At most one a cell.
    """
    for field in fields(table):
        if field.name in frame.columns:
            yield from _of_field(field, frame.select("source_row", cell=pl.col(field.name)), known)


def _of_field(field: Field, cells: pl.DataFrame, known: Mapping[str, pl.Series]) -> Iterator[Fault]:
    """Yield the faults of one column."""
    cell = pl.col("cell")
    if field.required:
        yield from _made(cells.filter(cell.is_null()), field.name, "CELL_MISSING", "it may not be empty")
    cells = cells.filter(cell.is_not_null())
    if field.type in _SHAPES:
        fits = cell.str.contains(_SHAPES[field.type])
        if field.type == "datetime":
            fits &= moment("cell").is_not_null()
            readable = ~fits & cell.str.contains(_READABLE) & moment("cell").is_not_null()
            yield from _made(cells.filter(readable), field.name, "CELL_PATTERN", _EXPECTED[field.type])
            cells = cells.filter(~readable)
        if field.type == "number":
            fits &= cell.cast(pl.Float64, strict=False).is_finite().fill_null(value=False)
        yield from _made(cells.filter(~fits), field.name, "CELL_TYPE", _EXPECTED[field.type])
        cells = cells.filter(fits)
    if field.minimum is not None or field.maximum is not None:
        number = cell.cast(pl.Float64, strict=False)
        least = number >= field.minimum if field.minimum is not None else pl.lit(value=True)
        most = number <= field.maximum if field.maximum is not None else pl.lit(value=True)
        yield from _made(cells.filter(~(least & most)), field.name, "CELL_RANGE", _span(field))
    if field.values:
        wrong = cells.filter(~cell.is_in(field.values))
        yield from _made(wrong, field.name, "CELL_VALUE", f"one of {', '.join(field.values)}")
    if field.pattern is not None or field.without is not None:
        fits = cell.str.contains(field.pattern or "")
        if field.without is not None:
            fits &= ~cell.str.contains(field.without, literal=True)
        yield from _made(cells.filter(~fits), field.name, "CELL_PATTERN", _pattern(field))
    if field.unique:
        again = cells.filter(~cell.is_first_distinct())
        yield from _made(again, field.name, "CELL_REPEATED", "no other row with the same")
    if field.refers_to is not None and field.refers_to in known:
        lacking = cells.filter(~cell.is_in(known[field.refers_to].implode()))
        yield from _made(lacking, field.name, "CELL_REFERENCE", f"a value of {field.refers_to}")


def _made(rows: pl.DataFrame, column: str, code: str, expected: str) -> Iterable[Fault]:
    """Return faults of rows."""
    return (Fault(row, column, value, code, expected) for row, value in rows.select("source_row", "cell").iter_rows())


def _span(field: Field) -> str:
    """Return a field's range in words."""
    least, most = (None if end is None else f"{end:g}" for end in (field.minimum, field.maximum))
    if least is None or most is None:
        return f"at least {least}" if least is not None else f"at most {most}"
    return f"between {least} and {most}"


def _pattern(field: Field) -> str:
    """Return a field's pattern in words."""
    if field.without is not None:
        return "an address, or a path that stays inside the package"
    return "a media type that begins with image/, video/ or audio/"


def lacking(table: str, headings: Sequence[str]) -> tuple[str, ...]:
    """Return the required fields that a table's heading does not name."""
    return tuple(field.name for field in fields(table) if field.required and field.name not in headings)


# Camtrap DP packages, https://camtrap-dp.tdwg.org: the descriptor, and the tables that stand beside it; nothing is fetched.
DESCRIPTOR: Final = "datapackage.json"
TABLES: Final = ("deployments", "media", "observations")
VERSION: Final = "1.0.2"
"""The version that is written, and that a package without one is read as."""
SCHEMAS: Final = "https://raw.githubusercontent.com/tdwg/camtrap-dp"
"""Begins the address of a version's profile and schemas, which stands in every package; it is never opened."""

EFFORT_UNKNOWN: Final = "effort:unknown"
"""The tag, ours, of a deployment whose beginning and end are not those of the time in which its camera stood."""

PLACE_GENERALISED: Final = "place:generalised"
"""The tag, ours, of a deployment that is none: it stands for the cell and the year of records whose camera is not stated."""
ZONE_UNKNOWN: Final = "timeZone:unknown"
"""The tag, ours, of times whose zone nobody stated: they are written as if they were in UTC."""
DAYS_ONLY: Final = "time:unknown"
"""The tag, ours, of a deployment of which days were stated: its times stand for the whole of them."""
SHARING: Final = "sharing:"
CELL: Final = "cell:"
COUNTRIES: Final = "countries:"
"""Begin tags, ours, of what was made coarse: by which category, into which cell (west south east north), in which countries."""
OBSERVATIONS_APART: Final = "observations:notGiven"
"""The group, ours, of deployments none of whose observations name them: that there are none says nothing of absence."""

_KNOWN: Final = ("1.0", "1.0.1", "1.0.2")
_EMPTY_TOO: Final = ("NA", "NaN", "nan")
_MAX_DESCRIPTOR_BYTES: Final = 5_000_000
_TOLD_VERSION: Final = re.compile(r"/(\d+(?:\.\d+)*[A-Za-z0-9.\-]*)/[^/]*$")
_REQUIRED: Final = (
    "profile", "created", "contributors", "project", "spatial", "temporal", "taxonomic", "project.title",
    "project.samplingDesign", "project.captureMethod", "project.individualAnimals", "project.observationLevel",
    "temporal.start", "temporal.end",
)  # fmt: skip
_ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "project.samplingDesign": (
        "simpleRandom", "systematicRandom", "clusteredRandom", "experimental", "targeted", "opportunistic",
    ),
    "project.captureMethod": ("activityDetection", "timeLapse"),
    "project.observationLevel": ("media", "event"),
}  # fmt: skip


@dataclass(frozen=True)
class Package:
    """A package whose descriptor was read.

    Attributes
    ----------
    file : str
        What the descriptor is called in errors.
    name : str
        The folder, the zip, or the descriptor.
    stated : dict
        The descriptor.
    version : str or None
        The standard's version that its profile tells.
    """

    file: str
    name: str
    told: dict[str, Any]
    version: str | None
    _open: Callable[[str], Callable[[], BinaryIO] | None]

    @property
    def empty_values(self) -> tuple[str, ...]:
        """Texts that stand for an empty cell."""
        return _EMPTY_TOO if self.version in (None, VERSION) else ()

    def table(self, name: str) -> delimited.Delimited:
        """Open one of the tables; its file, plain or packed with gzip, must stand beside the descriptor.

        Raises
        ------
        InputError
            If there is none (TABLE_MISSING), or it cannot be read.
        """
        found = next((r for r in self.told["resources"] if isinstance(r, dict) and r.get("name") == name), None)
        path = found.get("path") if found else None
        if isinstance(path, list) and len(path) == 1:
            path = path[0]
        if not isinstance(path, str):
            problem = f"the package has no table {name!r} in one file of its own"
            raise InputError(problem, file=self.file, column="resources", code="TABLE_MISSING")
        opener = None if "://" in path or "\x00" in path or "\\" in path else self._open(path)
        if opener is None:
            problem = f"the file of table {name!r} does not stand beside the descriptor"
            raise InputError(problem, file=self.file, column="path", value=path, code="TABLE_MISSING")
        if path.endswith(".gz"):
            opener = archives.unpacked(opener, file=path)
        encoding = found.get("encoding") if found else None
        return delimited.read(
            opener, file=path, encoding=encoding if isinstance(encoding, str) else "utf-8", of_people=True,
            without_blank=True,
        )  # fmt: skip

    def text(self, *names: str) -> str | None:
        """Return the first of the descriptor's properties that is a text."""
        return next(
            (stated for name in names if isinstance(stated := self.told.get(name), str) and stated.strip()), None
        )

    def faults(self) -> Iterator[tuple[str, str | None, str]]:
        """Yield what the descriptor lacks or has wrong: property, value, and what would be right."""
        for name in _REQUIRED:
            entries = self._property_at(name)
            if entries is None:
                yield name, None, "the standard asks for it"
            elif name in _ONE_OF:
                values = entries if isinstance(entries, list) else [entries]
                for value in values:
                    if value not in _ONE_OF[name]:
                        yield name, str(value), f"one of {', '.join(_ONE_OF[name])}"
        if self.version is not None and self.version not in _KNOWN:
            yield "profile", self.version, f"one of {', '.join(_KNOWN)}; it is read as {VERSION}"

    def _property_at(self, path: str) -> Any:
        """Return a property by its path; None where it is not stated."""
        facts: Any = self.told
        for name in path.split("."):
            facts = facts.get(name) if isinstance(facts, dict) else None
        return facts


def open_package(path: Path) -> Package:
    """Open a package.

    Parameters
    ----------
    path : Path
        A `datapackage.json`, the folder that holds one, or a zip of such a folder.

    Returns
    -------
    Package

    Raises
    ------
    InputError
        If it is none, if its version is before 1.0 (VERSION_UNKNOWN), or see `archives.open_archive`.
    """
    if path.is_file() and _is_zip(path):
        archive = open_archive(path)
        if DESCRIPTOR not in archive.sizes:
            problem = f"there is no {DESCRIPTOR} in it"
            raise InputError(problem, file=path.name, expected="a Camtrap DP package", code="FILE_MISSING")
        content = read_document(archive, DESCRIPTOR, most=_MAX_DESCRIPTOR_BYTES)
        return _package(content, f"{path.name}/{DESCRIPTOR}", path.name, _in_archive(archive))
    descriptor = path / DESCRIPTOR if path.is_dir() else path
    if not descriptor.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(descriptor), expected="a Camtrap DP descriptor", code="FILE_MISSING")
    if descriptor.stat().st_size > _MAX_DESCRIPTOR_BYTES:
        problem = "the descriptor is too large"
        raise InputError(problem, file=descriptor.name, code="INPUT_TOO_LARGE")
    name = descriptor.parent.name or descriptor.name
    return _package(descriptor.read_bytes(), descriptor.name, name, _beside(descriptor.parent))


def _is_zip(path: Path) -> bool:
    """Return whether a file begins as a zip does."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _in_archive(archive: Archive) -> Callable[[str], Callable[[], BinaryIO] | None]:
    """Return what opens a member by its name; names are only compared."""
    return lambda name: (lambda: archive.open(name)) if name in archive.sizes else None


def _beside(folder: Path) -> Callable[[str], Callable[[], BinaryIO] | None]:
    """Return what opens a file that really stands in a folder, links followed."""

    def opener(name: str) -> Callable[[], BinaryIO] | None:
        path = folder / name
        inside = path.resolve().is_relative_to(folder.resolve())
        if Path(name).is_absolute() or not inside or not path.is_file():
            return None
        return lambda: path.open("rb")

    return opener


def _package(content: bytes, file: str, name: str, opener: Callable[[str], Callable[[], BinaryIO] | None]) -> Package:
    """Read a descriptor."""
    try:
        facts = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        problem = f"the descriptor is no JSON ({reason})"
        raise InputError(problem, file=file, code="DESCRIPTOR_INVALID") from error
    if not isinstance(facts, dict) or not isinstance(facts.get("resources"), list):
        problem = "the descriptor has no list of resources"
        raise InputError(problem, file=file, code="DESCRIPTOR_INVALID")
    profile = facts.get("profile")
    found = _TOLD_VERSION.search(profile) if isinstance(profile, str) and "camtrap" in profile else None
    version = found.group(1) if found else None
    if version is not None and not version.startswith("1."):
        problem = "packages of this version of Camtrap DP are not read"
        raise InputError(
            problem, file=file, column="profile", value=version, expected="1.0 or later", code="VERSION_UNKNOWN"
        )
    return Package(file, name, facts, version, opener)
