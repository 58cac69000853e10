"""The archive, the survey's workbooks and the camera traps' package of the sample data."""

import json
import zipfile
from collections import Counter

import defusedxml.ElementTree as ElementTree
import openpyxl
import polars as pl

from biodata.ingest import open_source
from biodata.places import locate
from sample_columns import ARCHIVE

pytest_plugins = ("sample_files",)


def test_the_archives_meta_xml_tells_its_columns(sample_data):
    with zipfile.ZipFile(sample_data / ARCHIVE) as archive:
        meta = ElementTree.fromstring(archive.read("meta.xml"))
        ElementTree.fromstring(archive.read("eml.xml"))
        for part in meta:
            location = part.find("{*}files/{*}location").text
            heading = archive.read(location).decode().split("\n", 1)[0].split("\t")
            told = {int(f.get("index")): f.get("term").rsplit("/", 1)[1] for f in part.findall("{*}field[@index]")}
            assert [told.get(number, heading[0]) for number in range(len(heading))] == heading
        core = {line.split("\t", 1)[0] for line in archive.read("occurrence.txt").decode().splitlines()[1:]}
        measured = archive.read("measurementorfact.txt").decode().splitlines()[1:]
    assert len(core) == 3980
    assert len(measured) == 900
    assert {line.split("\t", 1)[0] for line in measured} <= core


def cells(path, sheet):
    """Return a sheet's heading and rows."""
    workbook = openpyxl.load_workbook(path, read_only=True)
    rows = [list(row) for row in workbook[sheet].iter_rows(values_only=True)]
    workbook.close()
    return rows[0], rows[1:]


def test_the_template_explains_every_column(sample_data):
    path = sample_data / "survey_template.xlsx"
    _, guide = cells(path, "README")
    explained = {(row[0], row[1]) for row in guide if row[3] and row[4]}
    for sheet in ("occurrences", "events"):
        heading, rows = cells(path, sheet)
        assert {(sheet, column) for column in heading} <= explained
        assert not rows


def test_the_faulty_workbook_differs_from_the_good_one_where_stated(sample_data):
    heading, good = cells(sample_data / "survey_namha.xlsx", "occurrences")
    _, faulty = cells(sample_data / "survey_with_faults.xlsx", "occurrences")
    stated = {
        (fault["row"], fault["column"]): fault["value"]
        for fault in json.loads((sample_data / "survey_faults.json").read_text())
    }
    found = {
        (number, column): wrong
        for number, (right_row, wrong_row) in enumerate(zip(good, faulty, strict=True), start=2)
        for column, right, wrong in zip(heading, right_row, wrong_row, strict=True)
        if right != wrong
    }
    swapped = next(row for row, column in stated if column == "decimalLatitude" and (row, "decimalLongitude") in found)
    assert found.pop((swapped, "decimalLongitude")) == good[swapped - 2][heading.index("decimalLatitude")]
    assert found == stated
    assert len(good) == 40
    assert len(stated) == 18


def test_the_camera_trap_package_holds_together(sample_data, boundaries):
    folder = sample_data / "camtrapdp"
    package = json.loads((folder / "datapackage.json").read_text())
    tables = {r["name"]: pl.read_csv(folder / r["path"], infer_schema=False) for r in package["resources"]}
    deployments, observations = tables["deployments"], tables["observations"]
    assert (deployments.height, observations.height) == (6, 120)
    place = deployments.select("longitude", "latitude").cast(pl.Float64).to_numpy()
    found = locate(place[:, 0], place[:, 1], boundaries)
    assert Counter(found["located_country_code"]) == {"CN": 3, "LA": 3}
    for table in ("media", "observations"):
        assert set(tables[table]["deploymentID"]) == set(deployments["deploymentID"])
    kinds = Counter(observations["observationType"])
    assert min(kinds[kind] for kind in ("animal", "human", "blank")) >= 5
    assert (observations["eventStart"] <= observations["eventEnd"]).all()


def test_the_camera_trap_package_fits_the_standards_schemas(sample_data, shared):
    for name in ("deployments", "media", "observations"):
        schema = json.loads((shared / f"data/camtrapdp_example/schemas/{name}-table-schema.json").read_text())
        frame = pl.read_csv(sample_data / f"camtrapdp/{name}.csv", infer_schema=False)
        assert frame.columns == [field["name"] for field in schema["fields"]]
        for field in schema["fields"]:
            limits, values = field.get("constraints", {}), frame[field["name"]]
            assert not (limits.get("required") and values.null_count()), field["name"]
            assert set(values.drop_nulls()) <= set(limits.get("enum", values.drop_nulls()))
            if field["type"] == "datetime":
                assert values.drop_nulls().str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$").all()


def _tables(source, paths, **options):
    """Return a source's tables, each with its rows."""
    told = {name: str(path) for name, path in options.items()}
    return [(table, pl.concat(table.batches)) for table in open_source(source, paths, options=told).read()]


def test_the_patrols_and_the_form_hold_what_must_stay_out_and_it_does(sample_data):
    written = "".join(
        path.read_text() for path in (*sample_data.glob("smart/patrol_*.xml"), sample_data / "kobo/wildlife.csv")
    )
    planted = ("Ranger", "Nobody Atall", "SYN-0001", "snares", "synthetic:1", "nobody walked", "01ea030000")
    assert all(word in written for word in planted)
    patrols = [sample_data / f"smart/patrol_{number}.xml" for number in (1, 2)]
    smart = _tables("smart", patrols, datamodel=sample_data / "smart/datamodel.xml")
    kobo = _tables("kobo", [sample_data / "kobo/wildlife.csv"], mapping=sample_data / "kobo/mapping.csv")
    assert [frame.height for _, frame in smart] == [10, 16]
    assert [frame.height for _, frame in kobo] == [12, 12]
    assert smart[1][1]["scientificName"].null_count() == 0
    assert set(kobo[0][1]["habitat"]) == {"evergreen forest"}
    told = str([frame.rows() for _, frame in smart + kobo]) + str([table.notes for table, _ in smart + kobo])
    assert not any(word in told for word in planted)
