"""Occupancy of a species from detection histories: one season, each side or all.

Not detected can only tell an event whose scope holds the species; where no event took place or a camera failed is nothing.

A site is occupied with chance ψ. In a visit with effort e an occupied site's species is detected with chance
1 - (1 - p)^e, where p is the chance in one unit of effort; a visit that did not take place says nothing.

MacKenzie et al. 2002, https://doi.org/10.1890/0012-9658(2002)083[2248:ESORWD]2.0.CO;2. Intervals are those of the profile
likelihood; near the bound of 1 they hold the truth rather too often.

The most is the sum of the sides. The least takes groups of one taxon on several sides, so near in space and time that they may be
one, for as many individuals as the side counted that saw most of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from biodata.analysis.surveys.joining import NO_SIDE, PLACE, Joined, days_watched, looked_for
from biodata.core.geo import Floats, metres_per_degree
from biodata.core.phrases import Phrase
from biodata.core.vocabularies import SurveyDesign

NO_DETECTION: Final = "never detected: occupancy and detection cannot be told apart, and any occupancy is possible"
EVERYWHERE: Final = "the estimate of occupancy stands at its bound of 1"
DETECTED_EVERYWHERE: Final = "detected at every site"
OPEN_ABOVE: Final = "the interval of occupancy reaches 1: the data do not exclude that every site is occupied"
ALWAYS: Final = "detected in every visit of the sites where it was found: detection stands at its bound of 1"
ONE_VISIT: Final = "no site was visited twice: occupancy and detection cannot be told apart"
FEW: Final = "detected at fewer than five sites: the estimate is shaky, trust the interval"
BOUNDARY: Final = frozenset({NO_DETECTION, EVERYWHERE, ALWAYS, ONE_VISIT})
"""Notes of estimates that stand at a bound, and are not to be compared with others by their value."""
_EDGE: Final = 1e-6
LOG_RATE: Final = (-14.0, 5.0)
"""Between what the logarithm of the rate of detection is looked for."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class History:
    """The detection history of a species, by one method in one repeat.

    `detected` (sites x occasions) is 1 detected, 0 not detected, nan where nobody looked; `effort`, in `unit`, 0 there. `left_out`
    counts events and records that play no part, by reason.
    """

    unit: str
    sites: tuple[str, ...]
    detected: Floats
    effort: Floats
    left_out: dict[str, int]


def history(
    joined: Joined, species: str, *, method: str, repeat: int | None = None, side: str | None = None, occasion_days: int = 5,
    assumed_scope: Sequence[str] | None = None,
) -> History:  # fmt: skip
    """Return the detection history of a species, by one method.

    `repeat` and `side` take only events of the season that began in that year, or of that side. Cameras watch for days on end: their
    occasions are `occasion_days` long, from each site's own first day. Of all other designs each event is one.
    """
    chosen, left_out = looked_for(joined, species, method=method, assumed_scope=assumed_scope)
    chosen = chosen.filter(**{name: value for name, value in (("repeat", repeat), ("side", side)) if value is not None})
    if undated := chosen["first"].null_count():
        left_out["its days are not told"] = undated
    chosen = chosen.drop_nulls("first")
    own = joined.records.filter(pl.col("name") == species).join(chosen.select("event_key"), on="event_key", how="semi")
    by_days = method == SurveyDesign.CAMERA_TRAP
    looked = _days(chosen, occasion_days) if by_days else _visits(chosen)
    unit = chosen["effort_unit"].drop_nulls().first() if chosen["effort_value"].is_not_null().all() else None
    if unit is None:
        # Where effort is not known of all, days or visits are counted: nothing else is comparable.
        unit, looked = "day" if by_days else "visit", looked.with_columns(effort=pl.lit(1.0))
    on = ["event_key"]
    if by_days:
        exact = pl.col("event_start") == pl.coalesce("event_end", "event_start")
        dated, on = own.filter(exact).with_columns(day="event_start"), ["event_key", "day"]
        placed = dated.join(looked, on=on, how="inner").height
        lost = {"its day is not told": own.height - dated.height}
        lost["recorded on a day without effort"] = dated.height - placed
        left_out |= {reason: n for reason, n in lost.items() if n}
        own = dated
    return _filled(str(unit), looked, looked.join(own, on=on, how="semi"), left_out)


def _days(events: pl.DataFrame, occasion_days: int) -> pl.DataFrame:
    since = (pl.col("day") - pl.col("day").min().over("site")).dt.total_days()
    return days_watched(events).with_columns(occasion=(since // occasion_days).cast(pl.Int64))


def _visits(events: pl.DataFrame) -> pl.DataFrame:
    order = events.sort("site", "event_start", "event_key", nulls_last=True)
    occasion = pl.int_range(pl.len()).over("site").cast(pl.Int64)
    return order.select("event_key", "site", effort="effort_value", occasion=occasion)


def _filled(unit: str, looked: pl.DataFrame, hits: pl.DataFrame, left_out: dict[str, int]) -> History:
    sites, occasions = (looked[name].unique().sort().to_numpy() for name in ("site", "occasion"))
    detected, effort = np.full((len(sites), len(occasions)), np.nan), np.zeros((len(sites), len(occasions)))
    at, hit = (tuple(map(np.searchsorted, (sites, occasions), (of["site"], of["occasion"]))) for of in (looked, hits))
    detected[at], detected[hit] = 0.0, 1.0
    np.add.at(effort, at, looked["effort"].to_numpy())
    return History(unit, tuple(sites), detected, effort, left_out)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A fitted model of one species.

    `sites` with effort, `visits` that took place, `detections` in visits, `found_at` sites. `naive` is the share of sites at which it was
    detected, with its exact binomial interval (Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404); `psi` occupancy, `p`
    detection in one unit of effort where the species is, None where they cannot be stated, with 95 % intervals; `notes` what stands at a
    bound, or is shaky.
    """

    sites: int
    visits: int
    detections: int
    found_at: int
    naive: float
    naive_low: float
    naive_high: float
    psi: float | None
    psi_low: float
    psi_high: float
    p: float | None
    p_low: float
    p_high: float
    log_likelihood: float
    notes: tuple[str, ...]

    @property
    def at_a_bound(self) -> bool:
        """Whether the estimate stands at a bound of what is possible."""
        return bool(BOUNDARY & set(self.notes))


def fit(detected: NDArray[Any], effort: Floats | None = None) -> Occupancy:
    """Fit the model to a detection history, sites x visits: 1 where detected, 0 where not, nan where nobody looked."""
    data = Counts.of(detected, effort)
    found, sites = data.found_at, len(data.totals)
    naive = stats.binomtest(found, sites).proportion_ci()
    low, high = float(naive.low), float(naive.high)
    entries = (sites, len(data.efforts), len(data.hits), found, found / sites, low, high)
    if not found:
        return Occupancy(*entries, None, 0.0, 1.0, None, 0.0, 1.0, 0.0, (NO_DETECTION,))
    psi, rate, best = data.best()
    if data.one_visit:
        return Occupancy(*entries, None, low, 1.0, None, low, 1.0, best, (ONE_VISIT,))
    cut = best - float(stats.chi2.ppf(0.95, 1)) / 2
    psi_low, psi_high = (_crossing(lambda x: cut - data.over_rate(x)[1], end, psi) for end in (_EDGE, 1.0))
    ends = (_crossing(lambda x: cut - data.over_psi(x)[1], end, rate) for end in LOG_RATE)
    p, p_low, p_high = (_chance(one) for one in (rate, *ends))
    notes = {
        DETECTED_EVERYWHERE: found == sites, EVERYWHERE: psi >= 1 - _EDGE, OPEN_ABOVE: psi < 1 - _EDGE <= psi_high,
        ALWAYS: not data.blank, FEW: found < 5,
    }  # fmt: skip
    found_notes = tuple(note for note, holds in notes.items() if holds)
    return Occupancy(*entries, psi, psi_low, psi_high, p, p_low, p_high, best, found_notes)


def compare(histories: Mapping[str, tuple[NDArray[Any], Floats | None]]) -> dict[str, Any]:
    """Test whether sides, each as `fit` takes it and with events that looked for it, have the same occupancy, each with a detection of its own."""
    for side, (detected, effort) in histories.items():
        if bounds := [note for note in fit(detected, effort).notes if note in BOUNDARY]:
            return {"refused": Phrase("{side}: {why}", side=side, why=bounds[0])}
    counts = [Counts.of(*one) for one in histories.values()]
    apart = sum(of.best()[2] for of in counts)
    _, same = _largest(lambda psi: sum(of.over_rate(psi)[1] for of in counts), (_EDGE, 1.0))
    ratio, freedom = max(2 * (apart - same), 0.0), len(counts) - 1
    return {"likelihood_ratio": ratio, "freedom": freedom, "p_value": float(stats.chi2.sf(ratio, freedom))}


def _chance(log_rate: float) -> float:
    return float(-np.expm1(-np.exp(log_rate))) if log_rate < LOG_RATE[1] - 1e-3 else 1.0


def _largest(likelihood: Callable[[float], float], bounds: tuple[float, float]) -> tuple[float, float]:
    best = optimize.minimize_scalar(lambda x: -likelihood(x), bounds=bounds, options={"xatol": 1e-9})
    return float(best.x), -float(best.fun)


def _crossing(beyond: Callable[[float], float], end: float, best: float) -> float:
    """Return where the profile crosses the cut between the best value and an end; the end where it does not."""
    if beyond(end) <= 0 or abs(end - best) < 1e-12:
        return end
    return float(optimize.brentq(beyond, min(end, best), max(end, best), xtol=1e-9, rtol=1e-10))


@dataclass(frozen=True, slots=True)
class Counts:
    """What the likelihood needs of a detection history.

    The summed effort of each site without a detection (`missed`), and of visits without one at sites where it was found (`blank`); the
    effort of each visit with one (`hits`), of every site (`totals`) and of every visit (`efforts`).
    """

    one_visit: bool
    missed: Floats
    hits: Floats
    blank: float
    totals: Floats
    efforts: Floats

    @classmethod
    def of(cls, detected: NDArray[Any], effort: Floats | None = None) -> "Counts":
        """Count."""
        seen = np.asarray(detected, dtype=np.float64)
        units = np.ones(seen.shape) if effort is None else np.asarray(effort, dtype=np.float64)
        looked = ~np.isnan(seen) & (units > 0)
        hit, worked = looked & (seen > 0), np.where(looked, units, 0.0)
        there, found, total = looked.any(axis=1), hit.any(axis=1), worked.sum(axis=1)
        one_visit = bool(looked.sum(axis=1).max() < 2)
        blank = float(np.where(hit, 0.0, worked)[found].sum())
        return cls(one_visit, total[there & ~found], units[hit], blank, total[there], units[looked])

    @property
    def found_at(self) -> int:
        """How many sites it was found at."""
        return len(self.totals) - len(self.missed)

    def log_likelihood(self, psi: float, log_rate: float) -> float:
        """Return the logarithm of the likelihood, less what no parameter changes."""
        rate = np.exp(log_rate)
        with np.errstate(divide="ignore"):
            of_found = self.found_at * np.log(psi) - rate * self.blank
            of_hits = np.log(-np.expm1(-rate * self.hits)).sum()
            of_missed = np.log1p(psi * np.expm1(-rate * self.missed)).sum()
        return float(of_found + of_hits + of_missed)

    def over_rate(self, psi: float) -> tuple[float, float]:
        """Return the rate of detection that fits an occupancy best, and the likelihood there."""
        return _largest(lambda x: self.log_likelihood(psi, x), LOG_RATE)

    def over_psi(self, log_rate: float) -> tuple[float, float]:
        """Return the occupancy that fits a rate of detection best, and the likelihood there."""
        return _largest(lambda psi: self.log_likelihood(psi, log_rate), (_EDGE, 1.0))

    def best(self) -> tuple[float, float, float]:
        """Return the occupancy and rate of the largest likelihood, and that likelihood."""
        # Where it is never missed where it is the likelihood only grows.
        rate = _largest(lambda x: self.over_psi(x)[1], LOG_RATE)[0] if self.blank else LOG_RATE[1]
        psi, best = self.over_psi(rate)
        return psi, rate, best


@dataclass(frozen=True, slots=True)
class Total:
    """Individuals of one species: the least and the most that were counted, and groups that another side may have counted, too."""

    by_side: dict[str, int]
    low: int
    high: int
    groups_in_doubt: int


def total(groups: pl.DataFrame, *, distance_m: float = 5_000.0, hours: float = 72.0) -> Total:
    """Return the total of one species as an interval.

    Each group has a side, individuals (null counts one), a place with its uncertainty, and moments, start and end, between which it
    was seen. Without place or time it may be any other; one of no side adds to the most and never to the least. `distance_m` and
    `hours` are how far apart circles of uncertainty, and times, of one group may be.
    """
    table = groups.select(
        side=pl.col("side").fill_null(NO_SIDE), size=pl.col("individuals").fill_null(1).clip(lower_bound=0).cast(pl.Int64)
    )  # fmt: skip
    by_side = dict(table.group_by("side").agg(pl.col("size").sum()).sort("side").iter_rows())
    one, other = _pairs(groups, distance_m, hours)
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(table.height, table.height))
    _, part = connected_components(graph, directed=False)
    of_sides = table.with_columns(part=part).filter(pl.col("side") != NO_SIDE)
    seen = of_sides.group_by("part", "side").agg(pl.col("size").sum()).group_by("part").agg(pl.col("size").max())
    return Total(by_side, int(seen["size"].sum()), int(table["size"].sum()), len(np.union1d(one, other)))


_PAIRS: Final = """
    SELECT a.n AS one, b.n AS other FROM placed a JOIN placed b ON a.side < b.side
    WHERE coalesce(sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2) - a.radius - b.radius <= $1, true)
          AND coalesce(greatest(a."start" - b."end", b."start" - a."end") <= $2, true)
"""


def _pairs(groups: pl.DataFrame, distance_m: float, hours: float) -> tuple[Ints, Ints]:
    """Return the rows of which two sides may have seen the same group."""
    latitude, longitude, radius = (pl.col(name).cast(pl.Float64) for name in PLACE)
    middle = groups["decimalLatitude"].cast(pl.Float64).mean()
    east_m, north_m = (float(one[0]) for one in metres_per_degree(np.array([middle or 0.0])))
    start, end = (pl.col(name).cast(pl.Datetime("us")).dt.epoch("s") for name in ("start", "end"))
    placed = groups.with_row_index("n").select(
        "n", "side", x=longitude * east_m, y=latitude * north_m, radius=radius.fill_null(0.0), start=start, end=end
    ).filter(pl.col("side") != NO_SIDE)  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("placed", placed)
        found = connection.execute(_PAIRS, [distance_m, hours * 3600]).pl().cast(pl.Int64)
    return found["one"].to_numpy(), found["other"].to_numpy()
