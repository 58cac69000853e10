"""A sharing rule, the consent that lets a looser one act, and the label that a community puts on something."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from biodata.core.vocabularies import SharingCategory


class SourceKind(StrEnum):
    """Whose say a rule is."""

    GLOBAL = "global"
    NATIONAL = "national"
    PROVINCE = "province"
    PUBLISHING_COUNTRY = "publishing_country"
    RESERVE = "reserve"
    COMMUNITY = "community"
    DATASET = "dataset"


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
    source_kind : SourceKind, optional
        What kind of list that is.
    owner : str, optional
        Who must consent before a looser rule acts in its place; the source, else the rule's own name, where none is stated.
    scientific_name, rank : str, optional
        The taxon, with everything below it; the rank distinguishes names that are used twice.
    country_code, province_code : str, optional
        ISO 3166-1 alpha-2 and ISO 3166-2; a province implies its country.
    dataset : str, optional
        A datasetKey.
    publishing_country : str, optional
        ISO 3166-1 alpha-2 of the publisher's country.
    area_id : str, optional
        A protected area of the lake.
    polygon : str, optional
        WKT, degrees, WGS 84.
    label : str, optional
        A community's label that the record carries (TK, BC).
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
    source_kind: SourceKind | None = None
    owner: str | None = None
    publishing_country: str | None = None
    area_id: str | None = None
    polygon: str | None = None
    label: str | None = None

    @property
    def answerable(self) -> str:
        """Who must consent before a looser rule acts in its place."""
        return self.owner or self.source or self.rule_id

    @property
    def of_area(self) -> bool:
        """True where it matters in which protected area, or polygon, a record is."""
        return self.area_id is not None or self.polygon is not None

    @property
    def of_place(self) -> bool:
        """True where it matters where a record is."""
        return self.of_area or any((self.country_code, self.province_code))

    @property
    def months(self) -> int:
        """The months of the rule as bits, January the lowest."""
        if self.month_from is None or self.month_to is None:
            return 0xFFF
        span = (self.month_to - self.month_from) % 12 + 1
        return sum(1 << (self.month_from - 1 + n) % 12 for n in range(span))


@dataclass(frozen=True, slots=True, order=True)
class Consent:
    """The owner of a stricter rule lets a looser one act.

    Attributes
    ----------
    looser_rule : str
        The rule_id that may act.
    stricter_owner : str
        Who consents (`Rule.answerable`).
    given_by : str
        The office that said so.
    given_on : date
    valid_until : date, optional
        The last day that it holds; None until it is taken back.
    """

    looser_rule: str
    stricter_owner: str
    given_by: str
    given_on: date
    valid_until: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether it holds on a day."""
        return self.given_on <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A community put a label on something.

    Attributes
    ----------
    label : str
        The label's code.
    dataset : str
        datasetKey; by itself all of its records carry the label.
    event : str, optional
        eventID; its records, and those of events that are part of it, carry the label.
    key : int, optional
        The record's number; it alone carries the label.
    community : str, optional
        Whose label it is.
    project : str, optional
        Identifier of the project at Local Contexts Hub.
    valid_until : date, optional
        The last day that it holds; None until it is taken away.
    """

    label: str
    dataset: str
    event: str | None = None
    key: int | None = None
    community: str | None = None
    project: str | None = None
    valid_until: date | None = None
