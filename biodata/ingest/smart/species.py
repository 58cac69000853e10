"""What a species' key means: what a data model or a list of the project says, and nothing else.

A key such as `harpy-eagle` is never turned into a scientific name by guessing: where neither tells one, the key stays
what it is, a common name.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.core.errors import InputError
from biodata.formats import delimited
from biodata.formats.xml import listen
from biodata.ingest.tables import Part
from biodata.text.scientific_names import genera
from biodata.text.tables import read_rows

# What of a patrol may come in: lists of what is known to be about wildlife; all else stays out.
#
# A block-list would let in the first category that nobody thought of. So a category comes in only where *every* word of its
# key is on the list, and at least one of them names a group of wildlife; an attribute only where its key is one of a few; a
# value only where it is a number, a word of a vocabulary, or a key of the data model.

_MAX_CATEGORY_LETTERS: Final = 200
_REMEMBERED: Final = 5_000
_OF_SPECIES: Final = re.compile(r"[a-z]+(?:[a-z0-9_\-]*[a-z])?\d{0,3}(?:_rl\d{1,9}|_rl)?")
"""A segment of a key that SMART makes: small Latin letters; figures only as the Red List's number, or few."""


class Attribute(StrEnum):
    """The attributes of an observation that come in."""

    SPECIES = "species"
    COUNT = "count"
    SEX = "sex"
    AGE = "age"


@cache
def _words(kind: str) -> frozenset[str]:
    """Return the words of a kind, in the form in which they are compared."""
    rows = [row for row in read_rows("patrol_words.csv") if row["kind"] == kind]
    return frozenset(_joined(word) for row in rows for word in row["words"].split("|"))


def _plain(text: str) -> str:
    """Return a text small and without Latin accents."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")).replace(
        "đ", "d"
    )


def _joined(text: str) -> str:
    """Return a text's letters and figures, without what separates them."""
    # Vowels of Thai, Lao, Khmer and Burmese are no word characters to `re`.
    return "".join(c for c in _plain(text) if unicodedata.category(c)[0] in "LMN")


def _parts(key: str) -> list[str]:
    """Return the words of a key as its separators cut it."""
    marked = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in _plain(key))
    return marked.split()


def category_is_wildlife(key: str, also: frozenset[str] = frozenset()) -> bool:
    """Tell whether a category is known to be one of wildlife.

    Parameters
    ----------
    key : str
        As SMART writes it, such as `animals.liveanimals.` or `wildlife-bird`.
    also : frozenset of str
        What `declared_categories` returned.
    """
    if not 0 < len(key) <= _MAX_CATEGORY_LETTERS:
        return False
    return _is_wildlife(key) or (bool(also) and _joined(key) in also)


@lru_cache(maxsize=_REMEMBERED)
def _is_wildlife(key: str) -> bool:
    """Tell whether every word of a category is on the list, and one of them names a group."""
    parts = _parts(key)
    if parts and all(_made_of(part) for part in parts):
        return any(_made_of(part, group=True) for part in parts)
    return _made_of(_joined(key), group=True)  # a word of Vietnamese may be written in several


@lru_cache(maxsize=_REMEMBERED)
def is_of_signs(key: str) -> bool:
    """Tell whether a category that is wildlife's is about signs: dung, tracks, nests."""
    joined = _joined(key)
    return any(word in joined for word in _words("sign") if len(word) > 2 or not word.isascii())


def declared_categories(text: str) -> frozenset[str]:
    """Return the categories that a person declares to be wildlife's, joined by `|`.

    Raises
    ------
    InputError
        If one has a word of law enforcement or people (OPTION_UNFIT): those never come in, whoever asks.
    """
    keys = [key for key in text.split("|") if _joined(key)]
    for number, key in enumerate(keys, 1):
        joined = _joined(key)
        if any(
            word in joined if len(word) > 4 or not word.isascii() else word in _parts(key) for word in _words("never")
        ):
            problem = f"category {number} has a word of law enforcement or of people, which never come in"
            raise InputError(problem, column="categories", expected="categories of wildlife", code="OPTION_UNFIT")
    return frozenset(map(_joined, keys))


def attribute_of(key: str) -> Attribute | None:
    """Return which of the attributes that come in a key names; None for all others."""
    return _attribute_of(key[:_MAX_CATEGORY_LETTERS])


@lru_cache(maxsize=_REMEMBERED)
def _attribute_of(key: str) -> Attribute | None:
    return _attributes().get(_joined(key))


@cache
def _attributes() -> Mapping[str, Attribute]:
    return MappingProxyType({word: kind for kind in Attribute for word in _words(kind.value)})


def is_on_foot(transport: str) -> bool:
    """Tell whether a way of going is surely on foot."""
    return _joined(transport[:_MAX_CATEGORY_LETTERS]) in _words("foot")


def species_key(text: str) -> str | None:
    """Return a key of a species without the dot behind it; None where it is not as SMART makes keys.

    A person's name has capitals and spaces, a number of a telephone or a card has more figures.
    """
    key = text.strip().strip(".")
    if not 0 < len(key) <= _MAX_CATEGORY_LETTERS or not all(_OF_SPECIES.fullmatch(part) for part in key.split(".")):
        return None
    return key


def _made_of(part: str, *, group: bool = False) -> bool:
    """Tell whether a word is put together from words of the list; with `group`, one of them names a group."""
    part = part.rstrip("0123456789")
    every = _words("group") | _words("about") | _words("sign")
    # How far the word can be read, without and with a group among what was read.
    reached: list[set[bool]] = [{False}, *(set() for _ in part)]
    for at in range(len(part)):
        for to in range(at + 1, len(part) + 1) if reached[at] else ():
            word = part[at:to]
            if word in every and (len(word) > 2 or len(word) == len(part) or not word.isascii()):
                reached[to] |= {seen or word in _words("group") for seen in reached[at]}
    return (True in reached[-1]) if group else bool(reached[-1])


_BINOMIAL: Final = re.compile(r"[A-Z][a-z]{2,} [a-z][a-z\-]{2,}(?: [a-z][a-z\-]{2,})?")
_PARTS: Final = re.compile(r"[()\[\]/|,;_]|\s[-\u2013]\s")
_NODES: Final = ("tree", "treeNode", "children", "values", "list", "listItem")
_MAX_LETTERS: Final = 300
_MAX_NAMES: Final = 500_000
_LATIN: Final = ("la", "sci", "latin")


class Species(NamedTuple):
    """What is known of a key.

    Attributes
    ----------
    scientific : str or None
        The scientific name.
    vernacular : str or None
        A name in a language.
    """

    scientific: str | None
    vernacular: str | None


class SpeciesNames:
    """What keys and texts of species mean.

    Parameters
    ----------
    datamodel : Part, optional
        SMART's data model (XML): keys with their names in languages; a name that is a genus that is known and an
        epithet, or has such in brackets, is the scientific name.
    species : Part, optional
        A CSV file with the headings `key` and `scientificName`, made by the project; it wins over the data model.

    Raises
    ------
    InputError
        If a file cannot be used.
    """

    def __init__(self, datamodel: Part | None, species: Part | None) -> None:
        self._known: Mapping[str, Species] = MappingProxyType({})
        if datamodel is not None:
            self._known = MappingProxyType(_of_model(datamodel))
        self._listed = MappingProxyType({} if species is None else _of_list(species))

    def of_key(self, key: str) -> Species | None:
        """Return what a key means; None where no file tells it."""
        whole = _folded(key)
        for text in (whole, whole.rpartition(".")[2]):
            if text in self._listed:
                return Species(self._listed[text], None)
            if text in self._known:
                return self._known[text]
        return None

    def of_text(self, text: str) -> Species | None:
        """Return what free text means: a listed one, a label of the data model, or a scientific name; else None."""
        folded = _folded(text)
        if folded in self._listed:
            return Species(self._listed[folded], None)
        label = self._known.get(f"label {folded}")
        scientific = scientific_name(text)
        return label or (Species(scientific, None) if scientific else None)


def scientific_name(label: str) -> str | None:
    """Return the one scientific name that a label is or holds; None where there is none, or more than one."""
    parts = [part.strip() for part in _PARTS.split(label[:_MAX_LETTERS])]
    found = {part for part in parts if _BINOMIAL.fullmatch(part) and part.split()[0] in genera()}
    return found.pop() if len(found) == 1 else None


def _folded(text: str) -> str:
    """Return a key or a text as it is compared."""
    return " ".join(text.strip().strip(".").casefold().split())


def is_data_model(part: Part) -> bool:
    """Tell whether XML is a data model, by its first element."""
    listener = _Model(part.file)
    with part.open() as stream:
        for _ in listen(stream, listener, file=part.file):
            break  # after the first block
    return listener.is_model


def _of_model(part: Part) -> dict[str, Species]:
    """Read the keys of a data model's species."""
    listener = _Model(part.file)
    with part.open() as stream:
        for _ in listen(stream, listener, file=part.file):
            pass
    if not listener.is_model:
        problem = "this is no data model of SMART"
        raise InputError(problem, file=part.file, expected="the XML that SMART exports", code="DATAMODEL_INVALID")
    found: dict[str, Species] = {}
    meant = defaultdict(set)
    for key, labels in listener.labels.items():
        latin = {labels[tag].strip() for tag in _LATIN if tag in labels} or {
            name for name in map(scientific_name, labels.values()) if name
        }
        spoken = labels.get("en") or next(iter(labels.values()), None)
        found[key] = Species(latin.pop() if len(latin) == 1 else None, spoken)
        meant[key.rpartition(".")[2]].add(found[key])
        for label in labels.values():
            meant[f"label {_folded(label)}"].add(found[key])
    # The end of a key, or a label, stands for it where it means one thing.
    return {text: ones.copy().pop() for text, ones in meant.items() if len(ones) == 1} | found


class _Model:
    """Hears a data model; keeps the labels of its species."""

    def __init__(self, file: str) -> None:
        self.file, self.is_model, self.labels = file, False, dict[str, dict[str, str]]()
        self._inside: list[str] = []
        self._path: list[str] = []
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._inside:
            self.is_model = name in ("DataModel", "ConfigurableModel")
        self._inside.append(name)
        if name == "attribute" and attribute_of(attributes.get("key", "")) is Attribute.SPECIES:
            self._path = [""]
        elif self._path and name in _NODES:
            self._path.append(attributes.get("key", "")[:_MAX_LETTERS])
        elif len(self._path) > 1 and name in ("names", "name") and attributes.get("value"):
            self._count += 1
            if self._count > _MAX_NAMES:
                problem = "the data model has too many names"
                raise InputError(problem, file=self.file, expected=f"at most {_MAX_NAMES:,}", code="INPUT_TOO_LARGE")
            key = _folded(".".join(part.strip(".") for part in self._path[1:] if part))
            told = self.labels.setdefault(key, {})
            told.setdefault(attributes.get("language_code", ""), attributes["value"][:_MAX_LETTERS])

    def end(self, name: str) -> None:
        self._inside.pop()
        if name == "attribute":
            self._path = []
        elif self._path and name in _NODES:
            self._path.pop()

    def data(self, text: str) -> None:
        pass


def _of_list(part: Part) -> dict[str, str]:
    """Read the project's list."""
    table = delimited.read(part.open, file=part.file)
    for heading in ("key", "scientificName"):
        if heading not in table.headings:
            problem = "a column is missing"
            raise InputError(problem, file=part.file, row=1, column=heading, code="HEADING_MISSING")
    rows = pl.concat([frame.select("key", "scientificName") for frame in table.batches]).drop_nulls()
    return {_folded(key): name.strip() for key, name in rows.iter_rows()}
