"""Scientific names taken apart."""

import json
import unicodedata
from types import MappingProxyType

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biodata.text.scientific_names import SCHEMA, parse_names


def parts(told):
    return parse_names(pl.Series([told], dtype=pl.String)).row(0, named=True)


@pytest.mark.parametrize(
    ("told", "canonical", "genus", "species", "below", "rank"),
    [
        pytest.param("Bos gaurus C.H.Smith, 1827", "Bos gaurus", "Bos", "gaurus", None, "SPECIES", id="gaur"),
        pytest.param("Elephas maximus indicus Cuvier, 1798", "Elephas maximus indicus", "Elephas", "maximus", "indicus", "SUBSPECIES", id="Indian elephant"),
        pytest.param("马麝 Moschus chrysogaster", "Moschus chrysogaster", "Moschus", "chrysogaster", None, "SPECIES", id="Chinese before"),
        pytest.param("Moschus chrysogaster（马麝）", "Moschus chrysogaster", "Moschus", "chrysogaster", None, "SPECIES", id="Chinese behind"),
        pytest.param("ช้างเอเชีย Elephas maximus", "Elephas maximus", "Elephas", "maximus", None, "SPECIES", id="Thai before"),
        pytest.param("Амурский тигр Panthera tigris altaica", "Panthera tigris altaica", "Panthera", "tigris", "altaica", "INFRASPECIFIC_NAME", id="Russian before"),
        pytest.param("Bos\u200b gaurus", "Bos gaurus", "Bos", "gaurus", None, "SPECIES", id="invisible space"),
        pytest.param("\u202bBos gaurus\u202c", "Bos gaurus", "Bos", "gaurus", None, "SPECIES", id="direction marks"),
        pytest.param("Bovidae", "Bovidae", None, None, None, None, id="family"),
        pytest.param("Carex sect. Phacocystis Dumort.", "Phacocystis", "Carex", None, None, "SECTION_BOTANY", id="section"),
        pytest.param("Tobacco mosaic virus", None, None, None, None, None, id="a virus"),
        pytest.param("Usarudivirus nymphense", "Usarudivirus nymphense", "Usarudivirus", "nymphense", None, "SPECIES", id="a virus with a binomial"),
        pytest.param("BOLD:AAA1234", None, None, None, None, None, id="a barcode"),
        pytest.param("Bos taurus × Bos gaurus", None, None, None, None, None, id="a hybrid formula"),
        pytest.param("Salix ×capreola Andersson", "Salix capreola", "Salix", "capreola", None, "SPECIES", id="a named hybrid"),
        pytest.param("Candidatus Pelagibacter ubique", "Pelagibacter ubique", "Pelagibacter", "ubique", None, "SPECIES", id="candidatus"),
        pytest.param("Muntiacus aff. muntjak", "Muntiacus", None, None, None, "GENUS", id="akin to"),
        pytest.param("Muntiacus cf. muntjak", "Muntiacus muntjak", "Muntiacus", "muntjak", None, "SPECIES", id="compare"),
        pytest.param("Hipposideros sp1", "Hipposideros", None, None, None, "GENUS", id="numbered"),
        pytest.param("Desmoxytes des Srisonchai, Enghoff & Panha, 2016", "Desmoxytes des", "Desmoxytes", "des", None, "SPECIES", id="an epithet like a particle"),
        pytest.param("Aus dos Santos, 1999", "Aus", None, None, None, None, id="a particle"),
    ],
)  # fmt: skip
def test_names(told, canonical, genus, species, below, rank):
    row = parts(told)
    found = (row["canonical"], row["genus"], row["specific_epithet"], row["infraspecific_epithet"], row["rank"])
    assert found == (canonical, genus, species, below, rank)


@pytest.mark.parametrize(
    ("told", "authorship", "cited"),
    [
        ("Bos gaurus C.H.Smith, 1827", "C. H. Smith 1827", "C.H.Smith, 1827"),
        ("Aus bus (L.) Hook.f. & Thomson ex Baker f.", "(L.) Hook. fil. & Thomson ex Baker fil.", "(L.) Hook.f. & Thomson ex Bakerf."),
        ("Aus bus Smith, [1851]", "Smith (1851)", "Smith, (1851)"),
        ("Aus bus Kirby and Spence 1990: 12", "Kirby & Spence 1990", "Kirby & Spence, 1990"),
        ("Aus bus LINNAEUS, 1758", "Linnaeus 1758", "Linnaeus, 1758"),
        ("Pinus kesiya Royle ex Gordon var. langbianensis (A.Chev.) Gaussen ex Bui", "(A. Chev.) Gaussen ex Bui", "(A.Chev.) Gaussen ex Bui"),
        ("Aus bus Souverbie, in Souverbie and Montrouzier, 1864", "Souverbie in Souverbie & Montrouzier 1864", "Souverbie in Souverbie & Montrouzier, 1864"),
        ("Trachypithecus caudalis (Đào Văn Tiến, 1977)", "(Đào Văn Tiến 1977)", "(Đào Văn Tiến, 1977)"),
        ("Aus bus J.-P. Smith et al. 1998", "J.-P. Smith et al. 1998", "J.-P.Smith et al., 1998"),
        ("Aus bus auct. non L.", None, None),
    ],
)  # fmt: skip
def test_authorship_has_one_form(told, authorship, cited):
    row = parts(told)
    assert (row["authorship"], row["cited_authorship"]) == (authorship, cited)


@pytest.mark.parametrize(
    ("told", "issue", "canonical"),
    [
        pytest.param("Pаnthera tigris", "NAME_LOOKALIKE_LETTERS", "Panthera tigris", id="a Cyrillic a"),
        pytest.param("Bos\u200b gaurus", "NAME_INVISIBLE_CHARACTERS", "Bos gaurus", id="zero width"),
        pytest.param("<i>Bos gaurus</i>", "NAME_MARKUP", "Bos gaurus", id="tags"),
        pytest.param("马麝 Moschus chrysogaster", "NAME_BESIDE_OTHER_SCRIPT", "Moschus chrysogaster", id="Chinese"),
        pytest.param("Bufo cf. bufo", "NAME_UNDETERMINED", "Bufo bufo", id="compare"),
        pytest.param("Bos gaurus sensu lato", "NAME_PARTLY_READ", "Bos gaurus", id="a concept"),
        pytest.param("Stenoecia dos Freyer, 1838", "NAME_PARSERS_DISAGREE", "Stenoecia dos", id="parsers disagree"),
        pytest.param("panthera tigris", "NAME_REFUSED", None, id="no capital"),
        pytest.param("Bos gaurus?", "NAME_UNDETERMINED", "Bos gaurus", id="a question mark"),
        pytest.param("Bos gaurus (?)", "NAME_UNDETERMINED", "Bos gaurus", id="a question mark in brackets"),
        pytest.param("Bos gaurus or Bos javanicus", "NAME_REFUSED", None, id="one or the other"),
        pytest.param("Bos gaurus H. Smith, 1827; Bos javanicus", "NAME_REFUSED", None, id="two with an author"),
    ],
)
def test_what_is_odd_is_named(told, issue, canonical):
    row = parts(told)
    assert issue in row["issues"]
    assert row["canonical"] == canonical


def test_composed_and_decomposed_letters_are_the_same():
    name = "Seleuca chûjôi Voss, 1957"
    composed, decomposed = (parts(unicodedata.normalize(form, name)) for form in ("NFC", "NFD"))
    assert {**composed, "value": None} == {**decomposed, "value": None}
    assert composed["canonical"] == "Seleuca chujoi"


# gnparser's cases that we answer otherwise, by the class of the difference.
DIFFERING = MappingProxyType(
    {
        "Ambrysus-Stål, 1862": "a genus and its author joined by a hyphen: two words, as GBIF reads it",
        "+ Crataegomespilus": "a graft-chimera: no taxon; the suite has it both ways, by the code that is set",
        "Cytisus purpureus + Laburnum anagyroides": "a graft-chimera: no taxon; the suite has it both ways",
    }
)


def test_gnparsers_cases(shared):
    cases = json.loads((shared / "suites" / "names" / "cases.json").read_text())
    rows = parse_names(pl.Series([case["name"] for case in cases])).to_dicts()
    missed = {
        case["name"]
        for case, row in zip(cases, rows, strict=True)
        if (row["canonical_full"] or "", row["authorship"] or "") != (case["canonical"], case["authorship"])
    }
    assert missed == set(DIFFERING)


def test_what_gnparser_refuses_is_refused(shared):
    cases = json.loads((shared / "suites" / "names" / "cases.json").read_text())
    refused = [case["name"] for case in cases if case["expected"]["quality"] == 0]
    rows = parse_names(pl.Series(refused))
    assert rows["canonical_full"].null_count() == len(refused) > 20


@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_no_text_whatever_raises(texts):
    frame = parse_names(pl.Series(texts, dtype=pl.String))
    assert frame.schema == SCHEMA
    assert frame["value"].to_list() == texts


WORDS = "Aus bus × ( ) Smith L. f. ex & var. subsp. 1900 , cf. aff. sp. de la in et al. 'x' ÄÖ chûjô A. - non [ ] ? x Bus d' β"
LIKE_NAMES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=14).map(" ".join)


@settings(max_examples=300)
@given(LIKE_NAMES)
@example("Aus × bus")
@example("Aus (Bus) bus var. bus")
def test_the_canonical_name_is_its_own(told):
    canonical = parts(told)["canonical"]
    if canonical is not None:
        assert parts(canonical)["canonical"] == canonical


@settings(max_examples=300)
@given(LIKE_NAMES)
def test_the_full_form_is_its_own(told):
    full = parts(told)["canonical_full"]
    if full is not None:
        assert parts(full)["canonical_full"] == full


@pytest.mark.parametrize(
    "piece", ["A", "Aa", "A.", "A.-", "Aus ", "(", "(A", "a-", "d'", "de ", "A & ", "é", "x ", "1", "× A. "]
)
@pytest.mark.timeout(30)
def test_a_hostile_text_keeps_no_parser_busy(piece):
    for told in ("Aus bus " + piece * (480 // len(piece)), (piece * 500)[:500]):
        assert parts(told)["value"] == told
