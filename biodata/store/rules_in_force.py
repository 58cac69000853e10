"""The sharing rules of an installation with all that they are judged by: checklists, protected areas, boundaries."""

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
from biodata.sharing.taxonomy import bundled
from biodata.store.lake import Lake
from biodata.store.query.filters import Filter, In

_BATCH_ROWS: Final = 200_000


_COLUMNS: Final = tuple(n for n in terms.names(terms.OCCURRENCE) if n in {"key", *LOOKED_AT, *USED, *siblings.COLUMNS})


def rules_in_force(settings: Settings, lake: Lake, *, where: Filter | None = None, tied: bool = True) -> RuleSet:
    """Return the rules of an installation, with what its lake knows of taxa, areas and events today.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are `sharing_rules.csv` in its data folder, else the bundled list.
    lake : Lake
        Its checklists tell synonyms, classifications and common names; its protected areas those that rules name; its
        records which open ones are of one event with sensitive ones.
    where : Filter, optional
        Which records are looked at for that: a whole dataset is enough for the records of it.
    tied : bool
        False leaves out to look at the records: enough where only the rules are asked, and no record is shown.

    Raises
    ------
    InputError
        If the rules, or the consents beside them, are not valid.
    """
    rules = RuleSet.read(settings.rules_file)
    wanted = sorted({rule.area_id for rule in rules.rules if rule.area_id is not None})
    names = [rule.scientific_name for rule in rules.rules if rule.scientific_name is not None]
    taxa = lake.read("taxa")
    rules = replace(
        rules,
        taxonomy=bundled().with_checklists(taxa, names) if taxa.height else None,
        areas=MappingProxyType(_areas(lake, wanted)),
    )
    if not tied:
        return rules
    boundaries = places.load_boundaries(settings.boundaries)
    finder = siblings.Finder()
    for batch in lake.batches("occurrences", columns=_COLUMNS, where=where, batch_rows=_BATCH_ROWS):
        finder.add(batch, decide(batch, rules, boundaries=boundaries))
    return replace(rules, siblings=finder.found())


def ties_others(lake: Lake, rules: RuleSet, boundaries: places.BoundarySet, *, after: int) -> bool:
    """Tell whether records that came after a version of the lake make older ones coarser, being of one event with them.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
        Those in force; only what they say of the records themselves is asked.
    boundaries : BoundarySet
        Whose land counts.
    after : int
        The version.
    """
    alone = replace(rules, siblings=None)
    finder = siblings.Finder()
    datasets: set[str] = set()
    new: set[int] = set()
    for batch in lake.batches("occurrences", columns=_COLUMNS, since=after, batch_rows=_BATCH_ROWS):
        decided = decide(batch, alone, boundaries=boundaries)
        finder.add(batch, decided)
        new.update(batch["key"].to_list())
        datasets.update(batch[decided["row"]]["datasetKey"].unique().drop_nulls().to_list())
    if not datasets:
        return False
    tied = finder.found()
    older = lake.batches(
        "occurrences",
        columns=_COLUMNS,
        where=In("datasetKey", tuple(sorted(datasets))),
        batch_rows=_BATCH_ROWS,
    )
    for batch in older:
        frame = batch.filter(~pl.col("key").is_in(list(new)))
        if tied.of(frame).height:
            return True
    return False


def _areas(lake: Lake, wanted: list[str]) -> dict[str, shapely.geometry.base.BaseGeometry]:
    """Return the shapes of protected areas; one without a map is left out, and may so be anywhere."""
    if not wanted:
        return {}
    found = lake.read("protected_areas").filter(pl.col("area_id").is_in(wanted), pl.col("geometry").is_not_null())
    return {
        area: shapely.make_valid(shapely.from_wkb(shape))
        for area, shape in found.select("area_id", "geometry").iter_rows()
    }
