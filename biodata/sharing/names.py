"""What texts and names mean, by the reference list and the hand lists, and where taxa stand by every opinion that is known."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple, TypeVar

import orjson
import polars as pl

from biodata.text.name_text import Issue
from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.scientific_names import parse_names
from biodata.text.tables import read_rows
from biodata.text.vernaculars import folded

T = TypeVar("T", bound=Hashable)
GROUPS: Final = CLASSIFICATION[:5]
_BELOW_GENUS: Final = frozenset({"SPECIES", "SUBSPECIES", "VARIETY", "FORM"})
_MAY_JOIN: Final = r"(?:subsp|ssp|var)\. "
_NAME_AND_AUTHORS: Final = (
    rf"^([A-Z][a-z-]+(?: [a-z-]+(?: (?:{_MAY_JOIN})?[a-z-]{{3,}})?)?)"
    r"(?:,? [(\[]?(?:\p{Lu}[\p{L}'’.-]*|&|et|ex|in|f\.|fil\.|de|la|du|des|van|von|den|der|1[789]\d\d|20\d\d)[)\],.]*)*$"
)
"""Genus and epithets, and behind them nothing but people, years and what joins them."""
_DOUBTS: Final = [str(issue.value) for issue in (Issue.UNDETERMINED, Issue.PARTLY_READ, Issue.HYBRID_FORMULA)]
CommonNames = Mapping[str, frozenset[str]]
"""The scientific names of the taxa that common names mean, small, without hyphens, Latin letters without marks."""
Lineage = Mapping[str, frozenset[str]]
"""What a taxon is and may have above it, small, by rank; several names of a rank are opinions about one place."""


def canonical(texts: pl.Series) -> pl.DataFrame:
    """Return the canonical names of texts: `value`, `name` (null for what is no name), `doubted`, `plain`; of a hybrid several rows.

    What is plain stands so in the reference list, with nothing behind it but its authors; doubted is what is undetermined, read only in
    part, or a hybrid formula.

    Parameters
    ----------
    texts : polars.Series of str
    """
    text = pl.col("value").str.strip_chars()
    small = text.str.to_lowercase()
    # "panthera tigris" and "PANTHERA TIGRIS"; a single small word may be of any language.
    one_case = ((text == small) | (text == text.str.to_uppercase())) & text.str.contains(" ")
    table = texts.drop_nulls().unique().alias("value").to_frame()
    table = table.with_columns(
        text=pl.when(one_case).then(small.str.head(1).str.to_uppercase() + small.str.slice(1)).otherwise(text)
    )
    table = table.with_columns(name=pl.col("text").str.extract(_NAME_AND_AUTHORS).str.replace(_MAY_JOIN, ""))
    listed = reference_list().names.lazy().select("name")
    known = listed.filter(pl.col("name").is_in(table["name"].implode())).collect()["name"]
    table = table.with_columns(plain=pl.col("name").is_in(known.implode()).fill_null(value=False))
    plain, rest = table.filter("plain"), table.filter(~pl.col("plain"))
    parsed = rest.hstack(parse_names(rest["text"]).select("canonical", "canonical_full", "issues"))
    issues = pl.col("issues").list
    of_hybrid = pl.when(issues.contains(Issue.HYBRID_FORMULA.value)).then(pl.col("canonical_full").str.split(" × "))
    names = of_hybrid.when(~issues.contains(Issue.PARSERS_DISAGREE.value)).then(pl.concat_list("canonical"))
    doubted = issues.set_intersection(pl.lit(_DOUBTS)).list.len() > 0
    read = parsed.select("value", name=names, doubted=doubted, plain="plain").explode("name")
    return pl.concat([plain.select("value", "name", doubted=pl.lit(value=False), plain="plain"), read])


class Reading(NamedTuple):
    """A taxon that a name means; `keys` are its own and those of what is above it, the highest first."""

    accepted: str
    rank: str
    keys: tuple[str, ...]
    groups: Mapping[str, str]

    @property
    def low(self) -> bool:
        """True for a genus or what is below it."""
        return self.rank in _BELOW_GENUS or "genus" in self.groups


Readings = Mapping[str, Sequence[Reading]]


def looked_up(names: Iterable[str]) -> Readings:
    """Return the taxa that canonical names mean by the reference list; nothing for names that are not known."""
    found: dict[str, list[Reading]] = defaultdict(list)
    table = reference_list().look_up(pl.Series(list(set(names)), dtype=pl.String))
    groups = pl.concat_str(pl.col(CLASSIFICATION).fill_null(""), separator="|")
    for name, accepted, rank, above in table.select("name", "accepted", "rank", groups).iter_rows():
        named, keys = _above(above)
        if rank in _BELOW_GENUS:
            kingdom, species = named.get("kingdom"), " ".join(accepted.split()[:2])
            keys = (*keys, f"{kingdom}|species|{species}", f"{kingdom}|species|{accepted}")
        if keys:
            found[name].append(Reading(accepted, rank, keys, named))
    return found


@lru_cache(maxsize=100_000)
def _above(groups: str) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return a classification by rank, and its keys, which distinguish groups of one name in two kingdoms."""
    named = {rank: group for rank, group in zip(CLASSIFICATION, groups.split("|"), strict=True) if group}
    return named, tuple(f"{named.get('kingdom')}|{rank}|{group}" for rank, group in named.items())


def _gathered(pairs: Iterable[tuple[str, T]]) -> dict[str, frozenset[T]]:
    found = defaultdict[str, set[T]](set)
    for name, meant in pairs:
        found[name].add(meant)
    return {name: frozenset(meant) for name, meant in found.items()}


@cache
def _by_hand() -> Mapping[str, frozenset[str]]:
    rows = read_rows("synonyms_of_listed.csv")
    return _gathered((row["synonym"].casefold(), row["scientificName"]) for row in rows)


def meant_by_hand(name: str) -> Iterable[str]:
    """Return the listed taxa that a name is another name of."""
    return _by_hand().get(name.casefold(), ())


def old_names(name: str) -> list[str]:
    """Return the other names of a listed taxon, small, that were put together by hand."""
    return [small for small, meant in _by_hand().items() if name.casefold() in {one.casefold() for one in meant}]


@cache
def bundled_common_names() -> CommonNames:
    """Return the common names by hand (`data/vernacular_names.csv`), and the English ones that these lack."""
    table = pl.read_parquet((files("biodata") / "data" / "common_names.parquet").read_bytes())
    name = pl.col("name").str.to_lowercase().str.replace_all("-", " ")
    english = table.group_by(name).agg(pl.col("scientificName")).iter_rows()
    by_hand = ((_spoken(row["name"]), row["scientificName"]) for row in read_rows("vernacular_names.csv"))
    return {name: frozenset(taxa) for name, taxa in english} | _gathered(by_hand)


def _spoken(text: str) -> str:
    """Return a common name as they are compared."""
    return folded(text).replace("-", " ").replace("’", "'")


def meaning(text: str, names: CommonNames) -> frozenset[str]:
    """Return the taxa that a text means which is a common name, or an English plural of one, and nothing else."""
    plain = _spoken(text)
    ends = (("ies", "y"), ("es", ""), ("s", ""))
    forms = (plain, *(plain.removesuffix(end) + one for end, one in ends if plain.endswith(end)))
    return next((names[form] for form in forms if form in names), frozenset())


@dataclass(frozen=True, eq=False)
class Checklists:
    """The checklists of an installation, as `terms.TAXON`: synonyms and common names that tie a name to a taxon."""

    taxa: pl.DataFrame

    @classmethod
    def of(cls, taxa: pl.DataFrame) -> "Checklists | None":
        """Return checklists; None of none."""
        return cls(taxa) if taxa.height else None

    @cached_property
    def common(self) -> CommonNames:
        """The taxa that each common name means, the bundled ones among them."""
        described = self.taxa.drop_nulls(["vernacular_details", "scientificName"])
        rows = described.select("vernacular_details", "scientificName").iter_rows()
        entries = ((one["name"], taxon) for text, taxon in rows for one in orjson.loads(text))
        bundled, here = bundled_common_names(), _gathered((_spoken(name), taxon) for name, taxon in entries if name)
        return {**bundled, **{name: taxa | bundled.get(name, frozenset()) for name, taxa in here.items()}}

    @cached_property
    def _names(self) -> pl.DataFrame:
        """Every name, as it stands and small, with what stands for its taxon."""
        accepted = pl.when(pl.col("taxonomicStatus") == "SYNONYM").then("accepted_taxon_id").otherwise("taxon_id")
        rows = self.taxa.with_columns(taxon=pl.struct("checklist", accepted=pl.coalesce(accepted, "scientificName")))
        synonyms = rows.select("taxon", target="synonyms").explode("target")
        entries = [rows.select("taxon", target="scientificName"), synonyms]
        return pl.concat(entries).drop_nulls().with_columns(small=pl.col("target").str.to_lowercase()).unique()

    def ties(self, small: pl.Series) -> Mapping[str, Sequence[tuple[str, bool]]]:
        """Return what each of some names, small, is tied to; with True for a group that holds the taxon."""
        asked = small.unique().alias("small").to_frame()
        other = asked.join(self._names.select("small", "taxon"), on="small")
        other = other.join(self._names.select("taxon", "target", key="small"), on="taxon")
        groups = self.taxa.select(*CLASSIFICATION, key=pl.col("scientificName").str.to_lowercase())
        above = other.select("small", "key").join(groups, on="key")
        held = above.unpivot(CLASSIFICATION, index="small", value_name="target").drop_nulls()
        found = [one.select("small", "target", above=pl.lit(at)) for one, at in ((other, False), (held, True))]
        return pl.concat(found).unique().rows_by_key("small")


@cache
def _higher() -> Mapping[tuple[str, str], Sequence[Lineage]]:
    """Return where groups stand by every opinion that is known, by rank and small name."""
    table = pl.read_parquet((files("biodata") / "data" / "higher_taxa.parquet").read_bytes())
    found: dict[tuple[str, str], list[Lineage]] = defaultdict(list)
    for row in table.iter_rows(named=True):
        small = row["name"].casefold()
        above = {rank: frozenset(row[rank].casefold().split("|")) for rank in GROUPS[:4] if row[rank]}
        found[row["rank"], small].append({**above, row["rank"]: above.get(row["rank"], frozenset()) | {small}})
    return found


@cache
def _elsewhere() -> Mapping[str, frozenset[tuple[str, str]]]:
    """Return the groups in which older works have listed taxa or their families, by small name."""
    rows = read_rows("other_groups_of_listed.csv")
    return _gathered((row["scientificName"].casefold(), (row["rank"], row["other"].casefold())) for row in rows)


def with_opinions(groups: Mapping[str, str], name: str, ranks: Sequence[str] = GROUPS) -> Lineage:
    """Return where a taxon of the reference list stands, by every opinion that is known."""
    found = {rank: {group.casefold()} for rank, group in groups.items() if rank in ranks}
    lowest = next((rank for rank in reversed(GROUPS) if rank in found), "")
    for lineage in _higher().get((lowest, groups.get(lowest, "").casefold()), ()):
        for rank in found:
            found[rank] |= lineage.get(rank, frozenset())
    for one in {name.casefold(), *(group.casefold() for group in groups.values())}:
        for rank, other in _elsewhere().get(one, ()):
            if rank in found:
                found[rank].add(other)
    return {rank: frozenset(names) for rank, names in found.items()}


@lru_cache(maxsize=4096)
def lineages(name: str) -> tuple[Lineage, ...]:
    """Return where a genus or a group may stand, by every opinion that is known; nothing for a name that is not known."""
    return tuple(with_opinions(one.groups, name, CLASSIFICATION) for one in looked_up([name]).get(name, ()))


def stands(rank: str, name: str, found: Iterable[Reading]) -> Sequence[Lineage]:
    """Return where a stated group may stand; nothing of a genus, or of a group that no list has. Kingdoms, phyla and classes are those of the list of higher taxa, which has them all."""
    known = _higher().get((rank, name.casefold()), ())
    if not known and rank not in ("order", "family"):
        return []
    by_list = [with_opinions(one.groups, name) for one in found]
    return [*known, *({**one, rank: one.get(rank, frozenset()) | {name.casefold()}} for one in by_list)]


def may_be(one: Sequence[Lineage], other: Sequence[Lineage]) -> bool:
    """Tell whether two taxa can lie in one another: by some reading, no rank that both have keeps them apart; not where one is not known."""
    return any(all(a[rank] & b[rank] for rank in a.keys() & b.keys()) for a in one for b in other)
