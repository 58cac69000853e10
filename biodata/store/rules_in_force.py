"""The sharing rules of an installation with all that they are judged by: checklists, protected areas, boundaries."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import polars as pl
import shapely

from biodata import places, terms
from biodata.settings import Settings
from biodata.sharing import RuleSet, decide, siblings
from biodata.sharing.facts import USED
from biodata.sharing.publish import LOOKED_AT
from biodata.store import floor_set, kept_places, kept_ties, releases, sharing_rules
from biodata.store.lake import Lake
from biodata.store.query.filters import Filter, In
from biodata.vocabularies import SharingCategory

_BATCH_ROWS: Final = 200_000
_ASKED: Final = ("occurrences", "taxa", "protected_areas")
_KNOWN: Final[deque[tuple[tuple[object, ...], places.BoundarySet, siblings.Siblings]]] = deque(maxlen=4)
"""What was found last in this process: a release and the runs after it ask the same."""
_TYING: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in siblings.COLUMNS)
_COLUMNS: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *siblings.COLUMNS})
Batches = Callable[[], Iterable[pl.DataFrame]]
"""What gives records, batch by batch, each time that it is called."""


def rules_in_force(
    settings: Settings, lake: Lake, *, where: Filter | None = None, tied: bool = True, among: Batches | None = None
) -> RuleSet:
    """Return the rules of an installation, with what its lake knows of taxa, areas and events today.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are the last version that its registry has.
    lake : Lake
        Its checklists tell synonyms, classifications and common names; its protected areas those that rules name; its
        records which open ones are of one event with sensitive ones.
    where : Filter, optional
        Which records are looked at for that: a whole dataset is enough for the records of it.
    tied : bool
        False leaves out to look at the records: enough where only the rules are asked, and no record is shown.
    among : function that gives frames of `terms.OCCURRENCE`, optional
        The records that are looked at instead of the lake's, such as those that it would have with an upload.

    Raises
    ------
    RulesUnreadableError
        If the last version of the rules is missing, or is not as it was written.
    """
    rules = sharing_rules.rules_of(settings)
    boundaries = places.load_boundaries(settings.boundaries)
    rules = replace(known_to(lake, rules), floor=floor_set.pinned(settings.data, boundaries))
    if not tied:
        return rules
    ties = _ties_of(settings, lake, rules, where) if among is None else _ties_among(settings, rules, among)
    if settings.keep_ties:
        kept = kept_ties.read(settings.data)
        if kept.height:
            ties = ties.keeping(kept, lake.read("occurrences", columns=list(_COLUMNS), among=kept.select("key")))
        ties = replace(ties, places=kept_places.read(lake))
    return replace(rules, siblings=ties)


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
    known = rules.knowing(lake.read("taxa", snapshot=snapshot))
    return replace(known, areas=MappingProxyType(_areas(lake, wanted, snapshot)))


def _ties_of(settings: Settings, lake: Lake, rules: RuleSet, where: Filter | None) -> siblings.Siblings:
    """Return what the records of a lake tie to sensitive ones; the same again while lake, rules and boundaries are."""
    boundaries = places.load_boundaries(settings.boundaries)
    changed = [lake.changed_at(table) for table in _ASKED]
    # A lake that was restored can have the same numbers for other versions.
    when = lake.snapshots().filter(pl.col("snapshot").is_in(changed))["time"].to_list()
    asked = (lake.data.resolve(), *changed, *when, rules.hash, where, settings.survey_stations)
    for known, of_boundaries, ties in _KNOWN:
        if known == asked and of_boundaries is boundaries:
            return ties
    ties = _ties_among(
        settings, rules, lambda: lake.batches("occurrences", columns=_COLUMNS, where=where, batch_rows=_BATCH_ROWS)
    )
    _KNOWN.append((asked, boundaries, ties))
    return ties


def _ties_among(settings: Settings, rules: RuleSet, among: Batches) -> siblings.Siblings:
    """Return what records tie to sensitive ones."""
    boundaries = places.load_boundaries(settings.boundaries)
    finder = siblings.Finder(settings.survey_stations)
    for batch in among():
        finder.add(batch, decide(batch, rules, boundaries=boundaries))
    return finder.found()


def ties_older(lake: Lake, rules: RuleSet, before: releases.Release) -> bool:
    """Tell whether a release told more of a record than the records that it is tied to let out today.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
        Those in force.
    before : Release
    """
    tied = rules.siblings
    if tied is None or not tied.ties.height:
        return False
    where = In("datasetKey", tuple(tied.ties["dataset"].unique().drop_nulls().sort()))
    found = [pl.DataFrame(schema={"key": pl.Int64, "category": pl.String})]
    for batch in lake.batches("occurrences", columns=_TYING, where=where, batch_rows=_BATCH_ROWS):
        here = tied.of(batch)
        found.append(here.select("category", key=batch["key"].gather(here["row"])).select("key", "category"))
    with releases.connect(before.path) as connection:
        connection.register("tied", pl.concat(found))
        told = connection.execute(
            "SELECT DISTINCT category, sharing_category FROM occurrences JOIN tied USING (key)"
        ).fetchall()
    return any(SharingCategory(now).strictness > SharingCategory(then).strictness for now, then in told)


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
