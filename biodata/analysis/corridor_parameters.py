"""What a run of corridors decides."""

import math
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from biodata.errors import InputError


@dataclass(frozen=True, slots=True)
class CorridorParameters:
    """What a corridor run decides.

    Attributes
    ----------
    max_distance_m : float
        Pairs whose edges lie farther apart are not looked at, metres; inf for no limit.
    max_cost : float
        Least cost above which there is no functional link, cost-metres; inf for no limit.
    dispersal_cost : float, optional
        What the species can spend on one journey, cost-metres: its dispersal distance times the resistance that it
        was measured in. Where given it limits links as `max_cost` does, and `cut_fraction` is a fraction of it.
    cut_fraction : float
        The corridor holds what costs up to this fraction of the dispersal cost more than the cheapest path; where no
        dispersal cost is given, of the median least cost of the run's pairs. Either is one cost for all pairs, so that
        their widths can be compared.
    cut_cost : float, optional
        The same as an absolute cost, cost-metres (Linkage Mapper's CWD threshold); it stands instead of `cut_fraction`.
    low_resistance : float
        Resistance up to which a cell counts as habitat in the corridor's evidence.
    drop_through : bool
        A pair whose cheapest path leads through a third area has no link of its own (Linkage Mapper's "drop corridors
        that intersect core areas"); else it keeps its corridor, which tells the areas that it leads through.
    """

    max_distance_m: float = 100_000.0
    max_cost: float = math.inf
    dispersal_cost: float | None = None
    cut_fraction: float = 0.1
    cut_cost: float | None = None
    low_resistance: float = 10.0
    drop_through: bool = False

    def __post_init__(self) -> None:
        for name, none, low, high in (
            ("max_distance_m", False, 0.0, math.inf),
            ("max_cost", False, 0.0, math.inf),
            ("dispersal_cost", True, 0.0, sys.float_info.max),
            ("cut_fraction", False, -math.ulp(0.0), sys.float_info.max),
            ("cut_cost", True, -math.ulp(0.0), sys.float_info.max),
        ):
            value = getattr(self, name)
            if not (value is None and none) and not low < value <= high:
                above = "above 0" if low == 0 else "0 or more"
                problem = f"the parameter must be {above}{'' if math.isinf(high) else ' and finite'}"
                raise InputError(problem, column=name, value=f"{value:g}", code="PARAMETERS_INVALID")

    @property
    def limit(self) -> float:
        """Least cost above which there is no functional link, cost-metres."""
        return self.max_cost if self.dispersal_cost is None else min(self.max_cost, self.dispersal_cost)

    def with_one_cut(self, least_costs: Iterable[float]) -> "CorridorParameters":
        """Return the parameters with the cut as a cost that is the same for all pairs.

        Parameters
        ----------
        least_costs : iterable of float
            Of each pair, or the most that it can be: 0 where areas touch, inf where nothing is known.
        """
        known = [cost for cost in least_costs if 0 < cost <= self.limit and math.isfinite(cost)]
        if self.cut_cost is not None or self.dispersal_cost is not None or not known:
            return self
        return replace(self, cut_cost=self.cut_fraction * statistics.median(known))

    def cut(self, least_cost: float) -> float:
        """Return how much more than the least cost a cell of the corridor may cost, cost-metres."""
        if self.cut_cost is not None:
            return self.cut_cost
        return self.cut_fraction * (least_cost if self.dispersal_cost is None else self.dispersal_cost)

    def reach(self, bound: float) -> float:
        """Return how far to search for a link that costs at most `bound`, cost-metres; inf where nothing limits it."""
        limit = min(bound, self.limit)
        return limit if math.isinf(limit) else (limit + self.cut(limit)) * (1 + 1e-9)

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON; no limit is null."""
        return {name: None if value == math.inf else value for name, value in asdict(self).items()}
