"""The state of a part of a dataset, row by row: as a file would bring it, and as the lake has it; each cell as it came."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import orjson
import polars as pl

from biodata import pipeline
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.ingest import forms
from biodata.store.lake import Lake
from biodata.store.models import Submission

RECORD: Final = "source_record_id"


def of_upload(read: pipeline.Interpreted, dataset: str) -> dict[str, pl.DataFrame]:
    """Return what a file that was read brings: `identifier`, where each row stands, and its cells; of events and of records."""
    events, records = (pl.DataFrame(schema=terms.schema(terms.TABLES[name])) for name in ("events", "verbatim"))
    found = {"events": [of_lake_events(events)], "occurrences": [of_lake_records(records)]}
    for table in read.tables:
        if table.events is not None:
            found["events"].append(of_lake_events(table.events.read()))
        if (staging := table.staging) is not None:
            batches = ((number, staging.read("verbatim", parts=[number])) for number in staging.parts)
            found["occurrences"] += [
                of_lake_records(rows.filter(datasetKey=dataset), table.verbatim.sheet_of(number))
                for number, rows in batches
            ]
    whole = {kind: pl.concat(frames, how="diagonal") for kind, frames in found.items()}
    return {kind: rows.unique("identifier", keep="first", maintain_order=True) for kind, rows in whole.items()}


def of_lake_records(verbatim: pl.DataFrame, sheet: str | None = None) -> pl.DataFrame:
    """Return the records that a dataset has; a withdrawn one has no identifier any more."""
    filled = [one.name for one in verbatim if one.name.startswith("v_") and one.null_count() < verbatim.height]
    cells = [pl.col(name).alias(f"={name.removeprefix('v_')}") for name in filled]
    frame = verbatim.select(*cells, "other", identifier=RECORD, sheet=pl.lit(sheet, dtype=pl.String), row="source_row")
    return _opened(frame, "other").filter(pl.col("identifier").is_not_null())


def of_lake_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that a dataset has."""
    frame = events.select("verbatim", identifier="eventID", sheet="source_sheet", row="source_row")
    return _opened(frame, "verbatim").filter(pl.col("identifier").is_not_null())


def _opened(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    values = frame[column].drop_nulls().unique()
    if values.is_empty():
        return frame.drop(column)
    names = sorted({name for text in values for name in orjson.loads(text)})
    shape = pl.Struct(dict.fromkeys(names, pl.String))
    cells = frame[column].fill_null("{}").str.json_decode(shape).struct.unnest()
    cells = cells.rename({name: f"={name}" for name in cells.columns})
    return frame.drop(column).hstack(cells.select(name for name in cells.columns if name not in frame.columns))


class UploadReading(ExitStack):
    """What was read of a submission's file, once for all that a job asks of it; use it in a `with` block."""

    def __init__(self, settings: Settings, lake: Lake) -> None:
        super().__init__()
        self.lake, self._settings = lake, settings
        self._read: tuple[Any, pipeline.Interpreted] | None = None

    def read(self, submission: Submission, path: Path) -> pipeline.Interpreted:
        """Return what a file brings, as its check wrote it down; refuse one that cannot be taken in."""
        asked = submission.id, path, self.lake.snapshot(), pipeline.tombstones(self._settings)
        if self._read is None or self._read[0] != asked:
            self.close()
            self._read = None
            opened = pipeline.Opened(forms.SHEETS, [path], self._settings, dataset=submission.dataset)
            asking: dict[str, Any] = {"extra": {"submission": submission.id}, "part": submission.part, "with_countries": True}  # fmt: skip
            self._read = asked, self.enter_context(pipeline.interpreting(opened, self.lake, self._settings, **asking))
        return self._read[1]
