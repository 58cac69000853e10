"""Whether a word looks like part of a scientific name: by its letters in threes, and by its ending.

A vernacular of any language can stand where a name is expected, and two words of it look like a genus and an epithet.
"""

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import Final

from biodata.sharing.readings import common_words, latin_words
from biodata.sharing.taxonomy import Taxonomy, bundled

_ENDINGS_OF_GENERA: Final = tuple(
    "us ia is la es um ra na ma on ea ta er as ys ha sa ps ca da ya ne ax oa os pa ga ix yx".split()
)
"""Each ends more than one genus in 250."""
_ENDINGS_OF_EPITHETS: Final = tuple("us um a is e i ae ens ans er es or os on ps ax ex ix yx ys as ar".split())
_SURE_ENDINGS: Final = tuple(
    """
    ensis ense iensis ii iae ianus iana ianum oides oideus oidea oideum ifolius ifolia ifolium iflorus iflora iflorum
    atus atum osus osum icus icum inus inum anus anum eus eum ius ium alis aris ilis ivus ivum orum arum issimus issima
    issimum escens ascens ellus ellum ulus ulum cola fera ferus ferum ceps pes carpus carpa carpum spermus sperma spermum florus flora florum cephalus cephala cephalum nervis nervia phyllus phylla
    phyllum anthus antha anthum ropus soma noides opsis odes ides
    """.split()
)
"""Endings of epithets that hardly any other language has."""
_SEVERAL: Final = 3
_LEAST: Final = 4
"""Letters of a word that is looked at: shorter ones are of any language."""
_YEAR: Final = re.compile(r"^(?:1[789]|20)\d\d$")
_PERSON: Final = re.compile(r"^(?:[dDO]['’])?[A-Z][\w'’.-]*$")
_BETWEEN: Final = frozenset("& et and ex in f. fil. bis al. de van von den der da di le la du dos".split())
_NAME: Final = re.compile(
    r"^[A-Z][a-z-]+(?: \([A-Z][a-z]+\))? [a-z-]{3,}(?: (?:(?:subsp|ssp|var|f|subvar|forma)\. )?[a-z-]{3,})?(?: (?P<author>\S.*))?$"
)
_LONGEST: Final = 300
"""Letters of a text that is looked at."""


def is_surely_a_name(text: str, taxonomy: Taxonomy) -> bool:
    """Tell whether a text is surely a species' scientific name, though nobody knows its genus.

    Parameters
    ----------
    text : str
    taxonomy : Taxonomy
        Its common names: a text with a word of one is none.

    Notes
    -----
    It is written as a name, its words look Latin, and either an authorship follows or its epithet has an ending that
    other languages do not have. `Owa jawa`, `Tortuga asiatica` and `Macan dahan` are common names of listed species.
    """
    if _author_of(text) is None:
        return False
    words = [word.lower() for word in latin_words(text)]
    if len(words) < 2 or set(words) & common_words(taxonomy) or not like_a_genus(words[0]):
        return False
    epithet = words[1]
    ending = epithet.endswith(_SURE_ENDINGS)
    return surely_an_epithet(epithet) or (tells_its_author(text) and (ending or like_an_epithet(epithet)))


def tells_its_author(text: str) -> bool:
    """Tell whether a text that is written as a name has an authorship that no other text would have.

    One without a year or brackets must have a point, or `&`: `Blume` alone could be a village.
    """
    author = _author_of(text) or ""
    return any(mark in author for mark in ("(", ".", "&", " ex ", " et ")) or any(map(_YEAR.match, _pieces(author)))


def _author_of(text: str) -> str | None:
    """Return the authorship of a text that is written as a name, empty where it has none; None for another text."""
    found = None if len(text) > _LONGEST else _NAME.match(_plain(text))
    if found is None:
        return None
    author = found["author"] or ""
    fits = all(p in _BETWEEN or _PERSON.match(p) or _YEAR.match(p) for p in _pieces(author))
    return author if fits and (not author or any(map(_PERSON.match, _pieces(author)))) else None


def _pieces(author: str) -> list[str]:
    """Return the people, years and small words of an authorship."""
    return [piece for piece in re.split(r"[\s(),\[\]]+", author) if piece]


def like_a_genus(word: str) -> bool:
    """Tell whether a word, small, could be a genus by its letters."""
    return len(word) >= _LEAST and word.endswith(_ENDINGS_OF_GENERA) and _usual(word)


def like_an_epithet(word: str) -> bool:
    """Tell whether a word, small, could be an epithet by its letters."""
    return len(word) >= _LEAST and word.endswith(_ENDINGS_OF_EPITHETS) and _usual(word)


def surely_an_epithet(word: str) -> bool:
    """Tell whether a word, small, is an epithet by its ending: hardly any language has such words."""
    return len(word) >= _LEAST + 2 and word.endswith(_SURE_ENDINGS) and _usual(word)


def _plain(text: str) -> str:
    """Return a text without marks on letters, its blanks single."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def _usual(word: str) -> bool:
    """Tell whether every three letters of a word stand in several genera."""
    known = _threes()
    return all(known[three] >= _SEVERAL for three in _parts(word))


def _parts(word: str) -> list[str]:
    return [word[at : at + 3] for at in range(len(word) - 2)]


@cache
def _threes() -> Counter[str]:
    return Counter(three for genus in bundled().parents for three in set(_parts(genus)))
