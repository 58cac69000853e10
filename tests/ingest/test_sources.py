"""One contract for every registered source; adding a source brings these tests along."""

import inspect
from importlib import import_module

import polars as pl
import pytest

from biodata.core.errors import BiodataError, InputError, Refusal, UnknownSourceError
from biodata.ingest import SOURCES, open_source
from biodata.ingest.protocol import DatasetInfo, VerbatimTable

# What each source reads in the project's own sample data.
SAMPLES = {
    "gbif": ["occurrences_gbif.zip"],
    "dwca": ["xishuangbanna_namha.zip"],
    "protected-areas": ["protected_areas.geojson", "protected_areas_old_schema.gpkg"],
    "checklist": ["checklist.csv"],
    "layer": ["layers/elevation_china_laos.tif", "layers/landcover_china_laos.tif"],
    "survey": ["survey_namha.xlsx"],
    "camtrapdp": ["camtrapdp"],
    "smart": ["smart/patrol_1.xml", "smart/patrol_2.xml"],
    "kobo": ["kobo/wildlife.csv"],
    "wildlife-insights": ["wildlife_insights"],
    "detections": ["detections"],
}
ONLINE = {"gbif-download"}
KINDS = {"events", "occurrences", "protected_areas", "taxa", "layers"}
EVERY = sorted(SOURCES)
FILES = sorted(set(SOURCES) - ONLINE)


def source_class(name):
    module, _, class_name = SOURCES[name].partition(":")
    return getattr(import_module(module), class_name)


@pytest.fixture(scope="module")
def read(sample_data):
    """Return a function that reads a source's sample once: each table with its frames."""
    known = {}

    def read_once(name):
        if name not in known:
            source = open_source(name, [sample_data / path for path in SAMPLES[name]])
            known[name] = [(table, list(table.batches)) for table in source.read()]
        return known[name]

    return read_once


@pytest.mark.parametrize("name", FILES)
def test_a_source_has_a_sample(name, sample_data):
    assert all((sample_data / path).exists() for path in SAMPLES[name])


@pytest.mark.parametrize("name", EVERY)
def test_a_source_is_registered_under_its_own_name_and_documented(name):
    cls = source_class(name)
    assert cls.name in {name, name.removesuffix("-download")}  # a download gives the same records as its file
    assert inspect.getdoc(cls)
    assert inspect.getdoc(cls.read)


@pytest.mark.parametrize("name", EVERY)
def test_a_source_is_opened_as_the_protocol_says(name):
    parameters = list(inspect.signature(source_class(name)).parameters.values())
    assert parameters[0].name == "paths"
    assert [p.name for p in parameters[1:] if p.kind is p.KEYWORD_ONLY][:3] == ["dataset", "options", "progress"]
    assert all(p.default is not p.empty for p in parameters[1:])


@pytest.mark.parametrize("name", FILES)
def test_the_tables_have_the_promised_shape(name, read):
    tables = read(name)
    assert tables
    for table, frames in tables:
        assert isinstance(table, VerbatimTable)
        assert isinstance(table.dataset, DatasetInfo)
        assert table.kind in KINDS
        assert table.name
        assert frames
        for frame in frames:
            schema = dict(frame.schema)
            assert schema.pop("source_file") == pl.String
            assert schema.pop("source_row") == pl.Int64
            if table.kind == "protected_areas":
                assert schema.pop("geometry") == pl.Binary
            if table.kind != "layers":  # a layer's row tells measures of its cells
                assert set(schema.values()) <= {pl.String}, schema
            assert frame["source_file"].null_count() == frame["source_row"].null_count() == 0
            assert frame["source_row"].min() >= 1
            assert not frame.select((pl.col(pl.String) == "").any()).transpose().to_series().any()


@pytest.mark.parametrize("name", FILES)
def test_a_row_is_yielded_or_refused_once(name, read):
    for table, frames in read(name):
        places = [place for frame in frames for place in frame.select("source_file", "source_row").rows()]
        assert all(isinstance(refusal, Refusal) for refusal in table.refusals)
        refused = [(refusal.file, refusal.row) for refusal in table.refusals]
        assert len(set(places)) == len(places)
        assert not set(places) & set(refused)


@pytest.mark.parametrize("name", FILES)
def test_reading_twice_gives_the_same(name, read, sample_data):
    again = open_source(name, [sample_data / path for path in SAMPLES[name]]).read()
    for (table, frames), second in zip(read(name), again, strict=True):
        assert (table.name, table.kind) == (second.name, second.kind)
        assert pl.concat(frames).equals(pl.concat(second.batches))


@pytest.mark.parametrize("name", FILES)
def test_the_dataset_that_is_named_is_the_dataset(name, sample_data):
    source = open_source(name, [sample_data / path for path in SAMPLES[name][:1]], dataset="named-here")
    for table in source.read():
        assert table.dataset.key == "named-here"
        list(table.batches)


@pytest.mark.parametrize("name", FILES)
def test_an_unknown_option_is_refused(name, sample_data):
    paths = [sample_data / path for path in SAMPLES[name][:1]]
    with pytest.raises(InputError) as caught:
        open_source(name, paths, options={"no such option": "1"})
    assert caught.value.code == "OPTION_UNKNOWN"


def read_all(name, path):
    for table in open_source(name, [path]).read():
        list(table.batches)


def fault(name, path):
    with pytest.raises(BiodataError) as caught:
        read_all(name, path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return caught.value


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_there_is_named_in_one_line(name, tmp_path):
    fault(name, tmp_path / "nowhere.zip")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("data", [
    b"", b"\x00" * 3_000, b"PK\x03\x04 and then nothing", b"\xff\xd8\xff picture", b"<html>error 502</html>",
], ids=["empty", "NULs", "half a zip", "picture", "HTML"])  # fmt: skip
@pytest.mark.parametrize("suffix", [".csv", ".zip", ".json"])
def test_a_file_of_another_kind_is_named_in_one_line(name, data, suffix, tmp_path):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    fault(name, path)


def test_an_unknown_source_is_told_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownSourceError, match=r"'ebrid'; known sources: .*gbif") as caught:
        open_source("ebrid", [tmp_path])
    assert (caught.value.name, caught.value.known) == ("ebrid", list(SOURCES))
