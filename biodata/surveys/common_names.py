"""Common names where a scientific one belongs: what they mean is proposed, and never taken."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
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
    """Return findings, with the common names among a table's scientific names told as such.

    Parameters
    ----------
    rows : Rows
        Records.
    findings : sequence of Finding
        What is doubted of their cells; that a common name is unreadable, or in no checklist, is told by its meaning.
    names : CommonNames
        The bundled ones, and those of the checklists that are loaded.
    """
    meant: dict[str, str | None] = {}
    left: dict[tuple[int | None, str | None], Finding] = {}
    for row, own in rows.own.items():
        for column in _COLUMNS:
            text = own.get(column)
            if text is None:
                continue
            if text not in meant:
                meant[text] = _meant(text, names)
            proposal = meant[text]
            if proposal is None and column in rows.table.converted and not meaning(text, names):
                yield rows.finding(row, column, "TAXON_MATCH_NONE", blocking=False)
            if proposal is not None:
                left[row, rows.table.heading(column)] = rows.finding(
                    row, column, CODE, blocking=False, proposal=proposal
                )
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
    first = text.split()[0] if text.split() else ""
    if (
        not taxa
        or folded(text) in {folded(taxon) for taxon in taxa}
        or (first == text and reference_list().group_ranks.get(first) == "GENUS")
    ):
        return None
    return " / ".join(sorted(taxa))
