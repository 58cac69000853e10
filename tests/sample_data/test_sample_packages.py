"""The archive, the survey's workbooks and the camera traps' package of the sample data."""

import json

import openpyxl
import polars as pl

from biodata.ingest import open_source

pytest_plugins = ("sample_files",)


def cells(path, sheet):
    """Return a sheet's heading and rows."""
    workbook = openpyxl.load_workbook(path, read_only=True)
    rows = [list(row) for row in workbook[sheet].iter_rows(values_only=True)]
    workbook.close()
    return rows[0], rows[1:]


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
