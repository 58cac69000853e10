"""What every form of camera-trap data shares: who and what is left out, where the camera stood, how a machine's word is kept.

Only columns that a source names come in. Pictures of people and vehicles never do, nor the names of those who set up cameras
or looked through pictures; each row that stays out is counted with its reason.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.core.vocabularies import MACHINE_ONLY, SurveyDesign
from biodata.ingest.protocol import DatasetInfo, Finding, VerbatimTable
from biodata.ingest.tables import Part, whole_table
from biodata.text.dates import parse_dates

PROTOCOL: Final = "camera trap"
_ANY_DAY: Final = date(9999, 1, 1)  # whether a date has been yet is checked elsewhere
BASIS: Final = "MachineObservation"

REASONS: Final = MappingProxyType(
    {
        "PERSON_LEFT_OUT": "a person is on it: pictures of people are never taken in",
        "VEHICLE_LEFT_OUT": "a vehicle is on it: pictures of vehicles are never taken in",
        "BLANK_LEFT_OUT": "nothing is on it; the time that the camera stood counts as effort all the same",
        "UNCLASSIFIED_LEFT_OUT": "nobody has told yet what is on it",
        "SETUP_LEFT_OUT": "it was made while the camera was set up or checked",
        "MEDIA_LEVEL_LEFT_OUT": "the same animals are told once more for the whole event; that row is taken",
        "SCORE_LOW": "the machine's score is below min_score",
        "SCORE_INVALID": "the machine's score is no number between 0 and 1",
        "DEPLOYMENT_UNKNOWN": "its deployment is not in the table of deployments, or was refused there",
        "DEPLOYMENT_BLOCKED": "its deployment has a fault in the table of deployments, and it comes in with that",
        "PICTURE_FAILED": "the machine could not read this picture",
        "PICTURE_REPEATED": "an earlier row tells the same",
        "PICTURE_INVALID": "it is not of the form that the machine's results have",
    }
)
"""Why a row is left out, by code."""

_NO_EVENT: Final = MappingProxyType(
    {
        "DEPLOYMENT_REPEATED": "an earlier row tells the same deployment in every cell; it is taken once",
        "EVENT_REPEATED": "an earlier row has the same deployment, and tells something else of it",
        "EVENT_ID_MISSING": "nothing identifies this deployment",
    }
)
"""Why a row is no deployment of its own, by code."""

_OF_KIND: Final = MappingProxyType(
    {
        "person": "PERSON_LEFT_OUT",
        "vehicle": "VEHICLE_LEFT_OUT",
        "blank": "BLANK_LEFT_OUT",
        "unclassified": "UNCLASSIFIED_LEFT_OUT",
        "setup": "SETUP_LEFT_OUT",
    }
)

DEPLOYMENT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "eventID": ("deploymentID", "deployment_id", "eventID", "deployment"),
        "decimalLatitude": ("latitude", "decimalLatitude"),
        "decimalLongitude": ("longitude", "decimalLongitude"),
        "start": ("deploymentStart", "start_date", "start"),
        "end": ("deploymentEnd", "end_date", "end"),
        "coordinateUncertaintyInMeters": ("coordinateUncertainty", "coordinateUncertaintyInMeters"),
        "geodeticDatum": ("geodeticDatum",),
        "locationID": ("locationID", "location_id"),
        "locality": ("locationName", "placename", "locality"),
        "countryCode": ("countryCode", "country_code"),
        "habitat": ("habitat",),
        "cameraID": ("cameraID", "camera_id"),
        "timeZone": ("timeZone", "time_zone"),
        "clockCorrection": ("clockCorrection",),
        "cameraClockAtStart": ("cameraClockAtStart",),
        "cameraClockAtEnd": ("cameraClockAtEnd",),
        "failurePeriods": ("failurePeriods",),
        "side": ("side",),
        "targetTaxonomicScope": ("targetTaxonomicScope",),
        "excludedTaxonomicScope": ("excludedTaxonomicScope",),
        "isAbsenceReported": ("isAbsenceReported",),
        "samplingEffortValue": ("samplingEffortValue",),
        "samplingEffortUnit": ("samplingEffortUnit",),
        "folder": ("folder", "path", "RelativePath", "relativePath"),
    }
)
"""Term → headings that it comes under in tables of deployments; nothing else of them comes in."""

_OFFSET: Final = r"[T ].*([+-]\d\d:?\d\d)$"
_NEEDED: Final = ("eventID", "decimalLatitude", "decimalLongitude", "start", "end")
OF_DEPLOYMENT: Final = (
    "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "geodeticDatum", "locationID", "locality",
    "countryCode", "habitat", "timeZone",
)  # fmt: skip
"""What a record takes from its deployment."""


@cache
def words() -> Mapping[str, str]:
    """Return the words that name no animal, in small letters, with the code of why their rows are left out."""
    with files("biodata").joinpath("data").joinpath("camera_trap_words.csv").open("rb") as file:
        table = pl.read_csv(file, infer_schema=False)
    return MappingProxyType({word.lower(): _OF_KIND[kind] for word, kind in table.select("word", "kind").iter_rows()})


def why_left_out(name: pl.Expr) -> pl.Expr:
    """Return the code of why a row is left out, by what was seen; null where it may be an animal.

    Parameters
    ----------
    name : expression of String
        A name, scientific or common, or a label.
    """
    plain = name.str.strip_chars().str.to_lowercase().str.replace_all(r"[\s_\-]+", " ")
    known = words()
    by_word = plain.replace_strict({w.replace("_", " "): code for w, code in known.items()}, default=None)
    return (
        pl.when(plain.str.contains(r"^homo( |$)|^hominidae$|^(human|person|people) "))
        .then(pl.lit("PERSON_LEFT_OUT"))
        .otherwise(by_word)
    )


def refused(rows: pl.DataFrame, *, file: str, column: str | None) -> list[Refusal]:
    """Return rows with a `code` as refusals.

    Parameters
    ----------
    rows : polars.DataFrame of n rows
        `source_row`, `code`, and `value`, what was stated.
    file, column : str
        Where.
    """
    return [
        Refusal(file, row, column, value, code, REASONS[code])
        for row, value, code in rows.select("source_row", "value", "code").iter_rows()
    ]


def deployment_events(frame: pl.DataFrame, *, file: str, needed: Collection[str] = _NEEDED) -> pl.DataFrame:
    """Return a table of deployments as events.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        `source_row` and text columns as headed (`DEPLOYMENT_COLUMNS`).
    file : str
        What it is called.
    needed : collection of str
        Terms that it must have.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_row`, terms of events, and `folder` where it is stated. `timeZone` is the offset of start and end
        where nothing else is stated.

    Raises
    ------
    InputError
        If a column that is needed is not there (HEADING_MISSING).
    """
    found = _columns(frame)
    for term in needed:
        if term not in found:
            problem = "the table of deployments lacks a column"
            expected = " or ".join(DEPLOYMENT_COLUMNS[term])
            raise InputError(
                problem, file=file, row=1, column=expected.split(" ")[0], expected=expected, code="HEADING_MISSING"
            )
    dated = {"start", "end"} <= set(found)
    period = interval(pl.col(found["start"]), pl.col(found["end"])) if dated else pl.lit(None, dtype=pl.String)
    zone = [_zone(found["start"], found["end"])] if dated and "timeZone" not in found else []
    return frame.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        *(pl.col(heading).alias(term) for term, heading in found.items() if term not in ("start", "end")),
        period.alias("eventDate"),
        *zone,
    ).with_columns(as_events())


def period_findings(frame: pl.DataFrame, *, file: str) -> Iterator[Finding]:
    """Find ends of deployments before their start, each at its own cell of the two that make a period."""
    found = _columns(frame)
    if {"start", "end"} <= found.keys():
        start, end = (parse_dates(frame[found[name]], today=_ANY_DAY)["start"] for name in ("start", "end"))
        wrong = frame.filter((end < start).fill_null(value=False)).select("source_row", found["start"], found["end"])
        for row, first, last in wrong.iter_rows():
            yield Finding(file, None, row, found["end"], last, "EVENT_ENDS_BEFORE_START", True, {"start": first})


def deployment_headings(frame: pl.DataFrame) -> dict[str, str]:
    """Return what the columns of a table of deployments are headed, by term; of a period both ends."""
    found = _columns(frame)
    ends = [found.pop(end) for end in ("start", "end") if end in found]
    return found | ({"eventDate": ", ".join(ends)} if ends else {})


def _columns(frame: pl.DataFrame) -> dict[str, str]:
    """Return the columns of a table of deployments by their key of `DEPLOYMENT_COLUMNS`."""
    by_plain = {plain(heading): heading for heading in frame.columns}
    return {
        term: heading
        for term, headings in DEPLOYMENT_COLUMNS.items()
        if (heading := next((by_plain[plain(h)] for h in headings if plain(h) in by_plain), None)) is not None
    }


def _zone(start: str, end: str) -> pl.Expr:
    """Return the offset that both ends are stated in, where it is not that of UTC, in which programs write any time."""
    first, last = (pl.col(name).str.extract(_OFFSET) for name in (start, end))
    return pl.when((first == last) & ~first.is_in(["+00:00", "+0000"])).then(first).alias("timeZone")


def plain(heading: str) -> str:
    """Return a heading without case, spaces and underscores."""
    return heading.strip().strip("\ufeff").lower().replace("_", "").replace(" ", "")


def interval(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Return two moments as one ISO 8601 text; the first alone where they are equal or the other is not stated."""
    return pl.when(end.is_null() | (end == start)).then(start).otherwise(start + "/" + end)


def as_events() -> list[pl.Expr]:
    """Return what is the same for every deployment of a camera."""
    return [
        pl.lit(SurveyDesign.CAMERA_TRAP.value).alias("design"),
        pl.lit(PROTOCOL).alias("samplingProtocol"),
        pl.lit("deployment").alias("eventType"),
    ]


def machine_word(method: pl.Expr, model: pl.Expr, score: pl.Expr) -> list[pl.Expr]:
    """Return how a determination by a machine is kept; every column is null where a person determined.

    Parameters
    ----------
    method, model, score : expressions of String
        `machine` or `human`; what the machine is called; its score, 0-1, as stated.
    """
    by_machine = method == "machine"
    remark = pl.concat_str(
        pl.lit("determined by a machine"), pl.lit(": ") + model, pl.lit(", score ") + score, ignore_nulls=True
    )
    return [
        pl.when(by_machine).then(pl.lit(MACHINE_ONLY)).alias("identificationVerificationStatus"),
        pl.when(by_machine).then(remark).alias("identificationRemarks"),
        pl.when(by_machine).then(score).alias("classificationProbability"),
    ]


def moments(rows: pl.DataFrame, *, event: str, told: str) -> pl.DataFrame:
    """Return when pictures were made that are left out: of no person and no vehicle, and nothing else of them.

    Parameters
    ----------
    rows : polars.DataFrame
        `source_row` and `code`, why each is left out.
    event, stated : str
        Columns of the deployment and of the moment.

    Returns
    -------
    polars.DataFrame of protocol.IMAGES
    """
    setup = pl.col("code") == "SETUP_LEFT_OUT"
    return rows.filter(pl.col("code").is_in(["BLANK_LEFT_OUT", "UNCLASSIFIED_LEFT_OUT", "SETUP_LEFT_OUT"])).select(
        eventID=pl.col(event), number="source_row", told=pl.col(told), kind=pl.when(setup).then(pl.lit("setup"))
    )


def first_refused(
    events: pl.DataFrame, came: pl.DataFrame, *, file: str, column: str = "deploymentID"
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return events that can be distinguished, and a refusal of each other one.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        `source_row` and `eventID`.
    came : polars.DataFrame
        The rows as they came, with `source_row`: one that is like an earlier one in every cell says nothing else.
    file, column : str
        Where.
    """
    events = events.with_columns(pl.col("eventID").str.strip_chars())
    alike = came.filter(~pl.struct(pl.exclude("source_row")).is_first_distinct())["source_row"]
    lacking = pl.col("eventID").is_null()
    again = ~lacking & ~pl.col("eventID").is_first_distinct()
    code = (
        pl.when(again & pl.col("source_row").is_in(alike.implode()))
        .then(pl.lit("DEPLOYMENT_REPEATED"))
        .when(again)
        .then(pl.lit("EVENT_REPEATED"))
        .when(lacking)
        .then(pl.lit("EVENT_ID_MISSING"))
    )
    marked = events.with_columns(code=code)
    refusals = [
        Refusal(file, row, column, event, code, _NO_EVENT[code])
        for row, event, code in marked.drop_nulls("code").select("source_row", "eventID", "code").iter_rows()
    ]
    return marked.filter(pl.col("code").is_null()).drop("code"), refusals


def left_out_columns(file: str, headings: Sequence[str], taken: Collection[str], frame: pl.DataFrame) -> list[str]:
    """Return a sentence about columns that do not come in, with the number of their cells; none where there are none."""
    out = [name for name in headings if name not in taken and name != "source_row"]
    facts = {name: frame.height - frame[name].null_count() for name in out if name in frame.columns}
    listed = ", ".join(f"{name} ({count})" for name, count in facts.items() if count)
    if not listed:
        return []
    return [f"{file}: columns that are not taken in, with their number of cells: {listed}"]


def deployment_table(
    part: Part, dataset: DatasetInfo, options: Mapping[str, str]
) -> tuple[VerbatimTable, pl.DataFrame]:
    """Return a CSV of deployments as a table of events, and the events with the `folder` that their pictures lie in."""
    frame, headings, refusals = whole_table(part, options)
    events, again = first_refused(deployment_events(frame, file=part.file), frame, file=part.file)
    taken = {heading for several in DEPLOYMENT_COLUMNS.values() for heading in several}
    table = VerbatimTable(
        kind="events",
        name=part.file,
        dataset=dataset,
        batches=iter([events.drop("folder", strict=False)]),
        refusals=[*refusals, *again],
        headings=deployment_headings(frame),
        findings=list(period_findings(frame, file=part.file)),
        notes=left_out_columns(part.file, headings, taken, frame),
    )
    return table, events
