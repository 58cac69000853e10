"""Where taxa live, as far as bundled lists say: mammals by country, groups of other continents, groups of the sea and its coast."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NamedTuple

import polars as pl

from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.tables import read_rows

COUNTRIES: Final = frozenset("BN CN ID KH LA MM MY PH SG TH TL VN".split())
"""The countries that the lists know."""


class Range(NamedTuple):
    """Where a taxon lives: in which of `COUNTRIES`, all of them where no list says; whether only by the sea."""

    countries: frozenset[str]
    coast: bool


def ranges(names: Iterable[str]) -> dict[str, Range]:
    """Return where the taxa of canonical names live, of those that the reference list has."""
    found: dict[str, Range] = {}
    taxa = reference_list().look_up(pl.Series([*names], dtype=pl.String))
    for name, accepted, *above in taxa.select("name", "accepted", *CLASSIFICATION).iter_rows():
        groups = {group for group in above if group}
        countries = _mammals().get(accepted, _mammals().get(name, COUNTRIES))
        coast = any(not _groups()["coast"][one] & groups for one in groups & _groups()["coast"].keys())
        lives = Range(frozenset() if groups & _groups()["elsewhere"].keys() else countries, coast)
        other = found.get(name, lives)  # the same name of another kingdom
        found[name] = Range(lives.countries | other.countries, lives.coast and other.coast)
    return found


@cache
def _mammals() -> Mapping[str, frozenset[str]]:
    return {row["name"]: frozenset(row["countries"].split()) for row in read_rows("mammal_countries.csv")}


@cache
def _groups() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return groups by where they live, each with the genera that are an exception."""
    found: dict[str, dict[str, frozenset[str]]] = {"elsewhere": {}, "coast": {}}
    for row in read_rows("groups_elsewhere.csv"):
        found[row["where"]][row["name"]] = frozenset(row["except_genera"].split("|")) - {""}
    for row in read_rows("taxon_elements.csv"):
        if row["element"] == "sea":
            found["coast"][row["name"]] = frozenset(row["except_genera"].split("|")) - {""}
    return found
