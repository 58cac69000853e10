"""What a check finds in the tables of a survey, whatever form they came in: cells, events, records, cameras' clocks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from biodata.harmonise import Harmoniser, camera_images
from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.occurrences import HarmonisedBatch
from biodata.harmonise.told import Told
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_periods import with_period
from biodata.ingest.survey_shapes import SurveyTable
from biodata.parsers.placeholders import NA, PLACEHOLDERS
from biodata.places import BoundarySet
from biodata.places.edges import SEA
from biodata.sharing.names import CommonNames, bundled_common_names
from biodata.surveys import (
    cell_checks,
    common_names,
    doubts,
    event_checks,
    near_names,
    record_times,
    value_checks,
)
from biodata.surveys.cell_checks import Rows
from biodata.surveys.notices import Read
from biodata.terms import WRITTEN
from biodata.vocabularies import SurveyDesign

_DATASET: Final = "check"
_SWAPPED: Final = "PRESUMED_SWAPPED_COORDINATE"
_COUNTRIES: Final = ("country", "countryCode")
_MOSTLY: Final = 0.9
_FEWEST: Final = 3


class TableChecks:
    """Checks the tables of one survey: its events first, then its records, then the clocks of its cameras.

    Parameters
    ----------
    harmoniser : Harmoniser
        Reads places, dates, names and numbers; matches the names where it has checklists.
    today : date
        The present day.
    boundaries : BoundarySet
        Where land and sea are.
    declarations : mapping
        What is declared of the values.
    common : CommonNames, optional
        What common names mean; the bundled ones where none are given.

    Attributes
    ----------
    read : Read
        The records and events, as they were read.
    """

    def __init__(
        self,
        harmoniser: Harmoniser,
        today: date,
        boundaries: BoundarySet,
        declarations: Mapping[str, str],
        common: CommonNames | None = None,
    ) -> None:
        self.harmoniser, self.today, self.boundaries, self.declarations = harmoniser, today, boundaries, declarations
        self.when: dict[str, record_times.EventTime] = {}
        self.times = record_times.RecordTimes(self.when)
        self.cameras: list[tuple[Rows, pl.DataFrame]] = []
        self.images: list[pl.DataFrame] = []
        self.timed: list[pl.DataFrame] = []
        self.placed: list[tuple[Rows, pl.DataFrame]] = []
        self.read = Read()
        self.common = common or bundled_common_names()

    def sites(self, rows: Rows) -> Iterator[Finding]:
        """Find what is wrong with sites."""
        read = self._read(rows.table.frame, rows.table)
        yield from _of_cells(rows, read)
        yield from self._of_all(rows, read)
        self.placed.append((rows, read.interpreted))

    def events(self, rows: Rows, placed: frozenset[str]) -> Iterator[Finding]:
        """Find what is wrong with events; `placed` are those whose records all tell their place."""
        frame = with_period(rows.table.frame, self.today)
        read = self._read(frame, rows.table)
        yield from event_checks.of_periods(rows, frame, _of_cells(rows, read), placed, self.today)
        yield from self._of_all(rows, read)
        self.placed.append((rows, read.interpreted))
        if "eventID" in rows.table.frame.columns:
            self.cameras.append((rows, event_checks.read_events(rows, self.harmoniser, self.declarations)))
            yield from event_checks.of_design(*self.cameras[-1])
            yield from doubts.of_events(*self.cameras[-1])
            self.read.events.append(self.cameras[-1][1])
            periods = event_checks.periods(rows, read.interpreted)
            self.when |= record_times.of_events(rows, periods, self.cameras[-1][1])

    def records(self, rows: Rows, frame: pl.DataFrame) -> Iterator[Finding]:
        """Find what is wrong with records; `frame` has them with what their events tell."""
        read = self._read(frame, rows.table)
        yield from common_names.told_instead(rows, _of_cells(rows, read), self.common)
        if not self.harmoniser.has_checklist:  # which tells more of a spelling
            yield from near_names.found(rows, self.common)
        yield from self._of_all(rows, read)
        self.placed.append((rows, read.interpreted))
        yield from value_checks.measured(rows)
        yield from doubts.repeated(rows)
        yield from doubts.counts(rows, read.interpreted)
        yield from value_checks.uncounted(rows)
        yield from value_checks.words_of_sex(rows)
        yield from self.times.of_records(rows, read.interpreted)
        self.timed.append(record_times.timed(rows, read.interpreted, self._deployments()))
        self.images.append(read.interpreted.select(camera_images.COLUMNS))
        self.read.records.append(read.interpreted)

    def clocks(self, others: Sequence[pl.DataFrame] = ()) -> Iterator[Finding]:
        """Find what the records show of cameras' clocks and failures, and other pictures (`ingest.protocol.IMAGES`)."""
        yield from self.times.of_failures()
        yield from record_times.midnights(self.timed)
        yield from doubts.far(self.placed)
        yield from event_checks.clocks(self.cameras, self.images, others)

    def _deployments(self) -> frozenset[str]:
        """Return the deployments of cameras."""
        of_trap = pl.col("design") == SurveyDesign.CAMERA_TRAP.value
        return frozenset(one for _, frame in self.cameras for one in frame.filter(of_trap)["eventID"])

    def _read(self, frame: pl.DataFrame, table: SurveyTable) -> HarmonisedBatch:
        """Harmonise rows; each is identified by its number, so that one without an identifier is read too."""
        batch = frame.with_columns(
            pl.lit(table.file).alias("source_file"), pl.col("source_row").cast(pl.String).alias("occurrenceID")
        )
        orders = DateOrders(today=self.today, declarations=self.declarations)
        orders.add(Told(batch))
        identified = self.harmoniser.identify(batch, dataset_key=_DATASET)
        return self.harmoniser.interpret(identified, declarations=self.declarations, orders=orders)

    def _of_all(self, rows: Rows, read: HarmonisedBatch) -> Iterator[Finding]:
        """Find what single values tell, and what only the whole table tells."""
        yield from value_checks.numbers(rows, rows.table.frame)
        yield from value_checks.times(rows)
        yield from value_checks.licences(rows)
        yield from value_checks.texts(rows, rows.table.frame)
        yield from _at_sea(rows, read, self.boundaries)


def once(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings without those that tell of a cell what an earlier one tells, or that a wrong place is far."""
    wrong = {(f.file, f.sheet, f.row) for f in findings if f.code in doubts.OF_A_WRONG_PLACE}
    told = (f for f in reversed(findings) if f.code != doubts.FAR or (f.file, f.sheet, f.row) not in wrong)
    return list({(f.file, f.sheet, f.row, f.column, f.code): f for f in told}.values())


def is_filled(rows: Rows) -> bool:
    """Tell whether a table has any row."""
    return bool(rows.own)


def rows_of(table: SurveyTable, known: pl.Series | None = None) -> Rows:
    """Return a table's rows by their number."""
    came = table.frame.with_columns(pl.col(heading).alias(term) for term, heading in table.converted.items())
    cells = [name for name in came.columns if name != "source_row" and not name.startswith(WRITTEN)]
    told = came.with_columns(_told(name) for name in cells)
    own = {row["source_row"]: row for row in told.iter_rows(named=True)}
    nothing = {
        (row, name): value
        for name in cells
        for row, value in came.filter(told[name].is_null() & came[name].is_not_null())
        .select("source_row", pl.col(name).alias("value"))
        .iter_rows()
    }
    with_event = table.frame["source_row"].filter(known).to_list() if known is not None and len(known) else []
    return Rows(table, own, frozenset(with_event), nothing)


def _told(name: str) -> pl.Expr:
    """Return the cells of a column; null for those that say that they are empty."""
    nothing = [*PLACEHOLDERS] if name in _COUNTRIES else [*PLACEHOLDERS, NA]
    return pl.when(~pl.col(name).str.strip_chars().is_in(nothing)).then(pl.col(name)).alias(name)


def _of_cells(rows: Rows, read: HarmonisedBatch) -> list[Finding]:
    """Return what is doubted of the cells; columns that changed places are told once, at their heading."""
    told = list(cell_checks.found(rows, read))
    swapped = [finding for finding in told if finding.code == _SWAPPED]
    if not swapped:
        return told
    placed = sum(own.get("decimalLatitude") is not None for own in rows.own.values())
    if len(swapped) < _FEWEST or len(swapped) < _MOSTLY * placed:
        return told
    table = rows.table
    heading = table.heading("decimalLatitude")
    one = Finding(table.file, table.sheet, table.heading_row, heading, heading, "COLUMNS_SWAPPED", True,
                  {"other": table.heading("decimalLongitude")})  # fmt: skip
    return [one, *(finding for finding in told if finding.code != _SWAPPED)]


def _at_sea(rows: Rows, read: HarmonisedBatch, boundaries: BoundarySet) -> Iterator[Finding]:
    """Find places at sea, where fewer than half of the table's are."""
    placed = read.interpreted.filter(pl.col("decimalLatitude").is_not_null() & pl.col("decimalLongitude").is_not_null())
    wet = placed.filter(pl.col("located_country_code").is_null() & ~pl.col("ambiguous"))
    if wet.is_empty() or 2 * wet.height >= placed.height:
        return
    x, y = wet["decimalLongitude"].to_numpy(), wet["decimalLatitude"].to_numpy()
    far = np.isnan(boundaries.coasts.near(x, y).distance_m) & (boundaries.cells.locate(x, y) == SEA)
    column = next((c for c in ("decimalLatitude", "verbatimCoordinates") if c in rows.table.headings), None)
    for row, at_sea, flags in zip(wet["source_row"], far, wet["quality_flags"], strict=True):
        others = {"ZERO_COORDINATE", "LAND_TAXON_AT_SEA", "COUNTRY_COORDINATE_MISMATCH"} & set(flags)
        presumed = any(flag.startswith("PRESUMED_") for flag in flags)
        told = column is not None and rows.own[row].get(column) is not None and (row, column) not in rows.table.covered
        if at_sea and column is not None and told and not others and not presumed:
            yield rows.finding(row, column, "PLACE_AT_SEA", blocking=False)
