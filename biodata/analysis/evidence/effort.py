"""Where a species was looked for, where people were without recording it, and where nobody was.

Effort is stated from two things. Events (sampling events, camera deployments) whose declared scope holds the species say that
it was looked for; absences recorded say the same. Records of its target group, of the same class and the same basis of
record, say that somebody was there who could have recorded it: their visits are counted, not the records. What is outside
every declared scope is never taken for absence, however many visits there are: `looked_for` alone can say that.

Target-group effort: Phillips et al. 2009, https://doi.org/10.1890/07-2153.1.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis.evidence import counting, sides
from biodata.analysis.grid import Grid
from biodata.analysis.scopes import Holds, holding, standing
from biodata.core import geo

if TYPE_CHECKING:
    from biodata.core.vocabularies import SharingCategory
    from biodata.places import BoundarySet

RECORDED: Final = "effort with the species"
NOT_RECORDED: Final = "effort without the species"
NO_EFFORT: Final = "no effort"
STATES: Final = (RECORDED, NOT_RECORDED, NO_EFFORT)
EVENTS: Final = pl.Schema(
    [
        ("eventID", pl.String), ("decimalLongitude", pl.Float64), ("decimalLatitude", pl.Float64),
        ("event_start", pl.Date), ("event_end", pl.Date), ("scope", pl.List(pl.String)),
        ("excluded", pl.List(pl.String)),
    ]
)  # fmt: skip
"""Events: `scope` names the taxa, of any rank, that were looked for, null where it is not declared; `excluded` those of them
that were not."""
_GOOD_ENOUGH: Final = (
    counting.ABSENT, counting.OVER_SEA, counting.OVER_BORDER, counting.IN_BAND, counting.DUPLICATE, counting.DEPENDENT,
)  # fmt: skip
"""Reasons with which a record is no evidence for a side, and somebody was there all the same."""
_RANKS: Final[tuple[str, ...]] = ("species", "genus", "family", "order", "class", "phylum", "kingdom")
_PLACE_DEGREES: Final = 0.001
Strictest = Callable[[pl.DataFrame], "SharingCategory"]


@dataclass(frozen=True, slots=True)
class Effort:
    """What was looked for in each cell.

    Attributes
    ----------
    cells : polars.DataFrame
        One row a cell: row, column; `country_code` of its centre (null at sea and on disputed ground); `visits` of the
        target group (distinct days, places and recorders); `looked_for`, events and absences whose scope holds the
        species; `nights`, days of those events; `records` of the species, and `counting` for a side of them; `state`,
        one of STATES.
    grid : Grid
        Where the cells lie.
    facts : dict
        Species, target group, boundary set and parameters as plain values; `events_without_scope` played no part.
    sharing_category : str
        That of the strictest record that was read: where people looked for a hidden species is hidden too.
    """

    cells: pl.DataFrame
    grid: Grid
    facts: dict[str, Any]
    sharing_category: str

    def by_side(self) -> dict[str, dict[str, int]]:
        """Count the cells of each country by state."""
        counts = self.cells.drop_nulls("country_code").group_by("country_code", "state").len()
        facts = {code: dict.fromkeys(STATES, 0) for code in sorted(counts["country_code"].unique())}
        for code, state, n in counts.iter_rows():
            facts[code][state] = n
        return facts


def effort(
    counted: counting.Counted, species: str, *, grid: Grid, boundaries: "BoundarySet",
    region: shapely.Geometry | None = None, events: pl.DataFrame | None = None, known: pl.DataFrame | None = None,
    strictest: Strictest | None = None,
) -> Effort:  # fmt: skip
    """Tell cells with effort and the species, with effort without it, and without effort.

    Parameters
    ----------
    counted : Counted
        Of the records of all species: those of the target group tell where people were.
    species : str
        Whose effort is asked.
    grid : Grid
        Cells of equal area; records whose uncertainty is larger than a cell of the analysis play no part.
    boundaries : BoundarySet
        Whose countries are the sides.
    region : shapely geometry, optional
        Degrees, WGS 84; only cells that it touches are stated. All of the grid where it is not given.
    events : polars.DataFrame of EVENTS, optional
    known : polars.DataFrame of terms.OCCURRENCE, optional
        Records of the species from anywhere, which state its class, its other ranks and on what basis it is recorded; those
        of `counted` where they are not given. Where no class is stated the species' own records and the events alone tell
        effort, and `facts` say so.
    strictest : callable, optional
        Tells the strictest sharing category of records (`sharing.strictest` with its rules); without it the result is
        taken to be withheld unless no record was read.

    Returns
    -------
    Effort
    """
    usable = counted.records.filter(pl.col("why_not").is_null() | pl.col("why_not").is_in(_GOOD_ENOUGH))
    # A record stated as a cell is somewhere in it: in the middle it would state effort, and the species, where none may be.
    wide = _published_wider(usable, grid.cell_m)
    told_wider, usable = usable.filter(wide), _in_cells(usable.filter(~wide), grid)
    own = usable.filter(pl.col("species") == species)
    known = counted.records.filter(pl.col("species") == species) if known is None else known
    group, stated = _target_group(usable, known)
    visit = visit_of(group.columns)
    present = pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT"
    at = ["row", "column"]
    visits = group.group_by(at).agg(visits=visit.n_unique())
    records = own.filter(present).group_by(at).agg(records=pl.len(), counting=pl.col("why_not").is_null().sum())
    declared, without_scope = _declared(events, known, species, grid)
    absences = own.filter(~present).group_by(at).agg(looked_for=visit.n_unique(), nights=pl.lit(0.0))
    looked = pl.concat(
        [
            frame.select(*at, pl.col("looked_for").cast(pl.Int64), pl.col("nights").cast(pl.Float64))
            for frame in (declared, absences)
        ]
    )
    looked = looked.group_by(at).agg(pl.col("looked_for", "nights").sum())
    cells = _cells(grid, region, boundaries)
    for frame in (visits, looked, records):
        cells = cells.join(frame, on=at, how="left", maintain_order="left")
    cells = cells.with_columns(
        pl.col("visits", "looked_for", "records", "counting").cast(pl.Int64).fill_null(0),
        pl.col("nights").fill_null(0.0),
    )
    state = (
        pl.when(pl.col("records") > 0)
        .then(pl.lit(RECORDED))
        .when(pl.max_horizontal("visits", "looked_for") > 0)
        .then(pl.lit(NOT_RECORDED))
        .otherwise(pl.lit(NO_EFFORT))
    )
    read = pl.concat([group, own], how="diagonal_relaxed").unique("key").drop("row", "column")
    facts = counted.facts | {
        "species": species, **stated, "cell_m": grid.cell_m, "events_without_scope": without_scope,
        "told_as_larger_cells": {
            "of_the_species": told_wider.filter(pl.col("species") == species).height, "of_all": told_wider.height,
            "meaning": "records published as cells larger than a cell of effort play no part: they lie somewhere in theirs",
        },
        "absence": "told by looked_for alone: cells inside a declared scope; visits of the target group tell none",
    }  # fmt: skip
    return Effort(cells.with_columns(state=state), grid, facts, category_of(read, strictest))


def visit_of(columns: Collection[str]) -> pl.Expr:
    """Return what records of one visit share: a day, a place, and who recorded there or in which dataset."""
    return pl.struct(
        pl.coalesce(pl.col("event_start"), pl.date(pl.col("year"), 1, 1)),
        (pl.col("decimalLongitude") / _PLACE_DEGREES).round(),
        (pl.col("decimalLatitude") / _PLACE_DEGREES).round(),
        pl.coalesce(*(name for name in ("recordedBy", "datasetKey") if name in columns)),
    )


def category_of(records: pl.DataFrame, strictest: Strictest | None) -> str:
    """Return the strictest category of records: withheld where nobody can tell, open where there are none."""
    if records.is_empty():
        return "open"
    return "withheld" if strictest is None else str(strictest(records))


def _published_wider(records: pl.DataFrame, cell_m: float) -> pl.Series:
    """Tell which records are published as a cell that is larger than one of effort."""
    if sides.EDGES[0] not in records.columns:
        return pl.Series(np.zeros(records.height, dtype=bool))
    known = sides.reached(records)
    return known.select(
        (pl.col(sides.EDGES[0]).is_not_null() & (pl.col("reach_m") > cell_m)).fill_null(value=False)
    ).to_series()


def _in_cells(frame: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Add the row and column of the cells of records; those outside the grid go."""
    rows, columns = grid.cells_at(frame["decimalLongitude"].to_numpy(), frame["decimalLatitude"].to_numpy())
    return frame.with_columns(row=pl.Series(rows, dtype=pl.Int64), column=pl.Series(columns, dtype=pl.Int64)).filter(
        pl.col("row") >= 0
    )


def _target_group(usable: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the records of a species' class and bases of record, and what these are; none where they are not known."""
    classes = known["class"].drop_nulls().unique().sort().to_list()
    # A presence tells no basis: then those of all wild records count.
    told_bases = known["basisOfRecord"].drop_nulls()
    told_bases = usable["basisOfRecord"].drop_nulls() if told_bases.is_empty() else told_bases
    bases = [basis for basis in told_bases.unique().sort() if basis not in counting.NOT_WILD]
    group = usable.filter(pl.col("class").is_in(classes), pl.col("basisOfRecord").is_in(bases))
    facts: dict[str, Any] = {"target_group": {"class": classes, "basisOfRecord": bases}}
    if not classes or not bases:
        facts["note"] = "no record tells the species' class: only its own records and declared events tell effort"
    return group, facts


def _declared(events: pl.DataFrame | None, known: pl.DataFrame, species: str, grid: Grid) -> tuple[pl.DataFrame, int]:
    """Return how often and for how many nights a species was looked for in cells, and the events without a scope."""
    nothing = pl.DataFrame(schema={"row": pl.Int64, "column": pl.Int64, "looked_for": pl.Int64, "nights": pl.Float64})
    if events is None or events.is_empty():
        return nothing, 0
    facts = {rank: known[rank].drop_nulls().unique().to_list() for rank in _RANKS if rank in known.columns}
    answers = holding(events["scope"], standing(species, facts), excluded=events["excluded"])
    declared = events.filter(answers == Holds.INSIDE)
    nights = (pl.col("event_end") - pl.col("event_start")).dt.total_days().cast(pl.Float64).fill_null(0.0)
    inside = _in_cells(declared.drop_nulls(["decimalLongitude", "decimalLatitude"]), grid)
    found = inside.group_by("row", "column").agg(looked_for=pl.len(), nights=nights.clip(lower_bound=0).sum())
    return found, int(events["scope"].is_null().sum())


def _cells(grid: Grid, region: shapely.Geometry | None, boundaries: "BoundarySet") -> pl.DataFrame:
    """Return the cells that a region touches, with the country of each centre."""
    rows, columns = (part.ravel() for part in np.indices(grid.shape))
    if region is not None:
        flat = geo.project(geo.densify(region, max_segment_degrees=0.1), 4326, grid.crs)
        shapely.prepare(flat)
        centre, half = grid.centres(rows, columns), grid.cell_m / 2
        inside = shapely.intersects(flat, shapely.box(*(centre - half).T, *(centre + half).T))
        rows, columns = rows[inside], columns[inside]
    lonlat = grid.lonlat(rows, columns)
    where = places.locate(lonlat[:, 0].copy(), lonlat[:, 1].copy(), boundaries)
    return pl.DataFrame(
        {
            "row": pl.Series(rows, dtype=pl.Int64),
            "column": pl.Series(columns, dtype=pl.Int64),
            "country_code": where["located_country_code"],
        }
    )
