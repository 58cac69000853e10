"""The look at a finished release: whatever publishes wrongly is found, and the release before stays."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from biodata import pipeline, sharing
from biodata.cli import app
from biodata.errors import SharingError
from biodata.settings import Settings
from biodata.sharing.rules import bundled_list
from biodata.store import releases
from rule_files import put_rules

HEADING = "occurrenceID\tscientificName\tdecimalLatitude\tdecimalLongitude\teventDate\tcountryCode\tlocality\n"
LATITUDE, LONGITUDE = 22.91837, 106.50213
ROWS = [
    f"g1\tNomascus leucogenys\t{LATITUDE}\t{LONGITUDE}\t2024-03-05\tVN\tridge\n",
    "m1\tMuntiacus muntjak\t21.04312\t101.30177\t2024-03-06\tLA\tNam Ha\n",
]
NOT_OPEN = pl.col("sharing_category") != "open"
publish = sharing.publish


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("leaks")
    path = folder / "records.csv"
    path.write_text(HEADING + "".join(ROWS), encoding="utf-8")
    made = Settings(data=folder / "data", memory_limit="500MB")
    pipeline.ingest("gbif", [path], made)
    pipeline.release(made)
    return made


def where(value: float, column: str) -> pl.Expr:
    return pl.when(NOT_OPEN).then(value).otherwise(column).alias(column)


FAULTS = {
    "told as open": [pl.lit("open").alias("sharing_category")],
    "not its cell's middle": [where(LATITUDE, "decimalLatitude")],
    "without a cell": [
        where(LATITUDE, "decimalLatitude"),
        *(pl.lit(None, pl.Float64).alias(f"cell_{edge}") for edge in ("west", "south", "east", "north")),
    ],
    "smaller than its category's": [
        where(106.501, "cell_west"), where(106.503, "cell_east"), where(106.502, "decimalLongitude")
    ],
    "none of the grid": [where(106.45, "cell_west"), where(106.55, "cell_east"), where(106.5, "decimalLongitude")],
    "could tell its place": [pl.lit("ridge").alias("locality")],
    "stands in another column": [
        pl.when(NOT_OPEN).then(pl.lit(f"Nomascus {LATITUDE - 0.0005:.5f} {LONGITUDE:.4f}")).otherwise("scientificName")
        .alias("scientificName")
    ],
}  # fmt: skip


@pytest.mark.parametrize("problem", FAULTS)
def test_what_publishes_wrongly_makes_no_release(settings, monkeypatch, problem):
    monkeypatch.setattr(sharing, "publish", lambda *a, **k: publish(*a, **k).with_columns(FAULTS[problem]))
    before = releases.current(settings.data)
    with pytest.raises(SharingError, match=problem) as failed:
        pipeline.release(settings, full=True)
    assert releases.current(settings.data) == before
    assert str(LATITUDE) not in str(failed.value)


def test_a_withheld_record_must_not_be_there(settings, monkeypatch, tmp_path):
    put_rules(settings.data, "rule_id,scientificName,category,reason\ngibbons,Nomascus,withheld,hunted\n")
    without = sharing.RuleSet.of([])
    monkeypatch.setattr(
        sharing,
        "publish",
        lambda frame, _rules, *, boundaries, **_: publish(frame, without, boundaries=boundaries),
    )
    try:
        with pytest.raises(SharingError, match="it is withheld, and is there"):
            pipeline.release(settings, full=True)
    finally:
        put_rules(settings.data, bundled_list())


def test_the_report_counts_by_country_and_rule(settings):
    found = CliRunner().invoke(app, ["audit", "leaks", "--data", str(settings.data), "--json"])
    assert found.exit_code == 0
    told = json.loads(found.stdout)
    assert told["faults"] == []
    assert told["records"] == [
        {"country": "VN", "rule_id": "hylobatidae", "category": "0_1_degree", "told": "generalised", "n": 1}
    ]
    assert "generalised" in CliRunner().invoke(app, ["audit", "leaks", "--data", str(settings.data)]).stdout
    listed = CliRunner().invoke(app, ["audit", "list", "--action", "release", "--data", str(settings.data)])
    assert "{'generalised': 1}" in listed.stdout


@pytest.mark.parametrize(
    ("name", "category", "open_events"), [("Arthropoda", "0_1_degree", 2), ("Aves", "1_degree", 2), ("Nomascus leucogenys", "0_1_degree", 1)]
)  # fmt: skip
def test_a_record_above_genus_beside_open_ones_of_its_event_holds_up_no_release(tmp_path, name, category, open_events):
    """It is told as a cell itself, and makes no event coarse: that it may stand there tells nobody what it was."""
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
    told = releases.read(release, "occurrences").filter(pl.col("scientificName") == name)
    assert told["sharing_category"].to_list() == [category]
    events = releases.read(release, "surveys").filter(pl.col("sharing_category") == "open")
    assert events.height == open_events
    assert pipeline.look_for_leaks(settings).faults.is_empty()
