"""A submission's file, read and interpreted once for all that a job asks of it: its difference, its countries, its preview, itself."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

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


class UploadReading:
    """What was read of a submission's file, for one job; use it in a `with` block.

    The file is read once more where the lake has another version by now, or something was withdrawn: names may be matched
    otherwise, and rows be refused.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.

    Attributes
    ----------
    brought : dict of str to polars.DataFrame
        Of the file that was read last its `events` and `occurrences`, cell by cell (`states.Brought`).
    """

    def __init__(self, settings: Settings, lake: Lake) -> None:
        self.lake = lake
        self._settings, self._stack = settings, ExitStack()
        self._asked: dict[str, Any] = {}
        self._read: pipeline.Interpreted | None = None
        self.brought: dict[str, pl.DataFrame] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(self, submission: Submission, path: Path, options: Mapping[str, str]) -> pipeline.Interpreted:
        """Return what the file brings.

        Parameters
        ----------
        submission : Submission
        path : Path
            Where its file lies.
        options : mapping of str to str
            `options_of` the submission.

        Raises
        ------
        InputError
            If it cannot be taken in.
        """
        dataset, part = submission.dataset, submission.part
        asked = {
            "submission": submission.id, "path": path, "options": dict(options), "version": self.lake.snapshot(),
        }  # fmt: skip
        withdrawn = pipeline.tombstones(self._settings)
        if self._read is not None and self._asked == asked and self._read.tombstones == withdrawn:
            return self._read
        self._stack.close()
        self._read = None
        heard = states.Brought(dataset, part, self._settings)
        opened = pipeline.Opened(forms.SHEETS, [path], self._settings, dataset=dataset, options=options)
        self._read = self._stack.enter_context(
            pipeline.interpreting(
                opened, self.lake, self._settings, extra={"submission": submission.id}, part=part, hear=heard.hear,
                with_countries=True,
            )
        )  # fmt: skip
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
