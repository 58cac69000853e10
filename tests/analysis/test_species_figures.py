"""`biodata species figures`: what is told of a species, in both views."""

import json
from datetime import date

import geopandas as gpd
import polars as pl
import pytest
from typer.testing import CliRunner

from biodata import places, sharing
from biodata.analysis import evidence
from biodata.analysis.species.figures import species_figures, untold_as
from biodata.cli import app
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.sharing import Rule

ELEPHANT = "Elephas maximus"


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_installations):
    return sample_installations.copy("records", tmp_path_factory.mktemp("species") / "data").data


def run(data, *more: str, species: str = ELEPHANT):
    told = ["species", "figures", species, "--data", str(data), "--as-of", "2026-11-26", *more]
    return CliRunner().invoke(app, told)


def figures(data, *more: str, species: str = ELEPHANT):
    done = run(data, "--json", *more, species=species)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_exact_figures_carry_the_strictest_category_and_public_ones_are_bounds(data, tmp_path):
    exact, public = figures(data, "--records", "exact"), figures(data, "--out", str(tmp_path / "public.gpkg"))
    # Some of the elephants share an event with a species of a degree.
    assert (exact["sharing_category"], exact["evidence_view"]) == ("1_degree", "exact")
    assert (public["sharing_category"], public["evidence_view"]) == ("open", "public")
    for told in (exact, public):
        assert (told["boundary_set"], told["band_m"]) == ("natural_earth", 5000.0)
        assert {"snapshot", "rules", "viewpoint", "parameters", "left_out"} <= set(told)
    occupied, bound = exact["joint"]["occupied_area"], public["joint"]["occupied_area"]
    assert occupied["positions"] == 100
    assert 0 < bound["area_at_least_km2"] <= occupied["area_km2"]
    assert public["joint"]["extent"]["area_km2_at_most"] >= exact["joint"]["extent"]["area_km2"]
    assert exact["joint"]["extent"]["area_km2"] >= occupied["area_km2"]
    assert {"CN", "LA"} <= set(exact["by_country"])
    done = run(data, "--records", "exact", "--out", str(tmp_path / "a.gpkg"))
    assert "not to be passed on" in done.output
    cells = gpd.read_file(tmp_path / "a.gpkg", layer="occupied_cells")
    assert len(cells) == occupied["cells"]
    hulls = gpd.read_file(tmp_path / "a.gpkg", layer="extent")
    assert set(hulls["sharing_category"]) == {"1_degree"}
    layers = gpd.list_layers(tmp_path / "public.gpkg")["name"].to_list()
    assert layers[0] == "extent"
    assert "occupied_cells" not in layers, "cells of the area would tell more than those of the rule"


def test_occupancy_counts_cells_with_effort_on_each_side(data):
    told = figures(data, "--records", "exact")["observed_occupancy"]
    assert told["target_group"]["class"] == ["Mammalia"]
    for cells in told["by_country"].values():
        with_effort = cells["effort with the species"] + cells["effort without the species"]
        share = cells["share_of_cells_with_effort"]
        assert share is None or share == cells["effort with the species"] / with_effort


@pytest.mark.parametrize(("more", "species"), [
    pytest.param(("--records", "all"), ELEPHANT, id="no such view"),
    pytest.param(("--out", "a.shp"), ELEPHANT, id="no such form"),
    pytest.param((), "Yeti yeti", id="no such species"),
])  # fmt: skip
def test_what_does_not_fit_is_named(data, more, species):
    assert isinstance(run(data, *more, species=species).exception, InputError)


def test_an_assumed_uncertainty_fills_what_is_not_told():
    frame = terms.conform(
        pl.DataFrame({
            "decimalLongitude": [101.0, 101.05, 101.0],
            "decimalLatitude": [21.0, 21.05, 21.0],
            "coordinateUncertaintyInMeters": [None, None, 30.0],
        }),
        terms.OCCURRENCE,
    ).with_columns(cell_west=pl.Series([None, 101.0, None]), cell_south=pl.Series([None, 21.0, None]),
                   cell_east=pl.Series([None, 101.1, None]), cell_north=pl.Series([None, 21.1, None]))  # fmt: skip
    filled = untold_as(frame, 500.0)["coordinateUncertaintyInMeters"].to_list()
    assert (filled[0], filled[2]) == (500.0, 30.0)
    assert 7_550 < filled[1] - 500 < 7_650, "half the diagonal of a cell of 0.1°"


def test_public_figures_stay_the_same_wherever_in_its_cell_a_hidden_animal_was():
    boundaries = places.load_boundaries()
    rules = sharing.RuleSet.of([Rule("hidden", SharingCategory.TENTH_DEGREE, "rare", scientific_name=ELEPHANT)])
    judging = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=2_000.0, recent_years=None)

    def told(lon: float, lat: float):
        rows = {"key": [1, 2, 3], "species": [ELEPHANT] * 3, "scientificName": [ELEPHANT] * 3,
                "decimalLongitude": [lon, 101.55, 101.83], "decimalLatitude": [lat, 21.33, 20.71],
                "coordinateUncertaintyInMeters": [30.0] * 3, "year": [2024] * 3, "geodeticDatum": ["WGS84"] * 3,
                "quality_flags": [[], [], []]}  # fmt: skip
        frame = terms.conform(pl.DataFrame(rows), terms.OCCURRENCE)
        nobody = pl.lit(None, dtype=pl.Int64)
        seen = sharing.evidence_view(frame.with_columns(cluster_id=nobody), rules, boundaries=boundaries,
                                     view=EvidenceView.PUBLIC, window=(90, 0, 120, 40))  # fmt: skip
        counted = evidence.counted(seen, boundaries=boundaries, parameters=judging)
        return species_figures(counted, ELEPHANT, boundaries=boundaries).to_dict()

    first = told(101.21, 21.11)
    assert first["joint"]["records"] == 3
    assert first["joint"]["occupied_area"]["cells_at_least"] == 3
    assert told(101.29, 21.19) == told(101.25, 21.15) == first
