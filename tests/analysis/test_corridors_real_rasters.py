"""Corridors over real rasters and areas, which lie beside a checkout, against scikit-image."""

import numpy as np
import pytest
from skimage.graph import MCP_Geometric

from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, own_ground
from biodata.analysis.corridor_parameters import CorridorParameters

WIDE = CorridorParameters(max_distance_m=np.inf)


def test_least_costs_in_sabah_are_those_of_scikit_image(shared):
    folder = shared / "data" / "raster_resistance_cola"
    ground, grid, notes = own_ground.read(folder / "sampleTif_SABAH.tif")
    table, _ = areas_of.read(folder / "samplePolygon.shp")
    found = corridors.least_cost(table, ground, grid, parameters=WIDE).corridors
    sites = {site.area_id: site for site in areas_of.on_grid(areas_of.on_plane(table, grid), ground, grid)}
    assert len(sites) == len(table)
    cost = np.where(np.isfinite(ground), ground, -1)
    for area_id in found["from_area_id"].unique()[:8]:
        starts = [divmod(int(cell), grid.shape[1]) for cell in sites[area_id].cells]
        surface = MCP_Geometric(cost).find_costs(starts)[0] * grid.cell_m
        for row in found[found["from_area_id"] == area_id].itertuples():
            least = surface.reshape(-1)[sites[row.to_area_id].cells].min()
            # Ours passes between no two cells without data that meet at a corner.
            assert row.functional <= np.isfinite(least)
            assert not row.functional or least * (1 - 1e-9) <= row.least_cost <= least * 1.02
    assert found["functional"].mean() > 0.9
    assert all("metre" in note for note in notes)


def test_cells_that_are_almost_square_are_taken_as_squares(shared):
    folder = shared / "data" / "raster_resistance_cola"
    _, grid, notes = own_ground.read(folder / "sampleTif_Sarawak2km.tif")
    assert notes[0] == "cells of 1996.96 x 1995.93 m are taken as squares of 1996.45 m"
    assert grid.cell_m == pytest.approx(np.sqrt(1996.9604863 * 1995.9349594))
