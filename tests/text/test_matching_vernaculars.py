"""Common names: languages told by script, wrong tags found, names found in each language."""

import json
import zipfile

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.core import terms
from biodata.harmonise.taxa import taxa
from biodata.ingest import open_source
from biodata.text import vernaculars
from biodata.text.vernaculars import language_of, search_vernacular
from case_tables import cases


@pytest.mark.parametrize(
    ("name", "told", "tag", "changed"), cases("matching_vernaculars", "test_the_script_tells_the_language")
)
def test_the_script_tells_the_language(name, told, tag, changed):
    found = language_of(name, told)
    assert (found.tag, found.changed) == (tag, changed)


@given(st.text(), st.one_of(st.none(), st.text()))
def test_any_text_has_a_language(name, told):
    assert language_of(name, told).tag


def details(*names):
    return json.dumps(vernaculars.read(names), ensure_ascii=False)


TAXA = terms.conform(
    pl.DataFrame({
        "checklist": "x",
        "taxon_id": ["1", "2"],
        "scientificName": ["Macaca mulatta", "Elephas maximus"],
        "vernacular_details": [
            details(
                {"name": "Khỉ vàng", "language": "vi", "preferred": True, "source": "a list"},
                {"name": "猕猴", "language": "zh"},
                {"name": "Rhesus macaque", "language": "en"},
                {"name": "Macaque", "language": "fr"},
                {"name": "ลิงวอก", "language": "zh"},
            ),
            details({"name": "象", "language": "en"}, {"name": "Gajah", "language": "ms"}),
        ],
    }),
    terms.TAXON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language", "found"), cases("matching_vernaculars", "test_names_are_found_in_each_language")
)
def test_names_are_found_in_each_language(text, language, found):
    assert search_vernacular(TAXA, text, language)["name"].to_list() == found


def test_source_preference_and_the_tag_that_was_told_are_kept():
    first, *others = json.loads(TAXA["vernacular_details"][0])
    assert (first["name"], first["preferred"], first["source"]) == ("Khỉ vàng", True, "a list")
    assert [row["told_language"] for row in others if "told_language" in row] == ["zh"]
    assert vernaculars.preferred(json.loads(TAXA["vernacular_details"][0]))["th"] == "ลิงวอก"


def test_the_extension_of_an_archive_is_read(tmp_path):
    dwc, gbif = "http://rs.tdwg.org/dwc/terms/", "http://rs.gbif.org/terms/1.0/"
    table = 'fieldsTerminatedBy="\\t" ignoreHeaderLines="1"'
    meta = (
        f'<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="{dwc}Taxon" {table}><files><location>taxon.txt'
        f'</location></files><id index="0"/><field index="1" term="{dwc}scientificName"/></core>'
        f'<extension rowType="{gbif}VernacularName" {table}><files><location>names.txt</location></files>'
        f'<coreid index="0"/><field index="1" term="{dwc}vernacularName"/>'
        '<field index="2" term="http://purl.org/dc/terms/language"/>'
        f'<field index="3" term="{gbif}isPreferredName"/></extension></archive>'
    )
    path = tmp_path / "list v2.1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.xml", meta)
        archive.writestr("taxon.txt", "id\tname\n1\tMacaca mulatta\n2\tElephas maximus\n")
        archive.writestr("names.txt", "id\tname\tlang\tpref\n1\tลิงวอก\tzh\ttrue\n1\tRhesus\ten\tfalse\n")
    (found,) = open_source("checklist", [path], options={"order": "2", "keys": "col"}).read()
    (batch,) = found.batches
    frame, _ = taxa(batch, checklist="x", declarations=found.declarations)
    assert json.loads(frame["vernacular_names"][0]) == {"th": "ลิงวอก", "en": "Rhesus"}
    assert frame["vernacular_names"][1] is None
    assert frame.select("checklist_version", "checklist_order", "col_key").row(1) == ("2.1", 2, "2")
