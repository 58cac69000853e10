"""What a source gives: verbatim tables in batches, with the rows that it had to refuse."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Protocol

import polars as pl

from biodata.errors import Refusal

DECLARABLE: Final[tuple[str, ...]] = (
    "calendar",
    "datum",
    "day_month_order",
    "spreadsheet_dates",
    "time_zone",
    "uncertainty_m",
)
"""What a person may declare of a dataset's values, whatever source it comes from."""


@dataclass
class DatasetInfo:
    """What is told about a dataset as a whole.

    Attributes
    ----------
    key : str, optional
        The dataset's key; None where each row tells its own.
    title, license, citation, doi : str, optional
        As the dataset's metadata tell them.
    metadata : str, optional
        The metadata document (EML) as it came.
    """

    key: str | None
    title: str | None = None
    license: str | None = None
    citation: str | None = None
    doi: str | None = None
    metadata: str | None = None


@dataclass
class VerbatimTable:
    """One table as it came, read batch by batch.

    Attributes
    ----------
    kind : str
        `occurrences`, `protected_areas`, `taxa` or `layers`.
    name : str
        What a person calls it: the file or the sheet.
    dataset : DatasetInfo
        What is told about the dataset.
    batches : iterator of frames
        `source_file` (String), `source_row` (Int64) and the headings, Darwin Core terms by their local name; every
        value a String exactly as it came, empty = null. `protected_areas` also have `geometry` (WKB, WGS 84).
    refusals : list of Refusal
        Rows that could not be read; complete when `batches` is exhausted. Rows of the file = rows of the batches +
        refusals.
    complete : bool
        The table is the whole state of its dataset: a record that is not in it is gone at the source.
    gone : list of (datasetKey, source_record_id)
        Records that the source says were deleted.
    declarations : mapping
        What the dataset declares of its values: `datum`, `calendar`, `time_zone`, …
    datasets : mapping of str to DatasetInfo
        By key, what is told of each dataset of a file that holds several.
    notes : list of str
        What the source found doubtful of the table, or decided, in sentences; complete when `batches` is exhausted.
    """

    kind: str
    name: str
    dataset: DatasetInfo
    batches: Iterator[pl.DataFrame]
    refusals: list[Refusal] = field(default_factory=list)
    complete: bool = False
    gone: list[tuple[str, str]] = field(default_factory=list)
    declarations: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, DatasetInfo] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Source(Protocol):
    """Somewhere that records come from; one class in one file, listed in `biodata.ingest.SOURCES`."""

    name: ClassVar[str]

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] | None = None,
        progress: bool = False,
    ) -> None: ...

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the tables one after the other; the batches of one are read before the next is asked for."""
        ...
