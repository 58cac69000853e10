"""Names read, and led to the accepted taxa of a checklist."""

from datetime import date

import polars as pl
import pytest

from biodata import places
from biodata.core import terms
from biodata.harmonise import Harmoniser
from biodata.harmonise import names as names_module
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.findings import Stated
from biodata.harmonise.names import Names
from case_tables import together

TODAY = date(2026, 11, 24)


def taxon(taxon_id, name, accepted=None, kingdom="Animalia", rank="SPECIES", **more):
    return {"checklist": "test 1", "taxon_id": taxon_id, "scientificName": name,
            "accepted_taxon_id": accepted or taxon_id, "taxonomicStatus": "SYNONYM" if accepted else "ACCEPTED",
            "taxonRank": rank, "kingdom": kingdom, **more}  # fmt: skip


CHECKLIST = terms.conform(
    pl.DataFrame([
        taxon("1", "Bos gaurus", scientificNameAuthorship="C.H.Smith, 1827", family="Bovidae", genus="Bos", iucnRedListCategory="VU"),
        taxon("2", "Bibos gaurus", accepted="1"),
        taxon("3", "Bos", rank="GENUS", family="Bovidae", genus="Bos"),
        taxon("4", "Ficus variegata", family="Ficidae", genus="Ficus"),
        taxon("5", "Ficus variegata", kingdom="Plantae", family="Moraceae", genus="Ficus"),
        taxon("6", "Elephas maximus", family="Elephantidae", genus="Elephas", iucnRedListCategory="EN"),
        taxon("7", "Nomen duplex", accepted="1"),
        taxon("8", "Nomen duplex", accepted="6"),
    ]),
    terms.TAXON,
)  # fmt: skip


def harmonise(*rows, checklist=CHECKLIST):
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    columns = {heading: [row.get(heading) for row in rows] for heading in headings}
    frame = pl.DataFrame(
        {"id": [str(n) for n in range(len(rows))], **columns}, schema=dict.fromkeys(["id", *headings], pl.String)
    )
    frame = frame.select(pl.lit("f").alias("source_file"), pl.int_range(2, len(rows) + 2).alias("source_row"), pl.all())
    harmoniser = Harmoniser(boundaries=places.load_boundaries(), secret=bytes(32), checklist=checklist, today=TODAY)
    return harmoniser.occurrences(frame, dataset_key="test").interpreted.to_dicts()


def flags(row):
    return [name for name in row["quality_flags"] if "TAXON" in name or "NAME" in name]


def test_names_lead_to_accepted_taxa():
    names = together("harmonise_names", "test_names_lead_to_accepted_taxa")
    for (told, *accepted, flag), row in zip(names, harmonise(*(one[0] for one in names)), strict=True):
        assert [row["taxon_id"], row["taxonomicStatus"], row["species"]] == accepted, told
        assert flags(row) == ([flag] if flag else []), told


def test_the_accepted_taxon_tells_name_classification_and_threat():
    (row,) = harmonise({"scientificName": "Bibos gaurus", "family": "Stated family"})
    assert row["acceptedScientificName"] == "Bos gaurus C.H.Smith, 1827"
    assert (row["kingdom"], row["family"], row["genus"]) == ("Animalia", "Stated family", "Bos")
    assert (row["iucnRedListCategory"], row["checklist"]) == ("VU", "test 1")
    assert (row["scientificName"], row["genericName"], row["specificEpithet"]) == ("Bibos gaurus", "Bibos", "gaurus")


def test_without_a_checklist_the_reference_list_is_asked():
    (row,) = harmonise({"acceptedScientificName": "Elephas maximus indicus Cuvier, 1798"}, checklist=None)
    assert (row["scientificName"], row["species"], row["genus"]) == (
        "Elephas maximus indicus Cuvier, 1798", "Elephas maximus", "Elephas",
    )  # fmt: skip
    assert (row["infraspecificEpithet"], row["taxonRank"], row["taxon_id"]) == ("indicus", "SUBSPECIES", None)
    assert [row[rank] for rank in ("kingdom", "phylum", "class", "order", "family")] == [
        "Animalia", "Chordata", "Mammalia", "Proboscidea", "Elephantidae",
    ]  # fmt: skip
    assert row["checklist"].startswith("biodata reference list 2")
    assert flags(row) == []


@pytest.mark.parametrize(("told", "rank", "lowest"), [
    pytest.param("Dicaeidae sp.", "FAMILY", ("Aves", "Passeriformes", "Dicaeidae", None), id="a family"),
    pytest.param("Aves sp.", "CLASS", ("Aves", None, None, None), id="a class"),
    pytest.param("Mammalia", "CLASS", ("Mammalia", None, None, None), id="a class alone"),
    pytest.param("Macaca sp.", "GENUS", ("Mammalia", "Primates", "Cercopithecidae", "Macaca"), id="a genus"),
])  # fmt: skip
def test_a_group_above_genus_gets_no_genus(told, rank, lowest):
    (row,) = harmonise({"scientificName": told}, checklist=None)
    assert (row["taxonRank"], row["species"]) == (rank, None)
    assert tuple(row[name] for name in ("class", "order", "family", "genus")) == lowest


@pytest.mark.parametrize(("told", "checklist", "columns"), [
    pytest.param({"scientificName": "Elephas maximus indicus"}, None, {"taxonRank": "SUBSPECIES", "species": "Elephas maximus"},
                 id="a third word has the rank that the list knows"),
    pytest.param({"scientificName": "Panthera tigirs"}, None, {"match_type": "HIGHERRANK", "class": None, "genus": "Panthera"},
                 id="a slip in the epithet brings nothing of the genus"),
    pytest.param({"scientificName": "Elephas maximus"}, CHECKLIST, {"taxon_id": "6", "class": "Mammalia", "order": "Proboscidea"},
                 id="a checklist without classes gets them from the reference list"),
    ({"species": "Pongo pygmaeus"}, None, {"species": "Pongo pygmaeus", "taxonRank": "SPECIES"}),
    ({"scientificName": "Bovidae", "taxonRank": "familia"}, None, {"species": None, "taxonRank": "FAMILY"}),
    ({"scientificName": "马麝 Moschus chrysogaster"}, None, {"species": "Moschus chrysogaster", "taxonRank": "SPECIES"}),
    ({"scientificName": "Tobacco mosaic virus"}, None, {"species": None, "taxonRank": None}),
])  # fmt: skip
def test_what_a_name_brings(told, checklist, columns):
    (row,) = harmonise(told, checklist=checklist)
    assert {name: row[name] for name in columns} == columns


def test_homonyms_of_two_kingdoms_are_told_apart_by_any_rank_above():
    bird, alone = harmonise(
        {"scientificName": "Prunella", "class": "Aves"}, {"scientificName": "Prunella"}, checklist=None
    )
    assert (bird["kingdom"], bird["family"]) == ("Animalia", "Prunellidae")
    assert (alone["kingdom"], flags(alone)) == (None, ["TAXON_MATCH_AMBIGUOUS"])


def test_what_the_source_states_stays_and_a_contradiction_is_flagged():
    (row,) = harmonise({"scientificName": "Panthera tigris", "class": "Aves", "family": "Felinae"}, checklist=None)
    assert (row["class"], row["family"], row["order"]) == ("Aves", "Felinae", "Carnivora")
    assert flags(row) == ["TAXON_CLASSIFICATION_CONTRADICTED"]
    (row,) = harmonise({"scientificName": "Varanus salvator", "class": "Squamata"}, checklist=None)
    assert (row["class"], flags(row)) == ("Squamata", [])  # another system's class


def test_an_empty_checklist_counts_as_none():
    (row,) = harmonise({"scientificName": "Bos gaurus"}, checklist=CHECKLIST.clear())
    assert flags(row) == []


def test_lookalike_letters_are_flagged_and_only_proposed():
    (row,) = harmonise({"scientificName": "Bos gаurus"})  # the first a is Cyrillic
    assert row["scientificName"] == "Bos gаurus"
    assert (row["taxon_id"], row["match_type"]) == ("1", "VARIANT")
    assert flags(row) == ["TAXON_MATCH_FUZZY", "SCIENTIFIC_NAME_LOOKALIKE_LETTERS"]
    (repair,) = [repair for repair in row["repairs"] if repair["term"] == "scientificName"]
    assert (repair["value"], repair["applied"]) == ("Bos gaurus", False)


def test_what_is_odd_about_a_name_is_flagged():
    names = together("harmonise_names", "test_what_is_odd_about_a_name_is_flagged")
    for (told, flag, taxon_id), row in zip(names, harmonise(*(one[0] for one in names)), strict=True):
        assert flag in flags(row), told
        assert row["taxon_id"] == taxon_id, told


def test_ambiguous_names_tell_what_they_could_be():
    (row,) = harmonise({"scientificName": "Ficus variegata"})
    assert (row["match_type"], row["taxon_id"]) == ("AMBIGUOUS", None)
    assert sorted(row["match_alternatives"]) == ["Ficus variegata [4]", "Ficus variegata [5]"]


def test_keys_version_and_the_order_of_checklists():
    first = CHECKLIST.filter(pl.col("taxon_id") == "6").with_columns(
        checklist=pl.lit("second"), checklist_version=pl.lit("2.1"), gbif_key=pl.lit(5219461, pl.Int64),
        col_key=pl.lit("6MB3T"),
    )  # fmt: skip
    told = {"scientificName": "Elephas maximus"}
    (row,) = harmonise(told, checklist=pl.concat([CHECKLIST, first.with_columns(checklist_order=pl.lit(1, pl.Int32))]))
    assert (row["checklist"], row["taxonKey"], row["col_key"]) == ("second 2.1", 5219461, "6MB3T")
    (row,) = harmonise(told, checklist=pl.concat([first, CHECKLIST.with_columns(checklist_order=pl.lit(1, pl.Int32))]))
    assert (row["checklist"], row["taxonKey"]) == ("test 1", None)


def test_names_that_were_forgotten_are_read_again():
    names = Names(None, most=2)
    for text in ("Bos gaurus", "Bos sp.", "Elephas maximus", "Bos gaurus"):
        told = Stated(pl.DataFrame({"source_file": ["f"], "source_row": [2], "scientificName": [text]}))
        assert names.interpret(told).columns["scientificName"].to_list() == [text]


def told_of(rows):
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    told = pl.DataFrame(rows, schema=dict.fromkeys(headings, pl.String))
    return Stated(told.with_columns(source_file=pl.lit("f"), source_row=pl.int_range(2, told.height + 2)))


def test_the_columns_of_one_batch_change_nothing_of_the_next():
    # The same cells under other headings tell something else, and a heading without a cell tells nothing.
    batches = [
        [{"species": "Bos gaurus"}, {"species": "Elephas maximus"}],
        [{"genus": "Bos gaurus"}],
        [{"scientificName": "Bos gaurus", "species": None}, {"scientificName": None, "species": "Elephas maximus"}],
        [{"genus": "Bos", "specificEpithet": "gaurus", "infraspecificEpithet": None}],
        [{"genus": "Bos", "specificEpithet": None, "infraspecificEpithet": "gaurus"}],
        [{"catalogNumber": "1"}],
        [{"species": "Bos gaurus", "family": "Bovidae"}],
    ]
    names = Names(Checklist(CHECKLIST))
    for rows in batches * 2:
        found, alone = names.interpret(told_of(rows)), Names(Checklist(CHECKLIST)).interpret(told_of(rows))
        for one, other in ((found.columns, alone.columns), (found.flags, alone.flags)):
            assert {name: list(cells) for name, cells in one.items()} == {n: list(cells) for n, cells in other.items()}


def test_a_batch_without_rows():
    told = told_of([{"scientificName": "Bos gaurus"}])
    nothing = told.keep(pl.Series([False]))
    for names in (Names(None), Names(Checklist(CHECKLIST))):
        assert names.interpret(nothing).columns["scientificName"].to_list() == []
        assert names.interpret(told).columns["scientificName"].to_list() == ["Bos gaurus"]
        assert names.interpret(nothing).columns["scientificName"].dtype == pl.String


def test_names_of_one_hash_are_not_taken_for_each_other(monkeypatch):
    monkeypatch.setattr(names_module, "_hashed", lambda told: pl.zeros(told.height, dtype=pl.UInt64, eager=True))
    names = Names(None)
    for texts in (["Bos gaurus", "Elephas maximus"], ["Bos gaurus"], ["Elephas maximus"]):
        found = names.interpret(told_of([{"scientificName": text} for text in texts]))
        assert found.columns["species"].to_list() == texts
