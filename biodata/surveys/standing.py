"""What of a dataset stands when uploads of it are taken back: each row is what the last one that stands said of it.

The lake has every version of every row, and which upload wrote it. An upload also says a row that it repeats unchanged, and
one that is the whole state says of every other row that it is not there. So of each row the last version is known at which
somebody spoke of it whose upload stands: what the row was then, it is to be again.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.lake import Lake
from biodata.store.lake_reading import ROW_KEYS
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.survey_steps import COMMITTING
from biodata.surveys import states

logger = logging.getLogger(__name__)

UNDOES: Final = "undoes"
"""What a version that undoes an upload is marked with, beside its message: the upload's number."""
_RECORD_TABLES: Final = ("occurrences", "verbatim", "identities")
_SAID: Final = {"snapshot": pl.Int64, "there": pl.Boolean}


@dataclass(frozen=True)
class Standing:
    """What stands of a table.

    Attributes
    ----------
    wanted : polars.DataFrame
        `id`, `snapshot`: the version of which a row is to be, null where it is not to be there; rows of which nothing
        became anything since are not in it.
    nobody : polars.Series
        Rows that nobody says, or ever said, whose upload stands.
    said : polars.DataFrame
        `id`, `snapshot`, `there`: each time that somebody spoke of a row whose upload stands.
    sayers : polars.DataFrame
        `id`, `of`: the uploads that stand and say a row; null of what came beside uploads.
    changes : mapping of str to polars.DataFrame
        By table of the lake `id`, `snapshot`, `gone`, `of`, `stands`.
    """

    wanted: pl.DataFrame
    nobody: pl.Series
    said: pl.DataFrame
    sayers: pl.DataFrame
    changes: Mapping[str, pl.DataFrame]

    def last(self) -> pl.DataFrame:
        """Return what was said last of each row of which somebody spoke whose upload stands."""
        return self.said.sort("snapshot").unique("id", keep="last")

    def at(self, version: int) -> pl.DataFrame:
        """Return of each row that was there (`id`) the version (`snapshot`) of which it was then, by what stands today."""
        last = self.said.filter(pl.col("snapshot") <= version).sort("snapshot").unique("id", keep="last")
        return last.filter("there").select("id", "snapshot")

    def stale(self, table: str) -> pl.DataFrame:
        """Return the versions of rows (`id`, `snapshot`) of a table that nobody said whose upload stands, and that are not there now."""
        changes = self.changes[table]
        written = changes.filter(~pl.col("gone")).sort("snapshot")
        last = changes.sort("snapshot").unique("id", keep="last").filter(~pl.col("gone")).select("id", "snapshot")
        said = self.said.filter("there").select("id", at="snapshot").sort("at")
        # What a row was when somebody spoke of it is what had been written last.
        then = said.join_asof(
            written.select("id", "snapshot"), left_on="at", right_on="snapshot", by="id", check_sortedness=False
        )
        held = pl.concat([then.select("id", "snapshot").drop_nulls(), last]).unique()
        return written.filter(~pl.col("stands")).select("id", "snapshot").join(held, on=["id", "snapshot"], how="anti")


def look(
    settings: Settings, lake: Lake, submissions: Sequence[Submission], *, gone: Collection[int],
    options: Callable[[Submission], Mapping[str, str]], corrected: Mapping[int, int] = MappingProxyType({}),
) -> tuple[Standing, Standing]:  # fmt: skip
    """Return what stands of a dataset's records, and of its events.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    submissions : sequence of Submission
        All of one dataset.
    gone : collection of int
        Those of them that do not stand, by their numbers.
    options : function of Submission
        How a submission's file is read.
    corrected : mapping of int to int
        Surveys that another one corrects, each with the last that does: what they alone say, and it does not, is not there.
    """
    dataset = submissions[0].dataset
    commits = _commits(lake, gone)
    repeating = _repeating(lake, submissions, gone, commits)
    told = {one.id: _told(settings, one, options) for one, _ in repeating if not one.complete}
    versions = {one.id: at for one, at in repeating}
    # What a file says that cannot be read any more nobody knows: it may be what a correction left out.
    known = all(one.complete or told[one.id] is not None for one, _ in repeating)
    by = {number: last for number, last in corrected.items() if known and told.get(last) is not None}
    found = []
    for kind, tables in (("occurrences", _RECORD_TABLES), ("events", ("events",))):
        changes = {
            table: lake.changes(table, dataset=dataset).join(commits, on="snapshot", how="left") for table in tables
        }
        changes = {
            table: frame.with_columns(pl.col("stands").fill_null(value=True) | pl.col("before"))
            for table, frame in changes.items()
        }
        repeated = [
            _said_by(lake, kind, one, at, changes[kind], told.get(one.id)).with_columns(of=pl.lit(one.id, pl.Int64))
            for one, at in repeating
        ]
        found.append(_standing(changes, kind, repeated, commits["snapshot"], by, versions))
    return found[0], found[1]


def read_at(lake: Lake, table: str, standing: Standing, *, dataset: str, version: int) -> pl.DataFrame:
    """Return the rows of a dataset as they were at a version of the lake, without what was taken back since."""
    key, where = ROW_KEYS[table], Compare("datasetKey", "=", dataset)
    wanted = standing.at(version)
    return pl.concat(
        [
            lake.read(table, where=where, snapshot=version).clear(),
            *(
                lake.read(table, where=where, snapshot=of).filter(pl.col(key).is_in(rows["id"].implode()))
                for (of,), rows in wanted.group_by("snapshot", maintain_order=True)
            ),
        ]
    )


def _standing(
    changes: Mapping[str, pl.DataFrame], kind: str, repeated: Sequence[pl.DataFrame], versions: pl.Series,
    corrected: Mapping[int, int], at: Mapping[int, int],
) -> Standing:  # fmt: skip
    """Return what stands, by who changed and who repeated which row, and which versions corrections made."""
    every = pl.concat([changes[table] for table in changes if table != "identities"])
    wrote = every.filter("stands").group_by("id", "snapshot", "of").agg(pl.col("gone").all().not_().alias("there"))
    said = pl.concat([wrote.select("id", *_SAID, "of"), *repeated]).unique(["id", "snapshot"], keep="last")
    sayers, said = said.filter("there").select("id", "of").unique(), said.drop("of")
    said = pl.concat([said, _left_out(sayers, corrected, at)]).unique(["id", "snapshot"], keep="first")
    ids = changes[kind]["id"].unique()
    nobody = ids.filter(~ids.is_in(said.filter("there")["id"].implode()))
    said = _of_kept_versions(said, every, versions)
    last = said.sort("snapshot").unique("id", keep="last")
    since = every.group_by("id").agg(pl.col("snapshot").max().alias("touched"))
    wanted = since.join(last, on="id", how="left").filter(
        pl.col("snapshot").is_null() | (pl.col("touched") > pl.col("snapshot")) | ~pl.col("there")
    )
    wanted = wanted.select("id", snapshot=pl.when("there").then("snapshot"))
    return Standing(wanted, nobody, said, sayers, changes)


def _left_out(sayers: pl.DataFrame, corrected: Mapping[int, int], at: Mapping[int, int]) -> pl.DataFrame:
    """Return the rows that only surveys say which were corrected, and that the corrections leave out, each as not there.

    They stood as long as somebody else said them, who was taken back since.
    """
    by = sayers.with_columns(by=pl.col("of").replace_strict(corrected, default=None, return_dtype=pl.Int64))
    alone = by.group_by("id").agg(pl.col("by").is_not_null().all().alias("alone"), pl.col("by").max()).filter("alone")
    version = pl.col("by").replace_strict(at, default=None, return_dtype=pl.Int64)
    return alone.select("id", snapshot=version, there=pl.lit(value=False))


def _of_kept_versions(said: pl.DataFrame, changes: pl.DataFrame, versions: pl.Series) -> pl.DataFrame:
    """Tell of each row a version that is kept, where `compaction` gave up the one at which somebody spoke of it.

    Where none is that has the row as it was then, what it was is lost: it is told as not there.
    """
    kept = pl.DataFrame({"kept": versions.sort()})
    then = said.sort("snapshot").join_asof(kept, left_on="snapshot", right_on="kept", strategy="forward")
    changed = changes.select("id", changed="snapshot").sort("changed")
    then = then.join_asof(
        changed, left_on="snapshot", right_on="changed", by="id", strategy="forward", allow_exact_matches=False,
        check_sortedness=False,
    )  # fmt: skip
    lost = (pl.col("changed") <= pl.col("kept")).fill_null(value=False)
    return then.select("id", snapshot="kept", there=pl.col("there") & ~lost)


def _repeating(
    lake: Lake, submissions: Sequence[Submission], gone: Collection[int], commits: pl.DataFrame
) -> list[tuple[Submission, int]]:
    """Return the uploads that stand and may repeat what one said that does not, each with the version that it made.

    One that is in the lake and is not put down yet, or is about to be written, is the last; it says its rows as well.
    """
    first = min((one.dataset_version or 0 for one in submissions if one.id in gone), default=None)
    if first is None:  # nothing was taken back: who wrote a row says it
        return []
    marked = dict(commits.select("of", "snapshot").drop_nulls().sort("snapshot").iter_rows())
    found = []
    for one in submissions:
        if one.id in gone:
            continue
        if one.state == COMMITTING:
            found.append((one, marked.get(one.id, lake.snapshot())))
        elif one.snapshot is not None and (one.dataset_version or 0) > first:
            found.append((one, one.snapshot))
    return found


def has(lake: Lake, number: int) -> bool:
    """Tell whether a version of the lake was made by an upload."""
    return bool((lake.snapshots()["extra"].str.json_path_match("$.submission") == str(number)).any())


def is_undone(lake: Lake, number: int) -> bool:
    """Tell whether a version of the lake undid an upload."""
    return bool((lake.snapshots()["extra"].str.json_path_match(f"$.{UNDOES}") == str(number)).any())


def wrote_last(lake: Lake, kind: str, dataset: str, numbers: Collection[int]) -> pl.DataFrame:
    """Return which of some uploads wrote each row last.

    Parameters
    ----------
    lake : Lake
        The installation's.
    kind : str
        `occurrences` or `events`.
    dataset : str
        Of this dataset.
    numbers : collection of int
        The uploads.

    Returns
    -------
    polars.DataFrame
        `identifier`, `of`; rows that none of them wrote, or of which nobody knows any more who did, are not in it.
    """
    table, name = ("events", "eventID") if kind == "events" else ("verbatim", states.RECORD)
    key = ROW_KEYS[table]
    there = lake.read(table, columns=[key, name], where=Compare("datasetKey", "=", dataset))
    changes = lake.changes(table, dataset=dataset).join(_commits(lake, ()), on="snapshot", how="left")
    own = pl.col("of").is_in(list(numbers)) & ~pl.col("gone") & ~pl.col("before")
    last = changes.filter(own).sort("snapshot").unique("id", keep="last").select(pl.col("id").alias(key), "of")
    return there.join(last, on=key).select(pl.col(name).alias("identifier"), "of").unique("identifier", keep="last")


def says(
    settings: Settings, lake: Lake, submission: Submission, changes: pl.DataFrame, *,
    options: Callable[[Submission], Mapping[str, str]],
) -> pl.Series:  # fmt: skip
    """Return the records that an upload says, whether it stands or not.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    submission : Submission
        The upload.
    changes : polars.DataFrame
        Of the records of its dataset, as `Standing` has them.
    options : function of Submission
        How its file is read.
    """
    wrote = changes.filter((pl.col("of") == submission.id) & ~pl.col("gone"))["id"]
    if submission.snapshot is None:
        return wrote.unique()
    kept = lake.snapshots()["snapshot"]
    at = min(one for one in kept if one >= submission.snapshot)  # `compaction` may have given up the one itself
    told = None if submission.complete else _told(settings, submission, options)
    said = _said_by(lake, "occurrences", submission, at, changes, told)
    return pl.concat([wrote, said.filter("there")["id"]]).unique()


def _commits(lake: Lake, gone: Collection[int]) -> pl.DataFrame:
    """Return of each version of the lake which upload made it, and whether that stands: none that is gone, nor its undoing."""
    versions = lake.snapshots()
    of, undoes = (
        versions["extra"].str.json_path_match(f"$.{name}").cast(pl.Int64, strict=False)
        for name in ("submission", UNDOES)
    )
    return versions.select(
        "snapshot", of=of, stands=~(of.is_in(list(gone)).fill_null(value=False) | undoes.is_not_null())
    )


def _said_by(
    lake: Lake, kind: str, submission: Submission, at: int, changes: pl.DataFrame, told: Mapping[str, pl.Series] | None
) -> pl.DataFrame:
    """Return the rows that a submission says, as they were when it had come; of a whole state also those that are not there."""
    identifier = states.RECORD if kind == "occurrences" else "eventID"
    key, where = ROW_KEYS[kind], Compare("datasetKey", "=", submission.dataset)
    there = lake.read(kind, columns=[key, identifier], where=where, snapshot=at)
    there = there.select(pl.col(key).alias("id"), pl.col(identifier).alias("identifier")).drop_nulls()
    if submission.complete:
        known = changes.filter(pl.col("snapshot") <= at).select("id").unique()
        said = known.with_columns(there=pl.col("id").is_in(there["id"].implode()))
    elif told is None:
        said = there.clear().select("id", there=pl.lit(value=True))
    else:
        said = there.filter(pl.col("identifier").is_in(told[kind].implode())).select("id", there=pl.lit(value=True))
    return said.select("id", pl.lit(at, pl.Int64).alias("snapshot"), "there")


def _told(
    settings: Settings, submission: Submission, options: Callable[[Submission], Mapping[str, str]]
) -> dict[str, pl.Series] | None:
    """Return what a submission's file calls its rows; None where it is not kept, or cannot be read, any more.

    Then it says what it wrote: the fault of one file keeps nobody from taking another back.
    """
    path = file_of(settings.data, submission)
    if not path.exists():
        return None
    try:
        brought = states.read([path], submission.dataset, settings, options=options(submission))
    except InputError as error:
        logger.warning("survey %d cannot be read any more: %s", submission.id, error.without_value())
        return None
    return {kind: frame["identifier"] for kind, frame in brought.items()}


def file_of(data: Path, submission: Submission) -> Path:
    """Return where the file of a submission lies that was checked."""
    taken = survey_files.taken(data, submission.file_sha256, submission.id)
    return taken if taken.exists() else survey_files.kept(data, submission.file_sha256, submission.file_name)
