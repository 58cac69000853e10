"""What kind of record it is: basis, status, counts, sex, stage, licence, keys."""

import hmac
from collections import Counter
from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.core.errors import Refusal
from biodata.core.flags import TRACKED
from biodata.core.vocabularies import MACHINE_ONLY, TRACKING_PROTOCOL, SurveyDesign
from biodata.harmonise.findings import ADMINISTRATION, Findings, Stated, repairs
from biodata.sharing import measurements, media
from biodata.sharing.labels import in_texts
from biodata.text.controlled import Vocabulary, parse_controlled, parse_licences
from biodata.text.countries import parse_countries
from biodata.text.numbers import parse_decimals

# What identifies a record in its dataset, and the rows that nothing identifies.

IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
"""The terms that may identify a record, the best first. catalogNumber does not: it is unique in a collection only."""
_STATION: Final = ("eventID", "locationID", "locality", "verbatimCoordinates")
_COORDINATES: Final = ("decimalLatitude", "decimalLongitude", "verbatimLatitude", "verbatimLongitude")
_TIME: Final = ("eventDate", "verbatimEventDate", "eventTime")
_TAXON: Final = ("scientificName", "vernacularName", "taxonID")


class Identities:
    """Gives each row its dataset and what identifies it there; keeps count of equal rows across batches.

    Parameters
    ----------
    secret : bytes
        The installation's secret. An identity made from a row's content is an HMAC with it: a plain hash of name,
        date and place could be turned back by trying every place.

    Attributes
    ----------
    part : str or None
        The part of a dataset whose rows come. There a row without an identifier is known by its station, time and taxon
        and its place among the equal ones, so that a corrected cell leaves it the same record.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.part: str | None = None
        self._seen: Counter[tuple[str, str]] = Counter()

    def counted(self) -> Counter[tuple[str, str]]:
        """Return how often each content came so far."""
        return self._seen.copy()

    def count_from(self, counted: Counter[tuple[str, str]]) -> None:
        """Count on from what `counted` gave: a table is read once more."""
        self._seen = counted.copy()

    def assign(self, parsed: Stated, *, dataset_key: str) -> tuple[Findings, pl.Series, list[Refusal]]:
        """Identify the rows of a batch.

        Parameters
        ----------
        parsed : Stated
            n rows.
        dataset_key : str
            The dataset of rows that state none.

        Returns
        -------
        findings : Findings
            `datasetKey` and `source_record_id` of n rows, with the flags of identifiers that stood in.
        kept : Series of bool, length n
            False for the rows that are refused.
        refusals : list of Refusal
            Rows that are blank (`ROW_BLANK`), and rows without an identifier in a file that has a column of them
            (`IDENTIFIER_MISSING`).
        """
        datasets = parsed["datasetKey"].fill_null(dataset_key)
        if self.part is not None:
            stated = parsed.first_of(*IDENTIFIERS)
            blank = _blank(parsed) & stated.is_null()
            flag, flagged = "OCCURRENCE_ID_FROM_CONTENT", stated.is_null() & ~blank
            made = self._from_station(parsed, datasets, flagged)
            identifiers = pl.select(pl.coalesce(stated, made)).to_series()
        elif parsed.has_heading(*IDENTIFIERS):
            identifiers = parsed.first_of(*IDENTIFIERS)
            blank = _blank(parsed) & identifiers.is_null()
            flag, flagged = "OCCURRENCE_ID_MISSING", parsed["occurrenceID"].is_null() & identifiers.is_not_null()
        else:
            blank = _blank(parsed)
            identifiers = self._from_content(parsed, datasets, blank)
            flag, flagged = "OCCURRENCE_ID_FROM_CONTENT", ~blank
        missing = identifiers.is_null() & ~blank
        refusals = _refusals(parsed, blank, "ROW_BLANK", "the row is blank: every cell is empty")
        names = ", ".join(term for term in parsed.terms if term in IDENTIFIERS)
        message = f"nothing identifies the record: {names} is empty"
        refusals += _refusals(parsed, missing, "IDENTIFIER_MISSING", message)
        columns = {"datasetKey": datasets, "source_record_id": identifiers}
        return Findings(columns, {flag: flagged}), identifiers.is_not_null(), refusals

    def _from_content(self, stated: Stated, datasets: pl.Series, blank: pl.Series) -> pl.Series:
        """Return for each row an HMAC of all that it tells; equal rows get #2, #3 and so on."""
        headings = sorted([*stated.terms, *stated.unknown])
        return self._made(stated.batch.select(headings), datasets, ~blank)

    def _from_station(self, stated: Stated, datasets: pl.Series, wanted: pl.Series) -> pl.Series:
        """Return for each row an HMAC of its part, station, time and taxon; equal rows get #2, #3 and so on."""
        columns = [stated.first_of(*_STATION).alias("station"), *(stated[name].alias(name) for name in _TIME)]
        nowhere = columns[0].is_null()
        columns += [stated[name].set(~nowhere, None).alias(name) for name in _COORDINATES]
        columns += [
            stated.first_of(*_TAXON).alias("taxon"),
            pl.Series("part", [self.part]).new_from_index(0, stated.height),
        ]
        return self._made(pl.DataFrame(columns), datasets, wanted)

    def _made(self, rows: pl.DataFrame, datasets: pl.Series, wanted: pl.Series) -> pl.Series:
        """Return for each wanted row an HMAC of its cells; equal rows get #2, #3 and so on."""
        headings = rows.columns
        identities: list[str | None] = []
        for dataset, is_wanted, cells in zip(datasets, wanted, rows.iter_rows(), strict=True):
            if not is_wanted:
                identities.append(None)
                continue
            # \x1f and \x1e separate what no text file has between cells; an empty cell states nothing, as a missing one.
            content = "\x1e".join(f"{h}\x1f{c}" for h, c in zip(headings, cells, strict=True) if c is not None)
            digest = hmac.digest(self._secret, content.encode(), "sha256").hex()[:32]
            self._seen[dataset, digest] += 1
            repeat = self._seen[dataset, digest]
            identities.append(f"content:{digest}#{repeat}" if repeat > 1 else f"content:{digest}")
        return pl.Series("source_record_id", identities, dtype=pl.String)


def _blank(stated: Stated) -> pl.Series:
    """Tell which rows have nothing but white space in every cell."""
    silent = stated.silent()
    if not silent.any():
        return silent
    data = stated.batch.filter(silent).drop(ADMINISTRATION)
    cells = [pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "") for name in data.columns]
    blank = (
        data.select(pl.all_horizontal(cells)).to_series() if cells else pl.Series([True]).new_from_index(0, data.height)
    )
    return silent.scatter(silent.arg_true(), blank)


def _refusals(stated: Stated, rows: pl.Series, code: str, message: str) -> list[Refusal]:
    """Refuse the rows where `rows` is True."""
    if not rows.any():
        return []
    refused = stated.batch.filter(rows).select(ADMINISTRATION)
    return [Refusal(file, row, None, None, code, message) for file, row in refused.iter_rows()]


_MEDIA: Final = ("multimedia_extension", "associatedMedia")
_CONTROLLED: Final = {
    "basisOfRecord": (Vocabulary.BASIS_OF_RECORD, "BASIS_OF_RECORD_INVALID"),
    "typeStatus": (Vocabulary.TYPE_STATUS, "TYPE_STATUS_INVALID"),
}
# Values outside these vocabularies are often right ("workers", "mixed"): they stay as stated, without a doubt.
_FREE: Final = {
    "sex": Vocabulary.SEX,
    "lifeStage": Vocabulary.LIFE_STAGE,
    "establishmentMeans": Vocabulary.ESTABLISHMENT_MEANS,
}
OF_DESIGN: Final = "design_of_event"
DESIGN: Final = "design"
"""Where a record's row has the design that is stated of its event."""
UNCOUNTED: Final = "X"
"""In place of a number: there were some, and nobody counted them; https://science.ebird.org, observation count."""
MOST_INDIVIDUALS: Final = 2**53
"""Above this a floating point number no longer tells whole numbers apart."""


def interpret(stated: Stated) -> Findings:
    """Read what a record says of itself.

    Parameters
    ----------
    stated : Stated
        n rows.

    Returns
    -------
    Findings of n rows

    Notes
    -----
    Darwin Core takes a record without occurrenceStatus for one of presence; where it counts 0 individuals it is one of
    absence, and the repair says so. One that states neither basisOfRecord nor samplingProtocol has those of the design of its
    event, where there is one.
    """
    columns: dict[str, pl.Series] = {}
    flags: dict[str, pl.Series] = {}
    for term, (vocabulary, flag) in _CONTROLLED.items():
        if stated.has(term):
            columns[term] = parse_controlled(stated[term], vocabulary)["term"]
            flags[flag] = stated[term].is_not_null() & columns[term].is_null()
    for term, vocabulary in _FREE.items():
        if stated.has(term):
            columns[term] = parse_controlled(stated[term], vocabulary)["term"].fill_null(stated[term])
    licence = stated.first_of("license", "rights")
    columns["license"] = parse_licences(licence)["license"]
    flags["LICENSE_UNKNOWN"] = licence.is_not_null() & columns["license"].is_null()
    rights = [in_texts(stated[term]) for term in ("accessRights", "rights", "dynamicProperties") if stated.has(term)]
    if rights:
        columns["community_labels"] = pl.select(
            pl.concat_list(r.fill_null([]) for r in rights).list.unique().list.sort()
        ).to_series()
    if stated.has(*_MEDIA):
        shown = zip(*(stated[term].to_list() for term in _MEDIA), strict=True)
        columns["media"] = pl.Series([media.read(*each) for each in shown], dtype=pl.String)
    if stated.has(measurements.COLUMN):
        columns[measurements.COLUMN] = measurements.column(stated[measurements.COLUMN])
    for term in ("taxonKey", "speciesKey"):
        if stated.has(term):
            columns[term] = stated[term].cast(pl.Int64, strict=False)
    if stated.has("publishingCountry"):
        columns["publishingCountry"] = parse_countries(stated["publishingCountry"])["code"]
    if stated.has("issue"):
        columns["source_issues"] = stated["issue"].str.split(";")
    # Even where it is stated in other letters: the flag decides that the place is withheld.
    flags[TRACKED] = stated["samplingProtocol"].str.to_lowercase().str.starts_with(TRACKING_PROTOCOL)
    if stated.has("identificationVerificationStatus"):
        status = stated["identificationVerificationStatus"].str.to_lowercase()
        by_machine = (status == MACHINE_ONLY).fill_null(value=False)
        flags["IDENTIFIED_BY_MACHINE"] = by_machine
        columns |= _machine(stated, by_machine)
    counts = _counts(stated)
    filled, noted = _of_design(stated, columns)
    return Findings({**columns, **filled, **counts.columns}, {**flags, **counts.flags}, [*counts.repairs, *noted])


def _of_design(stated: Stated, columns: Mapping[str, pl.Series]) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Fill what a row does not tell of its method from its event's design: cameras make records themselves, people the others."""
    if (cells := stated.other(DESIGN)) is None:
        return {}, []
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, stated.height)
    frame = pl.DataFrame(
        {
            "design": parse_controlled(cells, Vocabulary.SURVEY_DESIGN)["term"],
            "basisOfRecord": columns.get("basisOfRecord", nothing),
            "samplingProtocol": stated["samplingProtocol"],
            "is_silent": stated["basisOfRecord"].is_null(),
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


def _machine(stated: Stated, by_machine: pl.Series) -> dict[str, pl.Series]:
    """Read how sure a machine was. What people write of their determinations may name them, or a place: it stays inside."""
    number = parse_decimals(stated["classificationProbability"])["number"]
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


def is_uncounted(values: pl.Series) -> pl.Series:
    """Tell which counts say that individuals were there and not counted."""
    return (values.str.strip_chars().str.to_uppercase() == UNCOUNTED).fill_null(value=False)


def _counts(stated: Stated) -> Findings:
    """Read individualCount and occurrenceStatus, which must not contradict each other."""
    uncounted = is_uncounted(stated["individualCount"])
    read = parse_decimals(stated["individualCount"])
    number = read["number"]
    whole = ((number == number.floor()) & (number >= 0) & (number < MOST_INDIVIDUALS)).fill_null(value=False)
    count = pl.select(pl.when(whole).then(number)).to_series().cast(pl.Int64)
    status = parse_controlled(stated["occurrenceStatus"], Vocabulary.OCCURRENCE_STATUS)["term"]
    unparsable = stated["occurrenceStatus"].is_not_null() & status.is_null()
    none_counted = stated["occurrenceStatus"].is_null() & (count == 0).fill_null(value=False)
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
