"""Lines on a coarser grid: a road one cell wide still blocks, however the two grids stand to each other."""

import itertools

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS, Geod
from scipy import ndimage

from biodata.analysis import cost_distance, grid, rasters

PLANE = CRS.from_proj4("+proj=laea +lat_0=21 +lon_0=101 +datum=WGS84 +units=m +type=crs")


def cells(rows, columns, cell_m, crs=PLANE, corner=(0.0, 0.0)):
    return grid.Grid(crs, Affine(cell_m, 0, corner[0], 0, -cell_m, corner[1]), (rows, columns), cell_m)


def turned(degrees):
    return CRS.from_proj4(
        f"+proj=omerc +lat_0=21 +lonc=101 +alpha={degrees} +gamma=0 +k=1 +datum=WGS84 +units=m +type=crs"
    )


@pytest.mark.parametrize("degrees", [0.001, 7, 20, 45, 63])
@pytest.mark.parametrize("cell_m", [130.0, 1000.0, 1370.0])
def test_a_line_of_one_cell_has_no_gap_on_a_grid_that_stands_askew(degrees, cell_m):
    own = cells(400, 400, 100.0, corner=(-20_000, 20_000))
    fine = np.full(own.shape, np.nan)
    fine[200] = 500.0
    side = int(24_000 / cell_m)
    other = cells(side, side, cell_m, turned(degrees), corner=(-12_000, 12_000))
    coarse, _ = rasters.sealed(rasters.burn_cells(fine, own, other))
    open_ground = np.isnan(coarse)
    assert 0.4 < open_ground.mean() < 1
    # Open cells on the two sides of the road are not joined, not even by a diagonal step.
    labels, count = ndimage.label(open_ground, structure=np.ones((3, 3)))
    assert count == 2, f"{count} pieces of open ground"
    assert np.bincount(labels.ravel())[1:].min() > 0.3 * open_ground.sum()


@pytest.mark.parametrize("degrees", [0, 10, 33, 45, 80])
def test_features_of_no_width_block_too(degrees):
    one = cells(60, 60, 1000.0, corner=(-30_000, 30_000))
    angle = np.radians(degrees)
    end = 60_000 * np.array([np.cos(angle), np.sin(angle)])
    road = shapely.LineString([-end, end])
    burnt, _ = rasters.sealed(rasters.burn_shapes(np.array([road], dtype=object), np.array([500.0]), one))
    _, count = ndimage.label(np.isnan(burnt), structure=np.ones((3, 3)))
    assert count == 2


def test_the_highest_of_several_wins():
    one = cells(4, 4, 100.0)
    boxes = np.array([shapely.box(0, -400, 200, 0), shapely.box(100, -400, 400, 0), shapely.box(0, -50, 50, 0)])
    burnt = rasters.burn_shapes(boxes, np.array([7.0, 3.0, np.inf]), one)
    assert burnt[3].tolist() == [7, 7, 3, 3]
    assert burnt[0, 0] == np.inf
    fine = np.full((4, 4), np.nan)
    fine[0, 0], fine[1, 1] = 5.0, 9.0
    assert rasters.burn_cells(fine, one, cells(2, 2, 200.0)).tolist()[0][0] == 9.0


def test_sealing_fills_one_cell_at_a_corner():
    corner = np.full((4, 4), np.nan)
    corner[1, 1], corner[2, 2] = 4.0, 9.0
    closed, filled = rasters.sealed(corner)
    assert filled == 1
    assert np.nansum(closed) == 4 + 9 + 4
    assert np.isnan(corner[1, 2]), "the input is left as it was"


def test_a_low_line_beside_a_high_one_is_no_way_through():
    fence = np.full((6, 6), np.nan)
    np.fill_diagonal(fence, np.inf)
    track = np.fmax(fence, np.where(np.eye(6, k=1) + np.eye(6, k=-1) > 0, 2.0, np.nan))
    closed, filled = rasters.sealed(track)
    assert filled == 5
    _, count = ndimage.label(~np.isinf(closed), structure=np.ones((3, 3)))
    assert count == 2


@pytest.mark.parametrize("seed", range(6))
def test_a_bent_line_in_pieces_that_meet_at_corners_of_the_grid_has_no_gap(seed):
    rng = np.random.default_rng(seed)
    one = cells(40, 40, 1000.0, corner=(0.0, 40_000.0))
    # Vertices on corners of cells: a piece ends where four cells meet, and the next begins there.
    x = np.arange(0, 41, 2) * 1000.0
    y = np.clip(np.cumsum(rng.integers(-3, 4, x.size)) + 20, 2, 38) * 1000.0
    roads = np.array([shapely.LineString([a, b]) for a, b in itertools.pairwise(zip(x, y, strict=True))], dtype=object)
    level = rng.choice([300.0, 500.0, np.inf], roads.size)
    burnt, _ = rasters.sealed(rasters.burn_shapes(roads, level, one))
    _, count = ndimage.label(np.isnan(burnt), structure=np.ones((3, 3)))
    assert count == 2


def test_distance_on_a_plane_and_on_degrees():
    present = np.zeros((5, 7), dtype=bool)
    present[2, 0] = True
    assert rasters.distance_m(present, cells(5, 7, 250.0))[2].tolist() == [0, 250, 500, 750, 1000, 1250, 1500]
    degrees = grid.Grid(CRS.from_epsg(4326), Affine(0.01, 0, 101, 0, -0.01, 21.05), (5, 7), 1050.0)
    _, _, metres = Geod(ellps="WGS84").inv(101.005, 21.025, 101.065, 21.025)
    assert rasters.distance_m(present, degrees)[2, 6] == pytest.approx(metres, abs=0.01)
    assert np.isinf(rasters.distance_m(np.zeros((2, 2), bool), cells(2, 2, 1.0))).all()


def test_a_barrier_of_one_cell_at_100_m_blocks_at_1_km_askew():
    own = cells(300, 300, 100.0, corner=(-15_000, 15_000))
    fine = np.full(own.shape, np.nan)
    np.fill_diagonal(fine, np.inf)
    other = cells(20, 20, 1000.0, turned(31), corner=(-10_000, 10_000))
    barrier, _ = rasters.sealed(rasters.burn_cells(fine, own, other))
    cost = np.where(np.isinf(barrier), np.nan, 1.0)
    labels, _ = ndimage.label(np.isfinite(cost), structure=np.ones((3, 3)))
    start = int(np.flatnonzero(labels.ravel() == 1)[0])
    reached = np.full(cost.shape, False)
    found = cost_distance.surface(cost, np.array([start]), cell_width_m=1000.0)
    rows, columns = found.cost.shape
    reached[found.row : found.row + rows, found.column : found.column + columns] = np.isfinite(found.cost)
    assert 0.2 < reached.mean() < 0.8
