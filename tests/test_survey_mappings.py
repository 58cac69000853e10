"""What headings mean is decided once for a dataset, kept, and changed only as a whole or not at all."""

import openpyxl
import pytest

from biodata import pipeline
from biodata.errors import InputError
from biodata.ingest.headings import CERTAIN, propose
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.surveys import mappings


def certain(headings, kept):
    return {p.heading: p.term for p in propose(headings, kept=kept) if p.term is not None and p.confidence > CERTAIN}


@pytest.fixture
def registry(tmp_path):
    with Registry.open(Settings(data=tmp_path)) as opened:
        yield opened


def test_a_second_upload_needs_no_second_answer(registry):
    headings = ["ວັນທີ", "ຊະນິດ", "ໝາຍເຫດ"]
    assert certain(headings, registry.headings_decided("namha")) == {"ໝາຍເຫດ": "occurrenceRemarks"}
    mappings.keep(registry, "namha", {"ວັນທີ": "eventDate", "ຊະນິດ": "scientificName", "ໝາຍເຫດ": ""})
    again = certain(["ວັນທີ ", "ຊະນິດ", "ໝາຍເຫດ"], registry.headings_decided("namha"))
    assert again == {"ວັນທີ ": "eventDate", "ຊະນິດ": "scientificName"}
    assert registry.headings_decided("another") == {}


def test_a_later_answer_stands_in_the_place_of_an_earlier_one(registry):
    mappings.keep(registry, "namha", {"X": "easting", "Y": "northing"})
    assert mappings.keep(registry, "namha", {"x ": "decimalLongitude"}) == {"Y": "northing", "x ": "decimalLongitude"}


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"ok": "sex", "X": "decimallatitude"}, "TERM_UNKNOWN"),
        ({"x": "sex", "X": "habitat"}, "HEADING_REPEATED"),
        ({"x" * 301: "sex"}, "INPUT_TOO_LARGE"),
        ({" ": "sex"}, "INPUT_TOO_LARGE"),
        ({f"column {n}": "sex" for n in range(1001)}, "INPUT_TOO_LARGE"),
    ],
)
def test_what_cannot_be_kept_changes_nothing(registry, mapping, code):
    mappings.keep(registry, "namha", {"first": "sex"})
    with pytest.raises(InputError) as told:
        mappings.keep(registry, "namha", mapping)
    assert told.value.code == code
    assert registry.headings_decided("namha") == {"first": "sex"}


def test_an_ingest_for_the_dataset_uses_what_was_decided(registry, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["ລະຫັດບັນທຶກ", "ຈຸດໝາຍ", "ຊື່ວິທະຍາສາດ", "ລະຕິຈູດ", "ລອງຈິຈູດ", "ວັນທີສຳຫຼວດ"])
    book.active.append(["1", "S-1", "Muntiacus muntjak", 21.05, 101.2, "2026-03-01"])
    path = tmp_path / "survey.xlsx"
    book.save(path)
    mappings.keep(registry, "namha", {"ຈຸດໝາຍ": "locationID"})
    settings = Settings(data=tmp_path)
    pipeline.ingest("survey", [path], settings, dataset="namha")
    with Lake.open(tmp_path) as lake:
        kept = lake.read("verbatim")
    assert kept["v_locationID"].to_list() == ["S-1"]
    assert kept["v_decimalLatitude"].to_list() == ["21.05"]
