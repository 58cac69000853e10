"""Names of genera that no list knows go out, and however a listed name is spoilt, it does not."""

import random
import time

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biodata import terms
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet, decide
from biodata.sharing.latinity import is_surely_a_name
from biodata.sharing.names import Names
from biodata.sharing.spoken import spoken
from biodata.sharing.taxa import rule_taxa
from biodata.sharing.taxonomy import Taxonomy, bundled
from biodata.vocabularies import SharingCategory
from mangled_names import mangled

BOUNDARIES = load_boundaries()
BUNDLED = RuleSet.read(None)
OPEN = SharingCategory.OPEN
FOREIGN = (
    """
Owa jawa|Ungko lengan hitam|Gajah sumatra|Harimau sumatera|Macan dahan|Badak jawa|Anoa pegunungan|Beruang madu|Orang utan|Bekantan
Kukang sumatera|Trenggiling peusing|Tapir asia|Rangkong gading|Jalak bali|Kuau raja|Penyu sisik|Tuntong laut|Kura-kura ambon
Buaya siam|Ora komodo|Siluk merah|Gaharu buaya|Kantong semar|Bunga bangkai|Rusa bawean|Seladang|Tamaraw mindoro|Agila ng Pilipinas
Pawikan|Kalangay|Elefante asiatico|Tigre indochino|Elefante indiana|Pantera nebulosa|Orso malese|Mono narigudo|Tortuga asiatica
Tartaruga embricata|Testuggine stellata|Cocodrilo siames|Salamandra gigante|Cacatua bianca|Aquila delle Filippine|Gaur indiano
Panthère longibande|Ours malais|Rhinocéros de Java|Loris lent|Paon spicifère|Grue sarus|Tortue luth|Nebelparder|Malaienbär
Aziatische olifant|Slon indyjski|Azijinis dramblys|Tiikeri|Ázsiai elefánt|Asya fili|Yazhou xiang|Xue bao|Hua nan hu|Chuan shan jia
Voi chau A|Bao gam|Sao la|Vooc mui hech|Cu li nho|Rua hop|Giang huong|Suea khrong|Chani mue khao|Nok yung thai|Xang|Damrei
Khla khmum|Hsin|Tha-min|Ajia zo|Yuki hyo
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
PLANTS = [
    f"Ignotia {stem}{end}"
    for stem in ("luzon", "yunnan", "medog", "assam")
    for end in ("ensis", "ianus", "ii", "iflorus")
]


def categories(names, rules=BUNDLED, **columns):
    frame = terms.conform(pl.DataFrame({"scientificName": names, **columns}), terms.OCCURRENCE)
    found = decide(frame, rules, boundaries=BOUNDARIES)
    told = dict(found.select("row", "category").iter_rows())
    return [SharingCategory(told.get(row, "open")) for row in range(len(names))]


@pytest.mark.parametrize("seed", range(3))
def test_no_spoilt_form_of_a_listed_name_is_told_more_of_than_the_name(seed):
    rng = random.Random(seed)
    listed = rng.sample([rule for rule in BUNDLED.rules if rule.rank == "SPECIES"], 12)
    forms = [(rule, form) for rule in listed for form in mangled(rule.scientific_name, rng)]
    found = categories([form for _, form in forms])
    leaked = [
        (rule.scientific_name, form)
        for (rule, form), category in zip(forms, found, strict=True)
        if category.strictness < rule.category.strictness
    ]
    assert leaked == []
    assert len(forms) > 700


def test_no_common_name_of_a_listed_species_is_taken_for_a_scientific_one():
    assert [name for name, category in zip(FOREIGN, categories(FOREIGN), strict=True) if category is OPEN] == []


def test_old_names_of_listed_species_are_hidden_like_them():
    strictness = {r.scientific_name.lower(): r.category.strictness for r in BUNDLED.rules}
    pairs = [(name, old) for name, others in bundled().old.items() for old in others]
    found = categories([old.capitalize() for _, old in pairs])
    assert [p for p, category in zip(pairs, found, strict=True) if category.strictness < strictness[p[0]]] == []
    assert len(pairs) > 150


APART = [(name, listed) for name, near in bundled().apart.items() for listed in near]


@pytest.mark.parametrize(("name", "listed"), APART)
def test_a_common_species_is_told_apart_from_a_listed_one_only_where_it_is_written_out(name, listed):
    """Whoever means the listed one writes its name, or a slip for it: none of these is the whole name of another."""
    other, written = listed.split()[1], name.capitalize()
    genus, epithet = written.split()
    own = [form for author in bundled().authors[name] for form in (f"{written} {author}", f"{written} ({author})")]
    own += [form.replace(" 1", ", 1") for form in own]
    assert set(categories([written, name.upper(), f" {genus}  {epithet} ", *own])) == {OPEN}
    doubtful = [
        f"{genus} cf. {epithet}", f"{genus} aff {epithet}", f"{written}?", f"{written} / {other}", f"{written} {other}",
        f"{written} {other.capitalize()}", f"{written} or {genus[0]}. {other}", f"{written} ({listed.capitalize()})",
        f"{genus} {other}", f"{written} ({listed.split()[1].capitalize()}, 2019)", f"{written} (Elsewhere, 1758)",
        f"{written} Elsewhere", f"{written} {other[:6].capitalize()}", f"{written} {own[0].split()[2]} {other}",
    ]  # fmt: skip
    assert [form for form, found in zip(doubtful, categories(doubtful), strict=True) if found is OPEN] == []


DOUBTED = [
    *(
        f"Muntiacus vaginalis {doubt}"
        for doubt in """unsure|maybe|uncertain|doubtful|pending|group|complex|vuquang|Indet.|Large-antlered|Giant Muntjac
(Giant Muntjac)|(Vuquangensis)|(M. Vuquangensis)|Nam Ha 2019|(Giant Muntjac, 2019)""".replace("\n", "|").split("|")
    ),
    *(f"Muntiacus reevesi {doubt}" for doubt in ("unsure", "Roosevelt", "(Rooseveltorum)")),
    *(f"Calidris ferruginea {doubt}" for doubt in ("Spoon-billed", "(Spoon-billed Sandpiper)")),
    "Calidris subminuta Pygmaea", "Calidris subminuta (Pygmaea)", "Lophura diardi (Edwardsi)", "Lophura diardi (Edwards)",
    "Papilio machaon (Chikae)", "Bos taurus (Gaur)", "Bos taurus unsure", "Varanus bengalensis komodo",
]  # fmt: skip


@pytest.mark.parametrize("name", DOUBTED)
def test_a_remark_behind_a_common_species_is_a_doubt(name):
    assert categories([name]) != [OPEN]


def test_a_checklist_finds_a_name_whatever_stands_behind_it():
    for behind, expected in (("(Boddaert, 1785)", True), ("(Giant Muntjac)", False), ("Vuquangensis", False)):
        name = f"Muntiacus vaginalis {behind}"
        found = categories([name], species=["Muntiacus vaginalis"], match_type=["CANONICAL"])
        assert (found == [OPEN]) is expected
    known = {"species": ["Bos taurus"], "match_type": ["EXACT"]}
    assert categories(["Bos taurus indicus"], **known) == [OPEN]


BEHIND = st.one_of(
    st.text(min_size=1, max_size=12),
    st.from_regex(r"\(?[A-Za-z][a-z]{2,11}(,? (1[789]|20)\d\d)?\)?", fullmatch=True),
    st.lists(st.sampled_from("Ban x & et ex Nam Ha (B) , 2019 ssp. f. sensu lato Gray Hook.f. male".split()), min_size=1)
    .map(" ".join),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(APART), BEHIND)
def test_whatever_but_its_own_author_stands_behind_a_common_species_is_a_doubt(pair, behind):
    name, _ = pair
    own = {form.split()[0].casefold() for form in bundled().authors[name]}
    assume(behind.strip())
    assume(not own & set(behind.casefold().replace("(", " ").replace(",", " ").replace(")", " ").split()))
    assert categories([f"{name.capitalize()} {behind}"]) != [OPEN]


COMMON = [(name, taxon) for name, taxa in bundled().vernaculars.items() for taxon in taxa]
OF_COMMON = RuleSet.of(
    [
        Rule(taxon, SharingCategory.WITHHELD, "hunted", scientific_name=taxon)
        for taxon in sorted({taxon for _, taxon in COMMON})
    ]
)


@pytest.mark.parametrize("before_and_behind", ["|", "|s", "|es", "| seen", "2 |, tracks"])
@pytest.mark.parametrize("letters", [str, str.upper, str.title, str.capitalize])
def test_every_common_name_reaches_the_rules_of_its_own_taxon_however_it_is_written(letters, before_and_behind):
    before, behind = before_and_behind.split("|")
    found = rule_taxa(OF_COMMON.rules, bundled())
    missed = [
        (name, taxon)
        for name, taxon in COMMON
        if taxon
        not in {OF_COMMON.rules[n].scientific_name for n in found.of(Names((f"{before}{letters(name)}{behind}",)))}
    ]
    assert missed == []
    assert len(COMMON) > 350


FEW = RuleSet.of(
    [
        Rule(name, SharingCategory.WITHHELD, "hunted", scientific_name=name)
        for name in """Manis javanica|Manis pentadactyla|Elephas maximus|Dugong dugon|Dicerorhinus sumatrensis""".split(
            "|"
        )
    ]
)


@pytest.mark.parametrize(
    "name",
    """pangolin|Pangolin|PANGOLINS|pangolim|pangolin unsure|rhinoceros|Rhinoceros|rhinoceros seen|rhinoceroses|rhino|elephants
Proboscidea|Sirenia|Pholidota|Manis|穿山甲 pangolin""".replace("\n", "|").split("|"),
)
def test_a_common_name_is_read_beside_every_other_reading(name):
    """`pangolin` is near to the name of a deer, `rhinoceros` is a genus, and so is Proboscidea: a herb."""
    assert categories([name], FEW) == [SharingCategory.WITHHELD]


def test_a_species_of_a_genus_that_is_called_like_a_common_name_is_itself():
    cervids = RuleSet.of([Rule("deer", SharingCategory.WITHHELD, "hunted", scientific_name="Axis kuhlii")])
    assert categories(["Rusa unicolor", "Rusa unicolor (Kerr, 1792)", "Rhinoceros unicornis"], cervids) == [OPEN] * 3
    assert categories(["rusa"], cervids) == [SharingCategory.WITHHELD]


def test_a_longer_common_name_goes_before_one_in_it():
    beetles = Taxonomy({}, {}, {"tiger": frozenset({"Panthera tigris"}), "tiger beetle": frozenset({"Cicindela"})})
    assert spoken("two tiger beetles", beetles) == {"Cicindela"}
    assert spoken("Tigers; tiger beetle", beetles) == {"Cicindela", "Panthera tigris"}
    assert spoken("tigerish", beetles) == set()


def test_no_spoilt_form_of_a_listed_name_is_the_name_of_another():
    rng = random.Random(5)
    forms = {form.casefold() for _, listed in APART for _ in range(20) for form in mangled(listed.capitalize(), rng)}
    assert not forms & {name for name, _ in APART}


def test_no_name_that_stands_apart_is_a_name_of_a_listed_taxon():
    listed = {rule.scientific_name.lower() for rule in BUNDLED.rules if rule.scientific_name}
    known = listed | {old for others in bundled().old.values() for old in others}
    assert not {name for name, _ in APART} & known
    assert not {name.split()[0] for name, _ in APART} & listed


def test_a_plant_list_of_a_genus_that_nobody_knows_goes_out():
    assert set(categories(PLANTS)) == {OPEN}
    assert set(categories([f"Ignotia {e} Hook.f. ex Merr." for e in ("alba", "rubra", "tenella", "affinis")])) == {OPEN}


@pytest.mark.parametrize("category", list(SharingCategory)[:2])
def test_a_rule_of_a_group_whose_genera_nobody_knows_all_may_mean_it(category):
    orchids = Rule("orchids", category, "dug up", scientific_name="Orchidaceae", rank="FAMILY")
    cats = Rule("cats", category, "hunted", scientific_name="Felidae", rank="FAMILY")
    rules = [RuleSet.of([rule]) for rule in (orchids, cats)]
    assert [categories(PLANTS[:1], rule)[0] is OPEN for rule in rules] == [False, True]
    assert categories(PLANTS[:1], rules[0], family=["Rubiaceae"]) == [OPEN]
    assert categories(PLANTS[:1], rules[0], kingdom=["Animalia"]) == [OPEN]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Ignotia luzonensis", True, id="an ending that no other language has"),
        pytest.param("Ignotia alba", False, id="two words that could be Italian"),
        pytest.param("Ignotia alba Blume", False, id="an author that could be a village"),
        pytest.param("Ignotia alba Blume, 1825", True, id="author and year"),
        pytest.param("Ignotia alba (L.) Hook.f. ex A.Gray", True, id="authors"),
        pytest.param("Ignotia alba, seen at 3 pm", False, id="a remark"),
        pytest.param("Gajah luzonensis Blume, 1825", False, id="no letters of a genus"),
        pytest.param("Tartaruga verde L.", False, id="a word of a common name"),
        pytest.param("ignotia luzonensis", False, id="no capital"),
        pytest.param("Ignotia", False, id="one word"),
    ],
)
def test_what_is_surely_a_name(name, expected):
    assert is_surely_a_name(name, bundled()) is expected


def test_a_text_that_is_made_to_be_slow_is_not():
    """Steps are counted by the clock of this process, generously: what grows with 2 to the letters never ends."""
    texts = ["Aaaus bbbus " + tail for tail in ("A" * 285 + "!", "A. " * 90, "(" * 200, "A-" * 140, "& " * 140)]
    begun = time.process_time()
    assert len({is_surely_a_name(text, bundled()) for text in texts}) <= 2
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    "names",
    [
        pytest.param({"Zzyzyx": "Zzyzyx"}, id="a taxon called by its own name"),
        pytest.param({"Aaqaq": "Bbqbq", "Bbqbq": "Aaqaq"}, id="two taxa called by each other's"),
    ],
)
def test_common_names_of_a_checklist_that_lead_in_a_circle_may_mean_any_listed_taxon(names):
    rows = [{"scientificName": taxon, "vernacular_details": f'[{{"name": "{name}"}}]'} for taxon, name in names.items()]
    taxonomy = bundled().with_checklists(terms.conform(pl.DataFrame(rows), terms.TAXON), ())
    found = rule_taxa(BUNDLED.rules, taxonomy)
    assert found.of(Names((next(iter(names)),))) == found.of(Names(("Qqzqz",)))


@pytest.mark.parametrize(
    ("name", "as_of"),
    [
        pytest.param("Muntiacus muntjac", "Muntiacus", id="a slip that is a common name of its genus's family"),
        pytest.param("Panthera tiger", "Panthera", id="a common name of a species of the genus"),
        pytest.param("Argus pheasant", "Qqzqz", id="a common name that begins with the name of a genus of butterflies"),
        pytest.param("muntiacus muntjac", "Qqzqz", id="no capital"),
    ],
)
def test_a_common_name_behind_a_genus_speaks_for_it_only_where_both_agree(name, as_of):
    found = rule_taxa(BUNDLED.rules, bundled())
    few = as_of != "Qqzqz"
    assert found.of(Names((name,))) >= found.of(Names((as_of,)))
    assert (len(found.of(Names((name,)))) < 20) is few, "of the genus, and of what the common name means"
