"""Releases: one immutable public file for each state of the lake under a set of rules, and a pointer to today's."""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
from tqdm.auto import tqdm

from biodata.core import terms
from biodata.core.errors import SharingError, StoreError
from biodata.places import BoundarySet
from biodata.sharing.plan import Plan
from biodata.store import checksums, pointer
from biodata.store.checksums import code_hash
from biodata.store.duck import base_of, connect, held_open
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, sync_file, sync_folder
from biodata.store.pointer import Named
from biodata.store.query import sql
from biodata.store.query.filters import Filter
from biodata.store.release_delta import DeltaFile
from biodata.store.release_file import ReleaseFile, release_info
from biodata.store.release_use import remove_release, remove_unless_used, remove_unneeded_bases
from biodata.store.shared_releases import NotSharedError, share
from biodata.store.staging import WorkFolder, filled, write_part
from biodata.store.tables import DATASET, RELEASE, RELEASE_FORMAT
from biodata.store.tile_counts import hilbert, project
from biodata.store.withheld_since import withholds_more
from biodata.text.cluster_facts import plain_numbers

logger = logging.getLogger(__name__)

__all__ = ["Release", "build", "connect", "current", "held_open", "read"]

KEPT: Final = 3
"""Files that stay; the current and the previous release are among them."""

RESULTS: Final = tuple(name for name in terms.PUBLISHED_TABLES if name != "occurrences")
"""The tables of results."""

_BATCH_ROWS: Final = 200_000
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

    @property
    def is_delta(self) -> bool:
        """Whether its file holds only what differs from an earlier whole one."""
        return self.path.name.endswith(pointer.DELTA)


class StaleChangeError(StoreError):
    """What changed cannot be stated from the current release: it is another one, or of other rules or code."""


@dataclass(frozen=True, slots=True)
class Change:
    """What may differ from the release before.

    Attributes
    ----------
    base : Release
        The release before.
    keys : polars.Series
        The lake's keys whose published row may differ from it: new, changed, gone, or beside such a one in a cluster.
    found : function of Parquet files of changed published records to a frame
        What these records and their neighbours tell of each other, a row for each record that was looked at; as `assess`.
    events : polars.DataFrame of `terms.SURVEY`, optional
        Published events that are new or changed, and those that a changed record names, with their parts.
    events_gone : polars.Series, optional
        The `survey_id` of events that are published no more. Without it `events` are all of the lake.
    presences : polars.Series, optional
        Keys of the presences of the release before that may be gone or other. Without it all may be.
    presences_of : polars.Series, optional
        Keys of the records whose presences may be new or other.
    """

    base: Release
    keys: pl.Series
    found: Callable[[Sequence[Path]], pl.DataFrame] | None = None
    events: pl.DataFrame | None = None
    events_gone: pl.Series | None = None
    presences: pl.Series | None = None
    presences_of: pl.Series | None = None


def build(
    lake: Lake, *, data: Path, publish: Callable[[pl.DataFrame], pl.DataFrame], presences: pl.DataFrame | None = None,
    plan: Plan | None = None, results: Mapping[str, pl.DataFrame], boundaries: BoundarySet, rules_hash: str,
    snapshot: int | None = None, datasets: pl.DataFrame | None = None, events: pl.DataFrame | None = None,
    assess: Callable[[Sequence[Path]], pl.DataFrame] | None = None, check: Callable[[Path], None] | None = None,
    change: Change | None = None, memory_limit: str = "2GB", progress: bool = False,
) -> Release:  # fmt: skip
    """Build a release of what the lake holds now and make it the current one.

    It is built under another name and renamed when it is whole; whatever goes wrong before leaves everything as it
    was. The same rows under the same rules give the same id, and nothing is written twice.

    Where it is informed what may have changed, only that is published again, into a file of what differs from an earlier
    whole one (`release_delta`); else a whole new file is made, range after range of the curve. Both hold the same rows and
    have the same id.

    Parameters
    ----------
    lake : Lake
        Read at one version, in batches.
    data : Path
        The installation's folder.
    publish : function of a frame of `terms.OCCURRENCE` to one of `terms.PUBLISHED_OCCURRENCE`
        What lets a record out; rows that it leaves out are not in the release.
    presences : polars.DataFrame of `terms.PUBLISHED_OCCURRENCE`, optional
        What stands for records that do not go out as they are; of a change that states `presences`, those that may be new or other.
    plan : Plan, optional
        What goes out of which records: by it a release is known that cannot be added to.
    results : mapping of table name to frame
        Published rows of `protected_areas`, `corridors`, `reserve_candidates`, `considered_ground` and `taxa`; one that is
        absent is empty, with a `change` as in the release before.
    boundaries : BoundarySet
        Written beside them.
    rules_hash : str
        Of the rules that `publish` follows.
    snapshot : int, optional
        The lake's version; the present one where none is stated.
    datasets : polars.DataFrame, optional
        key, title, license, citation, doi of the datasets; the counts are made here.
    events : polars.DataFrame of `terms.SURVEY`, optional
        Published events of the lake; `survey_rows` adds those that open records alone tell of.
    assess : function of Parquet files of `terms.PUBLISHED_OCCURRENCE` to a frame, optional
        What the open records tell of each other: key, flags, isInCluster, cluster_id, cluster_reason of those of
        which something was found. Without it nothing is stated of that.
    check : function of the finished file, optional
        Looks at it before it has its name; what it raises leaves the release before the current one.
    change : Change, optional
        What may differ from the release before.
    memory_limit : str
        What the builder's connection may use, beside the lake's own.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is not enough room, or the file cannot be written.
    StaleChangeError
        If the change is not one of the current release, or that is of other rules, boundaries or code.
    SharingError
        If `publish` or `results` let out a column that may not leave.
    """
    pointer.folder(data).mkdir(parents=True, exist_ok=True)
    with builders_lock(data), WorkFolder(data / "staging") as work:
        before = current(data)
        if change is not None:
            _check_change(before, change, rules_hash)
        try:
            snapshot = lake.snapshot() if snapshot is None else snapshot
            stage = _Stage(lake, data, snapshot, publish, work.folder, progress=progress)
            told_presences = _checked("occurrences", presences)
            spill = data / "tmp"
            if change is None:
                parts = [*stage.everything(), *stage.presences(told_presences)]
                found = assess(parts) if assess is not None else None
                unnamed = work.folder / "release.duckdb"
                made: ReleaseFile = ReleaseFile(unnamed, spill=spill, memory_limit=memory_limit)
            else:
                unnamed = work.folder / f"release{pointer.DELTA}"
                made = delta = DeltaFile(unnamed, before=change.base.path, spill=spill, memory_limit=memory_limit)
                # What looks at the file before it has its place finds its base beside it.
                (work.folder / delta.base_path.name).symlink_to(delta.base_path.resolve())
            logger.info("writing the release's file")
            with made as file:
                if change is None:
                    file.write_presences(told_presences)
                    file.write_occurrences(parts, found)
                else:
                    differing = delta.write_changed_presences(told_presences, change.presences)
                    delta.write_changes(*stage.changes(change, differing, told_presences))
                for name in RESULTS:
                    file.write_results(name, _result(name, results, change))
                file.write_boundaries(boundaries)
                file.write_datasets(terms.conform(datasets if datasets is not None else pl.DataFrame(), DATASET))
                if change is None or change.events_gone is None:
                    file.write_surveys(events)
                else:
                    delta.write_changed_surveys(change.events, change.events_gone)
                lesser = change is not None and delta.withholds_more(lake, snapshot=snapshot)
                named = file.finish(
                    snapshot=snapshot,
                    rules_hash=rules_hash,
                    secret=secret(data),
                    marked=() if plan is None else plan.marked,
                )
            if check is not None:
                logger.info("looking whether the file tells a place that it must not")
                check(unnamed)
            if before is not None and before.path.is_file():
                if before.id == named.id and (change is not None or not before.is_delta):
                    share(data)
                    return before
                # What is stated of the same records by another file is as much.
                if change is None and before.id != named.id:
                    lesser = withholds_more(before.path, unnamed, lake, snapshot=snapshot)
            named = _place(unnamed, data, named)
            pointer.swap(data, named, alone=lesser)
            _prune(data, alone=lesser)
        except NotSharedError:
            raise
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
    stated_pointer = pointer.read(data)
    return None if stated_pointer is None else _release(data, stated_pointer.current)


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
        statement, params = sql.select(RELEASE[table], list(RELEASE[table].columns), where)
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
    folder: Path
    progress: bool

    def everything(self) -> list[Path]:
        """Put aside every record of the lake."""
        # Measured: staged parts take up to twice, the file up to twice what the lake's zstd files take.
        _check_space(self.data, 4 * self.lake.stored_bytes("occurrences"))
        batches = self.lake.batches("occurrences", snapshot=self.snapshot, batch_rows=_BATCH_ROWS)
        return self._stage(batches, self.lake.count("occurrences", snapshot=self.snapshot), "published")

    def changes(
        self, change: Change, others: pl.Series, presences: pl.DataFrame
    ) -> tuple[pl.Series, list[Path], pl.DataFrame | None]:
        """Put aside what may differ from the release before.

        Parameters
        ----------
        change : Change
        others : polars.Series
            Keys of the presences that differ.
        presences : polars.DataFrame
            All presences.

        Returns
        -------
        keys : polars.Series
            Of the records that may differ, with their neighbours in clusters.
        parts : list of Path
            What is published of them.
        found : polars.DataFrame, optional
            What is stated of them beside each other.
        """
        parts = [
            *self._of_keys(change.keys, "changed", change.base.snapshot),
            *self.presences(presences.filter(pl.col("key").is_in(others.implode()))),
        ]
        keys = pl.concat([change.keys.cast(pl.Int64), others.cast(pl.Int64)])
        found = change.found(parts) if change.found is not None else None
        if found is not None:
            beside = found.filter(~pl.col("key").is_in(keys.implode()))["key"]
            parts += self._of_keys(beside, "beside", change.base.snapshot)
            keys = pl.concat([keys, beside])
        return keys, parts, found

    def _of_keys(self, keys: pl.Series, name: str, since: int) -> list[Path]:
        """Put aside the lake's records of these keys; most of them changed after version `since`."""
        if keys.is_empty():
            return []
        batches = self.lake.of_keys(keys, since=since, snapshot=self.snapshot, batch_rows=_BATCH_ROWS)
        return self._stage(batches, keys.len(), name)

    def presences(self, rows: pl.DataFrame) -> list[Path]:
        """Put aside what stands for records that do not go out as they are."""
        if rows.is_empty():
            return []
        path = self.folder / "presences.parquet"
        _write_published(rows, path)
        return [path]

    def _stage(self, batches: Iterable[pl.DataFrame], total: int, name: str) -> list[Path]:
        """Pass records through `publish` and write what comes out."""
        parts: list[Path] = []
        done = 0
        with tqdm(total=total, unit="record", disable=not self.progress) as bar:
            for batch in batches:
                parts.append(self.folder / f"{name}-{len(parts):06d}.parquet")
                # The rows have no name, by which they would stay in memory until those of the next batch are made.
                _write_published(_checked("occurrences", self.publish(batch)), parts[-1])
                bar.update(batch.height)
                done += batch.height
                if not self.progress:
                    logger.info("%d of %d records published", done, total)
        return parts


def _write_published(rows: pl.DataFrame, path: Path) -> None:
    """Put published records aside, sorted along the curve: by small row groups, of which a range of it reads few."""
    rows = placed(rows)
    write_part(rows.select(*filled(rows.drop("key", "hk")), "key", "hk"), path, row_group_rows=20_000, ranges=False)


def _check_space(data: Path, needed: int) -> None:
    """Refuse to start where the disk would be full before the end."""
    needed += _FREE_BYTES
    free = shutil.disk_usage(data).free
    if free < needed:
        message = f"a release needs about {needed / 1e6:.0f} MB of disk, {free / 1e6:.0f} MB are free"
        raise StoreError(message)


def _check_change(before: Release | None, change: Change, rules_hash: str) -> None:
    """Refuse a change that is not one of the current release, or of one that others cannot differ from."""
    if before is None or before.id != change.base.id:
        message = "another release was made meanwhile"
        raise StaleChangeError(message)
    if not before.path.is_file() or not base_of(before.path)[1].is_file():
        message = f"the file of release {before.id} is missing"
        raise StaleChangeError(message)
    with connect(before.path) as connection:
        info = release_info(connection)
    if (info["format"], info.get("code_hash"), info["rules_hash"]) != (RELEASE_FORMAT, code_hash(), rules_hash):
        message = f"release {before.id} is of other rules or code"
        raise StaleChangeError(message)


def _result(name: str, results: Mapping[str, pl.DataFrame], change: Change | None) -> pl.DataFrame | None:
    """Return a table of results, looked at; None where it is as in the release before."""
    return None if change is not None and name not in results else _checked(name, results.get(name))


def _checked(table: str, frame: pl.DataFrame | None) -> pl.DataFrame:
    """Return the frame with the table's published columns; refuse one that has others."""
    columns = terms.PUBLISHED_TABLES[table]
    if frame is None:
        return pl.DataFrame(schema=terms.schema(columns))
    if others := set(frame.columns) - set(terms.names(columns)):
        message = f"{table}: columns that may not leave: {', '.join(sorted(others))}"
        raise SharingError(message)
    return terms.conform(frame, columns)


def placed(frame: pl.DataFrame) -> pl.DataFrame:
    """Add mx, my, hk from the published coordinates, null where there are none, and plain numbers; sort along the curve."""
    place = frame.select("decimalLongitude", "decimalLatitude")
    mx, my = project(*(column.fill_null(0.0).to_numpy() for column in place))
    there = place.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    at = pl.DataFrame({"mx": mx, "my": my, "hk": hilbert(mx, my)}).select(pl.when(there).then(pl.all()))
    return frame.hstack(plain_numbers(frame)).hstack(at).sort("hk", nulls_last=True)


def _place(unnamed: Path, data: Path, named: Named) -> Named:
    """Give a finished file its name, durably; return what the file of that name tells of itself.

    One that is there already has the same content. It was made earlier: by a builder that was killed before the pointer
    named it, or for a release that comes back.
    """
    ending = pointer.DELTA if unnamed.name.endswith(pointer.DELTA) else ".duckdb"
    path = pointer.folder(data) / f"release-{named.id}{ending}"
    if path.exists():
        with connect(path) as connection:
            return replace(named, created=release_info(connection)["created"])
    sync_file(unnamed)
    checksums.record(data, {str(path.relative_to(data)): unnamed})
    unnamed.rename(path)
    sync_folder(path.parent)
    return named


def replace_file(data: Path, unnamed: Path) -> None:
    """Put a whole file of the current release in place of the one of what differs from its base; the builder's lock is held."""
    stated_pointer = pointer.read(data)
    assert stated_pointer is not None
    _place(unnamed, data, stated_pointer.current)
    pointer.swap(data, stated_pointer.current)  # who reads looks again where its file stands
    _prune(data, alone=False)


def drop_others(data: Path) -> int:
    """Remove every release but the current one, whoever reads them; return how many.

    What reads one that is open goes on to its end; what asks for one by its id afterwards is informed that it is gone.
    """
    with builders_lock(data):
        stated_pointer = pointer.read(data)
        kept = None if stated_pointer is None else pointer.path(data, stated_pointer.current.id)
        pointer.forget_previous(data)
        others = [path for path in pointer.files(data) if path != kept]
        for path in others:
            remove_release(data, path)
        remove_unneeded_bases(data)
        share(data)
    return len(others)


def _prune(data: Path, *, alone: bool) -> None:
    """Remove the oldest files beyond those that stay; the pointer's two always stay, and one that somebody uses.

    Machines that serve hear of it.
    """
    stated_pointer = pointer.read(data)
    kept = 1 if alone else KEPT
    named = (
        set()
        if stated_pointer is None
        else {pointer.path(data, id_) for id_ in (stated_pointer.current.id, stated_pointer.previous) if id_}
    )
    files = sorted(pointer.files(data), key=lambda f: f.stat().st_mtime_ns, reverse=True)
    # Of a release that has a whole file, too, the other is not asked any more.
    doubled = [f for f in files if f != pointer.path(data, pointer.release_of(f))]
    for path in [*doubled, *[f for f in files if f not in named and f not in doubled][max(kept - len(named), 0) :]]:
        if not remove_unless_used(data, path):
            logger.info("%s is being read and stays", path.name)
    remove_unneeded_bases(data)
    share(data)
