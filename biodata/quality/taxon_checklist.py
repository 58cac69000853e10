"""A name and a loaded checklist: which of its taxa the name can mean."""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from biodata.quality.taxon_authority import RANKS, Same


@dataclass(frozen=True)
class Taxon:
    """A taxon of a checklist: its identifier as a response writes it, its name, and what stands above it by rank."""

    identifier: str
    name: str
    authorship: str | None
    rank: str | None
    above: Mapping[str, str]

    @property
    def full_name(self) -> str:
        """The name with its authorship."""
        return f"{self.name} {self.authorship}" if self.authorship else self.name


class Names:
    """The taxa of a checklist by name and by identifier.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        self.by_name: dict[str, list[Taxon]] = defaultdict(list)
        self.by_identifier: dict[str, Taxon] = {}
        self.by_gbif_key: dict[int, Taxon] = {}
        columns = ("taxon_id", "scientificName", "scientificNameAuthorship", "taxonRank", "gbif_key", *RANKS)
        for told, name, authorship, rank, key, *higher in taxa.select(columns).iter_rows():
            if name is None:
                continue
            above = {level: value for level, value in zip(RANKS, higher, strict=True) if value is not None}
            taxon = Taxon(f"gbif:{key}" if key is not None else told, name, authorship, rank, above)
            self.by_name[name].append(taxon)
            self.by_identifier[told] = taxon
            if key is not None:
                self.by_gbif_key[key] = taxon

    def matching(self, name: str, authorship: str | None, told: Mapping[str, str]) -> list[Taxon]:
        """Return the taxa that a name means, told apart by authorship and by what the record tells above it.

        Parameters
        ----------
        name : str
            The name without authorship.
        authorship : str, optional
            Its authorship.
        told : mapping of rank to name
            Higher ranks of the record.
        """
        taxa = self.by_name.get(name, [])
        if authorship:
            taxa = [t for t in taxa if t.authorship is None or same_authors(t.authorship, authorship)]
        if len(taxa) > 1:
            taxa = [t for t in taxa if all(t.above.get(rank, value) == value for rank, value in told.items())] or taxa
        return taxa


def names_of(checklist: pl.DataFrame) -> Names:
    """Return the names of a checklist, made once for each."""
    return _names(Same(checklist))


@lru_cache(maxsize=2)
def _names(same: Same) -> Names:
    return Names(same.frame)


def names_among(checklist: pl.DataFrame, wanted: pl.Series) -> Names:
    """Return the names of a checklist that are wanted."""
    return Names(checklist.filter(pl.col("scientificName").is_in(wanted.implode())))


def first_taxa(checklist: pl.DataFrame) -> pl.DataFrame:
    """Return the first taxon of each name of a checklist, found once for each.

    Returns
    -------
    polars.DataFrame
        `canonical`, the name; `alone`, whether no other taxon has it; `listed_identifier`; `listed_authors`, its
        `author_words`.
    """
    return _first_taxa(Same(checklist))


@lru_cache(maxsize=2)
def _first_taxa(same: Same) -> pl.DataFrame:
    taxa = same.frame.select(
        canonical="scientificName",
        alone=pl.col("scientificName").is_unique(),
        listed_identifier=pl.coalesce(pl.concat_str(pl.lit("gbif:"), pl.col("gbif_key")), "taxon_id"),
        listed_authors=author_words(pl.col("scientificNameAuthorship")),
    )
    return taxa.drop_nulls("canonical").unique("canonical", keep="first")


def author_words(authorship: pl.Expr) -> pl.Expr:
    """Return an authorship without its signs: where these words are equal, `same_authors` finds the authors the same."""
    return authorship.str.replace_all(r"[ ,.()&]+", " ").str.strip_chars(" ")


@lru_cache(maxsize=1 << 16)
def same_authors(one: str, other: str) -> bool:
    """Tell whether two authorships can be one: initials, brackets and a missing year do not count, a year does.

    Parameters
    ----------
    one, other : str
        As `(Lamarck, 1822)`, `(Lam., 1822)`, `(Lamarck)`.
    """
    (words, years), (other_words, other_years) = _authors(one), _authors(other)
    if years and other_years and not years & other_years:
        return False
    if not words or not other_words:
        return True
    return words[0].startswith(other_words[0]) or other_words[0].startswith(words[0])


@lru_cache(maxsize=1 << 16)
def _authors(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the authors' names in small letters and the years."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    words = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split()
    years = frozenset(word for word in words if word.isdigit() and len(word) == 4)
    names = (word for word in words if word not in years and len(word) > 1 and word not in {"ex", "in", "et"})
    return tuple(names), years
