"""Common names where a scientific one belongs: what they mean is proposed, and never taken."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from biodata.ingest.protocol import Finding
from biodata.matching.vernaculars import folded
from biodata.parsers.reference_list import reference_list
from biodata.sharing.names import CommonNames, meaning
from biodata.surveys.cell_checks import Rows

CODE: Final = "NAME_COMMON"
_COLUMNS: Final = ("scientificName", "verbatimScientificName")
_SAY_THE_SAME: Final = ("SCIENTIFIC_NAME_UNREADABLE", "TAXON_MATCH_NONE")


def told_instead(rows: Rows, findings: Sequence[Finding], names: CommonNames) -> Iterator[Finding]:
    """Return findings, with the common names among a table's scientific names told as such."""
    meant = cache(lambda text: _meant(text, names))
    left: dict[tuple[int | None, str | None], Finding] = {}
    cells = ((row, column, text) for row, own in rows.own.items() for column in _COLUMNS if (text := own.get(column)))
    for row, column, text in cells:
        proposal = meant(text)
        if proposal is not None:
            told = rows.finding(row, column, CODE, blocking=False, proposal=proposal)
            left[row, rows.table.heading(column)] = told
        elif column in rows.table.converted and not meaning(text, names):
            yield rows.finding(row, column, "TAXON_MATCH_NONE", blocking=False)
    for finding in findings:
        common = left.get((finding.row, finding.column))
        if common is None or finding.code not in _SAY_THE_SAME:
            yield finding
        elif finding.blocking:
            left[common.row, common.column] = replace(common, blocking=True)
    yield from left.values()


def _meant(text: str, names: CommonNames) -> str | None:
    """Return the taxa that a text means which is a common name and nothing else; None for a name in Latin."""
    taxa = meaning(text, names)
    first = (text.split() or [""])[0]
    is_genus = first == text and reference_list().group_ranks.get(first) == "GENUS"
    is_latin = is_genus or folded(text) in map(folded, taxa)
    return " / ".join(sorted(taxa)) if taxa and not is_latin else None
