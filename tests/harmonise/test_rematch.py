"""What a new version of a checklist changes, with the records."""

import polars as pl

from biodata.core import terms
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.rematch import rematch_report


def version(*rows):
    """Return a checklist of names, each with the accepted name that it leads to."""
    ids = {name: str(number) for number, (name, _) in enumerate(rows)}
    frame = pl.DataFrame({
        "checklist": "x",
        "taxon_id": [ids[name] for name, _ in rows],
        "scientificName": [name for name, _ in rows],
        "accepted_taxon_id": [ids[accepted] for _, accepted in rows],
        "taxonomicStatus": ["ACCEPTED" if name == accepted else "SYNONYM" for name, accepted in rows],
        "kingdom": "Animalia",
    })  # fmt: skip
    return terms.conform(frame, terms.TAXON)


OLD = version(("Ailurus fulgens", "Ailurus fulgens"), ("Ailurus styani", "Ailurus fulgens"),
              ("Bos gaurus", "Bos gaurus"), ("Bos frontalis", "Bos frontalis"), ("Herpestes urva", "Herpestes urva"),
              ("Nomen oblitum", "Nomen oblitum"), ("Elephas maximus", "Elephas maximus"))  # fmt: skip
NEW = version(("Urva urva", "Urva urva"), ("Ailurus fulgens", "Ailurus fulgens"), ("Ailurus styani", "Ailurus styani"),
              ("Bos gaurus", "Bos gaurus"), ("Bos frontalis", "Bos gaurus"), ("Herpestes urva", "Urva urva"),
              ("Elephas maximus", "Elephas maximus"))  # fmt: skip
TOLD = pl.DataFrame({
    "scientificName": ["Ailurus styani Thomas, 1902", "Ailurus styani", "Bos frontalis", "Herpestes urva formosana", "Vulpes vulpes"],
    "records": [3, 2, 7, 4, 9],
})  # fmt: skip


def test_changes_and_their_records():
    report = rematch_report(OLD, NEW, TOLD)
    changes = {row["scientificName"]: (row["change"], row["records"]) for row in report.iter_rows(named=True)}
    assert changes == {"Ailurus fulgens": ("split", 0), "Ailurus styani": ("split", 5), "Bos frontalis": ("lumped", 7),
                       "Herpestes urva": ("accepted_changed", 4), "Nomen oblitum": ("disappeared", 0),
                       "Urva urva": ("appeared", 0)}  # fmt: skip
    assert report["records"].is_sorted(descending=True)
    row = report.row(by_predicate=pl.col("scientificName") == "Bos frontalis", named=True)
    assert (row["old_accepted"], row["new_accepted"]) == (["Bos frontalis"], ["Bos gaurus"])


def test_the_same_version_changes_nothing():
    assert rematch_report(OLD, OLD.with_columns(taxon_id=pl.col("taxon_id")), TOLD).is_empty()


def test_a_name_that_came_to_stand_for_two_taxa_is_ambiguous():
    new = pl.concat(
        [OLD, version(("Bos gaurus", "Bos gaurus")).with_columns(taxon_id=pl.lit("9"), accepted_taxon_id=pl.lit("1"))]
    )
    report = rematch_report(OLD, new, TOLD)
    assert report.select("scientificName", "change").rows() == [("Bos gaurus", "ambiguous")]


def test_a_list_without_categories_that_is_asked_first_hides_none():
    """CITES' list, taken in before a red list, made no species threatened."""
    first = version(("Elephas maximus", "Elephas maximus")).with_columns(checklist=pl.lit("cites"))
    red = version(("Elephas maximus", "Elephas maximus"), ("Bos gaurus", "Bos gaurus"))
    red = red.with_columns(checklist=pl.lit("red"), kingdom=pl.lit(None, pl.String), iucnRedListCategory=pl.lit("EN"))
    weed = version(("Elephas maximus", "Elephas maximus"), ("Bos gaurus", "Bos gaurus"))
    weed = weed.with_columns(checklist=pl.lit("a"), kingdom=pl.lit("Plantae"))
    found = Checklist(pl.concat([weed, first, red])).accepted(pl.Series([0, 1, 2, 3, 4]))
    assert found["iucnRedListCategory"].to_list() == ["EN"] * 5
    animals = red.with_columns(kingdom=pl.lit("Animalia"))
    found = Checklist(pl.concat([weed, first, animals])).accepted(pl.Series([0, 1, 2, 3, 4]))
    assert found["iucnRedListCategory"].to_list() == [None, None, "EN", "EN", "EN"]
