"""Species' names that are a slip away from one that is known here: told where no checklist says how names are spelt."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.ingest.protocol import Finding
from biodata.sharing.names import CommonNames
from biodata.surveys.cell_checks import Rows

CODE: Final = "NAME_NEARLY_ANOTHER"
_COLUMN: Final = "scientificName"
_OFTENER: Final = 3
"""A name of the table that stands so many times as often as another is taken for the one that was meant."""
_LEAST: Final = 4  # letters of an epithet: in a shorter one another letter makes another name


def found(rows: Rows, names: CommonNames) -> Iterator[Finding]:
    """Tell names of species that differ from a known one by one letter, or by two that changed places."""
    # Nothing is changed: a name that is right may be near another one.
    if _COLUMN not in rows.table.headings:
        return
    told = {row: species for row, own in rows.own.items() if (species := _species(own.get(_COLUMN))) is not None}
    counts = Counter(told.values())
    bundled = {taxon for taxa in names.values() for taxon in taxa if _species(taxon) == taxon}
    known, meant = sorted(bundled | set(counts)), {}
    for name in counts.keys() - bundled:
        alike = process.extract(name, known, scorer=OSA.distance, score_cutoff=1, limit=None)
        near = [
            other
            for other, distance, _ in alike
            if distance == 1 and (other in bundled or counts[other] >= _OFTENER * counts[name])
        ]
        if len(near) == 1:
            meant[name] = near[0]
    for row, species in told.items():
        if species in meant:
            yield rows.finding(row, _COLUMN, CODE, blocking=False, proposal=meant[species])


def _species(text: str | None) -> str | None:
    """Return genus and epithet of a name; None of what has none."""
    words = (text or "").split()[:2]
    if len(words) < 2 or len(words[1]) < _LEAST or not (words[0].isalpha() and words[1].isalpha()):
        return None
    return " ".join(words) if words[0].istitle() and words[1].islower() else None
