"""What candidates and the ground that was looked at say of hidden records: reasons, chances and counts of what is published alone."""

from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import evidence
from biodata.analysis.candidates import search
from biodata.analysis.candidates.criteria import CandidateParameters
from biodata.core import terms
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import load_boundaries
from biodata.runs import EVIDENCE_COLUMNS
from biodata.sharing import Rule, RuleSet, evidence_view, publish_results

BOUNDARIES = load_boundaries()
JUDGING = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=20_000.0, untold_uncertainty_m=5_000.0)
CELL, SIDES = (106.6, 22.8), (("CN", 106.5, 22.95, 106.9, 23.2), ("VN", 106.5, 22.55, 106.9, 22.84))
"""A cell of 0.1° that the border of China and Viet Nam crosses, and an area on each side of it."""
WORLDS = 6


def looked_at(rng, category, view):
    """Return what a run says of a world: a hidden species somewhere in the cell, another in the open on both sides."""
    n = int(rng.integers(2, 7))
    hidden = np.array(CELL) + rng.uniform(0.002, 0.098, (n, 2))
    shown = [(one[1] + 0.1, one[2] + 0.1) for one in SIDES]
    places = np.vstack([hidden, shown[:1]])
    names = ["Rara una"] * n + ["Aperta una"]
    rows = pl.DataFrame({
        "key": np.arange(n + 1) + 1, "species": names, "scientificName": names, "genus": [one.split()[0] for one in names],
        "datasetKey": "d", "iucnRedListCategory": "CR", "basisOfRecord": "HUMAN_OBSERVATION", "year": 2024,
        "decimalLongitude": places[:, 0], "decimalLatitude": places[:, 1], "geodeticDatum": "WGS84",
        "coordinateUncertaintyInMeters": [*rng.choice([None, 30.0, 500.0], n), 30.0],
        "event_start": date(2024, 5, 1), "event_end": date(2024, 5, 1),
    }, strict=False)  # fmt: skip
    rules = RuleSet((Rule("rare", SharingCategory(category), "test", scientific_name="Rara", rank="GENUS"),))
    frame = terms.conform(rows, terms.OCCURRENCE).select(EVIDENCE_COLUMNS)
    read = evidence_view(frame, rules, boundaries=BOUNDARIES, view=view, window=(105, 21, 108, 24))
    everything = evidence.counted(read, boundaries=BOUNDARIES, parameters=JUDGING)
    areas = [
        {"area_id": code, "name": code, "country_codes": [code], "geometry": shapely.to_wkb(shapely.box(*box))}
        for code, *box in SIDES
    ]
    found = search.find(
        terms.conform(pl.DataFrame(areas), terms.PROTECTED_AREA),
        terms.conform(pl.DataFrame(), terms.CORRIDOR),
        everything.threatened(),
        boundaries=BOUNDARIES,
        parameters=CandidateParameters(facing_distance_m=30_000, evidence_distance_m=20_000, draws=10),
        view=view,
        category=SharingCategory(read["sharing_category"][0]) if view is EvidenceView.EXACT else SharingCategory.OPEN,
        everything=everything,
    )
    assert found.considered.height >= 1
    return found, rules


@pytest.mark.parametrize("category", ["0_1_degree", "1_degree", "withheld"])
def test_worlds_that_publish_the_same_are_judged_the_same(category):
    """Places, their number, their uncertainty and their side differ; reasons, chances, counts and tasks do not."""
    told = {
        looked_at(np.random.default_rng(seed), category, EvidenceView.PUBLIC)[0]
        .considered.drop("geometry")
        .write_ndjson()
        for seed in range(WORLDS)
    }
    assert len(told) == 1
    (only,) = told
    assert category == "0_1_degree" or "Rara" not in only


def test_what_was_read_exactly_differs_and_stays_inside():
    """The attack has power: from exact places the worlds would be told apart; what is made of them goes nowhere."""
    found = [looked_at(np.random.default_rng(seed), "0_1_degree", EvidenceView.EXACT) for seed in range(WORLDS)]
    assert len({one.considered.drop("geometry").write_ndjson() for one, _ in found}) > 1
    for one, rules in found:
        assert publish_results("considered_ground", one.considered, rules=rules).is_empty()
