"""Points drawn in provinces and told in some coordinate system, for the tests of the datum doctor."""

import numpy as np
import polars as pl
import shapely
from pyproj import Transformer

from biodata import places
from biodata.places import datums
from biodata.places.datums import find_system


def provinces_of(country, boundaries, *, without=()):
    codes = boundaries.units.filter(pl.col("country_code") == country)["province_code"].drop_nulls().unique().sort()
    return [code for code in codes if code not in without]


def provinces_inside(bounds, codes, boundaries):
    """Return the provinces whose middle lies in a box."""
    west, south, east, north = bounds
    points = [places.province_geometry(code, boundaries).representative_point() for code in codes]
    return [c for c, p in zip(codes, points, strict=True) if west <= p.x <= east and south <= p.y <= north]


def drawn(codes, count, boundaries, rng):
    """Draw points uniformly, each in a province that is drawn first."""
    which = rng.integers(0, len(codes), count)
    x, y = np.empty(count), np.empty(count)
    for number in np.unique(which):
        at = np.flatnonzero(which == number)
        area = places.province_geometry(codes[number], boundaries)
        shapely.prepare(area)
        west, south, east, north = area.bounds
        found = np.empty((0, 2))
        while len(found) < len(at):
            tried = rng.uniform((west, south), (east, north), (4 * len(at) + 20, 2))
            found = np.vstack([found, tried[shapely.contains_xy(area, *tried.T)]])
        x[at], y[at] = found[: len(at)].T
    return x, y, [codes[number] for number in which]


def expressed(system, x, y):
    """Tell WGS 84 places in a system: by PROJ alone, except for the offsets of Chinese web maps."""
    if system == "GCJ-02":
        return datums.wgs84_to_gcj02(x, y)
    if system == "BD-09":
        return datums.wgs84_to_bd09(x, y)
    return Transformer.from_crs(4326, find_system(system).crs, always_xy=True).transform(x, y)


def unlabelled(system, codes, count, boundaries, seed):
    """Return a table as a person would hand it in: coordinates, country and province, and no word of the system."""
    rng = np.random.default_rng(seed)
    x, y, provinces = drawn(codes, count, boundaries, rng)
    told_x, told_y = expressed(system, x, y)
    decimals = 6 if np.abs(told_x).max() <= 180 else 2
    table = pl.DataFrame({
        "source_file": ["points.csv"] * count,
        "source_row": np.arange(2, count + 2),
        "decimalLatitude": [f"{value:.{decimals}f}" for value in told_y],
        "decimalLongitude": [f"{value:.{decimals}f}" for value in told_x],
        "countryCode": [code[:2] for code in provinces],
        "stateProvince": [places.province_name(code, boundaries) for code in provinces],
    })  # fmt: skip
    return table, x, y


def systems_to_tell(boundaries, *, every=True):
    """Return each system of issue 3 with the provinces that it is used in; without `every`, a few of each kind."""
    china = ["CN-YN", "CN-GX", "CN-GZ", "CN-SC", "CN-CQ", "CN-XZ"]
    borneo = ("MY-12", "MY-13", "MY-15")
    viet_nam = provinces_of("VN", boundaries)
    scope = [
        *china,
        *(p for c in ("MM", "TH", "LA", "KH", "MY", "SG", "BN", "PH") for p in provinces_of(c, boundaries)),
    ]
    scope += viet_nam
    told = {
        "GCJ-02": china,
        "BD-09": china,
        "EPSG:4214": china,
        "EPSG:4610": china,
        "EPSG:4240": provinces_of("TH", boundaries),
        "EPSG:4756": viet_nam,
        "EPSG:4677": provinces_of("LA", boundaries),
        "EPSG:4678": provinces_of("LA", boundaries),
        "EPSG:4245": provinces_of("MY", boundaries, without=borneo),
        "EPSG:4298": ["MY-12", "MY-13"],
        # Batanes and the end of Tawi-Tawi lie outside the areas that EPSG gives operations for.
        "EPSG:4253": provinces_of("PH", boundaries, without=("PH-BTN", "PH-TAW")),
    }
    projected = {
        "UTM": [f"EPSG:{code}" for code in range(32647, 32652)],
        "TM-3": [f"EPSG:{code}" for code in (*range(5897, 5900), *range(9205, 9219))],
        "Gauss-Krüger": [
            f"EPSG:{code}"
            for code in (*range(2331, 2334), *range(2357, 2362), *range(21417, 21419), *range(2409, 2413), 4495, 4496,
                         4521)
        ],
        "Indian 1975 UTM": ["EPSG:24047", "EPSG:24048"],
    }  # fmt: skip
    codes = {"UTM": scope, "TM-3": viet_nam, "Gauss-Krüger": china, "Indian 1975 UTM": provinces_of("TH", boundaries)}
    for kind, systems in projected.items():
        for system in systems if every else systems[::5]:
            used = provinces_inside(find_system(system).bounds, codes[kind], boundaries)
            if used:
                told[system] = used
    return told
