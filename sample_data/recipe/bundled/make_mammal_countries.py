"""Makes the table of the countries that mammals live in, of those that a survey's check knows.

Usage: python sample_data/recipe/bundled/make_mammal_countries.py MATRIX GRIIS

GRIIS is `griis_combined.csv` of github.com/jhnwllr/griis-compendium, commit 9591105 (CC BY 4.0): what it lists goes where people go, and is
left out. MATRIX is `v2_country_matrix.txt` of github.com/mammaldiversity/MDDv2_ms, commit c38b969 (MIT; Mammal Diversity Database 2.0).
A species without any country there (domestic ones) is left out; a doubted presence counts as one. Bats, rodents and shrews are
split anew each year: one that lives in any of the countries may stand under its name in all of them.
"""

import sys
from pathlib import Path
from typing import Final

import polars as pl

from biodata.text.reference_list import reference_list

OUT: Final = Path(__file__).parents[3] / "biodata" / "data" / "mammal_countries.csv"
COUNTRIES: Final = {
    "Brunei": "BN", "China": "CN", "Indonesia": "ID", "Cambodia": "KH", "Laos": "LA", "Myanmar": "MM", "Malaysia": "MY",
    "Philippines": "PH", "Singapore": "SG", "Thailand": "TH", "East Timor": "TL", "Vietnam": "VN",
}  # fmt: skip
SPLIT: Final = ("Chiroptera", "Rodentia", "Eulipotyphla")


def main(matrix: Path, griis: Path) -> None:
    """Write the table."""
    introduced = pl.read_csv(griis, infer_schema_length=0)["scientificName"].str.extract(r"^(\S+ \S+)").unique()
    every = pl.read_csv(matrix, infer_schema_length=0)
    there = every.with_columns(pl.exclude("species").fill_null("0") != "0")
    known = there.filter(pl.any_horizontal(pl.exclude("species")))
    codes = [
        pl.when(pl.col(name)).then(pl.lit(code)) for name, code in sorted(COUNTRIES.items(), key=lambda one: one[1])
    ]
    countries = pl.concat_str(codes, separator=" ", ignore_nulls=True).alias("countries")
    named = known.select(pl.col("species").str.replace("_", " ").alias("name"), countries).sort("name")
    split = reference_list().look_up(named["name"]).filter(pl.col("order").is_in(SPLIT))["name"]
    wide = pl.col("name").is_in(split.to_list()) & (pl.col("countries") != "")
    table = named.with_columns(
        pl.when(wide).then(pl.lit(" ".join(sorted(COUNTRIES.values())))).otherwise("countries").alias("countries")
    )
    table.filter(~pl.col("name").is_in(introduced.to_list())).write_csv(OUT, quote_style="never")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
