"""Patrols that SMART exported (XML): their days as events, their wildlife observations as records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.core.vocabularies import PATROL_PROTOCOL, SurveyDesign
from biodata.formats.xml import listen
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable
from biodata.ingest.smart_patrols import (
    Attribute,
    Cell,
    Day,
    Observation,
    PatrolListener,
    Species,
    SpeciesNames,
    category_is_wildlife,
    cell_of,
    common_cell,
    declared_categories,
    is_data_model,
    is_of_signs,
    species_key,
)
from biodata.ingest.tables import Part, part_of, parts
from biodata.text.controlled import Vocabulary, parse_term

# Days as rows of events, observations as rows of records, and what stays out, counted by reason alone.

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
        How many came in without a scientific name; with a count, or a place, that is stated but is no number.
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
        """Return whether an observation comes in, without counting it."""
        return self._judged(seen, day)[0] is None

    def _judged(self, seen: Observation, day: Day) -> tuple[str | None, str | None, Species]:
        """Return why an observation stays out, the species as stated, and what that means."""
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
    """Return a number of individuals, a whole one without its point; one below none as it came, to be found."""
    element, text = seen.values.get(Attribute.COUNT, ("", ""))
    if element != "dValue":
        text = text if text.isdecimal() and len(text) <= 5 else ""
    try:
        number = float(text)
    except ValueError:
        return None
    return f"{number:.12g}" if abs(number) < 1e6 else None


def _word(seen: Observation, attribute: Attribute, vocabulary: Vocabulary) -> str | None:
    """Return a value that is a word of a vocabulary, as it came; None for any other."""
    _, text = seen.values.get(attribute, ("", ""))
    return text if text and parse_term(text.strip("."), vocabulary) else None


Known = dict[tuple[int, int], Day]
"""The days by the number of their file and their own."""


class SmartSource(Source):
    """Patrols of SMART: wildlife observations and effort come in, and nothing else ever does.

    A category that is not known to be wildlife's, an attribute that is none of species, count, sex and age, names of
    members, team, station, comments, objectives and tracks are not read: not into the lake, not into the report. What
    stays out is counted by reason.

    Parameters
    ----------
    paths : sequence of Path
        XML files of patrols, or folders or zips with such; SMART's data model may lie beside them.
    dataset : str, optional
        Key of the dataset: one for each conservation area, so that patrols of the same number stay apart.
    options : mapping
        `datamodel`: SMART's data model (XML), which states what species' keys mean. `species`: a CSV file with the headings
        `key` and `scientificName`. `categories`: keys of categories that are wildlife's too, joined by `|`.
    """

    name: ClassVar[str] = "smart"
    reads: ClassVar[str] = "XML files that SMART exported"
    known_options: ClassVar[frozenset[str]] = frozenset({"categories", "datamodel", "species"})
    heading_options: ClassVar[bool] = False

    def _read_options(self) -> None:
        self.categories = declared_categories(self.options.get("categories", ""))
        self.datamodel, self.species = (_file(self.options, name) for name in ("datamodel", "species"))

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the days of all patrols as events, then their wildlife observations.

        Raises
        ------
        InputError
            If a file is no patrol, or no safe XML. Errors never state what stands in it.
        """
        every = [file for path in self.paths for file in _files(path)]
        models = [file for file in every if len(every) > 1 and is_data_model(file)]
        files = [file for file in every if file not in models]
        if len(models) > 1 or not files:
            problem = "there are several data models" if models[1:] else "there is no patrol beside the data model"
            expected = "patrols, and one data model at most"
            raise InputError(
                problem, file=", ".join(one.file for one in models), expected=expected, code="INPUT_MISSING"
            )
        datamodel = self.datamodel or (models[0] if models else None)
        admission = Admission(self.categories, SpeciesNames(datamodel, self.species))
        name, known = self.paths[0].name, Known()
        days = VerbatimTable(kind="events", name=name, dataset=DatasetInfo(self.dataset), batches=iter(()))
        days.batches = self._days(files, days, admission, known)
        yield days
        records = VerbatimTable(kind="occurrences", name=name, dataset=DatasetInfo(self.dataset), batches=iter(()))
        records.batches = self._records(files, records, admission, known)
        yield records

    def _days(
        self, files: Sequence[Part], table: VerbatimTable, admission: Admission, known: Known
    ) -> Iterator[pl.DataFrame]:
        """Yield the days of each file; `known` gets them."""
        for number, part in enumerate(files):
            days: list[Day] = []
            seen_in: dict[int, set[Cell]] = {}

            def saw(seen: Observation, seen_in: dict[int, set[Cell]] = seen_in) -> None:
                if seen.place is not None and admission.comes_in(seen, seen.day):
                    cell = cell_of(*map(float, seen.place))
                    seen_in.setdefault(seen.day.number, set()).update([cell] if cell else [])

            listener = PatrolListener(part.file, with_tracks=True, on_days=days.extend, on_observation=saw)
            with part.open() as stream:
                for _ in listen(stream, listener, file=part.file):
                    pass
            rows: list[Row] = []
            for day in days:
                known[number, day.number] = day
                if day.date is not None:
                    rows += event_rows(day, common_cell(seen_in.get(day.number, ())))
            table.refusals += [
                Refusal(part.file, row, "date", None, "PATROL_DATE_INVALID", NO_DATE)
                for row, _ in enumerate((day for day in days if day.date is None), len(rows) + 1)
            ]
            table.notes += _doubts(part.file, days)
            if rows:
                table.notes.append(f"{part.file}: what its patrols walked counts as effort, and is never published")
                yield _frame(rows, EVENT_COLUMNS, part.file, range(1, len(rows) + 1))

    def _records(
        self, files: Sequence[Part], table: VerbatimTable, admission: Admission, known: Known
    ) -> Iterator[pl.DataFrame]:
        """Yield the wildlife observations of each file."""
        for number, part in enumerate(files):
            heard: list[Observation] = []
            listener = PatrolListener(part.file, with_tracks=False, on_observation=heard.append)
            with part.open() as stream:
                for _ in listen(stream, listener, file=part.file):
                    rows = [(seen.number, admission.row(seen, known[number, seen.day.number])) for seen in heard]
                    heard.clear()
                    taken = [(row, facts) for row, facts in rows if facts is not None]
                    if taken:
                        yield _frame(
                            [facts for _, facts in taken], RECORD_COLUMNS, part.file, [row for row, _ in taken]
                        )
        table.notes += [
            f"{count} observations stay out: {reason}" for reason, count in sorted(admission.left_out.items())
        ]
        for count, what in ((admission.uncounted, "count"), (admission.unplaced, "place")):
            if count:
                table.notes.append(f"{count} observations come in without their {what}: it is told by no numbers")
        if admission.unnamed:
            table.notes.append(
                f"{admission.unnamed} observations have no scientific name: the key of their species is kept as their common "
                "name. --option datamodel=FILE.xml or species=FILE.csv (key,scientificName) tells what keys mean"
            )


def _doubts(file: str, days: Sequence[Day]) -> Iterator[str]:
    """Yield what is doubtful of the days of a file."""
    if not days:
        yield f"{file}: it has no day of any patrol"
    unread = sum(day.unread for day in days)
    if unread:
        yield f"{file}: {unread} tracks cannot be read, and no effort is told of them"
    odd = sum(bool(day.km) and not effort_km(day) for day in days)
    if odd:
        yield f"{file}: {odd} days have a track of some metres, or longer than can be gone; it is not taken for effort"


def _frame(rows: Sequence[Row], columns: Sequence[str], file: str, numbers: Sequence[int]) -> pl.DataFrame:
    """Return rows as a frame of text."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    places = pl.Series("source_row", numbers, dtype=pl.Int64)
    return frame.select(pl.lit(file).alias("source_file"), places, pl.all())


def _file(options: Mapping[str, str], name: str) -> Part | None:
    """Return the file that an option tells."""
    if name not in options:
        return None
    path = Path(options[name])
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), column=name, code="FILE_MISSING")
    return part_of(path)


def _files(path: Path) -> list[Part]:
    """Return the XML files of a folder or a zip, or the file; pictures in a zip are not looked at."""
    if not path.exists():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    try:
        return parts([path], suffixes=(".xml",))
    except InputError as error:
        if error.code != "FILE_MISSING":
            raise
        problem = "there is no XML file in it"
        raise InputError(
            problem, file=path.name, expected="patrols that SMART exported", code="INPUT_MISSING"
        ) from error
