"""What Conefor's connection files can hold; apart, so that the command line can tell it without loading more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from biodata.errors import InputError


class Kind(StrEnum):
    """What the numbers of a connection file are."""

    DISTANCE = "distance"
    PROBABILITY = "probability"
    LINK = "link"


class Layout(StrEnum):
    """How a connection file is laid out."""

    LIST = "list"
    MATRIX = "matrix"


# The options of Conefor's command line, as scripts that call it write them: `-nodeFile nodes.txt -t dist all -PC`.
BINARY: Final = ("NL", "NC", "H", "CCP", "LCP", "IIC", "BC", "BCIIC")
"""Indices that count links; they need -confAdj."""
PROBABILISTIC: Final = ("F", "AWF", "PC", "BCPC")
"""Indices that need probabilities: of a file, or by -confProb."""
KINDS: Final = MappingProxyType({"dist": Kind.DISTANCE, "prob": Kind.PROBABILITY, "adj": Kind.LINK, "links": Kind.LINK})
NOT_HERE: Final = MappingProxyType(
    {
        "-*": "one run a pair of files",
        "-improvement": "-removal, the importance of links that are there",
        "-change": "two runs, before and after",
        "-confMultipleValues": "one run a distance",
    }
)
"""Options whose answer would be missed, and what to do instead."""
_WITHOUT_EFFECT: Final = ("-double", "-float", "-noout", "-wcomp", "-wlinks", "-wprobdir", "-wprobmax")


@dataclass(frozen=True, slots=True)
class ConeforOptions:
    """What a call of Conefor asks for.

    Attributes
    ----------
    node_file, connection_file : Path
    kind : Kind
    indices : tuple of str
        Conefor's names, as told.
    threshold : float, optional
        -confAdj: longest distance, or least probability, of a link.
    distance, probability : float, optional
        -confProb.
    only_overall, add, removal : bool
        Indices of the landscape only; nodes to add; importance of links too.
    total_area : float, optional
        -landArea.
    prefix : str
        What the names of the written files begin with.
    without_effect : tuple of str
        Options that were told and change nothing here.
    """

    node_file: Path
    connection_file: Path
    kind: Kind = Kind.DISTANCE
    indices: tuple[str, ...] = ()
    threshold: float | None = None
    distance: float | None = None
    probability: float | None = None
    only_overall: bool = False
    add: bool = False
    removal: bool = False
    total_area: float | None = None
    prefix: str = ""
    without_effect: tuple[str, ...] = field(default=())


def read(words: Sequence[str]) -> ConeforOptions:
    """Read the words after the program's name.

    Parameters
    ----------
    words : sequence of str

    Returns
    -------
    ConeforOptions

    Raises
    ------
    InputError
        If a file or an index is missing (OPTION_MISSING), an option is not known (OPTION_UNKNOWN) or not done here
        (OPTION_UNFIT), or a value is no number (OPTION_INVALID).
    """
    left = list(words)
    told: dict[str, Any] = {"indices": (), "without_effect": ()}
    while left:
        word = left.pop(0)
        if word in NOT_HERE:
            problem = "this is not done here"
            raise InputError(problem, column=word, expected=NOT_HERE[word], code="OPTION_UNFIT")
        if word in _WITHOUT_EFFECT or word == "-pcHeur":
            # A heuristic threshold makes PC quicker and less exact; ours is exact.
            _take(left, 1, word) if word == "-pcHeur" else None
            told["without_effect"] += (word,)
        elif word[1:] in (*BINARY, *PROBABILISTIC) and word.startswith("-"):
            told["indices"] += (word[1:],)
        elif word in _READERS:
            _READERS[word](told, left)
        else:
            problem = "there is no such option"
            raise InputError(problem, value=word, expected="those of Conefor 2.6", code="OPTION_UNKNOWN")
    _require(told)
    return ConeforOptions(**told)


def _require(told: dict[str, Any]) -> None:
    """Refuse what cannot be computed."""
    for name, word in (("node_file", "-nodeFile"), ("connection_file", "-conFile")):
        if name not in told:
            problem = "the file is not told"
            raise InputError(problem, column=word, expected=f"{word} FILE", code="OPTION_MISSING")
    if not told["indices"]:
        expected = " ".join(f"-{name}" for name in (*BINARY, *PROBABILISTIC))
        problem = "no index is asked for"
        raise InputError(problem, expected=expected, code="OPTION_MISSING")
    if told.get("kind", Kind.DISTANCE) is Kind.DISTANCE:
        for indices, name, word in ((BINARY, "threshold", "-confAdj"), (PROBABILISTIC, "distance", "-confProb")):
            asked = [index for index in told["indices"] if index in indices]
            if asked and name not in told:
                problem = f"of distances, {asked[0]} needs it"
                raise InputError(problem, column=word, expected=f"{word} and its value", code="OPTION_MISSING")


def _take(left: list[str], count: int, option: str) -> list[str]:
    """Take the values of an option."""
    if len(left) < count:
        problem = f"{count} value{'s' if count > 1 else ''} must follow"
        raise InputError(problem, column=option, value=" ".join(left), code="OPTION_MISSING")
    taken = left[:count]
    del left[:count]
    return taken


def _number(text: str, option: str) -> float:
    """Return a value as a number."""
    try:
        return float(text)
    except ValueError:
        problem = "this is no number"
        raise InputError(problem, column=option, value=text, code="OPTION_INVALID") from None


def _type(told: dict[str, Any], left: list[str]) -> None:
    """Read -t: what the connections tell. Whether all pairs are told makes no difference: one that is not is not joined."""
    (name,) = _take(left, 1, "-t")
    if name not in KINDS:
        problem = "connections are of no such type"
        raise InputError(problem, column="-t", value=name, expected=" or ".join(KINDS), code="OPTION_INVALID")
    told["kind"] = KINDS[name]
    if left and left[0] in ("all", "notall"):
        left.pop(0)


def _probability(told: dict[str, Any], left: list[str]) -> None:
    """Read -confProb: a distance and its probability."""
    distance, probability = _take(left, 2, "-confProb")
    told |= {"distance": _number(distance, "-confProb"), "probability": _number(probability, "-confProb")}


def _removal(told: dict[str, Any], left: list[str]) -> None:
    """Read -removal; a largest value would only spare time."""
    told["removal"] = True
    if left and left[0] == "maxValue":
        _take(left, 2, "-removal")
        told["without_effect"] += ("-removal maxValue",)


def _flag(name: str) -> Callable[[dict[str, Any], list[str]], None]:
    """Return a reader of an option without value."""

    def read_flag(told: dict[str, Any], left: list[str]) -> None:
        told[name] = True

    return read_flag


def _value(name: str, option: str, make: Callable[[str], Any]) -> Callable[[dict[str, Any], list[str]], None]:
    """Return a reader of an option with one value."""

    def read_value(told: dict[str, Any], left: list[str]) -> None:
        told[name] = make(_take(left, 1, option)[0])

    return read_value


_READERS: Final = MappingProxyType(
    {
        "-nodeFile": _value("node_file", "-nodeFile", Path),
        "-conFile": _value("connection_file", "-conFile", Path),
        "-t": _type,
        "-confAdj": _value("threshold", "-confAdj", lambda text: _number(text, "-confAdj")),
        "-confProb": _probability,
        "-landArea": _value("total_area", "-landArea", lambda text: _number(text, "-landArea")),
        "-prefix": _value("prefix", "-prefix", str),
        "-removal": _removal,
        "-add": _flag("add"),
        "onlyoverall": _flag("only_overall"),
        "-onlyoverall": _flag("only_overall"),
    }
)
