"""A survey's workbook in the template's form: sheet `occurrences`, with its `events` joined to them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError
from biodata.formats.workbooks import Sheet, read_sheets
from biodata.ingest.protocol import DatasetInfo, VerbatimTable

OCCURRENCES: Final = "occurrences"
EVENTS: Final = "events"
_PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "geodeticDatum")


class SurveySource:
    """Workbooks of surveys.

    Parameters
    ----------
    paths : sequence of Path
        XLSX files in the form of `sample_data/survey_template.xlsx`.
    dataset : str, optional
        Key of the dataset that they belong to.
    options : mapping
        Nothing so far.
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
            raise InputError(problem, expected="one or more .xlsx files", code="INPUT_MISSING")
        if options:
            problem = "this source takes no options"
            raise InputError(problem, column="--option", value=next(iter(options)), code="OPTION_UNKNOWN")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the tables of each workbook: its events, where it has a sheet of them, and its occurrences."""
        for path in self.paths:
            sheets = read_sheets(path.read_bytes(), file=path.name)
            yield from _event_table(sheets, path.name, self.dataset)
            frame = observations(sheets, file=path.name)
            yield VerbatimTable(
                kind="occurrences", name=path.name, dataset=DatasetInfo(self.dataset), batches=iter([frame])
            )


def _event_table(sheets: Sequence[Sheet], file: str, dataset: str | None) -> Iterator[VerbatimTable]:
    """Yield the sheet of events as a table."""
    events = sheet_called(sheets, EVENTS)
    if events is None:
        return
    frame = events.frame.select(pl.lit(file).alias("source_file"), pl.lit(events.name).alias("source_sheet"), pl.all())
    yield VerbatimTable(
        kind="events", name=file, dataset=DatasetInfo(dataset), batches=iter([frame]), sheet=events.name
    )


def observations(sheets: Sequence[Sheet], *, file: str) -> pl.DataFrame:
    """Return the workbook's occurrences, each with what its event tells and it does not.

    Parameters
    ----------
    sheets : sequence of Sheet
        The workbook.
    file : str
        What errors call it.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_row` and the headings, all text.

    Raises
    ------
    InputError
        If there is no sheet `occurrences`, or an event stands twice.
    """
    occurrences = sheet_called(sheets, OCCURRENCES)
    if occurrences is None:
        problem = "there is no sheet called 'occurrences'"
        found = ", ".join(repr(sheet.name) for sheet in sheets) or "none"
        raise InputError(problem, file=file, expected=f"the template's sheets; found {found}", code="SHEET_MISSING")
    frame = occurrences.frame
    events = sheet_called(sheets, EVENTS)
    if events is not None and {"eventID"} <= set(frame.columns) & set(events.frame.columns):
        frame = _join_events(frame, events, file)
    return frame.select(pl.lit(file).alias("source_file"), pl.all())


def sheet_called(sheets: Sequence[Sheet], name: str) -> Sheet | None:
    """Return the visible sheet of that name, however it is capitalised."""
    return next((sheet for sheet in sheets if sheet.visible and sheet.name.strip().lower() == name), None)


def _join_events(frame: pl.DataFrame, events: Sheet, file: str) -> pl.DataFrame:
    """Fill what an occurrence does not tell from its event; a place is taken whole or not at all."""
    told = events.frame.filter(pl.col("eventID").is_not_null())
    repeated = told.filter(pl.col("eventID").is_duplicated() & ~pl.col("eventID").is_first_distinct())
    if not repeated.is_empty():
        row, event = repeated.select("source_row", "eventID").row(0)
        problem = "an event stands twice in sheet 'events'"
        raise InputError(problem, file=file, row=row, column="eventID", value=event, code="EVENT_REPEATED")
    joined = frame.join(
        told.drop("source_row"), on="eventID", how="left", suffix=" of the event", maintain_order="left"
    )
    filled = [name for name in joined.columns if f"{name} of the event" in joined.columns]
    placeless = pl.all_horizontal(pl.col(name).is_null() for name in joined.columns if name in _PLACE)
    return joined.with_columns(
        pl.when(pl.lit(name not in _PLACE) | placeless).then(pl.coalesce(name, f"{name} of the event")).otherwise(name)
        for name in filled
    ).drop(f"{name} of the event" for name in filled)
