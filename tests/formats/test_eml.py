import pytest

from biodata.core.errors import InputError
from biodata.formats.archives import open_archive, read_document
from biodata.formats.dwca import read_eml

EML = """<?xml version="1.0" encoding="{encoding}"?>
<eml:eml xmlns:eml="eml://ecoinformatics.org/eml-2.1.1" packageId="cb587c48-7c65-41a0-a8aa-e568584a1400/v1.2">
 <dataset>
  <alternateIdentifier>https://doi.org/10.15468/abcd12</alternateIdentifier>
  <title xml:lang="eng">Mammals   of
    Nam Ha</title>
  <creator>
   <individualName><givenName>Somchai</givenName><surName>Example</surName></individualName>
   <organizationName>National University of Laos</organizationName>
   <electronicMailAddress>somchai@example.org</electronicMailAddress>
  </creator>
  <contact><organizationName>Muséum d'histoire naturelle</organizationName></contact>
  <contact><organizationName>National University of Laos</organizationName></contact>
  <abstract><para>Camera traps &lt;script&gt;alert(1)&lt;/script&gt;</para></abstract>
  <intellectualRights><para>This work is licensed under
   <ulink url="http://creativecommons.org/licenses/by/4.0/legalcode"><citetitle>CC-BY 4.0</citetitle></ulink>.</para>
  </intellectualRights>
 </dataset>
 <additionalMetadata><metadata><gbif><citation>Nam Ha (2020): Mammals</citation></gbif></metadata></additionalMetadata>
</eml:eml>"""


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16"])
def test_a_description_is_read(encoding):
    document = EML.format(encoding=encoding)
    found = read_eml(document.encode(encoding), file="eml.xml")
    assert found.key == "cb587c48-7c65-41a0-a8aa-e568584a1400"
    assert found.title == "Mammals of Nam Ha"
    assert found.license == "http://creativecommons.org/licenses/by/4.0/legalcode"
    assert found.citation == "Nam Ha (2020): Mammals"
    assert found.doi == "10.15468/abcd12"
    assert found.organisations == ("National University of Laos", "Muséum d'histoire naturelle")
    assert found.text == document


def test_persons_stay_in_the_document():
    found = read_eml(EML.format(encoding="utf-8").encode(), file="eml.xml")
    told = (found.key, found.title, found.abstract, found.license, found.citation, found.doi, *found.organisations)
    assert "Somchai" not in " ".join(filter(None, told))
    assert "somchai@example.org" in found.text


def test_hostile_words_are_kept_as_text():
    found = read_eml(EML.format(encoding="utf-8").encode(), file="eml.xml")
    assert found.abstract == "Camera traps <script>alert(1)</script>"


def test_a_licence_in_the_style_of_eml_2_2():
    licensed = "<licensed><licenseName>CC0</licenseName><url>https://spdx.org/licenses/CC0-1.0</url></licensed>"
    data = f"<eml><dataset><title>x</title>{licensed}</dataset></eml>".encode()
    assert read_eml(data, file="eml.xml").license == "https://spdx.org/licenses/CC0-1.0"


def test_rights_in_words():
    data = b"<eml><dataset><intellectualRights><para>Ask us.</para></intellectualRights></dataset></eml>"
    assert read_eml(data, file="eml.xml").license == "Ask us."


def test_a_description_that_tells_nothing():
    found = read_eml(b"<eml/>", file="eml.xml")
    assert (found.key, found.title, found.license, found.citation, found.doi) == (None,) * 5
    assert found.organisations == ()


def test_an_empty_line_before_the_declaration_is_forgiven():
    found = read_eml(b'\n<?xml version="1.0"?><eml><dataset><title>x</title></dataset></eml>', file="eml.xml").title
    assert found == "x"


@pytest.mark.parametrize("data", [
    b'<!DOCTYPE eml [<!ENTITY x SYSTEM "file:///etc/passwd">]><eml><dataset><title>&x;</title></dataset></eml>',
    b'<!DOCTYPE eml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><eml>&b;</eml>',
    b"<eml><dataset>",
    b"id,scientificName\n1,Elephas maximus\n",
], ids=["external entity", "entities", "not closed", "no XML"])  # fmt: skip
def test_hostile_and_broken_documents_are_refused(data):
    with pytest.raises(InputError) as caught:
        read_eml(data, file="records.zip/eml.xml")
    assert caught.value.code in {"XML_UNSAFE", "XML_INVALID"}
    assert "\n" not in str(caught.value)


def test_the_descriptions_of_a_gbif_download_are_read(shared):
    archive = open_archive(shared / "suites/dwca/gbif_downloads/0000066-140928181241064.zip")
    members = [name for name in archive.sizes if name.startswith("dataset/")]
    found = [read_eml(read_document(archive, name), file=name) for name in members]
    assert len(found) == 26
    assert all(one.title for one in found)
    assert [one.key for one in found] == [name[8:-4] for name in members]
