"""The words of a scientific name: genus, subgenus, epithets, ranks, hybrids and cultivars, each with its authorship.

Read in the order and with the words of gnparser's published grammar (https://github.com/gnames/gnparser), in code of
our own. What stands behind the last word that can be read is no part of the name.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from biodata.text.name_text import UPPER, authorship_at

_LO: Final = "a-zß-öø-ÿĀāăąćĉčďđēĕėęěğīĭīłńņňŏōőœŕřśşšţťũūŭůűźżžſǎǔǧșț�"
_UP: Final = "A-ZÆŒÖÉÜÄØÅ"
_TWO: Final = "Aa|As|Ba|Ca|Do|Ea|Fu|Ge|Ia|Io|Ix|Ja|La|Lo|Nu|Oa|Oo|Qu|Ra|Ty|Ua|Zu"
_CAPITAL: Final = rf"(?:[{_UP}][{_LO}]{{2,}}\d*(?:-(?:[{_UP}][{_LO}]{{2,}}|[{_LO}]{{2,}}))?\??|(?:{_TWO})(?=[\s(]|$))"
_GENUS: Final = re.compile(rf"(?P<genus>{_CAPITAL}|[{_UP}][{_LO}]?\.)(?=[\s(]|$)")
_CAPITAL_WORD: Final = re.compile(rf"{_CAPITAL}(?=[\s,;]|$)")
_SUBGENUS: Final = re.compile(rf"\s?\(\s?(?P<name>{_CAPITAL}|[{_UP}][{_LO}]*\.)\s?\)(?=\s|$)")
_SUPERSPECIES: Final = re.compile(rf"\s?\(\s?[{_LO}]+\s?\)(?=\s|$)")

_INFRAGENERIC: Final = (
    r"(?:(?:super|sub)?sect|subser|ser|(?:super|sub)?trib|subgen|subg|(?:sub)?fam|subdiv|div|infragen"
    r"|notho\s?(?:subsect|sect|subgen|subg|gen|subser|ser|subtrib|trib))"
)
_INFRAGENERIC_RANK: Final = re.compile(rf"\s(?P<rank>{_INFRAGENERIC})(?P<stop>\.)?(?=\s)")
_UNDECIDED: Final = r"(?:sp|spp|nr|aff|species|cf|monst)"
# Words that are no epithets: those that link authors, particles of surnames, ranks, marks of doubt.
_NO_EPITHET: Final = re.compile(
    r"(?:ex|et|and|apud|pro|cv|cultivar|in|sensu|emend|vel|non|nec"
    r"|af|al|da|del|della|der|de|di|do|du|el|la|le|ter|van|von|v|zur|zu|ined|hort"
    rf"|{_INFRAGENERIC}|{_UNDECIDED})(?:\.|(?=[\s(]|$))"
)
_RANK_AS_EPITHET: Final = re.compile(
    rf"(?:ser|subser|sect|trib|fam|div|subg) \(?[{UPPER}][^\s.]+(?:,| (?:&|et) .*,)? \d{{4}}\)?$"
)
_NAME_LIKE_PARTICLE: Final = re.compile(r"(?P<word>ab|bis|dela|den|des|dos)(?=\s)")
_EPITHET: Final = re.compile(
    rf"(?P<word>[1-9]\d?[.-]?[{_LO}]{{4,}}"
    rf"|[{_LO}]+['’][{_LO}]{{2,}}"
    rf"|[{_LO}]+-[{_LO}]+(?:-[{_LO}]+){{0,2}}"
    rf"|(?!sp\d)[{_LO}]{{3,}}\d+[{_LO}]*"
    rf"|[{_LO}]{{2,}})(?=[\s(,;]|$)"
)
_SMALL_RANKS: Final = re.compile(
    r"(?:(?P<special>f\.\s?sp\.(?=\s))|(?P<form>(?:forma|fma|fm|form|fo|f)(?:\.|(?=\s)))"
    r"|(?P<variety>(?:variety|\[var\.\]|var)(?:\.|(?=\s)))"
    r"|(?P<subspecies>(?:subspec|subsp|ssp)(?:\.|(?=\s)))"
    r"|(?P<other>(?:morph|convar|pseudovar|sect|ser|subvar|subf|race|pv|pathovar|st|agamosp|agamossp|agamovar|nvar"
    r"|notho(?:var|fo|f|subsp|ssp|sp|morph|supsp))(?:\.|(?=\s))"
    r"|(?:natio|nat|mut\.|\*|ab\.(?:\s?n\.)?|[αβγδεφθμ]+\.?|[a-eg-k]\.)(?=\s)))(?:\s?[α-ω]\.?(?=\s))?"
)
_CULTIVAR: Final = re.compile(
    r"\s(?:cv\.?\s?)?['‘’\"“”](?P<quoted>[^'‘’\"“”×]+)['‘’\"“”](?=\s|$)|\s(?:cv\.|cultivar|cv)\s(?P<word>[A-Z][^×'\"]*)$"
)
_DOUBT: Final = re.compile(r"\s(?:(?:spp?|nr|aff|species)(?:\.|\d*(?=\s|$))|sp\d+|monst\.|\?)")
_COMPARISON: Final = re.compile(r"\scf\b\.?(?=\s|$)")
_FORMULA_SIGN: Final = re.compile(r"\s×(?=\s|$)")
_GENUS_SIGN: Final = re.compile(r"×\s?")
_EPITHET_SIGN: Final = re.compile(r"\s×\s?")
_END: Final = re.compile(r"$|[\s;,]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a name with the rank before it and the authorship after it."""

    text: str
    rank: str = ""
    authorship: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """What can be read of a name.

    Attributes
    ----------
    genus : Word
        The genus, or the one word of a name above species.
    words : tuple of Word
        Epithets in order; or the second word of a name between genus and species.
    above_species : bool
        True where `words` holds such a second word.
    hybrid : tuple of bool
        Whether a hybrid sign stands before the genus, and before the first epithet.
    cultivar : str
        The cultivar's epithet.
    subgenus : str
        The subgenus in brackets.
    undecided : bool
        True where the name was compared or left open (sp., cf., aff.).
    end : int
        Where reading stopped.
    """

    genus: Word
    words: tuple[Word, ...] = ()
    above_species: bool = False
    hybrid: tuple[bool, bool] = (False, False)
    cultivar: str = ""
    subgenus: str = ""
    undecided: bool = False
    end: int = 0

    @property
    def authorship(self) -> str:
        """The authorship of the last word."""
        return (self.words[-1] if self.words else self.genus).authorship

    def canonical(self) -> str:
        """Return the name without authorship, with ranks, hybrid signs and cultivar."""
        parts = ["×"] * self.hybrid[0] + [self.genus.text]
        for number, word in enumerate(self.words):
            parts += ["×"] * (self.hybrid[1] and number == 0) + ([word.rank] if word.rank else []) + [word.text]
        return " ".join(parts) + (f" ‘{self.cultivar}’" if self.cultivar else "")


def read(text: str, *, is_author: Callable[[str], bool]) -> list[Name] | None:
    """Read a name, or the names of a hybrid formula.

    Parameters
    ----------
    text : str
        As from `name_text.ready`.
    is_author : callable
        Tells whether the word in `Aus (Word)` is a botanist rather than a subgenus.

    Returns
    -------
    list of Name, or None
        One name; several of a formula; None where the text starts with no name.
    """
    first = _single(text, 0, is_author)
    if first is None:
        return None
    names = [first]
    position = first.end
    while (sign := _FORMULA_SIGN.match(text, position)) is not None:
        other, position = _parent(text, sign.end(), names[0], is_author)
        if other is None:
            break
        names.append(other)
    if not _END.match(text, position):
        return None
    names[-1] = replace(names[-1], end=position)
    return names


def _parent(text: str, position: int, first: Name, is_author: Callable[[str], bool]) -> tuple[Name | None, int]:
    """Read another parent: a name, an epithet of the first one's genus, or a genus shortened to a letter."""
    start = position + 1
    epithet = _epithet(text, start)
    if epithet is not None:
        word, end = epithet
        return replace(first, words=(word,), undecided=False, end=end), end
    other = _single(text, start, is_author)
    if other is None:
        return None, position
    if other.genus.text.endswith(".") and first.genus.text.startswith(other.genus.text[:-1]):
        other = replace(other, genus=first.genus)
    return other, other.end


def _single(text: str, position: int, is_author: Callable[[str], bool]) -> Name | None:
    """Read one name."""
    sign = _GENUS_SIGN.match(text, position)
    start = sign.end() if sign else position
    found = _GENUS.match(text, start)
    if found is None:
        return None
    genus, position = found["genus"].rstrip("?"), found.end()
    name = Name(
        Word(_ascii(genus.capitalize() if "-" in genus else genus)), hybrid=(sign is not None, False), end=position
    )
    return _cultivar(text, _species(text, name) or _above_species(text, name, is_author))


def _species(text: str, name: Name) -> Name | None:
    """Read what follows a genus as a species; None where no epithet and no mark of doubt follows."""
    position = name.end
    bracket = _SUBGENUS.match(text, position) or _SUPERSPECIES.match(text, position)
    if bracket:
        position = bracket.end()
        name = replace(name, subgenus=bracket.groupdict().get("name") or "")
    for mark in (_COMPARISON, _DOUBT):
        doubt = mark.match(text, position)
        if doubt and mark is _COMPARISON:
            position = doubt.end()
            name = replace(name, undecided=True, end=position)
        elif doubt:
            return replace(name, undecided=True, end=len(text))
    sign = _EPITHET_SIGN.match(text, position)
    found = (
        _epithet(text, sign.end() if sign else position + 1, first=True)
        if sign or text[position : position + 1] == " "
        else None
    )
    if found is None:
        return name if name.undecided else None
    word, position = found
    name = replace(name, words=(word,), hybrid=(name.hybrid[0], sign is not None), end=position)
    return _below(text, name)


def _below(text: str, name: Name) -> Name:
    """Read up to three epithets below species."""
    for _ in range(3):
        doubt = _DOUBT.match(text, name.end)
        if doubt:
            return replace(name, undecided=True, end=len(text))
        comparison = _COMPARISON.match(text, name.end)
        start = comparison.end() if comparison else name.end
        if text[start : start + 1] != " ":
            break
        rank = _SMALL_RANKS.match(text, start + 1)
        after = rank.end() if rank else start
        gap = 1 if text[after : after + 1] == " " else 0
        found = _epithet(text, after + gap) if rank or gap else None
        if found is None:
            break
        word, end = found
        name = replace(
            name,
            words=(*name.words, replace(word, rank=_rank(rank) if rank else "")),
            undecided=name.undecided or comparison is not None,
            end=end,
        )
    return name


def _rank(found: re.Match[str]) -> str:
    """Return a rank in one spelling."""
    if found["special"]:
        return "f. sp."
    if found["other"] is None:
        return "f." if found["form"] else "var." if found["variety"] else "subsp."
    return found["other"]


def _epithet(text: str, position: int, *, first: bool = False) -> tuple[Word, int] | None:
    """Read an epithet with the authorship behind it."""
    particle = _NAME_LIKE_PARTICLE.match(text, position)
    if particle and not (first and _is_epithet(particle["word"], text[particle.end() + 1 :])):
        return None
    if _NO_EPITHET.match(text, position) and not (first and _ranks_name(text, position)):
        return None
    found = _EPITHET.match(text, position)
    if found is None:
        return None
    word, end = _ascii(_numbered(found["word"])), found.end()
    gap = 1 if text[end : end + 1] == " " else 0
    author = authorship_at(text, end + gap) if text[end : end + 1] in {" ", "("} else None
    return (Word(word, authorship=author[0]), author[1]) if author else (Word(word), end)


def _is_epithet(particle: str, rest: str) -> bool:
    """Tell whether a word that could belong to a surname is an epithet.

    Before a bracket it cannot start a surname; bis and ab start none; the plurals des and dos stand before surnames in
    -s (des Moulins, dos Santos); dela before those in -a and -z (dela Cruz).
    """
    if particle in {"ab", "bis"} or rest.startswith("("):
        return True
    surname = re.match(rf"[{UPPER}][^\s,&]*", rest)
    if surname is None or particle == "den":
        return False
    endings = ("a", "z", "á") if particle == "dela" else ("s", "x")
    return not surname.group().endswith(endings)


def _ranks_name(text: str, position: int) -> bool:
    """Tell whether a rank's word without a full stop is an epithet: an author with a year follows at once."""
    return _RANK_AS_EPITHET.match(text, position) is not None


def _above_species(text: str, name: Name, is_author: Callable[[str], bool]) -> Name:
    """Read a name of one word, or of two with a rank between them or a subgenus in brackets."""
    position = name.end
    bracket = _SUBGENUS.match(text, position)
    if bracket and not is_author(bracket["name"]) and not bracket["name"].endswith("."):
        end, author = _authored(text, bracket.end())
        return replace(name, words=(Word(_ascii(bracket["name"]), "subgen.", author),), above_species=True, end=end)
    end, author = _authored(text, position)
    rank = _INFRAGENERIC_RANK.match(text, end)
    second = _CAPITAL_WORD.match(text, rank.end() + 1) if rank else None
    if rank and second:
        marker = "subgen." if rank["rank"].startswith("subg") else f"{rank['rank']}."
        last, second_author = _authored(text, second.end())
        word = Word(_ascii(second.group()), marker, second_author)
        return replace(name, words=(word,), above_species=True, end=last)
    return replace(name, genus=replace(name.genus, authorship=author), end=end)


def _authored(text: str, position: int) -> tuple[int, str]:
    """Return where the authorship at a place ends, and the authorship."""
    gap = 1 if text[position : position + 1] == " " else 0
    found = authorship_at(text, position + gap) if gap or text[position : position + 1] == "(" else None
    return (found[1], found[0]) if found else (position, "")


def _cultivar(text: str, name: Name) -> Name:
    """Read a cultivar's epithet behind a name."""
    found = _CULTIVAR.match(text, name.end)
    if found is None:
        return name
    return replace(name, cultivar=(found["quoted"] or found["word"]).strip(), end=found.end())


# ICN Art. 60.7: ä, ö, ü are ae, oe, ue; å, ø are ao, oe; other marks are left out. A diaeresis (ë, ï) is one of them.
_SPELT: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "Æ": "Ae", "Œ": "Oe", "ä": "ae", "ö": "oe", "ü": "ue", "å": "ao", "ø": "oe", "ß": "ss"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Ao", "Ø": "Oe", "đ": "d", "ð": "d", "ł": "l", "ſ": "s", "þ": "th"}
    | {"'": "", "’": "", "‘": ""}
)


def _ascii(word: str) -> str:
    """Return a word of a name in the letters that the codes allow."""
    if word.isascii() and "'" not in word:
        return word
    spelt = unicodedata.normalize("NFD", word.translate(_SPELT))
    return "".join(sign for sign in spelt if not unicodedata.combining(sign))


_NUMERALS: Final = (
    "", "uni", "bi", "tri", "quadri", "quinque", "sex", "septem", "octo", "novem", "decem", "undecim", "duodecim",
    "tredecim", "quatuordecim", "quindecim", "sedecim", "septendecim", "octodecim", "novemdecim", "viginti",
    "vigintiuno", "vigintiduo", "vigintitre", "vigintiquatuor", "vigintiquinque", "vigintisex", "vigintiseptem",
    "vigintiocto",
)  # fmt: skip


def _numbered(word: str) -> str:
    """Return an epithet that starts with a number in words: 10-punctata is decempunctata."""
    found = re.match(r"(\d+)[.-]?(.+)", word)
    if found is None:
        return word
    number = int(found[1])
    return (_NUMERALS[number] if 0 < number < len(_NUMERALS) else found[1]) + found[2]
