"""What a run of candidates is told besides: plans, costs, agreements, and the criteria that rank; each on the card."""

import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from biodata import pipeline, runs
from biodata.analysis.candidates import ranking
from biodata.cli import app
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.vocabularies import CandidateCriterion, EvidenceView, SharingCategory
from biodata.places import load_boundaries
from biodata.runs import reading
from biodata.sharing import Rule, RuleSet
from biodata.store.lake import Lake

LAYER = "landcover_china_laos"
NAMES = tuple(str(one) for one in CandidateCriterion)
AGREEMENTS = "name,countries,source\nBiodiversity corridor,China; Lao PDR,gazette\nOf two others,MY;ID,\n"


def call(*arguments) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def settings(tmp_path_factory, sample_data, sample_installations):
    made = sample_installations.copy("areas", tmp_path_factory.mktemp("runs") / "data")
    pipeline.ingest("checklist", [sample_data / "checklist.csv"], made)
    pipeline.ingest("gbif", [sample_data / "occurrences_gbif.zip"], made)
    return made


@pytest.fixture
def asked(sample_data):
    return runs.Corridors(layer=LAYER, resistance=sample_data / "resistance.csv", as_of="2026-01-01", cell_m=2000.0)


@pytest.fixture(scope="module")
def project(tmp_path_factory, settings, sample_data):
    """Return a Marxan project over the layer's window, with three plans made by the commands themselves."""
    folder = tmp_path_factory.mktemp("plans") / "project"
    with rasterio.open(sample_data / "layers" / f"{LAYER}.tif") as raster:
        west, south, east, north = (round(side, 3) for side in raster.bounds)
    box = f"{west},{south},{east},{north}"
    call("reserves", "units", "--countries", "LA,CN", "--box", box, "--cell-km", 20, "--out", folder)
    units = pl.read_csv(folder / "input" / "pu.dat")
    (folder / "input" / "spec.dat").write_text("id,prop,spf,name\n1,0.4,1,forest\n")
    amounts = units.select(species=pl.lit(1), pu="id", amount="cost")
    amounts.write_csv(folder / "input" / "puvspr.dat")
    call("reserves", "solve", folder, "--out", folder / "output", "--runs", 3, "--gap", 0.01)
    return folder


def cards(settings) -> pl.DataFrame:
    return runs.read_results(settings, "reserve_candidates").sort("rank")


def they_are_ranked_and_listed(settings, found, folder) -> None:
    """Say that each candidate passed all that is hard, has a rank that can be had again, and is told by the command."""
    assert found["rank"].to_list() == list(range(1, found.height + 1))
    assert found["acceptability"].sum() == pytest.approx(1, abs=1e-4)
    assert set(found["evidence_tier"]) <= {"certain", "probable"}
    for row in found.iter_rows(named=True):
        card = json.loads(row["evidence"])
        assert ranking.again(card["ranking"]) == card["ranking"]
        assert all(check["passed"] for check in card["hard_criteria"].values())
        assert card["run"]["seed"] == card["ranking"]["seed"] == 1
    out = call("candidates", "--data", settings.data, "--out", folder / "c.gpkg", "--considered")
    assert "rank, front, acceptability, evidence, id" in out
    assert f"{found['candidate_id'][0]}  {found['name'][0]}" in out
    failed = runs.read_results(settings, "considered_ground").filter(pl.col("outcome") == "failed").row(0, named=True)
    assert f"{failed['considered_id']}  {failed['name']}" in out
    assert f"{failed['name']} ({', '.join(failed['country_codes'])}): {failed['reason']}" in out


def test_a_run_is_told_of_plans_costs_and_agreements_and_says_so_on_the_card(
    settings, asked, project, sample_data, tmp_path
):
    with rasterio.open(sample_data / "layers" / f"{LAYER}.tif") as raster:
        profile = raster.profile | {"dtype": "float32", "nodata": -1.0}
    price, agreements = tmp_path / "price.tif", tmp_path / "agreements.csv"
    with rasterio.open(price, "w", **profile) as file:
        file.write(np.full((1, profile["height"], profile["width"]), 0.5, dtype="float32"))
    agreements.write_text(AGREEMENTS)
    pipeline.ingest("layer", [price], settings, options={"kind": "continuous"})
    plain = runs.find_corridors(settings, asked)
    before = cards(settings)
    assert 0 < plain.counting < plain.records
    judged = sum(plain.left_out.values()) - plain.left_out.get(runs.NO_CATEGORY, 0)
    assert plain.records - plain.counting <= judged, "a record may have two flags, and each that is left out has one"
    they_are_ranked_and_listed(settings, before, tmp_path)
    told = changed(asked, plan=str(project / "output"), cost_layer="price", agreements=str(agreements))
    report = runs.find_corridors(settings, told)
    assert report.candidates == plain.candidates >= 1, "what is told besides is weighed and decides no hard criterion"
    assert report.run_id != plain.run_id
    found = cards(settings)
    often = json.loads((project / "output" / "plan.json").read_text())["selection_frequency"]
    units = gpd.read_file(project / "units.gpkg", layer="planning_units").to_crs(6933)
    known = 0
    for row in found.iter_rows(named=True):
        parts, card = json.loads(row["parts"]), json.loads(row["evidence"])
        irreplaceable, cost = parts["irreplaceability"], parts["cost"]
        shape = gpd.GeoSeries([shapely.from_wkb(row["geometry"])], crs=4326).to_crs(6933).iloc[0]
        shared = units.geometry.intersection(shape).area.to_numpy()
        share = np.array([often.get(str(unit), 0) / 3 for unit in units["id"]])
        assert irreplaceable["value"] == pytest.approx((shared * share).sum() / shared.sum(), abs=0.01)
        assert irreplaceable["input"]["plan"]["plans"] == 3
        reaches = cost["input"]["known_share"] >= 0.95
        assert cost["value"] == (pytest.approx(0.5 * cost["input"]["cells"]) if reaches else None)
        known += reaches
        assert cost["input"]["layer"] == "price"
        told_of = parts["governance"]["input"]["agreements"]
        if row["country_codes"] == ["CN", "LA"]:
            assert [one["name"] for one in told_of] == ["Biodiversity corridor"]
        else:
            assert told_of == "none of those told to this run binds all of its countries"
        assert (card["run"]["plan"], card["run"]["agreements"], card["run"]["cost_layer"]) == (
            "plan.json", "agreements.csv", "price",
        )  # fmt: skip
        assert str(tmp_path) not in row["evidence"] + row["parts"], "no path of the machine"
    assert known >= 1
    assert set(found["name"]) == set(before["name"])
    agreements.write_text(AGREEMENTS.replace("gazette", "another"))
    with Lake.open(settings.data) as lake:
        sums = reading.facts_of(settings, lake, told)
    other = [name for name, value in sums.items() if report.parameters[name] != value]
    assert other == ["agreements_sha256"], "what stands in a file is a part of the run"


def changed(asked, **changes):
    return runs.Corridors.read(asked.as_dict() | changes)


def test_a_criterion_that_is_none_is_refused(asked):
    with pytest.raises(InputError, match="compared") as refused:
        changed(asked, criteria="cost,beauty")
    assert (refused.value.value, refused.value.code) == ("beauty", "CRITERION_UNKNOWN")
    assert changed(asked, criteria=NAMES).criteria == (), "all is the same as none named"


@pytest.mark.parametrize(("text", "row", "column"), [
    pytest.param("name,states\nX,LA;VN\n", 1, "countries", id="no column of countries"),
    pytest.param("name,countries\nX,LA\n", 2, "countries", id="one country"),
    pytest.param("name,countries\nX,LA;VN\nY,LA;Atlantis\n", 3, "countries", id="no country"),
    pytest.param("name,countries\n,LA;VN\n", 2, "name", id="no name"),
])  # fmt: skip
def test_agreements_that_cannot_be_read_are_refused_with_their_row(tmp_path, text, row, column):
    path = tmp_path / "agreements.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        reading.read_agreements(path)
    assert (refused.value.file, refused.value.row, refused.value.column) == (path.name, row, column)


def test_agreements_name_countries_in_any_way(tmp_path):
    path = tmp_path / "agreements.csv"
    path.write_text('\ufeffname;countries\nX;"Viet Nam; ລາວ; CN"\n', encoding="utf-8")
    (found,) = reading.read_agreements(path)
    assert found.country_codes == ("CN", "LA", "VN")


def test_plans_that_do_not_fit_are_refused(project, tmp_path):
    with pytest.raises(InputError) as refused:
        reading.read_plan(tmp_path / "nothing")
    assert refused.value.code == "PLAN_MISSING"
    own, units = tmp_path / "plan.json", tmp_path / "units.gpkg"
    units.write_bytes((project / "units.gpkg").read_bytes())
    good = json.loads((project / "output" / "plan.json").read_text())
    for change in (
        {"selection_frequency": {"999999": 1}},
        {"selection_frequency": {next(iter(good["selection_frequency"])): 7}},
        {"runs": "many"},
        {"selection_frequency": None},
    ):
        own.write_text(json.dumps(good | change))
        with pytest.raises(InputError) as refused:
            reading.read_plan(own)
        assert refused.value.code == "PLAN_INVALID"


def test_a_layer_of_classes_is_no_cost(settings, asked):
    with pytest.raises(InputError, match="quantities") as refused:
        runs.find_corridors(settings, changed(asked, cost_layer=LAYER))
    assert refused.value.code == "LAYER_KIND"


@pytest.mark.parametrize(("view", "expected", "category"), [
    # A square of 0.1° is 124 km²: the small area would say more than is published of the tiger, and the saola is withheld.
    ("public", {"big": ["Panthera tigris"]}, "0_1_degree"),
    ("exact", {"big": ["Panthera tigris", "Pseudoryx nghetinhensis"], "small": ["Panthera tigris"]}, "withheld"),
])  # fmt: skip
def test_a_checklist_of_an_area_says_no_more_than_sharing_does(view, expected, category, tmp_path):
    listed = tmp_path / "listed.csv"
    listed.write_text(
        "area,scientificName,iucnRedListCategory,source\nBig,Panthera tigris,EN,a\nbig,Pseudoryx nghetinhensis,CR,a\n"
        "Small,Panthera tigris,EN,b\nBig,Sus scrofa,LC,a\n"
    )
    square = shapely.to_wkb(shapely.box(104.0, 18.5, 104.2, 18.7))
    rows = [
        {"area_id": one.lower(), "name": one, "country_codes": ["LA"], "computed_area_km2": km2, "geometry": square}
        for one, km2 in (("Big", 460.0), ("Small", 17.0))
    ]
    areas = terms.conform(pl.DataFrame(rows), terms.PROTECTED_AREA)
    rules = RuleSet.of([
        Rule("tiger", SharingCategory.TENTH_DEGREE, "a test", scientific_name="Panthera tigris", rank="SPECIES"),
        Rule("saola", SharingCategory.WITHHELD, "a test", scientific_name="Pseudoryx nghetinhensis", rank="SPECIES"),
    ])  # fmt: skip
    lake = SimpleNamespace(read=lambda _: terms.conform(pl.DataFrame(), terms.TAXON))
    asked = SimpleNamespace(area_checklists=listed, evidence_view=EvidenceView(view))
    found, strictest = reading.read_checklists(asked, lake, areas, rules, load_boundaries())
    assert {area: sorted(species) for area, species in found.items()} == expected
    assert strictest == category
    listed.write_text("area,scientificName\nNowhere,Panthera tigris\n")
    with pytest.raises(InputError, match="row 2, column area"):
        reading.read_checklists(asked, lake, areas, rules, load_boundaries())
