import json
import zipfile

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.harmonise.taxa import taxa
from biodata.ingest import open_source
from case_tables import cases
from zips import zip_of

MACAQUE = {"taxonID": "1", "scientificName": "Macaca mulatta", "scientificNameAuthorship": "(Zimmermann, 1780)"}


def table(path, **options):
    (found,) = open_source("checklist", [path], options=options).read()
    assert found.kind == "taxa"
    assert found.complete
    return found


def interpret(rows):
    batch = (
        pl.DataFrame(rows, infer_schema_length=None)
        .cast(pl.String)
        .with_columns(source_file=pl.lit("list.csv"), source_row=pl.int_range(2, len(rows) + 2, dtype=pl.Int64))
    )
    frame, refusals = taxa(batch, checklist="list 1.0")
    assert frame.schema == terms.schema(terms.TAXON)
    assert frame.height + len(refusals) == len(rows)
    return (frame, refusals) if refusals else frame


def row(frame, position=0):
    return frame.row(position, named=True)


def names_of(path, **options):
    found = table(path, **options)
    (batch,) = found.batches
    frame, refusals = taxa(batch, checklist="x")
    assert refusals == found.refusals == []
    return batch, frame


def test_darwin_core_columns():
    told = {**MACAQUE, "kingdom": "Animalia", "order": "Primates", "family": "Cercopithecidae", "taxonRank": "species",
            "taxonomicStatus": "valid", "iucnRedListCategory": "Least Concern", "vernacular_zh": "猕猴",
            "vernacular_vi": "Khỉ vàng", "vernacular_lo": None, "taxonKey": "2436436"}  # fmt: skip
    taxon = row(interpret([told]))
    assert taxon["checklist"] == "list 1.0"
    assert (taxon["taxon_id"], taxon["accepted_taxon_id"], taxon["gbif_key"]) == ("1", "1", 2436436)
    assert (taxon["scientificName"], taxon["scientificNameAuthorship"]) == ("Macaca mulatta", "(Zimmermann, 1780)")
    assert (taxon["taxonRank"], taxon["taxonomicStatus"], taxon["iucnRedListCategory"]) == ("SPECIES", "ACCEPTED", "LC")
    assert (taxon["genus"], taxon["order"], taxon["kingdom"]) == ("Macaca", "Primates", "Animalia")
    assert json.loads(taxon["vernacular_names"]) == {"zh-Hans": "猕猴", "vi": "Khỉ vàng"}


@pytest.mark.parametrize(("told", "name", "author", "rank"), [
    ("Abelmoschus manihot (L.) Medik.", "Abelmoschus manihot", "(L.) Medik.", "SPECIES"),
    ("Panthera tigris corbetti Mazák, 1968", "Panthera tigris corbetti", "Mazák, 1968", "SUBSPECIES"),
    ("Elephas_maximus", "Elephas maximus", None, "SPECIES"),
    pytest.param("Bufo sp. 1", "Bufo sp. 1", None, None, id="a species without a name"),
])  # fmt: skip
def test_names_and_authors_are_told_apart(told, name, author, rank):
    taxon = row(interpret([{"scientificName": told}]))
    assert (taxon["scientificName"], taxon["scientificNameAuthorship"]) == (name, author)
    assert taxon["taxonRank"] == rank
    assert taxon["genus"] == name.split()[0]


@pytest.mark.parametrize(("name", "rank", "genus"), [
    ("Nomascus", "genus", "Nomascus"), ("Hylobatidae", "family", None), pytest.param("Nomascus", None, None, id="unsaid"),
])  # fmt: skip
def test_genus_of_a_name_of_one_word(name, rank, genus):
    assert row(interpret([{"scientificName": name, "taxonRank": rank}]))["genus"] == genus


@pytest.mark.parametrize(("told", "code"), cases("checklist", "test_red_list_categories"))
def test_red_list_categories(told, code):
    assert row(interpret([{**MACAQUE, "iucnStatus": told}]))["iucnRedListCategory"] == code


def test_rank_and_status_in_each_others_columns():
    rows = [
        {**MACAQUE, "taxonRank": "ACCEPTED", "taxonomicStatus": "SPECIES"},
        {**MACAQUE, "taxonID": "2", "taxonRank": "SYNONYM", "taxonomicStatus": "SUBSPECIES"},
        {**MACAQUE, "taxonID": "3", "taxonRank": "variety", "taxonomicStatus": "doubtful"},
    ]
    frame = interpret(rows)
    assert frame["taxonRank"].to_list() == ["SPECIES", "SUBSPECIES", "VARIETY"]
    assert frame["taxonomicStatus"].to_list() == ["ACCEPTED", "SYNONYM", "DOUBTFUL"]


SYNONYM = {"taxonID": "2", "scientificName": "Hylobates concolor"}


@pytest.mark.parametrize(("told", "accepted"), [
    pytest.param({"acceptedNameUsageID": "1"}, "1", id="by identifier"),
    pytest.param({"acceptedNameUsage": "Nomascus concolor (Harlan, 1826)"}, "1", id="by name with author"),
    pytest.param({"acceptedScientificName": "Nomascus concolor"}, "1", id="by name alone"),
    pytest.param({"acceptedNameUsageID": "9"}, None, id="not in the list"),
    pytest.param({"acceptedNameUsage": "Nomascus hainanus"}, None, id="name not in the list"),
    pytest.param({"taxonomicStatus": "heterotypic synonym"}, None, id="a synonym of nothing"),
])  # fmt: skip
def test_synonyms_lead_to_accepted_taxa(told, accepted):
    frame = interpret([{"taxonID": "1", "scientificName": "Nomascus concolor (Harlan, 1826)"}, {**SYNONYM, **told}])
    assert frame["taxonomicStatus"].to_list() == ["ACCEPTED", "SYNONYM"]
    assert frame["accepted_taxon_id"].to_list() == ["1", accepted]


@pytest.mark.parametrize(("rows", "column", "expected"), [
    pytest.param([{"taxonID": "1", "scientificName": "Agathis montana Shestakov, 1932", "kingdom": "Animalia"},
                  {"taxonID": "2", "scientificName": "Agathis montana de Laub.", "kingdom": "Plantae"},
                  {"taxonID": "3", "scientificName": "Agathis x", "acceptedNameUsage": "Agathis montana"}],
                 "accepted_taxon_id", ["1", "2", None], id="a name that two taxa have leads nowhere"),
    pytest.param([{"scientificName": "Nomascus concolor"}, {"scientificName": "Elephas maximus Linnaeus, 1758"}],
                 "taxon_id", ["Nomascus_concolor", "Elephas_maximus_Linnaeus_1758"], id="a name stands in for an identifier"),
])  # fmt: skip
def test_what_names_lead_to(rows, column, expected):
    assert interpret(rows)[column].to_list() == expected


def test_rows_that_are_refused():
    rows = [MACAQUE, {"taxonID": "2", "scientificName": " "}, {**MACAQUE, "scientificName": "Macaca assamensis"}]
    frame, refusals = interpret(rows)
    assert frame["taxon_id"].to_list() == ["1"]
    assert [(r.code, r.row) for r in refusals] == [("SCIENTIFIC_NAME_MISSING", 3), ("IDENTIFIER_REPEATED", 4)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_table_of_text(tmp_path, encoding):
    path = tmp_path / "list.csv"
    path.write_bytes(
        "taxonID,scientificName,vernacular_zh\n1,Macaca mulatta,猕猴\n2,Elephas maximus,亚洲象\n".encode(encoding)
    )
    batch, frame = names_of(path)
    assert batch["source_row"].to_list() == [2, 3]
    assert batch["source_file"].unique().to_list() == ["list.csv"]
    assert json.loads(frame["vernacular_names"][1]) == {"zh-Hans": "亚洲象"}


def test_row_of_another_length_is_refused(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("taxonID,scientificName\n1,Macaca mulatta\n2,Elephas maximus,x\n")
    found = table(path)
    assert sum(batch.height for batch in found.batches) == 1
    assert [refusal.row for refusal in found.refusals] == [3]


def test_file_without_names_is_refused(tmp_path):
    path = tmp_path / "areas.csv"
    path.write_text("NAME,ISO3\nVirachey,KHM\n")
    with pytest.raises(InputError, match="no column holds scientific names"):
        table(path)


def test_archive_of_occurrences_is_refused(tmp_path):
    core = (
        '<core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" fieldsTerminatedBy="\\t" ignoreHeaderLines="1">'
        '<files><location>occurrence.txt</location></files><id index="0"/>'
        '<field index="1" term="http://rs.tdwg.org/dwc/terms/scientificName"/></core>'
    )
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{core}</archive>'
    records = "id\tscientificName\n1\tElephas maximus\n"
    (tmp_path / "occ.zip").write_bytes(zip_of({"meta.xml": meta, "occurrence.txt": records}))
    with pytest.raises(InputError) as caught:
        table(tmp_path / "occ.zip")
    assert caught.value.code == "ARCHIVE_WITHOUT_TAXA"


def test_mammal_diversity_database(shared):
    path = shared / "data" / "tax_mdd" / "MDD_v1.2_6485species.csv"
    told = pl.read_csv(path, infer_schema=False)
    _, frame = names_of(path)
    assert frame["taxon_id"].to_list() == told["id"].to_list()
    assert frame["scientificName"].to_list() == [name.replace("_", " ") for name in told["sciName"]]
    assert set(frame["taxonRank"]) == {"SPECIES"}
    assert set(frame["class"]) == {"Mammalia"}
    elephant = row(frame.filter(pl.col("scientificName") == "Elephas maximus"))
    assert (elephant["order"], elephant["family"], elephant["iucnRedListCategory"]) == (
        "Proboscidea", "Elephantidae", "EN",
    )  # fmt: skip
    assert elephant["scientificNameAuthorship"] == "Linnaeus, 1758"
    assert (frame["iucnRedListCategory"] == "EX").sum() == (told["iucnStatus"] == "EX").sum()


def test_griis_lists(shared):
    paths = sorted((shared / "data" / "griis_asean_china" / "zip").glob("*.zip"))
    heights = 0
    for path in paths:
        batch, frame = names_of(path)
        heights += frame.height
        assert set(frame["taxonomicStatus"]) <= {"ACCEPTED", "SYNONYM", "DOUBTFUL"}
        # An independent count of lines, the heading left out.
        with zipfile.ZipFile(path) as archive:
            lines = archive.read("taxon.txt").decode().rstrip("\n").split("\n")
        assert batch.height == len(lines) - 1
    assert heights == 4096
    assert len(paths) == 11


@pytest.mark.parametrize(("scope", "expected"), [("CN", None), ("global", "VU")])
def test_a_national_category_is_never_taken_for_the_global_one(scope, expected):
    rows = [{**MACAQUE, "iucnRedListCategory": "Vulnerable"}]
    batch = pl.DataFrame(rows).with_columns(source_file=pl.lit("list.csv"), source_row=pl.lit(2, pl.Int64))
    frame, _ = taxa(batch, checklist="x", declarations={"list": "red_list", "year": "2021", "scope": scope})
    assert frame["iucnRedListCategory"].to_list() == [expected]


@pytest.mark.parametrize("heading", ["Scientific_name", "scientific name", "SCIENTIFICNAME", "dwc:scientificName"])
def test_headings_of_a_checklist_are_read_as_those_of_every_table(tmp_path, heading):
    path = tmp_path / "list.csv"
    path.write_text(f"Taxon ID,{heading},Taxon rank\n1,Panthera tigris,species\n", encoding="utf-8")
    (table,) = open_source("checklist", [path]).read()
    (frame,) = table.batches
    assert frame.select("taxonID", "scientificName", "taxonRank").rows() == [("1", "Panthera tigris", "species")]


def test_what_other_tables_of_a_checklist_tell_is_kept_as_it_came(tmp_path):
    archive = tmp_path / "griis.zip"
    terms_of = {
        "taxon": ("taxonID", "scientificName", "kingdom"),
        "distribution": ("countryCode", "establishmentMeans"),
        "profile": ("isInvasive",),
    }
    row_types = {"taxon": "Taxon", "distribution": "Distribution", "profile": "SpeciesProfile"}
    rows = {"taxon": ["1\tMimosa pigra\tPlantae", "2\tPistia stratiotes\tPlantae"], "distribution": ["1\tLA\talien", "1\tVN\t"], "profile": ["1\tinvasive"]}  # fmt: skip
    parts = []
    for name, columns in terms_of.items():
        element, key = ("core", "id") if name == "taxon" else ("extension", "coreid")
        first = 0 if name == "taxon" else 1
        fields = "".join(
            f'<field index="{n}" term="http://rs.tdwg.org/dwc/terms/{term}"/>'
            for n, term in enumerate(columns, start=first)
        )
        parts.append(
            f'<{element} encoding="UTF-8" fieldsTerminatedBy="\\t" rowType="http://rs.gbif.org/terms/1.0/{row_types[name]}">'
            f'<files><location>{name}.txt</location></files><{key} index="0"/>{fields}</{element}>'
        )
    meta = f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(parts)}</archive>'
    texts = {f"{name}.txt": "\n".join(lines) + "\n" for name, lines in rows.items()}
    archive.write_bytes(zip_of({"meta.xml": meta, **texts}))
    (batch,) = table(archive).batches
    frame, _ = taxa(batch, checklist="griis")
    told = {name: json.loads(cells) for name, cells in frame.select("scientificName", "verbatim").iter_rows()}
    assert told["Mimosa pigra"]["Distribution"] == [
        {"countryCode": "LA", "establishmentMeans": "alien"},
        {"countryCode": "VN"},
    ]
    assert told["Mimosa pigra"]["SpeciesProfile"] == [{"isInvasive": "invasive"}]
    assert "Distribution" not in told["Pistia stratiotes"]
