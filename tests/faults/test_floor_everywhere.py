"""Brute force along every land border and coast of the region: no consistent region below the floor."""

import polars as pl
import pytest

import floor_oracle
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet

pytestmark = pytest.mark.faults
BOUNDARIES = load_boundaries()
REGION = (88.0, -13.0, 142.0, 31.0)
"""Southwest China and ASEAN, with what borders on them."""
FINE = (105.6, 20.4, 108.2, 21.8)
"""The coast of Viet Nam and China with the islands of Ha Long Bay."""
LEAST = 0.9
"""Places on a grid miss a little of a cell that a coast cuts; what is less is measured."""


def rule(name: str, category: str, **where: str) -> Rule:
    return Rule(name, SharingCategory(category), "test", scientific_name=floor_oracle.SPECIES, rank="SPECIES", **where)


def narrowed(rules: list[Rule], category: str, box: floor_oracle.Box) -> tuple[int, list[dict]]:
    """Return how many rows of a category were told along borders and coasts, and those that tell too much."""
    asked = SharingCategory(category)
    side = asked.cell_degrees
    cells = floor_oracle.cells_along(BOUNDARIES, side, box)
    tried = floor_oracle.publish_at(cells, side, RuleSet.of(rules), BOUNDARIES)
    told = floor_oracle.smallest(tried, asked, box)
    small = told.filter(pl.any_horizontal(pl.col(name).fill_null(1) < LEAST for name in ("everywhere", "land", "sea")))
    found = [row | floor_oracle.measured(tried, row["number"], side, BOUNDARIES) for row in small.to_dicts()]
    shares = ("everywhere", "land", "sea")
    return told.height, [row for row in found if any(row[n] is not None and row[n] < 0.999 for n in shares)]


def test_no_place_along_a_border_or_coast_of_the_region_is_narrowed_at_a_tenth_of_a_degree():
    told, small = narrowed([rule("all", "0_1_degree")], "0_1_degree", REGION)
    assert told > 15_000
    assert small == []


@pytest.mark.parametrize(("category", "box", "least"), [
    pytest.param("1_degree", REGION, 500, id="1°"),
    pytest.param("0_01_degree", FINE, 1_000, id="0.01° around Ha Long Bay"),
    pytest.param("0_01_degree", (98.0, 7.4, 99.2, 9.0), 1_000, id="0.01° around Phuket"),
    pytest.param("0_001_degree", (103.96, 1.36, 104.08, 1.46), 300, id="0.001° at Singapore and Johor"),
])  # fmt: skip
def test_nor_in_the_other_categories(category, box, least):
    told, small = narrowed([rule("all", category)], category, box)
    assert told > least
    assert small == []


BOXES = {
    "LA": ((98.0, 13.0, 112.0, 25.0), (100.4, 19.6, 102.8, 21.8)),
    "MY": ((97.0, 0.0, 112.0, 8.0), (103.0, 0.8, 104.8, 2.4)),
}


@pytest.mark.parametrize("country", BOXES)
@pytest.mark.parametrize("others", [None, "0_01_degree", "1_degree", "withheld"])
def test_nor_where_one_country_has_a_rule_of_its_own(country, others):
    rules = [rule("here", "0_1_degree", country_code=country), *([rule("all", others)] if others else [])]
    told, small = narrowed(rules, "0_1_degree", BOXES[country][others == "0_01_degree"])
    assert told > 20 or others in ("1_degree", "withheld")
    assert small == []


def test_control_a_place_told_with_its_country_would_be_found_out(monkeypatch):
    publish = floor_oracle.as_published
    monkeypatch.setattr(
        floor_oracle,
        "as_published",
        lambda frame, *args, **more: publish(frame, *args, **more).join(
            frame.select("key", told="located_country_code"), on="key", maintain_order="left"
        ),
    )
    _, small = narrowed([rule("all", "0_1_degree")], "0_1_degree", (100.0, 18.0, 107.0, 24.0))
    assert len(small) > 50
