"""What a source gives: verbatim tables in batches, with the rows that it had to refuse."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.formats.records import Repairs

DECLARABLE: Final[tuple[str, ...]] = (
    "calendar",
    "datum",
    "day_month_order",
    "spreadsheet_dates",
    "time_zone",
    "uncertainty_m",
)
"""What a person may declare of a dataset's values, whatever source it comes from."""

DESCRIBABLE: Final[tuple[str, ...]] = ("title", "license", "citation", "doi")
"""What a person may state of a dataset as a whole, whatever source it comes from."""

IMAGES: Final = pl.Schema({"eventID": pl.String, "number": pl.Int64, "told": pl.String, "kind": pl.String})
"""A picture's deployment, its row, when it was made as stated, and `setup` where the camera was set up or taken down."""


@dataclass
class DatasetInfo:
    """What is stated about a dataset as a whole.

    Attributes
    ----------
    key : str, optional
        The dataset's key; None where each row states its own.
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


def of_another(dataset: str) -> pl.Expr:
    """Tell which rows, by their `datasetKey`, say that they are of another dataset than the one that they are sent to."""
    stated = pl.col("datasetKey").str.strip_chars()
    return ((stated != "") & (stated != dataset)).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """A doubt about one cell, row or sheet, found while a source was read; words are made of it elsewhere.

    Attributes
    ----------
    file : str
        What a person calls the file.
    sheet : str or None
        The sheet, where the file has several.
    row : int or None
        As the spreadsheet's margin counts.
    column : str or None
        The heading as it came.
    value : str or None
        The cell as it came.
    code : str
        A stable name, such as `TOTALS_ROW`.
    blocking : bool
        True where the file cannot go in before it is mended.
    params : mapping
        What the words of the code need besides: what would be right, a row that is meant.
    """

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    value: str | None
    code: str
    blocking: bool
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass
class VerbatimTable:
    """One table as it came, read batch by batch.

    Attributes
    ----------
    kind : str
        `events`, `occurrences`, `protected_areas`, `taxa` or `layers`. A source gives the events of a survey before
        their occurrences; columns of events are `terms.EVENT_TERMS` and any other heading.
    name : str
        What a person calls it: the file or the sheet.
    dataset : DatasetInfo
        What is stated about the dataset.
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
        By key, what is stated of each dataset of a file that holds several.
    notes : list of str
        What the source found doubtful of the table, or decided, in sentences; complete when `batches` is exhausted.
    sheet : str, optional
        The sheet that the rows stand in, where they stand in one.
    sheets : sequence of (str or None)
        The sheet of each batch, where they stand in several.
    headings : mapping of str to str
        Term → heading as it came, for columns that were headed otherwise.
    findings : list of Finding
        Doubts that a survey's check tells its uploader; complete when `batches` is exhausted.
    images : list of polars.DataFrame
        `IMAGES` of pictures of camera traps that are no records (blank, not named yet, of setting up): when they were made
        tells of the camera's clock. Complete when `batches` is exhausted.
    repairs : Repairs
        What was mended while the file was read. Complete when all tables of the source are read.
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
    sheet: str | None = None
    sheets: Sequence[str | None] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    images: list[pl.DataFrame] = field(default_factory=list)
    repairs: Repairs = field(default_factory=Repairs)

    def sheet_of(self, batch: int) -> str | None:
        """Return the sheet that the rows of a batch stand in, by its number."""
        return self.sheets[batch] if batch < len(self.sheets) else self.sheet


OPTION: Final = "heading."
"""Before a heading in an option that declares its term."""


def is_heading_option(name: str) -> bool:
    """Return whether an option declares the meaning of a heading: `heading.lat=decimalLatitude`."""
    return name.startswith(OPTION) and len(name) > len(OPTION)


class Source(ABC):
    """Somewhere that records come from; one class in one file, listed in `biodata.ingest.SOURCES`.

    Parameters
    ----------
    paths : sequence of Path
        The files or folders to read.
    dataset : str, optional
        Key of the dataset.
    options : mapping
        `known_options`, and `heading.*` where it reads tables of text.
    progress : bool
        Whether a bar is shown, where the source reads by itself before its batches are consumed.

    Raises
    ------
    InputError
        If there is no path (INPUT_MISSING), or an option is not known (OPTION_UNKNOWN).
    """

    name: ClassVar[str]
    reads: ClassVar[str]
    """What its files are, as an error says it."""
    known_options: ClassVar[frozenset[str]] = frozenset()
    heading_options: ClassVar[bool] = True

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no file was given"
            raise InputError(problem, expected=self.reads, code="INPUT_MISSING")
        for name in options:
            if name not in self.known_options and not (self.heading_options and is_heading_option(name)):
                problem = f"there is no option {name!r}"
                known = f"one of {', '.join(sorted(self.known_options))}"
                raise InputError(problem, expected=known, code="OPTION_UNKNOWN")
        self.paths, self.dataset, self.options, self.progress = list(paths), dataset, dict(options), progress
        self._read_options()

    def _read_options(self) -> None:  # noqa: B027 - most sources have no more to read
        """Read what this source's own options say; an option that cannot be read raises `InputError`."""

    @abstractmethod
    def read(self) -> Iterator[VerbatimTable]:
        """Yield the tables one after the other; the batches of one are read before the next is asked for."""
