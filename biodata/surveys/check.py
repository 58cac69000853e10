"""What is wrong with a survey's files: each fault with its file, sheet, row, column, value and what would be right."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from biodata import places
from biodata.core.errors import InputError, Refusal
from biodata.core.settings import Settings
from biodata.harmonise import Harmoniser, by_reference_list
from biodata.ingest import forms, interpreted_tables, survey_shapes
from biodata.ingest.headings import Why
from biodata.ingest.headings.dictionary import TERMS
from biodata.ingest.protocol import DECLARABLE, Finding, VerbatimTable, of_another
from biodata.ingest.survey import SurveySource, observations, surveys_of_files, tables_of
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.ingest.survey_tables import no_occurrences, read_survey
from biodata.pipeline import IngestReport
from biodata.places import BoundarySet
from biodata.sharing import RuleSet
from biodata.sharing.names import bundled_common_names
from biodata.store.registry import Registry
from biodata.store.survey_steps import accepted_of, decided
from biodata.surveys import accepting, other_forms
from biodata.surveys.cell_checks import CELLS, Rows
from biodata.surveys.notices import notices
from biodata.surveys.problems import Problem, problem_of, problem_of_file, report_of
from biodata.surveys.table_checks import DATASET, TableChecks, once, placed_by_records

_TAKEN: Final = "taken"


def check(file: BinaryIO, name: str, boundaries: BoundarySet, **options: Any) -> dict[str, Any]:
    """Check a survey's file and change nothing; options and answer as for `check_paths`."""
    return check_files([(name, file.read())], boundaries, **options)


def check_files(files: Sequence[tuple[str, bytes]], boundaries: BoundarySet, **options: Any) -> dict[str, Any]:
    """Check files by their name and content; options and answer as for `check_paths`."""
    with other_forms.placed(files) as named:
        return check_paths(named, boundaries, **options)


def check_paths(files: Sequence[tuple[str, Path]], boundaries: BoundarySet, **options: Any) -> dict[str, Any]:
    """Check the files of one survey and change nothing; the same files give the same answer."""
    return Check(files, boundaries, **options).report()


@dataclass
class Check:
    """What a check is asked, and what it finds."""

    files: Sequence[tuple[str, Path]]
    boundaries: BoundarySet
    today: date | None = None  # later dates have not been yet
    encoding: str | None = None  # of text, where it is declared
    kept: Mapping[str, str] = field(default_factory=dict)  # heading → term, as decided before; empty for none
    rules: RuleSet | None = None  # with what is known of taxa; the bundled list where none are given
    known: pl.DataFrame | None = None  # `terms.TAXON` of checklists: names are matched as they will be when it goes in
    declared: Mapping[str, str] = field(default_factory=dict)  # of the dataset's values (`ingest.protocol.DECLARABLE`)
    licence: str | None = None  # of what states none in the files, as whoever sends them states it
    inherited: str | None = None  # what rows without a licence keep, where none is stated: it stood beside a file last
    registered: str | None = None  # licence of the dataset's archive: under this one all others are published
    language: str = "en"
    dataset: str | None = None  # a row of another one blocks
    accepted: Collection[str] = ()  # proposals of sheets: codes, or `CODE=value` of one cell's text (`accepting.apply`)
    target: Path | None = None  # gets the tables as they come in (`ingest.interpreted_tables`), where nothing blocks
    params: bool = False  # what the words of each problem name is given, too, to make them in another language
    form: str = "unknown"
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    replaced: int = 0
    order: Mapping[tuple[str, str | None], Mapping[str, int]] = field(default_factory=dict)
    start: Callable[[], TableChecks] = field(init=False)
    checks: TableChecks = field(init=False)

    def report(self) -> dict[str, Any]:
        """Return what is wrong, and what is no fault and worth knowing."""
        self.name, self.accepted = ", ".join(name for name, _ in self.files), {*self.accepted}
        self.kept = {**decided(self.accepted), **self.kept}
        kept, rules = self.inherited if self.licence is None else None, self.rules or RuleSet.read(None)
        self.licence = self.licence or kept
        entries: list[dict[str, Any]] = []
        failed: list[Problem] = []
        try:
            self.form = self._form()
            by_program, day = self.form != forms.SHEETS, self.today or datetime.now(UTC).date()
            harmoniser = Harmoniser(boundaries=self.boundaries, secret=b"a check stores nothing", today=day,
                                    checklist=self.known, reader=by_reference_list())  # fmt: skip
            common = bundled_common_names() if rules.checklists is None else rules.checklists.common
            self.start = partial(TableChecks, harmoniser, self.boundaries, day, common, by_program=by_program)
            (self.check_program if by_program else self.check_sheets)()
            self.checks.licences += filter(None, [self.registered])
            entries = notices(self.checks.read, rules, self.boundaries, kept=kept, language=self.language)
        except InputError as error:
            file = other_forms.renamed(error.file, self.files)
            failed = [problem_of_file(error, self.name, self.language, file=file)]
        problems = [*(problem_of(finding, self.language) for finding in self.findings), *failed]
        report = report_of(self.name, self.rows, problems, form=self.form, notes=self.notes, notices=entries, order=self.order,
                           accepted=self.replaced, params=self.params)  # fmt: skip
        return {**report, "accepts": sorted(self.accepted)}

    def _form(self) -> str:
        if any(path.suffix == interpreted_tables.SUFFIX for _, path in self.files):
            return _TAKEN
        limit = other_forms.MAX_BYTES if self.target is None else forms.MAX_BYTES
        names = [name for name, _ in self.files]
        return forms.recognise([path for _, path in self.files], names=names, limit_bytes=limit)

    def check_sheets(self) -> None:
        """Check workbooks and texts; take accepted proposals, of headings first."""
        files = [(name, path.read_bytes()) for name, path in self.files]
        survey = self._read_sheets(files, self.kept)
        self.accepted = {*self.accepted, *survey.accepted}
        if self.accepted and (meant := accepting.headings(survey, self.findings, self.accepted)):
            survey = self._read_sheets(files, {**self.kept, **meant})
        for first in (True, False):  # what is taken from a row above may have a proposal of its own
            asked = [one for one in self.findings if (one.code == "CELL_BLANK_BELOW") == first]
            if self.accepted and (replaced := accepting.apply(survey, asked, self.accepted)):
                survey_shapes.join_stations(survey)  # what a station that was empty tells
                self.replaced += replaced
                self.findings = self._of_survey(survey)
        self.order = survey.order
        self.rows = sum(table.frame.height for table in survey.main_tables())
        if self.dataset is not None:
            self.findings += _of_other_datasets(survey, self.dataset)
        if self.target is not None and not any(one.blocking for one in self.findings):
            interpreted_tables.write(self.target, tables_of(survey, self.dataset))

    def _read_sheets(self, files: Sequence[tuple[str, bytes]], kept: Mapping[str, str]) -> Survey:
        survey = read_survey(files, encoding=self.encoding, kept=kept, licence=self.licence)
        if not survey.main_tables():
            self.findings = [one for one in survey.findings if one.code != "SHEET_NOT_READ"]
            raise no_occurrences(survey, self.name)
        declarations = {**survey.declarations, **self.declared}
        for table in survey.tables:
            table.declarations |= declarations
        self.findings = self._of_survey(survey)
        return survey

    def _of_survey(self, survey: Survey) -> list[Finding]:
        checks = self.checks = self.start()
        findings = [*survey.findings, *headings(survey)]
        records = [(Rows.of(one.table, one.known), one.frame) for one in observations(survey)]
        placed = placed_by_records(rows for rows, _ in records)
        find: dict[str, Callable[[Rows], Iterable[Finding]]]
        find = {"project": checks.project, "sites": checks.sites, "events": partial(checks.events, placed=placed)}  # fmt: skip
        for kind, of_rows in find.items():
            for table in survey.of(kind):
                findings += of_rows(rows) if (rows := Rows.of(table)).own else ()
        for rows, frame in records:
            findings += checks.records(rows, frame)
        findings = once([*findings, *checks.between()])
        return [*findings, *checks.contradicted(findings)]

    def check_program(self) -> None:
        """Check files of a program, or what was taken of an upload."""
        path = self.files[0][1]
        if self.form == _TAKEN:
            self._check_clashes(path, list(interpreted_tables.read(path, dataset=DATASET)))
            return
        target = self.target or path
        part = target.with_name(f"{target.name}.part")
        try:
            tables = other_forms.take(self.files, self.form, part, dataset=self.dataset, licence=self.licence,
                                      encoding=self.encoding, kept=self.kept)  # fmt: skip
            self._check_clashes(part, tables)
            if self.target is not None and not any(one.blocking for one in self.findings):
                part.replace(self.target)
        finally:
            part.unlink(missing_ok=True)

    def _check_clashes(self, path: Path, tables: Sequence[VerbatimTable]) -> None:
        self.checks = self.start()
        findings = [one for table in tables for one in (*table.findings, *other_forms.undescribed(table, self.files))]
        again, events = list(interpreted_tables.read(path, dataset=DATASET)), 0
        for table in sorted(again, key=lambda one: one.kind):  # events first
            for sheet in other_forms.sheets_of(table):
                if table.kind == "events":
                    events += sheet.frame.height
                    findings += self.checks.events(Rows.of(sheet))
                else:
                    self.rows += sheet.frame.height
                    findings += self.checks.records(Rows.of(sheet), sheet.frame)
        findings += self.checks.between([images for table in again for images in table.images])
        findings = once(findings)
        self.findings = [*findings, *self.checks.contradicted(findings)]
        notes = "\n".join(dict.fromkeys(note for one in tables for note in one.notes))
        for name, lying in self.files:  # a person calls them otherwise
            notes = notes.replace(lying.name, name)
        self.notes = notes.splitlines()
        self.checks.licences += [one for table in again if (one := table.dataset.license)]
        if not self.rows and not events:
            problem, expected = "there is nothing in it to take in", "records, or events with their effort"
            raise InputError(problem, file=self.name, expected=expected, code="INPUT_EMPTY")


def _of_other_datasets(survey: Survey, dataset: str) -> Iterator[Finding]:
    for table in survey.tables:
        if "datasetKey" in table.frame.columns:
            for row, value in table.frame.filter(of_another(dataset)).select("source_row", "datasetKey").iter_rows():
                yield table.finding(row, table.heading("datasetKey"), value, "DATASET_OTHER", True)


__all__ = ["CELLS", "Problem", "check", "check_files", "check_paths"]


_NEEDED: Final = (
    ("eventDate", ("verbatimEventDate", "year", "deploymentStart")),
    ("scientificName", ("verbatimScientificName", "taxonID", "vernacularName")),
    ("decimalLatitude", ("verbatimCoordinates", "verbatimLatitude")),
    ("decimalLongitude", ("verbatimCoordinates", "verbatimLongitude")),
)
"""What a record cannot do without, with what may stand in for it."""


def headings(survey: Survey) -> Iterator[Finding]:
    """Find what is wrong with the headings of every table."""
    # Sites tell the place of the events that name them.
    placed = any({"eventID", "locationID"} <= table.headings.keys() for table in survey.of("events"))
    of_sites = {name for table in survey.of("sites") for name in table.headings} if placed else set()
    of_events = of_sites.union(*(table.headings for table in survey.of("events") if "eventID" in table.headings))
    for table in survey.tables:
        if table.kind == "occurrences":
            yield from _missing(table, of_events)
        if table.kind == "events" and "eventID" not in table.headings and not table.frame.is_empty():
            yield _lacks(table, "eventID")
        for name in table.headings:
            decided = name in table.proposals and table.proposals[name].why is Why.KEPT  # for a column of none
            if not decided and name not in (*TERMS, *table.measured, *table.converted.values()):
                yield _uncertain(table, name)
        if table.frame.is_empty():
            # Events without any record are a survey in which nothing was found.
            blocks = table.kind == "occurrences" and all(events.frame.is_empty() for events in survey.of("events"))
            yield Finding(table.file, table.sheet, table.heading_row, None, None, "SHEET_EMPTY", blocks)


def _uncertain(table: SurveyTable, name: str) -> Finding:
    proposal = table.proposals.get(name)
    params, code = {}, Why.UNKNOWN.value
    if proposal is not None and proposal.term is not None and proposal.confidence >= 0.5:
        code, params = proposal.why.value, {"term": proposal.term, "others": ", ".join(proposal.others)}
        again = proposal.why is Why.REPEATED  # another heading means the same: nothing is proposed for this one
        params |= ({} if again else {"near": proposal.term}) | ({"unit": proposal.unit} if proposal.unit else {})
    return table.finding(table.heading_row, table.heading(name), name, code, False, **params)


def _missing(table: SurveyTable, of_events: set[str]) -> Iterator[Finding]:
    for name, others in _NEEDED:
        of_event = name != "scientificName" and "eventID" in table.headings and {name, *others} & of_events
        if not {name, *others} & table.headings.keys() and not of_event:
            yield _lacks(table, name)


def _lacks(table: SurveyTable, name: str) -> Finding:
    meant = max((p for p in table.proposals.values() if p.term == name), key=lambda p: p.confidence, default=None)
    params = {"term": name} | ({"near": repr(meant.heading)} if meant else {})
    return table.finding(table.heading_row, name, None, "HEADING_MISSING", True, **params)


def blocked(paths: Sequence[Path], settings: Settings, *, dataset: str | None, options: Mapping[str, str]) -> list[IngestReport]:  # fmt: skip
    """Return a report of each survey that is blocked: every row is refused, each blocking problem a refusal."""
    form = forms.SHEETS
    with suppress(InputError):  # what reads them says what is wrong with them
        form = forms.recognise(paths)
    if form != forms.SHEETS:
        problem = f"these are no sheets: they are in the form of the source {form}"
        expected = f"`biodata ingest {form}`; or `biodata survey submit`, which takes every form, whole or not at all"
        raise InputError(problem, column="SOURCE", value=forms.SHEETS, expected=expected, code="OPTIONS_UNFIT")
    declared = {name: options[name] for name in DECLARABLE if name in options}
    facts = {name: value for name, value in options.items() if name not in DECLARABLE}
    source = SurveySource(paths, dataset=dataset, options=facts)
    kept = source.kept
    if dataset is not None and settings.data.is_dir():
        with Registry.open(settings) as registry:
            kept = decided(accepted_of(registry, dataset)) | kept
    boundaries = places.load_boundaries(settings.boundaries)
    found = []
    for files in surveys_of_files(paths):
        report = check_files(files, boundaries, encoding=source.encoding, kept=kept, declared=declared, dataset=dataset)
        if report["rows"] and not report["ok"]:
            found.append(_refused(report, dataset))
    return found


def _refused(report: Mapping[str, Any], dataset: str | None) -> IngestReport:
    entries = ("file", "row", "column", "value", "code", "message", "sheet")
    refusals = [Refusal(*(one[name] for name in entries)) for one in report["problems"] if one["blocking"]]
    rows, file = report["rows"], report["file"]
    return IngestReport(dataset or "", "occurrences", file, rows=rows, refused=rows, refusals=refusals)
