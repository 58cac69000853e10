"""Cross-tables: counts of each species at each station, which are read as records, one a filled cell."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from biodata.ingest.headings import CERTAIN, Proposal, Why
from biodata.ingest.headings.deciding import are_names
from biodata.ingest.sheet_headings import NAMES_OF_TAXA
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.sheet_words import is_total
from biodata.parsers.numerals import ascii_digits

_FEWEST: Final = 3
_EMPTY: Final = 0.1
"""So many cells of a cross-table whose stations are told nowhere else are empty or 0 at least: hardly any species is everywhere."""
_CODE: Final = re.compile(r"(\D{0,20}?)[\s_.-]*\d{1,4}[A-Za-z]?")
_TALLY: Final = re.compile(r"\d{1,6}(?:\.0)?|[xX+✓√?-]|[xX]\?|-\d+")
_COUNTS: Final = ("individualCount", "organismQuantity")


@dataclass(frozen=True)
class Cross:
    """The columns of a cross-table, and the term that their headings are values of: `locationID` or `scientificName`."""

    columns: list[Column]
    term: str


def cross_of(
    layout: Layout, names: Mapping[int, str], proposals: Mapping[int, Proposal], stations: Collection[str]
) -> Cross | None:
    """Return how a sheet is a cross-table; None where it is none.

    Parameters
    ----------
    layout : Layout
        The sheet.
    names, proposals : mapping
        As of `sheet_headings.names_of`.
    stations : collection of str
        What stands in the first columns of the other sheets: headings that stand there are stations.
    """
    if set(_COUNTS) & set(names.values()):
        return None
    open_ones = [
        column for column in layout.columns
        if names[column.index] == column.heading and proposals[column.index].unit is None and not is_total(column.heading)
        and (proposals[column.index].confidence <= CERTAIN or proposals[column.index].term is not None)
    ]  # fmt: skip
    tallies = [column for column in open_ones if _is_tally([row[column.index] for _, row in layout.rows if column.index < len(row)])]
    named = set(NAMES_OF_TAXA) & set(names.values())
    headings = [column.heading.strip() for column in tallies]
    if len(tallies) < _FEWEST:
        return None
    if not named:
        return Cross(tallies, "scientificName") if are_names(headings) else None
    cells = [row[c.index] if c.index < len(row) else None for _, row in layout.rows for c in tallies]
    codes = [_CODE.fullmatch(ascii_digits(heading)) for heading in headings]
    alike = all(codes) and len({match[1] for match in codes if match}) == 1
    sparse = sum(cell in (None, "0") for cell in cells) >= _EMPTY * len(cells)
    return Cross(tallies, "locationID") if set(headings) <= set(stations) or (alike and sparse) else None


def _is_tally(cells: list[str | None]) -> bool:
    """Tell whether a column holds small numbers and signs, and whatever else hardly."""
    told = [ascii_digits(cell.strip()) for cell in cells if cell and cell.strip()]
    return bool(told) and sum(_TALLY.fullmatch(cell) is not None for cell in told) >= max(1, len(told) - 1)


def tables_of(
    cross: Cross, layout: Layout, names: Mapping[int, str], proposals: Mapping[int, Proposal]
) -> list[tuple[Layout, dict[int, str], dict[int, Proposal]]]:
    """Return each column of a cross-table as a sheet of its own: its filled rows, its cells as counts."""
    crossed = {column.index for column in cross.columns}
    rest = [column for column in layout.columns if column.index not in crossed]
    parts = []
    for column in cross.columns:
        rows = [(number, cells) for number, cells in layout.rows if column.index < len(cells) and cells[column.index] is not None]
        count = Proposal(column.heading, "individualCount", 1.0, None, Why.KEPT)
        parts.append((
            replace(layout, columns=[*rest, column], rows=rows, findings=[]),
            {**{c.index: names[c.index] for c in rest}, column.index: "individualCount"},
            {**{c.index: proposals[c.index] for c in rest}, column.index: count},
        ))  # fmt: skip
    return parts
