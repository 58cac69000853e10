"""Species' names that are a slip away from one that is known here: told where no checklist says how names are spelt."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from rapidfuzz.distance import OSA

from biodata.ingest.protocol import Finding
from biodata.sharing.names import CommonNames, looked_up
from biodata.surveys.cell_checks import Rows

CODE: Final = "NAME_NEARLY_ANOTHER"
_COLUMN: Final = "scientificName"
_OFTENER: Final = 3
"""A name of the table that stands so many times as often as another is taken for the one that was meant."""

_LEAST: Final = 4
"""Letters of an epithet: in a shorter one another letter makes another name."""


def found(rows: Rows, names: CommonNames) -> Iterator[Finding]:
    """Tell names of species that differ from a known one by one letter, or by two that changed places.

    Parameters
    ----------
    rows : Rows
        Records.
    names : CommonNames
        The species that they mean are known.

    Notes
    -----
    Nothing is changed: a name that is right may be near another one. What the reference list has is right; beside what is
    bundled, a name that the table has at least three times as often as another is known.
    """
    if _COLUMN not in rows.table.headings:
        return
    told = {row: own[_COLUMN] for row, own in rows.own.items() if own.get(_COLUMN) is not None}
    counts = Counter(species for text in told.values() if (species := _species(text)) is not None)
    unknown = counts.keys() - looked_up(counts).keys()
    if not unknown:
        return
    bundled = {taxon for taxa in names.values() for taxon in taxa if _species(taxon) == taxon}
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for name in bundled | set(counts):
        for word in name.split():  # two names that are a slip apart share genus or epithet
            alike[word].add(name)
    meant = {name: near for name in unknown - bundled if (near := _near(name, bundled, counts, alike)) is not None}
    for row, text in told.items():
        near = meant.get(_species(text) or "")
        if near is not None:
            yield rows.finding(row, _COLUMN, CODE, blocking=False, proposal=near)


def _species(text: str) -> str | None:
    """Return genus and epithet of a name; None of what has none."""
    words = text.split()[:2]
    if len(words) < 2 or len(words[1]) < _LEAST or not (words[0].isalpha() and words[1].isalpha()):
        return None
    return " ".join(words) if words[0].istitle() and words[1].islower() else None


def _near(name: str, bundled: set[str], counts: Mapping[str, int], alike: Mapping[str, Collection[str]]) -> str | None:
    """Return the known name that another one is a slip away from; None where there is none, or several."""
    others = {other for word in name.split() for other in alike[word]} - {name}
    known = (other for other in others if other in bundled or counts.get(other, 0) >= _OFTENER * counts[name])
    close = [other for other in known if OSA.distance(name, other, score_cutoff=1) == 1]
    return close[0] if len(close) == 1 else None
