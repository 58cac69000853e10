"""Records of a test: read, sorted, and held out in blocks of space or after a day."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.analysis import sources
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import delimited, vectors

_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_TEXTS: Final = {
    "id": ("occurrenceid", "id", "key", "gbifid"), "species": ("species", "scientificname", "taxon"),
    "class": ("class",), "date": ("eventdate", "date", "year"), "group": ("cluster_id", "group"), "used": ("used",),
    "uncertainty_m": ("coordinateuncertaintyinmeters", "uncertainty_m"),
}  # fmt: skip
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:\D|$)")
_YES: Final = frozenset({"yes", "true", "1", "y"})


REASONS = (
    "made the resistance, the sources or the evidence", "of one event with a record that was used",
    "a repeat of another record", "in the block of a record that was used", "before the test's time", "date not told",
)  # fmt: skip
"""Why a record is no test, in the order in which they are looked at."""


def read(path: Path, grid: Grid) -> pl.DataFrame:
    """Read records with their places in a grid's system.

    Parameters
    ----------
    path : Path
        A table (CSV, TSV) with decimalLongitude and decimalLatitude (WGS 84) or x and y in the grid's own system; or a
        layer of points.
    grid : Grid

    Returns
    -------
    polars.DataFrame
        Columns row (Int64, line of the file or number of the feature), x, y (metres; null where the place is not stated),
        id, species, class, group (String), date (the first day of what is stated), used (Boolean),
        uncertainty_m; null, or False, where the file does not tell.

    Raises
    ------
    InputError
        If the file cannot be read, has no columns of places or no row, or a coordinate is no number in its range, with
        file, row, column and value.
    """
    frame = _table(path, grid) if path.suffix.lower() in _TABLES else _points(path, grid)
    if not frame.height:
        problem = "there is no record in the file"
        raise InputError(problem, file=path.name, expected="one row for each record", code="RECORDS_EMPTY")
    return frame


def _table(path: Path, grid: Grid) -> pl.DataFrame:
    """Return the records of a table."""
    table = sources.read_table(path, grid, blanks=True)
    return _frame(table.rows, table.lines, table.names, table.xy, path) if table.rows.height else table.rows


def _points(path: Path, grid: Grid) -> pl.DataFrame:
    """Return the records of a layer of points."""
    rows, crs = vectors.read_only_layer(path, expected="one layer of points")
    if not rows.height:
        return rows
    shapes = shapely.from_wkb(rows["geometry"].to_numpy())
    numbers = list(range(1, rows.height + 1))
    kinds = shapely.get_type_id(shapes)
    odd = np.flatnonzero((kinds != shapely.GeometryType.POINT) & ~shapely.is_missing(shapes))
    if odd.size:
        problem = "the feature is no point"
        raise InputError(problem, file=path.name, row=int(odd[0]) + 1, expected="points", code="RECORD_NOT_POINT")
    names = {name.casefold(): name for name in reversed(rows.columns) if name not in ("geometry", "source_row")}
    xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    known = np.isfinite(xy).all(axis=1)
    if known.any():
        xy[known] = geo.project(xy[known], crs, grid.crs)
    return _frame(rows, numbers, names, xy, path)


def _frame(rows: pl.DataFrame, numbers: list[int], names: dict[str, str], xy: Floats, path: Path) -> pl.DataFrame:
    """Return the columns that a test knows, whatever they are called in the file."""
    texts: dict[str, list[str | None]] = {}
    for name, known in _TEXTS.items():
        column = next((names[one] for one in known if one in names), None)
        entries = [None] * rows.height if column is None else rows[column].cast(pl.String).to_list()
        texts[name] = [text.strip() or None if text else None for text in entries]
    uncertainty = sources.numbers(texts["uncertainty_m"], numbers, path, "uncertainty")
    return pl.DataFrame(
        {
            "row": pl.Series(numbers, dtype=pl.Int64),
            "x": pl.Series(xy[:, 0], dtype=pl.Float64).fill_nan(None),
            "y": pl.Series(xy[:, 1], dtype=pl.Float64).fill_nan(None),
            **{name: pl.Series(texts[name], dtype=pl.String) for name in ("id", "species", "class", "group")},
            "date": pl.Series([_day(text) for text in texts["date"]], dtype=pl.Date),
            **{
                name: pl.Series([(text or "").casefold() in _YES for text in texts[name]], dtype=pl.Boolean)
                for name in ("used",)
            },
            "uncertainty_m": pl.Series(uncertainty, dtype=pl.Float64).fill_nan(None),
        }
    )


def _day(text: str | None) -> date | None:
    """Return the first day of an ISO date or the first of an interval; None where it cannot be stated."""
    if not (match := _DAY.match(text or "")):
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None


def of_species(records: pl.DataFrame, species: str | None, *, file: str) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return the records of a species, and the others of its class, which state effort.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        As `record_files.read` returns them.
    species : str or None
        All and none where it is not stated.
    file : str
        Where the records come from, for an error.

    Raises
    ------
    InputError
        If no record is of the species (SPECIES_MISSING).
    """
    if species is None:
        return records, None
    own = records.filter(pl.col("species") == species)
    if own.is_empty():
        counts = records["species"].drop_nulls().value_counts().sort("count", "species", descending=[True, False])
        known = ", ".join(counts["species"].head(5))
        problem = "no record is of this species" if known else "the file tells no species"
        expected = f"one of {known}" if known else "a column species, or no --species where all records are of one"
        raise InputError(problem, file=file, column="species", value=species, expected=expected, code="SPECIES_MISSING")
    others = records.filter(pl.col("species").is_not_null() & (pl.col("species") != species))
    classes = own["class"].drop_nulls().unique().to_list()
    return own, others.filter(pl.col("class").is_in(classes)) if classes else others


def certain(records: pl.DataFrame, limit_m: float) -> tuple[pl.DataFrame, dict[str, int]]:
    """Take the records whose place is stated and certain enough, and count the others by reason.

    A record that states no uncertainty is taken to lie where it says; `untold` counts those.
    """
    placed = records.drop_nulls(["x", "y"])
    kept = placed.filter(pl.col("uncertainty_m").fill_null(0) <= limit_m)
    reasons = {
        "no place": records.height - placed.height,
        "uncertainty wider than a block": placed.height - kept.height,
    }
    return kept, {reason: count for reason, count in reasons.items() if count}


def untold(records: pl.DataFrame) -> list[str]:
    """Return what has to be said of test records that state no uncertainty."""
    if not (count := records["uncertainty_m"].null_count()):
        return []
    return [f"{count} of {records.height} test records tell no uncertainty and are taken to lie exactly where they say"]


def distinct(records: pl.DataFrame, limit_m: float) -> Floats:
    """Return x and y of a target group, each species once at a place on a day."""
    kept, _ = certain(records, limit_m)
    places: Floats = kept.unique(["species", "x", "y", "date"], maintain_order=True).select("x", "y").to_numpy()
    return places.astype(np.float64)


def outside_used(records: pl.DataFrame, grid: Grid, side_m: float) -> NDArray[np.bool_]:
    """Return which cells lie in no block of a record that was used: null points come from the test's ground only.

    Parameters
    ----------
    records : polars.DataFrame
        With x, y and used.
    grid : Grid
        Blocks are counted from its south-western corner, as `holding_out.hold_out` is stated to.
    side_m : float
        Side of a block; 0 for none.
    """
    marked = records.filter(pl.col("used"))
    if marked.is_empty() or side_m <= 0:
        return np.ones(grid.shape, dtype=bool)
    corner = np.array(grid.bounds[:2])
    blocks = np.floor((marked.select("x", "y").to_numpy() - corner) / side_m).astype(np.int64)
    rows, columns = np.divmod(np.arange(grid.cells), grid.shape[1])
    own = np.floor((grid.centres(rows, columns) - corner) / side_m).astype(np.int64)
    taken = np.unique(blocks[:, 0] * (1 << 32) + blocks[:, 1])
    return ~np.isin(own[:, 0] * (1 << 32) + own[:, 1], taken).reshape(grid.shape)


def ids_of(path: Path | None) -> list[str]:
    """Return the ids that the first column of a table tells; none where there is no table."""
    if path is None:
        return []
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    batches = list(table.batches)
    return pl.concat(batches)[table.headings[0]].drop_nulls().to_list() if batches else []


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Records sorted into test and not.

    Attributes
    ----------
    test : ndarray of bool, (n,)
    why_not : list of str or None, (n,)
        One of `REASONS`; None for a test record.
    blocks : ndarray of int64, (n,)
        The block that each record lies in.
    """

    test: NDArray[np.bool_]
    why_not: list[str | None]
    blocks: Ints

    def left_out(self) -> dict[str, int]:
        """Count what is no test, by reason."""
        return {reason: n for reason in REASONS if (n := sum(why == reason for why in self.why_not))}


def blocks_of(xy: Floats, block_m: float, *, origin: tuple[float, float] = (0.0, 0.0)) -> Ints:
    """Return which square block each place lies in.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        Metres.
    block_m : float
        Side of a block: at least the range of the surface's variogram, so that neighbours of a test record which share
        its value are in its block (Roberts et al. 2017, https://doi.org/10.1111/ecog.02881).
    origin : x, y
        A corner of some block.

    Returns
    -------
    ndarray of int64, (n,)
        The same number for places of one block, from 0 in the order of the blocks.
    """
    if block_m <= 0:
        return np.arange(len(xy), dtype=np.int64)
    numbers = np.floor((xy - np.asarray(origin)) / block_m).astype(np.int64)
    blocks: Ints = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return blocks


def hold_out(
    records: pl.DataFrame, *, block_m: float, origin: tuple[float, float] = (0.0, 0.0), since: date | None = None
) -> HeldOut:
    """Sort records into those that may test a corridor and those that may not.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns x and y (metres); `used` (True for a record that made the resistance, the sources or the evidence), and
        where they are known `group` (records of one cluster share it) and `date`.
    block_m : float
        Side of the blocks, metres: a block with a used record holds no test; 0 for no blocks.
    origin : x, y
        A corner of some block.
    since : datetime.date, optional
        The first day of the test's time: what came before may have been known to those who made the corridor.

    Returns
    -------
    HeldOut
        Of a group, and of records at one place on one day, one stays: the first. One at the place and on the day of a
        used record is of its event, whether or not anybody linked the two.
    """
    n = records.height
    xy = records.select("x", "y").to_numpy().astype(np.float64)
    blocks = blocks_of(xy, block_m, origin=origin)
    used = np.array(records["used"].fill_null(False).to_list(), dtype=bool) if "used" in records.columns else _none(n)
    groups = records["group"].to_list() if "group" in records.columns else [None] * n
    dates: list[date | None] = records["date"].to_list() if "date" in records.columns else [None] * n
    used_groups = {group for group, known in zip(groups, used, strict=True) if known and group is not None}
    used_blocks = set(blocks[used].tolist()) if block_m > 0 else set()
    stood = {_place_and_day(xy[i], dates[i]) for i in np.flatnonzero(used)}
    repeated = _repeats(xy, groups, dates, used)
    why_not: list[str | None] = []
    for i in range(n):
        reasons = (
            used[i],
            (groups[i] is not None and groups[i] in used_groups) or _place_and_day(xy[i], dates[i]) in stood,
            repeated[i],
            int(blocks[i]) in used_blocks,
            since is not None and dates[i] is not None and (dates[i] or since) < since,
            since is not None and dates[i] is None,
        )
        why_not.append(next((why for why, holds in zip(REASONS, reasons, strict=True) if holds), None))
    return HeldOut(np.array([why is None for why in why_not], dtype=bool), why_not, blocks)


def _none(n: int) -> NDArray[np.bool_]:
    return np.zeros(n, dtype=bool)


def _repeats(
    xy: Floats, groups: Sequence[object], dates: Sequence[date | None], used: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark every record after the first of its group, or of its very place and day."""
    seen: set[object] = set()
    repeated = _none(len(xy))
    for i in range(len(xy)):
        if used[i]:
            continue
        keys: list[object] = [_place_and_day(xy[i], dates[i])]
        if groups[i] is not None:
            keys.append(("group", groups[i]))
        repeated[i] = any(key in seen for key in keys)
        seen.update(keys)
    return repeated


def _place_and_day(place: Floats, day: date | None) -> tuple[float, float, date | None]:
    """Return what two records of one event share where nothing else tells that they are one."""
    return float(place[0]), float(place[1]), day
