"""Camtrap DP's tables beside the standard's schemas: every cell that does not fit, with what would be right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import polars as pl


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
_READABLE: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$"
"""A time that means one moment, though the standard asks for a T and for whole seconds."""
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
    with files("biodata.data").joinpath("camtrapdp_fields.csv").open("rb") as file:
        rows = pl.read_csv(file, infer_schema=False).filter(pl.col("table") == table)
    return tuple(
        Field(
            row["field"],
            row["type"],
            row["required"] == "true",
            row["unique"] == "true",
            None if row["minimum"] is None else float(row["minimum"]),
            None if row["maximum"] is None else float(row["maximum"]),
            tuple(row["values"].split("|")) if row["values"] else (),
            row["pattern"],
            row["without"],
            row["refers_to"],
        )
        for row in rows.iter_rows(named=True)
    )


def moment(name: str) -> pl.Expr:
    """Return the time that a cell of type `datetime` tells, in UTC; null where it tells none."""
    whole = pl.col(name).str.replace(r"^(.{10}) ", "${1}T").str.replace(r"\.\d+(Z|[+-][\d:]+)$", "$1")
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
