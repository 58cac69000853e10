"""Status lists: what a checklist's rows, an archive's extensions and a declaration say of taxa, and what changed."""

import json

import polars as pl
import pytest

import releases as fixture
from biodata import lists, pipeline
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.harmonise.taxa import taxa
from biodata.ingest import open_source
from biodata.store import releases
from biodata.store.query.filters import Listed, Not
from releases import GIBBON, PHEASANT, SEROW

RED = {"list": "red_list", "year": "2021", "authority": "a ministry"}


def found(row, declared=None):
    text = lists.read([{name.lower(): value for name, value in row.items()}], declared or {}).item()
    return {(one["kind"], one["area"], one["value"]) for one in json.loads(text)} if text else set()


@pytest.mark.parametrize(("row", "declared", "expected"), [
    ({"countryCode": "LA", "establishmentMeans": "alien", "isInvasive": "Invasive"}, {},
     {("establishmentMeans", "LA", "INTRODUCED"), ("isInvasive", "LA", "true")}),
    # Five lists of the register have the two columns in each other's place.
    ({"countryCode": "KH", "establishmentMeans": "Present", "occurrenceStatus": "Alien", "isInvasive": "Null"}, {},
     {("establishmentMeans", "KH", "INTRODUCED")}),
    ({"countryCode": "CN", "establishmentMeans": "Native|Alien"}, {}, {("establishmentMeans", "CN", "UNCERTAIN")}),
    ({"locationID": "ISO_3166-2:CN-YN", "establishmentMeans": "native endemic"}, {},
     {("establishmentMeans", "CN-YN", "NATIVE_ENDEMIC"), ("endemicTo", "CN-YN", "true")}),
    ({"extension distribution": '[{"countryCode": "VN", "threatStatus": "EN"}, {"countryCode": "LA", "appendixCITES": "I/II"}]'}, {},
     {("redList", "VN", "EN"), ("cites", "global", "I"), ("cites", "global", "II")}),
    ({"extension distribution": '[{"countryCode": "MM"}]', "extension speciesprofile": '[{"isInvasive": "invasive"}]'}, {},
     {("isInvasive", "MM", "true")}),
    ({"iucnStatus": "Vulnerable"}, {}, {("redList", "global", "VU")}),
    ({"iucnRedListCategory": "Vulnerable"}, {**RED, "scope": "CN"}, {("redList", "CN", "VU")}),
    ({"category": "Endangered (EN)"}, {**RED, "scope": "CN"}, {("redList", "CN", "EN")}),
    ({"保护级别": "国家二级"}, {"list": "protection", "scope": "CN", "year": "2021"}, {("nationalProtection", "CN", "国家二级")}),
    ({"Listing": "II"}, {"list": "cites", "scope": "global", "year": "2023"}, {("cites", "global", "II")}),
    ({"scientificName": "Mikania micrantha"}, {"list": "alien", "scope": "TH", "year": "2018"},
     {("establishmentMeans", "TH", "INTRODUCED")}),
    ({"scientificName": "Panthera tigris"}, {}, set()),
])  # fmt: skip
def test_each_status_is_read_with_its_area(row, declared, expected):
    assert found(row, declared) == expected


@pytest.mark.parametrize(("declared", "option"), [
    ({"list": "green"}, "list"),
    ({"list": "red_list", "year": "2021"}, "scope"),
    ({"list": "red_list", "scope": "China", "year": "2021"}, "scope"),
    ({"list": "red_list", "scope": "CN", "year": "21"}, "year"),
    ({"scope": "CN"}, "scope"),
    ({**RED, "scope": "CN"}, "list"),  # no row has a category
])  # fmt: skip
def test_a_list_that_is_not_declared_whole_is_refused(declared, option):
    with pytest.raises(InputError, match=f"column {option}"):
        lists.read([{}], declared)


def listed(**means):
    rows = [{"scientificName": name, "countryCode": "LA", "establishmentMeans": value} for name, value in means.items()]
    batch = pl.DataFrame(rows).with_columns(source_file=pl.lit("a.csv"), source_row=pl.int_range(pl.len()))
    return taxa(batch, checklist="a")[0]


def test_a_new_version_says_what_it_changed():
    before, after = listed(Aa="alien", Bb="alien", Cc="native"), listed(Aa="alien", Bb="native", Dd="alien")
    assert lists.changes(before, after).select("scientificName", "was", "now").rows() == [
        ("Bb", "INTRODUCED", "NATIVE"), ("Cc", "NATIVE", None), ("Dd", None, "INTRODUCED"),
    ]  # fmt: skip


def test_the_register_of_alien_species_equals_its_own_table(shared):
    """The 11 archives against the one table that their compilers made of them."""
    folder = shared / "data" / "griis_asean_china"
    read = []
    for path in sorted((folder / "zip").glob("*.zip")):
        (table,) = open_source("checklist", [path]).read()
        (batch,) = table.batches
        read.append(taxa(batch, checklist=path.stem, declarations=table.declarations)[0])
    statuses = lists.statuses(pl.concat(read))
    stated = pl.read_csv(folder / "griis_combined.csv", infer_schema=False)
    invasive = stated.filter(pl.col("isInvasive").str.to_lowercase() == "invasive")
    alien = pl.any_horizontal(
        pl.col(name).str.to_lowercase() == "alien" for name in ("establishmentMeans", "occurrenceStatus")
    )
    for kind, value, rows in (
        ("isInvasive", "true", invasive),
        ("establishmentMeans", "INTRODUCED", stated.filter(alien)),
    ):
        ours = statuses.filter((pl.col("kind") == kind) & (pl.col("value") == value))
        assert sorted(ours.select("area", "taxon_id").rows()) == sorted(rows.select("countryCode", "taxonID").rows())


def test_a_record_bears_what_lists_say_of_it_where_it_lies():
    columns = ("checklist", "taxon", "taxonRank", "kind", "area", "value")
    said = [
        ("a", "Phasianidae", "FAMILY", "cites", "global", "II"), ("a", "Lophura edwardsi", "SPECIES", "cites", "global", "I"),
        ("b", "Phasianidae", "FAMILY", "cites", "global", "III"), ("c", "Lophura edwardsi", "SPECIES", "redList", "global", "CR"),
        ("d", "Lophura edwardsi", "SPECIES", "redList", "VN", "EN"), ("d", "Gallus gallus domesticus", "SUBSPECIES", "isInvasive", "CN-YN", "true"),
        ("e", "Lophura edwardsi", "SPECIES", "endemicTo", "VN", "true"), ("f", "Gallus gallus", "SPECIES", "establishmentMeans", "CN", "NATIVE"),
    ]  # fmt: skip
    stated = lists.terms.conform(pl.DataFrame(said, schema=columns, orient="row"), lists.terms.TAXON_STATUS)
    rows = [("Lophura edwardsi", None, "VN", None), ("Lophura edwardsi", None, "LA", None),
            ("Lophura edwardsi", None, None, None), ("Gallus gallus", None, "CN", "CN-YN"),
            ("Gallus gallus", "domesticus", "CN", "CN-YN"), ("Polyplectron bicalcaratum", None, "CN", None)]  # fmt: skip
    records = pl.DataFrame(
        rows, schema=("species", "infraspecificEpithet", "countryCode", "province_code"), orient="row"
    )
    above = {name: pl.lit("Phasianidae" if name == "family" else None, pl.String) for name in lists.GROUPS}
    found = lists.of_records(records.with_columns(**above), stated)
    assert found.select("redList", "cites", "endemicTo", "listedEstablishmentMeans", "isInvasive").rows() == [
        ("VN EN; global CR", "global I; global III", "VN", None, None),
        ("global CR", "global I; global III", "VN", None, None),
        ("global CR", "global I; global III", "VN", None, None),
        (None, "global II; global III", None, "CN NATIVE", None),
        (None, "global II; global III", None, "CN NATIVE", "CN-YN true"),
        (None, "global II; global III", None, None, None),
    ]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return fixture.make_release(tmp_path_factory.mktemp("listed"))


SAID = [(GIBBON, "SPECIES", "redList", "global", "CR"), (SEROW, "SPECIES", "redList", "LA", "EN"),
        ("Phasianidae", "FAMILY", "cites", "global", "II"), (PHEASANT, "SPECIES", "isInvasive", "VN", "true"),
        (PHEASANT, "SPECIES", "cites", "global", "I")]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "area"), [
    ("redList", (), None), ("redList", ("EN",), None), ("redList", ("CR", "EN"), None), ("cites", ("II",), None),
    ("cites", ("I",), None), ("isInvasive", ("true",), None), ("redList", (), "LA"), ("endemicTo", (), None),
])  # fmt: skip
def test_records_are_found_by_what_lists_say_of_their_taxon_where_they_lie(release, kind, values, area):
    rows = releases.read(release, "occurrences")
    asked = Listed(kind, values, area, ("FAMILY", "SPECIES"))
    expected = {
        row["key"]
        for row in rows.iter_rows(named=True)
        for taxon, rank, said, where, value in SAID
        if said == kind and (not values or value in values) and taxon == row["family" if rank == "FAMILY" else "species"]
        and not (rank == "FAMILY" and row["species"] == PHEASANT)
        and (where == area if area else where in ("global", row["countryCode"], row["province_code"]))
    }  # fmt: skip
    found = releases.read(release, "occurrences", where=asked)["key"]
    assert set(found) == expected
    others = releases.read(release, "occurrences", where=Not(asked))["key"]
    assert set(others) == set(rows["key"]) - expected
    with pytest.raises(InputError, match="by rank, and none is named"):
        releases.read(release, "occurrences", where=Listed(kind, values, area))


def test_a_list_that_may_not_be_passed_on_says_so_before_a_release(tmp_path):
    (tmp_path / "list.csv").write_text("scientificName,iucnRedListCategory\nElephas maximus,EN\n")
    options = {
        **RED,
        "scope": "global",
        "title": "Red List",
        "license": "https://www.iucnredlist.org/terms/terms-of-use",
    }
    settings = Settings(data=tmp_path / "data")
    (report,) = pipeline.ingest("checklist", [tmp_path / "list.csv"], settings, dataset="red", options=options)
    (note,) = [note for note in report.notes if "licence" in note]
    assert note.startswith("the licence of list red is https://www.iucnredlist.org/")
