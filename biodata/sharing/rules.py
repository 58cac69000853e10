"""Sharing rules as data: which taxon, where, when and in which dataset, and how coarse its place is published."""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

import polars as pl
import pycountry
import shapely
from shapely.geometry.base import BaseGeometry

from biodata.core.errors import InputError
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.labels import LabelSet, label_called, labels
from biodata.sharing.names import Checklists
from biodata.sharing.plan import Plan
from biodata.sharing.resolve import Resolver, resolver
from biodata.sharing.rule import Assignment, Consent, Rule, SourceKind

COLUMNS: Final = tuple(
    """
    rule_id source scientificName rank country_code province_code dataset month_from month_to category reason review_date
    source_kind owner publishing_country area_id polygon label
    """.split()
)
REQUIRED: Final = ("rule_id", "category", "reason")
CONSENT_COLUMNS: Final = tuple(field.name for field in fields(Consent))
CONSENT_REQUIRED: Final = CONSENT_COLUMNS[:4]
LABEL_COLUMNS: Final = tuple(field.name for field in fields(Assignment))
LONGEST_POLYGON: Final = 100_000
"""Letters; a longer one is a protected area of the lake, and named by its area_id."""
RANKS: Final = "KINGDOM PHYLUM CLASS ORDER FAMILY GENUS SPECIES SUBSPECIES VARIETY FORM".split()
_CALLED: Final = {"scientific_name": "scientificName"}
"""Attributes of a rule that its file calls otherwise."""


class _Form(NamedTuple):
    """The form of a column's values: `read` gives None for a text that is none, and the others say so."""

    read: Callable[[str], object]
    problem: str
    expected: str


def _one_of(known: Iterable[str]) -> _Form:
    by_text = {str(one): one for one in known}
    return _Form(by_text.get, "this value is not known", f"one of {', '.join(by_text)}")


def _country(text: str) -> str | None:
    return text if text == text.upper() and pycountry.countries.get(alpha_2=text) is not None else None


def _matching(pattern: str, kind: Callable[[str], object] = str) -> Callable[[str], object]:
    return lambda text: kind(text) if re.fullmatch(pattern, text) else None


def _polygon(text: str) -> str | None:
    shape = shapely.from_wkt(text, on_invalid="ignore") if len(text) <= LONGEST_POLYGON else None
    if shape is None or shape.geom_type not in {"Polygon", "MultiPolygon"}:
        return None
    in_degrees = shapely.box(-180, -90, 180, 90).covers(shape)  # else the axes are swapped
    return text if shape.is_valid and not shape.is_empty and in_degrees else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_IS_COUNTRY: Final = _Form(_country, "no such country", "an ISO 3166-1 alpha-2 code, as LA")
_IS_MONTH: Final = _Form(_matching("0*([1-9]|1[0-2])", int), "no month", "a number from 1 to 12")
_IS_DAY: Final = _Form(_day, "no date", "a day as 2027-01-31")
_FORMS: Final[Mapping[str, _Form]] = {
    "rank": _one_of(RANKS),
    "category": _one_of(SharingCategory),
    "source_kind": _one_of(SourceKind),
    "province_code": _Form(
        _matching("[A-Z]{2}-[A-Z0-9]{1,3}"), "no code of a division", "an ISO 3166-2 code, as CN-YN"
    ),
    "polygon": _Form(_polygon, "no polygon", "valid WKT in degrees, longitude first, POLYGON ((101 21, …))"),
    "label": _Form(label_called, "no label of Local Contexts", f"one of {', '.join(labels())}"),
    "key": _Form(_matching("[0-9]+", int), "no number of a record", "digits"),
    **dict.fromkeys(("country_code", "publishing_country"), _IS_COUNTRY),
    **dict.fromkeys(("month_from", "month_to"), _IS_MONTH),
    **dict.fromkeys(("review_date", "given_on", "valid_until"), _IS_DAY),
}
"""Of columns whose values are not any text."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a file, on its way to what it tells; `code` is that of its faults."""

    row: Mapping[Any, Any]
    code: str = "RULES_INVALID"
    file: str | None = None
    number: int | None = None

    def refuse(self, problem: str, column: str | None = None, expected: str | None = None) -> NoReturn:
        """Raise the error that names the place in the file, and the value there."""
        value = None if column is None else self.text(column) or ""
        raise InputError(
            problem, file=self.file, row=self.number, column=column, value=value, expected=expected, code=self.code
        )

    def text(self, column: str) -> str | None:
        """Return a value without outer blanks; None where there is none."""
        value = self.row.get(column)
        return (value.strip() or None) if isinstance(value, str) else None

    def value(self, column: str) -> Any:
        """Return a value as its column has it."""
        text, form = self.text(column), _FORMS.get(column)
        if text is None or form is None:
            return text
        value = form.read(text)
        return self.refuse(form.problem, column, form.expected) if value is None else value

    def require(self, columns: Sequence[str]) -> None:
        """Refuse a line with more or fewer fields than the heading, or without a value that is required."""
        if self.row.get(None) or None in self.row.values():
            self.refuse("the row has more or fewer fields than the heading")
        for column in columns:
            if self.text(column) is None:
                self.refuse("this value is missing", column)


def _lines(text: str, file: str, columns: Sequence[str], required: Sequence[str], code: str) -> Iterator[_Line]:
    """Yield the lines of a CSV file; refuse a heading with unknown columns, or without those that are required."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    try:
        rows = [_Line(row, code, file, reader.line_num) for row in reader]
    except csv.Error as error:
        raise InputError(str(error), file=file, row=reader.line_num, code=code) from error
    heading = list(reader.fieldnames or [])
    for column in heading:
        if column not in columns or heading.count(column) > 1:
            problem = "this column is unknown or stands twice"
            expected = f"columns are {', '.join(columns)}"
            raise InputError(problem, file=file, row=1, column=column, expected=expected, code=code)
    for column in required:
        if column not in heading:
            problem = "this column is missing"
            raise InputError(problem, file=file, row=1, column=column, code=code)
    yield from rows


def text_of(path: Path) -> str:
    """Return the text of a UTF-8 file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is no UTF-8"
        raise InputError(problem, file=path.name, expected="save it as UTF-8", code="RULES_INVALID") from error
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise InputError(problem, file=path.name, code="RULES_INVALID") from error


def cells(one: Rule | Consent | Assignment) -> dict[str, str]:
    """Return a rule, a consent or a label as its file writes it, by column; empty where it states nothing."""
    facts = {_CALLED.get(name, name): "" if value is None else str(value) for name, value in asdict(one).items()}
    return {column: facts[column] for column in (COLUMNS if isinstance(one, Rule) else facts)}


def read_rules(text: str, *, file: str) -> tuple[Rule, ...]:
    """Read rules from the text of a CSV file.

    Raises
    ------
    InputError
        If it is not valid, with file, row, column and value; nothing is taken from it then.
    """
    rules: dict[str, Rule] = {}
    for line in _lines(text, file, COLUMNS, REQUIRED, "RULES_INVALID"):
        rule = _rule(line)
        if rule.rule_id in rules:
            line.refuse("another rule of the file has this name", "rule_id")
        rules[rule.rule_id] = rule
    return tuple(rules.values())


def _rule(line: _Line) -> Rule:
    line.require(REQUIRED)
    rule = Rule(**{field.name: line.value(_CALLED.get(field.name, field.name)) for field in fields(Rule)})
    if rule.rank is not None and rule.scientific_name is None:
        line.refuse("a rank without a name", "rank")
    if (rule.month_from is None) != (rule.month_to is None):
        line.refuse("a season needs both months", "month_from" if rule.month_from is None else "month_to")
    if rule.province_code is None:
        return rule
    country = rule.province_code[:2]
    if rule.country_code not in (None, country):
        line.refuse(f"this province lies in another country than {rule.country_code}", "province_code")
    return replace(rule, country_code=country)


def read_consents(text: str, *, file: str) -> tuple[Consent, ...]:
    """Read consents from the text of a CSV file, those that do not hold today too.

    Raises
    ------
    InputError
        As `read_rules`.
    """
    return tuple(_consent(line) for line in _lines(text, file, CONSENT_COLUMNS, CONSENT_REQUIRED, "RULES_INVALID"))


def _consent(line: _Line) -> Consent:
    line.require(CONSENT_REQUIRED)
    consent = Consent(**{name: line.value(name) for name in CONSENT_COLUMNS})
    if consent.valid_until is not None and consent.valid_until < consent.given_on:
        line.refuse("it ends before it begins", "valid_until")
    return consent


def read_labels(text: str, *, file: str) -> tuple[Assignment, ...]:
    """Read labels from the text of a CSV file, those whose time is over too.

    Raises
    ------
    InputError
        As `read_rules`.
    """
    return tuple(_assignment(line) for line in _lines(text, file, LABEL_COLUMNS, (), "LABELS_INVALID"))


def assignment(facts: Mapping[str, str | None]) -> Assignment:
    """Read one assignment by the columns of the file.

    Raises
    ------
    InputError
        If a value is not valid, or label or dataset is missing.
    """
    return _assignment(_Line({name: value or "" for name, value in facts.items()}, "LABELS_INVALID"))


def _assignment(line: _Line) -> Assignment:
    line.require(LABEL_COLUMNS[:2])
    stated_assignment = Assignment(**{name: line.value(name) for name in LABEL_COLUMNS})
    if stated_assignment.key is not None and stated_assignment.event is not None:
        line.refuse("an event and a record at once", "event", "one of them")
    return stated_assignment


BUNDLED: Final = "sensitive_species.csv"
"""The list of sensitive species that is shipped."""


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
    parts: list[Any] = [
        [{f.name: getattr(one, f.name) for f in fields(one)} for one in some] for some in (rules, consents)
    ]
    if assignments:
        parts.append([cells(one) for one in assignments])
    if scopes:
        parts.append([dict(scopes)])
    text = json.dumps(parts, default=str, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def bundled_list() -> str:
    """Return the text of the list of sensitive species that is shipped."""
    return files("biodata").joinpath("data").joinpath(BUNDLED).read_text("utf-8")
