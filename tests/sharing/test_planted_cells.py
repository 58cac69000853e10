"""By brute force: the evidence of a hidden record is the same over ground no smaller than its category's cell."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import evidence
from biodata.core import terms
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import load_boundaries, locate
from biodata.runs import EVIDENCE_COLUMNS
from biodata.sharing import Rule, RuleSet, as_published, evidence_view
from biodata.sharing.publish import plan_alone

BOUNDARIES = load_boundaries()
JUDGING = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=5_000.0)
AROUND, POINTS = 9, 5
"""Cells along a side of the ground that is tried, and places along a side of a cell."""


def evidence_at(longitude, latitude, category, rng):
    """Return what the public evidence of a record is at each of n places, as one text."""
    n = len(longitude)
    radius = 250.0
    rows = pl.DataFrame({
        "key": rng.permutation(n) + 1, "species": [f"Rara species{i}" for i in range(n)], "genus": "Rara",
        "scientificName": [f"Rara species{i}" for i in range(n)], "datasetKey": "d", "iucnRedListCategory": "CR",
        "basisOfRecord": "HUMAN_OBSERVATION", "decimalLongitude": longitude, "decimalLatitude": latitude,
        "coordinateUncertaintyInMeters": radius, "geodeticDatum": "WGS84", "year": 2024,
        "event_start": date(2024, 5, 1), "event_end": date(2024, 5, 1),
    })  # fmt: skip
    frame = terms.conform(rows, terms.OCCURRENCE).select(EVIDENCE_COLUMNS)
    rules = RuleSet((Rule("rare", category, "test", scientific_name="Rara", rank="GENUS"),))
    view = evidence_view(frame, rules, boundaries=BOUNDARIES, view=EvidenceView.PUBLIC, window=(90, -12, 130, 32))
    counted = evidence.counted(view, boundaries=BOUNDARIES, parameters=JUDGING)
    x, y = longitude.mean(), latitude.mean()
    span = np.ptp(longitude)
    for number, box in enumerate([(x, y, x + span, y + span), (x - span / 40, y - span, x + span / 40, y + span)]):
        held = set(counted.inside(shapely.box(*box))["species"])
        counted.records.insert_column(-1, counted.records["species"].is_in(held).alias(f"in_{number}"))
    told = counted.records.drop("key", "species", "scientificName", "acceptedScientificName")
    texts = dict(zip(counted.records["species"], told.write_ndjson().splitlines(), strict=True))
    return np.array([texts.get(f"Rara species{i}", "") for i in range(n)])


@pytest.mark.parametrize("category", [
    pytest.param(SharingCategory.ONE_DEGREE, marks=pytest.mark.faults),  # the larger part of the work
    SharingCategory.TENTH_DEGREE,
    SharingCategory.HUNDREDTH_DEGREE,
    pytest.param(SharingCategory.THOUSANDTH_DEGREE, marks=pytest.mark.faults),
])  # fmt: skip
@pytest.mark.parametrize(("x", "y"), [
    pytest.param(102.14, 22.40, id="where China, Laos and Viet Nam meet"),
    pytest.param(101.15, 21.57, id="where China, Laos and Myanmar meet"),
    pytest.param(107.55, 14.70, id="where Cambodia, Laos and Viet Nam meet"),
    pytest.param(100.10, 20.35, id="where Laos, Myanmar and Thailand meet"),
    pytest.param(106.66, 22.87, id="the border of China and Viet Nam"),
    pytest.param(101.6003, 21.2003, id="a border, near the corner of cells"),
    pytest.param(103.97, 10.35, id="an island off Cambodia"),
    pytest.param(98.30, 7.95, id="a coast and its islands"),
    pytest.param(119.48, -8.55, id="small islands of Indonesia"),
    pytest.param(108.05, 21.54, id="a border at the coast"),
    pytest.param(101.3999, 14.4501, id="inland, near an edge of cells"),
    pytest.param(114.10, 4.60, id="where Brunei and Malaysia meet at the coast"),
])  # fmt: skip
def test_evidence_is_the_same_over_a_cell_s_area(x, y, category):
    side = category.cell_degrees
    corner = np.floor(np.array([x, y]) / side) - AROUND // 2
    steps = (np.arange(AROUND * POINTS) + 0.5) / POINTS
    longitude, latitude = (grid.ravel() for grid in np.meshgrid((corner[0] + steps) * side, (corner[1] + steps) * side))
    longitude, latitude = np.append(longitude, x), np.append(latitude, y)
    told = evidence_at(longitude, latitude, category, np.random.default_rng(1))
    alike = int((told[:-1] == told[-1]).sum())
    # Places on a grid miss a little of a cell that a coast cuts.
    assert alike >= 0.9 * POINTS**2, f"{alike} of {POINTS**2} places"


SPECIES = "Rara una"


def _rule(name, category, **where):
    return Rule(name, SharingCategory(category), "test", scientific_name=SPECIES, rank="SPECIES", **where)


RULES_OF_A_PLACE = {
    "a country alone": lambda code: [_rule("here", "0_1_degree", country_code=code)],
    "finer elsewhere": lambda code: [_rule("here", "0_1_degree", country_code=code), _rule("all", "0_01_degree")],
    "withheld in one": lambda code: [_rule("here", "withheld", country_code=code), _rule("all", "0_1_degree")],
}


@pytest.mark.parametrize(("x", "y", "code"), [
    pytest.param(101.6, 21.2, "CN", id="the border of China and Laos"),
    pytest.param(106.66, 22.87, "VN", id="the border of China and Viet Nam"),
    pytest.param(107.55, 14.70, "KH", id="where Cambodia, Laos and Viet Nam meet"),
    pytest.param(108.05, 21.54, "CN", id="a border at the coast"),
    pytest.param(114.10, 4.60, "BN", id="where Brunei and Malaysia meet at the coast"),
])  # fmt: skip
@pytest.mark.parametrize("kind", RULES_OF_A_PLACE)
def test_a_rule_of_a_country_makes_no_cell_smaller(x, y, code, kind):
    _published_alike(RuleSet.of(RULES_OF_A_PLACE[kind](code)), x, y)


@pytest.mark.parametrize(("x", "y"), [
    (108.05, 21.54), (114.10, 4.60), (103.97, 10.35), (98.30, 7.95), (119.48, -8.55),
], ids=["Beibu Gulf", "Brunei", "Cambodia's islands", "Phuket", "Komodo"])  # fmt: skip
def test_at_a_coast_no_place_on_land_or_at_sea_is_told_of_less_than_a_cell(x, y):
    _published_alike(RuleSet.of([_rule("all", "0_1_degree")]), x, y)


def test_a_rule_of_a_division_makes_no_cell_smaller():
    for x, y in ((101.6, 21.2), (104.4, 24.65), (105.35, 23.35)):  # Laos, Guangxi, and both and Viet Nam beside Yunnan
        _published_alike(RuleSet.of([_rule("here", "0_1_degree", province_code="CN-YN")]), x, y)


def _published_alike(rules, x, y):
    """Publish a record at each place of a grid; each of the middle's is told as all of a cell's area."""
    side = 0.1
    corner = np.floor(np.array([x, y]) / side) - AROUND // 2
    steps = (np.arange(AROUND * POINTS) + 0.5) / POINTS
    longitude, latitude = (grid.ravel() for grid in np.meshgrid((corner[0] + steps) * side, (corner[1] + steps) * side))
    located = locate(longitude, latitude, BOUNDARIES)
    n = len(longitude)
    rows = pl.DataFrame({"key": np.random.default_rng(1).permutation(n), "species": SPECIES, "genus": "Rara",
                         "scientificName": SPECIES, "datasetKey": "d", "decimalLongitude": longitude,
                         "decimalLatitude": latitude, "year": 2024, "coordinateUncertaintyInMeters": 250.0,
                         "geodeticDatum": "WGS84"})  # fmt: skip
    names = ("located_country_code", "country_codes", "province_code", "ambiguous")
    frame = terms.conform(rows.with_columns(located[name] for name in names), terms.OCCURRENCE)
    planned = replace(rules, plan=plan_alone(frame, rules, BOUNDARIES))
    shown = as_published(frame, planned, boundaries=BOUNDARIES).drop_nulls("sharing_category")
    told = dict(zip(shown["key"], shown.drop("key").write_ndjson().splitlines(), strict=True))
    texts = np.array([told.get(key, "withheld") for key in frame["key"]])
    # A place that is left out may be anywhere; of a block that reaches beyond this ground not all places are counted.
    edges = (corner[0] * side, corner[1] * side, (corner[0] + AROUND) * side, (corner[1] + AROUND) * side)
    whole = (
        (pl.col("sharing_category") == "0_1_degree")
        & (pl.col("cell_west") >= edges[0] - 1e-9) & (pl.col("cell_south") >= edges[1] - 1e-9)
        & (pl.col("cell_east") <= edges[2] + 1e-9) & (pl.col("cell_north") <= edges[3] + 1e-9)
    )  # fmt: skip
    here = dict(shown.select("key", whole.fill_null(value=False)).iter_rows())
    middle = (np.abs(longitude - x) < 1.5 * side) & (np.abs(latitude - y) < 1.5 * side)
    counts = dict(zip(*np.unique(texts, return_counts=True), strict=True))
    asked = np.flatnonzero(middle & np.array([here.get(key, False) for key in frame["key"]]))
    # Of a rule that withholds all that is published as one with its country, little is left to ask of.
    assert asked.size > POINTS**2 or any(rule.category == SharingCategory.WITHHELD for rule in rules.rules)
    # Places on a grid miss a little of a cell that a coast cuts.
    least = min((counts[texts[at]] for at in asked), default=POINTS**2)
    assert least >= 0.9 * POINTS**2, f"{least} of {POINTS**2} places"


def test_the_exact_view_would_be_found_out():
    longitude, latitude = (
        grid.ravel() for grid in np.meshgrid(np.linspace(106.6, 106.7, 10), np.linspace(22.8, 22.9, 10))
    )
    rng = np.random.default_rng(1)
    assert len(set(evidence_at(longitude, latitude, SharingCategory.OPEN, rng))) == 100
