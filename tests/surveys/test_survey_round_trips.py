"""Surveys go out as Darwin Core Archives and come in whole: every design, its effort, its scope, its empty visits.

The oracle reads the archives' text files and python-dwca-reader; nothing of the reader that is asked takes part in it.
"""

import zipfile
from collections import Counter

import pytest
from dwca.read import DwCAReader

from biodata import pipeline
from biodata.core.settings import Settings
from biodata.core.vocabularies import SurveyDesign
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.surveys.designs import DESIGNS
from filled_templates import EFFORT
from survey_trips import OPEN, SECRET, out, rows, workbook

COARSE = "secret"
"""The dataset with sensitive records."""
MADE_ANEW = {"key", "cluster_id", "quality_flags", "lastInterpreted", "coreid", "id"}
"""What each lake gives by itself, and doubts that there may be more of."""
UNCOMPARED = "no kingdom to compare"
"""The doubt that goes: the first lake fills the classification of a known name in, the second reads it as stated."""


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """Return a first archive of nine surveys, the lake that took it in, and the archive that this gives."""
    folder = tmp_path_factory.mktemp("trip")
    first, second = Settings(data=folder / "first"), Settings(data=folder / "second")
    surveys = {design: (design, OPEN) for design in EFFORT} | {COARSE: ("camera_trap", SECRET)}
    for dataset, (design, species) in surveys.items():
        path = folder / f"{dataset}.xlsx"
        path.write_bytes(workbook(design, species))
        pipeline.ingest("survey", [path], first, dataset=dataset)
    before = out(first, folder / "before.zip")
    reports = pipeline.ingest("dwca", [before], second)
    return first, second, before, out(second, folder / "after.zip"), reports


def comparable(row):
    """Return what must be the same in both archives, the match as it is once the kingdom is known."""
    kept = {term: value for term, value in row.items() if term not in MADE_ANEW}
    doubts = kept.get("match_note", "").split("; ")
    if UNCOMPARED in doubts:
        kept["match_note"] = "; ".join(doubt for doubt in doubts if doubt != UNCOMPARED)
        kept["match_confidence"] = str(int(kept["match_confidence"]) + 3)
    return kept


def events(path):
    return [row for row in rows(path, "event") if row["stands_for"] == "event"]


def test_every_event_and_record_comes_in_and_goes_to_its_own_dataset(trip):
    _, second, before, _, reports = trip
    assert {r.table: (r.stored, r.refused) for r in reports} == {"events": (18, 0), "occurrences": (16, 0)}
    with Lake.open(second.data) as lake:
        told, seen = lake.read("events"), lake.read("occurrences", columns=("datasetKey", "occurrenceID"))
    assert Counter(told["datasetKey"]) == Counter(row["datasetKey"] for row in events(before))
    assert Counter(seen["datasetKey"]) == Counter(row["datasetKey"] for row in rows(before, "occurrence"))
    assert not told["eventID"].str.starts_with("records-").any()


@pytest.fixture(scope="module")
def lakes(trip):
    """Return the events of the first lake and of the second."""
    found = []
    for settings in trip[:2]:
        with Lake.open(settings.data) as lake:
            found.append(lake.read("events"))
    return found


@pytest.mark.parametrize("design", EFFORT)
def test_an_event_is_what_it_was(lakes, design):
    names = ("eventID", "parentEventID", "locationID", "design", "samplingProtocol", "eventDate", "event_start",
             "event_end", "time_zone", "decimalLatitude", "decimalLongitude", "country_codes", "effort_value",
             "effort_unit", "effort_basis", "failed_days", "targetTaxonomicScope", "isAbsenceReported", "locality",
             "habitat")  # fmt: skip
    before, after = (
        {row["eventID"]: row for row in frame.filter(datasetKey=design).rows(named=True)} for frame in lakes
    )
    assert set(before) == set(after) == {"E01", "E02"}
    for event, row in before.items():
        for name in names:
            value, now = row[name], after[event][name]
            if name.startswith("decimal") and row["footprintWKT"]:
                continue  # of a transect its line is told, and its middle
            if isinstance(value, float):
                assert now == pytest.approx(value, abs=1e-9), (event, name)
            elif name not in ("event_start", "event_end"):
                assert now == value, (event, name)
    assert [(row["effort_value"], row["effort_unit"]) for _, row in sorted(after.items())] == [
        (pytest.approx(EFFORT[design]), DESIGNS[SurveyDesign(design)].unit)
    ] * 2, "an empty visit is effort"


def test_the_second_archive_is_the_first(trip):
    _, _, before, after, _ = trip
    for table, key in (("event", "eventID"), ("occurrence", "occurrenceID"), ("humboldt", "coreid")):
        was, now = ({(row.get("datasetKey"), row[key]): row for row in rows(path, table)} for path in (before, after))
        assert was.keys() == now.keys()
        for name, row in was.items():
            assert comparable(row) == comparable(now[name])


def test_licences_and_datasets_are_those_that_they_were(trip):
    _, _, before, after, _ = trip
    for path in (before, after):
        assert {row["license_effective"] for row in rows(path, "occurrence")} == {"UNSPECIFIED"}
        assert {row["license"] for row in events(path)} == {"UNSPECIFIED"}
        with zipfile.ZipFile(path) as archive:
            assert b"<licenseName>UNSPECIFIED</licenseName>" in archive.read("dataset/plot.xml")


def test_another_reader_counts_the_same_and_finds_no_row_astray(trip):
    for path in trip[2:4]:
        with DwCAReader(str(path)) as found:
            core = list(found)
            assert not any(found.orphaned_extension_rows().values())
            seen = [e for row in core for e in row.extensions if e.rowtype.endswith("/Occurrence")]
        kinds = Counter(row.data["http://rs.tdwg.org/dwc/terms/eventType"] for row in core)
        assert kinds == {"": 18}
        assert len(seen) == 16, "two that are sensitive wait"


@pytest.mark.parametrize(("source", "path", "counts", "measured"), [
    pytest.param("dwca", "data/event_liloan_mpa_ph", (64, 810), 272, id="a marine protected area of Cebu"),
    pytest.param("dwca", "suites/dwca/event_example", (1, 3), 3, id="tuco-tucos of Argentina with a picture"),
])  # fmt: skip
def test_real_surveys_come_in_as_they_went_out(shared, tmp_path, source, path, counts, measured):
    first, second = Settings(data=tmp_path / "first"), Settings(data=tmp_path / "second")
    pipeline.ingest(source, [shared / path], first, dataset="real")
    before = out(first, tmp_path / "before.zip")
    reports = {r.table: r for r in pipeline.ingest("dwca", [before], second)}
    after = out(second, tmp_path / "after.zip")
    told = tuple(reports[name].stored if name in reports else 0 for name in ("events", "occurrences"))
    assert told == counts
    assert not [refusal for report in reports.values() for refusal in report.refusals]
    was, now = ({row["eventID"]: row for row in events(path)} for path in (before, after))
    assert len(was) == len(now) == counts[0]
    for name in was:
        assert comparable(was[name]) == comparable(now[name])
    seen = [{row["occurrenceID"]: row for row in rows(path, "occurrence")} for path in (before, after)]
    for record in [name for name, row in seen[0].items() if row["sharing_category"] == "open"]:
        assert comparable(seen[0][record]) == comparable(seen[1][record])
    places = [
        Counter((row["decimalLatitude"], row["coordinateUncertaintyInMeters"], row["scientificName"]) for row in told.values())
        for told in seen
    ]  # fmt: skip
    assert places[0] == places[1], "no coarse record gained or lost precision"
    for table in ("multimedia", "extendedmeasurementorfact"):
        there = [f"{table}.txt" in zipfile.ZipFile(path).namelist() for path in (before, after)]
        assert there[0] == there[1]
        if there[0]:
            assert sorted(map(str, rows(before, table))) == sorted(map(str, rows(after, table)))
    assert len(rows(before, "extendedmeasurementorfact")) == measured, "those of other words stay inside"


def test_an_archive_of_one_dataset_is_told_as_that_dataset_whatever_its_file_is_called(tmp_path):
    first, second = Settings(data=tmp_path / "first"), Settings(data=tmp_path / "second")
    (tmp_path / "s.xlsx").write_bytes(workbook("point_count", OPEN))
    pipeline.ingest("survey", [tmp_path / "s.xlsx"], first, dataset="hills")
    made = out(first, tmp_path / "download 7.zip")
    assert {one.dataset for one in pipeline.ingest("dwca", [made], second)} == {"hills"}
    with Registry.open(second) as registry:
        assert registry.datasets()["key"].to_list() == ["hills"]
    assert {one.dataset for one in pipeline.ingest("dwca", [made], second, dataset="mine")} == {"mine"}
