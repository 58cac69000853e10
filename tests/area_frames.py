"""Protected areas for tests of their cleaning, and what every cleaning's report must add up to."""

import itertools
import json

import geopandas as gpd
import polars as pl
import pytest
import shapely

from biodata.core import geo

# In Luang Namtha, far from a border.
WEST, SOUTH = 101.5, 20.9


def box(x, y, width=0.1, height=0.1):
    return shapely.box(WEST + x, SOUTH + y, WEST + x + width, SOUTH + y + height)


def frame(*rows, crs="EPSG:4326"):
    """Return sites of WDPA's new columns; each row is (geometry, columns)."""
    columns = [
        {"SITE_ID": str(number), "SITE_PID": str(number), "SITE_TYPE": "PA", "NAME_ENG": f"Site {number}",
         "DESIG_ENG": "Nature Reserve", "IUCN_CAT": "IV", "STATUS": "Designated", "STATUS_YR": 2000,
         "REALM": "Terrestrial", "REP_AREA": 100.0, "ISO3": "LAO", **told}
        for number, (_, told) in enumerate(rows, start=1)
    ]  # fmt: skip
    return gpd.GeoDataFrame(columns, geometry=[shape for shape, _ in rows], crs=crs)


def fates(cleaned):
    return {row["area_id"].removeprefix("areas:"): row for row in cleaned.report.sites.iter_rows(named=True)}


def km2(shape):
    return geo.area_km2([shape])[0]


def check_sums(cleaned, rows):
    """See that the report adds up: every step's numbers, every row's fate, every country's ground."""
    report = cleaned.report
    for product in ("coverage", "planning"):
        steps = [step for step in report.steps if step.product == product]
        assert steps[0].rows == rows
        for before, after in itertools.pairwise(steps):
            assert after.rows == before.kept
        for step in steps:
            assert step.rows == step.kept + sum(step.dropped.values())
            assert step.changed <= step.kept
        assert steps[-1].kept == len(getattr(cleaned, product))
    assert report.sites.height == rows
    assert report.sites["area_id"].is_unique().all()
    assert (report.sites["in_coverage"] == report.sites["not_in_coverage_because"].is_null()).all()
    assert len(cleaned.planning) + len(cleaned.not_mapped) == rows
    counted = report.countries.select(pl.sum_horizontal(pl.col("^.*km2$"))).to_series().sum()
    assert counted == pytest.approx(cleaned.coverage.area.sum() / 1e6, rel=1e-9, abs=1e-9)
    assert json.loads(json.dumps(report.as_dict()))["rows"] == rows
