"""What is wrong with a survey's files: each fault with its file, sheet, row, column, value and what would be right."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, Final

import numpy as np
import polars as pl

from biodata.errors import InputError
from biodata.harmonise import Harmoniser, camera_images
from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.occurrences import HarmonisedBatch
from biodata.harmonise.told import Told
from biodata.ingest.protocol import Finding
from biodata.ingest.survey import observations
from biodata.ingest.survey_periods import with_period
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.ingest.survey_tables import no_occurrences, read_survey
from biodata.parsers.placeholders import NA, PLACEHOLDERS
from biodata.places import BoundarySet
from biodata.places.edges import SEA
from biodata.surveys import cell_checks, event_checks, heading_checks, period_checks, row_checks, value_checks
from biodata.surveys.cell_checks import CELLS, Rows
from biodata.surveys.problems import FIELDS, Problem, problem_of, problem_of_file

_DATASET: Final = "check"
_SWAPPED: Final = "PRESUMED_SWAPPED_COORDINATE"
_UNREAD: Final = "SHEET_NOT_READ"
_COUNTRIES: Final = ("country", "countryCode")
_MOSTLY: Final = 0.9
_FEWEST: Final = 3


def check(
    file: BinaryIO,
    name: str,
    boundaries: BoundarySet,
    *,
    checklist: pl.DataFrame | None = None,
    today: date | None = None,
    encoding: str | None = None,
    kept: Mapping[str, str] | None = None,
    language: str = "en",
    params: bool = False,
) -> dict[str, Any]:
    """Check a survey's file and change nothing; parameters and answer as for `check_files`."""
    return check_files(
        [(name, file.read())],
        boundaries,
        checklist=checklist,
        today=today,
        encoding=encoding,
        kept=kept,
        language=language,
        params=params,
    )


def check_files(
    files: Sequence[tuple[str, bytes]],
    boundaries: BoundarySet,
    *,
    checklist: pl.DataFrame | None = None,
    today: date | None = None,
    encoding: str | None = None,
    kept: Mapping[str, str] | None = None,
    declared: Mapping[str, str] | None = None,
    language: str = "en",
    params: bool = False,
) -> dict[str, Any]:
    """Check the files of one survey and change nothing.

    Parameters
    ----------
    files : sequence of (name, content)
        An XLSX workbook, delimited text, or a zip archive of it; or several that belong together.
    boundaries : BoundarySet
        Where the countries are.
    checklist : polars.DataFrame, optional
        `terms.TAXON`: names are looked up in it.
    today : date, optional
        Later dates have not been yet; the present day where nothing is given.
    encoding : str, optional
        Of text, where it is declared.
    kept : mapping of str to str, optional
        Heading → term, as decided before for the dataset; an empty term says that the heading is of none.
    declared : mapping of str to str, optional
        What is declared of the dataset's values (`ingest.protocol.DECLARABLE`).
    language : str
        Of the messages, one of `words.LANGUAGES`.
    params : bool
        Tell of each problem what its words name, too, so that they can be made in another language.

    Returns
    -------
    dict
        `file`, `rows`, `ok` (nothing blocks), `blocking`, `warnings` (numbers), and `problems`, sorted by file, sheet, row
        and column: each with the fields of `Problem`. The same files give the same answer.
    """
    rows, problems = 0, []
    name = ", ".join(name for name, _ in files)
    try:
        survey = read_survey(files, encoding=encoding, kept=kept)
        if not survey.of("occurrences"):
            problems += [problem_of(finding, language) for finding in survey.findings if finding.code != _UNREAD]
            raise no_occurrences(survey, name)
        for table in survey.tables:
            table.declarations |= declared or {}
        rows = sum(table.frame.height for table in survey.of("occurrences"))
        harmoniser = Harmoniser(
            boundaries=boundaries,
            secret=b"a check stores nothing",
            checklist=checklist,
            today=today or datetime.now(UTC).date(),
        )
        problems = [
            problem_of(finding, language)
            for finding in found(survey, harmoniser, today or datetime.now(UTC).date(), boundaries)
        ]
    except InputError as error:
        problems.append(problem_of_file(error, name, language))
    problems.sort(key=lambda p: (p.file, p.sheet or "", p.row or 0, p.column or "", p.code))
    blocking = sum(problem.blocking for problem in problems)
    told = FIELDS if params else [name for name in FIELDS if name != "params"]
    return {
        "file": name,
        "rows": rows,
        "ok": blocking == 0,
        "blocking": blocking,
        "warnings": len(problems) - blocking,
        "problems": [{name: getattr(problem, name) for name in told} for problem in problems],
    }


def found(survey: Survey, harmoniser: Harmoniser, today: date, boundaries: BoundarySet) -> list[Finding]:
    """Return everything that a check finds in a survey.

    Parameters
    ----------
    survey : Survey
        With a table of occurrences at least.
    harmoniser : Harmoniser
        Reads places, dates, names and numbers.
    today : date
        The present day.
    boundaries : BoundarySet
        Where land and sea are.
    """
    findings = [*survey.findings, *heading_checks.headings(survey)]
    joined = observations(survey)
    events = [_rows(table) for table in survey.of("events")]
    records = [_rows(one.table, one.known) for one in joined]
    findings += row_checks.identifiers(
        records, "occurrenceID", missing="IDENTIFIER_MISSING", repeated="IDENTIFIER_REPEATED"
    )
    findings += row_checks.identifiers(events, "eventID", missing="EVENT_ID_MISSING", repeated="EVENT_REPEATED")
    findings += row_checks.unknown_events(records, events)
    sites = [_rows(table) for table in survey.of("sites")]
    findings += row_checks.identifiers(sites, "locationID", missing="SITE_ID_MISSING", repeated="SITE_REPEATED")
    for rows in filter(_is_filled, sites):
        read = _read(rows.table.frame, rows.table, harmoniser, today, survey.declarations)
        findings += [*_of_cells(rows, read), *_of_all(rows, read, boundaries)]
    placed = period_checks.events_with_records_placed_themselves(records)
    periods: dict[str, tuple[date, date]] = {}
    cameras: list[tuple[Rows, pl.DataFrame]] = []
    images: list[pl.DataFrame] = []
    for rows in filter(_is_filled, events):
        frame = with_period(rows.table.frame, today)
        read = _read(frame, rows.table, harmoniser, today, survey.declarations)
        findings += period_checks.of_events(rows, frame, _of_cells(rows, read), placed, today)
        findings += _of_all(rows, read, boundaries)
        if "eventID" in rows.table.frame.columns:
            cameras.append((rows, event_checks.read_events(rows, harmoniser, survey.declarations)))
            findings += event_checks.of_design(*cameras[-1])
        periods |= period_checks.periods(rows, read.interpreted)
    for rows, one in zip(records, joined, strict=True):
        read = _read(one.frame, one.table, harmoniser, today, survey.declarations)
        findings += _of_cells(rows, read)
        findings += _of_all(rows, read, boundaries)
        findings += row_checks.outside_events(rows, read.interpreted, periods)
        images.append(read.interpreted.select(camera_images.COLUMNS))
    findings += event_checks.clocks(cameras, images)
    # What two checks tell of a cell is told once.
    return list({(f.file, f.sheet, f.row, f.column, f.code): f for f in reversed(findings)}.values())


def _of_cells(rows: Rows, read: HarmonisedBatch) -> list[Finding]:
    """Return what is doubted of the cells; columns that changed places are told once, at their heading."""
    told = list(cell_checks.found(rows, read))
    swapped = [finding for finding in told if finding.code == _SWAPPED]
    if not swapped:
        return told
    placed = sum(own.get("decimalLatitude") is not None for own in rows.own.values())
    if len(swapped) < _FEWEST or len(swapped) < _MOSTLY * placed:
        return told
    table = rows.table
    heading = table.heading("decimalLatitude")
    one = Finding(table.file, table.sheet, table.heading_row, heading, heading, "COLUMNS_SWAPPED", True,
                  {"other": table.heading("decimalLongitude")})  # fmt: skip
    return [one, *(finding for finding in told if finding.code != _SWAPPED)]


def _is_filled(rows: Rows) -> bool:
    """Tell whether a table has any row."""
    return bool(rows.own)


def _rows(table: SurveyTable, known: pl.Series | None = None) -> Rows:
    """Return a table's rows by their number."""
    came = table.frame.with_columns(pl.col(heading).alias(term) for term, heading in table.converted.items())
    told = came.with_columns(_told(name) for name in came.columns if name != "source_row")
    own = {row["source_row"]: row for row in told.iter_rows(named=True)}
    nothing = {
        (row, name): value
        for name in came.columns
        for row, value in came.filter(told[name].is_null() & came[name].is_not_null())
        .select("source_row", pl.col(name).alias("value"))
        .iter_rows()
    }
    with_event = table.frame["source_row"].filter(known).to_list() if known is not None and len(known) else []
    return Rows(table, own, frozenset(with_event), nothing)


def _told(name: str) -> pl.Expr:
    """Return the cells of a column; null for those that say that they are empty."""
    nothing = [*PLACEHOLDERS] if name in _COUNTRIES else [*PLACEHOLDERS, NA]
    return pl.when(~pl.col(name).str.strip_chars().is_in(nothing)).then(pl.col(name)).alias(name)


def _read(
    frame: pl.DataFrame, table: SurveyTable, harmoniser: Harmoniser, today: date, declared: Mapping[str, str]
) -> HarmonisedBatch:
    """Harmonise rows; each is identified by its number, so that one without an identifier is read too."""
    batch = frame.with_columns(
        pl.lit(table.file).alias("source_file"), pl.col("source_row").cast(pl.String).alias("occurrenceID")
    )
    orders = DateOrders(today=today, declarations=declared)
    orders.add(Told(batch))
    identified = harmoniser.identify(batch, dataset_key=_DATASET)
    return harmoniser.interpret(identified, declarations=declared, orders=orders)


def _of_all(rows: Rows, read: HarmonisedBatch, boundaries: BoundarySet) -> Iterator[Finding]:
    """Find what single values tell, and what only the whole table tells."""
    yield from value_checks.numbers(rows, rows.table.frame)
    yield from value_checks.texts(rows, rows.table.frame)
    yield from _at_sea(rows, read, boundaries)


def _at_sea(rows: Rows, read: HarmonisedBatch, boundaries: BoundarySet) -> Iterator[Finding]:
    """Find places at sea, where fewer than half of the table's are."""
    placed = read.interpreted.filter(pl.col("decimalLatitude").is_not_null() & pl.col("decimalLongitude").is_not_null())
    wet = placed.filter(pl.col("located_country_code").is_null() & ~pl.col("ambiguous"))
    if wet.is_empty() or 2 * wet.height >= placed.height:
        return
    x, y = wet["decimalLongitude"].to_numpy(), wet["decimalLatitude"].to_numpy()
    far = np.isnan(boundaries.coasts.near(x, y).distance_m) & (boundaries.cells.locate(x, y) == SEA)
    column = next((c for c in ("decimalLatitude", "verbatimCoordinates") if c in rows.table.headings), None)
    for row, at_sea, flags in zip(wet["source_row"], far, wet["quality_flags"], strict=True):
        others = {"ZERO_COORDINATE", "LAND_TAXON_AT_SEA", "COUNTRY_COORDINATE_MISMATCH"} & set(flags)
        presumed = any(flag.startswith("PRESUMED_") for flag in flags)
        if at_sea and column is not None and rows.own[row].get(column) is not None and not others and not presumed:
            yield rows.finding(row, column, "PLACE_AT_SEA", blocking=False)


__all__ = ["CELLS", "Problem", "check", "check_files", "found"]
