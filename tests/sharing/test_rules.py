"""The registry of rules: every rule that is noted has a name, a version and a meaning."""

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from biodata import places
from biodata.core import terms
from biodata.core.flags import FLAGS, About
from biodata.harmonise import Harmoniser, rules
from biodata.harmonise.findings import Findings, repairs, repairs_column
from biodata.harmonise.rules import ADMINISTRATION, CHECKS, READERS
from biodata.text.coordinate_pairs import parse_pairs
from biodata.text.date_words import Era
from biodata.text.dates import parse_dates

SOURCES = Path(__file__).parents[2] / "biodata"
TODAY = date(2026, 11, 24)


def test_every_rule_says_what_it_does_in_one_sentence():
    for name, rule in rules.RULES.items():
        assert re.fullmatch(r"[a-z0-9_]+", name), name
        assert rule.meaning[0].isupper(), name
        assert rule.meaning.endswith("."), name
        assert rule.source, name
        assert rule.version >= 1, name
    assert set(rules.versions()) == set(rules.RULES)


@pytest.mark.parametrize(("text", "names", "detail"), [
    pytest.param("decimal_comma", ["decimal_comma"], None, id="one rule"),
    pytest.param("day_first+buddhist_era", ["day_first", "buddhist_era"], None, id="two rules"),
    pytest.param("datum_transform: EPSG:4240, Indian 1975 to WGS 84 (2) + a grid, ± 11 m", ["datum_transform"],
                 "EPSG:4240, Indian 1975 to WGS 84 (2) + a grid, ± 11 m", id="a rule with what it did"),
    pytest.param("", [], None, id="none"),
])  # fmt: skip
def test_what_stands_in_a_repair_is_taken_apart(text, names, detail):
    assert rules.split(text) == (names, detail)


def test_a_rule_that_is_not_registered_cannot_be_noted():
    noted = repairs(pl.Series([True]), "locality", pl.Series(["x"]), "as_told+guesswork", applied=True)
    with pytest.raises(KeyError, match="guesswork"):
        repairs_column([Findings(repairs=[noted])], 1)


def test_every_rule_that_the_code_writes_out_is_registered():
    written = {
        name
        for folder in ("text", "harmonise")
        for file in (SOURCES / folder).glob("*.py")
        if file.name not in {"units.py"}  # areas of sites: no repairs are noted of them
        for name in re.findall(
            r"(?:\brule=(?:pl\.lit\()?|\bday_moment\([^\n]*?)\"(\w+)\"", file.read_text(encoding="utf-8")
        )
    }
    assert {"day_first", "decimal_comma", "basic", "week"} <= written
    assert written - {"rule"} <= set(rules.RULES)
    assert {era.value for era in Era} - {"common_era"} <= set(rules.RULES)


COORDINATES = ["21°28'30\"N 101°34'E", "北纬21°28′东经101°34′", "21,5 101,6", "21.5 101.6", "POINT(101.6 21.5)",
               "geo:21.5,101.6", "+21.5+101.6/", "433819N 1013400E", "21 30 101 34", "N21.5 E101.6", "๒๑.๕, ๑๐๑.๖",
               "21.5 m, 101", "101.5, 21.5"]  # fmt: skip
DATES = [
    "2010-04-03", "03/04/2010", "25/03/2010", "03/25/2010", "20100403", "2010-093", "2010-W14", "2010-W14-2", "4/2010",
    "2010/4/3", "3 April 2010", "3 เมษายน 2553", "民國99年4月3日", "二〇一〇年四月三日", "2010年4月3日", "38731", "38731.5",
    "2553-04-03", "03/04/2553", "2010-04-03 at 3 pm", "2010-04-03T05:00 ICT", "3-5/4/2010", "2010-04-03/2010-04-01",
    "1 to 3 April 2010", "2010-04-03 - 2010-04-05", "๓/๔/๒๕๕๓", "ថ្ងៃទី៣ ខែមេសា ឆ្នាំ២០១០", "ព.ស. 2553", "พ.ศ. 2475",
    "2010-04-03T12:00/P2D", "spring 2010", "2010-04-03 14h30",
]  # fmt: skip


@pytest.mark.parametrize("day_first", [None, True, False])
def test_every_rule_of_the_parsers_is_registered(day_first):
    read = parse_dates(pl.Series(DATES), today=TODAY, day_first=day_first)
    rules.check(read["rule"])
    rules.check(read["alternative_rule"])
    pairs = parse_pairs(pl.Series(COORDINATES))
    assert pairs["rule"].n_unique() >= 6
    rules.check(pairs["rule"])


@pytest.mark.parametrize(("file", "encoding", "separator"), [
    pytest.param("occ_bovidae_gbif_raw/Gbif_raw_allBov.csv", "mac_roman", ",", id="Bovidae"),
    pytest.param("occ_elephas_maximus_gbif/elephas_maximus_gbif.csv", "utf-8", ",", id="elephants"),
    pytest.param("occ_borneo_mammals/mammals_borneo.tsv", "utf-8", "\t", id="Borneo"),
])  # fmt: skip
def test_every_rule_that_real_files_need_is_registered(shared, file, encoding, separator):
    text = (shared / "data" / file).read_bytes().decode(encoding)
    if separator == "\t":  # its first column, the row's number, has no heading
        text = "number\t" + text
    table = pl.read_csv(text.encode(), separator=separator, infer_schema=False).with_row_index("source_row", offset=2)
    table = table.with_columns(pl.lit("file").alias("source_file"), pl.col("source_row").cast(pl.Int64))
    harmoniser = Harmoniser(boundaries=places.load_boundaries(), secret=bytes(32), today=TODAY)
    noted = harmoniser.occurrences(table, dataset_key="test").interpreted["repairs"].explode().drop_nulls()
    for name in noted.struct.field("rule").unique():
        for part in rules.split(name)[0]:
            assert rules.RULES[part].kind is not rules.Kind.CHECK


def test_every_interpreted_column_says_what_it_is_read_from():
    columns = set(terms.names(terms.OCCURRENCE))
    assert set(READERS) | ADMINISTRATION == columns
    assert not set(READERS) & ADMINISTRATION
    for column, ways in READERS.items():
        for way in ways:
            assert way.terms or way.columns or way.rule == "presence_assumed", column
            assert set(way.terms) <= set(terms.VERBATIM_TERMS), column
            assert set(way.columns) <= columns, column
            assert way.rule in rules.RULES, column


def test_every_flag_of_a_record_says_by_which_rule_it_is_found():
    assert set(CHECKS) == {name for name, flag in FLAGS.items() if flag.about not in (About.AREA, About.EVENT)}
