"""A presence stays what it is: an archive of ours taken in by a biodata that knows none of the rules of its writer."""

import zipfile

import polars as pl
import pytest

from biodata import pipeline, places, surveys
from biodata.core.settings import Settings
from biodata.exports.write import Format, export
from biodata.sharing.received import hidden_taxa
from biodata.sharing.resolve import INTERPRETED
from biodata.sharing.rules import RuleSet
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.surveys import notices
from camtrapdp_tables import rows as table
from commands import run
from sheets import book_of, bytes_of
from survey_trips import ASKED, OPEN, SECRET, out, rows, workbook

OTHER = "Muntiacus vaginalis"
TOLD = ("datasetKey", "scientificName", "eventDate", "event_start", "event_end", "year", "month", "decimalLatitude",
        "decimalLongitude", "coordinateUncertaintyInMeters", "geodeticDatum", "countryCode", "country_codes",
        "province_code", "ambiguous", "informationWithheld", "dataGeneralizations", "quality_flags", "sharing_category",
        "sharing_rule", "cell_west", "cell_south", "cell_east", "cell_north", "license_effective", "eventID",
        "locality")  # fmt: skip
"""What of coarse records has to be the same; a record's number each lake gives anew."""


def published(settings, table="occurrences"):
    with releases.connect(releases.current(settings.data).path) as connection:
        return connection.execute(f"SELECT * FROM {table}").pl()


def boars(name=OPEN, method="camera trap"):
    """Return records without events: boars in two cells, and an open record."""
    head = (
        "occurrenceID eventDate scientificName decimalLatitude decimalLongitude samplingProtocol basisOfRecord".split()
    )
    rows = [[f"B{n}", f"2025-03-1{n}", of, latitude, 101.55 + n / 100, method, "MachineObservation"]
            for n, (of, latitude) in enumerate(((name, 21.03), (name, 21.04), (name, 21.33), (OTHER, 21.35)))]  # fmt: skip
    return bytes_of(book_of({"occurrences": [head, *rows]}))


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    """Return an installation with a rule of its own, its archive, and two others: one took it in, one took in what that wrote."""
    folder = tmp_path_factory.mktemp("coarse")
    first, second, third = (Settings(data=folder / name) for name in ("first", "second", "third"))
    for dataset, content in (("boars", boars()), ("deer", workbook("camera_trap", OTHER))):
        (folder / f"{dataset}.xlsx").write_bytes(content)
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


def test_a_presence_is_what_it_was(trip):
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
                made = [[*(flags or []), "PUBLISHER_GENERALISED"] for flags in was[name].to_list()]
                assert [sorted(flags) for flags in now[name].to_list()] == [sorted(flags) for flags in made]
            else:
                assert now[name].to_list() == was[name].to_list(), name


def test_open_records_stay_open(trip):
    first, second, _, _ = trip
    for settings in (first, second):
        opened = published(settings).filter(pl.col("sharing_category") == "open")
        assert set(opened["scientificName"]) == {OTHER}


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
    assert "101.5521" not in texts


def test_nothing_is_absent_of_what_came_as_a_presence(trip):
    with Lake.open(trip[1].data) as lake:
        assert hidden_taxa(lake.read("occurrences")) == {OPEN}


def test_the_check_calls_no_name_sensitive_that_only_came_coarse(trip):
    report = surveys.check_files(
        [("before.zip", trip[3].read_bytes())], places.load_boundaries("natural_earth"), language="zh"
    )
    (notice,) = [one for one in report["notices"] if one["name"] == OPEN]
    assert (notice["code"], notice["category"]) == ("NAME_CAME_COARSE", "0_1_degree")
    assert "粗化" in notice["message"]
    assert "敏感物种：" not in notice["message"]
    assert "biodata" not in notice["message"] + notice["expected"], "in the uploader's language"


def test_names_that_came_coarse_are_told_together(trip):
    with Lake.open(trip[1].data) as lake:
        came = lake.read("occurrences").filter(pl.col("shared_as").struct.field("category").is_not_null()).head(1)
    names = ("Sus scrofa", "Rusa unicolor", "Muntiacus muntjak", "Viverra zibetha")
    every = [
        came.with_columns(key=pl.lit(n, pl.Int64), **dict.fromkeys(INTERPRETED, pl.lit(name)))
        for n, name in enumerate(names)
    ]
    (found,), _ = notices.foreseen(
        pl.concat(every), RuleSet.read(None), boundaries=places.load_boundaries("natural_earth")
    )
    assert (found["name"], found["rows"], found["code"]) == (
        "Sus scrofa, Rusa unicolor, Muntiacus muntjak, … (4)",
        came["source_row"].to_list() * 4,
        "NAME_CAME_COARSE",
    )


OF_ONE_PACKAGE = ("datasetKey", "eventID", "license_effective", "dataGeneralizations")
"""What a package of several datasets does not tell by row; how the place was made coarse it tells in words of its own."""


def test_a_presence_of_a_camera_is_what_it_was(packages):
    first, second, third, _ = packages
    was = coarse(first)
    for settings in (second, third):
        now = coarse(settings)
        assert now.height == was.height == 2
        for name in TOLD:
            if name == "quality_flags":
                told = [set(flags) - {"PUBLISHER_GENERALISED"} for flags in now[name].to_list()]
                assert told == [set(flags or []) for flags in was[name].to_list()]
            elif name not in OF_ONE_PACKAGE:
                assert now[name].to_list() == was[name].to_list(), name


def test_a_presence_of_a_camera_stands_in_a_deployment_of_its_cell(packages):
    """No camera is named: it lasts the year, and no effort can be read from it."""
    package = packages[3]
    cells = [row for row in table(package, "deployments") if "place:generalised" in row["deploymentTags"]]
    assert len(cells) == 2
    assert all("sharing:0_1_degree" in row["deploymentTags"].split(" | ") for row in cells)
    assert {row["deploymentGroups"] for row in cells} == {"effort:unknown"}
    assert {row["deploymentStart"] for row in cells} == {"2025-01-01T00:00:00Z"}
    named = {row["deploymentID"] for row in table(package, "observations") if row["scientificName"].startswith(OPEN)}
    assert named == {row["deploymentID"] for row in cells}


def test_presences_of_other_methods_are_left_out_as_such(tmp_path):
    (tmp_path / "walk.xlsx").write_bytes(boars(SECRET, "line transect"))
    settings = Settings(data=tmp_path / "data")
    pipeline.ingest("survey", [tmp_path / "walk.xlsx"], settings, dataset="walk")
    pipeline.release(settings)
    facts = export(releases.current(settings.data).path, Format.CAMTRAPDP, ASKED, tmp_path / "out.zip")
    assert facts.notes == (
        "0 observations and 0 deployments of camera traps are in it. 3 of 3 records are left out: 1 of other methods, 2 with a "
        "coarse place (no method is published of them, so none is known to be of a camera).",
    )
