"""Named, replaceable sets of boundaries with a viewpoint; none of them is biodata's position on any boundary."""

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypedDict

import numpy as np
import polars as pl
import shapely

from biodata.errors import InputError
from biodata.geo import Geometries
from biodata.places.borders import Lines
from biodata.places.cells import Cells, cells_of
from biodata.places.edges import SEA, Edges, Ints, edges_of
from biodata.places.pieces import Pieces

REACH_M: Final = 30_000.0
"""Distances to a land border are told up to here."""


@dataclass(frozen=True, eq=False, repr=False)
class BoundarySet:
    """Countries and first-level divisions that touch without gap or overlap.

    Attributes
    ----------
    name, version, source, licence : str
        What it is and where it comes from.
    viewpoint : str
        Whose view of the boundaries it is.
    band_m : float
        Within this distance of a border a place may belong to either side.
    units : polars.DataFrame of n rows
        level ('province', 'country', 'disputed', 'uncoded'), country_code, province_code, name; a disputed or uncoded
        unit has no codes and belongs to no side.
    shapes : ndarray of n shapely polygons
        Degrees, WGS 84.
    claim_lines : polars.DataFrame
        name and geometry (WKB) of lines that somebody claims as a border; they bound no unit and decide nothing.
    """

    name: str
    version: str
    source: str
    licence: str
    viewpoint: str
    band_m: float
    units: pl.DataFrame
    shapes: Geometries
    claim_lines: pl.DataFrame

    def __repr__(self) -> str:
        """Say which set it is; the frames and polygons would fill pages."""
        return f"<BoundarySet {self.name}: {self.units.height} units, {self.version}>"

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone: what was worked out from them (trees, locks) another process works out itself."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def told(self) -> dict[str, str | float]:
        """Return what every output that depends on borders has to name: the set, its version, viewpoint and band."""
        return {
            "boundary_set": self.name,
            "boundary_version": self.version,
            "viewpoint": self.viewpoint,
            "band_m": self.band_m,
        }

    @cached_property
    def countries(self) -> list[str | None]:
        """Country codes by number; a disputed or uncoded unit has a number of its own without a code."""
        return [*self._coded, *([None] * self.units["country_code"].null_count())]

    @cached_property
    def _coded(self) -> list[str]:
        return self.units["country_code"].drop_nulls().unique().sort().to_list()

    @cached_property
    def country_of(self) -> Ints:
        """Number of each unit's country in `countries`."""
        coded = {code: number for number, code in enumerate(self._coded)}
        codes = self.units["country_code"].to_list()
        spare = iter(range(len(coded), len(self.countries)))
        return np.array([next(spare) if code is None else coded[code] for code in codes], dtype=np.int32)

    @cached_property
    def provinces(self) -> list[str | None]:
        """Code of each unit's division; None where it has none."""
        return self.units["province_code"].to_list()

    @cached_property
    def edges(self) -> Edges:
        """Every edge with the units on both sides."""
        return edges_of(self.shapes)

    @cached_property
    def cells(self) -> Cells:
        """The index that tells a point's unit."""
        return cells_of(self.edges)

    @cached_property
    def border_edges(self) -> Edges:
        """The edges between the land of two countries."""
        e = self.edges
        land = (e.left != SEA) & (e.right != SEA)
        return _pick(e, land & (self.country_of[e.left] != self.country_of[e.right]))

    @cached_property
    def coast_edges(self) -> Edges:
        """The edges between land and sea."""
        return _pick(self.edges, (self.edges.left == SEA) | (self.edges.right == SEA))

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The index of the units' polygons."""
        return shapely.STRtree(self.shapes)

    @cached_property
    def pieces(self) -> Pieces:
        """The units' polygons cut along whole degrees."""
        return Pieces(self.shapes, self.tree)

    @cached_property
    def borders(self) -> Lines:
        """The index of distances to land borders."""
        return Lines(self.border_edges.ends, reach_m=REACH_M, band_m=self.band_m)

    @cached_property
    def coasts(self) -> Lines:
        """The index of distances to coasts, no farther than the band."""
        return Lines(self.coast_edges.ends, reach_m=self.band_m, band_m=self.band_m)


def _pick(edges: Edges, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Edges:
    """Return the edges where `mask` is True."""
    return Edges(edges.ends[mask], edges.left[mask], edges.right[mask])


class _Facts(TypedDict):
    """What is known of a set beside its units."""

    version: str
    source: str
    licence: str
    viewpoint: str
    band_m: float


_NATURAL_EARTH: Final[_Facts] = {
    "version": "4.1.0, 1:10 million, simplified by QGIS; Langkawi in Kedah",
    "source": "Natural Earth, from Debian's qgis-common 3.40.6+dfsg-1 (biodata/data/README.md)",
    "licence": "public domain",
    "viewpoint": (
        "Natural Earth draws who holds the ground (de facto). Codes are ISO 3166's, which lists Taiwan, Hong Kong and "
        "Macao by themselves. The Paracel Islands, the Spratly Islands and the Siachen Glacier are marked as disputed "
        "and belong to no side. biodata takes no position on any boundary."
    ),
    "band_m": 5000.0,
}
_SETS: Final = MappingProxyType({"natural_earth": _NATURAL_EARTH})


@lru_cache
def load_boundaries(name: str = "natural_earth") -> BoundarySet:
    """Return a boundary set; the same object each time.

    Parameters
    ----------
    name : str
        Name of a bundled set, or the path of one's own (`own_sets.read_boundaries`).

    Raises
    ------
    InputError
        If there is no set of that name; the message names those that there are. If a file is no boundary set.
    """
    if name.lower().endswith((".gpkg", ".geojson", ".shp")):
        from biodata.places.own_sets import read_boundaries

        return read_boundaries(Path(name))
    if name not in _SETS:
        problem = f"no boundary set called {name!r}"
        raise InputError(
            problem,
            expected=f"known sets: {', '.join(_SETS)}; or the path of a .gpkg, .geojson or .shp",
            code="BOUNDARIES_UNKNOWN",
        )
    with files("biodata.data").joinpath(f"boundaries_{name}.parquet").open("rb") as file:
        frame = pl.read_parquet(file)
    polygons = frame.filter(pl.col("level") != "claim_line")
    return BoundarySet(
        name=name,
        units=polygons.drop("geometry"),
        shapes=shapely.from_wkb(polygons["geometry"].to_numpy()),
        claim_lines=frame.filter(pl.col("level") == "claim_line").select("name", "geometry"),
        **_SETS[name],
    )
