"""Surveys in the forms of programs and networks: read by their own source, checked as sheets are, and only what came in kept.

What stays out by rule (people, vehicles, law enforcement, blanks) is told in numbers, never row by row with what stood in it.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.harmonise import Harmoniser
from biodata.harmonise.identity import IDENTIFIERS
from biodata.ingest import open_source, survey_project, taken_tables
from biodata.ingest.protocol import Finding, VerbatimTable, of_another
from biodata.ingest.survey_shapes import SurveyTable
from biodata.places import BoundarySet
from biodata.sharing import RuleSet
from biodata.surveys import row_checks, words
from biodata.surveys.cell_checks import Rows
from biodata.surveys.licences import NONE_KNOWN, OfDataset
from biodata.surveys.notices import notices
from biodata.surveys.problems import Problem, problem_of, problem_of_file, report_of
from biodata.surveys.table_checks import TableChecks, is_filled, once, rows_of

_DATASET: Final = "check"
_GAPS: Final = ("COORDINATE_MISSING", "RECORDED_DATE_MISSING", "SCIENTIFIC_NAME_MISSING")
"""What a program did not tell: there is no cell that somebody could fill."""
_ENCODED: Final = ("dwca", "timelapse", "detections", "wildlife-insights", "kobo")
_HOLDS_VALUE: Final = re.compile(r", value |row \d+, column ")
_PLAIN: Final = re.compile(r"[\d\s.,:+\-/TZ]{1,60}")
_PEOPLE: Final = re.compile(
    r"(?i)people|person|user|name$|email|phone|setupBy|classifiedBy|recordedBy|identifiedBy|By(ID)?$|_by$|contributor|observer"
)
MAX_BYTES: Final = 500_000_000
"""What an archive that is only checked may unpack to, pictures left out."""
_EVENTS: Final = ("eventID", "parentEventID")
Files = Sequence[tuple[str, Path]]


def check(
    files: Files, source: str, boundaries: BoundarySet, *, target: Path, dataset: str | None = None,
    today: date | None = None, encoding: str | None = None,
    kept: Mapping[str, str] | None = None, rules: RuleSet | None = None, known: pl.DataFrame | None = None,
    licence: str | None = None, licences: OfDataset = NONE_KNOWN, language: str = "en", params: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Check files of a form other than sheets, and write what comes in of them to `target`.

    Parameters
    ----------
    files : sequence of (name, Path)
        What a person calls each, and where it lies.
    source : str
        From `ingest.forms.recognise`.
    boundaries : BoundarySet
        Where the countries are.
    target : Path
        A file that gets the tables that come in (`ingest.taken_tables`); it is written only where nothing blocks.
    dataset : str, optional
        The dataset that they go to; a row that tells another one blocks.
    today, encoding, kept, rules, known, licence, licences, language, params
        As for `surveys.check_files`.

    Returns
    -------
    dict
        As `surveys.check_files`.
    """
    name, kept_licence = ", ".join(told for told, _ in files), licences.told if licence is None else None
    part = target.with_name(f"{target.name}.part")
    try:
        lacking: set[str] = set()
        opened = open_source(
            source, [path for _, path in files], dataset=dataset or _DATASET, options=_options(source, encoding, kept)
        )
        tables = taken_tables.write(
            part,
            (
                _of_one_dataset(table, dataset, files, licence or kept_licence, lacking if source == "dwca" else None)
                for table in opened.read()
            ),
        )
        report = _checked(
            part, tables, source, files, boundaries, today=today, rules=rules, known=known,
            licences=OfDataset(kept_licence, licences.registered), language=language, params=params,
        )  # fmt: skip
        if report["ok"]:
            part.replace(target)
    except InputError as error:
        told = renamed(error.file, files)
        return report_of(name, 0, [problem_of_file(error, name, language, file=told)], form=source, params=params)
    finally:
        part.unlink(missing_ok=True)
    return report


@contextmanager
def placed(files: Sequence[tuple[str, bytes]]) -> Iterator[Files]:
    """Give contents as files for as long as the block lasts; what a sender calls one is no path."""
    with TemporaryDirectory(prefix="biodata-check-") as folder:
        named = [(told, Path(folder) / f"{number}.upload") for number, (told, _) in enumerate(files)]
        for (_, path), (_, content) in zip(named, files, strict=True):
            path.write_bytes(content)
        yield named


def check_taken(
    path: Path, name: str, boundaries: BoundarySet, *, today: date | None = None, rules: RuleSet | None = None,
    known: pl.DataFrame | None = None, licences: OfDataset = NONE_KNOWN, language: str = "en", params: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Check once more what was taken of an upload; its file is gone."""
    tables = list(taken_tables.read(path, dataset=_DATASET))
    return _checked(
        path, tables, "taken", [(name, path)], boundaries, today=today, rules=rules, known=known,
        licences=licences, language=language, params=params,
    )  # fmt: skip


def renamed(file: str | None, files: Files) -> str | None:
    """Return what a person calls a file, or a member of it, that an error names by where it lies."""
    for told, path in files:
        if file is not None and (file in (path.name, str(path)) or file.startswith(f"{path.name}/")):
            return told + file.removeprefix(str(path.parent) + "/").removeprefix(path.name)
    return file


def _options(source: str, encoding: str | None, kept: Mapping[str, str] | None) -> dict[str, str]:
    """Return what a source is told: never the path of a file."""
    told = {"encoding": encoding} if encoding is not None and source in _ENCODED else {}
    return told | ({"headings": json.dumps(dict(kept))} if kept and source == "kobo" else {})


def _of_one_dataset(
    table: VerbatimTable, dataset: str | None, files: Files, licence: str | None, lacking: set[str] | None
) -> VerbatimTable:
    """Return a table whose rows all are the dataset's: one that tells another is refused; files as a person calls them.

    Columns that it lacks are told and added to `lacking`; None of forms whose programs tell what they do.
    """
    columns: set[str] = set(table.headings.values())
    if licence is not None:
        survey_project.fill_licence(table, licence)

    def batches(given: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        at: str | None = None
        terms: set[str] = set()
        for batch in given:
            columns.update(batch.columns)
            terms.update(batch.columns)
            at = at or next(iter(batch["source_file"]), None)
            named = batch.with_columns(
                pl.col("source_file").replace_strict(
                    {one: renamed(one, files) for one in batch["source_file"].unique().drop_nulls()}, default=None,
                    return_dtype=pl.String,
                )
            )  # fmt: skip
            if "datasetKey" in batch.columns:
                if dataset is not None:
                    for file, row in (
                        named.filter(of_another(dataset)).select("source_file", "source_row").head(1).iter_rows()
                    ):
                        table.findings.append(Finding(file, None, row, "datasetKey", None, "DATASET_OTHER", True))
                named = named.drop("datasetKey")
            yield named
        if at is not None and lacking is not None:
            table.findings += lacking_columns(table.kind, terms, at, lacking)
        table.findings[:] = [_safe(one, columns, files) for one in [*table.findings, *_of_refusals(table.refusals)]]
        table.refusals.clear()
        table.notes[:] = [note for note in table.notes if not _HOLDS_VALUE.search(note)]

    if table.dataset.title in {name for _, path in files for name in (path.stem, path.parent.name)}:
        # A source that finds no title takes the file's name: of what is sent that is a number of ours.
        table.dataset = replace(table.dataset, title=None)
    table.batches = batches(table.batches)
    table.complete, table.gone, table.datasets = False, [], {}
    return table


def _of_refusals(refusals: Sequence[Refusal]) -> Iterator[Finding]:
    """Tell rows that stay out by rule in numbers, the others one by one."""
    counts = Counter((one.file, one.code) for one in refusals if one.by_rule)
    for (file, code), count in counts.items():
        yield Finding(
            file, None, None, None, None, code, False, {"count": str(count), "message": _message(refusals, code)}
        )
    for one in refusals:
        if not one.by_rule:
            yield Finding(one.file, None, one.row, one.column, one.value, one.code, True, {"message": one.message})


def _message(refusals: Sequence[Refusal], code: str) -> str:
    """Return the reason of a code as its source tells it."""
    return next(one.message for one in refusals if one.code == code)


def _safe(finding: Finding, columns: set[str], files: Files) -> Finding:
    """Return a finding without its value, unless the cell is one that comes in, or holds figures and is of nobody."""
    column = finding.column or ""
    is_told = column in columns or _PLAIN.fullmatch(finding.value or "") is not None
    value = finding.value if is_told and not _PEOPLE.search(column) else None
    return replace(finding, file=renamed(finding.file, files) or finding.file, value=value)


def _checked(
    path: Path, tables: Sequence[VerbatimTable], source: str, files: Files, boundaries: BoundarySet, *,
    today: date | None, rules: RuleSet | None, known: pl.DataFrame | None, licences: OfDataset, language: str,
    params: bool,
) -> dict[str, Any]:  # fmt: skip
    """Return the report of tables that were written to `path`."""
    day = today or datetime.now(UTC).date()
    harmoniser = Harmoniser(boundaries=boundaries, secret=b"a check stores nothing", today=day, checklist=known)
    findings, rows = [finding for table in tables for finding in (*table.findings, *_undescribed(table, files))], 0
    events: list[Rows] = []
    common = None if rules is None or rules.checklists is None else rules.checklists.common
    checks = TableChecks(harmoniser, day, boundaries, {}, common)
    seen: list[pl.DataFrame] = []
    of_events: set[tuple[str, str, str | None]] = set()
    again = list(taken_tables.read(path, dataset=_DATASET))
    for table in sorted(again, key=lambda one: one.kind):  # events first
        checks.declarations = table.declarations
        for batch in table.batches:
            for frame in batch.partition_by("source_file", maintain_order=True):
                one = rows_of(_sheet(table, frame))
                if not is_filled(one):
                    continue
                if table.kind == "events":
                    events.append(one)
                    found = [_gap(finding) for finding in checks.events(one, frozenset())]
                    of_events |= {_of_cell(one, finding, "eventID") for finding in found}
                    findings += found
                else:
                    rows += frame.height
                    findings += row_checks.unknown_events([one], events)
                    findings += [
                        _gap(finding)
                        for finding in checks.records(one, one.table.frame)
                        # A record has its event's place and date, of which the same was told there.
                        if not {_of_cell(one, finding, of) for of in _EVENTS} & of_events
                    ]
                    findings += identifiers_missing(one)
                    seen.append(identifiers_told(one))
    findings += row_checks.identifiers(events, "eventID", missing="EVENT_ID_MISSING", repeated="EVENT_REPEATED")
    findings += row_checks.circular_parents(events)
    findings += identifiers_repeated(seen)
    findings += checks.clocks([images for table in again for images in table.images])
    name = ", ".join(told for told, _ in files)
    notes = list(dict.fromkeys(_worded(note, files) for table in tables for note in table.notes))
    problems = [_problem(finding, language) for finding in once(findings)]
    if not any(table.kind in ("events", "occurrences") for table in tables) or (not rows and not events):
        problem = "there is nothing in it to take in"
        error = InputError(problem, file=name, expected="records, or events with their effort", code="INPUT_EMPTY")
        problems.append(problem_of_file(error, name, language))
    of_tables = [table.dataset.license for table in again]
    checks.read.licences.extend(one for one in (*of_tables, licences.registered) if one)
    told = notices(checks.read, rules or RuleSet.read(None), boundaries, kept=licences.told, language=language)
    return report_of(name, rows, problems, form=source, notes=notes, notices=told, params=params)


def _undescribed(table: VerbatimTable, files: Files) -> Iterator[Finding]:
    """Tell a description of the dataset that could not be read; the records are what they are without it."""
    for file in (renamed(one.file, files) or one.file for one in table.repairs if one.code == "METADATA_INVALID"):
        yield Finding(file, None, None, None, None, "PROPERTY_INVALID", False, {"expected": "EML"})


def _sheet(table: VerbatimTable, frame: pl.DataFrame) -> SurveyTable:
    """Return a batch as a table that is checked."""
    sheets = frame["source_sheet"].drop_nulls() if "source_sheet" in frame.columns else pl.Series(dtype=pl.String)
    sheet = table.sheet or (sheets[0] if sheets.len() else None)
    shown = frame.drop("source_file", "source_sheet", strict=False)
    texts = [name for name, kind in shown.schema.items() if kind == pl.String]
    headings = {name: table.headings.get(name, name) for name in texts}
    return SurveyTable(
        table.kind, frame["source_file"][0] or table.name, sheet, 1, shown.select("source_row", *texts), headings
    )


def _of_cell(rows: Rows, finding: Finding, of: str) -> tuple[str, str, str | None]:
    """Return what a finding says of which value of which event; of a text that is no event where its row tells none."""
    own = rows.own.get(finding.row or 0, {})
    return (own.get(of) or "").strip() or f" row {finding.row} {of}", finding.code, finding.value


def _gap(finding: Finding) -> Finding:
    """Return a finding that blocks only where somebody can mend it."""
    return replace(finding, blocking=False) if finding.code in _GAPS else finding


def _problem(finding: Finding, language: str) -> Problem:
    """Put a finding into words; where its code has none of its own, English tells those of its source."""
    problem, code = problem_of(finding, language), words.code_of(finding.code)
    if words.has(finding.code) or "message" not in finding.params:
        return problem
    if language == "en" or code is None:
        return replace(problem, message=finding.params["message"])
    message, expected = words.told(code, finding.params, language)
    return replace(problem, message=message, expected=expected)


def _worded(note: str, files: Files) -> str:
    """Return a note with files as a person calls them."""
    for told, path in files:
        note = note.replace(path.name, told)
    return note


_DATE: Final = ("eventDate", "verbatimEventDate", "year")
_PLACE: Final = ("decimalLatitude", "verbatimCoordinates", "verbatimLatitude", "footprintWKT")
_NAME: Final = (
    "scientificName", "verbatimScientificName", "acceptedNameUsage", "genus", "family", "order", "class", "phylum", "kingdom",
    "vernacularName",
)  # fmt: skip
_NEEDED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {"events": (_DATE, _PLACE), "occurrences": (IDENTIFIERS, _NAME, _DATE, _PLACE)}
)
"""Of each kind of table: columns of which one has to be there."""


def lacking_columns(kind: str, columns: Collection[str], file: str, told: set[str]) -> Iterator[Finding]:
    """Tell which columns a table lacks.

    Parameters
    ----------
    kind : str
        `events` or `occurrences`.
    columns : collection of str
        Terms that the table has, those that records take from their events among them.
    file : str
        Where it stands.
    told : set of str
        What was told of the tables before; what is told here is added: records lack what their events do.
    """
    for terms in _NEEDED.get(kind, ()):
        if terms[0] not in told and not set(terms) & set(columns):
            told.add(terms[0])
            yield Finding(file, None, 1, terms[0], None, "HEADING_MISSING", False, {"term": terms[0]})


_SCHEMA: Final = {"source_file": pl.String, "source_row": pl.Int64, "identifier": pl.String}


def identifiers_missing(rows: Rows) -> Iterator[Finding]:
    """Find records that nothing identifies, where their table has a column for it; elsewhere what a record tells does."""
    term = next((one for one in IDENTIFIERS if one in rows.table.frame.columns), None)
    if term is None:
        return
    for row, own in rows.own.items():
        is_blank = all(value is None for name, value in own.items() if name != "source_row")
        if _identifier(own) is None and not is_blank:
            yield rows.finding(row, term, "IDENTIFIER_MISSING", blocking=False)


def identifiers_told(rows: Rows) -> pl.DataFrame:
    """Return what identifies records, and where they stand."""
    every = [(rows.table.file, row, _identifier(own)) for row, own in rows.own.items()]
    return pl.DataFrame(every, schema=_SCHEMA, orient="row")


def identifiers_repeated(parts: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Find records whose identifier an earlier one has.

    Parameters
    ----------
    parts : sequence of polars.DataFrame
        As of `identifiers_told`.
    """
    if not parts:
        return
    every = pl.concat(parts).drop_nulls("identifier")
    first = pl.col("source_row").first().over("identifier")
    again = every.with_columns(first=first).filter(~pl.col("identifier").is_first_distinct())
    for file, row, identifier, before in again.iter_rows():
        yield Finding(
            file, None, row, "occurrenceID", identifier, "IDENTIFIER_REPEATED", True, {"other_row": str(before)}
        )


def _identifier(own: Mapping[str, Any]) -> str | None:
    """Return what identifies a record in its dataset."""
    return next((cell.strip() for term in IDENTIFIERS if (cell := own.get(term)) and cell.strip()), None)
