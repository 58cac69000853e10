"""Sharing rules as data: which taxon, where, when and in which dataset, and how coarse its place is published."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from biodata.errors import InputError
from biodata.places import BoundarySet
from biodata.sharing.labels import LabelSet
from biodata.sharing.names import Checklists
from biodata.sharing.plan import Plan
from biodata.sharing.resolve import Resolver, resolver
from biodata.sharing.rule import Assignment, Consent, Rule
from biodata.sharing.rule_lines import cells, read_consents, read_labels, read_rules, text_of

BUNDLED: Final = "sensitive_species.csv"
"""The list of sensitive species that is shipped."""
BOUND: Final = "rules of a country, place or dataset"
"""The name under which withheld records of such rules are counted together: their lists would tell where they are."""

_ANYWHERE: Final = frozenset(
    "rule_id category reason source source_kind owner scientific_name rank month_from month_to review_date".split()
)
"""What a rule may tell and still be one that holds everywhere; whatever is not named here may tell a place."""


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order of their names; the order in which they were given plays no part.

    Attributes
    ----------
    rules : tuple of Rule
    checklists : Checklists, optional
        The checklists of the installation, which tie names to listed taxa.
    scopes : mapping of str to str
        The taxon that a dataset declares to be about, by its key.
    consents : tuple of Consent
        Those that hold.
    areas : mapping of str to geometry
        The protected areas that rules name, degrees; one that is missing may be anywhere.
    plan : Plan, optional
        What goes out of the sensitive records; None where nobody looked at them together.
    labels : LabelSet
        The communities' labels that were put on datasets, events and records.
    floor : BoundarySet, optional
        Whose land and sea coarse places are worked out by, where that is another set than the present one: the one by
        which they were published first.
    closed : bool
        False only to count: then a name that is not known calls for no more than its genus does.
    """

    rules: tuple[Rule, ...]
    checklists: Checklists | None = field(default=None, compare=False)
    consents: tuple[Consent, ...] = ()
    areas: Mapping[str, BaseGeometry] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    plan: Plan | None = field(default=None, compare=False)
    labels: LabelSet = field(default_factory=LabelSet)
    floor: BoundarySet | None = field(default=None, compare=False)
    scopes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    closed: bool = True

    @property
    def resolver(self) -> Resolver:
        """What resolves names by these rules."""
        return resolver(self.rules, self.checklists, tuple(sorted(self.scopes.items())), closed=self.closed)

    def of_taxa_alone(self) -> "RuleSet":
        """Return the set without the rules of places smaller than a province, of datasets, publishers and labels."""
        narrow = ("polygon", "area_id", "dataset", "publishing_country", "label")
        return replace(self, rules=tuple(one for one in self.rules if not any(getattr(one, name) for name in narrow)))

    def knowing(self, taxa: pl.DataFrame) -> "RuleSet":
        """Return the set with checklists (`terms.TAXON`)."""
        return replace(self, checklists=Checklists.of(taxa))

    @classmethod
    def of(cls, rules: Iterable[Rule], consents: Iterable[Consent] = ()) -> "RuleSet":
        """Return the set of these rules.

        Raises
        ------
        ValueError
            If two of them have the same rule_id.
        """
        ordered = tuple(sorted(rules, key=lambda rule: rule.rule_id))
        for one, next_one in pairwise(ordered):
            if one.rule_id == next_one.rule_id:
                msg = f"two rules are called {one.rule_id!r}"
                raise ValueError(msg)
        return cls(ordered, consents=tuple(sorted(set(consents), key=str)))

    @classmethod
    def read(cls, path: Path | None, *, consents: Path | None = None, labels: Path | None = None) -> "RuleSet":
        """Read rules, consents and labels from CSV files, as they hold today.

        Parameters
        ----------
        path : Path, optional
            UTF-8, a heading with the columns of `COLUMNS`; those that are not required may be missing. None reads the
            list of sensitive species that is shipped.
        consents : Path, optional
            With the columns of `CONSENT_COLUMNS`.
        labels : Path, optional
            With the columns of `LABEL_COLUMNS`.

        Returns
        -------
        RuleSet

        Raises
        ------
        InputError
            If a file cannot be read as that, with file, row, column and value; nothing is taken from it then.
        """
        text = bundled_list() if path is None else text_of(path)
        found = cls.of(read_rules(text, file=BUNDLED if path is None else path.name))
        given = read_consents(text_of(consents), file=consents.name) if consents is not None else ()
        put = read_labels(text_of(labels), file=labels.name) if labels is not None else ()
        return found.on(datetime.now(tz=UTC).date(), consents=given, labels=put)

    def on(self, day: date, *, consents: Iterable[Consent], labels: Iterable[Assignment]) -> "RuleSet":
        """Return the set with those of some consents and labels that hold on a day."""
        holding = tuple(sorted({consent for consent in consents if consent.holds(day)}, key=str))
        return replace(self, consents=holding, labels=LabelSet.of(labels, day=day))

    def named(self, rule_id: str) -> Rule:
        """Return a rule by its name.

        Raises
        ------
        InputError
            If there is none.
        """
        for rule in self.rules:
            if rule.rule_id == rule_id:
                return rule
        problem, expected = "no sharing rule has this name", "one that `biodata rules list` tells"
        raise InputError(problem, column="rule_id", value=rule_id, expected=expected, code="RULE_UNKNOWN")

    def shape_of(self, rule: Rule) -> BaseGeometry | None:
        """Return the area of a rule, degrees; None where it has none, or one that is not known."""
        if rule.polygon is not None:
            return shapely.from_wkt(rule.polygon)
        return self.areas.get(rule.area_id) if rule.area_id is not None else None

    @property
    def hash(self) -> str:
        """SHA-256 of the rules, of the consents and labels that hold and of the datasets' scopes, the same for the same ones in any order."""
        return _digest(self.rules, self.consents, self.labels.assignments, tuple(sorted(self.scopes.items())))


@lru_cache(maxsize=16)
def _digest(
    rules: tuple[Rule, ...],
    consents: tuple[Consent, ...],
    assignments: tuple[Assignment, ...],
    scopes: tuple[tuple[str, str], ...],
) -> str:
    """Return the digest of what a set of rules holds; each set is written out once."""
    parts: list[Any] = [[asdict(rule) for rule in rules], [asdict(consent) for consent in consents]]
    if assignments:
        parts.append([cells(one) for one in assignments])
    if scopes:
        parts.append([dict(scopes)])
    text = json.dumps(parts, default=str, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def bundled_list() -> str:
    """Return the text of the list of sensitive species that is shipped."""
    return files("biodata.data").joinpath(BUNDLED).read_text("utf-8")


def list_of(rule: Rule) -> str:
    """Return the list that a withheld record of a rule is counted with."""
    bound = any(getattr(rule, f.name) is not None for f in fields(rule) if f.name not in _ANYWHERE)
    return BOUND if bound else rule.source or "no list"


def withheld_by_list(withheld: Mapping[str, int], rules: RuleSet) -> dict[str, int]:
    """Count withheld records by list.

    Parameters
    ----------
    withheld : mapping of rule_id to int
        Withheld records by the rule that decided.
    rules : RuleSet

    Returns
    -------
    dict of str to int
    """
    lists = {rule.rule_id: list_of(rule) for rule in rules.rules}
    found = Counter[str]()
    for rule_id, count in withheld.items():
        # A record can be withheld without a rule, where no cell keeps it apart.
        found[lists.get(rule_id, BOUND)] += count
    return dict(found)
