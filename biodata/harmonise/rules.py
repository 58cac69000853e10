"""Every rule by which a value is read, filled in, repaired or doubted: its version, and what it does in one sentence.

A rule whose answers change gets the next version in `rules.csv`; each ingest keeps the versions of its day with what it commits, so
that a record states by which version it was interpreted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from biodata.text.tables import read_rows

SEPARATOR: Final = "+"
"""Between the names of rules that were needed together: `day_first+buddhist_era`."""
DETAIL: Final = ": "
"""Between a rule and what it did this time: `datum_transform: EPSG:4240, …`."""


class Kind(StrEnum):
    """What a rule does to a value."""

    READ = "read"
    """Reads what is written: the value means the same."""
    FILL = "filled"
    """Takes the value from somewhere else where its own term is empty."""
    REPAIR = "repaired"
    """Changes what was stated."""
    CHECK = "checked"
    """Only looks, and sets flags."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes
    ----------
    name : str
        As it stands in `repairs`.
    kind : Kind
        What it does to a value.
    meaning : str
        One sentence for a field biologist.
    source : str
        Where it comes from: a standard, a library, or biodata itself.
    version : int
        Counts up when its answers change.
    """

    name: str
    kind: Kind
    meaning: str
    source: str
    version: int = 1


_ROWS: Final = read_rows("rules.csv")
RULES: Final = MappingProxyType(
    {
        row["name"]: Rule(row["name"], Kind(row["kind"]), row["meaning"], row["source"], int(row["version"]))
        for row in _ROWS
    }
)
"""Every rule by its name; a rule that is not here may not be noted."""


def split(text: str) -> tuple[list[str], str | None]:
    """Take apart what stands in a repair's `rule`.

    Parameters
    ----------
    text : str
        Names with `SEPARATOR` between them, and maybe `DETAIL` and what was done this time.

    Returns
    -------
    names : list of str
        In their order; none for an empty text.
    detail : str or None
        What was done this time.
    """
    names, _, detail = text.partition(DETAIL)
    return [name for name in names.split(SEPARATOR) if name], detail or None


def check(texts: Iterable[str | None]) -> None:
    """See that all rules of repairs are known.

    Raises
    ------
    KeyError
        If `RULES` does not have one.
    """
    for text in texts:
        for name in split(text or "")[0]:
            RULES[name]


def versions() -> dict[str, int]:
    """Return the version of every rule today: what is kept with a commit."""
    return {rule.name: rule.version for rule in RULES.values()}


# From which terms each interpreted value is read, by which rule; and by which rule each doubt is found.


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which an interpreted column gets its value.

    Attributes
    ----------
    rule : str
        A name of `rules.RULES`.
    terms : tuple of str
        The verbatim terms that are read, any of them.
    columns : tuple of str
        The interpreted columns that it is worked out from; a way without either is an assumption.
    """

    rule: str
    terms: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


ADMINISTRATION: Final = frozenset(
    {
        "key", "datasetKey", "dataset_part", "source_record_id", "source_file", "source_row", "quality_flags",
        "repairs", "node", "shared_as", "stated_taxon",
    }
)  # fmt: skip
"""Columns that say where a record came from, what it states and what we think of it: they interpret no value."""


def _ways() -> dict[str, tuple[Way, ...]]:
    """Return the ways of `readers.csv` by interpreted column."""
    ways: dict[str, list[Way]] = {}
    for row in read_rows("readers.csv"):
        terms, columns = (tuple(filter(None, row[name].split("|"))) for name in ("terms", "columns"))
        ways.setdefault(row["column"], []).append(Way(RULES[row["rule"]].name, terms, columns))
    return {column: tuple(each) for column, each in ways.items()}


READERS: Final = MappingProxyType(_ways())
"""For each interpreted column the ways in which it gets its value, the first that has something to read decides."""

CHECKS: Final = MappingProxyType({flag: row["name"] for row in _ROWS for flag in row["flags"].split("|") if flag})
"""The rule by which each flag of a record is found."""
