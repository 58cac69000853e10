"""What kind of record it is: basis, status, counts, sex, stage, licence, keys."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.flags import TRACKED
from biodata.harmonise.findings import Findings, Told, repairs
from biodata.sharing import measurements, media
from biodata.sharing.labels import in_texts
from biodata.text.controlled import Vocabulary, parse_controlled, parse_licences
from biodata.text.countries import parse_countries
from biodata.text.numbers import parse_decimals
from biodata.vocabularies import MACHINE_ONLY, TRACKING_PROTOCOL, SurveyDesign

_MEDIA: Final = ("multimedia_extension", "associatedMedia")
_CONTROLLED: Final = {
    "basisOfRecord": (Vocabulary.BASIS_OF_RECORD, "BASIS_OF_RECORD_INVALID"),
    "typeStatus": (Vocabulary.TYPE_STATUS, "TYPE_STATUS_INVALID"),
}
# Values outside these vocabularies are often right ("workers", "mixed"): they stay as told, without a doubt.
_FREE: Final = {
    "sex": Vocabulary.SEX,
    "lifeStage": Vocabulary.LIFE_STAGE,
    "establishmentMeans": Vocabulary.ESTABLISHMENT_MEANS,
}
OF_DESIGN: Final = "design_of_event"
DESIGN: Final = "design"
"""Where a record's row has the design that is told of its event."""
UNCOUNTED: Final = "X"
"""In place of a number: there were some, and nobody counted them; https://science.ebird.org, observation count."""
MOST_INDIVIDUALS: Final = 2**53
"""Above this a floating point number no longer tells whole numbers apart."""


def interpret(told: Told) -> Findings:
    """Read what a record says of itself.

    Parameters
    ----------
    told : Told
        n rows.

    Returns
    -------
    Findings of n rows

    Notes
    -----
    Darwin Core takes a record without occurrenceStatus for one of presence; where it counts 0 individuals it is one of
    absence, and the repair says so. One that tells neither basisOfRecord nor samplingProtocol has those of the design of its
    event, where there is one.
    """
    columns: dict[str, pl.Series] = {}
    flags: dict[str, pl.Series] = {}
    for term, (vocabulary, flag) in _CONTROLLED.items():
        if told.has(term):
            columns[term] = parse_controlled(told[term], vocabulary)["term"]
            flags[flag] = told[term].is_not_null() & columns[term].is_null()
    for term, vocabulary in _FREE.items():
        if told.has(term):
            columns[term] = parse_controlled(told[term], vocabulary)["term"].fill_null(told[term])
    licence = told.first_of("license", "rights")
    columns["license"] = parse_licences(licence)["license"]
    flags["LICENSE_UNKNOWN"] = licence.is_not_null() & columns["license"].is_null()
    rights = [in_texts(told[term]) for term in ("accessRights", "rights", "dynamicProperties") if told.has(term)]
    if rights:
        columns["community_labels"] = pl.select(
            pl.concat_list(r.fill_null([]) for r in rights).list.unique().list.sort()
        ).to_series()
    if told.has(*_MEDIA):
        shown = zip(*(told[term].to_list() for term in _MEDIA), strict=True)
        columns["media"] = pl.Series([media.read(*each) for each in shown], dtype=pl.String)
    if told.has(measurements.COLUMN):
        columns[measurements.COLUMN] = measurements.column(told[measurements.COLUMN])
    for term in ("taxonKey", "speciesKey"):
        if told.has(term):
            columns[term] = told[term].cast(pl.Int64, strict=False)
    if told.has("publishingCountry"):
        columns["publishingCountry"] = parse_countries(told["publishingCountry"])["code"]
    if told.has("issue"):
        columns["source_issues"] = told["issue"].str.split(";")
    # Even where it is told in other letters: the flag decides that the place is withheld.
    flags[TRACKED] = told["samplingProtocol"].str.to_lowercase().str.starts_with(TRACKING_PROTOCOL)
    if told.has("identificationVerificationStatus"):
        status = told["identificationVerificationStatus"].str.to_lowercase()
        by_machine = (status == MACHINE_ONLY).fill_null(value=False)
        flags["IDENTIFIED_BY_MACHINE"] = by_machine
        columns |= _machine(told, by_machine)
    counts = _counts(told)
    filled, noted = _of_design(told, columns)
    return Findings({**columns, **filled, **counts.columns}, {**flags, **counts.flags}, [*counts.repairs, *noted])


def _of_design(told: Told, columns: Mapping[str, pl.Series]) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Fill what a row does not tell of its method from its event's design: cameras make records themselves, people the others."""
    cells = told.other(DESIGN)
    if cells is None:
        return {}, []
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, told.height)
    frame = pl.DataFrame(
        {
            "design": parse_controlled(cells, Vocabulary.SURVEY_DESIGN)["term"],
            "basisOfRecord": columns.get("basisOfRecord", nothing),
            "samplingProtocol": told["samplingProtocol"],
            "is_silent": told["basisOfRecord"].is_null(),
        }
    )
    is_camera = pl.col("design") == SurveyDesign.CAMERA_TRAP.value
    by_term = {
        "basisOfRecord": (
            pl.when(is_camera).then(pl.lit("MACHINE_OBSERVATION")).otherwise(pl.lit("HUMAN_OBSERVATION")),
            pl.col("is_silent"),
        ),
        "samplingProtocol": (pl.col("design").str.replace_all("_", " "), pl.col("samplingProtocol").is_null()),
    }
    filled, noted = {}, []
    for term, (value, is_empty) in by_term.items():
        found = frame.select(where=pl.col("design").is_not_null() & is_empty, value=value, own=pl.col(term))
        filled[term] = found.select(pl.when("where").then("value").otherwise("own").alias(term)).to_series()
        noted.append(repairs(found["where"], term, found["value"], OF_DESIGN, applied=True))
    return filled, noted


def _machine(told: Told, by_machine: pl.Series) -> dict[str, pl.Series]:
    """Read how sure a machine was. What people write of their determinations may name them, or a place: it stays inside."""
    number = parse_decimals(told["classificationProbability"])["number"]
    frame = pl.DataFrame({"by_machine": by_machine, "number": number})
    score = pl.when("by_machine", pl.col("number").is_between(0, 1)).then("number")
    sure = pl.lit(", score ") + score.round(6).cast(pl.String)
    return dict(
        frame.select(
            identificationVerificationStatus=pl.when("by_machine").then(pl.lit(MACHINE_ONLY)),
            identificationRemarks=pl.when("by_machine").then(pl.lit("determined by a machine") + sure.fill_null("")),
            classificationProbability=score,
        ).to_dict()
    )


def is_uncounted(told: pl.Series) -> pl.Series:
    """Tell which counts say that individuals were there and not counted."""
    return (told.str.strip_chars().str.to_uppercase() == UNCOUNTED).fill_null(value=False)


def _counts(told: Told) -> Findings:
    """Read individualCount and occurrenceStatus, which must not contradict each other."""
    uncounted = is_uncounted(told["individualCount"])
    read = parse_decimals(told["individualCount"])
    number = read["number"]
    whole = ((number == number.floor()) & (number >= 0) & (number < MOST_INDIVIDUALS)).fill_null(value=False)
    count = pl.select(pl.when(whole).then(number)).to_series().cast(pl.Int64)
    status = parse_controlled(told["occurrenceStatus"], Vocabulary.OCCURRENCE_STATUS)["term"]
    unparsable = told["occurrenceStatus"].is_not_null() & status.is_null()
    none_counted = told["occurrenceStatus"].is_null() & (count == 0).fill_null(value=False)
    frame = pl.DataFrame({"status": status, "count": count, "unparsable": unparsable, "none_counted": none_counted})
    status = frame.select(
        pl.when("none_counted")
        .then(pl.lit("ABSENT"))
        .when("unparsable")
        .then(None)
        .otherwise(pl.col("status").fill_null("PRESENT"))
        .alias("occurrenceStatus")
    ).to_series()
    counted = (count > 0) | uncounted
    conflict = ((count == 0) & (status == "PRESENT")) | (counted & (status == "ABSENT"))
    flags = {
        "INDIVIDUAL_COUNT_INVALID": read["value"].is_not_null() & ~whole & ~uncounted,
        "INDIVIDUAL_COUNT_NOT_TOLD": uncounted,
        "OCCURRENCE_STATUS_UNPARSABLE": unparsable,
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS": conflict,
    }
    noted = [repairs(none_counted, "occurrenceStatus", status, "absent_where_none_counted", applied=True)]
    return Findings({"individualCount": count, "occurrenceStatus": status}, flags, noted)
