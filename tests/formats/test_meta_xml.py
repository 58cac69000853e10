import pytest

from biodata.core.errors import InputError
from biodata.formats.meta_xml import Field, read_description
from biodata.formats.records import Dialect, Repairs
from biodata.formats.xml import local_term
from case_tables import cases

DWC = "http://rs.tdwg.org/dwc/terms/"
MEMBERS = ("occurrence.txt", "verbatim.txt", "multimedia.txt", "eml.xml", "meta.xml")
CORE = f"""
  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"
        rowType="{DWC}Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0"/>
    <field index="1" term="{DWC}scientificName"/>
    <field index="2" term="{DWC}country" default="Laos"/>
    <field default="WGS84" term="{DWC}geodeticDatum"/>
  </core>"""
VERBATIM = f"""
  <extension rowType="{DWC}Occurrence">
    <files><location>verbatim.txt</location></files>
    <coreid index="0"/>
    <field index="1" term="{DWC}scientificName"/>
  </extension>"""


def archive(body=CORE, attributes='xmlns="http://rs.tdwg.org/dwc/text/" metadata="eml.xml"'):
    return f"<archive {attributes}>{body}</archive>".encode()


def described(data, members=MEMBERS):
    return read_description(data, file="records.zip/meta.xml", members=members)


def refused(data, members=MEMBERS):
    with pytest.raises(InputError) as caught:
        described(data, members)
    assert "\n" not in str(caught.value)
    assert caught.value.file == "records.zip/meta.xml"
    return caught.value


def test_a_description_is_read():
    found = described(archive(CORE + VERBATIM))
    assert found.metadata == "eml.xml"
    assert found.core.kind == "Occurrence"
    assert found.core.locations == ("occurrence.txt",)
    assert (found.core.encoding, found.core.header_lines, found.core.id_index) == ("utf-8", 1, 0)
    assert found.core.dialect == Dialect("\t", None)
    assert found.core.fields == (
        Field(f"{DWC}scientificName", 1, None),
        Field(f"{DWC}country", 2, "Laos"),
        Field(f"{DWC}geodeticDatum", None, "WGS84"),
    )


def test_an_extension_may_have_the_row_type_of_its_core_and_has_the_text_guides_defaults():
    (extension,) = described(archive(CORE + VERBATIM)).extensions
    assert (extension.kind, extension.locations) == ("Occurrence", ("verbatim.txt",))
    assert (extension.dialect, extension.encoding, extension.header_lines) == (Dialect(",", '"'), "utf-8", 0)


@pytest.mark.parametrize(("old", "new", "locations"), [
    pytest.param("occurrence.txt", "\n      occurrence.txt\n    ", ("occurrence.txt",), id="white space is no part of a name"),
    pytest.param("</location>", "</location><location>verbatim.txt</location>", ("occurrence.txt", "verbatim.txt"),
                 id="a table in several files"),
])  # fmt: skip
def test_files_of_a_table(old, new, locations):
    assert described(archive(CORE.replace(old, new, 1))).core.locations == locations


def test_a_namespace_may_be_missing():
    assert described(archive(attributes="")).core.kind == "Occurrence"


@pytest.mark.parametrize(("location", "members"), [
    *[(location, MEMBERS) for location in ("/etc/passwd", "../../../../etc/passwd", "file:///etc/passwd",
                                           "http://127.0.0.1/occurrence.txt", "OCCURRENCE.TXT", "")],
    ("occurrence.txt", ()),
])  # fmt: skip
def test_a_location_is_only_looked_up_among_the_members(location, members):
    error = refused(archive(CORE.replace("occurrence.txt", location), attributes=""), members)
    assert error.code == "META_FILE_MISSING"
    assert "archive/core/files/location" in str(error)
    assert repr(location) in str(error)


@pytest.mark.parametrize(("old", "new", "element"), [
    *cases("meta_xml", "test_each_fault_names_its_element"),
    pytest.param('index="1"', f'index="{"9" * 5_000}"', "archive/core/field[1]/@index", id="5,000 digits"),
])  # fmt: skip
def test_each_fault_names_its_element(old, new, element):
    assert old in CORE
    error = refused(archive(CORE.replace(old, new)))
    assert f"{element}:" in str(error)
    assert error.code in {"META_INVALID", "META_FILE_MISSING", "INPUT_ENCODING_UNKNOWN"}


@pytest.mark.parametrize(("body", "element"), [
    pytest.param("", "archive", id="no core"),
    pytest.param(CORE + CORE, "archive", id="two cores"),
    pytest.param(CORE.replace('<id index="0"/>', "") + VERBATIM, "archive/core/id", id="extension, core without id"),
    pytest.param(CORE + VERBATIM.replace("verbatim.txt", "occurrence.txt"), "archive/extension[1]/files/location",
                 id="same file"),
    pytest.param(CORE + VERBATIM + VERBATIM.replace("<location>verbatim.txt</location>", ""),
                 "archive/extension[2]/files/location", id="extension without a file"),
])  # fmt: skip
def test_faults_of_the_whole_name_their_element(body, element):
    assert f"{element}:" in str(refused(archive(body)))


def test_a_description_without_id_and_without_extensions_is_taken():
    assert described(archive(CORE.replace('<id index="0"/>', ""))).core.id_index is None


@pytest.mark.parametrize(("old", "new", "code"), cases("meta_xml", "test_what_gbif_passes_over_is_mended_and_named"))
def test_what_gbif_passes_over_is_mended_and_named(old, new, code):
    repairs, data = Repairs(), archive().decode()
    assert old in data
    found = read_description(data.replace(old, new).encode(), file="meta.xml", members=MEMBERS, repairs=repairs)
    assert found.core.kind == "Occurrence"
    assert [(one.file, one.code, one.count) for one in repairs] == [("meta.xml", code, 1)] * (code is not None)


def test_of_a_term_that_is_named_twice_the_last_counts():
    # https://github.com/gbif/dwca-io, ArchiveFile.addField
    core = described(archive(CORE.replace("scientificName", "country"))).core
    assert core.fields[0] == Field(f"{DWC}country", 2, "Laos")


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(("data", "code"), [
    pytest.param(b"", "XML_INVALID", id="empty"),
    pytest.param(b"<archive><core></archive>", "XML_INVALID", id="not closed"),
    pytest.param(b'<?xml version="1.0" encoding="klingon"?><archive/>', "XML_INVALID", id="unknown encoding"),
    pytest.param(b"\xff\xfe\x00", "XML_INVALID", id="half a letter"),
    pytest.param(f'<!DOCTYPE archive [<!ENTITY l0 "lol">{_LAUGHS}]><archive>&l9;</archive>'.encode(), "XML_UNSAFE",
                 id="a billion laughs"),
    pytest.param(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><archive>&x;</archive>', "XML_UNSAFE",
                 id="external entity"),
    pytest.param(b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><archive/>', "XML_UNSAFE", id="external DTD"),
    pytest.param(b"<html/>", "META_INVALID", id="another document"),
    pytest.param(b"<archive>" + b"<core>" * 50_000 + b"</core>" * 50_000 + b"</archive>", "META_INVALID", id="deep"),
])  # fmt: skip
def test_hostile_and_broken_xml(data, code):
    assert refused(data).code == code


@pytest.mark.parametrize(("address", "name"), [
    (f"{DWC}scientificName", "scientificName"), ("http://purl.org/dc/terms/license", "license"),
    ("http://rs.gbif.org/terms/1.0/gbifID", "gbifID"), ("https://example.org/terms#depth", "depth"),
    ("scientificName", "scientificName"),
])  # fmt: skip
def test_the_name_at_the_end_of_an_address(address, name):
    assert local_term(address) == name
