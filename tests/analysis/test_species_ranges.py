"""Ranges from the Red List's polygons: which count, and what is named where one cannot be read."""

import geopandas as gpd
import pytest
import shapely

from biodata.analysis.species.ranges import CODES, read_codes, read_ranges
from biodata.core.errors import InputError

ROWS = [
    ("Bos gaurus", 1, 1, 1),
    ("Bos gaurus", 1, 1, 2),
    ("Bos gaurus", 5, 1, 1),  # extinct
    ("Bos gaurus", 1, 3, 1),  # introduced
    ("Bos gaurus", 4, 4, 5),  # counted once, by the first column that leaves it out
    ("Bos javanicus", 1, 6, 4),
    ("Rusa unicolor", 3, 1, 1),
]


def written(path, rows=ROWS, names=("sci_name", "presence", "origin", "seasonal")):
    table = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    boxes = [shapely.box(100 + at, 20, 101 + at, 21) for at in range(len(rows))]
    gpd.GeoDataFrame(table, geometry=boxes, crs=4326).to_file(path, engine="pyogrio")
    return path


def test_extinct_introduced_and_vagrant_ground_is_no_range(tmp_path):
    found = read_ranges(written(tmp_path / "a.gpkg"))
    assert found.places.names == ["Bos gaurus", "Bos javanicus"]
    assert found.places.shapes[0].bounds == (100, 20, 102, 21)
    assert found.facts["left_out"] == {"presence 5": 1, "presence 4": 1, "presence 3": 1, "origin 3": 1}
    assert found.facts["species_without_range_that_counts"] == ["Rusa unicolor"]
    assert found.facts["polygons"] + sum(found.facts["left_out"].values()) == len(ROWS)


def test_codes_are_a_choice_and_one_species_can_be_asked(tmp_path):
    path = written(tmp_path / "a.gpkg")
    codes = read_codes(["presence=", "origin=1,3", "seasonal=1"])
    found = read_ranges(path, species="bos_gaurus", codes=codes)
    assert [shape.bounds for shape in found.places.shapes[0].geoms] == [(100, 20, 101, 21), (102, 20, 104, 21)]
    assert found.facts["left_out"] == {"origin 4": 1, "seasonal 2": 1}
    assert read_codes([]) == dict(CODES)


def test_columns_of_older_files_and_rows_without_a_code(tmp_path):
    rows = [("Bos gaurus", "1", None, 1), ("Bos gaurus", "5", None, 1)]
    path = written(tmp_path / "a.shp", rows, ("BINOMIAL", "PRESENCE", "ORIGIN", "SEASONAL"))
    assert read_ranges(path).places.shapes[0].bounds == (100, 20, 101, 21)


def test_a_file_that_names_no_species_is_the_range_of_the_one_that_is_asked(tmp_path):
    path = written(tmp_path / "a.gpkg", [("x", 1, 1, 1), ("y", 5, 1, 1)], ("note", "presence", "origin", "seasonal"))
    assert read_ranges(path, species="Bos gaurus").places.names == ["Bos gaurus"]
    with pytest.raises(InputError, match="no such column"):
        read_ranges(path)


@pytest.mark.parametrize(("rows", "more", "code", "named"), [
    pytest.param([("a", 7, 1, 1)], {}, "RANGE_CODE_INVALID", "row 1", id="no such code"),
    pytest.param([("a", 1, 1, 1), ("a", 1.5, 1, 1)], {}, "RANGE_CODE_INVALID", "1.5", id="half a code"),
    pytest.param([("a", 5, 1, 1)], {}, "RANGE_EMPTY", "presence 5", id="nothing counts"),
    pytest.param([("a", 1, 1, 1)], {"species": "b"}, "RANGE_SPECIES_UNKNOWN", "one of a", id="another species"),
    pytest.param([("a", 1, 1, 1), (" ", 1, 1, 1)], {}, "NAME_MISSING", "row 2", id="no name"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path, rows, more, code, named):
    with pytest.raises(InputError) as caught:
        read_ranges(written(tmp_path / "a.gpkg", rows), **more)
    assert caught.value.code == code
    assert named in str(caught.value)


@pytest.mark.parametrize("text", ["presence", "presence=7", "presence=x", "breeding=1", "seasonal=0"])
def test_codes_that_are_none_are_refused(text):
    with pytest.raises(InputError, match="no codes"):
        read_codes([text])


def test_swapped_axes_are_told(tmp_path):
    gpd.GeoDataFrame({"species": ["a"]}, geometry=[shapely.box(20, 100, 21, 101)], crs=4326).to_file(
        tmp_path / "a.gpkg", engine="pyogrio"
    )
    with pytest.raises(InputError, match="off the earth"):
        read_ranges(tmp_path / "a.gpkg")
