"""Makes the table of the countries that mammals live in, of those that a survey's check knows.

Usage: python sample_data/recipe/bundled/make_mammal_countries.py MATRIX GRIIS MDD

MATRIX is `v2_country_matrix.txt` of github.com/mammaldiversity/MDDv2_ms, commit c38b969 (MIT; Mammal Diversity Database 2.0), MDD is
`MDD_v1.2_6485species.csv` there, GRIIS is `griis_combined.csv` of github.com/jhnwllr/griis-compendium, commit 9591105 (CC BY 4.0).
What is domestic, introduced or without any country is left out; a doubted presence counts as one. Species are split anew each year:
one that lives in any of the countries may stand under its name in all that its genus lives in.
"""

import sys
from pathlib import Path
from typing import Final

import polars as pl

OUT: Final = Path(__file__).parents[3] / "biodata" / "data" / "mammal_countries.csv"
COUNTRIES: Final = {
    "Brunei": "BN", "China": "CN", "Indonesia": "ID", "Cambodia": "KH", "Laos": "LA", "Myanmar": "MM", "Malaysia": "MY",
    "Philippines": "PH", "Singapore": "SG", "Thailand": "TH", "East Timor": "TL", "Vietnam": "VN",
}  # fmt: skip


def main(matrix: Path, griis: Path, mdd: Path) -> None:
    """Write the table."""
    introduced = pl.read_csv(griis, infer_schema_length=0)["scientificName"].str.extract(r"^(\S+ \S+)").unique()
    domestic = (
        pl.read_csv(mdd, infer_schema_length=0).filter(pl.col("domestic") == "1")["sciName"].str.replace("_", " ")
    )
    every = pl.read_csv(matrix, infer_schema_length=0)
    there = every.with_columns(pl.exclude("species").fill_null("0") != "0")
    known = there.filter(pl.any_horizontal(pl.exclude("species"))).with_columns(pl.col("species").str.replace("_", " "))
    genus = pl.col("species").str.extract(r"^(\S+)")
    of_genus = [pl.when(pl.col(name).any().over(genus)).then(pl.lit(code)) for name, code in COUNTRIES.items()]
    lives = pl.any_horizontal(*COUNTRIES)
    countries = pl.when(lives).then(pl.concat_str(of_genus, separator=" ", ignore_nulls=True)).otherwise(pl.lit(""))
    table = known.select(name="species", countries=countries).sort("name")
    table.filter(~pl.col("name").is_in([*introduced, *domestic])).write_csv(OUT, quote_style="never")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
