"""Rules and consents as lines of CSV: each value looked at, each fault told by file, row, column and value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Final, NoReturn

import pycountry
import shapely

from biodata.errors import InputError
from biodata.sharing.rule import Consent, Rule, SourceKind
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
    "source_kind",
    "owner",
    "publishing_country",
    "area_id",
    "polygon",
    "label",
)
REQUIRED: Final = ("rule_id", "category", "reason")
CONSENT_COLUMNS: Final = ("looser_rule", "stricter_owner", "given_by", "given_on", "valid_until")
CONSENT_REQUIRED: Final = CONSENT_COLUMNS[:4]
LONGEST_POLYGON: Final = 100_000
"""Letters; a longer one is a protected area of the lake, and named by its area_id."""
HIGHER_RANKS: Final = ("KINGDOM", "PHYLUM", "CLASS", "ORDER", "FAMILY")
RANKS: Final = (*HIGHER_RANKS, "GENUS", "SPECIES", "SUBSPECIES", "VARIETY", "FORM")
_CALLED: Final = {"scientific_name": "scientificName"}
"""Attributes of a rule that its file calls otherwise."""
_PROVINCE: Final = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")


def cells(rule: Rule) -> dict[str, str]:
    """Return a rule as its file writes it, by column; empty where it tells nothing."""
    told = {_CALLED.get(field.name, field.name): getattr(rule, field.name) for field in fields(rule)}
    return {column: "" if told[column] is None else str(told[column]) for column in COLUMNS}


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


def check_heading(heading: list[str], name: str, columns: Sequence[str], required: Sequence[str]) -> None:
    """Refuse a heading with unknown columns, or without those that are required."""
    for column in heading:
        if column not in columns or heading.count(column) > 1:
            problem = "this column is unknown or stands twice"
            expected = f"columns are {', '.join(columns)}"
            raise InputError(problem, file=name, row=1, column=column, expected=expected, code="RULES_INVALID")
    for column in required:
        if column not in heading:
            problem = "this column is missing"
            raise InputError(problem, file=name, row=1, column=column, code="RULES_INVALID")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, on its way to a rule."""

    file: str
    number: int
    row: Mapping[str | None, str | list[str] | None]

    def rule(self) -> Rule:
        """Return the rule of the line."""
        self._whole(REQUIRED)
        name, rank = self._value("scientificName"), self._one_of("rank", RANKS)
        if rank is not None and name is None:
            self._refuse("a rank without a name", "rank", rank)
        country, province = self._country("country_code"), self._province()
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
            source_kind=SourceKind(kind)
            if (kind := self._one_of("source_kind", [str(k) for k in SourceKind]))
            else None,
            owner=self._value("owner"),
            publishing_country=self._country("publishing_country"),
            area_id=self._value("area_id"),
            polygon=self._polygon(),
            label=self._value("label"),
        )

    def consent(self) -> Consent:
        """Return the consent of the line."""
        self._whole(CONSENT_REQUIRED)
        given_on = self._date("given_on")
        until = self._date("valid_until")
        if given_on is None or (until is not None and until < given_on):
            self._refuse("it ends before it begins", "valid_until", self._value("valid_until"))
        return Consent(
            looser_rule=self._value("looser_rule") or "",
            stricter_owner=self._value("stricter_owner") or "",
            given_by=self._value("given_by") or "",
            given_on=given_on,
            valid_until=until,
        )

    def _whole(self, required: Sequence[str]) -> None:
        """Refuse a line with more or fewer fields than the heading, or without a value that is required."""
        extra = self.row.get(None)
        if extra or any(self.row.get(column, "") is None for column in self.row):
            self._refuse("the row has more or fewer fields than the heading", None, None)
        for column in required:
            if self._value(column) is None:
                self._refuse("this value is missing", column, "")

    def _polygon(self) -> str | None:
        """Return a polygon's WKT."""
        value = self._value("polygon")
        if value is None:
            return None
        shape = shapely.from_wkt(value, on_invalid="ignore") if len(value) <= LONGEST_POLYGON else None
        if shape is None or shape.geom_type not in {"Polygon", "MultiPolygon"} or shape.is_empty or not shape.is_valid:
            self._refuse("no polygon", "polygon", value[:60], "valid WKT in degrees, POLYGON ((101 21, …))")
        return value

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

    def _country(self, column: str) -> str | None:
        """Return a country that ISO knows."""
        value = self._value(column)
        if value is not None and (value != value.upper() or pycountry.countries.get(alpha_2=value) is None):
            self._refuse("no such country", column, value, "an ISO 3166-1 alpha-2 code, as LA")
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
