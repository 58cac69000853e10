"""What was made coarse stays coarse: an archive of ours taken in by a biodata that knows none of the rules of its writer."""

import json
import zipfile

import polars as pl
import pytest

from biodata import pipeline, places, surveys
from biodata.exports.write import Format, export
from biodata.settings import Settings
from biodata.sharing.foreseen import Foreseen
from biodata.sharing.shared import hidden_taxa
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.surveys import notices
from biodata.surveys.events import of_lake
from biodata.vocabularies import SharingCategory
from commands import run
from test_camtrapdp_round_trips import rows as table
from test_survey_round_trips import ASKED, OPEN, out, rows, workbook

OTHER = "Muntiacus vaginalis"
TOLD = (
    "datasetKey", "scientificName", "eventDate", "event_start", "event_end", "year", "month", "decimalLatitude", "decimalLongitude",
    "coordinateUncertaintyInMeters", "geodeticDatum", "countryCode", "country_codes", "province_code", "ambiguous",
    "informationWithheld", "dataGeneralizations", "quality_flags", "sharing_category", "sharing_rule", "cell_west", "cell_south",
    "cell_east", "cell_north", "license_effective", "eventID", "locality",
)  # fmt: skip
"""What of coarse records has to be the same; a record's number each lake gives anew."""


def published(settings, table="occurrences"):
    with releases.connect(releases.current(settings.data).path) as connection:
        return connection.execute(f"SELECT * FROM {table}").pl()


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """Return an installation with a rule of its own, its archive, and two others: one took it in, one took in what that wrote."""
    folder = tmp_path_factory.mktemp("coarse")
    first, second, third = (Settings(data=folder / name) for name in ("first", "second", "third"))
    for dataset, species in (("boars", OPEN), ("deer", OTHER)):
        (folder / f"{dataset}.xlsx").write_bytes(workbook("camera_trap", species))
        pipeline.ingest("survey", [folder / f"{dataset}.xlsx"], first, dataset=dataset)
    done = run("sensitive", OPEN, "--category", "0_1_degree", "--reason", "hunted", "--data", str(first.data))
    assert done.returncode == 0, done.stderr
    before = out(first, folder / "before.zip")
    pipeline.ingest("dwca", [before], second)
    after = out(second, folder / "after.zip")
    pipeline.ingest("dwca", [after], third)
    pipeline.release(third)
    return first, second, third, before


def written_as_camtrapdp(settings, path):
    facts = export(releases.current(settings.data).path, Format.CAMTRAPDP, ASKED, path)
    assert facts.written
    return path


@pytest.fixture(scope="module")
def packages(trip, tmp_path_factory):
    """Return the first installation, its Camtrap DP package, and two that know no rule: of it, and of what that wrote."""
    folder = tmp_path_factory.mktemp("packages")
    second, third = (Settings(data=folder / name) for name in ("second", "third"))
    package = written_as_camtrapdp(trip[0], folder / "before.zip")
    pipeline.ingest("camtrapdp", [package], second)
    pipeline.release(second)
    pipeline.ingest("camtrapdp", [written_as_camtrapdp(second, folder / "after.zip")], third)
    pipeline.release(third)
    return trip[0], second, third, package


def coarse(settings):
    return published(settings).filter(pl.col("sharing_category") != "open").select(TOLD).sort("scientificName", "year")


def test_a_coarse_record_is_what_it_was(trip):
    first, second, third, _ = trip
    was = coarse(first)
    assert was.height == 2
    assert set(was["sharing_category"]) == {"0_1_degree"}
    assert was["cell_west"].null_count() == 0
    assert was["informationWithheld"].str.contains("hunted").all()
    for settings in (second, third):
        now = coarse(settings)
        assert now.height == was.height
        for name in TOLD:
            if name == "quality_flags":  # that somebody had made it coarser is a doubt that is new there
                made = [[*flags, "PUBLISHER_GENERALISED"] for flags in was[name].to_list()]
                assert [sorted(flags) for flags in now[name].to_list()] == [sorted(flags) for flags in made]
            else:
                assert now[name].to_list() == was[name].to_list(), name


def test_open_records_stay_open(trip):
    first, second, _, _ = trip
    for settings in (first, second):
        opened = published(settings).filter(pl.col("sharing_category") == "open")
        assert set(opened["scientificName"]) == {OTHER}


def test_a_coarse_event_stays_a_cell_without_its_days(trip):
    first, second, third, before = trip
    names = (
        "datasetKey", "eventID", "design", "event_start", "event_end", "eventDate", "year", "effort_value", "effort_unit",
        "country_codes", "coordinateUncertaintyInMeters", "sharing_category", "geometry", "isAbsenceReported",
        "targetTaxonomicScope", "dataGeneralizations",
    )  # fmt: skip
    told = [
        published(settings, "surveys").filter(pl.col("sharing_category") != "open").select(names).sort("geometry", "effort_value")
        for settings in (first, second, third)
    ]  # fmt: skip
    assert told[0].height > 0
    assert set(told[0]["sharing_category"]) == {"0_1_degree"}
    assert told[0]["event_start"].null_count() == told[0].height
    assert told[1].rows(named=True) == told[2].rows(named=True) == told[0].rows(named=True)
    outlines = {row["footprintWKT"] for row in rows(before, "event") if row["sharing_category"] == "0_1_degree"}
    assert all(text.startswith("POLYGON") for text in outlines)


def test_no_place_is_believed_to_be_coarse_because_it_says_so(trip, tmp_path):
    _, _, _, before = trip
    changed = tmp_path / "changed.zip"
    told = [row for row in rows(before, "occurrence") if row["sharing_category"] == "0_1_degree"]
    centres = {row["decimalLatitude"]: "21.0312345" for row in told}
    centres |= {row["coordinateUncertaintyInMeters"]: "10.0" for row in told}
    with zipfile.ZipFile(before) as was, zipfile.ZipFile(changed, "w") as now:
        for name in was.namelist():
            text = was.read(name).decode()
            for centre, exact in centres.items() if name == "occurrence.txt" else ():
                text = text.replace(f"\t{centre}\t", f"\t{exact}\t").replace("hunted", "seen at 21.0312 101.5521")
            now.writestr(name, text)
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("dwca", [changed], settings)
    pipeline.release(settings)
    found = published(settings).filter(pl.col("sharing_category") != "open")
    assert set(found["sharing_category"]) == {"0_1_degree"}
    assert not found["decimalLatitude"].is_in([21.0312345]).any()
    texts = str(found.rows())
    assert "21.03" not in texts
    assert "101.55" not in texts


def test_nothing_is_told_absent_of_what_came_coarse(trip):
    _, second, _, _ = trip
    with Lake.open(second.data) as lake:
        events, counted = lake.read("events"), of_lake(lake)
        assert hidden_taxa(lake.read("occurrences")) == {OPEN}
    came_coarse = events.filter(pl.col("shared_as").struct.field("category").is_not_null())["eventID"].to_list()
    assert came_coarse
    assert not set(came_coarse) & set(counted["eventID"]), "of a cell nobody knows the records"
    assert {"boars", "deer"} == set(counted["eventID"].str.split(":").list.first()), "the open ones of both are effort"
    assert events["shared_as"].struct.field("category").drop_nulls().unique().to_list() == ["0_1_degree"]


def test_the_check_calls_no_name_sensitive_that_only_came_coarse(trip):
    report = surveys.check_files(
        [("before.zip", trip[3].read_bytes())], places.load_boundaries("natural_earth"), language="zh"
    )
    (notice,) = [one for one in report["notices"] if one["name"] == OPEN]
    assert (notice["code"], notice["category"]) == ("NAME_CAME_COARSE", "0_1_degree")
    assert "粗化" in notice["message"]
    assert "敏感物种：" not in notice["message"]
    assert "biodata" not in notice["message"] + notice["expected"], "in the uploader's language"


def test_names_that_came_coarse_are_told_together(tmp_path):
    names = ("Sus scrofa", "Rusa unicolor", "Muntiacus muntjak", "Viverra zibetha")
    found = [
        Foreseen(name, SharingCategory.TENTH_DEGREE, False, (), 0, "came", (row,), ("E1",), 0, came=True)
        for row, name in enumerate(names)
    ]
    sure = Foreseen("Elephas maximus", SharingCategory.TENTH_DEGREE, True, (), 0, "rule", (9,), ("E2",), 0, came=False)
    single, together = notices._together([*found, sure])
    assert single == sure
    assert together.name == "Sus scrofa, Rusa unicolor, Muntiacus muntjak, … (4)"
    assert (together.rows, together.events) == ((0, 1, 2, 3), ("E1",))
    assert notices._together(found[:1]) == found[:1]


OF_ONE_PACKAGE = ("datasetKey", "eventID", "license_effective", "dataGeneralizations")
"""What a package of several datasets does not tell by row; how the place was made coarse it tells in words of its own."""


def test_a_coarse_record_of_a_camera_is_what_it_was(packages):
    first, second, third, _ = packages
    was = coarse(first)
    for settings in (second, third):
        now = coarse(settings)
        assert now.height == was.height == 2
        for name in TOLD:
            if name == "quality_flags":
                told = [set(flags) - {"PUBLISHER_GENERALISED"} for flags in now[name].to_list()]
                assert told == [set(flags) for flags in was[name].to_list()]
            elif name not in OF_ONE_PACKAGE:
                assert now[name].to_list() == was[name].to_list(), name


def test_a_coarse_deployment_says_that_its_observations_are_not_given(packages):
    _, second, third, package = packages
    cells = [row for row in table(package, "deployments") if "place:generalised" in row["deploymentTags"]]
    assert all("sharing:0_1_degree" in row["deploymentTags"].split(" | ") for row in cells)
    named = {row["deploymentID"] for row in table(package, "observations")}
    silent = [row for row in cells if row["deploymentID"] not in named]
    assert silent
    for row in cells:
        group = "observations:notGiven" if row in silent else "effort:unknown"
        assert row["deploymentGroups"] == group
        assert ("does not say that nothing was found" in row["deploymentComments"]) == (row in silent)
    opened = [row for row in table(package, "deployments") if row not in cells]
    assert {row["deploymentGroups"] for row in opened} == {""}
    with zipfile.ZipFile(package) as archive:
        told = json.loads(archive.read("datapackage.json"))["description"]
    assert f"Deployments of the group observations:notGiven ({len(silent)}) were made coarse" in told
    for settings in (second, third):
        with Lake.open(settings.data) as lake:
            events, counted = lake.read("events"), of_lake(lake)
            assert hidden_taxa(lake.read("occurrences")) == {OPEN}
        cellular = events.filter(pl.col("shared_as").struct.field("category") == "0_1_degree")
        assert cellular.height == len(silent)
        assert not set(cellular["event_key"]) & set(counted["eventID"]), "nobody was absent there"
        assert counted.height == len(opened)
