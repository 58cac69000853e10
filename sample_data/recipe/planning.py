"""Small inputs of the planner's commands around Shangyong and Nam Ha: one file for each kind that they read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from pyproj import Transformer

from recipe import areas, files, ground, layers, terrain
from recipe.layers import Window
from recipe.tables import chance, table

GROUND: Final = Window("planning", "EPSG:32647", 720_000.0, 2_390_000.0, 500.0, 200, 200)
"""100 km by 100 km of the border of China and Laos."""
CLIMATE: Final = Window("climate", "EPSG:4326", 100.5, 22.5, 0.025, 80, 80)
WARMING_C: Final = 2.5
LAPSE_C_PER_M: Final = 0.0055
"""Cooling with height, near the mean of the free atmosphere."""
SPECIES: Final = (("Elephas maximus", 60), ("Bos gaurus", 50), ("Sus scrofa", 160), ("Muntiacus vaginalis", 130))
"""Species and how many records."""
RANGES: Final = {
    "Elephas maximus": (100.9, 20.6, 102.0, 21.8), "Bos gaurus": (101.0, 20.4, 102.4, 22.4),
    "Nomascus leucogenys": (101.4, 20.5, 102.6, 21.6),
}  # fmt: skip
"""Species and west, south, east, north of a range."""
PLACES: Final = ((101.35, 21.25), (101.62, 21.12), (101.20, 20.95), (101.75, 21.32), (101.48, 20.80))


def make(out: Path) -> None:
    """Write the files of `planning/`."""
    folder = out / "planning"
    folder.mkdir(parents=True, exist_ok=True)
    _resistance(folder)
    _climate(folder)
    _records(folder)
    _shapes(folder)
    _network(folder)
    _circuit(folder)
    _marxan(folder / "marxan")


def _resistance(folder: Path) -> None:
    """Write how hard each cell is to cross."""
    longitude, latitude = layers.centres(GROUND)
    cover = ground.landcover(longitude, latitude, areas.protected_ground())
    classes = table("landcover_classes")
    cost = np.zeros(256, dtype=np.uint8)
    cost[classes["class_value"].cast(pl.Int64)] = classes["resistance"].cast(pl.Int64)
    cells = cost[cover].reshape(GROUND.height, GROUND.width)
    layers.write(folder / "resistance.tif", cells, GROUND, nodata=0, description="resistance")


def _climate(folder: Path) -> None:
    """Write the yearly mean temperature of today and of fifty years from now, tenths of a degree."""
    longitude, latitude = layers.centres(CLIMATE)
    height = terrain.elevation(longitude, latitude).reshape(CLIMATE.height, CLIMATE.width)
    warming = WARMING_C + 0.4 * np.linspace(0, 1, CLIMATE.height)[:, None]
    today = 27.0 - LAPSE_C_PER_M * height
    for name, cells in (("temperature_now.tif", today), ("temperature_2075.tif", today + warming)):
        rounded = cells.round(1).astype(np.float32)
        layers.write(folder / name, rounded, CLIMATE, nodata=-9999, description="mean temperature, degrees Celsius")


def _records(folder: Path) -> None:
    """Write records of mammals, more of them where there is forest, and the herds that paths start from."""
    rows = []
    for species, count in SPECIES:
        rng = chance(f"planning {species}")
        at = np.column_stack([rng.uniform(101.1, 101.95, 4000), rng.uniform(20.65, 21.55, 4000)])
        weight = np.where(np.isin(ground.landcover(at[:, 0], at[:, 1]), (2, 5)), 1.0, 0.15)
        chosen = rng.choice(len(at), count, replace=False, p=weight / weight.sum())
        for number, (longitude, latitude) in enumerate(at[chosen].round(5).tolist(), start=1):
            day = f"{rng.integers(2016, 2026)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
            rows.append([f"syn-{species.split()[0].lower()}-{number}", species, "Mammalia", f"{longitude:.5f}", f"{latitude:.5f}",
                         day, str(rng.choice([30, 100, 250]))])  # fmt: skip
    names = ["occurrenceID", "species", "class", "decimalLongitude", "decimalLatitude", "eventDate",
             "coordinateUncertaintyInMeters"]  # fmt: skip
    (folder / "records.csv").write_bytes(files.delimited(pl.DataFrame(rows, schema=names, orient="row")))
    herds = [[f"herd {n}", f"{x:.2f}", f"{y:.2f}"] for n, (x, y) in enumerate(PLACES[:2], start=1)]
    frame = pl.DataFrame(herds, schema=["name", "longitude", "latitude"], orient="row")
    (folder / "herds.csv").write_bytes(files.delimited(frame))


def _shapes(folder: Path) -> None:
    """Write a fence with two gates, salt licks, and ranges of species."""
    fence = [(101.10, 21.40), (101.40, 21.19), (101.70, 21.16), (101.95, 21.22)]
    gates = [({"crossing_id": "west gate", "width_m": 800}, (101.40, 21.19)),
             ({"crossing_id": "east gate", "width_m": 1500}, (101.70, 21.16))]  # fmt: skip
    licks = [({"name": f"salt lick {n}"}, place) for n, place in enumerate(PLACES[2:], start=1)]
    line = {"type": "LineString", "coordinates": fence}
    _geojson(folder / "fence.geojson", [({"barrier_id": "fence", "kind": "fence"}, line)])
    _geojson(folder / "gates.geojson", [(told, _point(place)) for told, place in gates])
    _geojson(folder / "salt_licks.geojson", [(told, _point(place)) for told, place in licks])
    boxes = []
    for species, (west, south, east, north) in RANGES.items():
        ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        boxes.append(({"species": species}, {"type": "Polygon", "coordinates": [ring]}))
    _geojson(folder / "ranges.geojson", boxes)


def _point(place: Sequence[float]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(place)}


def _geojson(path: Path, features: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Write features of properties and geometry."""
    told = [{"type": "Feature", "properties": dict(one), "geometry": dict(shape)} for one, shape in features]
    files.write_json(path, {"type": "FeatureCollection", "features": told})


def _network(folder: Path) -> None:
    """Write a network of nine areas in Conefor's files: area in km², distances in metres."""
    rng = chance("planning network")
    at = np.column_stack([rng.uniform(0, 60_000, 9), rng.uniform(0, 60_000, 9)])
    size = rng.lognormal(4.5, 0.8, 9).round(1)
    nodes = [f"{number}\t{km2}" for number, km2 in enumerate(size.tolist(), start=1)]
    pairs = [
        f"{i + 1}\t{j + 1}\t{np.hypot(*(at[i] - at[j])):.0f}" for i in range(len(at)) for j in range(i + 1, len(at))
    ]
    (folder / "nodes.txt").write_text("\n".join(nodes) + "\n", encoding="utf-8")
    (folder / "distances.txt").write_text("\n".join(pairs) + "\n", encoding="utf-8")


def _circuit(folder: Path) -> None:
    """Write a project of Circuitscape: current between three places over the resistance."""
    east, north = Transformer.from_crs(4326, GROUND.crs, always_xy=True).transform(*np.array(PLACES[:3]).T)
    points = [f"{n}\t{x:.0f}\t{y:.0f}" for n, (x, y) in enumerate(zip(east, north, strict=True), start=1)]
    (folder / "points.txt").write_text("\n".join(points) + "\n", encoding="utf-8")
    lines = ["[Options]", "data_type = raster", "scenario = pairwise", "habitat_file = resistance.tif",
             "habitat_map_is_resistances = True", "point_file = points.txt", "write_cur_maps = True",
             "write_cum_cur_map_only = True", "output_file = circuit.out"]  # fmt: skip
    (folder / "circuit.ini").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _marxan(folder: Path) -> None:
    """Write a project of Marxan: 36 units of a grid, four features."""
    rng = chance("planning marxan")
    (folder / "input").mkdir(parents=True, exist_ok=True)
    side = 6
    units = [f"{k + 1},{cost},0" for k, cost in enumerate(rng.integers(60, 140, side * side).tolist())]
    edges = []
    for k in range(side * side):
        edges += [f"{k + 1},{k + 2},10"] if (k + 1) % side else []
        edges += [f"{k + 1},{k + 1 + side},10"] if k + side < side * side else []
    held = [f"{feature},{unit},{amount}" for unit in range(1, side * side + 1) for feature in range(1, 5)
            for amount in [int(rng.integers(1, 40))] if rng.random() < 0.45]  # fmt: skip
    species = ["Elephas maximus", "Bos gaurus", "Nomascus leucogenys", "Arborophila rufogularis"]
    features = [
        f"{n},{target},10,{name}"
        for n, (name, target) in enumerate(zip(species, (120, 100, 60, 80), strict=True), start=1)
    ]
    told = {
        "pu.dat": ["id,cost,status", *units], "bound.dat": ["id1,id2,boundary", *edges],
        "puvspr.dat": ["species,pu,amount", *held], "spec.dat": ["id,target,spf,name", *features],
    }  # fmt: skip
    for name, lines in told.items():
        (folder / "input" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = ["BLM 0.5", "PROP 0.5", "RANDSEED 1", "NUMREPS 3", "INPUTDIR input", "OUTPUTDIR output",
               "SPECNAME spec.dat", "PUNAME pu.dat", "PUVSPRNAME puvspr.dat", "BOUNDNAME bound.dat"]  # fmt: skip
    (folder / "input.dat").write_text("\n".join(options) + "\n", encoding="utf-8")
