"""A survey's workbook or texts: its events as a table, and its occurrences with what their event states and they do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.terms import WRITTEN
from biodata.ingest import interpreted_tables, survey_shapes
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable
from biodata.ingest.survey_shapes import KEY, PLACE, Survey, SurveyTable, fill_from, with_period, with_zone
from biodata.ingest.survey_tables import no_occurrences, read_survey
from biodata.ingest.table_headings import declared_terms
from biodata.ingest.tables import decided_headings

DATE: Final = ("eventDate", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear", "eventTime")
"""Terms of the date, which is taken from the event whole or not at all."""
_OF_EVENTS_ALONE: Final = ("source_row", "deploymentStart", "deploymentEnd", "license", "datasetName")


class SurveySource(Source):
    """Surveys as people hand them in: workbooks, each a survey; texts and zip archives of them, together one survey.

    Options are `encoding` of the texts; `license` of what states none; `heading.Tarikh=eventDate` says of a heading which term
    it is, `headings` of several: a JSON object, heading → term, an empty one where the column is of none.
    """

    name: ClassVar[str] = "survey"
    reads: ClassVar[str] = "one or more .xlsx or .csv files"
    known_options: ClassVar[frozenset[str]] = frozenset({"encoding", "license", "headings"})

    def _read_options(self) -> None:
        self.encoding, self.licence = self.options.get("encoding"), survey_shapes.checked(self.options.get("license"))
        self.kept = decided_headings(self.options.get("headings", "{}")) | declared_terms(self.options)

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the tables of each survey: its events, where it has any, and its occurrences."""
        taken = [path for path in self.paths if path.suffix == interpreted_tables.SUFFIX]
        for path in taken:
            yield from interpreted_tables.read(path, dataset=self.dataset)
        for files in surveys_of_files([path for path in self.paths if path not in taken]):
            survey = read_survey(files, encoding=self.encoding, kept=self.kept, licence=self.licence)
            for one in (finding for finding in survey.findings if finding.blocking):
                problem = f"the file's form does not allow to read it ({one.code}); `biodata survey check` tells more"
                raise InputError(problem, file=one.file, row=one.row, column=one.column, value=one.value, code=one.code)
            if not survey.main_tables():
                raise no_occurrences(survey, ", ".join(name for name, _ in files))
            yield from tables_of(survey, self.dataset)


def tables_of(survey: Survey, dataset: str | None) -> Iterator[VerbatimTable]:
    """Yield the tables of a survey: its events, where it has any, and its occurrences with what their events tell."""
    findings = survey.findings
    records = [(one.table, one.frame) for one in observations(survey)]
    parts = {"events": [(table, table.frame) for table in survey.of("events")], "occurrences": records}
    for kind, tables in parts.items():
        if not tables:
            continue
        batches = []
        for table, frame in tables:
            sheet = [pl.lit(table.sheet, pl.String).alias("source_sheet")] if kind == "events" else []
            batches.append(frame.select(pl.lit(table.file).alias("source_file"), *sheet, pl.all()))
        first = tables[0][0]
        yield VerbatimTable(
            kind=kind, name=first.file, dataset=DatasetInfo(dataset), batches=iter(batches),
            sheet=first.sheet if len(tables) == 1 else None, sheets=[table.sheet for table, _ in tables],
            declarations=survey.declarations,
            headings={term: text for table, _ in tables for term, text in table.headings.items() if term != text},
            findings=findings,
        )  # fmt: skip
        findings = []


@dataclass(frozen=True)
class Joined:
    """Occurrences with what their events tell."""

    table: SurveyTable  # as they came
    frame: pl.DataFrame  # the same rows, with cells filled from their events
    known: pl.Series  # whether the row's event is one of the survey's


def observations(survey: Survey) -> list[Joined]:
    """Return the survey's tables of occurrences, each row with what its event states and it does not."""
    events, out = _events(survey), []
    for table in survey.of("occurrences"):
        frame, known = table.frame, pl.repeat(value=False, n=table.frame.height, eager=True)
        if events is not None and "eventID" in frame.columns:
            names = [n for n in events.columns if n in frame.columns or not n.startswith(WRITTEN)]
            known = frame["eventID"].str.strip_chars().is_in(events[KEY].implode()).fill_null(value=False)
            frame, _ = fill_from(frame, "eventID", events.select(names), (PLACE, DATE))
        out.append(Joined(table, frame, known))
    return out


def _events(survey: Survey) -> pl.DataFrame | None:
    frames = [table.frame for table in survey.of("events") if "eventID" in table.frame.columns]
    if not frames:
        return None
    today = datetime.now(UTC).date()
    events = pl.concat([with_zone(with_period(frame, today)) for frame in frames], how="diagonal")
    events = events.with_columns(pl.col("eventID").str.strip_chars().alias(KEY)).drop_nulls(KEY)
    of_records = [name for name in events.columns if name not in (KEY, "eventID", *_OF_EVENTS_ALONE)]
    return events.unique(KEY, keep="first", maintain_order=True).select(KEY, *of_records)


def surveys_of_files(paths: Sequence[Path]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the files of each survey: a workbook alone, all texts together."""
    files = [(path.name, path.read_bytes()) for path in paths]
    yield from ([one] for one in files if one[1].startswith(b"PK"))
    if texts := [one for one in files if not one[1].startswith(b"PK")]:
        yield texts
