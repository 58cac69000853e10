"""What identifies a record, and the rows that nothing identifies."""

import polars as pl
import pytest

from biodata.harmonise.findings import Stated
from biodata.harmonise.records import Identities

SECRET = bytes(range(32))


def table(*rows, headings):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(headings, pl.String), orient="row")
    place = pl.lit("file.csv").alias("source_file"), pl.int_range(2, len(rows) + 2).alias("source_row")
    return frame.select(*place, pl.all())


def assign(*rows, headings, secret=SECRET, identities=None):
    return (identities or Identities(secret)).assign(Stated(table(*rows, headings=headings)), dataset_key="survey")


def ids(*rows, **told):
    return assign(*rows, **told)[0].columns["source_record_id"].to_list()


@pytest.mark.parametrize(("headings", "row", "identity", "flags"), [
    pytest.param(["occurrenceID", "gbifID"], ("urn:1", "7"), "urn:1", [], id="occurrenceID"),
    pytest.param(["occurrenceID", "gbifID"], (None, "7"), "7", ["OCCURRENCE_ID_MISSING"], id="gbifID stands in"),
    pytest.param(["id", "species"], ("12", "Bos gaurus"), "12", ["OCCURRENCE_ID_MISSING"], id="the archive's id"),
    pytest.param(["occurrenceID"], (" a ",), "a", [], id="spaces around"),
])  # fmt: skip
def test_what_identifies_a_record(headings, row, identity, flags):
    findings, kept, refusals = assign(row, headings=headings)
    assert findings.columns["source_record_id"].to_list() == [identity]
    assert [name for name, mask in findings.flags.items() if mask.any()] == flags
    assert (kept.to_list(), refusals) == ([True], [])


def test_a_row_tells_its_dataset_or_takes_the_ingests():
    findings, _, _ = assign(("1", "iNaturalist"), ("2", None), headings=["occurrenceID", "datasetKey"])
    assert findings.columns["datasetKey"].to_list() == ["iNaturalist", "survey"]


def test_a_row_without_identifier_in_a_file_that_has_the_column_is_refused():
    rows = ("1", "Bos gaurus"), (None, "Bos javanicus"), ("-", "x")
    _, kept, refusals = assign(*rows, headings=["occurrenceID", "species"])
    assert kept.to_list() == [True, False, False]
    assert [(r.file, r.row, r.code) for r in refusals] == [("file.csv", row, "IDENTIFIER_MISSING") for row in (3, 4)]
    assert "occurrenceID" in refusals[0].message


def test_a_catalogue_number_does_not_identify():
    assert ids(("12", "Bos gaurus"), headings=["catalogNumber", "species"])[0].startswith("content:")


@pytest.mark.parametrize("headings", [["occurrenceID", "species"], ["latitude", "species"], ["my a", "my b"]])
def test_a_blank_row_is_refused_as_blank(headings):
    _, kept, refusals = assign(("1", "x"), (None, None), (" ", "\t"), headings=headings)
    assert kept.to_list() == [True, False, False]
    assert [r.code for r in refusals] == ["ROW_BLANK", "ROW_BLANK"]


def test_a_row_of_dashes_is_not_blank():
    _, kept, _ = assign(("-", "-"), headings=["year", "species"])
    assert kept.to_list() == [True]


ROWS = ("Bos gaurus", "21.5"), ("Bos javanicus", "14.2"), ("Bos gaurus", "21.5"), ("Bos gaurus", "21.5")


def test_equal_rows_are_told_apart_by_a_number():
    first, other, second, third = ids(*ROWS, headings=["species", "decimalLatitude"])
    assert first.startswith("content:")
    assert (second, third) == (f"{first}#2", f"{first}#3")
    assert "#" not in other


def test_the_count_goes_on_across_batches():
    identities = Identities(SECRET)
    told = {"headings": ["species", "decimalLatitude"], "identities": identities}
    assert ids(*ROWS[:2], **told) + ids(*ROWS[2:], **told) == ids(*ROWS, headings=["species", "decimalLatitude"])


def test_content_tells_the_same_whatever_the_order_of_columns_and_the_empty_ones():
    one = ids(("Bos gaurus", "21.5"), headings=["species", "decimalLatitude"])
    assert ids(("21.5", None, "Bos gaurus"), headings=["decimalLatitude", "locality", "species"]) == one


def test_content_of_another_cell_or_heading_is_another():
    rows = [("ab", "c"), ("a", "bc")]
    assert len({*ids(*rows, headings=["species", "locality"]), *ids(*rows, headings=["locality", "species"])}) == 4


def test_without_the_secret_content_cannot_be_matched():
    told = {"headings": ["species", "decimalLatitude"]}
    assert ids(ROWS[0], **told) != ids(ROWS[0], secret=bytes(32), **told)


def test_two_datasets_count_their_own_rows():
    headings = ["species", "datasetKey"]
    assert all("#" not in identity for identity in ids(("Bos gaurus", "a"), ("Bos gaurus", "b"), headings=headings))
