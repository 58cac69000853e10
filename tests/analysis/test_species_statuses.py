"""Red lists, lists of protected species and sharing rules of one species, side by side."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

import releases as fixture
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.runs import species_facts
from biodata.store.lake import Lake
from rule_files import put_rules


def listed(checklist, name, accepted=None, **status):
    return {"checklist": checklist, "taxon_id": f"{checklist}-{name}",
            "accepted_taxon_id": f"{checklist}-{accepted or name}", "scientificName": name,
            "taxonomicStatus": "SYNONYM" if accepted else "ACCEPTED",
            "statuses": json.dumps([status]) if status else None}  # fmt: skip


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    made = Settings(data=tmp_path / "data")
    put_rules(made)
    rows = [
        listed("names", "Rucervus eldii"),
        listed("names", "Cervus eldii", accepted="Rucervus eldii"),
        listed(
            "china", "Cervus eldii", kind="nationalProtection", area="CN", value="I", year=2021, authority="a ministry"
        ),
        listed("iucn", "Rucervus eldii", kind="redList", area="global", value="EN", year=2015),
        listed("iucn", "Muntiacus muntjak", kind="redList", area="global", value="LC", year=2016),
        listed("cites", "Cervidae", kind="cites", area="global", value="II", year=2023),
        listed("cites", "Rucervus eldii", kind="cites", area="global", value="I", year=2023),
    ]
    with Lake.open(made.data) as lake:
        for checklist in ("names", "china", "iucn", "cites"):
            frame = pl.DataFrame([row for row in rows if row["checklist"] == checklist], infer_schema_length=None)
            lake.commit_table(
                "taxa", frame, key="taxon_id", scope={"checklist": checklist}, author="a test", message="taxa"
            )
    return made


def test_lists_are_found_under_every_name_and_the_rule_that_decides_is_told(settings):
    asked = ["species", "statuses", "Rucervus eldii", "--data", str(settings.data)]
    answer = CliRunner().invoke(app, [*asked, "--json"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert [(r["area"], r["kind"], r["year"], r["value"]) for r in found["lists"]] == [
        ("global", "cites", 2023, "I"), ("global", "redList", 2015, "EN"), ("CN", "nationalProtection", 2021, "I"),
    ]  # fmt: skip
    assert {rule["rule_id"] for rule in found["rules"]} == {"rucervus-eldii", "cervus-eldii", "panolia-eldii"}
    lines = CliRunner().invoke(app, asked).stdout.splitlines()
    assert lines[1] == "global redList 2015: EN"
    assert lines[2] == "CN nationalProtection 2021, a ministry: I"
    assert lines[3].endswith("decides")


def test_what_a_list_says_of_a_group_it_says_of_a_species_that_it_does_not_name(settings):
    found = species_facts.statuses(settings, "Muntiacus vuquangensis")
    assert [(row["value"], row["scientificName"]) for row in found.lists] == [("II", "Cervidae")]
    assert species_facts.statuses(settings, "Rattus rattus").lists == []
