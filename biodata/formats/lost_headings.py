"""Lines that stand where a description says that the headings are, and tell a record; headings where it says that there are none.

Headings may be in any language, so a line is a record only by what it shows: none of its cells is the name of a term, and
one of them is written as the cells below it are, figure for figure, or is a number or a date as no heading is. Of a line with
nothing below it any figure shows it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from biodata.errors import Refusal
from biodata.formats.fields import Record
from biodata.formats.xml import local_term

CODE: Final = "HEADING_LOST"
NOT_TOLD: Final = "HEADING_ROW_REPEATED"
_NAMES: Final = frozenset("id coreid gbifid occurrenceid eventid taxonid scientificname eventdate".split())
"""Headings of nearly every archive, whatever its description names."""
_FIGURES: Final = re.compile(r"[+-]?\d[\d.,:/+\-TZ ]*")
_FEWEST: Final = 2  # columns whose names a line has to tell before it is headings: of a single one it may be a word
_DIGITS: Final = re.compile(r"\d+")
_SIGNS: Final = re.compile(r"[^\w]|_")


def lost(skipped: Sequence[Record], seen: Sequence[Record], terms: Collection[str], *, file: str) -> list[Refusal]:
    """Return a refusal for each skipped line that is a record."""
    known = _NAMES | {_bare(term) for term in terms}
    lines = [[value.decode().strip() for value in record.values] for record in skipped]
    if any(_bare(cell.rpartition(":")[2]) in known for line in lines for cell in line):
        return []
    below = [[_DIGITS.sub("0", value.decode().strip()) for value in record.values] for record in seen]
    message = (
        "this line is passed over as the file's headings, and it tells a record; its headings are lost; "
        'ignoreHeaderLines should be "0", or the headings put back'
    )
    rows = [record.row for record, line in zip(skipped, lines, strict=True) if _is_record(line, below)]
    return [Refusal(file, row, None, None, CODE, message) for row in rows]


def not_told(seen: Sequence[Record], names: Mapping[int, str], *, file: str) -> list[Refusal]:
    """Return a refusal for a first record whose cells are the names of its columns, and nothing else; none where it is a record."""
    cells = dict(enumerate(value.decode().strip() for value in seen[0].values)) if seen else {}
    if len(names) < _FEWEST or any(_bare(cells.get(at, "")) != _bare(term) for at, term in names.items()):
        return []
    problem = (
        'this line is the headings, though ignoreHeaderLines in meta.xml says that there are none: it should be "1"'
    )
    return [Refusal(file, seen[0].row, None, None, NOT_TOLD, problem)]


def _is_record(line: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether a line is written as the records below it."""
    if not below:
        return any(_DIGITS.search(cell) for cell in line)
    columns = [{row[at] for row in below if at < len(row)} for at in range(len(line))]
    return any(
        cell != "" and (_FIGURES.fullmatch(cell) is not None or _DIGITS.sub("0", cell) in told)
        for cell, told in zip(line, columns, strict=True)
    )


def _bare(name: str) -> str:
    """Return the letters and digits of a term's name, small."""
    return _SIGNS.sub("", local_term(name)).lower()
