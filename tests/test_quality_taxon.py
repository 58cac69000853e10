"""BDQ Core on taxa: what can be answered without a network is, what cannot is said to be so, a checklist answers all."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places, terms
from biodata.quality import Context, taxon
from biodata.quality.engine import BY_LABEL
from biodata.quality.taxon_authority import RANKS, author_words, names_of, same_authors
from biodata.quality.taxon_meaning import MEANING, gbif_key, is_complete, listed_meaning
from biodata.text.scientific_names import parse_names
from quality_rows import brief, respond

CHECKLIST = terms.conform(
    pl.DataFrame(
        [
            {
                "taxon_id": "a1",
                "scientificName": "Graphis",
                "scientificNameAuthorship": "Adans., 1763",
                "kingdom": "Fungi",
                "class": "Lecanoromycetes",
                "gbif_key": 2602041,
            },
            {
                "taxon_id": "a2",
                "scientificName": "Graphis",
                "scientificNameAuthorship": "Jeffreys, 1867",
                "kingdom": "Animalia",
                "class": "Gastropoda",
                "gbif_key": 2300979,
            },
            {
                "taxon_id": "urn:lsid:ipni.org:names:1",
                "scientificName": "Harpullia pendula",
                "scientificNameAuthorship": "F.Muell.",
                "kingdom": "Plantae",
                "family": "Sapindaceae",
                "genus": "Harpullia",
                "gbif_key": None,
            },
        ]
    ).with_columns(
        checklist=pl.lit("Our list 1.0"),
        taxonRank=pl.Series(["GENUS", "GENUS", "SPECIES"]),
    ),
    terms.TAXON,
)


def answer(label, checklist=None, **row):
    return brief(respond(BY_LABEL[label], [row], checklist)[0])


@pytest.mark.parametrize(
    ("rank", "name", "expected"),
    [
        pytest.param("kingdom", "Animalia", "C", id="kingdom"),
        pytest.param("kingdom", "Metazoa", "N", id="another system's kingdom"),
        pytest.param("phylum", "Tracheophyta", "C", id="phylum of GBIF"),
        pytest.param("phylum", "Trachyophyta", "N", id="misspelt phylum"),
        pytest.param("class", "Insecta", "C", id="a class"),
        pytest.param("class", "Magnoleopsida", "N", id="misspelt class"),
        pytest.param("class", "Insecta\n", "N", id="line feed behind a class"),
        pytest.param("order", "Lepidoptera", "C", id="an order"),
        pytest.param("order", "Nymphalidae", "N", id="a family is no order"),
        pytest.param("order", "butterflies", "N", id="common name"),
        pytest.param("order", "Fooiformes", "EXTERNAL", id="an order that may be"),
        pytest.param("family", "Compositae", "C", id="a conserved name"),
        pytest.param("family", "Agaricacae", "N", id="not a family's ending"),
        pytest.param("family", "Fooidae", "EXTERNAL", id="a family that may be"),
        pytest.param("genus", "Egernia", "C", id="a genus"),
        pytest.param("genus", "Scincidae", "N", id="a family is no genus"),
        pytest.param("genus", "skink", "N", id="no capital"),
        pytest.param("genus", "Fooa", "EXTERNAL", id="a genus that may be"),
        pytest.param("genus", "null", "N", id="a written null"),
        pytest.param("genus", " ", "INTERNAL", id="empty"),
    ],
)
def test_names_of_a_rank(rank, name, expected):
    assert answer(f"VALIDATION_{rank.upper()}_FOUND", **{rank: name}) == expected


def test_another_authority_is_not_there():
    row = {"genus": "Egernia", "bdqval:sourceAuthority": "https://invalid/invalidservice"}
    assert answer("VALIDATION_GENUS_FOUND", **row) == "EXTERNAL"
    assert answer("VALIDATION_GENUS_FOUND", **row | {"genus": ""}) == "INTERNAL"
    assert answer("VALIDATION_GENUS_FOUND", **row | {"bdqval:sourceAuthority": "GBIF Backbone Taxonomy"}) == "C"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"order": "Myrtales", "family": "Myrtaceae", "genus": "Punica"}, "C", id="families of one order"),
        pytest.param({"phylum": "Chordata", "order": "Rhopalocera", "family": "Muricidae"}, "N", id="another phylum"),
        pytest.param({"kingdom": "Animalia", "class": "Reptilia", "family": "Colubridae"}, "C", id="an older class"),
        pytest.param({"kingdom": "Plantae", "class": "Liliopsida", "family": "Poaceae"}, "C", id="GBIF's class"),
        pytest.param({"class": "Aves", "family": "Testudinidae"}, "N", id="a tortoise is no bird"),
        pytest.param({"genus": "Graphis", "kingdom": "Plantae"}, "N", id="a lichen or a snail"),
        pytest.param({"genus": "Graphis", "kingdom": "Fungi"}, "C", id="the lichen"),
        pytest.param({"order": "Falconiformes", "family": "Accipitridae", "class": "Aves"}, "C", id="an older order"),
        pytest.param(
            {"order": "Passeriformes", "family": "Accipitridae"}, "EXTERNAL", id="families move between orders"
        ),
        pytest.param({"subfamily": "Bombinae"}, "EXTERNAL", id="only a rank that is not listed"),
        pytest.param({"family": "?"}, "N", id="a question mark"),
        pytest.param({}, "INTERNAL", id="nothing"),
    ],
)
def test_classification(row, expected):
    assert answer("VALIDATION_CLASSIFICATION_CONSISTENT", **row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            {
                "scientificName": "Hakea decurrens ssp. physocarpa",
                "specificEpithet": "decurrens",
                "infraspecificEpithet": "physocarpa",
            },
            "C",
            id="rank marker",
        ),
        pytest.param(
            {"scientificName": "Hakea decurrens", "genericName": "Hakea", "infraspecificEpithet": "physocarpa"},
            "N",
            id="no third word",
        ),
        pytest.param(
            {"scientificName": "Aus (Bus) cus Smith, 1900", "genericName": "Aus", "specificEpithet": "cus"},
            "C",
            id="subgenus and author",
        ),
        pytest.param({"scientificName": "Hakea decurrens", "genericName": "Hakae"}, "N", id="misspelt genus"),
        pytest.param({"scientificName": "Hakea decurrens", "specificEpithet": "decurrens\n"}, "N", id="line feed"),
        pytest.param({"scientificName": "Hakea"}, "INTERNAL", id="no part told"),
    ],
)
def test_polynomial(row, expected):
    assert answer("VALIDATION_POLYNOMIAL_CONSISTENT", **row) == expected


@pytest.mark.parametrize(
    ("identifier", "complete"),
    [
        pytest.param("urn:lsid:zoobank.org:act:17ADF24F-027F-44F6-9543-D3D0260CE79E", True, id="LSID"),
        pytest.param("urn:uuid:8fa58e08-08de-4ac1-b69c-1235340b7001", True, id="URN"),
        pytest.param("gbif:8102122", True, id="scope and value"),
        pytest.param("https://www.gbif.org/species/8102122", True, id="address with a path"),
        pytest.param("https://www.gbif.org/", False, id="address without a path"),
        pytest.param("https://www.gbif.org", False, id="only a host"),
        pytest.param("urn:lsid", False, id="URN without anything in it"),
        pytest.param("8fa58e08-08de-4ac1-b69c-1235340b7001", False, id="UUID by itself"),
        pytest.param("12:30", False, id="a scope begins with a letter"),
        pytest.param("gbif: 8102122", False, id="white space inside"),
        pytest.param("gbif:8102122\n", False, id="control character behind it"),
        pytest.param("Hakea decurrens ssp. physocarpa", False, id="a name"),
    ],
)
def test_identifiers(identifier, complete):
    assert is_complete(identifier) is complete
    assert answer("VALIDATION_SCIENTIFICNAMEID_COMPLETE", scientificNameID=identifier) == ("C" if complete else "N")


@pytest.mark.parametrize(
    ("identifier", "key"),
    [
        pytest.param("gbif:8102122", 8102122, id="pseudo-namespace"),
        pytest.param("http://api.gbif.org/v1/species/8102122", 8102122, id="API"),
        pytest.param("https://www.gbif.org/species/8102122", 8102122, id="portal"),
        pytest.param("gbif:8a", None, id="no number"),
        pytest.param("https://api.gbif.org/v1/species", None, id="no taxon"),
    ],
)
def test_keys_of_gbif(identifier, key):
    assert gbif_key(identifier) == key


@pytest.mark.parametrize(
    ("rank", "standard", "amended"),
    [
        pytest.param("kingdom", "C", "NOT_AMENDED", id="concept"),
        pytest.param("Species", "C", "species", id="label"),
        pytest.param("especie", "C", "species", id="Spanish label"),
        pytest.param("sp.", "N", "species", id="abbreviation"),
        pytest.param("ssp.", "N", "subspecies", id="another abbreviation"),
        pytest.param("kingdom\n", "N", "kingdom", id="line feed"),
        pytest.param("spp.", "N", "NOT_AMENDED", id="several species"),
        pytest.param("sic.", "N", "NOT_AMENDED", id="no rank"),
        pytest.param("\x00", "INTERNAL", "INTERNAL", id="nothing that prints"),
    ],
)
def test_ranks(rank, standard, amended):
    assert answer("VALIDATION_TAXONRANK_STANDARD", taxonRank=rank) == standard
    given = answer("AMENDMENT_TAXONRANK_STANDARDIZED", taxonRank=rank)
    assert (json.loads(given)["dwc:taxonRank"] if given.startswith("{") else given) == amended


@pytest.mark.parametrize(
    ("row", "without", "with_checklist"),
    [
        pytest.param({"scientificName": "Graphis"}, "N", "N", id="a lichen or a snail"),
        pytest.param({"scientificName": "Graphis", "class": "Lecanoromycetes"}, "C", "C", id="the lichen by its class"),
        pytest.param({"scientificName": "Graphis Jeffreys, 1867"}, "EXTERNAL", "C", id="the snail by its author"),
        pytest.param({"scientificName": "Harpullia pendula"}, "EXTERNAL", "C", id="one species"),
        pytest.param({"genericName": "Harpullia", "specificEpithet": "pendula"}, "EXTERNAL", "C", id="from its parts"),
        pytest.param({"scientificName": "Harpullia alata"}, "EXTERNAL", "N", id="not in the list"),
        pytest.param(
            {"scientificName": "Harpullia Pen.", "taxonRank": "species"}, "N", "N", id="a species without epithet"
        ),
        pytest.param({"scientificName": "?"}, "N", "N", id="no name"),
        pytest.param({"scientificNameID": "https://api.gbif.org/v1/species"}, "N", "N", id="no identifier"),
        pytest.param({"scientificNameID": "gbif:2602041"}, "EXTERNAL", "C", id="GBIF's key"),
        pytest.param({"kingdom": "Animalia"}, "INTERNAL", "INTERNAL", id="only higher ranks"),
    ],
)
def test_taxon_unambiguous(row, without, with_checklist):
    assert answer("VALIDATION_TAXON_UNAMBIGUOUS", **row) == without
    assert answer("VALIDATION_TAXON_UNAMBIGUOUS", CHECKLIST, **row) == with_checklist


@pytest.mark.parametrize(
    ("label", "row", "without", "with_checklist"),
    [
        pytest.param(
            "VALIDATION_SCIENTIFICNAME_FOUND",
            {"scientificName": "Harpullia pendula F.Muell."},
            "EXTERNAL",
            "C",
            id="found",
        ),
        pytest.param(
            "VALIDATION_SCIENTIFICNAME_FOUND", {"scientificName": "Harpullia pendul"}, "EXTERNAL", "N", id="not found"
        ),
        pytest.param(
            "VALIDATION_SCIENTIFICNAME_FOUND", {"scientificName": " Harpullia pendula"}, "N", "N", id="white space"
        ),
        pytest.param("VALIDATION_SCIENTIFICNAME_FOUND", {"scientificName": "x"}, "N", "N", id="no name at all"),
        pytest.param("VALIDATION_SCIENTIFICNAME_FOUND", {"scientificName": "Insecta"}, "C", "N", id="a class"),
        pytest.param("VALIDATION_FAMILY_FOUND", {"family": "Sapindaceae"}, "C", "C", id="family in both"),
        pytest.param("VALIDATION_FAMILY_FOUND", {"family": "Myrtaceae"}, "C", "N", id="family not in the list"),
        pytest.param(
            "AMENDMENT_SCIENTIFICNAMEID_FROM_TAXON",
            {"scientificName": "Graphis", "kingdom": "Fungi"},
            "EXTERNAL",
            '{"dwc:scientificNameID":"gbif:2602041"}',
            id="key of the lichen",
        ),
        pytest.param(
            "AMENDMENT_SCIENTIFICNAMEID_FROM_TAXON",
            {"scientificName": "Graphis"},
            "NOT_AMENDED",
            "NOT_AMENDED",
            id="two taxa",
        ),
        pytest.param(
            "AMENDMENT_SCIENTIFICNAMEID_FROM_TAXON",
            {"scientificName": "Graphis", "scientificNameID": "null"},
            "INTERNAL",
            "INTERNAL",
            id="there is one",
        ),
        pytest.param(
            "AMENDMENT_SCIENTIFICNAME_FROM_SCIENTIFICNAMEID",
            {"scientificNameID": "urn:lsid:ipni.org:names:1"},
            "NOT_AMENDED",
            '{"dwc:scientificName":"Harpullia pendula F.Muell."}',
            id="name of an identifier",
        ),
        pytest.param(
            "AMENDMENT_SCIENTIFICNAME_FROM_SCIENTIFICNAMEID",
            {"scientificNameID": "gbif:8a"},
            "NOT_AMENDED",
            "NOT_AMENDED",
            id="no key",
        ),
    ],
)
def test_with_and_without_a_checklist(label, row, without, with_checklist):
    assert answer(label, **row) == without
    assert answer(label, CHECKLIST, **row) == with_checklist


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("(Lamarck, 1822)", "(Lamarck)", True, id="no year"),
        pytest.param("(Lamarck, 1822)", "(Lam., 1822)", True, id="short form"),
        pytest.param("Adans., 1763", "Adanson, 1763", True, id="short form first"),
        pytest.param("Adans., 1763", "Jeffreys, 1867", False, id="somebody else"),
        pytest.param("Smith, 1900", "Smith, 1901", False, id="another year"),
    ],
)
def test_authorships(one, other, same):
    assert same_authors(one, other) is same


TERMS = (
    "scientificName",
    "scientificNameID",
    "kingdom",
    "class",
    "order",
    "family",
    "genus",
    "taxonRank",
    "specificEpithet",
    "scientificNameAuthorship",
)
TEXTS = st.one_of(
    st.text(max_size=25), st.sampled_from(["Graphis", "Insecta", "Animalia", "gbif:1", "species", "L.", ""])
)


@settings(max_examples=6)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(TERMS, TEXTS)), min_size=1, max_size=5), listed=st.booleans())
def test_any_text_is_answered_and_other_rows_do_not_matter(rows, listed):
    checklist = CHECKLIST if listed else None
    for test in taxon.TESTS:
        together = respond(test, rows, checklist)
        assert together[:1] == respond(test, rows[:1], checklist)
        assert together[::-1] == respond(test, rows[::-1], checklist)


AUTHORS = [
    "L.",
    "(L., 1758)",
    "L. 1758",
    "Linnaeus, 1758",
    "Linnaeus, 1760",
    "Gray & Smith, 1830",
    "Gray",
    "é x",
    ".",
    "",
]
TAXA = st.fixed_dictionaries(
    {
        "scientificName": st.sampled_from(["Bos gaurus", "Bos", "Bubo", None]),
        "scientificNameAuthorship": st.sampled_from([None, *AUTHORS]),
        "kingdom": st.sampled_from([None, "Animalia", "Plantae"]),
        "gbif_key": st.sampled_from([None, 5, 6]),
    }
)
NAMES = st.fixed_dictionaries(
    {
        "scientificName": st.sampled_from(
            ["Bos gaurus", "Bos gaurus L., 1758", "Bos", "Bubo L.", "Axis axis", "x 1", None]
        ),
        "scientificNameAuthorship": st.sampled_from([None, *AUTHORS[:-1]]),
        "taxonRank": st.sampled_from([None, "species", "genus"]),
        "kingdom": st.sampled_from([None, "Animalia"]),
        "cultivarEpithet": st.sampled_from([None, "Rex"]),
        "genericName": st.sampled_from([None, "Bos"]),
    }
)


@given(st.lists(TAXA, min_size=1, max_size=5), st.lists(NAMES, min_size=1, max_size=20))
@settings(max_examples=60)
def test_names_looked_up_at_once_mean_what_they_mean_one_by_one(taxa, rows):
    listed = [{"taxon_id": f"t{number}", "checklist": "c", **taxon} for number, taxon in enumerate(taxa)]
    checklist = terms.conform(pl.DataFrame(listed, infer_schema_length=None), terms.TAXON)
    told = pl.DataFrame(rows, schema_overrides=dict.fromkeys(MEANING.reads, pl.String), infer_schema_length=None)
    told = told.with_columns(pl.lit(None, dtype=pl.String).alias(n) for n in MEANING.reads if n not in told.columns)
    made = MEANING.make(told, Context(date(2026, 11, 24), places.load_boundaries(), checklist=checklist))
    parsed = parse_names(told["scientificName"])
    names = names_of(checklist)
    for row, parts, found in zip(told.iter_rows(named=True), parsed.iter_rows(named=True), made.rows(), strict=True):
        if row["scientificName"] is None or parts["canonical"] is None:
            continue
        above = {rank: row[rank] for rank in RANKS if row[rank] is not None}
        assert found == listed_meaning(names, {**parts, **row}, above)


@given(st.sampled_from(AUTHORS), st.sampled_from(AUTHORS))
def test_equal_words_of_authors_are_the_same_authors(one, other):
    words = pl.DataFrame({"told": [one, other]}).select(author_words(pl.col("told"))).to_series()
    assert words[0] != words[1] or same_authors(one, other)
