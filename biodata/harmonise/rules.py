"""Every rule by which a value is read, filled in, repaired or doubted: its version, and what it does in one sentence.

A rule whose answers change gets the next version here; each ingest keeps the versions of its day with what it commits, so
that a record tells by which version it was interpreted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

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
    """Changes what was told."""
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


_READ, _FILL, _REPAIR, _CHECK = Kind
_DWC, _ISO_DATE, _OURS = "Darwin Core", "ISO 8601-1:2019", "biodata"

_VALUES: Final = (
    Rule("as_told", _READ, "Taken over as told, without white space around it; NULL, N/A or - count as empty.", _OURS),
    Rule("vocabulary", _READ, "Found in the term's list of values, with synonyms in several languages.", "GBIF, TDWG"),
    Rule("media", _READ, "Pictures and sounds were read with the licence that each tells itself.", "Audubon Core"),
    Rule("measurements", _READ, "Measurements and facts were read, each with its unit and method.", _DWC),
    Rule("labels", _READ, "Labels of communities (TK, BC) were found in what is said about rights.", "Local Contexts"),
    Rule("licence", _READ, "A licence's name or address was read as one of Creative Commons.", "GBIF"),
    Rule(
        "country_name", _READ, "A country's code or name, in the region's languages too, as ISO 3166-1.", "ISO 3166-1"
    ),
    Rule("whole_number", _READ, "Read as a whole number of 0 or more.", _OURS),
    Rule("number", _READ, "Read as a number.", _OURS),
    Rule("metres", _READ, "Read as metres; of a least and a greatest value the middle is taken.", _DWC),
    Rule("half_range", _FILL, "Half of what lies between the least and the greatest value.", "GBIF"),
    Rule("machine_score", _READ, "How sure a machine was, from 0 to 1, where nobody but it determined.", "Camtrap DP"),
    Rule("list", _READ, "Taken apart at its semicolons.", "GBIF"),
    Rule(
        "design_of_event", _FILL, "The record does not tell how it was made: what the design of its event tells.", _OURS
    ),
    Rule("presence_assumed", _FILL, "A record that tells no status is one of presence.", _DWC),
    Rule("absent_where_none_counted", _REPAIR, "No status is told and 0 individuals are counted: absent.", _OURS),
    Rule("decimal_comma", _READ, "The comma is a decimal comma: 21,5 is 21.5.", _OURS),
    Rule("digits", _READ, "Digits of another script, or signs of typesetting, were read.", "Unicode"),
    Rule("unit", _READ, "The unit behind the number was left out.", _OURS),
)
_NAMES: Final = (
    Rule("name", _READ, "The name as told, whole or put together from its parts.", _DWC),
    Rule("name_parts", _READ, "The name was taken apart.", "gbif-name-parser"),
    Rule(
        "name_match",
        _FILL,
        "Taken from the checklist or the reference list in which the name was found.",
        _OURS,
        version=2,
    ),
    Rule(
        "latin_letters_for_lookalikes", _REPAIR, "Letters of other alphabets that look Latin become Latin.", "Unicode"
    ),
)
_DATES: Final = (
    Rule("date", _READ, "Read as a date, never more precise than told.", _ISO_DATE),
    Rule("verbatim_event_date", _FILL, "The date is that of verbatimEventDate, since eventDate is empty.", _DWC),
    Rule("year_month_day", _FILL, "Year, month and day give the date, since eventDate gives none or a coarser one.", _DWC),
    Rule("year_first", _READ, "Year, month and day, in this order.", _OURS),
    Rule("year_last", _READ, "Month and year, in this order.", _OURS),
    Rule("day_first", _READ, "Day, month and year, in this order.", _OURS),
    Rule("month_first", _READ, "Month, day and year, in this order.", _OURS),
    Rule("day_first_by_column", _READ, "Other dates of the same column prove that the day stands first.", _OURS),
    Rule("month_first_by_column", _READ, "Other dates of the same column prove that the month stands first.", _OURS),
    Rule("day_first_by_parts", _READ, "The day, month or year beside the date shows that the day stands first.", _OURS),
    Rule("month_first_by_parts", _READ, "The day, month or year beside it shows that the month stands first.", _OURS),
    Rule("basic", _READ, "Eight digits without marks: year, month, day.", _ISO_DATE),
    Rule("ordinal", _READ, "A year and the number of a day in it.", _ISO_DATE),
    Rule("week", _READ, "A year and the number of a week in it.", _ISO_DATE),
    Rule("duration", _READ, "One end of the interval is told by its length.", _ISO_DATE),
    Rule("range", _READ, "Two dates with a hyphen or a word between them are an interval.", _OURS),
    Rule("reversed_interval", _REPAIR, "The interval ends before it begins; its ends may be swapped.", _OURS),
    Rule("month_name", _READ, "The month is written as a word.", "Unicode CLDR"),
    Rule("words", _READ, "The date is written in words.", _OURS),
    Rule("chinese", _READ, "The date is written with 年, 月 and 日.", _OURS),
    Rule("clock", _READ, "The time of day is written in words, or with am and pm.", _OURS),
    Rule("zone_name", _READ, "The time zone is told by its name; its offset of that day was taken.", "IANA time zones"),
    Rule("zone_of_event", _FILL, "The time tells no zone: that of its event, site or camera, with its offset of that day.", _OURS),
    Rule("zone_of_country", _FILL, "The time tells no zone: the offset that the stated country had.", "IANA time zones"),
    Rule("excel_serial_1900", _READ, "A spreadsheet's number of a day, counted from 1900.", "Microsoft Excel"),
    Rule("excel_serial_1904", _READ, "A spreadsheet's number of a day, counted from 1904 (older Macs).", "Microsoft Excel"),
    Rule("buddhist_era", _READ, "The year counts in the Buddhist Era, 543 years ahead.", "calendars of Thailand and Laos"),
    Rule("khmer_buddhist_era", _READ, "The year counts in Cambodia's Buddhist Era, which changes in spring.", "calendars"),
    Rule("two_digit_year", _REPAIR, "Two digits of a year stand for this century, the last one, or the 2500s of the Buddhist Era.", _OURS),
    Rule("minguo", _READ, "The year counts from the Republic of China: year 1 is 1912.", "calendars"),
)  # fmt: skip
_PLACES: Final = (
    Rule("degrees", _READ, "Read as degrees.", _DWC),
    Rule("hemisphere", _READ, "A letter or word tells the side: 101.5 W is -101.5.", _OURS),
    Rule("degrees_minutes_seconds", _READ, "Degrees, minutes and seconds were added up.", "ISO 6709"),
    Rule("degrees_minutes_unmarked", _READ, "Two numbers without a mark are taken for degrees and minutes.", _OURS),
    Rule("packed", _READ, "Degrees, minutes and seconds are written as one number: 433819N.", "ISO 6709"),
    Rule("latitude_first_assumed", _READ, "Nothing tells which of two numbers is the latitude: the first.", "ISO 6709"),
    Rule("well_known_text", _READ, "Written as POINT(longitude latitude).", "OGC Simple Features"),
    Rule("geo_uri", _READ, "Written as geo:latitude,longitude.", "RFC 5870"),
    Rule("iso_6709", _READ, "Written as ±latitude±longitude without a space.", "ISO 6709"),
    Rule("verbatim_latitude_longitude", _FILL, "From verbatimLatitude and verbatimLongitude.", _DWC),
    Rule("verbatim_coordinates", _FILL, "From verbatimCoordinates.", _DWC),
    Rule("footprint", _FILL, "From footprintWKT: a point of it, and how far it reaches from there.", _DWC),
    Rule("swap_latitude_longitude", _REPAIR, "Latitude and longitude change places.", "GBIF"),
    Rule("negate", _REPAIR, "The sign of the coordinate is turned.", "GBIF"),
    Rule("datum_name", _READ, "The name of a datum or its EPSG code.", "EPSG"),
    Rule("wgs84_assumed", _FILL, "No datum is told, so the coordinates are taken for WGS 84.", "GBIF"),
    Rule("datum_transform", _REPAIR, "The place is moved to WGS 84 from another coordinate system.", "EPSG, PROJ"),
    Rule("declared_uncertainty", _FILL, "No radius is told: the one that is declared of the dataset's places.", _OURS),
    Rule("datum_uncertainty", _REPAIR, "The radius grows by what the change of datum may be off.", _OURS),
    Rule("country_of_place", _FILL, "No country is told: the one that the coordinates fall in.", _OURS),
    Rule("on_map", _FILL, "Looked up on the map of countries and provinces.", "Natural Earth"),
)
_CHECKS: Final = (
    Rule("identity", _CHECK, "What identifies the record in its dataset.", _DWC),
    Rule("accepted_proposal", _REPAIR, "The dataset's team accepted what was proposed in the place of a cell.", _OURS),
    Rule("place_beside_country", _CHECK, "Compares the coordinates with the stated country, a band around it.", _OURS),
    Rule("place_beside_province", _CHECK, "Compares the coordinates with the stated province.", _OURS),
    Rule(
        "stand_ins", _CHECK, "Compares the point with middles, seats and institutions.", "GeoNames, CoordinateCleaner"
    ),
    Rule("elements", _CHECK, "Compares land and sea with where the taxon lives.", _OURS),
    Rule("generalised", _CHECK, "Looks for signs that the publisher made the place coarser.", "GBIF, iNaturalist"),
    Rule("tracking", _CHECK, "The protocol tells that the animal carries a transmitter.", "Movebank"),
    Rule("machine", _CHECK, "Looks whether only a machine determined it.", "Camtrap DP"),
    Rule("neighbours", _CHECK, "Compares the record with the others of its dataset and species.", _OURS),
)

RULES: Final = MappingProxyType({rule.name: rule for rule in (*_VALUES, *_NAMES, *_DATES, *_PLACES, *_CHECKS)})
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
