"""The text of a scientific name made ready: marks, tags, other scripts and notes taken off; what is no name refused."""

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

import polars as pl

# The authorship of a scientific name: found in a text, and written in one form.
#
# The form is that of gnparser (https://github.com/gnames/gnparser), so that authorships can be compared as text:
#
# - initials and abbreviations stand apart (`C. H. Smith`, `R. Br. bis`), in the order in which they were told; - authors are
# separated by commas, the last two by `&` (for and, et, y, or a comma); `et al.` stays; - the year follows without a comma; a
# letter, page or second year behind it is left out; a year in brackets, with a question mark or of a range is in round
# brackets: `Moore (1858)`; - `f.`, `fil` and `filius` are `fil.`; `ex.` is `ex`; `in` is kept with the work's authors;
# anonymous ones are `anon.`; - names in capitals are `Gmelin`; apostrophes are straight.


def _letters(category: str) -> str:
    """Return the Latin letters of a category beyond ASCII, for a class of a pattern."""
    codes = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]
    return "".join(chr(code) for code in codes if unicodedata.category(chr(code)) == category)


UPPER: Final = f"A-Z{_letters('Lu')}"
LOWER: Final = f"a-z{_letters('Ll')}"

PARTICLES: Final = (
    r"(?:ab|af|al|bis|da|der|des|den|della|dela|del|de|di|dos|do|du|el|la|le|los|ter|ten|van|vom|von (?:d\.|dem|der)"
    r"|von|v d|v|zur|zum|zu|af|i|e|und der|d['’]|in['’]t|['’]t|'s)(?=\s)"
)
"""Small words that belong to a surname; with the space that follows."""

_GLUED: Final = r"(?:[dDlLOM]|Mc|Mac|N)['’]|(?:du|de|van|von|di|la|le|da|mac|ter|zur|al|el|von)(?=[A-Z][a-z])"
_CORE: Final = (
    rf"(?:{_GLUED})?(?>[{UPPER}](?:['’]?[{LOWER}])*(?:['’]?[{UPPER}]['’]?(?:['’]?[{LOWER}])+)*|[{UPPER}]{{2,}})"
)
_CAPITALS: Final = rf"[{UPPER}]{{2,}}(?![{LOWER}])"
_WORD: Final = (
    rf"(?>{PARTICLES}|v\.(?:\s?d\.)?|['’]t(?=\s)"
    rf"|(?>{_CAPITALS}|{_CORE})\.?(?:-(?>{_CAPITALS}|{_CORE}|[{LOWER}]+)\.?)*)"
)
_FILIUS: Final = (
    rf"(?>f\.|\sf\.(?!\s[{LOWER}]{{3,}})|\sfil(?:ius)?\b\.?|\.?fil\.|\s?(?:bis|ter|jr|sr|junior|senior)\b\.?)"
)
_ANONYMOUS: Final = r"(?:[Aa]non(?:ymous)?\b\.?|\?)"
_ET_AL: Final = r"(?:,?\s(?:et|&|and)\sal\b\.?)"
_AUTHOR: Final = rf"(?>(?:{_ANONYMOUS}|{_WORD}(?>\s?{_WORD})*+(?:{_FILIUS})?+){_ET_AL}?+)"
_SEPARATOR: Final = r"(?>,?\s?(?:&|\b(?:et|and|apud|y|und)\b)(?:\s|(?<=&))|\s?,\s?)"
_NUMBER: Final = r"[12][0789]\d[\d?]\??"
_YEAR: Final = (
    rf"(?>{_NUMBER}\s?[-/]\s?\d+[a-z?]*|\[\s?{_NUMBER}\s?\]|\({_NUMBER}[a-z]?\)"
    rf"|{_NUMBER}[a-z]?\s?:\s?\d+(?:-\d+)?|{_NUMBER}[a-z]?\.?)"
)
_TEAM: Final = rf"(?>{_AUTHOR}(?>{_SEPARATOR}{_AUTHOR})*+(?:\s?,?\s?{_YEAR})?+)"
_LINK: Final = r"(?:,?\s(?:ex\b\.?|in\b|emend\b\.?):?\s)"
_GROUP: Final = rf"(?>{_TEAM}(?:{_LINK}{_TEAM}){{0,2}}+)"


@cache
def _authorship() -> re.Pattern[str]:
    """Return the pattern of an authorship at the start of a text; made when it is needed, for it takes a while."""
    return re.compile(
        rf"(?P<basionym>(?>\(\s?\(?\s?{_GROUP}\s?\)(?:\s?\))?(?:,?\s?{_YEAR})?|\(\s?{_GROUP}(?!\s?\))|{_GROUP}\s?\)))?"
        rf"(?(basionym)\s?(?P<combination>{_GROUP})?|(?P<only>{_GROUP}))(?=\s|$|;|,)"
    )


@cache
def _pieces() -> re.Pattern[str]:
    """Return the pattern of the pieces of an authorship."""
    return re.compile(
        rf"(?P<year>{_YEAR})|(?P<link>{_LINK})|(?P<al>{_ET_AL})|(?P<separator>{_SEPARATOR})|(?P<author>{_AUTHOR})"
    )


_YEAR_NUMBER: Final = re.compile(_NUMBER)


def authorship_at(text: str, position: int) -> tuple[str, int, bool] | None:
    """Read an authorship.

    Parameters
    ----------
    text : str
        A name, single spaces.
    position : int
        Where the authorship would start.

    Returns
    -------
    (str, int, bool) or None
        The authorship in its form, where it ends, and whether it is no more than a group in brackets.
    """
    found = _authorship().match(text, position)
    if found is None:
        return None
    if found["only"] is not None:
        return _group(found["only"]), found.end(), False
    bracketed = re.match(rf"^\(?\s?\(?\s?(?P<group>.*?)\s?\)?\s?\)(?P<year>,?\s?{_YEAR})$", found["basionym"])
    stated = f"{bracketed['group']} {bracketed['year'].strip(', ')}" if bracketed else found["basionym"].strip("() ")
    if bracketed is None and re.search(rf"\({_NUMBER}[a-z]?\)?$", found["basionym"].rstrip(") ") + ")"):
        stated = re.sub(rf"\(({_NUMBER})", r"(\1)", stated)
    basionym = f"({_group(stated)})"
    combination = _group(found["combination"]) if found["combination"] else ""
    return f"{basionym} {combination}".strip(), found.end(), not combination


def _group(text: str) -> str:
    """Return authors, years and links in their form."""
    authors: list[str] = []
    separators: list[str] = []
    done: list[str] = []

    def close() -> None:
        if authors:
            done.append(_joined(authors, separators))
            authors.clear()
            separators.clear()

    position = 0
    text = text.strip()
    while position < len(text):
        piece = _pieces().match(text, position)
        if piece is None:  # a space between pieces
            position += 1
            continue
        position = piece.end()
        if piece["year"]:
            close()
            done.append(_year(piece["year"]))
        elif piece["link"]:
            close()
            word = piece["link"].strip(" ,:").rstrip(".")
            done.append("emend." if word == "emend" else word)
        elif piece["separator"]:
            separators.append(piece["separator"])
        else:
            authors.append(_author(piece["author"]) if piece["author"] else "et al.")
    close()
    return " ".join(done)


def _joined(authors: list[str], separators: list[str]) -> str:
    """Return a team of authors."""
    text = authors[0]
    for number, author in enumerate(authors[1:], start=1):
        stated = separators[number - 1] if number <= len(separators) else ","
        last = number == len(authors) - 1
        text += (" apud " if "apud" in stated else " & " if last else ", ") + author
    return text


def _year(text: str) -> str:
    """Return the first year, in brackets where it is not certain."""
    number = _YEAR_NUMBER.search(text)
    first = number.group() if number else text
    sure = not re.search(r"[\[(/?]|\d-\d", text) or ":" in text
    return first if sure else f"({first})"


def _author(stated: str) -> str:
    """Return one author."""
    if re.fullmatch(_ANONYMOUS, stated):
        return "anon."
    text = stated.replace("’", "'")
    et_al = re.search(_ET_AL + "$", text)
    if et_al:
        text = text[: et_al.start()]
    text = re.sub(r"(?<=\w)\.(?=[^\s.\-,'])", ". ", text)
    text = re.sub(r"\s(?:f\.|fil(?:ius)?\.?)$", " fil.", text)
    text = re.sub(r"\.(?=bis|ter)", ". ", text)
    words = [_lowered(word) for word in text.split()]
    return " ".join(words) + (" et al." if et_al else "")


def _lowered(word: str) -> str:
    """Return a surname stated in capitals with one; initials stay."""
    letters = [sign for sign in word if sign.isalpha()]
    if len(letters) > 2 and all(sign.isupper() for sign in letters):
        return re.sub(rf"(?<=[{UPPER}])[{UPPER}]+", lambda rest: rest.group().lower(), word)
    return word


def cited_form(authorship: str) -> str:
    """Return an authorship as it is cited: initials together, a comma before the year."""
    together = re.sub(rf"\. ?(?=[{UPPER}])", ".", authorship).replace(" fil.", "f.")
    return re.sub(r"(?<=[^\s,]) (?=\(?[12]\d{2}[\d?])", ", ", together)


# Whether two authorships can be the same: surnames, however shortened, and years.

_AUTHOR_YEAR: Final = re.compile(r"\b(1[789]\d\d|20\d\d)\b")
_SURNAME: Final = re.compile(r"[a-z]{2,}|\b[lh]\b")
_NO_SURNAMES: Final = frozenset(
    "et al and in ex the van von de der den du la le di da dos des fil anon auct nec non emend".split()
)


class Agreement(IntEnum):
    """How two authorships stand to each other."""

    CONFLICT = -1
    UNKNOWN = 0
    SAME = 1


@lru_cache(maxsize=1 << 16)
def agreement(one: str | None, other: str | None) -> Agreement:
    """Compare two authorships.

    Parameters
    ----------
    one, other : str, optional
        As stated: `(Linnaeus, 1758)`, `L.`, `C. H. Smith 1827`.

    Returns
    -------
    Agreement
        CONFLICT where no surname of the one can be one of the other, or the years are more than a year apart; UNKNOWN
        where one of both is not stated.
    """
    if not one or not other:
        return Agreement.UNKNOWN
    years = [set(_AUTHOR_YEAR.findall(text)) for text in (one, other)]
    if all(years) and not any(abs(int(a) - int(b)) <= 1 for a in years[0] for b in years[1]):
        return Agreement.CONFLICT
    surnames = [_surnames(text) for text in (one, other)]
    if not all(surnames):
        return Agreement.SAME if all(years) else Agreement.UNKNOWN
    near = any(a.startswith(b) or b.startswith(a) for a in surnames[0] for b in surnames[1])
    return Agreement.SAME if near else Agreement.CONFLICT


def agreements(pairs: pl.DataFrame, one: str, other: str) -> pl.Series:
    """Compare the authorships of many pairs, each distinct pair once.

    Returns
    -------
    polars.Series of int, length n
        Values of `Agreement`.
    """
    distinct = pairs.select(one, other).unique()
    values = [int(agreement(a, b)) for a, b in distinct.iter_rows()]
    table = distinct.with_columns(agreement=pl.Series(values, dtype=pl.Int8))
    return pairs.join(table, on=[one, other], how="left", maintain_order="left", nulls_equal=True)["agreement"]


def _surnames(text: str) -> set[str]:
    """Return the surnames in an authorship, small and without marks."""
    plain = unicodedata.normalize("NFD", text.lower().replace("ø", "o").replace("đ", "d").replace("ł", "l"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return set(_SURNAME.findall(letters)) - _NO_SURNAMES


class Issue(StrEnum):
    """What was odd about a name as stated."""

    REFUSED = "NAME_REFUSED"
    """No scientific name of a taxon: a virus in words, a plasmid, a barcode number, a placeholder, no name at all."""
    PARTLY_READ = "NAME_PARTLY_READ"
    """A part at the end could not be read, or is a note and no part of the name."""
    UNDETERMINED = "NAME_UNDETERMINED"
    """Determined to a genus or species only (sp., spp., aff., nr.), or by comparison (cf.)."""
    HYBRID_FORMULA = "NAME_HYBRID_FORMULA"
    """Names of parents, not of a taxon."""
    LOOKALIKES = "NAME_LOOKALIKE_LETTERS"
    """Letters of another alphabet that look like Latin ones stand inside a word."""
    INVISIBLE = "NAME_INVISIBLE_CHARACTERS"
    """Characters that cannot be seen: zero width, direction marks, soft hyphens."""
    MARKUP = "NAME_MARKUP"
    """Tags or entities of HTML."""
    BESIDE = "NAME_BESIDE_OTHER_SCRIPT"
    """A name in another script stands beside the Latin one."""
    PARSERS_DISAGREE = "NAME_PARSERS_DISAGREE"
    """gbif-name-parser reads other words as the name's parts."""


@dataclass(frozen=True, slots=True)
class NameText:
    """A name's text made ready to be taken apart.

    Attributes
    ----------
    text : str
        What is to be read, single spaces, × for the hybrid sign; empty where nothing is.
    issues : tuple of Issue
        What was taken off or is odd.
    """

    text: str
    issues: tuple[Issue, ...]


_INVISIBLE: Final = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
# Blocks from Hebrew to Tibetan, Burmese, Khmer, Chinese, Japanese, Korean; whole words of Greek or Cyrillic too.
_OTHER: Final = "\u0590-\u1095\u1200-\u12ff\u1780-\u17ff\u1980-\u19df\u2e80-\u9fff\ua960-\ua97f\uaa60-\uaa7f\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_OTHER_SCRIPTS: Final = re.compile(f"[(\\[（【]?[{_OTHER}][^A-Za-z×†]*")
_GREEK_OR_CYRILLIC: Final = re.compile(
    "(?<![A-Za-z])[\u0370-\u052f][\u0370-\u052f.’'-]*(?:\\s+[\u0370-\u052f][\u0370-\u052f.’'-]*)*(?![A-Za-z])"
)
_MIXED: Final = re.compile("[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,80}>")
_ENTITY: Final = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")

# Letters that look the same, from Unicode's confusables (https://www.unicode.org/Public/security/latest/confusables.txt).
_LOOKALIKES: Final = MappingProxyType(
    dict(
        zip(
            "АВЕЅІЈКМНОРСТУХЗԌаеѕіјорсухԁһԛԝӏкмнтвгΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαινρυκ",
            "ABESIJKMHOPCTYX3GaesijopcyxdhqwlkmHtBrABEZHIKMNOPTYXoaivpuk",
            strict=True,
        )
    )
)
_TO_LATIN: Final = str.maketrans(dict(_LOOKALIKES))

# What is no name of a taxon: viruses and their kin in words, plasmids, symbionts of hosts, nothing determined.
_VIRUS: Final = re.compile(
    r"(?:^|[\s\W])(?:[a-z0-9]*virus(?:es)?|ictv|(?:cyano|bacterio|viro)?phages?|(?:vector|viroid|particle|prion)s?"
    r"|[a-z0-9]*npv|(?:alpha|beta)?satellites?)(?=[\s\W]|$)",
    re.IGNORECASE,
)
_NOT_A_TAXON: Final = re.compile(
    r"^(?:not|none|un(?:n?amed|identified|known|determined))\b"
    r"|inc(?:\.|ertae)\s*sed(?:\.|is)\b|symbionts?\b|phytoplasma\b|\splasmids?\b|(?<![A-Z])(?-i:RNA)(?![A-Z])"
    r"|^(?:BOLD|SH)\s?:?[A-Z]*\d{4,}|\bDNA\b",
    re.IGNORECASE,
)
# "Navicula bacterium Frenguelli" is a diatom, "Acidobacteria bacterium" and "Candidatus … bacterium X1" are nobody.
_BACTERIUM: Final = re.compile(r"\s(?:cyano)?bacterium\b(?!\s\(?[A-Z][a-z]+\.?(?:$|[\s,)]))")
# A species may be called so, where an author and year follow; and a virus has a binomial since 2021 (ICVCN 3.21).
_CALLED_SO: Final = re.compile(r"^[A-Z][a-z]+(?: \([A-Z][a-z]+\))? [a-z]*(?:vector|prion|virus) \(?[A-Z].*\d{4}\)?$")
VIRUS_BINOMIAL: Final = re.compile(r"^([A-Z][a-z]+(?:virus|viroid|satellite|viriform)) ([A-Za-z0-9][A-Za-z0-9-]+)$")

# Notes that are no part of the name, with all that follows them.
_NOTES: Final = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"\s+(?:species\s+(?:group|complex)|group|complex|clade|authors?)\b.*$", re.IGNORECASE),
        (r"\s+(?:(?i:sero(?:var|type)|biovar|sensu|auctt?)|sec|near|str)\b\.?(?=\W|$).*$", 0),
        (r"\s+(?:strain|isolate|clone)\b.*$", 0),
        (r",?\s+\(?s\.?\s?(?:s\.|l\.|str\.|lat\.).*$", 0),
        (r",?\s+\(?(?:pro parte|p\.\s?p\.)\)?\s*$", re.IGNORECASE),
        (r",?\s+[\[(]?(?:nomen\s|nom\.|comb\.|stat\.|orth\.|hom\.).*$", re.IGNORECASE),
        (r"[,:]?\s+\(?(?:non|nec|not|fide|vide|of)\b[.\s].*$", 0),
        (r"\s+\(?(?:hort|ht)\b.*$", 0),
        (r"\s+(?:spec\.|nov\.?\s+spec|n\.\s?sp\.|sp\.\s?n(?:ov)?\.|gen\.\s?n(?:ov)?\.).*$", 0),
        (
            r",?\s+(?:var\.?|von|van|ined\.?|new|nudum|ssp\.?|subsp\.?|subgen\.?|hybrid|MS|ms|in litt\.?|in press)\??\s*$",
            0,
        ),
    )
)
# Hybrid signs written as a letter; a genus and its author joined by a hyphen; Candidatus, which is a status; a dagger.
_BETTER: Final = tuple(
    (re.compile(pattern), better)
    for pattern, better in (
        (r"^[†\s\"“]+(?=[A-Z×])", ""),
        (r"^[Xx](?=[A-ZÆŒÖ][a-z])", "×"),
        (r"(?:(?<=\s)|^)[Xx✕✖╳](?=\s|$)", "×"),
        (r"^([A-Z][a-z]+)-(?=[A-Z]\S+, \d{4}$)", r"\1 "),
        (r"^[\"'“‘]?Ca(?:ndidatus|\.)[\"'”’]? (?=[\"'“‘]?[A-Z])", ""),
    )
)
_MIHI: Final = re.compile(r"\s+mihi\b\.?")
WORDS: Final = frozenset(
    word.lower()
    for pattern in (_VIRUS, _NOT_A_TAXON, _BACTERIUM, _MIHI, *_NOTES, *(better for better, _ in _BETTER))
    for word in re.findall(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]", " ", pattern.pattern))
)
"""Every word that means something here: a text that has one is read word by word, also as a surname (Dna, Hybrid)."""


def ready(stated: str) -> NameText:
    """Make the text of a name ready.

    Parameters
    ----------
    stated : str
        The name as stated.

    Returns
    -------
    NameText
        Empty, with Issue.REFUSED, where the text is no name of a taxon.
    """
    issues: list[Issue] = []
    text = unicodedata.normalize("NFC", stated)
    if _INVISIBLE.search(text):
        issues.append(Issue.INVISIBLE)
        text = _INVISIBLE.sub("", text)
    text, found = _plain(text)
    issues += found
    if not text or _no_taxon(text):
        return NameText("", (*issues, Issue.REFUSED))
    # An underscore is a space where the text has no other: Elephas_maximus, but not "Oxalis barrelieri XXZ_21243".
    spaced = any(sign.isspace() for sign in stated)
    text = " ".join((text if spaced else text.replace("_", " ")).split())
    body = _MIHI.sub("", text)
    for note in _NOTES:
        body = note.sub("", body)
    if body != text:
        issues.append(Issue.PARTLY_READ)
    for pattern, better in _BETTER:
        body = pattern.sub(better, body)
    return NameText(body, tuple(issues))


def _plain(text: str) -> tuple[str, list[Issue]]:
    """Return the text without tags, entities, other scripts and look-alike letters, and what there was of them."""
    issues = []
    if _TAG.search(text) or _ENTITY.search(text):
        issues.append(Issue.MARKUP)
        text = html.unescape(_TAG.sub("", text))
    if text.isascii():
        return text.strip(), issues
    if _MIXED.search(text):
        issues.append(Issue.LOOKALIKES)
        text = text.translate(_TO_LATIN)
    latin = _GREEK_OR_CYRILLIC.sub(_kept_greek, _OTHER_SCRIPTS.sub(" ", text))
    if latin != text:
        issues.append(Issue.BESIDE)
    return latin.translate(_SAME_SIGN).strip(), issues


_SAME_SIGN: Final = str.maketrans(
    {"‐": "-", "‑": "-", "‒": "-", "–": "-", "，": ",", "（": "(", "）": ")", "＆": "&", "`": "'"}
)


def _kept_greek(word: re.Match[str]) -> str:
    """Return the letters that number varieties (var. β), and nothing for other words."""
    return word.group() if len(word.group().rstrip(".")) == 1 else " "


def _no_taxon(text: str) -> bool:
    """Return whether a text names no taxon."""
    if VIRUS_BINOMIAL.match(text):
        return bool(re.search(r" (?:sp|spp|type|like|isolate|strain|group)\b", text))
    if _NOT_A_TAXON.search(text) or _BACTERIUM.search(text):
        return True
    return bool(_VIRUS.search(text)) and not _CALLED_SO.match(text)
