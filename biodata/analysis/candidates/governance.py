"""How a candidate's sides are governed: protected areas in force on each, and agreements that bind its countries."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely

from biodata.analysis.areas import km2
from biodata.analysis.candidates.criteria import DECIMALS, Value

if TYPE_CHECKING:
    from biodata.analysis.candidates.ground import Ground

IN_FORCE: Final = ("designated", "inscribed", "established", "adopted", "declared", "gazetted")
"""Words of a status that is in force."""
NONE_TOLD: Final = "none was told to this run"
NONE_BINDS: Final = "none of those told to this run binds all of its countries"
_TOLD: Final = ("name", "designation", "iucn_category", "status")


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement between countries.

    Attributes
    ----------
    name : str
    country_codes : tuple of str
        The countries that it binds, ISO 3166-1 alpha-2, in order.
    source : str, optional
        Where it is told.
    """

    name: str
    country_codes: tuple[str, ...]
    source: str | None = None


def governance(
    ground: "Ground",
    areas: gpd.GeoDataFrame,
    lands: Mapping[str, shapely.Geometry],
    agreements: Sequence[Agreement] | None,
) -> Value:
    """Take the share of each side's ground that is protected with a status in force, and of these the least.

    Parameters
    ----------
    ground : Ground
    areas : geopandas.GeoDataFrame
        Protected areas with status, designation, iucn_category; degrees, WGS 84.
    lands : mapping of str to shapely geometry
        The ground on each side's own land, by the side's name.
    agreements : sequence of Agreement, optional
        All that were told to the run; those that bind every country of the ground are named. They change no number.
    """
    near = areas[np.asarray(shapely.intersects(areas.geometry.to_numpy(), ground.polygon), dtype=bool)]
    shapes = near.geometry.to_numpy()
    status = [one.strip().lower() if isinstance(one, str) and one.strip() else None for one in near["status"]]
    in_force = np.array([one is not None and one.startswith(IN_FORCE) for one in status], dtype=bool)
    not_told = np.array([one is None for one in status], dtype=bool)
    shares: dict[str, float | None] = {}
    sides = {}
    for name, land in lands.items():
        ground_km2 = round(km2(land), DECIMALS)
        protected = round(km2(shapely.intersection(shapely.union_all(shapes[in_force]), land)), DECIMALS)
        unknown = shapely.difference(shapely.union_all(shapes[not_told]), shapely.union_all(shapes[in_force]))
        unknown_km2 = round(km2(shapely.intersection(unknown, land)), 3)
        sides[name] = {"ground_km2": ground_km2, "in_force_km2": protected, "status_not_told_km2": unknown_km2}
        shares[name] = round(protected / ground_km2, DECIMALS) if ground_km2 > 0 and unknown_km2 == 0 else None
    known = [share for share in shares.values() if share is not None]
    numbers = {
        "sides": sides,
        "areas": [
            # pandas has nan for a text that is not told.
            {name: row[name] if isinstance(row[name], str) else None for name in _TOLD}
            for row in near.to_dict("records")
        ],
        "agreements": _binding(ground, agreements),
    }
    return Value(min(known) if len(known) == len(shares) and known else None, numbers)


def _binding(ground: "Ground", agreements: Sequence[Agreement] | None) -> list[dict[str, Any]] | str:
    """Return the agreements that bind every country of some ground, as plain values; or why there is none."""
    if agreements is None:
        return NONE_TOLD
    binding = [one for one in agreements if set(ground.codes) <= set(one.country_codes)]
    return [asdict(one) | {"country_codes": list(one.country_codes)} for one in binding] or NONE_BINDS
