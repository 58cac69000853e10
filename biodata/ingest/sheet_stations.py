"""Stations told column by column: the first column has the headings, every other is a station; such a block is turned."""

import re
from dataclasses import replace
from itertools import pairwise, takewhile
from typing import Final, NamedTuple

from biodata.formats.workbooks import Grid
from biodata.ingest.headings import propose
from biodata.ingest.headings.deciding import NAMES_OF_TAXA, are_names
from biodata.ingest.sheet_headings import is_known
from biodata.ingest.sheet_layout import Cells
from biodata.ingest.survey_shapes import TURNED
from biodata.text.numbers import ascii_digits

_LOOKED_AT: Final = 40
_PLACES: Final = frozenset("decimalLatitude decimalLongitude verbatimCoordinates easting northing".split())
_TOLD: Final = _PLACES.union(
    """eventDate deploymentStart deploymentEnd minimumElevationInMeters sampleSizeValue utm_zone geodeticDatum locality habitat
    eventTime recordedBy""".split()
)
_LIKELY: Final = 0.6
_CODE: Final = re.compile(r"[^\W\d]{1,6}[-_ .]?\d{1,3}[A-Za-z]?")


class Block(NamedTuple):
    """A turned block, what stands beside it on the sheet, and where its cells stood: headings by row, stations by column."""

    stations: Grid
    rest: Grid | None
    labels: dict[str, int]
    codes: dict[int, str]


def block_of(grid: Grid) -> Block | None:
    """Return the stations of a sheet that tells them column by column, a row above or the headings of a table naming them."""
    filled = [(number, cells) for number, cells in grid.rows if any(cells)]
    terms = [_term(cells) for _, cells in filled[:_LOOKED_AT]]
    begin = next((at for at, (one, below) in enumerate(pairwise(terms)) if at and one and below), 0)
    end = begin + len(list(takewhile(bool, terms[begin:])))
    if not begin or not _PLACES & set(terms[begin:end]):
        return None
    first = next(at for at, cell in enumerate(filled[begin][1]) if cell)
    number, header = filled[begin - 1]
    codes = {at: cell.strip() for at, cell in enumerate(header) if cell and at > first}
    if len(codes) < 2 or len(set(codes.values())) < len(codes) or _known(header) > 1:
        return None
    block, rest = filled[begin - 1 : end], [*filled[: begin - 1], *filled[end:]]
    after = [cells for _, cells in filled[end:]]
    if not any(_known(cells) > 1 for cells in after):
        # What follows has the row of stations as its headings, or is of them.
        names = [cells[first] or "" for cells in after if len(cells) > first]
        if after and _is_of_taxa(header[first], names):  # the headings of a table, which name the stations
            block[0] = number, [*header[:first], "locationID", *header[first + 1 :]]
            rest = [*filled[: begin - 1], (number, header), *filled[end:]]
        else:
            block, rest = filled[begin - 1 :], []
    labels = {(cells[first] or "").strip(): row for row, cells in block}
    rows = [(TURNED + at, [cells[at] if at < len(cells) else None for _, cells in block]) for at in (first, *codes)]
    other = replace(grid, rows=rest) if rest else None
    return Block(replace(grid, rows=rows, merges=[], marks=type(grid.marks)()), other, labels, codes)


def _term(cells: Cells) -> str | None:
    """Return the term of a station that a row tells of two at least, by its first cell; None for any other row."""
    told = [cell for cell in cells if cell]
    if len(told) < 3 or not is_known(told[0].strip()) or _known(cells) > 1:
        return None
    if all(_CODE.fullmatch(cell.strip()) for cell in told[1:]):
        return None
    (one,) = propose([told[0]], cells={told[0]: told[1:]})
    term = next((term for term in (one.term, *one.others) if term in _TOLD), None)
    digits = sum(any(sign.isdigit() for sign in ascii_digits(cell)) for cell in told[1:])
    return term if one.confidence >= _LIKELY and (term not in _PLACES or digits > len(told[1:]) / 2) else None


def _is_of_taxa(heading: str | None, names: list[str]) -> bool:
    """Tell whether a column is of taxa, by its heading or by what stands in it."""
    (one,) = propose([heading or ""])
    return not set(NAMES_OF_TAXA).isdisjoint((one.term, *one.others)) or are_names(names)


def _known(cells: Cells) -> int:
    """Return how many cells of a row the dictionary has as headings."""
    return sum(is_known(cell.strip()) for cell in cells if cell)
