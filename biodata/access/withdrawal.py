"""Withdrawal: what a country, or a dataset's owner, takes back is gone from everything that is kept; its count stays."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import select

from biodata.access.purges import PART, Purged, purge
from biodata.access.roles import Action, Principal, may
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.store import audit, jobs
from biodata.store.account_models import Tombstone, Withdrawal
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.models import Job
from biodata.store.purging import event_identity, event_number, identity_of
from biodata.store.query.filters import Compare, In
from biodata.store.registry import Registry
from biodata.store.tables import LAKE
from biodata.text.proposals import names_a_place

_EVENT_COLUMNS: Final = ["key", "datasetKey", "eventID", "parentEventID"]


def events_only_of(settings: Settings, keys: Collection[int], *, dataset: str | None) -> pl.DataFrame:
    """Return the events that go with records.

    Parameters
    ----------
    settings : Settings
        The installation.
    keys : collection of int
        The withdrawn records, those among them that are gone already.
    dataset : str, optional
        A dataset that is withdrawn whole: its events are known by it, and none is named here.

    Returns
    -------
    polars.DataFrame
        datasetKey, eventID : events that have a withdrawn record and no other, and those of which all parts go.
    """
    nothing = pl.DataFrame(schema={"datasetKey": pl.String, "eventID": pl.String})
    if dataset is not None or not keys:
        return nothing
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        going = _as_they_were(lake, keys)
        if not (datasets := tuple(going["datasetKey"].drop_nulls().unique().sort())):
            return nothing
        events = lake.read("events", columns=_EVENT_COLUMNS[1:], where=In("datasetKey", datasets))
        records = lake.read("occurrences", columns=_EVENT_COLUMNS, where=In("datasetKey", datasets))
    staying = _events_named(records.filter(~pl.col("key").is_in(list(keys))))
    found = events.join(_events_named(going), on=["datasetKey", "eventID"], how="semi")
    found = found.join(staying, on=["datasetKey", "eventID"], how="anti")
    while True:
        left = events.join(found, on=["datasetKey", "eventID"], how="anti")
        upper = found.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
        empty = left.join(upper, on=["datasetKey", "eventID"], how="semi")
        empty = empty.join(staying, on=["datasetKey", "eventID"], how="anti")
        empty = empty.join(left.select("datasetKey", eventID="parentEventID"), on=["datasetKey", "eventID"], how="anti")
        if empty.is_empty():
            return found.select(nothing.columns).unique()
        found = pl.concat([found, empty])


def _as_they_were(lake: Lake, keys: Collection[int]) -> pl.DataFrame:
    """Return the records as they are; of those that are gone, as each version had them."""
    here = lake.read(
        "occurrences", columns=_EVENT_COLUMNS, among=pl.DataFrame({"key": list(keys)}, schema={"key": pl.Int64})
    )
    gone = sorted(set(keys) - set(here["key"]))
    return pl.concat([here, *(lake.history("occurrences", key).select(_EVENT_COLUMNS) for key in gone)])


def _events_named(records: pl.DataFrame) -> pl.DataFrame:
    """Return the events that records name: their own, and those that these are parts of."""
    named = [records.select("datasetKey", eventID=name).drop_nulls() for name in ("eventID", "parentEventID")]
    return pl.concat(named).unique()


JOB: Final = "withdraw"


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
    settings: Settings, *, reason: str, release: Callable[[Settings], object], dataset: str | None = None,
    keys: Collection[int] = (), countries: Collection[str] | None = None, actor: str = "command line",
) -> Purged:  # fmt: skip
    """Take back a dataset or some records, make a release without them, and purge what was kept.

    Parameters
    ----------
    settings : Settings
        The installation.
    reason : str
        What is stated of it; it must not state a place, since it is public.
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
    downloads made before are removed, with the uploads of a dataset; citations stay, and a replay says how many
    records were withdrawn. Backups are purged by `purges.purge_backups`. Whatever comes again is refused.
    """
    if not reason.strip() or names_a_place(reason):
        problem = "name the reason, which is told with the count"
        raise InputError(problem, column="--reason", expected="words that tell no place", code="OPTIONS_UNFIT")
    known, rows = _wanted(settings, dataset, keys)
    if countries is not None:
        _check_countries(known, rows, countries)
    subjects = [("dataset", dataset)] if dataset is not None else [("record", str(k)) for k in sorted(set(keys))]
    events = events_only_of(settings, set(known["key"]), dataset=dataset)
    with Registry.open(settings) as registry:
        _note(registry, known, events, subjects, reason=reason, actor=actor, key=secret(settings.data))
    return purge(settings, release=release, actor=actor)


def note_part(
    settings: Settings, lake: Lake, *, dataset: str, part: str, reason: str, actor: str, keys: Collection[int],
    events: Collection[str],
) -> None:  # fmt: skip
    """Put down that a part of a dataset goes for good: `purge` lets it go; a second time is no news.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    dataset, part : str
        The part.
    reason, actor : str
        What is stated of it, and who does it.
    keys : collection of int
        Every record that it ever had.
    events : collection of str
        Identifiers of the events that it ever had.

    Raises
    ------
    InputError
        As `withdraw` does.
    """
    names = ("key", "datasetKey", "source_record_id")
    none = pl.DataFrame(schema=terms.schema([LAKE["identities"].column(name) for name in names]))
    rows = _wanted_of(lake, None, keys)[0] if keys else none
    rows = rows.filter(pl.col("source_record_id").is_not_null())  # those that are emptied are put down already
    gone = pl.DataFrame(
        {"datasetKey": dataset, "eventID": list(events)}, schema={"datasetKey": pl.String, "eventID": pl.String}
    )
    subject = f"{dataset}: {part}"
    with Registry.open(settings) as registry:
        _note(registry, rows, gone, [(PART, subject)], reason=reason, actor=actor, key=secret(settings.data))


def later(
    registry: Registry, who: Principal, *, reason: str, dataset: str | None = None, keys: Sequence[int] = ()
) -> int:
    """Let the worker take back what the node of somebody's country asks for; return the job's number.

    Whether the records are that country's the worker sees, which alone may look into the lake.
    """
    countries = sorted(
        {role.country for role in who.roles if role.country and may(who, Action.WITHDRAW, country=role.country)}
    )
    facts = {"dataset": dataset, "keys": list(keys), "reason": reason, "countries": countries, "actor": who.label,
            "account": who.account_id}  # fmt: skip
    with registry.session() as session, session.begin():
        number = jobs.add(session, JOB, facts)
        details = {"dataset": dataset, "keys": len(keys), "reason": reason, "countries": countries, "job": number}
        audit.append(session, actor=who.label, action="withdrawal asked", subject=dataset or "records", details=details)
    return number


def is_of(registry: Registry, who: Principal, number: int) -> bool:
    """Return whether a job is a withdrawal that somebody asked for."""
    with registry.session(read_only=True) as session:
        job = session.get(Job, number)
        return job is not None and job.name == JOB and job.arguments.get("account") == who.account_id


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
    # Every record that ever was: one that went before is still stated by older versions.
    columns = ["key", "datasetKey", "source_record_id"]
    known = lake.read("identities", columns=columns, where=where, among=among)
    events = 0 if dataset is None else lake.count("events", where=where)
    if not events:
        _check(known, rows, dataset, keys)
    else:
        _check_owner(rows)
    return known, rows


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
    registry: Registry, rows: pl.DataFrame, events: pl.DataFrame, subjects: list[tuple[str, str]], *, reason: str,
    actor: str, key: bytes,
) -> None:  # fmt: skip
    """Put down what is withdrawn, and by what it is known if it comes again; once, however often it is asked for."""
    with registry.session() as session, session.begin():
        for kind, subject in subjects:
            mine = rows if kind in ("dataset", PART) else rows.filter(pl.col("key") == int(subject))
            made = session.scalar(select(Withdrawal).where(Withdrawal.kind == kind, Withdrawal.subject == subject))
            if made is None:
                made = Withdrawal(kind=kind, subject=subject, reason=reason, by=actor, records=mine.height, purged={})
                session.add(made)
                session.flush()
            for number, dataset, identifier in mine.iter_rows():
                if identifier is not None and session.get(Tombstone, number) is None:
                    identity = identity_of(key, dataset, identifier)
                    session.add(Tombstone(key=number, withdrawal_id=made.id, dataset=dataset, identity=identity))
            for dataset, event in events.select("datasetKey", "eventID").iter_rows():
                identity = event_identity(key, dataset, event)
                if session.get(Tombstone, event_number(identity)) is None:
                    facts = {"key": event_number(identity), "dataset": dataset, "identity": identity}
                    session.add(Tombstone(withdrawal_id=made.id, **facts))
                    session.flush()
            made.purged = {}
            details = {"kind": kind, "records": mine.height, "reason": reason}
            audit.append(session, actor=actor, action="withdraw", subject=subject, details=details)
