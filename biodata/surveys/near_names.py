"""Species' names that are a slip away from one that is known here: told where no checklist says how names are spelt."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.ingest.protocol import Finding
from biodata.parsers.reference_list import reference_list
from biodata.surveys.cell_checks import Rows

CODE: Final = "NAME_NEARLY_ANOTHER"
_COLUMN: Final = "scientificName"
_OFTENER: Final = 3
"""A name of the table that stands so many times as often as another is taken for the one that was meant."""
_LONG: Final = 8
_LEAST: Final = 4  # letters of an epithet: in a shorter one another letter makes another name


def found(rows: Rows) -> Iterator[Finding]:
    """Find names of species that no list has, and that are a slip away from one that a list, or the table itself, has.

    A slip is a letter, or two that changed places; in an epithet of eight letters or more there may be two.
    """
    # Nothing is changed: a name that is right may be near another one.
    if _COLUMN not in rows.table.headings:
        return
    told = {row: species for row, own in rows.own.items() if (species := _species(own.get(_COLUMN))) is not None}
    counts = Counter(told.values())
    listed = set(reference_list().look_up(pl.Series(list(counts), dtype=pl.String))["name"])
    unknown = counts.keys() - listed
    if not unknown:
        return
    known = sorted({*reference_list().namesakes(unknown), *counts})
    meant = {name: near for name in unknown if (near := _nearest(name, known, counts, listed)) is not None}
    for row, species in told.items():
        if species in meant:
            yield rows.finding(row, _COLUMN, CODE, blocking=False, proposal=meant[species])


def _nearest(name: str, known: Sequence[str], counts: Mapping[str, int], listed: Collection[str]) -> str | None:
    """Return the one known name that is nearest; one that only the table has counts where it stands often enough."""
    slips = 2 if len(name.rpartition(" ")[2]) >= _LONG else 1
    alike = process.extract(name, known, scorer=OSA.distance, score_cutoff=slips, limit=None)
    able = [
        (distance, other)
        for other, distance, _ in alike
        if distance and (other not in counts or other in listed or counts[other] >= _OFTENER * counts[name])
    ]
    nearest = [other for distance, other in able if distance == min(able)[0]]
    return nearest[0] if len(nearest) == 1 else None


def _species(text: str | None) -> str | None:
    """Return genus and epithet of a name; None of what has none."""
    words = (text or "").split()[:2]
    if len(words) < 2 or len(words[1]) < _LEAST or not (words[0].isalpha() and words[1].isalpha()):
        return None
    return " ".join(words) if words[0].istitle() and words[1].islower() else None
