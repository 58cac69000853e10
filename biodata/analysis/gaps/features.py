"""Features of a gap analysis (classes, ranges, rasters) and the targets that they are held against."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import polars as pl
import shapely

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.analysis.gaps.protected import AMOUNTS, PLANE, Layers, Protected
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.reserves import problem as targets
from biodata.core import geo, grouped
from biodata.core.errors import InputError
from biodata.core.geo import Geometries
from biodata.formats.vectors import read_frame

if TYPE_CHECKING:
    import geopandas as gpd

_LONGEST_M = 5_000.0
Rule = Literal["log-linear", "relative", "absolute"]
RULES: Final = ("log-linear", "relative", "absolute")


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Named polygons of one kind.

    Attributes
    ----------
    kind : str
        province, landscape, ecoregion, range, habitat, …
    names : list of n str
        Each once.
    shapes : ndarray of n shapely polygons
        Degrees, WGS 84, valid.
    """

    kind: str
    names: list[str]
    shapes: Geometries


def provinces(countries: Sequence[str], boundaries: places.BoundarySet) -> Places:
    """Return the first-level divisions of countries by their codes and names.

    Raises
    ------
    InputError
        If the set has none of a country (PROVINCES_MISSING).
    """
    units = boundaries.units.with_row_index("at").filter(pl.col("country_code").is_in(list(countries)))
    if without := set(countries) - set(units.filter(pl.col("level") == "province")["country_code"]):
        problem = f"the boundary set {boundaries.name} has no provinces of it"
        expected = "a set with province_column, or no --provinces"
        raise InputError(
            problem, column="--provinces", value=", ".join(sorted(without)), expected=expected, code="PROVINCES_MISSING"
        )
    units = units.filter(pl.col("level") == "province").with_columns(
        name=pl.concat_str(
            "province_code", pl.col("name").first().over("province_code"), separator=" ", ignore_nulls=True
        )
    )
    return dissolved("province", units["name"].to_list(), boundaries.shapes[units["at"].to_numpy()])


def read_places(path: Path, *, name: str, kind: str) -> Places:
    """Read polygons from a file; those of one name are one, where they overlap too.

    Parameters
    ----------
    path : Path
        What GDAL reads: GeoPackage, GeoJSON, shapefile, …; points and lines in it are left out.
    name : str
        The column of names.
    kind : str
        What they are.

    Raises
    ------
    InputError
        If the file cannot be read (LAYER_UNREADABLE), tells no coordinate system (CRS_MISSING), lacks the column
        (COLUMN_MISSING), a polygon has no name (NAME_MISSING), or there is none (INPUT_EMPTY).
    """
    layer = polygon_rows(path)
    return dissolved(kind, named(layer, name, path), layer.geometry.to_numpy())


def polygon_rows(path: Path) -> "gpd.GeoDataFrame":
    """Return the rows of a file that have a polygon, degrees, WGS 84, with their number in the file as index, from 1.

    Raises
    ------
    InputError
        As `read_places`.
    """
    import geopandas as gpd

    layer = read_frame(path)
    if not isinstance(layer, gpd.GeoDataFrame):
        problem = "there is no polygon in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    if layer.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, code="CRS_MISSING")
    layer = layer.to_crs(4326)
    layer.index = pd.RangeIndex(1, len(layer) + 1)
    layer = layer.set_geometry(polygonal(layer.geometry.to_numpy()))
    layer = layer[~shapely.is_empty(layer.geometry.to_numpy())]
    if layer.empty:
        problem = "there is no polygon in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    west, south, east, north = layer.total_bounds
    if not (west >= -361 and east <= 361 and south >= -90.01 and north <= 90.01):
        problem = "the polygons lie off the earth: these are no degrees of the system that is told"
        text = f"{west:g}, {south:g}, {east:g}, {north:g}"
        raise InputError(problem, file=path.name, value=text, expected="another coordinate system", code="CRS_WRONG")
    return layer


def named(layer: "gpd.GeoDataFrame", name: str, path: Path) -> list[str]:
    """Return the name of each row.

    Raises
    ------
    InputError
        If there is no such column (COLUMN_MISSING), or a row has no name (NAME_MISSING).
    """
    if name not in layer.columns:
        known = ", ".join(str(column) for column in layer.columns if column != "geometry") or "none"
        problem = "there is no such column"
        raise InputError(problem, file=path.name, column=name, expected=f"one of {known}", code="COLUMN_MISSING")
    without = layer[name].isna() | (layer[name].astype(str).str.strip() == "")
    if without.any():
        problem = "this polygon has no name"
        row = int(layer.index[without.to_numpy()][0])
        raise InputError(problem, file=path.name, row=row, column=name, code="NAME_MISSING")
    return [str(one).strip() for one in layer[name]]


def dissolved(kind: str, names: list[str], shapes: Geometries) -> Places:
    """Return each name once, with all of its polygons joined, by name."""
    rows = grouped((name, at) for at, name in enumerate(names))
    lines = sorted(rows)
    joined = [
        shapes[rows[name][0]] if len(rows[name]) == 1 else shapely.union_all(shapes[rows[name]]) for name in lines
    ]
    return Places(kind, lines, polygonal(np.array(joined, dtype=object)))


def amounts_of_classes(
    values: Floats, grid: Grid, layers: Layers, *, features: Mapping[str, Sequence[float] | None]
) -> pl.DataFrame:
    """Return what each class of a raster shares with layers; a cell counts where its centre lies.

    Parameters
    ----------
    values : ndarray of float64, (rows, columns)
        Class numbers; nan where there is no data.
    grid : Grid
    layers : Layers
        Of `protected.layers_of`.
    features : mapping of str to sequence of float
        The classes of each feature; None for every cell above 0, as in an area of habitat.

    Returns
    -------
    polars.DataFrame of protected.AMOUNTS
        Features by their number in the mapping.
    """
    cell_km2 = np.broadcast_to(grid.cell_km2(), grid.shape).ravel()
    flat = values.ravel()
    what = layers.keys["what"].to_numpy()
    owners = [_owners(layers, np.flatnonzero(what == name), grid) for name in ("land", "inner", "protected")]
    rows: list[tuple[int, str, int | None, float]] = []
    for number, classes in enumerate(features.values()):
        inside = flat > 0 if classes is None else np.isin(flat, np.asarray(classes, dtype=np.float64))
        rows.append((number, "all", None, float(cell_km2[inside].sum())))
        for owner in owners:
            held = inside & (owner >= 0)
            sums = np.bincount(owner[held], cell_km2[held], layers.keys.height)
            rows += [(number, str(what[key]), int(key), float(sums[key])) for key in np.flatnonzero(sums)]
    schema = {"feature": pl.Int64, "what": pl.String, "key": pl.Int64, "km2": pl.Float64}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    keys = layers.keys.drop("what").with_row_index("key").with_columns(pl.col("key").cast(pl.Int64))
    return found.join(keys, on="key", how="left", maintain_order="left").select(
        pl.col(name).cast(dtype) for name, dtype in AMOUNTS.items()
    )


def _owners(layers: Layers, keys: Ints, grid: Grid) -> Ints:
    """Return which of these keys holds each cell's centre, -1 for none; flat."""
    from rasterio.features import rasterize

    west, south, east, north = grid.bounds
    window = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 50)
    near = shapely.intersects(
        shapely.box(*shapely.bounds(geo.project(window, grid.crs, PLANE))), layers.shapes
    ) & np.isin(layers.key, keys)
    rows = np.flatnonzero(near)
    if not len(rows):
        return np.full(grid.cells, -1, dtype=np.int64)
    shapes = geo.project(shapely.segmentize(layers.shapes[rows], _LONGEST_M), PLANE, grid.crs)
    burnt = rasterize(
        zip(shapes, (layers.key[rows] + 1).tolist(), strict=True),
        out_shape=grid.shape,
        transform=grid.transform,
        dtype="int32",
    )
    owner: Ints = burnt.ravel().astype(np.int64) - 1
    return owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How much of a feature should be protected.

    Attributes
    ----------
    rule : log-linear, relative or absolute
        Log-linear: all of a range up to `small_km2`, `large_share` of one of `large_km2` or more, between them a share that
        falls with the logarithm of the size; of ranges of `cap_range_km2` or more `cap_km2` is enough. Relative: `share`.
        Absolute: `km2`, or all where there is less.
    share : float
        0-1.
    km2 : float
        Square kilometres.
    small_km2, large_km2, large_share, cap_range_km2, cap_km2 : float
        Of the log-linear rule.

    Notes
    -----
    Rodrigues et al. 2004, https://doi.org/10.1641/0006-3568(2004)054[1092:GGAPRF]2.0.CO;2; the cap is that of Butchart et
    al. 2015, https://doi.org/10.1111/conl.12158.
    """

    rule: Rule = "log-linear"
    share: float = 0.3
    km2: float = 1_000.0
    small_km2: float = 1_000.0
    large_km2: float = 250_000.0
    large_share: float = 0.1
    cap_range_km2: float = 10_000_000.0
    cap_km2: float = 1_000_000.0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            problem = "there is no such target"
            raise InputError(
                problem, column="rule", value=self.rule, expected=f"one of {', '.join(RULES)}", code="TARGET_INVALID"
            )
        if not 0 < self.km2 < np.inf:
            problem = "the target is no area"
            raise InputError(
                problem, column="km2", value=f"{self.km2:g}", expected="above 0 km²", code="TARGET_INVALID"
            )
        self.needed_km2(np.ones(1))

    def needed_km2(self, range_km2: Floats) -> Floats:
        """Return how much should be protected of ranges of these sizes, km²."""
        if self.rule == "relative":
            return targets.relative(range_km2, self.share)
        if self.rule == "absolute":
            return np.minimum(range_km2, self.km2)
        return targets.log_linear(
            range_km2, lower_amount=self.small_km2, lower_share=1.0, upper_amount=self.large_km2,
            upper_share=self.large_share, cap_amount=self.cap_range_km2, cap_target=self.cap_km2,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain values, without those that it does not look at."""
        used = {"relative": ("share",), "absolute": ("km2",)}
        plain = asdict(self)
        rest = [name for name in plain if name not in ("rule", "share", "km2")]
        return {name: plain[name] for name in ("rule", *used.get(self.rule, rest))}


MET: Final = "met"
PARTIAL: Final = "partial"
GAP: Final = "gap"
OUTSIDE: Final = "outside"
LEAST_KM2: Final = 0.01
"""Less than a hectare inside protected ground is the rounding of two maps."""
_ENOUGH: Final = 1 - 1e-9

REPRESENTATION: Final = pl.Schema(
    {
        "scenario": pl.String, "as_of": pl.Date, "feature_kind": pl.String, "feature": pl.String,
        "country_code": pl.String, "whole_km2": pl.Float64, "here_km2": pl.Float64, "outside_band_km2": pl.Float64,
        "share_of_whole": pl.Float64, "protected_area_km2": pl.Float64, "oecm_km2": pl.Float64,
        "protected_km2": pl.Float64, "protected_share": pl.Float64, "circles_km2": pl.Float64,
        "undated_km2": pl.Float64, "target_share": pl.Float64, "target_km2": pl.Float64, "missing_km2": pl.Float64,
        "status": pl.String,
    }
)  # fmt: skip
"""One row a scenario, date, feature and country; `country_code` is null for all of them jointly. `here_km2` is on land of the
country, `outside_band_km2` of it farther from every border than maps may disagree; `status` met, partial (some of it is protected), gap (less than a hectare is), or outside (none of it lies here)."""

RESPONSIBILITY: Final = pl.Schema(
    [
        ("scenario", pl.String), ("as_of", pl.Date), ("feature_kind", pl.String), ("feature", pl.String),
        ("countries", pl.List(pl.String)), ("shares", pl.List(pl.Float64)), ("only_in_band", pl.List(pl.String)),
        ("share_elsewhere", pl.Float64), ("joint_status", pl.String), ("meet_their_part", pl.List(pl.String)),
        ("miss_their_part", pl.List(pl.String)), ("enough_alone", pl.List(pl.String)),
        ("met_only_together", pl.Boolean), ("possible_only_together", pl.Boolean),
    ]
)  # fmt: skip
"""One row a scenario, date and feature that lies in several of the countries, in each of them farther from a border than
the band; countries that it reaches inside the band alone stand in `only_in_band`, as there two maps disagree. `shares` are of the whole range, by
`countries`, and `share_elsewhere` is the rest: in other countries, or at sea. `enough_alone` protect by themselves all
that is jointly asked. `met_only_together`: the joint target is met, and by no country alone. `possible_only_together`: no
country holds as much range as is jointly asked, so none could meet it even by protecting all."""


def representation(
    found: pl.DataFrame, names: list[str], kind: str, protected: Protected, countries: list[str], *, target: Target
) -> pl.DataFrame:
    """Return how much of features is protected, against a target.

    Parameters
    ----------
    found : polars.DataFrame of protected.AMOUNTS
        Of `protected.amounts` or `rasters.amounts_of_classes`.
    names : list of str
        Of the features, by their number.
    kind : str
        What they are: range, area of habitat, habitat, occupied cells.
    protected : Protected
        The scenario that was measured.
    countries : list of str
        ISO 3166-1 alpha-2 codes of the layers' countries.
    target : Target

    Returns
    -------
    polars.DataFrame of REPRESENTATION
        By feature, then country, the joint row last.
    """
    whole = found.filter(what="all").select("feature", whole_km2="km2")
    on_land = found.filter(
        pl.col("country_code").is_in(countries), pl.col("realm").fill_null("terrestrial") != "marine"
    )
    km2, ground = pl.col("km2"), pl.col("what") == "protected"
    sums = {
        "here_km2": km2.filter(pl.col("what") == "land").sum(),
        "outside_band_km2": km2.filter(pl.col("what") == "inner").sum(),
        "protected_area_km2": km2.filter(ground & (pl.col("kind") != "oecm")).sum(),
        "oecm_km2": km2.filter(ground & (pl.col("kind") == "oecm")).sum(),
        "circles_km2": km2.filter(ground & pl.col("circle")).sum(),
        "undated_km2": km2.filter(ground & pl.col("undated")).sum(),
    }
    single = on_land.group_by("feature", "country_code").agg(**sums)
    joint = on_land.group_by("feature").agg(**sums).with_columns(country_code=pl.lit(None, dtype=pl.String))
    asked = [*countries, *([None] if len(countries) > 1 else [])]
    every = whole.join(pl.DataFrame({"country_code": asked}, schema_overrides={"country_code": pl.String}), how="cross")
    table = every.join(
        pl.concat([single, joint], how="diagonal"), on=["feature", "country_code"], how="left", nulls_equal=True,
        maintain_order="left",
    ).with_columns(pl.col(*sums).fill_null(0.0))  # fmt: skip
    needed = target.needed_km2(whole["whole_km2"].to_numpy())
    with np.errstate(invalid="ignore"):
        shares = pl.Series(needed / whole["whole_km2"].to_numpy()).fill_nan(None)
    share_of = whole.select("feature", target_share=shares)
    here, protected_km2 = pl.col("here_km2"), pl.col("protected_km2")
    return (
        table.join(share_of, on="feature", how="left", maintain_order="left")
        .with_columns(
            protected_km2=pl.col("protected_area_km2") + pl.col("oecm_km2"), target_km2=pl.col("target_share") * here
        )
        .with_columns(
            scenario=pl.lit(protected.scenario),
            as_of=pl.lit(protected.as_of),
            feature_kind=pl.lit(kind),
            share_of_whole=pl.when(pl.col("whole_km2") > 0).then(here / pl.col("whole_km2")),
            protected_share=pl.when(here > 0).then(protected_km2 / here),
            missing_km2=(pl.col("target_km2") - protected_km2).clip(lower_bound=0),
            status=pl.when(here <= LEAST_KM2)
            .then(pl.lit(OUTSIDE))
            .when(protected_km2 >= pl.col("target_km2") * _ENOUGH)
            .then(pl.lit(MET))
            .when(protected_km2 > LEAST_KM2)
            .then(pl.lit(PARTIAL))
            .otherwise(pl.lit(GAP)),
            feature=pl.col("feature").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
        )
        .select(REPRESENTATION.names())
    )


def responsibility(table: pl.DataFrame) -> pl.DataFrame:
    """Return for features that lie in several countries which of them holds how much, and who must act with whom.

    Parameters
    ----------
    table : polars.DataFrame of REPRESENTATION

    Returns
    -------
    polars.DataFrame of RESPONSIBILITY
        `shares` from the largest.
    """
    keys = ["scenario", "as_of", "feature_kind", "feature"]
    joint = table.filter(pl.col("country_code").is_null()).select(
        *keys, "share_of_whole", joint_status="status", joint_target_km2="target_km2"
    )
    here = table.filter(pl.col("country_code").is_not_null(), pl.col("status") != OUTSIDE)
    inside = pl.col("outside_band_km2") > LEAST_KM2
    in_band = here.filter(~inside).group_by(keys).agg(only_in_band=pl.col("country_code"))
    single = here.filter(inside)
    rows = single.join(joint.drop("share_of_whole"), on=keys, maintain_order="left")
    code, enough = pl.col("country_code"), pl.col("protected_km2") >= pl.col("joint_target_km2") * _ENOUGH
    met = pl.col("status") == MET
    found = (
        rows.sort("share_of_whole", descending=True, maintain_order=True)
        .group_by(keys, maintain_order=True)
        .agg(
            countries=code,
            shares=pl.col("share_of_whole"),
            joint_status=pl.col("joint_status").first(),
            meet_their_part=code.filter(met),
            miss_their_part=code.filter(~met),
            enough_alone=code.filter(enough),
            most_km2=pl.col("here_km2").max(),
            joint_target_km2=pl.col("joint_target_km2").first(),
        )
        .filter(pl.col("countries").list.len() > 1)
    )
    return (
        found.join(joint.select(*keys, share_elsewhere=1 - pl.col("share_of_whole")), on=keys, maintain_order="left")
        .join(in_band, on=keys, how="left", maintain_order="left")
        .with_columns(
            pl.col("only_in_band").fill_null([]),
            pl.col("share_elsewhere").clip(lower_bound=0),
            met_only_together=(pl.col("joint_status") == MET) & (pl.col("enough_alone").list.len() == 0),
            possible_only_together=pl.col("most_km2") < pl.col("joint_target_km2") * _ENOUGH,
        )
        .sort(keys)
        .select(RESPONSIBILITY.names())
    )
