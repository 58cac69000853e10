"""Movebank's files: what is taken, what is left out and why, and that no place of a tracked animal is published."""

import csv
from collections import Counter
from datetime import date

import polars as pl
import pytest

from biodata import pipeline, places, sharing
from biodata.errors import InputError
from biodata.ingest import open_source
from biodata.settings import Settings
from biodata.sharing import Rule
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView, SharingCategory

HEADING = (
    "event-id,visible,timestamp,location-long,location-lat,manually-marked-outlier,sensor-type,"
    "individual-taxon-canonical-name,tag-local-identifier,individual-local-identifier,study-name"
)


def read(tmp_path, *lines, heading=HEADING, reference=None, **options):
    event = tmp_path / "events.csv"
    event.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    paths = [event]
    if reference is not None:
        paths.append(tmp_path / "reference.csv")
        paths[1].write_text("\n".join(reference) + "\n", encoding="utf-8")
    (table,) = open_source("movebank", paths, options=options).read()
    return pl.concat(table.batches), table


def line(
    number=1, *, visible="true", at="2025-01-05 02:00:00.000", long="101.5", lat="21.2", outlier="", tag="9", who="E1"
):
    return f"{number},{visible},{at},{long},{lat},{outlier},gps,Elephas maximus,{tag},{who},Study"


def test_a_fix_becomes_a_record(tmp_path):
    frame, table = read(tmp_path, line())
    row = frame.row(0, named=True)
    assert row["occurrenceID"] == "movebank:1"
    assert (row["organismID"], row["parentEventID"]) == ("E1", "E1/9")
    assert row["eventDate"] == "2025-01-05T02:00:00Z"
    assert row["samplingProtocol"] == "animal tracking: gps"
    assert row["timestamp"] == "2025-01-05 02:00:00.000", "Movebank's own words stay beside the terms"
    assert (table.dataset.title, table.refusals) == ("Study", [])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"visible": "false"}, "FIX_NOT_VISIBLE", id="hidden at Movebank"),
        pytest.param({"outlier": "true"}, "FIX_MARKED_OUTLIER", id="marked by hand"),
        pytest.param({"long": "", "lat": ""}, "LOCATION_MISSING", id="no place"),
        pytest.param({"at": "05/01/2025 02:00"}, "TIMESTAMP_INVALID", id="another form of time"),
        pytest.param({"at": "2025-02-30 02:00:00"}, "TIMESTAMP_INVALID", id="a day that is none"),
        pytest.param({"tag": "", "who": ""}, "ANIMAL_MISSING", id="nobody's"),
    ],
)
def test_what_is_left_out_says_why(tmp_path, more, code):
    frame, table = read(tmp_path, line(1, **more), line(2, at="2025-01-05 06:00:00.000"))
    assert frame["occurrenceID"].to_list() == ["movebank:2"]
    assert [(r.code, r.row) for r in table.refusals] == [(code, 2)]


def test_a_moment_counts_once_and_a_hidden_fix_makes_no_repetition(tmp_path):
    frame, table = read(tmp_path, line(1, visible="false"), line(2), line(3), line(4, tag="8"), line(5, who="E2"))
    assert frame["occurrenceID"].to_list() == ["movebank:2", "movebank:4", "movebank:5"]
    assert [r.code for r in table.refusals] == ["FIX_NOT_VISIBLE", "FIX_REPEATED"]


def test_timestamps_of_another_zone_are_declared(tmp_path):
    frame, _ = read(tmp_path, line(), utc_offset="+07:00")
    assert frame["eventDate"].to_list() == ["2025-01-05T02:00:00+07:00"]
    with pytest.raises(InputError, match="offset"):
        read(tmp_path, line(), utc_offset="Bangkok")


def test_reference_data_tell_taxon_sex_and_when_the_tag_was_on(tmp_path):
    heading = "timestamp,location_long,location_lat,individual_local_identifier,tag_local_identifier"
    reference = [
        "tag-id,animal-id,animal-taxon,animal-sex,deploy-on-date,deploy-off-date",
        "9,E1,Elephas maximus,f,2025-01-05 00:00:00.000,2025-01-06 00:00:00.000",
    ]
    rows = [
        "2025-01-04 02:00:00,101.5,21.2,E1,9",
        "2025-01-05 02:00:00,101.5,21.2,E1,9",
        "2025-01-05 02:00:00,101,21,E9,7",
    ]
    frame, table = read(tmp_path, *rows, heading=heading, reference=reference)
    assert frame.select("scientificName", "sex").rows() == [("Elephas maximus", "f"), (None, None)]
    assert [(r.code, r.row) for r in table.refusals] == [("OUTSIDE_DEPLOYMENT", 2)]
    assert frame["occurrenceID"][0] == "movebank:E1/9@2025-01-05 02:00:00"


@pytest.mark.parametrize("gone", ["timestamp", "location-long", "location-lat"])
def test_a_column_that_is_missing_is_named(tmp_path, gone):
    with pytest.raises(InputError, match=gone):
        read(tmp_path, line(), heading=HEADING.replace(gone, "other"))


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_data):
    settings = Settings(data=tmp_path_factory.mktemp("movebank") / "data")
    folder = sample_data / "movebank"
    (report,) = pipeline.ingest("movebank", [folder / "events.csv", folder / "reference.csv"], settings)
    return settings, report


def test_the_sample_is_taken_with_every_row_accounted_for(data, sample_data):
    _, report = data
    with (sample_data / "movebank" / "events.csv").open() as file:
        assert report.rows == sum(1 for _ in csv.reader(file)) - 1
    assert report.rows == report.stored + report.refused
    assert Counter(r.code for r in report.refusals) == {
        "FIX_MARKED_OUTLIER": 1, "FIX_NOT_VISIBLE": 1, "LOCATION_MISSING": 1, "FIX_REPEATED": 1, "OUTSIDE_DEPLOYMENT": 1,
    }  # fmt: skip


def test_no_rule_lets_the_place_of_a_tracked_animal_out(data):
    settings, _ = data
    with Lake.open(settings.data) as lake:
        records = lake.read("occurrences")
    assert records["quality_flags"].list.contains("TRACKED_ANIMAL").all()
    boundaries = places.load_boundaries()
    loosest = Rule("all-open", SharingCategory.OPEN, "everything is open")
    for rules in (sharing.RuleSet.of([]), sharing.RuleSet.of([loosest]), sharing.RuleSet.read(None)):
        assert sharing.publish(records, rules, boundaries=boundaries).is_empty()
        assert sharing.strictest(records, rules, boundaries=places.load_boundaries()) is SharingCategory.WITHHELD
    frame = records.with_columns(cluster_id=pl.lit(None, dtype=pl.Int64))
    seen = sharing.evidence_view(
        frame, sharing.RuleSet.of([]), boundaries=boundaries, view=EvidenceView.PUBLIC, window=(90, 0, 120, 40)
    )
    assert seen.is_empty()
    assert records["event_start"].min() == date(2025, 1, 5)
