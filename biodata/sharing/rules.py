"""Sharing rules as data: which taxon, where, when and in which dataset, and how coarse its place is published."""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn

import pycountry

from biodata.errors import InputError
from biodata.sharing import label_files
from biodata.sharing.label_files import LabelSet
from biodata.vocabularies import SharingCategory

COLUMNS: Final = (
    "rule_id",
    "source",
    "scientificName",
    "rank",
    "country_code",
    "province_code",
    "dataset",
    "month_from",
    "month_to",
    "category",
    "reason",
    "review_date",
)
REQUIRED: Final = ("rule_id", "category", "reason")
HIGHER_RANKS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "FAMILY")
RANKS: Final = (*HIGHER_RANKS, "GENUS", "SPECIES", "SUBSPECIES", "VARIETY", "FORM")
_PROVINCE: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; what is None restricts nothing.

    Attributes
    ----------
    rule_id : str
        Its name, unique in the set.
    category : SharingCategory
        How coarse the place is published.
    reason : str
        Why, in words that are published with the record.
    source : str, optional
        Whose list it comes from.
    scientific_name, rank : str, optional
        The taxon, with everything below it; the rank tells apart names that are used twice.
    country_code, province_code : str, optional
        ISO 3166-1 alpha-2 and ISO 3166-2; a province implies its country.
    dataset : str, optional
        A datasetKey.
    month_from, month_to : int, optional
        1-12, both included; November to February is 11 and 2.
    review_date : date, optional
        When the rule should be looked at again; it holds on after that day.
    """

    rule_id: str
    category: SharingCategory
    reason: str
    source: str | None = None
    scientific_name: str | None = None
    rank: str | None = None
    country_code: str | None = None
    province_code: str | None = None
    dataset: str | None = None
    month_from: int | None = None
    month_to: int | None = None
    review_date: date | None = None

    @property
    def months(self) -> int:
        """The months of the rule as bits, January the lowest."""
        if self.month_from is None or self.month_to is None:
            return 0xFFF
        span = (self.month_to - self.month_from) % 12 + 1
        return sum(1 << (self.month_from - 1 + n) % 12 for n in range(span))


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order of their names; the order in which they were given plays no part.

    Attributes
    ----------
    rules : tuple of Rule
    labels : LabelSet
        The communities' labels that were put on datasets, events and records.
    """

    rules: tuple[Rule, ...]
    labels: LabelSet = field(default_factory=LabelSet)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "RuleSet":
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
        return cls(ordered)

    @classmethod
    def read(cls, path: Path | None) -> "RuleSet":
        """Read rules from a CSV file.

        Parameters
        ----------
        path : Path, optional
            UTF-8, a heading with the columns of `COLUMNS`; those that are not required may be missing. None, and a path
            where only the labels beside it are, reads the bundled list of sensitive species. The labels that hold come from `sharing_labels.csv` beside it.

        Returns
        -------
        RuleSet

        Raises
        ------
        InputError
            If the file cannot be read as that, with file, row, column and value; nothing is taken from it then.
        """
        labels_alone = path is not None and not path.exists() and path.with_name(label_files.NAME).exists()
        if path is None or labels_alone:
            name, text = (
                "sensitive_species.csv",
                files("biodata.data").joinpath("sensitive_species.csv").read_text("utf-8"),
            )
        else:
            name, text = path.name, _text(path)
        reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
        try:
            rows = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise InputError(str(error), file=name, row=reader.line_num, code="RULES_INVALID") from error
        _check_heading(list(reader.fieldnames or []), name)
        rules: dict[str, Rule] = {}
        for number, row in rows:
            rule = _Line(name, number, row).rule()
            if rule.rule_id in rules:
                problem = "another rule of the file has this name"
                raise InputError(
                    problem, file=name, row=number, column="rule_id", value=rule.rule_id, code="RULES_INVALID"
                )
            rules[rule.rule_id] = rule
        return replace(cls.of(rules.values()), labels=LabelSet.read(path))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the rules, the same for the same rules in any order."""
        text = json.dumps([asdict(rule) for rule in self.rules], default=str, ensure_ascii=False, sort_keys=True)
        if self.labels.assignments:
            text += json.dumps(label_files.cells(self.labels.assignments), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _text(path: Path) -> str:
    """Return the text of a UTF-8 file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is no UTF-8"
        raise InputError(problem, file=path.name, expected="save it as UTF-8", code="RULES_INVALID") from error
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise InputError(problem, file=path.name, code="RULES_INVALID") from error


def _check_heading(heading: list[str], name: str) -> None:
    """Refuse a heading with unknown columns, or without those that are required."""
    for column in heading:
        if column not in COLUMNS or heading.count(column) > 1:
            problem = "this column is unknown or stands twice"
            expected = f"columns are {', '.join(COLUMNS)}"
            raise InputError(problem, file=name, row=1, column=column, expected=expected, code="RULES_INVALID")
    for column in REQUIRED:
        if column not in heading:
            problem = "this column is missing"
            raise InputError(problem, file=name, row=1, column=column, code="RULES_INVALID")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file, on its way to a rule."""

    file: str
    number: int
    row: Mapping[str | None, str | list[str] | None]

    def rule(self) -> Rule:
        """Return the rule of the line."""
        extra = self.row.get(None)
        if extra or any(self.row.get(column, "") is None for column in self.row):
            self._refuse("the row has more or fewer fields than the heading", None, None)
        for column in REQUIRED:
            if self._value(column) is None:
                self._refuse("this value is missing", column, "")
        name, rank = self._value("scientificName"), self._one_of("rank", RANKS)
        if rank is not None and name is None:
            self._refuse("a rank without a name", "rank", rank)
        country, province = self._country(), self._province()
        if province is not None and country not in (None, province[:2]):
            self._refuse(f"this province lies in another country than {country}", "province_code", province)
        first, last = self._month("month_from"), self._month("month_to")
        if (first is None) != (last is None):
            empty = "month_from" if first is None else "month_to"
            self._refuse("a season needs both months", empty, "")
        category = self._one_of("category", [str(c) for c in SharingCategory])
        return Rule(
            rule_id=self._value("rule_id") or "",
            category=SharingCategory(category or ""),
            reason=self._value("reason") or "",
            source=self._value("source"),
            scientific_name=name,
            rank=rank,
            country_code=province[:2] if province else country,
            province_code=province,
            dataset=self._value("dataset"),
            month_from=first,
            month_to=last,
            review_date=self._date("review_date"),
        )

    def _value(self, column: str) -> str | None:
        """Return a value without outer blanks; None where there is none."""
        value = self.row.get(column)
        return (value.strip() or None) if isinstance(value, str) else None

    def _refuse(self, problem: str, column: str | None, value: str | None, expected: str | None = None) -> NoReturn:
        """Raise the error that names the place in the file."""
        raise InputError(
            problem,
            file=self.file,
            row=self.number,
            column=column,
            value=value,
            expected=expected,
            code="RULES_INVALID",
        )

    def _one_of(self, column: str, known: Iterable[str]) -> str | None:
        """Return a value of a list."""
        value = self._value(column)
        if value is not None and value not in known:
            self._refuse("this value is not known", column, value, f"one of {', '.join(known)}")
        return value

    def _country(self) -> str | None:
        """Return a country that ISO knows."""
        value = self._value("country_code")
        if value is not None and (value != value.upper() or pycountry.countries.get(alpha_2=value) is None):
            self._refuse("no such country", "country_code", value, "an ISO 3166-1 alpha-2 code, as LA")
        return value

    def _province(self) -> str | None:
        """Return a code of ISO 3166-2's form."""
        value = self._value("province_code")
        if value is not None and not _PROVINCE.fullmatch(value):
            self._refuse("no code of a division", "province_code", value, "an ISO 3166-2 code, as CN-YN")
        return value

    def _month(self, column: str) -> int | None:
        """Return a month's number."""
        value = self._value(column)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 12):
            self._refuse("no month", column, value, "a number from 1 to 12")
        return int(value)

    def _date(self, column: str) -> date | None:
        """Return a day."""
        value = self._value(column)
        try:
            return date.fromisoformat(value) if value is not None else None
        except ValueError:
            self._refuse("no date", column, value, "a day as 2027-01-31")
