"""The look at a finished release: whatever publishes wrongly is found, and held back with its dataset."""

import json
from collections.abc import Iterator
from dataclasses import replace

import polars as pl
import pytest
from typer.testing import CliRunner

import releases as fixture
from biodata import pipeline, sharing
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.lake import Lake
from rule_files import put_rules, rules_text

HEADING = "occurrenceID\tscientificName\tdecimalLatitude\tdecimalLongitude\teventDate\tcountryCode\tlocality\n"
LATITUDE, LONGITUDE = 22.91837, 106.50213
ROWS = [
    f"g1\tNomascus leucogenys\t{LATITUDE}\t{LONGITUDE}\t2024-03-05\tVN\tridge\n",
    "m1\tMuntiacus muntjak\t21.04312\t101.30177\t2024-03-06\tLA\tNam Ha\n",
]


@pytest.fixture(scope="module", autouse=True)
def _few_boundaries() -> Iterator[None]:
    """Let releases hold the divisions around: those of the world are a fifth of what a small release costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        yield


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("leaks")
    path = folder / "records.csv"
    path.write_text(HEADING + "".join(ROWS), encoding="utf-8")
    made = Settings(data=folder / "data", memory_limit="500MB")
    pipeline.ingest("gbif", [path], made)
    (folder / "others.csv").write_text(HEADING + ROWS[1].replace("m1", "m2"), encoding="utf-8")
    pipeline.ingest("gbif", [folder / "others.csv"], made)
    pipeline.release(made)
    return made


def test_the_report_counts_by_country_and_rule(settings):
    found = CliRunner().invoke(app, ["audit", "leaks", "--data", str(settings.data), "--json"])
    assert found.exit_code == 0
    told = json.loads(found.stdout)
    assert told["faults"] == []
    assert told["records"] == [
        {"country": "VN", "rule_id": "hylobatidae", "category": "0_1_degree", "published": "presence", "n": 1}
    ]
    assert "presence" in CliRunner().invoke(app, ["audit", "leaks", "--data", str(settings.data)]).stdout
    listed = CliRunner().invoke(app, ["audit", "list", "--action", "release", "--data", str(settings.data)])
    assert "{'presence': 1}" in listed.stdout


def of_presences(monkeypatch, **columns) -> None:
    """Have the columns of presences written wrongly."""
    made = sharing.presence_rows
    monkeypatch.setattr(sharing, "presence_rows", lambda *a, **k: made(*a, **k).with_columns(**columns))


def as_it_is(monkeypatch) -> None:
    """Have all records go out as they are."""
    opened = sharing.open_records

    def everything(frame, rules, **more):
        nothing = replace(rules.plan, apart=replace(rules.plan.apart, hidden=rules.plan.apart.hidden.clear()))
        return opened(frame, replace(sharing.RuleSet.of([]), plan=nothing), **more)

    monkeypatch.setattr(sharing, "open_records", everything)


CELL = "the place of a presence is none that its category lets out"
FAULTS = {
    "not its cell's middle": (CELL, {"decimalLatitude": LATITUDE}),
    "without a cell": (CELL, {f"cell_{edge}": None for edge in ("west", "south", "east", "north")}),
    "smaller than its category's": (CELL, {"cell_west": 106.501, "cell_east": 106.503, "decimalLongitude": 106.502}),
    "none of the grid": (CELL, {"cell_west": 106.45, "cell_east": 106.55, "decimalLongitude": 106.5}),
    "withheld": (CELL, {"sharing_category": "withheld"}),
    "its locality": ("a value that only an open record may have", {"locality": "ridge"}),
    "its day": ("a value that only an open record may have", {"day": 5}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_publishes_wrongly_is_held_back_with_its_dataset(settings, monkeypatch, caplog, fault):
    problem, columns = FAULTS[fault]
    of_presences(monkeypatch, **{name: pl.lit(value) for name, value in columns.items()})
    nothing_of_it_goes_out(settings, caplog, problem)


def nothing_of_it_goes_out(settings, caplog, problem) -> None:
    made = pipeline.release(settings, full=True)
    assert releases.read(made, "occurrences")["datasetKey"].to_list() == ["others"]
    assert "dataset records is held back" in caplog.text
    assert problem in caplog.text
    assert str(LATITUDE) not in caplog.text


def test_a_presence_must_not_have_a_record_s_number(settings, monkeypatch, caplog):
    with Lake.open(settings.data) as lake:
        gibbon = lake.read("occurrences").filter(species="Nomascus leucogenys")["key"].item()
    of_presences(monkeypatch, key=pl.lit(gibbon))
    nothing_of_it_goes_out(settings, caplog, "a presence has the number of a record")


@pytest.mark.parametrize("category", ["0_1_degree", "withheld"])
def test_a_record_that_a_rule_hides_must_not_be_there(settings, monkeypatch, caplog, category):
    before = rules_text(settings)
    put_rules(settings, f"rule_id,scientificName,category,reason\ngibbons,Nomascus,{category},hunted\n")
    as_it_is(monkeypatch)
    try:
        nothing_of_it_goes_out(settings, caplog, "a record that a rule hides goes out as it is")
    finally:
        put_rules(settings, before)


@pytest.mark.parametrize(("name", "waits"), [("Aves", False), ("Nomascus leucogenys", True)])
def test_a_record_beside_open_ones_of_its_event_holds_up_no_release(tmp_path, name, waits):
    """A name above genus is open; a place of a survey waits for a crowd, and its event has an open record and stays."""
    survey = tmp_path / "survey"
    survey.mkdir()
    places = "E1,2026-03-01,20.55,101.2,LA,point count\nE2,2026-03-02,20.75,101.4,LA,point count\n"
    heading = "eventID,eventDate,decimalLatitude,decimalLongitude,countryCode,samplingProtocol\n"
    (survey / "event.csv").write_text(heading + places, encoding="utf-8")
    records = f"a,E1,{name}\nb,E1,Sus scrofa\nc,E2,Sus scrofa\n"
    (survey / "occurrence.csv").write_text("occurrenceID,eventID,scientificName\n" + records, encoding="utf-8")
    settings = Settings(data=tmp_path / "data", memory_limit="500MB")
    pipeline.ingest("dwca", [survey], settings, dataset="mixed")
    release = pipeline.release(settings)
    opened = ["Sus scrofa"] * 2 if waits else [name, "Sus scrofa", "Sus scrofa"]
    assert sorted(releases.read(release, "occurrences")["scientificName"]) == opened
    assert releases.read(release, "surveys").filter(pl.col("sharing_category") == "open").height == 2
    report = pipeline.look_for_leaks(settings)
    assert report.faults.is_empty()
    assert report.counts() == ({"waiting": 1} if waits else {})
