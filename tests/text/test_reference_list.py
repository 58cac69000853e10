"""The reference list that is shipped: what it knows of names, and what it leaves out."""

from importlib.resources import files
from itertools import pairwise

import polars as pl
import pytest

from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.scientific_names import parse_names

DATA = files("biodata") / "data"


def look_up(*names):
    return reference_list().look_up(pl.Series(names, dtype=pl.String))


def test_it_is_small():
    assert len((DATA / "reference_list.parquet").read_bytes()) <= 8_000_000


@pytest.mark.parametrize(("name", "status", "accepted", "rank", "above"), [
    pytest.param("Elephas maximus", "ACCEPTED", "Elephas maximus", "SPECIES", "Animalia Chordata Mammalia Proboscidea Elephantidae Elephas", id="a mammal"),
    pytest.param("Pinus yunnanensis", "ACCEPTED", "Pinus yunnanensis", "SPECIES", "Plantae Tracheophyta Pinopsida Pinales Pinaceae Pinus", id="a tree"),
    pytest.param("Bibos gaurus", "SYNONYM", "Bos gaurus", "SPECIES", "Animalia Chordata Mammalia Artiodactyla Bovidae Bos", id="an old name by hand"),
    pytest.param("Dicaeidae", "ACCEPTED", "Dicaeidae", "FAMILY", "Animalia Chordata Aves Passeriformes Dicaeidae", id="a family"),
    pytest.param("Aves", "ACCEPTED", "Aves", "CLASS", "Animalia Chordata Aves", id="a class"),
])  # fmt: skip
def test_a_known_name_brings_its_classification(name, status, accepted, rank, above):
    (row,) = look_up(name).to_dicts()
    assert (row["status"], row["accepted"], row["rank"]) == (status, accepted, rank)
    assert " ".join(filter(None, (row[level] for level in CLASSIFICATION))) == above


def test_homonyms_are_rows_of_their_own():
    assert sorted(look_up("Prunella")["kingdom"]) == ["Animalia", "Plantae"]


def test_nothing_is_guessed():
    assert look_up("Elephas maximuss", "elephas maximus", "Bos sp.", "", "Panthera tigirs").is_empty()


def test_every_listed_taxon_and_every_old_name_of_one_is_known():
    listed = pl.read_csv((DATA / "sensitive_species.csv").read_bytes(), infer_schema=False)["scientificName"]
    old = pl.read_csv((DATA / "synonyms_of_listed.csv").read_bytes(), infer_schema=False)["synonym"]
    names = pl.concat([listed, old])
    found = reference_list().look_up(names)
    assert set(names) - set(found["name"]) == set()
    assert found["class"].null_count() == 0


def test_every_synonym_leads_to_an_accepted_taxon_and_every_taxon_has_something_above():
    names = reference_list().names
    leads = names["accepted"].drop_nulls()
    assert names["accepted"].gather(leads).null_count() == leads.len()
    alone = names.filter(pl.col("accepted").is_null() & pl.col("parent").is_null())
    assert set(alone["name"]) >= {"Animalia", "Plantae", "Fungi"}
    assert alone.height < 12


def test_names_are_canonical():
    sample = reference_list().names["name"].gather_every(997)
    parsed = parse_names(sample)["canonical"]
    assert (parsed == sample).mean() > 0.98


def test_names_stand_in_order():
    names, first = reference_list().names["name"], reference_list().groups.height
    for part in (names.head(first), names.slice(first)):
        assert all(a <= b for a, b in pairwise(part.gather_every(1009).to_list()))
