"""The sharing rules of an installation with all that they are judged by: checklists, protected areas, boundaries."""

from dataclasses import replace
from types import MappingProxyType

import polars as pl
import shapely

from biodata import places
from biodata.settings import Settings
from biodata.sharing import RuleSet
from biodata.sharing.taxonomy import bundled
from biodata.store.lake import Lake


def rules_in_force(settings: Settings, lake: Lake) -> RuleSet:
    """Return the rules of an installation, with what its lake knows of taxa and areas today.

    Parameters
    ----------
    settings : Settings
        The installation; its rules are `sharing_rules.csv` in its data folder, else the bundled list.
    lake : Lake
        Its checklists tell synonyms, classifications and common names; its protected areas those that rules name.

    Raises
    ------
    InputError
        If the rules, or the consents beside them, are not valid.
    """
    rules = RuleSet.read(settings.rules_file)
    wanted = sorted({rule.area_id for rule in rules.rules if rule.area_id is not None})
    names = [rule.scientific_name for rule in rules.rules if rule.scientific_name is not None]
    taxa = lake.read("taxa")
    return replace(
        rules,
        taxonomy=bundled().with_checklists(taxa, names) if taxa.height else None,
        areas=MappingProxyType(_areas(lake, wanted)),
        boundaries=places.load_boundaries(settings.boundaries),
    )


def _areas(lake: Lake, wanted: list[str]) -> dict[str, shapely.geometry.base.BaseGeometry]:
    """Return the shapes of protected areas; one without a map is left out, and may so be anywhere."""
    if not wanted:
        return {}
    found = lake.read("protected_areas").filter(pl.col("area_id").is_in(wanted), pl.col("geometry").is_not_null())
    return {
        area: shapely.make_valid(shapely.from_wkb(shape))
        for area, shape in found.select("area_id", "geometry").iter_rows()
    }
