"""What is wrong with a survey's files: each fault with its file, sheet, row, column, value and what would be right."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from biodata.errors import InputError
from biodata.harmonise import Harmoniser
from biodata.ingest import forms, taken_tables
from biodata.ingest.protocol import Finding, of_another
from biodata.ingest.survey import observations, tables_of
from biodata.ingest.survey_shapes import Survey
from biodata.ingest.survey_tables import no_occurrences, read_survey
from biodata.places import BoundarySet
from biodata.sharing import RuleSet
from biodata.sharing.names import CommonNames
from biodata.surveys import accepting, event_checks, heading_checks, other_forms, row_checks, value_checks
from biodata.surveys.cell_checks import CELLS
from biodata.surveys.licences import NONE_KNOWN, OfDataset
from biodata.surveys.notices import Read, notices
from biodata.surveys.problems import Problem, problem_of, problem_of_file, report_of
from biodata.surveys.table_checks import TableChecks, is_filled, once, rows_of

_UNREAD: Final = "SHEET_NOT_READ"


def check(file: BinaryIO, name: str, boundaries: BoundarySet, **options: Any) -> dict[str, Any]:
    """Check a survey's file and change nothing; options and answer as for `check_files`."""
    return check_files([(name, file.read())], boundaries, **options)


def check_files(
    files: Sequence[tuple[str, bytes]],
    boundaries: BoundarySet,
    *,
    today: date | None = None,
    encoding: str | None = None,
    kept: Mapping[str, str] | None = None,
    rules: RuleSet | None = None,
    known: pl.DataFrame | None = None,
    declared: Mapping[str, str] | None = None,
    licence: str | None = None,
    licences: OfDataset = NONE_KNOWN,
    language: str = "en",
    dataset: str | None = None,
    accepted: Collection[str] = (),
    target: Path | None = None,
    params: bool = False,
) -> dict[str, Any]:
    """Check the files of one survey and change nothing.

    Parameters
    ----------
    files : sequence of (name, content)
        Of any form that `ingest.forms` knows, told by what they hold; several that belong together.
    boundaries : BoundarySet
        Where the countries are.
    today : date, optional
        Later dates have not been yet; the present day where nothing is given.
    encoding : str, optional
        Of text, where it is declared.
    kept : mapping of str to str, optional
        Heading → term, as decided before for the dataset; an empty term says that the heading is of none.
    rules : RuleSet, optional
        The sharing rules, with what is known of taxa; the bundled list where none are given.
    known : polars.DataFrame, optional
        `terms.TAXON` of the checklists that are loaded: names are matched as they will be when the survey goes in.
    declared : mapping of str to str, optional
        What is declared of the dataset's values (`ingest.protocol.DECLARABLE`).
    licence : str, optional
        Of what tells none in the files, as whoever sends them tells it.
    licences : OfDataset
        What is known of the dataset's licence: rows that tell none, where none is told, keep the one told last.
    language : str
        Of the messages, one of `words.LANGUAGES`.
    dataset : str, optional
        The dataset that they go to; a row that tells another one blocks.
    accepted : collection of str
        Proposals of sheets that are accepted: codes, or `CODE=value` of one cell's text. They stand in the place of what was
        written, which stays verbatim.
    target : Path, optional
        A file that gets the tables of sheets as they come in (`ingest.taken_tables`), where nothing blocks.
    params : bool
        Tell of each problem what its words name, too, so that they can be made in another language.

    Returns
    -------
    dict
        `file`, `form`, `rows`, `ok` (nothing blocks), `blocking`, `warnings` (numbers), `accepted` (how many cells have an
        accepted proposal in their place), `accepts` (what was accepted, in the marked workbook too), and `problems`, in the order of the workbook's sheets, rows and columns: each with
        the fields of `Problem`; `groups` of them (`problems.groups_of`); `notes`, what else a reader of the form says; `notices`, what
        is no fault and worth knowing (`notices.notices`), such as sensitive names. The same files give
        the same answer.
    """
    name = ", ".join(name for name, _ in files)
    with other_forms.placed(files) as named:
        try:
            form = forms.recognise(
                [path for _, path in named], names=[told for told, _ in named], limit_bytes=other_forms.MAX_BYTES
            )
        except InputError as error:
            file = other_forms.renamed(error.file, named)
            return report_of(name, 0, [problem_of_file(error, name, language, file=file)], params=params)
        if form != forms.SHEETS:
            return other_forms.check(
                named, form, boundaries, target=named[0][1].with_name("taken"), today=today, encoding=encoding,
                kept=kept, rules=rules, known=known, licence=licence, licences=licences, language=language, dataset=dataset,
                params=params,
            )  # fmt: skip
    problems: list[Problem] = []
    rows, replaced, told, order = 0, 0, [], {}
    kept_licence = licences.told if licence is None else None
    day = today or datetime.now(UTC).date()
    common = None if rules is None or rules.checklists is None else rules.checklists.common
    harmoniser = Harmoniser(boundaries=boundaries, secret=b"a check stores nothing", today=day, checklist=known)

    def look(decided: Mapping[str, str] | None) -> tuple[Survey, list[Finding], Read]:
        survey = read_survey(files, encoding=encoding, kept=decided, licence=licence or kept_licence)
        if not survey.of("occurrences"):
            problems.extend(problem_of(one, language) for one in survey.findings if one.code != _UNREAD)
            raise no_occurrences(survey, name)
        for table in survey.tables:
            table.declarations |= declared or {}
        return survey, *found(survey, harmoniser, day, boundaries, common)

    try:
        survey, findings, read = look(kept)
        accepted = {*accepted, *survey.accepted}
        if accepted and (decided := accepting.headings(survey, findings, accepted)):
            survey, findings, read = look({**(kept or {}), **decided})
        if accepted and (replaced := accepting.apply(survey, findings, accepted)):
            findings, read = found(survey, harmoniser, day, boundaries, common)
        order = survey.order
        rows = sum(table.frame.height for table in survey.of("occurrences"))
        others = _of_other_datasets(survey, dataset) if dataset is not None else ()
        problems = [problem_of(finding, language) for finding in (*findings, *others)]
        read.licences.extend([licences.registered] if licences.registered else [])
        told = notices(read, rules or RuleSet.read(None), boundaries, kept=kept_licence, language=language)
        if target is not None and not any(one.blocking for one in problems):
            taken_tables.write(target, tables_of(survey, dataset))
    except InputError as error:
        problems.append(problem_of_file(error, name, language))
    report = report_of(name, rows, problems, notices=told, order=order, accepted=replaced, params=params)
    return {**report, "accepts": sorted(accepted)}


def _of_other_datasets(survey: Survey, dataset: str) -> Iterator[Finding]:
    """Find rows that say that they belong to another dataset: nobody hands in what is another's."""
    for table in survey.tables:
        if "datasetKey" not in table.frame.columns:
            continue
        other = table.frame.filter(of_another(dataset))
        for row, value in other.select("source_row", "datasetKey").iter_rows():
            heading = table.heading("datasetKey")
            yield Finding(table.file, table.sheet, row, heading, value, "DATASET_OTHER", True)


def found(
    survey: Survey,
    harmoniser: Harmoniser,
    today: date,
    boundaries: BoundarySet,
    common: CommonNames | None = None,
) -> tuple[list[Finding], Read]:
    """Return everything that a check finds in a survey, and what it read of it.

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
    common : CommonNames, optional
        What common names mean; the bundled ones where none are given.
    """
    findings = [*survey.findings, *heading_checks.headings(survey)]
    joined = observations(survey)
    events = [rows_of(table) for table in survey.of("events")]
    records = [rows_of(one.table, one.known) for one in joined]
    findings += row_checks.identifiers(
        records, "occurrenceID", missing="IDENTIFIER_MISSING", repeated="IDENTIFIER_REPEATED", demanded=False
    )
    findings += row_checks.identifiers(events, "eventID", missing="EVENT_ID_MISSING", repeated="EVENT_REPEATED")
    findings += row_checks.unknown_events(records, events)
    findings += row_checks.circular_parents(events)
    sites = [rows_of(table) for table in survey.of("sites")]
    findings += row_checks.identifiers(sites, "locationID", missing="SITE_ID_MISSING", repeated="SITE_REPEATED")
    for project in survey.of("project"):
        findings += value_checks.of_project(rows_of(project))
    checks = TableChecks(harmoniser, today, boundaries, survey.declarations, common)
    for rows in filter(is_filled, sites):
        findings += checks.sites(rows)
    placed = event_checks.events_with_records_placed_themselves(records)
    for rows in filter(is_filled, events):
        findings += checks.events(rows, placed)
    for rows, one in zip(records, joined, strict=True):
        findings += checks.records(rows, one.frame)
    findings += checks.clocks()
    return once(findings), checks.read


__all__ = ["CELLS", "Problem", "check", "check_files", "found"]
