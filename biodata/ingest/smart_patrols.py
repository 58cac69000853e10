"""A patrol's XML as it is read: only what is on the lists is ever looked at, and of that only values that can be no name."""

import hmac
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from hashlib import scrypt
from math import floor
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pyproj
import shapely

from biodata.core.errors import InputError
from biodata.formats import delimited
from biodata.formats.vectors import problem_of
from biodata.formats.xml import listen
from biodata.ingest.tables import Part
from biodata.text.scientific_names import genera
from biodata.text.tables import read_rows

# What a species' key means: what a data model or a list of the project says, and nothing else.
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
    """Return whether a category is known to be one of wildlife.

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
    """Return whether every word of a category is on the list, and one of them names a group."""
    parts = _parts(key)
    if parts and all(_made_of(part) for part in parts):
        return any(_made_of(part, group=True) for part in parts)
    return _made_of(_joined(key), group=True)  # a word of Vietnamese may be written in several


@lru_cache(maxsize=_REMEMBERED)
def is_of_signs(key: str) -> bool:
    """Return whether a category that is wildlife's is about signs: dung, tracks, nests."""
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
    """Return whether a way of going is surely on foot."""
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
    """Return whether a word is put together from words of the list; with `group`, one of them names a group."""
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
        """Return what a key means; None where no file states it."""
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
    """Return whether XML is a data model, by its first element."""
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
            facts = self.labels.setdefault(key, {})
            facts.setdefault(attributes.get("language_code", ""), attributes["value"][:_MAX_LETTERS])

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


# How far a patrol went in each coarse cell of a day; the track itself is looked at here and nowhere kept.

CELL_DEGREES: Final = 0.1
"""Side of the cells that a day's effort is stated by: some 11 km."""
_MAX_VERTICES: Final = 1_000_000
_PIECE_M: Final = 250.0
_MAX_PIECES: Final = 1_000_000
_ORIGIN: Final = np.array([180.0, 90.0])
_GEOD: Final = pyproj.Geod(ellps="WGS84")


class TrackError(ValueError):
    """A track that cannot be read; its text states nothing of it."""


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """A square in degrees, counted from 180° W and 90° S.

    Attributes
    ----------
    column, row : int
        Its number eastwards and northwards.
    tenths : int
        Its side in tenths of a degree: 1, or 10 where places of a day lie further apart.
    """

    column: int
    row: int
    tenths: int = 1

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of its middle, degrees."""
        side = self.tenths * CELL_DEGREES
        return round((self.column + 0.5) * side - 180, 6), round((self.row + 0.5) * side - 90, 6)

    @property
    def radius_m(self) -> int:
        """From the middle to the furthest corner, metres, rounded up to a hundred."""
        longitude, latitude = self.middle
        half = self.tenths * CELL_DEGREES / 2
        corners = [_GEOD.inv(longitude, latitude, longitude + half, latitude + sign * half)[2] for sign in (-1, 1)]
        return int(-(-max(corners) // 100) * 100)


def cell_of(longitude: float, latitude: float) -> Cell | None:
    """Return the cell of 0.1° that a place lies in; None for a place outside the world."""
    if abs(longitude) > 180 or abs(latitude) > 90:
        return None
    # 101.7 lies in the cell that begins there, although 281.7 / 0.1 is 2816.9999….
    return Cell(floor((longitude + 180) / CELL_DEGREES + 1e-9), floor((latitude + 90) / CELL_DEGREES + 1e-9))


def common_cell(cells: Iterable[Cell]) -> Cell | None:
    """Return the one cell of 0.1°, else of 1°, that cells of 0.1° are or lie in; None where there is none."""
    fine = set(cells)
    coarse = {Cell(cell.column // 10, cell.row // 10, 10) for cell in fine}
    return fine.pop() if len(fine) == 1 else coarse.pop() if len(coarse) == 1 else None


def kilometres(geometry: str) -> Counter[Cell]:
    """Return how many kilometres of a track lie in each cell.

    Parameters
    ----------
    geometry : str
        WKB of a line or several, in hexadecimal figures; longitude and latitude, WGS 84. A third number is the time and
        is not looked at.

    Raises
    ------
    TrackError
        If it cannot be read, or has no line.
    """
    try:
        blob = bytes.fromhex(geometry.strip())
    except ValueError:
        raise TrackError from None
    if problem_of(blob, max_vertices=_MAX_VERTICES) is not None:
        raise TrackError
    try:
        lines = [part for part in shapely.get_parts(shapely.from_wkb(blob)) if part.geom_type == "LineString"]
    except shapely.GEOSException:
        raise TrackError from None
    found: Counter[Cell] = Counter()
    for line in lines:
        found += _of_line(shapely.get_coordinates(line))
    if not lines:
        raise TrackError
    return found


def _of_line(vertices: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Counter[Cell]:
    """Return the kilometres of a line of n × 2 degrees; long steps are cut, so that each piece lies in one cell."""
    if not (np.abs(vertices) <= (180, 90)).all():
        raise TrackError
    start, step = vertices[:-1], np.diff(vertices, axis=0)
    _, _, metres = _GEOD.inv(*start.T, *vertices[1:].T)
    pieces = np.maximum(np.ceil(metres / _PIECE_M), 1).astype(int)
    if pieces.sum() > _MAX_PIECES:
        raise TrackError
    of = np.repeat(np.arange(len(pieces)), pieces)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[of]
    middles = start[of] + share[:, None] * step[of]
    cells = np.floor((middles + _ORIGIN) / CELL_DEGREES + 1e-9).astype(int)
    distinct, number = np.unique(cells, axis=0, return_inverse=True)
    lengths = np.bincount(number.ravel(), weights=(metres / pieces)[of] / 1000, minlength=len(distinct))
    return Counter(
        {Cell(int(column), int(row)): float(km) for (column, row), km in zip(distinct, lengths, strict=True)}
    )


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?")
_NOT_SET: Final = (0, 24 * 3600 - 1)
"""From 00:00:00 to 23:59:59: what SMART writes where nobody stated the times."""
_VALUES: Final = ("itemKey", "sValue", "dValue")
_MAX_TEXT: Final = 1_000
MAX_DAYS: Final = 50_000
MAX_WAYPOINTS: Final = 200_000
MAX_OBSERVATIONS: Final = 5_000_000
MAX_CATEGORIES: Final = 5_000
"""Of a file; of waypoints: of a day."""


@dataclass(slots=True)
class Day:
    """A day of a leg of a patrol.

    Attributes
    ----------
    number : int
        The how-manyth day of its file it is, from 1.
    patrol, event_id : str
        Made of the patrol's own identifiers by a slow hash: what stands in them is not stated.
    date : str or None
        ISO 8601; None where it is stated otherwise.
    hours : float or None
        From start to end without rest; None where that is not stated.
    on_foot : bool
        Whether the patrol surely walked.
    km : Counter of Cell
        Kilometres in each cell.
    unread : int
        Tracks that cannot be read.
    """

    number: int
    patrol: str
    event_id: str
    date: str | None
    hours: float | None
    on_foot: bool = False
    km: Counter[Cell] = field(default_factory=Counter)
    unread: int = 0


@dataclass(slots=True)
class Observation:
    """An observation of any category, with those of its attributes that may come in.

    Attributes
    ----------
    number : int
        The how-manyth observation of its file it is, from 1.
    day : Day
        Its day; of a leg that has not ended, the way of going may not be known yet.
    identifier : str
        Made as `Day.event_id`.
    category : str
        The key as stated: only to be looked up.
    place : (longitude, latitude) or None
        Text, as it came; None where one is no number.
    values : mapping of Attribute to (element, text)
        The first value of each attribute that may come in, as it came, with the kind of value that it is.
    """

    number: int
    day: Day
    identifier: str
    category: str
    place: tuple[str, str] | None
    values: dict[Attribute, tuple[str, str]] = field(default_factory=dict)


class PatrolListener:
    """Hears a document of patrols.

    Parameters
    ----------
    file : str
        Named in errors.
    with_tracks : bool
        Measure the tracks; they are not looked at otherwise.
    on_days : callable, optional
        Gets the days of each leg when it has ended.
    on_observation : callable, optional
        Gets each observation when it has ended.
    """

    def __init__(
        self,
        file: str,
        *,
        with_tracks: bool,
        on_days: Callable[[list[Day]], None] | None = None,
        on_observation: Callable[[Observation], None] | None = None,
    ) -> None:
        self.file, self.with_tracks, self.on_days, self.on_observation = file, with_tracks, on_days, on_observation
        self._inside: list[str] = []
        self._secret, self._patrol = b"", ""
        self._leg, self._leg_number, self._on_foot = "", 0, False
        self._days: list[Day] = []
        self._counted = Counter[str]()
        self._day: Day | None = None
        self._categories = set[str]()
        self._dates, self._of_day = Counter[str | None](), Counter[str]()
        self._waypoint: tuple[str, tuple[str, str] | None] | None = None
        self._observation: Observation | None = None
        self._attribute: Attribute | None = None
        self._text: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Hear that an element begins."""
        parent = self._inside[-1] if self._inside else ""
        if not parent and name not in ("patrol", "patrols"):
            problem = "this is no patrol of SMART"
            raise InputError(
                problem, file=self.file, expected="the XML of a patrol that SMART exports", code="SMART_NOT_PATROL"
            )
        self._inside.append(name)
        match parent, name:
            case (("" | "patrols"), "patrol"):
                self._begin_patrol(attributes)
            case "patrol", "legs":
                self._leg_number += 1
                self._leg = f"{self._leg_number} {attributes.get('id', '')[:_MAX_TEXT]}"
                self._dates.clear()
            case "legs", "transportType":
                self._on_foot = is_on_foot(attributes.get("value", ""))
            case "legs", "days":
                self._begin_day(attributes)
            case "days", "track" if self._day is not None and self.with_tracks:
                self._measure(self._day, attributes.get("geom", ""))
            case "days", "waypoints":
                place = attributes.get("x", "").strip(), attributes.get("y", "").strip()
                is_place = all(map(_NUMBER.fullmatch, place))
                self._waypoint = attributes.get("id", "")[:_MAX_TEXT], place if is_place else None
            case (("waypoints" | "groups"), "observations"):
                self._begin_observation(attributes.get("categoryKey", ""))
            case "observations", "attributes":
                self._attribute = attribute_of(attributes.get("attributeKey") or attributes.get("key", ""))
                for value in ("itemKey", "stringValue", "doubleValue"):
                    if value in attributes:
                        self._keep(
                            {"stringValue": "sValue", "doubleValue": "dValue"}.get(value, value), attributes[value]
                        )
            case "attributes", ("itemKey" | "sValue" | "dValue") if self._attribute is not None:
                self._text = []

    def end(self, name: str) -> None:
        """Hear that an element ends."""
        self._inside.pop()
        match name:
            case "itemKey" | "sValue" | "dValue" if self._text is not None:
                self._keep(name, "".join(self._text))
                self._text = None
            case "attributes":
                self._attribute = None
            case "observations" if self._observation is not None:
                if self.on_observation is not None:
                    self.on_observation(self._observation)
                self._observation = None
            case "waypoints":
                self._waypoint = None
            case "days":
                self._day = None
            case "legs":
                for day in self._days:
                    day.on_foot = self._on_foot
                if self.on_days is not None:
                    self.on_days(self._days)
                self._days, self._on_foot = [], False

    def data(self, text: str) -> None:
        """Hear a piece of text: of a value that is kept, or nothing."""
        if self._text is not None and sum(map(len, self._text)) < _MAX_TEXT:
            self._text.append(text[:_MAX_TEXT])

    def _begin_patrol(self, attributes: Mapping[str, str]) -> None:
        """Make what the patrol's identifiers are stated by."""
        text = attributes.get("id", "").strip()
        if not text:
            problem = "the patrol has no id, so that its days could not be known again"
            raise InputError(
                problem, file=self.file, column="id", expected="an id that no other has", code="PATROL_ID_MISSING"
            )
        seed = "\x1f".join((text, attributes.get("startDate", ""), attributes.get("endDate", "")))
        # Slow, so that numbers which may stand in an id cannot be found by trying them all.
        self._secret = scrypt(seed.encode(), salt=b"biodata smart patrol", n=2**12, r=8, p=1, dklen=32)
        self._patrol, self._leg_number = f"patrol-{self._hash('patrol')}", 0

    def _hash(self, *parts: str) -> str:
        """Return what stands for a thing of this patrol."""
        return hmac.digest(self._secret, "\x1f".join(parts).encode(), "sha256").hex()[:20]

    def _begin_day(self, attributes: Mapping[str, str]) -> None:
        """Begin a day."""
        date = attributes.get("date", "").strip()[:10]
        text = date if _DATE.fullmatch(date) else None
        self._count("days", MAX_DAYS)
        number = self._counted["days"]
        self._of_day.clear()
        self._dates[text] += 1
        event = f"patrol-day-{self._hash('day', self._leg, text or '', str(self._dates[text]))}"
        self._day = Day(number, self._patrol, event, text, _hours(attributes))
        self._days.append(self._day)

    @staticmethod
    def _measure(day: Day, geometry: str) -> None:
        """Add what a track measures."""
        if not geometry.strip():
            return
        try:
            day.km += kilometres(geometry)
        except TrackError:
            day.unread += 1

    def _begin_observation(self, category: str) -> None:
        """Begin an observation of a waypoint of a day."""
        if self._day is None or self._waypoint is None:
            return
        self._count("observations", MAX_OBSERVATIONS)
        self._categories.add(category[:_MAX_TEXT])
        if len(self._categories) > MAX_CATEGORIES:
            self._too_much(f"at most {MAX_CATEGORIES:,} categories")
        waypoint, place = self._waypoint
        text = self._hash("waypoint", waypoint)
        self._of_day[text] += 1
        if len(self._of_day) > MAX_WAYPOINTS:
            self._too_much(f"at most {MAX_WAYPOINTS:,} waypoints a day")
        identifier = f"patrol-observation-{self._hash(self._day.event_id, text, str(self._of_day[text]))}"
        self._observation = Observation(self._counted["observations"], self._day, identifier, category, place)

    def _count(self, what: str, most: int) -> None:
        """Count a thing; the memory that a file takes is bounded."""
        self._counted[what] += 1
        if self._counted[what] > most:
            self._too_much(f"at most {most:,} {what}")

    def _too_much(self, expected: str) -> None:
        """Refuse the file."""
        problem = "the file holds more than a patrol can have"
        raise InputError(problem, file=self.file, expected=expected, code="SMART_TOO_LARGE")

    def _keep(self, element: str, text: str) -> None:
        """Keep a value of an attribute that may come in; the first is kept."""
        if self._attribute is not None and self._observation is not None and text.strip():
            self._observation.values.setdefault(self._attribute, (element, text.strip()[:_MAX_TEXT]))


def _hours(attributes: Mapping[str, str]) -> float | None:
    """Return the hours of a day without its rest."""
    times = [_TIME.fullmatch(attributes.get(name, "").strip()) for name in ("startTime", "endTime")]
    seconds = [int(t[1]) * 3600 + int(t[2]) * 60 + int(t[3] or 0) for t in times if t]
    rest = attributes.get("restMinutes", "").strip() or "0"
    if len(seconds) < 2 or tuple(seconds) == _NOT_SET or not _NUMBER.fullmatch(rest):
        return None
    hours = (seconds[1] - seconds[0]) / 3600 - float(rest) / 60
    return round(hours, 2) if hours > 0 and float(rest) >= 0 else None
