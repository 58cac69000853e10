"""Sharing rules as data: which taxon, where, when and in which dataset, and how coarse its place is published."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from biodata.errors import InputError
from biodata.places import BoundarySet
from biodata.sharing.label_files import NAME as LABELS_NAME
from biodata.sharing.label_files import LabelSet, cells
from biodata.sharing.plan import Plan
from biodata.sharing.resolve import Checklists, Resolver, resolver
from biodata.sharing.rule import Consent, Rule
from biodata.sharing.rule_lines import (
    COLUMNS,
    CONSENT_COLUMNS,
    CONSENT_REQUIRED,
    REQUIRED,
    Line,
    check_heading,
    text_of,
)


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
    """

    rules: tuple[Rule, ...]
    checklists: Checklists | None = field(default=None, compare=False)
    consents: tuple[Consent, ...] = ()
    areas: Mapping[str, BaseGeometry] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    plan: Plan | None = field(default=None, compare=False)
    labels: LabelSet = field(default_factory=LabelSet)
    floor: BoundarySet | None = field(default=None, compare=False)
    scopes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)

    @property
    def resolver(self) -> Resolver:
        """What resolves names by these rules."""
        return resolver(self.rules, self.checklists, tuple(sorted(self.scopes.items())))

    def of_taxa_alone(self) -> "RuleSet":
        """Return the set without the rules of places smaller than a province, of datasets, publishers and labels."""
        narrow = ("polygon", "area_id", "dataset", "publishing_country", "label")
        return replace(self, rules=tuple(one for one in self.rules if not any(getattr(one, name) for name in narrow)))

    def knowing(self, taxa: pl.DataFrame) -> "RuleSet":
        """Return the set with checklists (`terms.TAXON`)."""
        return replace(self, checklists=Checklists(taxa) if taxa.height else None)

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
    def read(cls, path: Path | None, *, beside: bool = True) -> "RuleSet":
        """Read rules from a CSV file, and the consents that stand beside it.

        Parameters
        ----------
        path : Path, optional
            UTF-8, a heading with the columns of `COLUMNS`; those that are not required may be missing. None, and a path
            where only labels or consents are beside it, reads the bundled list of sensitive species. Consents that hold today come from
            `sharing_consents.csv` in its folder, with the columns of `CONSENT_COLUMNS`, labels from `sharing_labels.csv`.
        beside : bool
            False leaves consents and labels out, which the service may not read: enough for names and lists of rules.

        Returns
        -------
        RuleSet

        Raises
        ------
        InputError
            If a file cannot be read as that, with file, row, column and value; nothing is taken from it then.
        """
        if path is None or (not path.exists() and any(file.exists() for file in rule_files(path)[1:])):
            name, text = (
                "sensitive_species.csv",
                files("biodata.data").joinpath("sensitive_species.csv").read_text("utf-8"),
            )
        else:
            name, text = path.name, text_of(path)
        rules: dict[str, Rule] = {}
        for line in _lines(name, text, COLUMNS, REQUIRED):
            rule = line.rule()
            if rule.rule_id in rules:
                problem = "another rule of the file has this name"
                raise InputError(
                    problem, file=name, row=line.number, column="rule_id", value=rule.rule_id, code="RULES_INVALID"
                )
            rules[rule.rule_id] = rule
        found = cls.of(rules.values())
        return replace(found, consents=_consents(path), labels=LabelSet.read(path)) if beside else found

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

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the rules, of the consents and labels that hold and of the datasets' scopes, the same for the same ones in any order."""
        told = [[asdict(rule) for rule in self.rules], [asdict(consent) for consent in self.consents]]
        if self.labels.assignments:
            told.append(cells(self.labels.assignments))
        if self.scopes:
            told.append([dict(self.scopes)])
        text = json.dumps(told, default=str, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def rule_files(path: Path | None) -> tuple[Path, ...]:
    """Return the file of rules, and those of consents and labels beside it; nothing without a folder of one's own."""
    return () if path is None else (path, path.with_name("sharing_consents.csv"), path.with_name(LABELS_NAME))


def _consents(rules_file: Path | None) -> tuple[Consent, ...]:
    """Return the consents beside a file of rules that hold today."""
    path = None if rules_file is None else rule_files(rules_file)[1]
    if path is None or not path.exists():
        return ()
    lines = _lines(path.name, text_of(path), CONSENT_COLUMNS, CONSENT_REQUIRED)
    today = datetime.now(tz=UTC).date()
    return tuple(sorted({c for c in (line.consent() for line in lines) if c.holds(today)}, key=str))


def _lines(name: str, text: str, columns: tuple[str, ...], required: tuple[str, ...]) -> list[Line]:
    """Return the lines of a CSV file."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(str(error), file=name, row=reader.line_num, code="RULES_INVALID") from error
    check_heading(list(reader.fieldnames or []), name, columns, required)
    return [Line(name, number, row) for number, row in rows]
