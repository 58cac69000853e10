"""What a text says of a taxon: a species, a genus, a taxon above it, or nothing that can be read."""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final

import polars as pl
from rapidfuzz.distance import OSA

from biodata.matching.latin import gender_key
from biodata.matching.vernaculars import folded
from biodata.sharing.taxonomy import Taxonomy

# Letters of other scripts that look like Latin ones would otherwise hide a name.
_LOOK_ALIKE: Final = str.maketrans("аеорсухіѕјԁһӏαορАЕОРСХІЅЈНМТВК", "aeopcyxisjdhlaopAEOPCXISJHMTBK")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z-]*")
_NO_EPITHET: Final = frozenset(
    "cf aff nr sp spp spec species ssp subsp var f fo forma subvar agg gr group x indet det ex et de von van the nov n"
    " gen cff prope and or vel unsure maybe uncertain unknown doubtful possible possibly probable probably perhaps"
    " unidentified undetermined unconfirmed likely seen heard sighting adult juvenile male female young".split()
)
# Ways to write one sound, so that Elefas is Elephas.
_SOUNDS: Final = (
    (re.compile(r"ph"), "f"), (re.compile(r"th"), "t"), (re.compile(r"rh"), "r"), (re.compile(r"ch|ck|k|q"), "c"),
    (re.compile(r"ae|oe"), "e"), (re.compile(r"y|j"), "i"), (re.compile(r"w"), "v"), (re.compile(r"z"), "s"),
    (re.compile(r"(.)\1+"), r"\1"),
)  # fmt: skip
_SHORT: Final = 3
"""Letters of an abbreviated epithet; two spellings that begin with as many can be one word inside a genus."""


class Kind(Enum):
    """How far down a text says what it is."""

    SPECIES = "species"
    GENUS = "genus"
    HIGHER = "a taxon above genus"
    ABBREVIATED = "a species of a genus of which one letter is told"
    NOTHING = "nothing that can be read"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says of a taxon.

    Attributes
    ----------
    kind : Kind
    words : tuple of str
        Its Latin words, small; a genus of one letter is one of them.
    epithets : tuple of str
        Those after the first that are surely epithets, not authors.
    """

    kind: Kind
    words: tuple[str, ...]
    epithets: tuple[str, ...] = ()


def read(text: str, taxonomy: Taxonomy) -> Reading:
    """Read a name.

    Parameters
    ----------
    text : str
        A scientific name with or without authorship, qualifiers and signs; or anything else.
    taxonomy : Taxonomy
        Which names are known: a genus that is not might be a word of any language.
    """
    words = latin_words(text)
    if not words:
        return Reading(Kind.NOTHING, ())
    capitals = all(word.isupper() for word in words)
    small = tuple(word.lower() for word in words)
    epithets = []
    for word in words[1:3]:
        if not (capitals or word.islower()) or len(word) < _SHORT:
            break
        epithets.append(word.lower())
    if len(small[0]) == 1:
        return Reading(Kind.ABBREVIATED if epithets else Kind.NOTHING, small, tuple(epithets))
    if taxonomy.is_genus(small[0]):
        # "Argus pheasant" begins with a genus and is none of its species.
        spoken = len(words) > 1 and folded(text) in taxonomy.vernaculars
        common = [word for word in small[1:3] if word in common_words(taxonomy)]
        if spoken or common:
            # "Muntiacus muntjac" is a Muntiacus all the same: both words say so.
            agree = not spoken and words[0][:1].isupper() and all(_holds(word, small[0], taxonomy) for word in common)
            return Reading(Kind.GENUS if agree else Kind.NOTHING, small)
        return Reading(Kind.SPECIES if epithets else Kind.GENUS, small, tuple(epithets))
    if taxonomy.of(small[0]):
        return Reading(Kind.HIGHER, small)
    return Reading(Kind.NOTHING, small, tuple(epithets))


def _holds(common: str, genus: str, taxonomy: Taxonomy) -> bool:
    """Tell whether whatever a common name means is the genus, stands in it, or holds it."""
    taxa = [taxon.casefold() for taxon in taxonomy.vernaculars.get(common, ())]
    above = frozenset[str]().union(*(names for lineage in taxonomy.of(genus) for names in lineage.values()))
    return bool(taxa) and all(taxon in above or taxon.split()[0] == genus for taxon in taxa)


def latin_words(text: str) -> list[str]:
    """Return the Latin words of a text as they are written; qualifiers, brackets and marks on letters go."""
    plain = unicodedata.normalize("NFKC", text).replace("_", " ").replace("\u200b", "").replace("\ufeff", "")
    plain = re.sub(r"\([^)]*\)", " ", plain).translate(_LOOK_ALIKE)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return [word for word in _WORD.findall(plain) if word.lower() not in _NO_EPITHET]


def common_words(taxonomy: Taxonomy) -> frozenset[str]:
    """Return the words of common names in Latin letters: none of them is an epithet."""
    found = _COMMON.get(id(taxonomy.vernaculars))
    if found is None or found[0] is not taxonomy.vernaculars:
        words = {word for name in taxonomy.vernaculars for word in _WORD.findall(name) if len(word) > _SHORT}
        found = _COMMON[id(taxonomy.vernaculars)] = (taxonomy.vernaculars, frozenset(words))
    return found[1]


_COMMON: dict[int, tuple[object, frozenset[str]]] = {}


def sounds(words: list[str]) -> list[str]:
    """Return each word as it sounds: one form for spellings of one sound, and for the genders of an epithet."""
    keys = pl.Series(words, dtype=pl.String).to_frame("word").select(gender_key(pl.col("word"))).to_series()
    return [_as_spoken(key) for key in keys]


def _as_spoken(word: str) -> str:
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


def near(one: str, other: str, *, more: int = 0) -> bool:
    """Tell whether two words are so near in their letters that one can be a slip for the other.

    Parameters
    ----------
    one, other : str
        Small letters.
    more : int
        Slips that are allowed beyond what the words' length allows.
    """
    length = max(len(one), len(other))
    allowed = (0 if length < 4 else 1 if length < 8 else 2 if length < 12 else 3) + more
    return OSA.distance(one, other, score_cutoff=allowed) <= allowed
