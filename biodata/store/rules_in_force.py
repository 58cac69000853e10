"""The sharing rules of an installation with all that they are judged by, and the plan of what goes out."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl
import shapely

from biodata import places
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.core.vocabularies import PATROL_PROTOCOL
from biodata.sharing import RuleSet, decide
from biodata.sharing.decide import USED
from biodata.sharing.licences import strictest_stated
from biodata.sharing.names import Checklists
from biodata.sharing.plan import (
    BEFORE,
    OF_RECORD,
    PLACED,
    Plan,
    marks_of,
    named_dataset,
    plan_of,
    sensitive_records,
    with_places,
)
from biodata.sharing.publish import LOOKED_AT, set_apart_of
from biodata.sharing.rule import Assignment, Rule
from biodata.sharing.set_apart import DECIDED, UNSETTLED, Memory
from biodata.store import floor_set, releases, sharing_memory, sharing_rules, touched_cells
from biodata.store.checksums import code_hash
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.lake_reading import OWN_TEXT
from biodata.store.query.filters import MAXIMUM_VALUES, Filter, In, IsNull, Or
from biodata.store.registry import Registry
from biodata.store.staging import WorkFolder, write_part
from biodata.store.touched_cells import Touched

_BATCH_ROWS: Final = 200_000
_ASKED: Final = ("occurrences", "events", "taxa", "protected_areas")
_KNOWN: Final[deque[tuple[tuple[object, ...], places.BoundarySet, Plan]]] = deque(maxlen=4)
"""What was found last in this process: a release and the runs after it ask the same."""
_CHECKLISTS: Final[deque[tuple[tuple[object, ...], Checklists | None]]] = deque(maxlen=4)
"""Of the lakes that were asked last in this process."""
JUDGED: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *PLACED, *OF_RECORD})
_STOOD: Final = ("key", "datasetKey", "year", "decimalLongitude", "decimalLatitude")
_EVENT: Final = (
    "event_key", "datasetKey", "eventID", "parentEventID", "samplingProtocol", "event_start", "decimalLongitude", "decimalLatitude",
)  # fmt: skip
Batches = Callable[[], Iterable[pl.DataFrame]]
"""What gives records, batch by batch, each time that it is called."""


def rules_in_force(
    settings: Settings, lake: Lake, *, planned: bool = True, among: Batches | None = None, snapshot: int | None = None,
    events: pl.DataFrame | None = None,
) -> RuleSet:  # fmt: skip
    """Return the rules of an installation, with what its lake knows of taxa and areas, and what goes out today.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are the last version that its registry has.
    lake : Lake
        Its checklists tell synonyms and common names; its protected areas those that rules name.
    planned : bool
        False leaves out to look at the records together: enough where only the rules are asked, and no record is shown.
    among : function that gives frames of `terms.OCCURRENCE`, optional
        The records that are looked at instead of the lake's, such as those that it would have with an upload.
    snapshot : int, optional
        The version of the lake; today's where none is given.
    events : polars.DataFrame of `terms.EVENT`, optional
        The events that are looked at instead of the lake's.

    Raises
    ------
    RulesUnreadableError
        If the last version of the rules is missing, or is not as it was written.
    SharingError
        If what earlier releases made of sensitive records is damaged.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    with Registry.open(settings) as registry:
        rules, scopes = sharing_rules.rules_of(registry), registry.scopes()
        if planned:
            memory = sharing_memory.read(registry, settings.data)
            since = sharing_memory.made_of(registry, settings.data)
    rules = replace(known_to(lake, rules), floor=floor_set.pinned(settings.data, boundaries), scopes=scopes)
    if not planned:
        return rules
    if among is not None or events is not None:
        return replace(rules, plan=_plan(settings, lake, rules, memory, among, snapshot, events, None))
    changed = _changed(lake, since, made_of(settings, lake, rules, snapshot))
    if snapshot is not None:
        return replace(rules, plan=_plan(settings, lake, rules, memory, None, snapshot, None, changed))
    asked = _asked(settings, lake, rules, memory)
    for known, of_boundaries, plan in _KNOWN:
        if known == asked and of_boundaries is boundaries:
            return replace(rules, plan=plan)
    plan = _plan(settings, lake, rules, memory, None, None, None, changed)
    _KNOWN.append((asked, boundaries, plan))
    return replace(rules, plan=plan)


def remember(settings: Settings, lake: Lake, rules: RuleSet) -> None:
    """Remember the plan by which the current release was just made: whoever asks next in this process is stated the same."""
    assert rules.plan is not None
    asked = _asked(settings, lake, rules, rules.plan.apart)
    _KNOWN.append((asked, places.load_boundaries(settings.boundaries), rules.plan))


def keep(settings: Settings, lake: Lake, registry: Registry, rules: RuleSet, *, snapshot: int) -> None:
    """Keep what goes out of a version of the lake, for the releases after it."""
    assert rules.plan is not None
    now = made_of(settings, lake, rules, snapshot)
    changed = _changed(lake, sharing_memory.made_of(registry, settings.data), now)
    datasets = None if changed is None else changed.looked_at(rules.plan.earlier)
    sharing_memory.save(registry, settings.data, rules.plan.apart, made_of=now, changed=datasets)


def made_of(settings: Settings, lake: Lake, rules: RuleSet, snapshot: int | None) -> dict[str, Any]:
    """Return what the plan of a version of the lake follows from, beside its records and events."""
    snapshot = lake.snapshot() if snapshot is None else snapshot
    sets = [places.load_boundaries(settings.boundaries), *([] if rules.floor is None else [rules.floor])]
    of_areas = ["protected_areas"] if any(rule.area_id is not None for rule in rules.rules) else []
    tables = [lake.changed_at(table) for table in ("taxa", *of_areas)]
    by = [rules.hash, *map(floor_set.sha256, sets), *tables, code_hash()]
    return {"snapshot": snapshot, "time": time_of(lake, snapshot), "year": _today().year, "by": by}


def time_of(lake: Lake, snapshot: int) -> str:
    """Return when a version was made: a lake that was restored can have the same number for another one."""
    return str(lake.snapshots().filter(pl.col("snapshot") == snapshot)["time"].to_list())


@dataclass(frozen=True)
class _Changed:
    """What has changed since what is kept was made, of version `since`: datasets, those of events, and records: id, had."""

    datasets: frozenset[str]
    of_events: frozenset[str]
    records: pl.DataFrame
    since: int

    @property
    def keys(self) -> pl.Series:
        """Return those of the records."""
        return self.records["id"].unique()

    def looked_at(self, memory: Memory) -> frozenset[str]:
        """Return the datasets that are looked at: those that changed, and those in which something is unsettled."""
        return self.datasets | frozenset(memory.unsettled["datasetKey"])


def _changed(lake: Lake, since: dict[str, Any], now: dict[str, Any]) -> _Changed | None:
    """Return what has changed since what is kept was made; None for all, where anything else has too."""
    same = all(since.get(name) == now[name] for name in ("by", "year"))
    if not same or since["time"] != time_of(lake, since["snapshot"]):
        return None
    records, events = (
        lake.changed(table, after=since["snapshot"], upto=now["snapshot"]) for table in ("occurrences", "events")
    )
    # A row without its number was emptied since: nobody knows any more which one it was.
    if records is None or events is None or records["id"].has_nulls():
        return None
    of_events = frozenset(events["datasetKey"])
    datasets = of_events | frozenset(records["datasetKey"])
    if len(datasets) > MAXIMUM_VALUES:
        return None
    return _Changed(datasets, of_events, records, since["snapshot"])


def _asked(settings: Settings, lake: Lake, rules: RuleSet, memory: Memory) -> tuple[object, ...]:
    """Return what a plan follows from."""
    changed = [lake.changed_at(table) for table in _ASKED]
    # A lake that was restored can have the same numbers for other versions.
    when = lake.snapshots().filter(pl.col("snapshot").is_in(changed))["time"].to_list()
    made = releases.current(settings.data)
    states = memory.states.hash_rows().sum() if memory.states.height else 0
    return lake.data.resolve(), *changed, *when, rules.hash, None if made is None else made.id, _today(), states


def _plan(
    settings: Settings, lake: Lake, rules: RuleSet, memory: Memory, among: Batches | None, snapshot: int | None,
    events: pl.DataFrame | None, changed: _Changed | None,
) -> Plan:  # fmt: skip
    """Return what goes out: records are decided about, and those of datasets with sensitive ones are looked at together.

    Datasets in which nothing changed keep what was made of them; of the others, records that did not change keep what was
    decided of each, and only cells are looked at where `touched_cells` can state from them.
    """
    boundaries = places.load_boundaries(settings.boundaries)
    datasets = None if changed is None else changed.looked_at(memory)
    earlier = memory if datasets is None else memory.of(datasets)
    among_keys = None if changed is None else changed.keys.to_frame("key")
    made, key = releases.current(settings.data), secret(settings.data)
    schema = terms.schema(terms.OCCURRENCE)

    def batches(columns: tuple[str, ...], **which: Any) -> Iterable[pl.DataFrame]:
        if among is not None:
            return among()
        return lake.batches("occurrences", columns=columns, snapshot=snapshot, batch_rows=_BATCH_ROWS, **which)

    with WorkFolder(settings.data / "staging") as work:
        records = DatasetRows(work.folder, "records", pl.Schema({name: schema[name] for name in PLACED}))
        before = DatasetRows(work.folder, "before", BEFORE)
        decided, now = [DECIDED.to_frame()], [records.read(())]
        if changed is not None:
            decided.append(earlier.decided.join(changed.keys.to_frame("key"), on="key", how="anti"))
        since = None if changed is None else changed.since
        for batch in batches(JUDGED, among=among_keys, since=since) if changed is None or changed.keys.len() else ():
            apart = set_apart_of(batch, decide(batch, rules, boundaries=boundaries))
            of_batch = sensitive_records(batch, apart, boundaries, rules.resolver)
            of_batch = of_batch.join(batch.select("key", named_dataset()), on="key")
            decided.append(of_batch.select(DECIDED.names()).with_columns(OWN_TEXT))
            if changed is None:
                records.add(batch.select(PLACED).with_columns(named_dataset()))
            else:
                now.append(batch.select(PLACED).with_columns(named_dataset()))
        sensitive = pl.concat(decided)
        released, shown = _released(made)
        # Of records that did not change since the release is known what it was made of.
        same = made is not None and changed is not None and changed.since == made.snapshot
        by_cells, touched = Memory(), None
        if same and changed is not None:
            in_lake = _Records(lake, snapshot)
            then = in_lake.of_keys(changed.records.filter("had")["id"].unique(), changed.since)
            touched = Touched(then, pl.concat(now), pl.concat([DECIDED.to_frame(), *decided[2:]]))
            some = memory.of(changed.looked_at(memory) - changed.of_events)
            by_cells = touched_cells.look(some, touched, in_lake, released=released, today=_today())
        cells_of = frozenset(by_cells.facts["datasetKey"])
        found = {*earlier.states["datasetKey"], *sensitive["datasetKey"]} - cells_of
        if changed is not None and found:
            for batch in batches(PLACED, where=of_datasets(sorted(found))):
                records.add(batch.select(PLACED).with_columns(named_dataset()))
        if events is None and found:
            events = lake.read("events", columns=_EVENT, where=of_datasets(sorted(found)), snapshot=snapshot)
        events = _looked_at(events)
        marked = pl.col("datasetKey") + ":" + marks_of(events["eventID"], key)
        is_shown = pl.col("event_key").is_in(shown.implode()) | marked.is_in(shown.implode()).fill_null(value=False)
        events = events.with_columns(shown=is_shown)
        for rows in _before(lake, made, sorted(found), among=among_keys if same else None):
            before.add(rows)
        kept = _datasets(memory) if datasets is None else datasets - cells_of
        apart_of = [by_cells] if datasets is None else [by_cells, memory.of(datasets, others=True)]
        # What is made of a dataset's records follows from that dataset alone.
        for group in records.groups(found | kept):
            named = found.intersection(group)
            of_group = named_dataset().is_in(list(named))
            rows, stood = records.read(named), before.read(named)
            if same and among_keys is not None:
                stood = pl.concat([stood, _stood(rows.join(among_keys, on="key", how="anti"))])
            plan = plan_of(
                rows, events.filter(of_group), sensitive.filter(of_group).drop("datasetKey"),
                memory=memory.of(group), before=stood, released=released, secret=key, today=_today(),
            )  # fmt: skip
            unsettled = _unsettled(memory.of(group), plan.apart, rows, touched, changed, released)
            apart_of.append(replace(plan.apart, unsettled=unsettled))
    return Plan(Memory().joined(*apart_of), key, memory)


def _unsettled(
    before: Memory, after: Memory, rows: pl.DataFrame, touched: Touched | None, changed: _Changed | None,
    released: frozenset[str],
) -> pl.DataFrame:  # fmt: skip
    """Return which cells, or datasets, have to be looked at again: until they were without new rows, and gave the same.

    What goes out at once of the cells of a dataset that no earlier release had is the same when it is looked at again.
    """
    of_cells = touched_cells.of_cells(after)
    unknown = released if touched is None else touched.emptied()
    cells, whole = (of_cells & released) - unknown, _datasets(after) - (of_cells - (unknown & released))
    found = [UNSETTLED.to_frame()]
    if touched is not None and cells:
        rows = rows.filter(pl.col("datasetKey").is_in(list(cells)))
        found.append(touched_cells.unsettled(before.of(cells), after.of(cells), touched.of(cells), rows))
    if changed is not None:
        whole -= {name for name in whole - changed.datasets if _is_same(before.of([name]), after.of([name]))}
    found.append(pl.DataFrame({"datasetKey": sorted(whole)}, schema={"datasetKey": pl.String}))
    return pl.concat(found, how="diagonal")


def _is_same(one: Memory, two: Memory) -> bool:
    """Return whether the same is kept, beside what is unsettled."""
    pairs = ((vars(one)[name], frame) for name, frame in vars(two).items() if name != "unsettled")
    return all(a.sort(pl.all(), nulls_last=True).equals(b.sort(pl.all(), nulls_last=True)) for a, b in pairs)


def _datasets(memory: Memory) -> frozenset[str]:
    """Return the datasets of which something is kept."""
    return frozenset(name for frame in vars(memory).values() for name in frame["datasetKey"].unique())


def _looked_at(events: pl.DataFrame | None) -> pl.DataFrame:
    """Return the events that are looked at together with records: patrols are not."""
    events = (terms.conform(pl.DataFrame(), terms.EVENT) if events is None else events).select(_EVENT)
    patrol = pl.col("samplingProtocol").str.to_lowercase().str.starts_with(PATROL_PROTOCOL)
    return events.filter(~patrol.fill_null(value=False))


def _released(made: releases.Release | None) -> tuple[frozenset[str], pl.Series]:
    """Return the datasets of records, and the ids of the events, that a release has."""
    if made is None:
        return frozenset(), pl.Series("survey_id", [], dtype=pl.String)
    with releases.connect(made.path) as connection:
        datasets = connection.execute('SELECT DISTINCT "datasetKey" FROM occurrences').fetchall()
        shown = connection.execute("SELECT survey_id FROM surveys").pl()["survey_id"]
    return frozenset(name or "" for (name,) in datasets), shown


@dataclass(frozen=True)
class _Records:
    """The records of a version of a lake; see `touched_cells.Reader`."""

    lake: Lake
    snapshot: int | None

    def standing_in(self, cells: pl.DataFrame) -> pl.DataFrame:
        columns = ("key", "datasetKey", "year", "event_start", "event_end", "decimalLongitude", "decimalLatitude")
        return _placed(self.lake.standing_in(cells, columns=columns, snapshot=self.snapshot))

    def of_walks(self, walks: pl.DataFrame) -> pl.DataFrame:
        among = walks.select("recordedBy", event_start="day")
        where = of_datasets(sorted(walks["datasetKey"].unique()))
        return _placed(self.lake.read("occurrences", columns=PLACED, where=where, among=among, snapshot=self.snapshot))

    def of_keys(self, keys: pl.Series, snapshot: int | None = None) -> pl.DataFrame:
        version = self.snapshot if snapshot is None else snapshot
        if keys.is_empty():
            return _placed(terms.conform(pl.DataFrame(), terms.OCCURRENCE))
        return _placed(self.lake.read("occurrences", columns=PLACED, among=keys.to_frame("key"), snapshot=version))


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return records with all columns of `PLACED`, those that were not read empty."""
    columns = [column for column in terms.OCCURRENCE if column.name in PLACED]
    return terms.conform(rows, columns).select(PLACED).with_columns(named_dataset())


def of_datasets(datasets: list[str]) -> Filter | None:
    """Return which records may be of some datasets; None for all, where a filter may not name so many."""
    if len(datasets) > MAXIMUM_VALUES:
        return None
    named = In("datasetKey", tuple(datasets))
    return Or((named, IsNull("datasetKey"))) if "" in datasets else named


def stated_licences(lake: Lake, plan: Plan, *, snapshot: int | None = None) -> dict[str, str]:
    """Return the strictest licence that records state, of each dataset of which presences go out."""
    if not (datasets := plan.apart.states["datasetKey"].unique().to_list()):
        return {}
    columns, where = ["datasetKey", "license"], of_datasets(datasets)
    return strictest_stated(lake.batches("occurrences", columns=columns, where=where, snapshot=snapshot, distinct=True))


def _before(
    lake: Lake, made: releases.Release | None, datasets: list[str], among: pl.DataFrame | None
) -> Iterator[pl.DataFrame]:
    """Yield what the current release was made of in some datasets; what is there now where that version is kept no more.

    All events, and all records or those `among` some keys.
    """
    if made is None or not datasets:
        return
    kept = lake.snapshots()["snapshot"]
    snapshot = made.snapshot if made.snapshot in kept else None
    where = of_datasets(datasets)
    yield _stood(with_places(lake.read("events", columns=_EVENT, where=where, snapshot=snapshot)))
    records = lake.batches(
        "occurrences", columns=_STOOD, where=where, among=among, snapshot=snapshot, batch_rows=_BATCH_ROWS
    )
    yield from map(_stood, records)


def _stood(rows: pl.DataFrame) -> pl.DataFrame:
    """Return records, or events with their places, as `BEFORE`."""
    names = {
        "event_key": "identifier", "key": "identifier", "decimalLongitude": "longitude", "decimalLatitude": "latitude",
    }  # fmt: skip
    found = rows.rename({old: new for old, new in names.items() if old in rows.columns and new not in rows.columns})
    # A row without its number was emptied since, because it was withdrawn: it says nothing any more.
    found = found.with_columns(named_dataset()).select(pl.col(n).cast(t) for n, t in BEFORE.items())
    return found.drop_nulls("identifier")


def _today() -> date:
    return datetime.now(tz=UTC).date()


def known_to(lake: Lake, rules: RuleSet, *, snapshot: int | None = None) -> RuleSet:
    """Return rules with what a lake knows of taxa and protected areas.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
    snapshot : int, optional
        The version of the lake; today's where none is given.

    Raises
    ------
    StoreError
        If that version is not kept any more.
    """
    wanted = sorted({rule.area_id for rule in rules.rules if rule.area_id is not None})
    areas = MappingProxyType(_areas(lake, wanted, snapshot))
    labels = replace(rules.labels, parts=_on_parts(lake, rules.labels.assignments, snapshot))
    return replace(rules, checklists=_checklists(lake, snapshot), areas=areas, labels=labels)


def _on_parts(lake: Lake, labels: Iterable[Assignment], snapshot: int | None) -> tuple[Assignment, ...]:
    """Return the labels of events as they stand on the parts of these events, however deep."""
    found: dict[tuple[str, str, str], Assignment] = {}
    level = {(one.dataset, one.event, one.label): one for one in labels if one.event is not None}
    if not level:
        return ()
    datasets = In("datasetKey", tuple(sorted({dataset for dataset, *_ in level})))
    names = ("datasetKey", "parentEventID", "eventID")
    events = lake.read("events", columns=names, where=datasets, snapshot=snapshot).drop_nulls(names)
    parts = events.rows_by_key(["datasetKey", "parentEventID"])
    while level:
        below = {
            (dataset, part, label): replace(one, event=part)
            for (dataset, event, label), one in level.items()
            for (part,) in parts.get((dataset, event), ())
        }
        level = {at: one for at, one in below.items() if at not in found}
        found |= level
    return tuple(found.values())


def _checklists(lake: Lake, snapshot: int | None) -> Checklists | None:
    """Return a lake's checklists; the same object each time, so that names are read once."""
    changed = lake.changed_at("taxa")
    if snapshot is not None and snapshot < changed:
        return Checklists.of(lake.read("taxa", snapshot=snapshot))
    # A lake that was restored can have the same number for another version.
    asked = (lake.data.resolve(), changed, *lake.snapshots().filter(pl.col("snapshot") == changed)["time"])
    for known, checklists in _CHECKLISTS:
        if known == asked:
            return checklists
    _CHECKLISTS.append((asked, Checklists.of(lake.read("taxa"))))
    return _CHECKLISTS[-1][1]


def _areas(lake: Lake, wanted: list[str], snapshot: int | None) -> dict[str, shapely.geometry.base.BaseGeometry]:
    """Return the shapes of protected areas; one without a map is left out, and may so be anywhere."""
    if not wanted:
        return {}
    maps = lake.read("protected_areas", columns=["area_id", "geometry"], snapshot=snapshot)
    found = maps.filter(pl.col("area_id").is_in(wanted), pl.col("geometry").is_not_null())
    return {
        area: shapely.make_valid(shapely.from_wkb(shape))
        for area, shape in found.select("area_id", "geometry").iter_rows()
    }


GROUP_ROWS: Final = 500_000
"""Datasets are looked at together up to so many rows."""


class DatasetRows:
    """Rows of datasets in files.

    Parameters
    ----------
    folder : Path
        For the files.
    name : str
        What they are called.
    schema : polars.Schema
        With `datasetKey`.
    """

    def __init__(self, folder: Path, name: str, schema: pl.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._files: list[Path] = []
        self._counts = Counter[str]()

    def add(self, rows: pl.DataFrame) -> None:
        """Put rows aside."""
        if rows.height:
            self._counts.update(dict(rows["datasetKey"].value_counts().iter_rows()))
            self._files.append(self._folder / f"{self._name}-{len(self._files)}.parquet")
            write_part(rows.select(self._schema.names()).sort("datasetKey"), self._files[-1], row_group_rows=20_000)

    def read(self, datasets: Collection[str]) -> pl.DataFrame:
        """Return the rows of some datasets."""
        if not self._files:
            return self._schema.to_frame()
        rows = pl.scan_parquet(self._files).filter(pl.col("datasetKey").is_in(list(datasets)))
        return rows.collect().cast(dict(self._schema.items()))

    def groups(self, datasets: Collection[str]) -> Iterator[list[str]]:
        """Yield datasets that are looked at together, each in one group; one that has more rows than a group stands alone."""
        group, rows = list[str](), 0
        for dataset in sorted(datasets):
            if group and rows + self._counts[dataset] > GROUP_ROWS:
                yield group
                group, rows = [], 0
            group.append(dataset)
            rows += self._counts[dataset]
        yield group


BOUND: Final = "rules of a country, place or dataset"
"""The name under which withheld records of such rules are counted together: their lists would state where they are."""

_ANYWHERE: Final = frozenset(
    "rule_id category reason source source_kind owner scientific_name rank month_from month_to review_date".split()
)
"""What a rule may state and still be one that holds everywhere; whatever is not named here may state a place."""


def list_of(rule: Rule) -> str:
    """Return the list that a withheld record of a rule is counted with."""
    bound = any(getattr(rule, f.name) is not None for f in fields(rule) if f.name not in _ANYWHERE)
    return BOUND if bound else rule.source or "no list"


def withheld_by_list(withheld: Mapping[str, int], rules: RuleSet) -> dict[str, int]:
    """Count withheld records by list.

    Parameters
    ----------
    withheld : mapping of rule_id to int
        Withheld records by the rule that decided.
    rules : RuleSet

    Returns
    -------
    dict of str to int
    """
    lists = {rule.rule_id: list_of(rule) for rule in rules.rules}
    found = Counter[str]()
    for rule_id, count in withheld.items():
        # A record can be withheld without a rule, where no cell keeps it apart.
        found[lists.get(rule_id, BOUND)] += count
    return dict(found)
