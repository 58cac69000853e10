"""Releases: one immutable public file for each state of the lake under a set of rules, and a pointer to today's."""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb
import polars as pl
from tqdm.auto import tqdm

from biodata import terms
from biodata.errors import SharingError, StoreError
from biodata.places import BoundarySet
from biodata.sharing.plan import Plan
from biodata.store import checksums, pointer
from biodata.store.duck import connect, held_open
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, sync_file, sync_folder
from biodata.store.mercator import hilbert, project
from biodata.store.pointer import Named
from biodata.store.query import statements
from biodata.store.query.filters import Filter
from biodata.store.release_additions import Base, find_base
from biodata.store.release_file import ReleaseFile
from biodata.store.release_use import remove_unless_used
from biodata.store.secret import secret
from biodata.store.staging import WorkFolder, write_part
from biodata.store.tables import DATASET, RELEASE
from biodata.store.told_less import tells_less

logger = logging.getLogger(__name__)

__all__ = ["Release", "build", "connect", "current", "held_open", "read"]

KEPT: Final = 3
"""Files that stay; the current and the previous release are among them."""

_BATCH_ROWS: Final = 200_000
_FOUND: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = MappingProxyType(
    {
        "key": pl.Int64,
        "flags": pl.List(pl.String),
        "isInCluster": pl.Boolean,
        "cluster_id": pl.Int64,
        "cluster_reason": pl.String,
    }
)
_FREE_BYTES: Final = 32_000_000
"""Room that must be left beside what a build is expected to need."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release.

    Attributes
    ----------
    id : str
        r, the lake's version in six digits, and a hash of the rules and the published rows.
    path : Path
        Its file.
    snapshot : int
        The lake's version that it was made from.
    created : str
        When, ISO 8601, UTC.
    counts : mapping of str to int
        Rows of each table.
    """

    id: str
    path: Path
    snapshot: int
    created: str
    counts: Mapping[str, int] = field(default_factory=dict)


def build(
    lake: Lake,
    *,
    data: Path,
    publish: Callable[[pl.DataFrame], pl.DataFrame],
    presences: pl.DataFrame | None = None,
    plan: Plan | None = None,
    results: Mapping[str, pl.DataFrame],
    boundaries: BoundarySet,
    rules_hash: str,
    snapshot: int | None = None,
    datasets: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
    assess: Callable[[Sequence[Path]], pl.DataFrame] | None = None,
    assess_columns: Sequence[str] | None = None,
    check: Callable[[Path], None] | None = None,
    full: bool = False,
    memory_limit: str = "2GB",
    progress: bool = False,
) -> Release:
    """Build a release of what the lake holds now and make it the current one.

    It is built under another name and renamed when it is whole; whatever goes wrong before leaves everything as it
    was. The same rows under the same rules give the same id, and nothing is written twice.

    Where the lake only adds records to the release before (`release_additions` tells when), they are added to a copy of
    its file, behind those that stand along the curve; else a whole new file is made, range after range of the curve.
    Both hold the same rows and have the same id.

    Parameters
    ----------
    lake : Lake
        Read at one version, in batches.
    data : Path
        The installation's folder.
    publish : function of a frame of `terms.OCCURRENCE` to one of `terms.PUBLISHED_OCCURRENCE`
        What lets a record out; rows that it leaves out are not in the release.
    presences : polars.DataFrame of `terms.PUBLISHED_OCCURRENCE`, optional
        What stands for records that do not go out as they are.
    plan : Plan, optional
        What goes out of which records: by it a release is known that cannot be added to.
    results : mapping of table name to frame
        Published rows of `protected_areas`, `corridors`, `reserve_candidates`, `considered_ground` and `taxa`; one that is absent is empty.
    boundaries : BoundarySet
        Written beside them.
    rules_hash : str
        Of the rules that `publish` follows.
    snapshot : int, optional
        The lake's version; the present one where none is told.
    datasets : polars.DataFrame, optional
        key, title, license, citation, doi of the datasets; the counts are made here.
    events : polars.DataFrame of `terms.SURVEY`, optional
        Published events of the lake; `survey_rows` adds those that open records alone tell of.
    assess : function of Parquet files of `terms.PUBLISHED_OCCURRENCE` to a frame, optional
        What the open records tell of each other: key, flags, isInCluster, cluster_id, cluster_reason of those of
        which something was found. Without it nothing is told of that.
    assess_columns : sequence of str, optional
        The columns that `assess` reads; all where none are told. None of them may be one that it tells.
    check : function of the finished file, optional
        Looks at it before it has its name; what it raises leaves the release before the current one.
    full : bool
        Make a whole new file in any case.
    memory_limit : str
        What the builder's connection may use, beside the lake's own.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is not enough room, or the file cannot be written.
    SharingError
        If `publish` or `results` let out a column that may not leave.
    """
    pointer.folder(data).mkdir(parents=True, exist_ok=True)
    with builders_lock(data), WorkFolder(data / "staging") as work:
        try:
            snapshot = lake.snapshot() if snapshot is None else snapshot
            told = {name: _checked(name, results.get(name)) for name in terms.PUBLISHED_TABLES if name != "occurrences"}
            known = terms.conform(datasets if datasets is not None else pl.DataFrame(), DATASET)
            base = None
            if not full:
                base = find_base(
                    lake,
                    snapshot=snapshot,
                    rules_hash=rules_hash,
                    results=told,
                    boundaries=boundaries,
                    datasets=known,
                    events=events,
                    plan=plan,
                )
            told_presences = _checked("occurrences", presences)
            stage = _Stage(lake, data, snapshot, publish, told_presences, work.folder, progress=progress)
            parts, found = stage.additions(base, assess, assess_columns) if base is not None else ([], None)
            if found is None:
                base = None
                parts = stage.everything()
                found = assess(parts) if assess is not None else _nothing_found()
            unnamed = work.folder / "release.duckdb"
            if base is not None:
                shutil.copyfile(base.path, unnamed)
            logger.info("writing the release's file")
            with ReleaseFile(unnamed, spill=data / "tmp", memory_limit=memory_limit) as file:
                file.write_occurrences(parts, found if assess is not None else None)
                for name, frame in told.items():
                    file.write_results(name, frame)
                file.write_boundaries(boundaries)
                file.write_datasets(known)
                named = file.finish(
                    snapshot=snapshot, rules_hash=rules_hash, secret=secret(data), events=events,
                    marked=() if plan is None else plan.marked,
                )  # fmt: skip
            if check is not None:
                logger.info("looking whether the file tells a place that it must not")
                check(unnamed)
            before = current(data)
            if before is not None and before.id == named.id and before.path.is_file():
                return before
            # What only adds to the file of the one before tells all that it told.
            alone = (
                base is None
                and before is not None
                and before.path.is_file()
                and tells_less(before.path, unnamed, lake, snapshot=snapshot)
            )
            named = _place(unnamed, data, named)
            pointer.swap(data, named, alone=alone)
            _prune(data, alone=alone)
        except (OSError, duckdb.Error, StoreError) as error:
            message = f"no release was made, the one before stays: {str(error).splitlines()[0]}"
            raise StoreError(message) from error
    release = _release(data, named)
    logger.info("release %s: %d records of lake %d", release.id, release.counts["occurrences"], snapshot)
    return release


def current(data: Path) -> Release | None:
    """Return the release that the pointer names; None where none was made yet.

    Raises
    ------
    StoreError
        If the pointer cannot be read.
    """
    told = pointer.read(data)
    return None if told is None else _release(data, told.current)


def was_added_to(release: Release) -> bool:
    """Tell whether a release was made by adding to the file of the one before."""
    with connect(release.path) as connection:
        told = connection.execute("SELECT value FROM release_info WHERE key = 'additions'").fetchone()
    return told is not None and int(told[0]) > 0


def read(release: Release, table: str, *, where: Filter | None = None) -> pl.DataFrame:
    """Read published rows into memory.

    Parameters
    ----------
    release : Release
        What is read.
    table : str
        A table of `tables.RELEASE`.
    where : Filter, optional
        Which rows.

    Returns
    -------
    polars.DataFrame
        In the order of the release.
    """
    if table not in RELEASE:
        message = f"a release has no table {table!r}; its tables: {', '.join(RELEASE)}"
        raise StoreError(message)
    connection = connect(release.path)
    try:
        statement, params = statements.select(RELEASE[table], list(RELEASE[table].columns), where)
        frame = connection.execute(statement, params).pl()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        message = (
            f"release {release.id} was made by another version of biodata; `biodata release` makes one that is read"
        )
        raise StoreError(message) from error
    finally:
        connection.close()
    return terms.conform(frame, RELEASE[table].columns.values())


def _release(data: Path, named: Named) -> Release:
    return Release(named.id, pointer.path(data, named.id), named.snapshot, named.created, named.counts)


@dataclass(frozen=True)
class _Stage:
    """What a build puts aside before it writes the file: published records in parts sorted along the curve."""

    lake: Lake
    data: Path
    snapshot: int
    publish: Callable[[pl.DataFrame], pl.DataFrame]
    presences: pl.DataFrame
    folder: Path
    progress: bool

    def everything(self) -> list[Path]:
        """Put aside every record of the lake."""
        # Measured: staged parts take up to twice, the file up to twice what the lake's zstd files take.
        _check_space(self.data, 4 * self.lake.stored_bytes("occurrences"))
        batches = self.lake.batches("occurrences", snapshot=self.snapshot, batch_rows=_BATCH_ROWS)
        parts = self._stage(batches, self.lake.count("occurrences", snapshot=self.snapshot), "published")
        return [*parts, *self._presences(self.presences)]

    def additions(
        self,
        base: Base,
        assess: Callable[[Sequence[Path]], pl.DataFrame] | None,
        assess_columns: Sequence[str] | None,
    ) -> tuple[list[Path], pl.DataFrame | None]:
        """Put aside the records that came after a release, and look at all beside each other.

        Returns
        -------
        parts : list of Path
            The additions.
        found : polars.DataFrame, optional
            What is told of all records; None where the additions change what is told of older ones.
        """
        _check_space(self.data, 2 * base.path.stat().st_size)
        added = self.lake.additions("occurrences", after=base.snapshot, upto=self.snapshot, batch_rows=_BATCH_ROWS)
        total = self.lake.count("occurrences", snapshot=self.snapshot)
        total -= self.lake.count("occurrences", snapshot=base.snapshot)
        new = base.new_presences(self.presences, self.lake)
        if new is None:
            logger.info("a whole new release: what stands for sensitive records is other")
            return [], None
        parts = [*self._stage(added, total, "added"), *self._presences(new)]
        found = _nothing_found()
        if assess is not None:
            older = self.folder / "older.parquet"
            base.copy_columns(assess_columns or terms.names(terms.PUBLISHED_OCCURRENCE), older)
            found = assess([older, *parts])
            older.unlink()
        keys = pl.concat(
            [pl.Series("key", [], pl.Int64), *(pl.read_parquet(part, columns=["key"])["key"] for part in parts)]
        )
        if not base.same_beside(found, keys):
            logger.info("a whole new release: what is told of older records beside the new ones is other")
            return [], None
        return parts, found

    def _presences(self, rows: pl.DataFrame) -> list[Path]:
        """Put aside what stands for records that do not go out as they are."""
        if rows.is_empty():
            return []
        path = self.folder / "presences.parquet"
        write_part(_placed(rows), path, row_group_rows=20_000)
        return [path]

    def _stage(self, batches: Iterable[pl.DataFrame], total: int, name: str) -> list[Path]:
        """Pass records through `publish` and write what comes out."""
        parts: list[Path] = []
        done = 0
        with tqdm(total=total, unit="record", disable=not self.progress) as bar:
            for batch in batches:
                frame = _placed(_checked("occurrences", self.publish(batch)))
                parts.append(self.folder / f"{name}-{len(parts):06d}.parquet")
                # Small row groups of sorted rows: a range of the curve reads few of them.
                write_part(frame, parts[-1], row_group_rows=20_000)
                bar.update(batch.height)
                done += batch.height
                if not self.progress:
                    logger.info("%d of %d records published", done, total)
        return parts


def _check_space(data: Path, needed: int) -> None:
    """Refuse to start where the disk would be full before the end."""
    needed += _FREE_BYTES
    free = shutil.disk_usage(data).free
    if free < needed:
        message = f"a release needs about {needed / 1e6:.0f} MB of disk, {free / 1e6:.0f} MB are free"
        raise StoreError(message)


def _nothing_found() -> pl.DataFrame:
    """Return what is told of records beside each other where nobody looks."""
    return pl.DataFrame(schema=_FOUND)


def _checked(table: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """Return the frame with the table's published columns; refuse one that has others."""
    columns = terms.PUBLISHED_TABLES[table]
    if frame is None:
        return pl.DataFrame(schema=terms.schema(columns))
    others = set(frame.columns) - set(terms.names(columns))
    if others:
        message = f"{table}: columns that may not leave: {', '.join(sorted(others))}"
        raise SharingError(message)
    return terms.conform(frame, columns)


def _placed(frame: pl.DataFrame) -> pl.DataFrame:
    """Add mx, my and hk from the published coordinates, null where there are none; sort along the curve."""
    there = pl.all_horizontal(pl.col("decimalLongitude", "decimalLatitude").is_not_null())
    mx, my = project(*(frame.filter(there).get_column(c).to_numpy() for c in ("decimalLongitude", "decimalLatitude")))
    known = frame.filter(there).with_columns(mx=pl.Series(mx), my=pl.Series(my), hk=pl.Series(hilbert(mx, my)))
    return pl.concat([known.sort("hk"), frame.filter(~there)], how="diagonal")


def _place(unnamed: Path, data: Path, named: Named) -> Named:
    """Give a finished file its name, durably; return what the file of that name tells of itself.

    One that is there already has the same content. It was made earlier: by a builder that was killed before the pointer
    named it, or for a release that comes back.
    """
    path = pointer.path(data, named.id)
    if path.exists():
        with connect(path) as connection:
            told = connection.execute("SELECT value FROM release_info WHERE key = 'created'").fetchone()
        return named if told is None else replace(named, created=str(told[0]))
    sync_file(unnamed)
    checksums.record(data, {str(path.relative_to(data)): unnamed})
    unnamed.rename(path)
    sync_folder(path.parent)
    return named


def drop_others(data: Path) -> int:
    """Remove every release but the current one, whoever reads them; return how many.

    What reads one that is open goes on to its end; what asks for one by its id afterwards is told that it is gone.
    """
    with builders_lock(data):
        told = pointer.read(data)
        kept = None if told is None else pointer.path(data, told.current.id)
        pointer.forget_previous(data)
        others = [path for path in pointer.folder(data).glob("release-*.duckdb") if path != kept]
        for path in others:
            path.unlink(missing_ok=True)
            checksums.forget(data, [str(path.relative_to(data))])
    return len(others)


def _prune(data: Path, *, alone: bool) -> None:
    """Remove the oldest files beyond those that stay; the pointer's two always stay, and one that somebody uses."""
    told = pointer.read(data)
    kept = 1 if alone else KEPT
    named = set() if told is None else {pointer.path(data, id_) for id_ in (told.current.id, told.previous) if id_}
    files = sorted(pointer.folder(data).glob("release-*.duckdb"), key=lambda f: f.stat().st_mtime_ns, reverse=True)
    for path in [f for f in files if f not in named][max(kept - len(named), 0) :]:
        if remove_unless_used(path):
            checksums.forget(data, [str(path.relative_to(data))])
        else:
            logger.info("%s is being read and stays", path.name)
