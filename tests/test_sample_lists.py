"""The checklist and the sharing rules of the sample data."""

import polars as pl

from biodata.vocabularies import SharingCategory
from sample_columns import RANKS

pytest_plugins = ("sample_files",)


def test_the_checklist_holds_together(checklist):
    accepted = checklist.filter(taxonomicStatus="ACCEPTED")
    assert (accepted["taxonID"] == accepted["acceptedNameUsageID"]).all()
    assert set(checklist["acceptedNameUsageID"]) == set(accepted["taxonID"])
    assert checklist["taxonID"].is_unique().all()
    assert checklist["scientificName"].is_unique().all()
    assert accepted["scientificName"].str.contains(r"^[A-Z][a-z]+ [a-z]+$").all()
    assert (accepted["scientificName"].str.split(" ").list.first() == accepted["genus"]).all()
    assert accepted.select(RANKS).null_count().sum_horizontal().item() == 0


def test_each_rank_has_one_parent(checklist):
    for child, parent in zip(RANKS[1:], RANKS[:-1], strict=True):
        parents = checklist.group_by(child).agg(pl.col(parent).n_unique())
        assert (parents[parent] == 1).all(), child


def test_only_the_two_sourced_categories_are_called_sourced(checklist):
    sourced = checklist.filter(pl.col("status_date").is_not_null())
    assert set(sourced["scientificName"]) == {"Nomascus nasutus", "Rhinopithecus strykeri"}
    assert set(sourced["iucnRedListCategory"]) == {"CR"}
    rest = checklist.filter(pl.col("status_date").is_null(), taxonomicStatus="ACCEPTED")
    assert set(rest["status_source"]) == {"memory", "not evaluated here"}


def test_mammals_are_known_to_the_mammal_diversity_database(shared, checklist):
    known = pl.read_csv(
        shared / "data/tax_mdd/MDD_v1.2_6485species.csv", infer_schema=False, encoding="utf8-lossy"
    ).select(pl.col("sciName").str.replace("_", " "), pl.col("order", "family").str.to_titlecase())
    mammals = checklist.filter(pl.col("class") == "Mammalia", taxonomicStatus="ACCEPTED")
    unknown = mammals.join(known, left_on=["scientificName", "order", "family"], right_on=known.columns, how="anti")
    # The database of 2020 has this serow in Capricornis sumatraensis.
    assert unknown["scientificName"].to_list() == ["Capricornis milneedwardsii"]


def test_alien_species_are_on_the_regions_lists(shared, sound):
    lists = pl.read_csv(shared / "data/griis_asean_china/griis_combined.csv", infer_schema=False)
    known = set(lists["scientificName"].str.split(" ").list.head(2).list.join(" "))
    aliens = sound.filter(establishmentMeans="INTRODUCED")
    names = {*aliens["species"], "Eichhornia crassipes"} - {"Pontederia crassipes"}
    assert names <= known


def test_sharing_rules_name_known_taxa_and_categories(sample_data, checklist):
    rules = pl.read_csv(sample_data / "sensitive_species.csv", infer_schema=False)
    expected = "rule_id source scientificName rank country_code province_code dataset month_from month_to category"
    assert rules.columns == [*expected.split(), "reason", "review_date"]
    assert set(rules["category"]) <= {category.value for category in SharingCategory} - {"open"}
    assert rules["rule_id"].is_unique().all()
    for name, rank in rules.select("scientificName", "rank").iter_rows():
        column = "scientificName" if rank == "SPECIES" else rank.lower()
        assert name in set(checklist[column]), name
    assert {"Hylobatidae", "Elephas maximus"} <= set(rules["scientificName"])
