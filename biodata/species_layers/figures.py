"""Area of occupancy, extent of occurrence and observed occupancy of a species of an installation."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.settings import Settings
from biodata.species_layers.reading import day_of, records_of
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.species.figures import SpeciesFigures
    from biodata.geo import Floats

MOST_CELLS: Final = 16_000_000
"""In which occupancy is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresRequest:
    """What figures of a species are asked.

    Attributes
    ----------
    species : str
        As the records name it.
    view : EvidenceView
        Which records are read.
    as_of : date, optional
        Later records play no part; where none is told, the day of the lake's version.
    recent_years : int, optional
        Records of events before these years play no part; None for all times.
    max_uncertainty_m : float
        Records that are less certain play no part, metres.
    untold_uncertainty_m : float, optional
        What to take for the uncertainty of records that tell none; without it they play no part.
    keep_suspicious : bool
        Records of suspicious places (`flags.SUSPICIOUS`) play a part too.
    cell_m : float
        Side of a cell of the area of occupancy, metres.
    occupancy_cell_m : float
        Side of a cell in which occupancy and effort are told, metres.
    """

    species: str
    view: EvidenceView = EvidenceView.PUBLIC
    as_of: date | None = None
    recent_years: int | None = None
    max_uncertainty_m: float = 2_000.0
    untold_uncertainty_m: float | None = None
    keep_suspicious: bool = False
    cell_m: float = 2_000.0
    occupancy_cell_m: float = 10_000.0


@dataclass(frozen=True, slots=True)
class FiguresReport:
    """Figures of a species, what they were made of, and their shapes.

    Attributes
    ----------
    figures : SpeciesFigures
    occupancy : dict
        By country: cells with effort and the species, with effort without it, without effort; their naive share.
    facts : dict
        View, snapshot, rules, category, request, as plain values.
    category : SharingCategory
    """

    figures: "SpeciesFigures"
    occupancy: dict[str, Any]
    facts: dict[str, Any]
    category: SharingCategory

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {**self.figures.told(), **self.facts, "observed_occupancy": self.occupancy}

    def layers(self) -> "dict[str, gpd.GeoDataFrame]":
        """Return cells and hulls as layers, each row with the facts that it must name."""
        import geopandas as gpd

        from biodata.analysis.species.occupied_area import OccupiedArea

        named = {
            "species": self.figures.species,
            **{name: self.facts[name] for name in ("evidence_view", "snapshot", "sharing_category")},
            **{name: self.figures.facts[name] for name in ("boundary_set", "boundary_version", "viewpoint", "band_m")},
        }
        parts = {"all": self.figures.joint, **self.figures.by_country}
        hulls = [
            {
                **named, "of": code, "bound": "at most" if part.bounds else "", "records": part.records,
                "hull_km2": part.extent.hull_km2, "geometry": part.extent.polygon(),
            }
            for code, part in parts.items()
        ]  # fmt: skip
        out = {"extent": gpd.GeoDataFrame(hulls, geometry="geometry", crs=4326)}
        occupied = self.figures.joint.occupied
        if isinstance(occupied, OccupiedArea):
            cells = occupied.polygons()
            out["occupied_cells"] = gpd.GeoDataFrame([named] * len(cells), geometry=list(cells), crs=4326)
        return out


def figures_of(settings: Settings, request: FiguresRequest, *, occupancy: bool = True) -> FiguresReport:
    """Return figures of a species of an installation.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : FiguresRequest
    occupancy : bool
        Tell observed occupancy too, for which the records of other species are read.

    Raises
    ------
    InputError
        If there is no record of the species in the view asked, or a parameter does not fit.
    """
    from biodata.analysis import evidence
    from biodata.analysis.grid import equal_area_grid, refuse_more
    from biodata.analysis.species.figures import species_figures, untold_as, usable

    read = records_of(settings, view=request.view, species=request.species)
    parameters = evidence.EvidenceParameters(
        as_of=day_of(settings, request.as_of),
        cell_m=request.max_uncertainty_m,
        recent_years=request.recent_years,
        excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
    )

    def counted(records: pl.DataFrame) -> evidence.Counted:
        if request.untold_uncertainty_m is not None:
            records = untold_as(records, request.untold_uncertainty_m)
        return evidence.counted(records, boundaries=read.boundaries, parameters=parameters)

    own = counted(read.records)
    figures = species_figures(own, request.species, boundaries=read.boundaries, cell_m=request.cell_m)
    shares: dict[str, Any] = {}
    category = read.category
    used = usable(own, request.species)
    if occupancy and used.height:
        window = window_of(*(used[name].to_numpy() for name in ("decimalLongitude", "decimalLatitude")))
        grid = equal_area_grid(window, request.occupancy_cell_m)
        refuse_more(grid, MOST_CELLS, column="--occupancy-cell-m", expected="larger cells")
        west, south, east, north = window
        over_180 = west < -180 or east > 180
        around = records_of(settings, view=request.view, window=(-180.0, south, 180.0, north) if over_180 else window)
        category = max(category, around.category, key=lambda one: one.strictness)
        effort = evidence.effort(
            counted(around.records), request.species, grid=grid, boundaries=read.boundaries, known=read.records
        )
        shares = {
            "cell_m": request.occupancy_cell_m,
            "target_group": effort.facts["target_group"],
            "by_country": {code: _shares(cells) for code, cells in effort.by_side().items()},
        }
    asked = {
        "untold_uncertainty_m": request.untold_uncertainty_m, "keep_suspicious": request.keep_suspicious,
    }  # fmt: skip
    facts = {**read.facts, "sharing_category": str(category), "request": asked}
    return FiguresReport(figures, shares, facts, category)


def window_of(longitude: "Floats", latitude: "Floats") -> tuple[float, float, float, float]:
    """Return the smallest window round points with a margin of 0.1°; its east is above 180 where it goes over 180°."""
    turned = np.unique(longitude)
    ahead = np.diff(np.append(turned, turned[0] + 360))
    widest = int(ahead.argmax())
    west = float(turned[(widest + 1) % len(turned)])
    east = west + 360 - float(ahead[widest])
    south, north = float(latitude.min()), float(latitude.max())
    return west - 0.1, max(south - 0.1, -90.0), east + 0.1, min(north + 0.1, 90.0)


def _shares(cells: dict[str, int]) -> dict[str, Any]:
    """Return the counts of cells, and the share of those with effort that hold a record; none where nobody was."""
    from biodata.analysis.evidence.effort import NOT_RECORDED, RECORDED

    with_effort = cells[RECORDED] + cells[NOT_RECORDED]
    return {**cells, "share_of_cells_with_effort": cells[RECORDED] / with_effort if with_effort else None}
