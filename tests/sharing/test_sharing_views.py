"""What a run may read: what is published of the records, and nothing that tells more than that."""

from dataclasses import replace
from datetime import date

import polars as pl

from biodata.analysis import evidence
from biodata.core import terms
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import load_boundaries
from biodata.runs import EVIDENCE_COLUMNS
from biodata.sharing import Rule, RuleSet, evidence_view

BOUNDARIES = load_boundaries()
WINDOW = (100.0, 20.0, 103.0, 23.0)
JUDGING = evidence.EvidenceParameters(as_of=date(2026, 11, 26), cell_m=5_000.0)


def rules(category=SharingCategory.TENTH_DEGREE):
    return RuleSet((Rule("gibbon", category, "test", scientific_name="Nomascus nasutus"),))


def records(*rows):
    made = [
        {
            "key": number + 1, "datasetKey": "d", "species": "Nomascus nasutus", "scientificName": "Nomascus nasutus",
            "iucnRedListCategory": "CR", "occurrenceStatus": "PRESENT", "basisOfRecord": "HUMAN_OBSERVATION",
            "decimalLongitude": 101.55, "decimalLatitude": 20.55, "coordinateUncertaintyInMeters": 250.0,
            "countryCode": "LA", "located_country_code": "LA", "country_codes": ["LA"], "ambiguous": False,
            "geodeticDatum": "WGS84", "event_start": date(2024, 5, 1), "event_end": date(2024, 5, 1), "year": 2024,
            "quality_flags": [],
        } | row
        for number, row in enumerate(rows)
    ]  # fmt: skip
    overrides = {name: terms.schema(terms.OCCURRENCE)[name] for name in ("quality_flags", "country_codes", "shared_as")}
    frame = pl.DataFrame(made, infer_schema_length=None, schema_overrides=overrides)
    return terms.conform(frame, terms.OCCURRENCE).select(EVIDENCE_COLUMNS)


def view(frame, category=SharingCategory.TENTH_DEGREE, how=EvidenceView.PUBLIC, window=WINDOW):
    return evidence_view(frame, rules(category), boundaries=BOUNDARIES, view=how, window=window)


def count(frame, **changes):
    return evidence.counted(frame, boundaries=BOUNDARIES, parameters=replace(JUDGING, **changes))


def test_an_open_record_is_read_as_it_is():
    frame = records({"species": "Passer montanus", "scientificName": "Passer montanus"})
    out = view(frame)
    assert out.select(frame.columns).equals(frame)
    assert out["sharing_category"].to_list() == ["open"]


def test_a_withheld_record_is_not_there():
    assert view(records({}), SharingCategory.WITHHELD).is_empty()


def test_the_exact_view_carries_the_strictest_category_of_all_that_was_read():
    frame = records({}, {"species": "Passer montanus", "scientificName": "Passer montanus"})
    out = view(frame, how=EvidenceView.EXACT)
    assert out["sharing_category"].to_list() == ["0_1_degree"] * 2
    assert out.select(frame.columns).equals(frame)
    assert view(records({}), SharingCategory.WITHHELD, EvidenceView.EXACT)["sharing_category"].to_list() == ["withheld"]


def test_a_cell_is_in_the_window_or_not_wherever_its_record_lies():
    """The window's edge runs through the cell: the exact place must not decide."""
    frames = [records({"decimalLongitude": x}) for x in (101.51, 101.59)]
    for edge in (101.52, 101.56):
        window = (edge, 20.0, 103.0, 23.0)
        first, second = (view(frame, window=window) for frame in frames)
        assert first.equals(second)
        assert len(first) == (edge < 101.55)


def test_a_presence_counts_whatever_uncertainty_its_records_state():
    first, second = (view(records({"coordinateUncertaintyInMeters": metres})) for metres in (None, 4_000.0))
    assert first.equals(second)
    assert count(first, cell_m=1_000.0).records["why_not"].to_list() == [None]


def test_a_cell_counts_for_the_side_that_holds_it():
    inland = count(view(records({}))).records
    assert inland.select("side", "why_not").row(0) == ("LA", None)
    # 21.175° N, 101.7° E: the border of China and Laos runs through the cell.
    border = count(view(records({"decimalLongitude": 101.71, "decimalLatitude": 21.14}))).records
    assert border["side"].to_list() == [None]
    assert border["why_not"].to_list()[0] is not None


def test_of_a_species_a_cell_and_a_year_one_record_counts():
    rows = [{"event_start": date(2024, month, 1), "event_end": date(2024, month, 1)} for month in (1, 5, 9)]
    rows.append({"event_start": date(2023, 1, 1), "event_end": date(2023, 1, 1), "year": 2023})
    out = count(view(records(*rows))).records
    assert out["why_not"].is_null().sum() == 2
    assert set(out.filter(pl.col("why_not").is_null())["year"]) == {2023, 2024}


def test_a_region_holds_a_cell_that_lies_in_it_by_half():
    import shapely

    counted = count(view(records({"decimalLongitude": 101.501})))
    assert counted.inside(shapely.box(101.549, 20.4, 102.0, 20.7)).height == 1, "51 % of the cell, none of the place"
    assert counted.inside(shapely.box(101.40, 20.4, 101.549, 20.7)).height == 0, "49 % of the cell, and the place"


def test_a_cell_that_is_not_in_the_country_its_node_states_is_no_evidence():
    """The flags of the exact place stay at the node; the cell and the stated country still tell that they do not agree."""

    def cell(west, south, country):
        edges = {"cell_west": west, "cell_south": south, "cell_east": west + 0.1, "cell_north": south + 0.1}
        shared = {"category": "0_1_degree", "rule": "LA: gibbon", **edges}
        middle = {"decimalLongitude": west + 0.05, "decimalLatitude": south + 0.05,
                  "coordinateUncertaintyInMeters": 7_700.0}  # fmt: skip
        return {"countryCode": country, "located_country_code": None, "node": "LA", "shared_as": shared, **middle}

    rows = [cell(101.5, 20.5, "VN") | {"country_codes": ["LA"]}, cell(0.0, 0.0, "LA") | {"country_codes": []},
            cell(109.8, 13.0, "VN") | {"country_codes": []}, cell(101.5, 20.5, None)]  # fmt: skip
    out = view(records(*rows), window=(-180.0, -90.0, 180.0, 90.0))
    flagged = out["quality_flags"].list.contains("COUNTRY_COORDINATE_MISMATCH")
    assert flagged.to_list() == [True, False, False, False], (
        "on another country's land, at sea, off the coast, not stated"
    )
    assert count(out).records["why_not"].to_list()[0] == "a quality flag"
