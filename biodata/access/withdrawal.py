"""Withdrawal: what a country, or a dataset's owner, takes back is gone from everything that is kept; its count stays."""

import logging
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl
from sqlalchemy import select

from biodata import jobs, terms
from biodata.access import downloads, rebuilding, traces, withdrawn_events
from biodata.access.roles import Action, Principal, may
from biodata.errors import InputError
from biodata.parsers.told_places import tells_a_place
from biodata.settings import Settings
from biodata.store import audit, checksums, pointer
from biodata.store.backup import backup
from biodata.store.backup_places import forget_older
from biodata.store.lake import Lake
from biodata.store.models import Citation, Download, Job, Submission, now
from biodata.store.node_models import Tombstone, Withdrawal
from biodata.store.purging import blank
from biodata.store.query.filters import Compare, In
from biodata.store.registry import Registry
from biodata.store.release_use import remove_unless_used
from biodata.store.secret import secret
from biodata.store.tables import LAKE
from biodata.store.tombstones import Tombstones, event_identity, event_number, identity_of

logger = logging.getLogger(__name__)

JOB: Final = "withdraw"
UPLOAD: Final = "survey"
"""The kind of a withdrawal of one upload: of its records only those go that no other upload says."""
_MARKS: Final = ("assessed.json", "assessed_open.json", "assessed_open.parquet")
"""What is known of records beside each other; made again when it is asked for."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed.

    Attributes
    ----------
    records : int
        Records that were ever withdrawn here.
    lake_files, releases, downloads, replays, uploads : int
        Files of the lake that were written anew; files that were removed.
    in_use : tuple of str
        Releases that somebody reads just now: purge again when they have ended.
    """

    records: int
    lake_files: int
    releases: int
    downloads: int
    replays: int
    uploads: int
    in_use: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What would be taken back.

    Attributes
    ----------
    records : int
        Records that are there now.
    before : int
        Records that were there once, which older versions still tell.
    datasets : dict of str to int
        How many of either are of which dataset.
    countries : dict of str to int
        How many of those that are there now are of which country; "" for those of none.
    """

    records: int
    before: int
    datasets: dict[str, int]
    countries: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values for JSON."""
        return asdict(self)


def look(settings: Settings, *, dataset: str | None = None, keys: Collection[int] = ()) -> Wanted:
    """Count what `withdraw` would take back, and change nothing.

    Raises
    ------
    InputError
        As `withdraw` does.
    """
    known, rows = _wanted(settings, dataset, keys)
    code = pl.coalesce("countryCode", "located_country_code").fill_null("")
    return Wanted(
        rows.height,
        known.height - rows.height,
        dict(known["datasetKey"].value_counts().sort("datasetKey").iter_rows()),
        dict(rows.select(code)["countryCode"].value_counts().sort("countryCode").iter_rows()),
    )


def withdraw(
    settings: Settings,
    *,
    reason: str,
    release: Callable[[Settings], object],
    dataset: str | None = None,
    keys: Collection[int] = (),
    countries: Collection[str] | None = None,
    actor: str = "command line",
) -> Purged:
    """Take back a dataset or some records, make a release without them, and purge what was kept.

    Parameters
    ----------
    settings : Settings
        The installation.
    reason : str
        What is told of it; it must not tell a place, since it is public.
    release : function of settings
        Makes the release without them.
    dataset : str, optional
        Key of a dataset.
    keys : collection of int
        Records, by their numbers.
    countries : collection of str, optional
        Countries whose records may be taken back, where not all: those of the node that asks.
    actor : str
        What the audit calls whoever does it.

    Returns
    -------
    Purged

    Raises
    ------
    InputError
        If nothing is named, a record is not there, or it is one that another node shares and takes back itself.

    Notes
    -----
    The purge policy: in the lake every row of every version is emptied, only number and dataset stay; the releases,
    downloads and replays made before are removed, with the uploads of a dataset; citations stay, and a replay says how many
    records were withdrawn. Backups are purged by `purge_backups`. Whatever comes again is refused.
    """
    if not reason.strip() or tells_a_place(reason):
        problem = "name the reason, which is told with the count"
        raise InputError(problem, column="--reason", expected="words that tell no place", code="OPTIONS_UNFIT")
    known, rows = _wanted(settings, dataset, keys)
    if countries is not None:
        _check_countries(known, rows, countries)
    subjects = [("dataset", dataset)] if dataset is not None else [("record", str(k)) for k in sorted(set(keys))]
    events = withdrawn_events.only_of(settings, set(known["key"]), dataset=dataset)
    with Registry.open(settings) as registry:
        _note(registry, known, events, subjects, reason=reason, actor=actor, key=secret(settings.data))
    return purge(settings, release=release, actor=actor)


def note_upload(
    settings: Settings, lake: Lake, number: int, *, dataset: str, reason: str, keys: Collection[int],
    events: Collection[str],
) -> None:  # fmt: skip
    """Put down that an upload was taken back, and what nobody else says: `purge` lets it go; a second time is no news.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    number : int
        The upload, as the registry numbers it.
    dataset : str
        Its dataset.
    reason : str
        What is told of it.
    keys : collection of int
        Records that it alone said.
    events : collection of str
        Identifiers of events that it alone said.

    Raises
    ------
    InputError
        As `withdraw` does.
    """
    names = ("key", "datasetKey", "source_record_id", "earlier_ids")
    none = pl.DataFrame(schema=terms.schema([LAKE["identities"].column(name) for name in names]))
    rows = _wanted_of(lake, None, keys)[0] if keys else none
    rows = rows.filter(pl.col("source_record_id").is_not_null())  # those that are emptied are put down already
    gone = pl.DataFrame(
        {"datasetKey": dataset, "eventID": list(events)}, schema={"datasetKey": pl.String, "eventID": pl.String}
    )
    with Registry.open(settings) as registry:
        _note(registry, rows, gone, [(UPLOAD, str(number))], reason=reason, actor="biodata", key=secret(settings.data))


def is_noted(registry: Registry, number: int) -> bool:
    """Tell whether it was put down that an upload was taken back: from then on it is let go, however often it is cut."""
    with registry.session(read_only=True) as session:
        made = select(Withdrawal.id).where(Withdrawal.kind == UPLOAD, Withdrawal.subject == str(number))
        return session.scalar(made) is not None


def later(
    registry: Registry, who: Principal, *, reason: str, dataset: str | None = None, keys: Sequence[int] = ()
) -> int:
    """Let the worker take back what the node of somebody's country asks for; return the job's number.

    Whether the records are that country's the worker sees, which alone may look into the lake.
    """
    countries = sorted(
        {role.country for role in who.roles if role.country and may(who, Action.WITHDRAW, country=role.country)}
    )
    told = {"dataset": dataset, "keys": list(keys), "reason": reason, "countries": countries, "actor": who.label,
            "account": who.account_id}  # fmt: skip
    with registry.session() as session, session.begin():
        number = jobs.add(session, JOB, told)
        details = {"dataset": dataset, "keys": len(keys), "reason": reason, "countries": countries, "job": number}
        audit.append(session, actor=who.label, action="withdrawal asked", subject=dataset or "records", details=details)
    return number


def is_of(registry: Registry, who: Principal, number: int) -> bool:
    """Tell whether a job is a withdrawal that somebody asked for."""
    with registry.session(read_only=True) as session:
        job = session.get(Job, number)
        return job is not None and job.name == JOB and job.arguments.get("account") == who.account_id


def owed(registry: Registry) -> bool:
    """Tell whether something was taken back, here or by a node, that is not purged yet."""
    with registry.session(read_only=True) as session:
        return any("installation" not in purged for purged in session.scalars(select(Withdrawal.purged)))


def purge(
    settings: Settings,
    *,
    release: Callable[[Settings], object],
    actor: str = "command line",
    versions: Mapping[str, pl.DataFrame] = MappingProxyType({}),
) -> Purged:
    """Remove whatever still holds a withdrawn record, but for backups; a second time nothing is left to do.

    Whatever was cut short before is done first: what was put down as withdrawn leaves the lake, and a release is made.

    Parameters
    ----------
    settings : Settings
        The installation.
    release : function of settings
        Makes a release without what was withdrawn, where none was made since.
    actor : str
        What the audit calls whoever does it.
    versions : mapping of str to polars.DataFrame
        Of records that stay, what only an upload wrote that was taken back; as `store.purging.blank` has them.

    Returns
    -------
    Purged
    """
    data = settings.data
    with Registry.open(settings) as registry:
        due = owed(registry)
        with registry.session(read_only=True) as session:
            keys = session.scalars(select(Tombstone.key)).all()
            datasets = session.scalars(select(Withdrawal.subject).where(Withdrawal.kind == "dataset")).all()
            of = select(Tombstone.dataset).join(Withdrawal, Withdrawal.id == Tombstone.withdrawal_id).distinct()
            # A file of another upload holds nothing of what one alone said.
            parts = session.scalars(of.where(Withdrawal.kind != UPLOAD)).all()
            taken_back = session.scalars(select(Withdrawal).where(Withdrawal.kind == UPLOAD)).all()
            uploads = [int(one.subject) for one in taken_back if "installation" not in one.purged]
            mended = session.scalars(select(Submission.dataset).where(Submission.id.in_(uploads)).distinct()).all()
        records = [key for key in keys if key >= 0]
        gone = Tombstones.read(registry, secret(data))
        _take_out(settings, records, {*parts, *mended, *datasets}, gone)
        # Before the release, so that results that were made of them are not told either.
        blanked = blank(data, records, gone, versions)
        for name in _MARKS:
            (data / name).unlink(missing_ok=True)
        if due:
            release(settings)
        removed, in_use = _releases(data)
        made = _downloads(settings, registry)
        replays = list(rebuilding.folder(data).glob("*"))
        for path in replays:
            path.unlink(missing_ok=True)
        traces.forget_hashes(data, keys)
        if (stale := versions.get("occurrences")) is not None and not stale.is_empty():
            traces.forget_hashes(data, stale["id"].to_list(), among=_cited(registry, stale["snapshot"]))
        forgotten = traces.forget_reports(registry, data, whole=datasets, parts=parts, mended=mended)
        traces.sweep_leftovers(data)
        found = Purged(len(records), blanked.files, removed, made, len(replays), forgotten, tuple(in_use))
        traces.vacuum(settings)
        with registry.session() as session, session.begin():
            told = {"time": now().isoformat(), **found.as_dict(), "in_use": list(in_use)}
            for row in session.scalars(select(Withdrawal)):
                row.purged = {**row.purged, "installation": told}
            audit.append(session, actor=actor, action="purge", subject="installation", details=told)
    logger.info("purged: %s", found)
    return found


def purge_backups(settings: Settings, folder: Path, *, actor: str = "command line") -> int:
    """Take a new backup into a folder of backups and remove every older one in it; return how many files went.

    Raises
    ------
    InputError
        If the folder is none of backups: a single file of a backup is removed by whoever keeps it.
    """
    if not folder.is_dir():
        problem = "this is no folder of backups"
        expected = "the folder that `biodata backup` writes to; remove a .tar file yourself and take a new backup"
        raise InputError(problem, file=str(folder), expected=expected, code="FILE_MISSING")
    made = backup(settings, folder)
    removed = forget_older(folder, keep=made.name)
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        told = {"time": now().isoformat(), "files": removed, "kept": made.name}
        for row in session.scalars(select(Withdrawal)):
            row.purged = {**row.purged, "backups": told}
        audit.append(session, actor=actor, action="purge", subject="backups", details=told)
    return removed


def _wanted(settings: Settings, dataset: str | None, keys: Collection[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return every record that was ever there of what is named, and those of them that are there now."""
    expected = "either --dataset KEY or --key NUMBER, which may be repeated"
    if dataset is not None and keys:
        problem = "a dataset goes whole, or records by their numbers; both are named"
        raise InputError(problem, column="--key", value=str(min(keys)), expected=expected, code="OPTIONS_UNFIT")
    if dataset is None and not keys:
        problem = "neither a dataset nor a record is named"
        raise InputError(problem, column="--dataset", expected=expected, code="OPTIONS_UNFIT")
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return _wanted_of(lake, dataset, keys)


def _wanted_of(lake: Lake, dataset: str | None, keys: Collection[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what `_wanted` does, of a lake that is open."""
    where = None if dataset is None else Compare("datasetKey", "=", dataset)
    among = pl.DataFrame({"key": list(keys)}, schema={"key": pl.Int64}) if dataset is None else None
    columns = ["key", "node", "countryCode", "located_country_code"]
    rows = lake.read("occurrences", columns=columns, where=where, among=among)
    # Every record that ever was: one that went before is still told by older versions.
    columns = ["key", "datasetKey", "source_record_id", "earlier_ids"]
    known = _without_used(lake, lake.read("identities", columns=columns, where=where, among=among))
    events = 0 if dataset is None else lake.count("events", where=where)
    if not events:
        _check(known, rows, dataset, keys)
    else:
        _check_owner(rows)
    return known, rows


def _without_used(lake: Lake, known: pl.DataFrame) -> pl.DataFrame:
    """Return records without the earlier identifiers that another record has by now: that one was not withdrawn."""
    named = known.select("key", "datasetKey", source_record_id="earlier_ids").explode("source_record_id").drop_nulls()
    if named.is_empty():
        return known
    names = ["datasetKey", "source_record_id"]
    used = lake.read("identities", columns=names, among=named.select(names).unique())
    free = named.join(used, on=names, how="anti", maintain_order="left")
    free = free.group_by("key", maintain_order=True).agg(earlier_ids="source_record_id")
    left = known.drop("earlier_ids").join(free, on="key", how="left", maintain_order="left")
    return left.with_columns(pl.col("earlier_ids").fill_null([])).select(known.columns)


def _check(known: pl.DataFrame, rows: pl.DataFrame, dataset: str | None, keys: Collection[int]) -> None:
    """Refuse what is not there, and what is another's."""
    lacking = sorted(set(keys) - set(known["key"]))
    if known.is_empty() or lacking:
        problem = "there is no such record" if lacking or dataset is None else "there is no record of this dataset"
        raise InputError(problem, value=dataset or str(lacking[0]), code="RECORD_UNKNOWN")
    _check_owner(rows)


def _check_owner(rows: pl.DataFrame) -> None:
    """Refuse what is another's."""
    others = rows.filter(pl.col("node").is_not_null())
    if others.height:
        problem = f"{others.height} of these records are shared by a national node, which takes them back itself"
        raise InputError(problem, value=others["node"][0], expected="records of this installation", code="NODE_OWNS")


def _check_countries(known: pl.DataFrame, rows: pl.DataFrame, countries: Collection[str]) -> None:
    """Refuse to take back what is not, or not only, of these countries: as if it were not there."""
    code = pl.coalesce("countryCode", "located_country_code")
    mine = rows.filter(code.is_in(list(countries)).fill_null(value=False))
    if mine.height < rows.height or rows.is_empty() or known.height < rows.height:
        problem = f"there is no such record, or dataset, that is of {', '.join(sorted(countries))} alone"
        expected = "the numbers of records of your country"
        raise InputError(problem, expected=expected, code="RECORD_UNKNOWN")


def _note(
    registry: Registry,
    rows: pl.DataFrame,
    events: pl.DataFrame,
    subjects: list[tuple[str, str]],
    *,
    reason: str,
    actor: str,
    key: bytes,
) -> None:
    """Put down what is withdrawn, and by what it is known if it comes again; once, however often it is asked for."""
    with registry.session() as session, session.begin():
        for kind, subject in subjects:
            mine = rows if kind in ("dataset", UPLOAD) else rows.filter(pl.col("key") == int(subject))
            made = session.scalar(select(Withdrawal).where(Withdrawal.kind == kind, Withdrawal.subject == subject))
            if made is None:
                made = Withdrawal(kind=kind, subject=subject, reason=reason, by=actor, records=mine.height, purged={})
                session.add(made)
                session.flush()
            for number, dataset, identifier, earlier in mine.iter_rows():
                if identifier is not None and session.get(Tombstone, number) is None:
                    identity = identity_of(key, dataset, identifier)
                    session.add(Tombstone(key=number, withdrawal_id=made.id, dataset=dataset, identity=identity))
                for before in earlier or ():  # a file of before it was renamed does not bring it back
                    identity = identity_of(key, dataset, before)
                    if session.get(Tombstone, event_number(identity)) is None:
                        told = {"key": event_number(identity), "dataset": dataset, "identity": identity}
                        session.add(Tombstone(withdrawal_id=made.id, **told))
                        session.flush()
            for dataset, event in events.select("datasetKey", "eventID").iter_rows():
                identity = event_identity(key, dataset, event)
                if session.get(Tombstone, event_number(identity)) is None:
                    told = {"key": event_number(identity), "dataset": dataset, "identity": identity}
                    session.add(Tombstone(withdrawal_id=made.id, **told))
                    session.flush()
            made.purged = {}
            details = {"kind": kind, "records": mine.height, "reason": reason}
            audit.append(session, actor=actor, action="withdraw", subject=subject, details=details)


def _take_out(settings: Settings, keys: Collection[int], datasets: Collection[str], gone: Tombstones) -> None:
    """Take records, and the events of nothing else, out of the lake's present version."""
    if not datasets:
        return
    columns = ["key", "datasetKey", "source_record_id"]
    where = In("datasetKey", tuple(sorted(datasets)))
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rows = lake.read("occurrences", columns=columns, where=where)
        going = rows.filter(pl.col("key").is_in(list(keys)))
        events = lake.read("events", columns=["event_key", "datasetKey", "eventID"], where=where)
        events = events.filter(gone.withdrawn_events(events))
        if going.is_empty() and events.is_empty():
            return
        with lake.staging() as staging:
            lake.commit_survey(
                staging,
                pl.DataFrame(),
                author="withdrawal",
                message=f"{going.height} records withdrawn",
                gone=going.select("datasetKey", "source_record_id").iter_rows(),
                gone_events=events["event_key"].to_list(),
            )


def _cited(registry: Registry, versions: pl.Series) -> set[str]:
    """Return the hashes of what was cited since the first of these versions of the lake."""
    with registry.session(read_only=True) as session:
        found = session.scalars(select(Citation.content).where(Citation.snapshot >= versions.min())).all()
    return {content["hash"] for content in found if content}


def _releases(data: Path) -> tuple[int, list[str]]:
    """Remove every release but the current one; return how many went, and those that somebody reads."""
    told = pointer.read(data)
    removed, in_use = 0, []
    pointer.forget_previous(data)
    for path in sorted(pointer.folder(data).glob("release-*.duckdb")):
        if told is not None and path == pointer.path(data, told.current.id):
            continue
        if remove_unless_used(path):
            checksums.forget(data, [str(path.relative_to(data))])
            removed += 1
        else:
            in_use.append(path.name)
    return removed, in_use


def _downloads(settings: Settings, registry: Registry) -> int:
    """Remove the files of downloads of other releases than the current one; the downloads then say that they are erased."""
    told = pointer.read(settings.data)
    with registry.session(read_only=True) as session:
        of_release = {row.id: row.request.get("release") for row in session.scalars(select(Download))}
    removed = 0
    for found in downloads.folder(settings).glob("*"):
        if told is None or of_release.get(found.name) != told.current.id:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
            removed += 1
    return removed
