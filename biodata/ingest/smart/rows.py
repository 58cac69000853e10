"""Days as rows of events, observations as rows of records, and what stays out, counted by reason alone."""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from biodata.ingest.smart.allowed import Attribute, category_is_wildlife, is_of_signs, species_key
from biodata.ingest.smart.patrols import Day, Observation
from biodata.ingest.smart.species import Species, SpeciesNames
from biodata.ingest.smart.tracks import Cell, cell_of
from biodata.text.controlled import Vocabulary, parse_term
from biodata.vocabularies import PATROL_PROTOCOL, SurveyDesign

EVENT_COLUMNS: Final = (
    "eventID", "parentEventID", "eventDate", "samplingProtocol", "design", "samplingEffort", "samplingEffortValue",
    "samplingEffortUnit", "eventDurationValue", "eventDurationUnit", "isAbsenceReported", "decimalLatitude",
    "decimalLongitude", "coordinateUncertaintyInMeters", "geodeticDatum",
)  # fmt: skip
RECORD_COLUMNS: Final = (
    "occurrenceID", "eventID", "basisOfRecord", "eventDate", "samplingProtocol", "scientificName", "vernacularName",
    "verbatimIdentification", "individualCount", "sex", "lifeStage", "occurrenceRemarks", "decimalLatitude",
    "decimalLongitude", "geodeticDatum",
)  # fmt: skip

MAX_KM_ON_FOOT: Final = 80.0
"""Nobody walks further in a day: a longer track has leaps of the receiver in it."""
MAX_KM: Final = 1_500.0
_LEAST_KM: Final = 0.05
_SIGNS: Final = "told from signs"

NOT_WILDLIFE: Final = "of a category that is not known to be wildlife's"
NO_SPECIES: Final = "no species told"
NOT_A_KEY: Final = "the species told neither by a key nor by a name that is known"
NO_DATE: Final = "the day's date is not in the form 2026-03-17"
Row = dict[str, str | None]


def protocol(day: Day) -> str:
    """Return how a day's patrol looked."""
    return f"{PATROL_PROTOCOL} on foot" if day.on_foot else PATROL_PROTOCOL


def effort_km(day: Day) -> dict[Cell, float]:
    """Return the kilometres, to a tenth, of each cell of a day; nothing where the track is longer than can be."""
    if sum(day.km.values()) > (MAX_KM_ON_FOOT if day.on_foot else MAX_KM):
        return {}
    return {cell: round(km, 1) for cell, km in sorted(day.km.items()) if km >= _LEAST_KM}


def event_id(day: Day, cell: Cell | None) -> str:
    """Return the identifier of a day's part in a cell; of the day where it has only one part."""
    cells = effort_km(day)
    if cell is None or len(cells) < 2 or cell not in cells:
        return day.event_id
    part = sha256(f"{day.event_id} {cell.column} {cell.row}".encode()).hexdigest()[:8]
    return f"{day.event_id}-{part}"


def event_rows(day: Day, seen_in: Cell | None) -> Iterator[Row]:
    """Yield a day as an event; where its track lies in several cells, then each cell's part with its kilometres.

    Parameters
    ----------
    day : Day
        With a date.
    seen_in : Cell or None
        The cell in which all that came in was seen: the place of a day that has no track.
    """
    cells = effort_km(day)
    whole: Row = {
        "eventID": day.event_id,
        "parentEventID": day.patrol,
        "eventDate": day.date,
        "samplingProtocol": protocol(day),
        "isAbsenceReported": "false",
    }
    if day.hours is not None:
        whole |= {"eventDurationValue": f"{day.hours:g}", "eventDurationUnit": "hours"}
    if len(cells) < 2:
        cell = next(iter(cells), seen_in)
        design = {"design": SurveyDesign.SIGN_TRANSECT.value} if day.on_foot else {}
        yield whole | design | _place(cell) | (_effort(cells[cell]) if cell is not None and cells else {})
        return
    yield whole | {"samplingEffort": f"{sum(cells.values()):.1f} km in {len(cells)} parts"}
    for cell, km in cells.items():
        part: Row = {"eventID": event_id(day, cell), "parentEventID": day.event_id}
        if day.on_foot:
            part["design"] = SurveyDesign.SIGN_TRANSECT.value
        own = {name: whole[name] for name in ("eventDate", "samplingProtocol", "isAbsenceReported")}
        yield part | own | _place(cell) | _effort(km)


def _effort(km: float) -> Row:
    """Return the effort of an event."""
    return {"samplingEffort": f"{km:.1f} km", "samplingEffortValue": f"{km:.1f}", "samplingEffortUnit": "km"}


def _place(cell: Cell | None) -> Row:
    """Return the middle of a cell as a place."""
    if cell is None:
        return {}
    longitude, latitude = cell.middle
    return {
        "decimalLatitude": f"{latitude:g}",
        "decimalLongitude": f"{longitude:g}",
        "coordinateUncertaintyInMeters": str(cell.radius_m),
        "geodeticDatum": "WGS84",
    }


class Admission:
    """Decides which observations come in, and counts why others do not.

    Parameters
    ----------
    categories : frozenset of str
        Categories that a person declared to be wildlife's.
    species : SpeciesNames
        What keys mean.

    Attributes
    ----------
    left_out : Counter of str
        How many stay out, by reason.
    unnamed, uncounted, unplaced : int
        How many came in without a scientific name; with a count, or a place, that is told but is no number.
    """

    def __init__(self, categories: frozenset[str], species: SpeciesNames) -> None:
        self.categories, self.species = categories, species
        self.left_out = Counter[str]()
        self.unnamed = self.uncounted = self.unplaced = 0

    def row(self, seen: Observation, day: Day) -> Row | None:
        """Return an observation as a record's row; None where it stays out."""
        reason, key, meant = self._judged(seen, day)
        if reason is not None:
            self.left_out[reason] += 1
            return None
        count = _count(seen)
        self.unnamed += meant.scientific is None
        self.uncounted += count is None and Attribute.COUNT in seen.values
        self.unplaced += seen.place is None
        longitude, latitude = seen.place or (None, None)
        cell = None if seen.place is None else cell_of(float(seen.place[0]), float(seen.place[1]))
        return {
            "occurrenceID": seen.identifier,
            "eventID": event_id(day, cell),
            "basisOfRecord": "HumanObservation",
            "eventDate": day.date,
            "samplingProtocol": protocol(day),
            "scientificName": meant.scientific,
            "vernacularName": meant.vernacular,
            "verbatimIdentification": key,
            "individualCount": count,
            "sex": _word(seen, Attribute.SEX, Vocabulary.SEX),
            "lifeStage": _word(seen, Attribute.AGE, Vocabulary.LIFE_STAGE),
            "occurrenceRemarks": _SIGNS if is_of_signs(seen.category) else None,
            "decimalLatitude": latitude,
            "decimalLongitude": longitude,
            "geodeticDatum": "WGS84",
        }

    def comes_in(self, seen: Observation, day: Day) -> bool:
        """Tell whether an observation comes in, without counting it."""
        return self._judged(seen, day)[0] is None

    def _judged(self, seen: Observation, day: Day) -> tuple[str | None, str | None, Species]:
        """Return why an observation stays out, the species as told, and what that means."""
        nothing = Species(None, None)
        if not category_is_wildlife(seen.category, self.categories):
            return NOT_WILDLIFE, None, nothing
        if day.date is None:
            return NO_DATE, None, nothing
        element, text = seen.values.get(Attribute.SPECIES, ("", ""))
        if not text:
            return NO_SPECIES, None, nothing
        if element == "itemKey":
            key = species_key(text)
            if key is None:
                return NOT_A_KEY, None, nothing
            return None, key, self.species.of_key(key) or Species(None, key.rpartition(".")[2])
        meant = self.species.of_text(text)
        return (NOT_A_KEY, None, nothing) if meant is None else (None, text, meant)


def _count(seen: Observation) -> str | None:
    """Return a number of individuals, a whole one without its point."""
    element, text = seen.values.get(Attribute.COUNT, ("", ""))
    if element != "dValue":
        text = text if text.isdecimal() and len(text) <= 5 else ""
    try:
        number = float(text)
    except ValueError:
        return None
    return f"{number:.12g}" if 0 <= number < 1e6 else None


def _word(seen: Observation, attribute: Attribute, vocabulary: Vocabulary) -> str | None:
    """Return a value that is a word of a vocabulary, as it came; None for any other."""
    _, text = seen.values.get(attribute, ("", ""))
    return text if text and parse_term(text.strip("."), vocabulary) else None
