"""In what a release differs from the one before it: found from what changed in the lake, and not by reading all of it.

A record may be published otherwise than before where it changed in the lake, where it is set apart or open again for another's
sake, or where its dataset has another licence, or its numbers are marked now. All else that a release follows from is its
`basis`: where that is another, all is published anew.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata import assessments, places, sharing
from biodata.core.settings import Settings
from biodata.places import BoundarySet
from biodata.sharing.plan import Plan, marks_of, named_dataset, names_of
from biodata.sharing.set_apart import Memory
from biodata.store import releases, rules_in_force
from biodata.store.lake import Lake
from biodata.store.published_events import published_events
from biodata.store.releases import Change, Release

_LEVELS: Final = 16
"""How deep events may be parts of others."""
_PARTS: Final = ("hidden", "held", "unpublished", "marked")
_NAMES: Final = ("datasetKey", "eventID", "parentEventID")
_OF_PRESENCE: Final = (
    "key", "datasetKey", "category", "rule_id", "beside", "n", "column", "row", "country", "taxon", "year",
)  # fmt: skip
_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "protected_areas": ("protected_areas",),
    "taxa": ("taxa", "taxon_statuses"),
}
"""The lake's tables that are published whole, each with what is published of it."""


def basis(
    settings: Settings, lake: Lake, rules: sharing.RuleSet, *, snapshot: int, licences: Mapping[str, str | None],
    stated: Mapping[str, str], held_back: pl.Series,
) -> dict[str, Any]:  # fmt: skip
    """Return what a release follows from, beside the lake's records and events, for the one that comes after it."""
    assert rules.plan is not None
    made_of = rules_in_force.made_of(settings, lake, rules, snapshot)
    own = settings.gazetteer_file
    gazetteer = None if own is None else hashlib.sha256(own.read_bytes()).hexdigest()
    return {
        "snapshot": snapshot,
        "time": made_of["time"],
        "by": [*made_of["by"], gazetteer, sorted(held_back)],
        "tables": {table: lake.changed_at(table) for table in _LISTED},
        "licences": dict(licences),
        "stated": dict(stated),
        "marked": sorted(rules.plan.marked),
        "apart": _digest(rules.plan.apart),
    }


def _digest(apart: Memory) -> str:
    """Return a hash of which records and events do not go out, and of what goes out of them."""
    digest = hashlib.sha256()
    for part in _PARTS:
        frame = getattr(apart, part)
        column = frame.columns[-1] if part in ("unpublished", "marked") else "key"
        digest.update("\n".join(map(str, frame[column].unique().sort())).encode() + b"\0")
    digest.update(str(apart.states.filter("published").hash_rows().sum()).encode())
    return digest.hexdigest()


def unchanged_tables(then: Mapping[str, Any], now: Mapping[str, Any]) -> frozenset[str]:
    """Return the tables that are published as in the release before."""
    tables = then.get("tables", {})
    same = (names for table, names in _LISTED.items() if tables.get(table) == now["tables"][table])
    return frozenset(name for names in same for name in names)


def find(
    lake: Lake, rules: sharing.RuleSet, then: Mapping[str, Any], now: Mapping[str, Any], *, base: Release | None,
    boundaries: BoundarySet, gazetteer: places.Gazetteer,
) -> Change | None:  # fmt: skip
    """Return in what a release differs from the one before; None where anything but records, events and datasets does.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
        With the plan of what goes out.
    then, now : mapping
        The `basis` of the release before, with its id as `release`, and of this one.
    base : Release, optional
        The current one.
    boundaries : BoundarySet
    gazetteer : Gazetteer
    """
    plan = rules.plan
    assert plan is not None
    if (
        base is None
        or then.get("release") != base.id
        or then.get("by") != now["by"]
        or then["apart"] != _digest(plan.earlier)
    ):
        return None
    after, upto = then["snapshot"], now["snapshot"]
    if then["time"] != rules_in_force.time_of(lake, after):
        return None
    records, events = (lake.changed(table, after=after, upto=upto) for table in ("occurrences", "events"))
    # A row without its number was emptied since: nobody knows any more which one it was.
    if records is None or events is None or records["id"].has_nulls() or events["id"].has_nulls():
        return None
    whole = _other(then["licences"], now["licences"]) | set(then["marked"]) ^ set(now["marked"])
    keys = [records["id"], _either(_closed(plan.earlier), _closed(plan.apart))]
    if whole:
        keys.append(_of_datasets(lake, "occurrences", whole, upto)["key"])
    every = pl.concat(keys).unique().sort()
    new = records.filter(~pl.col("had"))["id"]
    shown = _events(lake, plan, plan.earlier, every, new, events["id"], whole, (after, upto))
    published, gone = None, pl.Series("survey_id", [], dtype=pl.String)
    if shown.height:
        trees = lake.read("events", among=shown.select("event_key"), snapshot=upto)
        published = published_events(
            lake, rules, boundaries=boundaries, licences=now["licences"], snapshot=upto, events=trees
        )
        numbers = pl.concat([shown["eventID"], marks_of(shown["eventID"], plan.secret)])
        named = pl.concat([shown["datasetKey"]] * 2) + ":" + numbers
        gone = named.filter(~named.is_in(published["survey_id"].implode())).drop_nulls().unique().alias("survey_id")
    found = partial(_found, lake, base, (after, upto), every, gazetteer)
    licensed = whole | _other(then["stated"], now["stated"])
    presences_of = _presences_of(plan, licensed)
    earlier = replace(rules, plan=replace(plan, apart=plan.earlier))
    presences = sharing.presence_rows(earlier, boundaries=boundaries, among=presences_of[0])["key"]
    return Change(base, every, found, published, gone, presences, presences_of[1])


def _presences_of(plan: Plan, licensed: Collection[str]) -> list[pl.Series]:
    """Return the keys of the records whose presences may differ: of the release before, and of this one.

    A presence follows from the records of one name in one dataset, and from that dataset's licences.
    """
    both = []
    for one in (replace(plan, apart=plan.earlier).published, plan.published):
        taxa = one["taxon"].unique()
        names = one["taxon"].replace_strict(taxa, names_of(taxa), return_dtype=pl.String)
        both.append(one.select(_OF_PRESENCE).with_columns(name=names))
    differ = [one.join(two, on=_OF_PRESENCE, how="anti", nulls_equal=True) for one, two in (both, reversed(both))]
    of_licensed = both[1].filter(pl.col("datasetKey").is_in(sorted(licensed)))
    which = pl.concat([*differ, of_licensed]).select("datasetKey", "name").unique()
    return [one.join(which, on=which.columns, how="semi")["key"] for one in both]


def _found(
    lake: Lake,
    base: Release,
    snapshots: tuple[int, int],
    keys: pl.Series,
    gazetteer: places.Gazetteer,
    parts: Sequence[Path],
) -> pl.DataFrame:
    """Return what is found of the changed records and of their neighbours."""
    with releases.connect(base.path) as connection:
        return assessments.Neighbours(
            connection, lake, snapshots=snapshots, keys=keys, parts=parts, gazetteer=gazetteer
        ).assess()


def _other(then: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Return the names that have other values, or are in one of both alone."""
    return {name for name in {*then, *now} if then.get(name) != now.get(name)}


def _either(one: pl.Series, other: pl.Series) -> pl.Series:
    """Return what is in one of both alone."""
    return pl.concat([one.filter(~one.is_in(other.implode())), other.filter(~other.is_in(one.implode()))])


def _closed(apart: Memory) -> pl.Series:
    """Return keys of the records that do not go out as they are."""
    return pl.concat([apart.hidden["key"], apart.held["key"]]).unique()


def _of_datasets(lake: Lake, table: str, datasets: set[str], snapshot: int) -> pl.DataFrame:
    """Return how the rows of some datasets are known."""
    columns = ["key", "datasetKey"] if table == "occurrences" else ["event_key", *_NAMES]
    names = sorted(datasets)
    found = lake.read(table, columns=columns, where=rules_in_force.of_datasets(names), snapshot=snapshot)
    return found.filter(named_dataset().is_in(names))


def _events(
    lake: Lake,
    plan: Plan,
    before: Memory,
    keys: pl.Series,
    new: pl.Series,
    events: pl.Series,
    whole: set[str],
    snapshots: tuple[int, int],
) -> pl.DataFrame:
    """Return event_key, datasetKey, eventID of the events that may be published otherwise than before.

    Those that changed, that are held back or let out again, that changed records name; and all of their trees, since what others
    are parts of is as long and as wide as these.
    """
    columns = ["event_key", *_NAMES]
    asked = pl.concat([events, _either(before.unpublished["event_key"], plan.apart.unpublished["event_key"])])
    among, found = asked.unique().to_frame("event_key"), [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    named = [pl.DataFrame(schema=dict.fromkeys(_NAMES, pl.String))]
    for snapshot in snapshots:
        if asked.len():
            found.append(lake.read("events", columns=columns, among=among, snapshot=snapshot))
    older = keys.filter(~keys.is_in(new.implode()))
    if older.len():
        named.append(lake.read("occurrences", columns=_NAMES, among=older.to_frame("key"), snapshot=snapshots[0]))
    named += lake.of_keys(keys, since=snapshots[0], columns=_NAMES, snapshot=snapshots[1])
    mine = pl.concat(found)
    touched = pl.concat([*named, mine.select(_NAMES)]).unique()
    ids = pl.concat([touched.select("datasetKey", eventID=name) for name in ("eventID", "parentEventID")])
    ids = ids.drop_nulls("eventID").unique()
    datasets = {*ids["datasetKey"].drop_nulls(), *whole}
    if not datasets:
        return mine.select("event_key", "datasetKey", "eventID")
    rows = _of_datasets(lake, "events", datasets, snapshots[1])
    links = rows.filter(pl.col("parentEventID") != pl.col("eventID"))
    up, down = (
        links.select("datasetKey", eventID=one, other=two)
        for one, two in (("eventID", "parentEventID"), ("parentEventID", "eventID"))
    )
    tree = pl.concat([ids, rows.filter(pl.col("datasetKey").is_in(sorted(whole))).select(ids.columns)]).unique()
    tree = _followed(_followed(tree, up), down)
    inside = rows.join(tree, on=tree.columns, how="semi")
    return pl.concat([mine, inside]).select("event_key", "datasetKey", "eventID").unique()


def _followed(events: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Return events (datasetKey, eventID) with those that links lead to."""
    level = events
    for _ in range(_LEVELS):
        level = level.join(links, on=["datasetKey", "eventID"]).select("datasetKey", eventID="other")
        level = level.unique().join(events, on=events.columns, how="anti")
        events = pl.concat([events, level])
    return events
