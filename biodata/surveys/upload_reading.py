"""A submission's file, read and interpreted once for all that a job asks of it: its difference, its countries, its preview, itself."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from biodata import pipeline
from biodata.ingest import forms
from biodata.settings import Settings
from biodata.store import heading_mappings
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.tombstones import Tombstones
from biodata.surveys import states
from biodata.surveys.difference import Difference, difference_of


def options_of(registry: Registry, submission: Submission) -> dict[str, str]:
    """Return what the source of a submission's file is told beside it."""
    licence = {"license": submission.license} if submission.license else {}
    return heading_mappings.options(registry, submission.dataset) | licence


class UploadReading(ExitStack):
    """What was read of a submission's file, for one job; use it in a `with` block.

    The file is read once more where the lake has another version by now, or something was withdrawn: names may be matched
    otherwise, and rows be refused.
    """

    def __init__(self, settings: Settings, lake: Lake) -> None:
        super().__init__()
        self.lake, self._settings = lake, settings
        self._asked: tuple[Any, ...] = ()
        self._read: pipeline.Interpreted | None = None
        self.brought: dict[str, pl.DataFrame] = {}
        """Of the file that was read last its `events` and `occurrences`, cell by cell (`states.Brought`)."""

    def read(self, submission: Submission, path: Path, options: Mapping[str, str]) -> pipeline.Interpreted:
        """Return what a file brings, told the options of `options_of`; refuse one that cannot be taken in."""
        dataset, part = submission.dataset, submission.part
        asked = submission.id, path, dict(options), self.lake.snapshot()
        withdrawn = pipeline.tombstones(self._settings)
        if self._read is not None and self._asked == asked and self._read.tombstones == withdrawn:
            return self._read
        self.close()
        self._read = None
        heard = states.Brought(dataset, part, self._settings)
        opened = pipeline.Opened(forms.SHEETS, [path], self._settings, dataset=dataset, options=options)
        extra = {"submission": submission.id}
        self._read = self.enter_context(
            pipeline.interpreting(
                opened, self.lake, self._settings, extra=extra, part=part, hear=heard.hear, with_countries=True
            )
        )
        self._asked, self.brought = asked, _without(withdrawn, heard.states(), dataset)
        return self._read

    def difference(
        self, submission: Submission, *, published: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> Difference:
        """Return what the file that was read last would change of its part."""
        return difference_of(self.brought, self.lake, submission.dataset, submission.part, published=published)


def _without(withdrawn: Tombstones, brought: Mapping[str, pl.DataFrame], dataset: str) -> dict[str, pl.DataFrame]:
    """Return what a file brings without the rows that are refused, since they were withdrawn before."""
    of = pl.lit(dataset).alias("datasetKey")
    records, events = brought["occurrences"], brought["events"]
    return {
        "occurrences": records.filter(~withdrawn.withdrawn(records.select(of, source_record_id="identifier"))),
        "events": events.filter(~withdrawn.withdrawn_events(events.select(of, eventID="identifier"))),
    }
