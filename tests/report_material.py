"""What reports are made of: a candidate of two areas on two sides of a border."""

from dataclasses import replace

import shapely

from biodata.exports.reports.material import Material
from biodata.places import country_geometry, load_boundaries

NAMES = {"zh": "西双版纳国家级自然保护区", "lo": "ນ້ຳຮ້າ", "th": "ทุ่งใหญ่นเรศวร", "km": "វីរៈជ័យ", "my": "ခါကာဘိုရာဇီ"}


def criterion(value: float | None, direction: str, unit: str = "km²") -> dict:
    return {"value": value, "direction": direction, "unit": unit, "meaning": f"What {unit} means.", "input": {"a": 1}}


def evidence(**more) -> dict:
    return {
        "boundaries": {"name": "natural_earth", "version": "4.1.0", "viewpoint": "who holds the ground", "band_m": 5000.0},
        "species": {
            "by_country": {"CN": {"Bos gaurus": 12, "Manis pentadactyla": 0}, "LA": {"Bos gaurus": 15, "Manis pentadactyla": 3}},
            "shared": ["Bos gaurus"], "at_cells": {"Manis pentadactyla": 3}, "left_out": {"date not told": 4},
            "one_sided": [{"species": "Manis pentadactyla", "recorded_in": ["LA"], "survey_in": ["CN"]}],
        },
        "hard_criteria": {"two_sided_evidence": {"passed": True, "meaning": "Both sides.", "input": {"by_side": {"CN": 1, "LA": 1}}}},
        "ranking": {"draws": 10_000, "first": 3, "nine_in_ten_ranks": [1, 2], "seed": 7, "beats_next": None},
        "ground": {"countries": {"CN": {"km2": 30.0, "percent": 12.7}, "LA": {"km2": 200.0, "percent": 87.3}}},
        "run": {"seed": 7, "snapshot": 3}, **more,
    }  # fmt: skip


def candidate(identifier: str, rank: int, **more) -> dict:
    return {
        "candidate_id": identifier, "run_id": "run-1", "name": f"Joined {rank}", "area_ids": ["a", "b"],
        "country_codes": ["CN", "LA"], "rank": rank, "front": 1, "acceptability": 0.6, "within_first": 0.9,
        "parts": {"shared_species": criterion(4.0 - rank, "more", "species"), "cost": criterion(10.0 * rank, "less"), "human_pressure": criterion(None, "less")},
        "boundary_disagreement_km2": 62.0, "area_km2": 230.0, "evidence": evidence(), "evidence_view": "public",
        "sharing_category": "open", "geometry": shapely.box(101.2, 20.9, 101.6, 21.5), **more,
    }  # fmt: skip


def told(**more) -> Material:
    boundaries = load_boundaries()
    borders = [
        {"code": code, "name": name, "level": "country", "country_code": code,
         "geometry": country_geometry(code, boundaries)}
        for code, name in (("CN", "China"), ("LA", "Lao PDR"))
    ]  # fmt: skip
    areas = [
        {"area_id": i, "name": name, "original_name": own, "designation": None, "iucn_category": None, "status": None,
         "country_codes": [code], "geometry": shapely.Point(x, y).buffer(0.1), "member": True}
        for i, name, own, code, x, y in (("a", "North", NAMES["zh"], "CN", 101.4, 21.4), ("b", "South", NAMES["lo"], "LA", 101.3, 21.0))
    ]  # fmt: skip
    made = Material(
        table="reserve_candidates", row=candidate("run-1-candidate-1", 1), others=[candidate("run-1-candidate-2", 2)],
        corridors=[], candidates=[], areas=areas, borders=borders, categories={"Bos gaurus": "VU"}, datasets=[],
        names={"Bos gaurus": ["Gaur", "印度野牛"]},
        release={"id": "r000001-x", "snapshot": 1, "created": "2026-11-26T00:00:00+00:00", "content_hash": "c" * 64, "rules_hash": "d" * 64},
    )  # fmt: skip
    return replace(made, **more)
