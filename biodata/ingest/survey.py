"""A survey's workbook or texts: its events as a table, and its occurrences with what their event tells and they do not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError
from biodata.ingest import survey_project, taken_tables
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.survey_periods import with_period, with_zone
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.ingest.survey_sites import KEY, PLACE, fill_from
from biodata.ingest.survey_tables import no_occurrences, read_survey
from biodata.ingest.table_headings import declared_terms, is_heading_option
from biodata.ingest.tables import decided_headings
from biodata.terms import WRITTEN

DATE: Final = ("eventDate", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear", "eventTime")
"""Terms of the date, which is taken from the event whole or not at all."""

_OF_EVENTS_ALONE: Final = ("source_row", "deploymentStart", "deploymentEnd", "license", "datasetName")


class SurveySource:
    """Surveys as people hand them in: workbooks, each a survey; texts and zip archives of them, together one survey.

    Parameters
    ----------
    paths : sequence of Path
        The files, or what the worker kept of an upload in another form.
    dataset : str, optional
        Key of the dataset that they belong to.
    options : mapping
        `encoding` of the texts; `license` of what tells none; `heading.Tarikh=eventDate` says of a heading which term it
        is, `headings` of several: a JSON object, heading → term, an empty one where the column is of none.
    """

    name: ClassVar[str] = "survey"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no workbook was given"
            raise InputError(problem, expected="one or more .xlsx or .csv files", code="INPUT_MISSING")
        told = dict(options)
        self.encoding = told.pop("encoding", None)
        self.licence = survey_project.checked(told.pop("license", None))
        self.kept = decided_headings(told.pop("headings", "{}"))
        self.kept |= declared_terms(told)
        told = {name: value for name, value in told.items() if not is_heading_option(name)}
        if told:
            problem = "this source takes no such option"
            raise InputError(problem, column="--option", value=next(iter(told)), code="OPTION_UNKNOWN")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the tables of each survey: its events, where it has any, and its occurrences."""
        taken = [path for path in self.paths if path.suffix == taken_tables.SUFFIX]
        for path in taken:
            yield from taken_tables.read(path, dataset=self.dataset)
        for files in surveys_of_files([path for path in self.paths if path not in taken]):
            survey = read_survey(files, encoding=self.encoding, kept=self.kept, licence=self.licence)
            for one in (finding for finding in survey.findings if finding.blocking):
                problem = f"the file's form does not allow to read it ({one.code}); `biodata survey check` tells more"
                raise InputError(problem, file=one.file, row=one.row, column=one.column, value=one.value, code=one.code)
            file = ", ".join(name for name, _ in files)
            if not survey.of("occurrences"):
                raise no_occurrences(survey, file)
            _refuse_repeated_events(survey)
            yield from tables_of(survey, self.dataset)


def tables_of(survey: Survey, dataset: str | None) -> Iterator[VerbatimTable]:
    """Yield the tables of a survey: its events, where it has any, and its occurrences with what their events tell."""
    nothing = pl.Series([], dtype=pl.Boolean)
    every = [*(Joined(table, table.frame, nothing) for table in survey.of("events")), *observations(survey)]
    for kind in ("events", "occurrences"):
        # All sheets of a kind are one table: they go in as one version, and together they are the whole state.
        parts = [joined for joined in every if joined.table.kind == kind]
        if not parts:
            continue
        first = parts[0].table
        yield VerbatimTable(
            kind=kind, name=first.file, dataset=DatasetInfo(dataset), batches=iter(_batches(parts)),
            sheet=first.sheet if len(parts) == 1 else None, sheets=[one.table.sheet for one in parts],
            declarations=survey.declarations,
            headings={term: told for one in parts for term, told in one.table.headings.items() if term != told},
            findings=survey.findings if first is every[0].table else [],
        )  # fmt: skip


@dataclass(frozen=True)
class Joined:
    """Occurrences with what their events tell."""

    table: SurveyTable
    """As they came."""
    frame: pl.DataFrame
    """The same rows, with cells filled from their events."""
    known: pl.Series
    """Whether the row's event is one of the survey's."""


def _batches(parts: Sequence[Joined]) -> list[pl.DataFrame]:
    """Return the rows of each sheet with where they stand."""
    batches = []
    for one in parts:
        file, sheet = one.table.file, pl.lit(one.table.sheet, dtype=pl.String).alias("source_sheet")
        sheets = [sheet] if one.table.kind == "events" else []
        batches.append(one.frame.select(pl.lit(file).alias("source_file"), *sheets, pl.all()))
    return batches


def observations(survey: Survey) -> list[Joined]:
    """Return the survey's tables of occurrences, each row with what its event tells and it does not.

    A place and a date are taken whole or not at all. Of several events of one identifier the first is taken.
    """
    events = _events(survey)
    out = []
    for table in survey.of("occurrences"):
        if events is None or "eventID" not in table.frame.columns:
            out.append(Joined(table, table.frame, pl.repeat(value=False, n=table.frame.height, eager=True)))
            continue
        told = [n for n in events.columns if n in table.frame.columns or not n.startswith(WRITTEN)]
        frame, _ = fill_from(table.frame, "eventID", events.select(told), (PLACE, DATE))
        known = table.frame["eventID"].str.strip_chars().is_in(events[KEY].implode()).fill_null(value=False)
        out.append(Joined(table, frame, known))
    return out


def _events(survey: Survey) -> pl.DataFrame | None:
    """Return the events by `KEY`, the first of those that stand twice."""
    frames = [table.frame for table in survey.of("events") if "eventID" in table.frame.columns]
    if not frames:
        return None
    today = datetime.now(UTC).date()
    events = pl.concat([with_zone(with_period(frame, today)) for frame in frames], how="diagonal")
    events = events.with_columns(pl.col("eventID").str.strip_chars().alias(KEY)).drop_nulls(KEY)
    of_records = [name for name in events.columns if name not in (KEY, "eventID", *_OF_EVENTS_ALONE)]
    return events.unique(KEY, keep="first", maintain_order=True).select(KEY, *of_records)


def _refuse_repeated_events(survey: Survey) -> None:
    """Refuse a survey in which an event stands twice."""
    seen: set[str] = set()
    for table in survey.of("events"):
        if "eventID" not in table.frame.columns:
            continue
        for row, event in table.frame.select("source_row", pl.col("eventID").str.strip_chars()).iter_rows():
            if event is not None and event in seen:
                problem = "an event stands twice"
                raise InputError(problem, file=table.file, row=row, column=table.heading("eventID"), value=event,
                                 code="EVENT_REPEATED")  # fmt: skip
            seen.add(event)


def surveys_of_files(paths: Sequence[Path]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the files of each survey: a workbook alone, all texts together."""
    texts = []
    for path in paths:
        content = path.read_bytes()
        if content.startswith(b"PK"):
            yield [(path.name, content)]
        else:
            texts.append((path.name, content))
    if texts:
        yield texts
