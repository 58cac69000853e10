"""What Latin epithets have in common and what keeps them apart: endings that vary, elements that carry a meaning."""

import re
from functools import lru_cache
from typing import Final

import polars as pl

# One word in its genders; a personal name in -ii or -i; the letters that a word must have. The first that fits counts.
_ENDINGS: Final = (
    (r"(?:us|a|um)$", "-A", 4),
    (r"(?:os|on)$", "-A", 7),
    (r"(?:is|e)$", "-B", 4),
    (r"i?orum$", "-orum", 7),
    (r"i?arum$", "-arum", 7),
    (r"ii?$", "-i", 4),
)

# Elements by which species of one genus are told apart: another element is another word, however near its letters.
BEGINNINGS: Final = (
    "albi", "atri", "atro", "auri", "bi", "brachy", "brevi", "chloro", "chryso", "crassi", "cyano", "erythro", "flavi",
    "fulvi", "grandi", "griseo", "hetero", "homo", "hyper", "hypo", "infra", "inter", "intra", "lati", "lepto", "leuco",
    "longi", "macro", "magni", "mega", "melano", "micro", "multi", "nigri", "novem", "octo", "pachy", "para", "parvi",
    "pauci", "platy", "pluri", "poly", "post", "prae", "pseudo", "quadri", "quinque", "rufi", "semi", "septem", "sex",
    "sub", "super", "supra", "tenui", "tri", "uni", "xantho",
)  # fmt: skip
ENDINGS: Final = (
    "cauda", "caudata", "caudatus", "caudus", "ceps", "cephala", "cephalus", "collis", "color", "cornis", "costatus",
    "dactylus", "dens", "dorsalis", "flora", "florus", "folia", "folius", "folium", "formis", "frons", "gaster",
    "gastra", "gula", "gularis", "loba", "lobus", "maculatus", "maculata", "nervis", "notatus", "notus", "nucha",
    "oides", "oideus", "otis", "ops", "pennis", "pes", "phylla", "phyllus", "phyllum", "pleura", "pleurus", "poda",
    "ptera", "pterus", "punctata", "punctatus", "pus", "rostris", "spina", "spinus", "stachys", "striata", "striatus",
    "sulcatus", "venter", "ventris", "vittatus",
)  # fmt: skip

# The longest of them that leaves a letter of the word.
_BEGINNING: Final = re.compile("^(?:" + "|".join(sorted(BEGINNINGS, key=len, reverse=True)) + ")(?=.)")
_ENDING: Final = re.compile("(?<=.)(?:" + "|".join(ENDINGS) + ")$")


def gender_key(epithet: pl.Expr) -> pl.Expr:
    """Return an epithet in one form for all of its genders (`alba`, `albus`, `album`) and for -ii and -i."""
    fits = [epithet.str.contains(pattern) & (epithet.str.len_chars() >= least) for pattern, _, least in _ENDINGS]
    changed = [epithet.str.replace(pattern, ending) for pattern, ending, _ in _ENDINGS]
    first = [pl.when(fit).then(key) for fit, key in zip(fits, changed, strict=True)]
    return pl.coalesce(*first, epithet)


@lru_cache(maxsize=1 << 16)
def same_word(one: str, other: str) -> bool:
    """Tell whether two epithets of near letters can be spellings of one word.

    Parameters
    ----------
    one, other : str
        Epithets.

    Returns
    -------
    bool
        False where each begins or ends with another meaningful element (`unicolor`, `bicolor`; `ruficeps`,
        `rufipes`).
    """
    pairs = ((_element(pattern, one), _element(pattern, other)) for pattern in (_BEGINNING, _ENDING))
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


def _element(pattern: re.Pattern[str], word: str) -> str | None:
    """Return the longest element that a word begins or ends with."""
    match = pattern.search(word)
    return match[0] if match else None
