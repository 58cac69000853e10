"""What a species' key means: what a data model or a list of the project says, and nothing else.

A key such as `harpy-eagle` is never turned into a scientific name by guessing: where neither tells one, the key stays
what it is, a common name.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.errors import InputError
from biodata.formats import delimited
from biodata.formats.xml import listen
from biodata.ingest.several_files import Part
from biodata.ingest.smart.allowed import Attribute, attribute_of
from biodata.text.scientific_names import genera

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
