"""Names of species a slip away from a known one are told where no checklist is loaded, and nothing else is."""

import polars as pl

from biodata.core import terms
from name_checks import told

CODE = "NAME_NEARLY_ANOTHER"


def near(names, **options):
    said = [[one["expected"] for one in found if one["code"] == CODE] for found in told(names, **options)]
    return [one[0].partition("; ")[2].removesuffix(" is meant?") if one else None for one in said]


def test_a_slip_is_told_with_what_is_meant():
    slips = {"Sus scorfa": "Sus scrofa", "Macaca mulata": "Macaca mulatta",
             "Stachyris nongangensis": "Stachyris nonggangensis", "Barbonymus schwanefeldi": "Barbonymus schwanefeldii",
             "Russa unicolor (Kerr, 1792)": "Rusa unicolor"}  # fmt: skip
    none = ("Sus scrofa", "Sus scrofa Linnaeus, 1758", "Paguma larvata", "Macaca", "Macaca sp.", "wild boar")
    meant = slips | dict.fromkeys(none)
    assert dict(zip(meant, near(list(meant)), strict=True)) == meant


def test_what_the_table_has_more_often_is_known():
    assert near(["Novomys montana"] * 3 + ["Novomys montanna"]) == [None, None, None, "Novomys montana"]
    assert near(["Novomys montana", "Novomys montanna"]) == [None, None], "nobody knows which of them is right"


def test_a_name_of_the_reference_list_is_right_though_another_is_near():
    assert near(["Rattus tanezumi", "Macaca leonina", "Rhinolophus pusillus", "Ficus altissima"]) == [None] * 4


def test_with_a_checklist_its_own_answer_is_told():
    row = {"taxon_id": "1", "scientificName": "Sus scrofa", "taxonRank": "SPECIES", "taxonomicStatus": "ACCEPTED"}
    known = terms.conform(pl.DataFrame([row | {"checklist": "c"}]), terms.TAXON)
    assert near(["Sus scorfa"], known=known) == [None]
