"""Names of taxa: common ones where a scientific one belongs, and species that are a slip away from one that is known here.

What they mean is proposed, and never taken: a name that is right may be near another one.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.ingest.protocol import Finding
from biodata.sharing.names import CommonNames, meaning
from biodata.surveys.cell_checks import Rows
from biodata.text.reference_list import reference_list
from biodata.text.vernaculars import folded

_NAME: Final = "scientificName"
_SAY_THE_SAME: Final = ("SCIENTIFIC_NAME_UNREADABLE", "TAXON_MATCH_NONE")
_OFTENER: Final = 3  # a name of the table that stands so many times as often as another is the one that was meant
_LONG: Final = 8
_LEAST: Final = 4  # letters of an epithet: in a shorter one another letter makes another name


def common(rows: Rows, findings: Sequence[Finding], names: CommonNames) -> Iterator[Finding]:
    """Return findings, with the common names among a table's scientific names told as such."""
    meant = cache(lambda text: _meant(text, names))
    left: dict[tuple[int | None, str | None], Finding] = {}
    columns = (_NAME, "verbatimScientificName")
    cells = [(row, name, text) for row, own in rows.own.items() for name in columns if (text := own.get(name))]
    for row, column, text in cells:
        proposal = meant(text)
        if proposal is not None:
            left[row, rows.table.heading(column)] = rows.finding(row, column, "NAME_COMMON", proposal=proposal)
        elif column in rows.table.converted and not meaning(text, names):
            yield rows.finding(row, column, "TAXON_MATCH_NONE")
    for finding in findings:
        told = left.get((finding.row, finding.column))
        if told is None or finding.code not in _SAY_THE_SAME:
            yield finding
        elif finding.blocking:
            left[told.row, told.column] = replace(told, blocking=True)
    yield from left.values()


def _meant(text: str, names: CommonNames) -> str | None:
    """Return the taxa that a text means which is a common name and nothing else; None for a name in Latin."""
    taxa, first = meaning(text, names), (text.split() or [""])[0]
    is_genus = first == text and reference_list().group_ranks.get(first) == "GENUS"
    is_latin = is_genus or folded(text) in map(folded, taxa)
    return " / ".join(sorted(taxa)) if taxa and not is_latin else None


def near(rows: Rows) -> Iterator[Finding]:
    """Find names of species that no list has, and that are a slip away from one that a list, or the table itself, has.

    A slip is a letter, or two that changed places; in an epithet of eight letters or more there may be two.
    """
    if _NAME not in rows.table.headings:
        return
    told = {row: species for row, text in rows.cells(_NAME).items() if (species := _species(text)) is not None}
    counts = Counter(told.values())
    listed = set(reference_list().look_up(pl.Series(list(counts), dtype=pl.String))["name"])
    unknown = counts.keys() - listed
    known = sorted({*reference_list().namesakes(unknown), *counts}) if unknown else []
    meant = {name: nearest for name in unknown if (nearest := _nearest(name, known, counts, listed)) is not None}
    for row, species in told.items():
        if species in meant:
            yield rows.finding(row, _NAME, "NAME_NEARLY_ANOTHER", proposal=meant[species])


def _nearest(name: str, known: Sequence[str], counts: Mapping[str, int], listed: Collection[str]) -> str | None:
    """Return the one known name that is nearest; one that only the table has counts where it stands often enough."""
    slips = 2 if len(name.rpartition(" ")[2]) >= _LONG else 1
    able = [
        (distance, other)
        for other, distance, _ in process.extract(name, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
        if distance and (other not in counts or other in listed or counts[other] >= _OFTENER * counts[name])
    ]
    nearest = [other for distance, other in able if distance == min(able)[0]]
    return nearest[0] if len(nearest) == 1 else None


def _species(text: str) -> str | None:
    words = text.split()[:2]
    if len(words) < 2 or len(words[1]) < _LEAST or not (words[0].isalpha() and words[1].isalpha()):
        return None
    return " ".join(words) if words[0].istitle() and words[1].islower() else None
