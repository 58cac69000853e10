"""The state of a part of a dataset, row by row: as files would bring it, and as the lake has it; each cell as it came."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.harmonise.findings import Told, as_written
from biodata.harmonise.records import Identities
from biodata.ingest import forms, open_source, survey_shapes
from biodata.ingest.protocol import VerbatimTable
from biodata.store import survey_steps
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.tombstones import Tombstones

RECORD: Final = "source_record_id"
_PLACE: Final = ("source_file", "source_sheet", "source_row")


def read(
    paths: Sequence[Path], dataset: str, part: str, settings: Settings, *, source: str = "survey",
    options: Mapping[str, str] = MappingProxyType({}), licence: str | None = None,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return what files bring: `identifier`, where each row stands, and its cells; of events and of records."""
    brought = Brought(dataset, part, settings)
    options = options if source in (forms.SHEETS, "kobo") else {}
    if licence is not None and source == forms.SHEETS:
        options = {**options, "license": licence}
    for number, table in enumerate(open_source(source, paths, dataset=dataset, options=options).read()):
        if licence is not None and source != forms.SHEETS:
            survey_shapes.fill_licence(table, licence)
        deque(brought.hear(number, table).batches, maxlen=0)
    return brought.states()


class Brought:
    """What files bring, heard batch by batch while something else reads them (`pipeline.interpreting`)."""

    def __init__(self, dataset: str, part: str, settings: Settings) -> None:
        self._dataset, self._identities = dataset, Identities(secret(settings.data))
        self._identities.part = part
        self._counted: dict[int, Counter[tuple[str, str]]] = {}
        self._heard: dict[int, tuple[str, list[pl.DataFrame]]] = {}

    def hear(self, number: int, table: VerbatimTable) -> VerbatimTable:
        """Hear the batches of a table as they are read; one that comes again under its number counts once."""
        self._identities.count_from(self._counted.setdefault(number, self._identities.counted()))
        frames: list[pl.DataFrame] = []
        self._heard[number] = table.kind, frames

        def heard(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
            for at, batch in enumerate(batches):
                sheet = table.sheets[at] if at < len(table.sheets) else table.sheet
                if table.kind == "events":
                    frames.append(_events(batch))
                elif table.kind == "occurrences":
                    frames.append(_records(batch, self._identities, self._dataset, sheet))
                yield batch

        table.batches = heard(table.batches)
        return table

    def states(self) -> dict[str, pl.DataFrame]:
        """Return what `read` returns, once all was heard."""
        found = {kind: [_nothing()] for kind in ("events", "occurrences")}
        for kind, frames in self._heard.values():
            found.setdefault(kind, []).extend(frames)
        whole = {kind: pl.concat(found[kind], how="diagonal") for kind in ("events", "occurrences")}
        return {kind: rows.unique("identifier", keep="first", maintain_order=True) for kind, rows in whole.items()}


def _events(batch: pl.DataFrame) -> pl.DataFrame:
    if "eventID" not in batch.columns:
        return _nothing()
    sheet = pl.col("source_sheet") if "source_sheet" in batch.columns else pl.lit(None, dtype=pl.String)
    cells = _cells(batch, leave=("samplingPerformedBy",))  # which is never kept
    frame = batch.select(identifier=pl.col("eventID").str.strip_chars(), sheet=sheet, row="source_row").hstack(cells)
    return frame.filter(pl.col("identifier") != "")


def _records(batch: pl.DataFrame, identities: Identities, dataset: str, sheet: str | None) -> pl.DataFrame:
    """Return a batch of records of the dataset; one that nothing identifies is refused, and changes nothing."""
    batch = batch.drop("source_sheet", strict=False)
    found, kept, _ = identities.assign(Told(batch), dataset_key=dataset)
    frame = pl.DataFrame([found.columns[RECORD].alias("identifier"), batch["source_row"].alias("row")])
    frame = frame.with_columns(pl.lit(sheet, dtype=pl.String).alias("sheet")).hstack(_cells(batch, leave=()))
    return frame.filter(kept & (found.columns["datasetKey"] == dataset))


def _cells(batch: pl.DataFrame, *, leave: Sequence[str]) -> pl.DataFrame:
    """Return the cells of a batch as written, in columns that begin with `=`, so that no heading meets a name of ours."""
    batch = as_written(batch)
    names = [name for name in batch.columns if name not in (*_PLACE, *leave)]
    return batch.select(pl.col(name).cast(pl.String).alias(f"={name}") for name in names)


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"identifier": pl.String, "sheet": pl.String, "row": pl.Int64})


def of_lake_records(verbatim: pl.DataFrame) -> pl.DataFrame:
    """Return the records that a dataset has; a withdrawn one has no identifier any more."""
    filled = [one.name for one in verbatim if one.name.startswith("v_") and one.null_count() < verbatim.height]
    cells = [pl.col(name).alias(f"={name.removeprefix('v_')}") for name in filled]
    frame = verbatim.select(*cells, "other", identifier=RECORD, sheet=pl.lit(None, dtype=pl.String), row="source_row")
    return _opened(frame, "other").filter(pl.col("identifier").is_not_null())


def of_lake_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that a dataset has."""
    frame = events.select("verbatim", identifier="eventID", sheet="source_sheet", row="source_row")
    return _opened(frame, "verbatim").filter(pl.col("identifier").is_not_null())


def _opened(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    told = frame[column].drop_nulls().unique()
    if told.is_empty():
        return frame.drop(column)
    names = sorted({name for text in told for name in orjson.loads(text)})
    shape = pl.Struct(dict.fromkeys(names, pl.String))
    cells = frame[column].fill_null("{}").str.json_decode(shape).struct.unnest()
    cells = cells.rename({name: f"={name}" for name in cells.columns})
    return frame.drop(column).hstack(cells.select(name for name in cells.columns if name not in frame.columns))


def options_of(registry: Registry, submission: Submission) -> dict[str, str]:
    """Return what the source of a submission's file is told beside it."""
    licence = {"license": submission.license} if submission.license else {}
    return survey_steps.options(registry, submission.dataset) | licence


class UploadReading(ExitStack):
    """What was read of a submission's file, once for all that a job asks of it; use it in a `with` block."""

    def __init__(self, settings: Settings, lake: Lake) -> None:
        super().__init__()
        self.lake, self._settings = lake, settings
        self._asked: tuple[Any, ...] = ()
        self._read: pipeline.Interpreted | None = None
        self.brought: dict[str, pl.DataFrame] = {}  # of the file that was read last (`Brought`)

    def read(self, submission: Submission, path: Path, options: Mapping[str, str]) -> pipeline.Interpreted:
        """Return what a file brings, told the options of `options_of`; refuse one that cannot be taken in."""
        dataset, part = submission.dataset, submission.part
        asked = submission.id, path, dict(options), self.lake.snapshot()
        withdrawn = pipeline.tombstones(self._settings)
        if self._read is not None and self._asked == asked and self._read.tombstones == withdrawn:
            return self._read
        self.close()
        self._read = None
        heard = Brought(dataset, part, self._settings)
        opened = pipeline.Opened(forms.SHEETS, [path], self._settings, dataset=dataset, options=options)
        asking: dict[str, Any] = {"extra": {"submission": submission.id}, "part": part, "hear": heard.hear, "with_countries": True}  # fmt: skip
        self._read = self.enter_context(pipeline.interpreting(opened, self.lake, self._settings, **asking))
        self._asked, self.brought = asked, _without(withdrawn, heard.states(), dataset)
        return self._read


def _without(withdrawn: Tombstones, brought: Mapping[str, pl.DataFrame], dataset: str) -> dict[str, pl.DataFrame]:
    """Return what a file brings without the rows that are refused, since they were withdrawn before."""
    of = pl.lit(dataset).alias("datasetKey")
    records, events = brought["occurrences"], brought["events"]
    return {
        "occurrences": records.filter(~withdrawn.withdrawn(records.select(of, source_record_id="identifier"))),
        "events": events.filter(~withdrawn.withdrawn_events(events.select(of, eventID="identifier"))),
    }
