"""Scientific names taken apart: gbif-name-parser, with rules before and after it.

The field's two parsers disagree: GBIF's name parser (https://github.com/gbif/name-parser) and gnparser
(https://github.com/gnames/gnparser). Our convention:

- **canonical_full** and **authorship** have gnparser's form: ranks and hybrid signs stay (`Poa annua f. varia`,
  `Salix × capreola`), letters are those that the codes allow (ICN Art. 60), authorships as in
  `biodata.text.name_text`. They can be compared as text.
- **canonical** is the name alone, for matching: no rank, no sign, the last epithet below species only.
- **aff., nr., sp., spp.** and whatever follows them name no taxon: the name ends before them. **cf.** compares with a
  taxon that is named: it stays, the name is undetermined.
- A **hybrid formula** names its parents, each in full, and has no genus or epithet of its own.
- A **question mark** behind a name doubts it: the name is undetermined.
- **Refused** are two taxa in one text, viruses and phages in words (a binomial of ICVCN is a name), plasmids, symbionts of hosts, barcode
  numbers, placeholders, graft-chimeras, and texts that do not start with a capital: a checklist may still know them.
- Ranks and the kind of a name are GBIF's. Where its words for genus and epithets are others than ours,
  NAME_PARSERS_DISAGREE says so and the confidence is lower.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import nameparser
import polars as pl

from biodata.text.name_text import UPPER, VIRUS_BINOMIAL, WORDS, Issue, NameText, authorship_at, cited_form, ready
from biodata.text.tables import over_distinct

# The words of a scientific name: genus, subgenus, epithets, ranks, hybrids and cultivars, each with its authorship.
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
            words=(*name.words, replace(word, rank=_rank_of_name_grammar(rank) if rank else "")),
            undecided=name.undecided or comparison is not None,
            end=end,
        )
    return name


def _rank_of_name_grammar(found: re.Match[str]) -> str:
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
    """Return whether a word that could belong to a surname is an epithet.

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
    """Return whether a rank's word without a full stop is an epithet: an author with a year follows at once."""
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


# Whether a text names one taxon, surely: several names joined into one cell, and a name with a question mark.

_JOINED: Final = re.compile(
    r"[A-Z][a-z]{2,} [a-z-]{3,}(?=[\s/;,&+])[^×]{0,200}?"
    r"(?:\s*[/;,&+]\s*|\s(?:or|and|atau|dan|hoặc|và|at|o|หรือ|และ|或|和|ຫຼື|ແລະ)\s)"
    r"(?P<genus>[A-Z][a-z]{2,}) [a-z-]{4,}(?![A-Za-z.])"
)
_BESIDE: Final = re.compile(
    r"[^()（）]*[^\W\d][^()（）]*?(?:\s+[-–—/|]\s+|\s*[(（])(?P<name>(?P<genus>[A-Z][a-z]{2,})(?: [a-z][a-z.-]+){1,3})\s*[)）]?"
)
_DOUBTED: Final = re.compile(r"(?P<name>\S.*[a-z).])\s?(?:\?+|\(\?+\))\s*")


def names_several(text: str) -> bool:
    """Return whether a text names two taxa in full (`Bos gaurus or Bos javanicus`); authors are none."""
    found = _JOINED.match(text)
    return found is not None and found["genus"] in genera()


def latin_beside(text: str) -> str | None:
    """Return the Latin name behind a common one: `Gaur - Bos gaurus`, `Gaur (Bos gaurus)`; None where there is none."""
    found = _BESIDE.fullmatch(text.strip())
    words = text.split()
    # A genus before a small letter; `Proboscis Monkey` only begins like one.
    is_latin = len(words) < 2 or (words[0] in genera() and not words[1][0].isupper())
    if found is None or found["genus"] not in genera() or is_latin:
        return None
    return found["name"]


def without_doubt(text: str) -> tuple[str, bool]:
    """Return a text without the question mark behind it, and whether there was one."""
    found = _DOUBTED.fullmatch(text)
    return (text, False) if found is None else (found["name"], True)


@cache
def genera() -> frozenset[str]:
    """Return the genera that are known."""
    data = (files("biodata") / "data" / "genera.parquet").read_bytes()
    return frozenset(pl.read_parquet(data, columns=["name"])["name"])


# Names of the plainest forms, read by columns: `Genus epithet`, a second epithet, authors and a year.

# Words of four letters or more that mean something else than an epithet, and all that smells of a virus. They begin
# and end where a letter of English does, as they do where names are read one by one: after a Þ, too.
_NOT_PLAIN: Final = (
    r"(?i)(?-u:\b)(?:not|none|un[a-z]*|candidatus|incertae|missing|dummy|empty|hybrid|apud|cultivar|dela|della|emend|sensu|ined"
    r"|hort|nudum|infragen|spec|species|group|complex|clade|authors?|strain|isolate|clone|auctt?|near|fide|vide|mihi"
    r"|pathovar|form|forma|variety|race|natio|morph|monst|type|like|cross|cell|culture|environmental|uncultured|sedis"
    r"|sub[a-z]{0,5}|super[a-z]{0,4}|notho[a-z]*|agamo[a-z]*|(?:gen|sect|trib|ser|fam|div|spec|class|order|var|form?|phylum)(?:us|ies|um|o|ily|ion|e)?"
    r"|(?:sero|bio|con|pseudo|agamo)(?:var|type)|anon|anonymous"
    r"|[a-z]*(?:virus|viruses|viroids?|phages?|vectors?|particles?|prions?|satellites?|viriform|npv|symbionts?"
    r"|phytoplasma|plasmids?|bacterium|bacteria))(?:(?-u:\b)|[0-9])"
)
_ANY_WORD: Final = rf"(?i)(?-u:\b)(?:{'|'.join(sorted(WORDS))})(?:(?-u:\b)|[0-9])"
_SURNAME: Final = "[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]{2,}"
_AUTHOR: Final = rf"(?:[A-Z]\. ?){{0,3}}{_SURNAME}(?:-{_SURNAME})?"
ZOOLOGY: Final = 1758
"""The zoological code starts with this year; by rule only its names are cited with a year."""

_YEAR: Final = "1[789][0-9]{2}|20[012][0-9]"
_FORM: Final = (
    r"^(?P<genus>[A-Z][a-z]{2,}[0-9]*) (?P<epithet>[a-z]{4,}[0-9]?[a-z]*)(?: (?P<below>[a-z]{4,}))?"
    rf"(?: (?P<open>\()?(?P<team>L\.|(?:(?:{_AUTHOR}, )*{_AUTHOR} & )?{_AUTHOR}), (?P<year>{_YEAR})(?P<close>\))?)?$"
)


def plain_names(values: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Read the names of a plain form.

    Parameters
    ----------
    values : polars.Series of str
        Distinct names.

    Returns
    -------
    frame, series
        The names that were read, with the columns of `scientific_names.SCHEMA` without those that are null for all of
        them; and the values that are to be read one by one.

    Notes
    -----
    Equal, word for word, to what is read one by one: a test draws names of this form and compares.
    """
    table = values.alias("value").to_frame()
    parts = table.with_columns(found=pl.col("value").str.extract_groups(_FORM)).unnest("found")
    whole = pl.col("open").is_null() == pl.col("close").is_null()
    plain = (pl.col("genus").is_not_null() & whole).fill_null(value=False) & ~pl.any_horizontal(
        pl.col("value").str.contains(words) for words in (_NOT_PLAIN, _ANY_WORD)
    )
    parts = parts.with_columns(plain=plain)
    before, after = pl.col("open").fill_null(""), pl.col("close").fill_null("")
    apart, together = (pl.col("team").str.replace_all(r"\. ?([A-ZÀ-Þ])", f".{gap}${{1}}") for gap in (" ", ""))
    canonical = pl.concat_str("genus", "epithet", "below", separator=" ", ignore_nulls=True)
    subspecies = pl.col("year").cast(pl.Int32) >= ZOOLOGY
    below = pl.when(subspecies).then(pl.lit("SUBSPECIES")).otherwise(pl.lit("INFRASPECIFIC_NAME"))
    found = parts.filter("plain").select(
        "value",
        canonical=canonical,
        canonical_full=canonical,
        genus="genus",
        specific_epithet="epithet",
        infraspecific_epithet="below",
        authorship=pl.concat_str(before, apart, pl.lit(" "), "year", after),
        cited_authorship=pl.concat_str(before, together, pl.lit(", "), "year", after),
        rank=pl.when(pl.col("below").is_null()).then(pl.lit("SPECIES")).otherwise(below),
    )
    return found, parts.filter(~pl.col("plain"))["value"]


SCHEMA: Final[pl.Schema] = pl.Schema(
    {
        "value": pl.String, "canonical": pl.String, "canonical_full": pl.String, "uninomial": pl.String,
        "genus": pl.String, "specific_epithet": pl.String, "infraspecific_epithet": pl.String, "authorship": pl.String,
        "cited_authorship": pl.String, "rank": pl.String, "confidence": pl.Float64,
    }
    | {"issues": pl.List(pl.String)}
)  # fmt: skip

LONGEST: Final = 500
"""No name needs more characters, and no parser should be kept busy by a page of text."""

_DOUBTFUL: Final = {
    Issue.PARTLY_READ: 0.9, Issue.UNDETERMINED: 0.8, Issue.HYBRID_FORMULA: 0.8, Issue.LOOKALIKES: 0.5,
    Issue.PARSERS_DISAGREE: 0.6,
}  # fmt: skip
_GRAFT: Final = re.compile(r"(?:^|\s)\+(?:\s|$)")
_NO_NAMES: Final = frozenset({"IDENTIFIER", "PLACEHOLDER"})
_RANKS: Final = {"subsp.": "SUBSPECIES", "var.": "VARIETY", "f.": "FORM", "": "INFRASPECIFIC_NAME"}


def parse_names(values: pl.Series) -> pl.DataFrame:
    """Take a column of scientific names apart.

    Parameters
    ----------
    values : polars.Series of str, length n
        Names with or without authorship; a common name in one of the region's scripts beside it is left out.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `canonical`, the name without authorship and rank markers, in ASCII; `canonical_full`, with
        rank markers, hybrid signs and cultivar; `uninomial` of a name above species; `genus`, `specific_epithet`,
        `infraspecific_epithet`; `authorship` for comparison; `cited_authorship` as it is cited (C.H.Smith, 1827); `rank` in GBIF's
        spelling; `issues`, names of `name_text.Issue`; `confidence`, 0 to 1. Null where there is no such part, or where
        the text is no scientific name.

    Notes
    -----
    Names of a plain form (`plain_names`) are read by columns; the others one by one, remembered when they come again.
    """
    return over_distinct(values, _parse)


def _parse(distinct: pl.Series) -> pl.DataFrame:
    """Take each distinct name apart."""
    plain, others = plain_names(distinct)
    rows = [(text, *_parts(text)) for text in others.to_list()]
    read_one_by_one = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    if plain.is_empty():
        return read_one_by_one
    columns = [plain[name] if name in plain.columns else pl.lit(None, dtype) for name, dtype in SCHEMA.items()]
    made = plain.select(
        column.alias(name) if isinstance(column, pl.Expr) else pl.col(name)
        for (name, _), column in zip(SCHEMA.items(), columns, strict=True)
    ).with_columns(issues=pl.lit([], dtype=pl.List(pl.String)), confidence=pl.lit(1.0))
    return pl.concat([made, read_one_by_one])


def _refused(text: NameText | None = None) -> tuple[object, ...]:
    """Return the answer for what is no name."""
    issues = text.issues if text else ()
    names = [issue.value for issue in issues if issue is not Issue.REFUSED]
    return (*(None,) * 9, 0.0, [*names, Issue.REFUSED.value])


@lru_cache(maxsize=1 << 17)
def _parts(told: str) -> tuple[object, ...]:
    """Return the answers for one name; batches of a file repeat their names."""
    if len(told) > LONGEST:
        return _refused()
    name, is_doubted = without_doubt(told)
    text = ready(name)
    if not text.text or names_several(text.text):
        return _refused(text)
    if is_doubted:
        text = replace(text, issues=(*text.issues, Issue.UNDETERMINED))
    second, kind = _second_opinion(text.text)
    virus = VIRUS_BINOMIAL.match(text.text)
    if virus:
        genus, epithet = virus.groups()
        name = f"{genus} {epithet}"
        return name, name, None, genus, epithet, None, None, None, "SPECIES", 1.0, []
    names = read(text.text, is_author=lambda word: _is_author(word, second))
    if names is None or _GRAFT.search(told) or (kind in _NO_NAMES and not names[0].undecided):
        return _refused(text)
    return _answer(text, names, second)


def _second_opinion(text: str) -> tuple["nameparser.ParsedName | nameparser.Informal | None", str | None]:
    """Return what gbif-name-parser reads, and the kind of what it refuses."""
    try:
        return nameparser.parse(text), None
    except nameparser.UnparsableNameError as error:
        return None, error.name_type


def _is_author(word: str, second: "nameparser.ParsedName | nameparser.Informal | None") -> bool:
    """Return whether gbif-name-parser takes a word in brackets for an author."""
    return isinstance(second, nameparser.ParsedName) and word in second.basionym_authorship.authors


def _answer(
    text: NameText, names: list[Name], second: "nameparser.ParsedName | nameparser.Informal | None"
) -> tuple[object, ...]:
    """Put the answers for one text together."""
    issues = list(text.issues)
    first = names[0]
    if any(name.undecided for name in names) and Issue.UNDETERMINED not in issues:
        issues.append(Issue.UNDETERMINED)
    if names[-1].end < len(text.text) and Issue.PARTLY_READ not in issues:
        issues.append(Issue.PARTLY_READ)
    if len(names) > 1:
        issues.append(Issue.HYBRID_FORMULA)
        formula = " × ".join(name.canonical() for name in names)
        return None, formula, None, None, None, None, None, None, None, *_confidence(issues)
    epithets = [] if first.above_species else [word.text for word in first.words]
    uninomial = first.words[0].text if first.above_species else None if epithets else first.genus.text
    genus = first.genus.text if epithets or first.above_species else None
    species, below = epithets[0] if epithets else None, epithets[-1] if len(epithets) > 1 else None
    canonical = uninomial or " ".join(filter(None, (genus, species, below)))
    agree = second is not None and _agrees(canonical, second)
    if not agree and not first.undecided and not first.cultivar:
        issues.append(Issue.PARSERS_DISAGREE)
    parsed = second if isinstance(second, nameparser.ParsedName) else None
    rank = _rank(first, parsed if agree else None)
    cited = cited_form(first.authorship)
    return (
        canonical, first.canonical(), uninomial, genus, species, below,
        first.authorship or None, cited or None, rank, *_confidence(issues),
    )  # fmt: skip


def _confidence(issues: list[Issue]) -> tuple[float, list[str]]:
    """Return the confidence that the issues leave, and their names."""
    return min([1.0, *(_DOUBTFUL.get(issue, 1.0) for issue in issues)]), [issue.value for issue in issues]


def _agrees(canonical: str, second: "nameparser.ParsedName | nameparser.Informal") -> bool:
    """Return whether both parsers read the same words; how they spell ö or 5-punctatus does not matter."""
    if isinstance(second, nameparser.Informal):
        return second.taxon == canonical
    words, others = canonical.lower().split(), (second.canonical_name_minimal() or "").lower().split()
    return len(words) == len(others) and all(a[-3:] == b[-3:] for a, b in zip(words, others, strict=True))


def _rank(name: Name, second: "nameparser.ParsedName | None") -> str | None:
    """Return the rank: GBIF's where it reads the same words, else that of the rank marker.

    A third word without a marker is a subspecies where a year shows that the zoological code is followed.
    """
    if not name.words:
        return "GENUS" if name.undecided else None
    if not name.above_species and len(name.words) == 1:
        return "SPECIES"
    marker = name.words[-1].rank
    if not name.above_species and not marker:
        year = re.search(r"(?<=\s|\()[12]\d{3}", name.authorship)
        return "SUBSPECIES" if year and int(year.group()) >= ZOOLOGY else _RANKS[""]
    if second is not None and second.rank != "UNRANKED":
        return second.rank
    return _RANKS.get(marker)
