"""The text of a scientific name made ready: marks, tags, other scripts and notes taken off; what is no name refused."""

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Issue(StrEnum):
    """What was odd about a name as told."""

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


def ready(told: str) -> NameText:
    """Make the text of a name ready.

    Parameters
    ----------
    told : str
        The name as told.

    Returns
    -------
    NameText
        Empty, with Issue.REFUSED, where the text is no name of a taxon.
    """
    issues: list[Issue] = []
    text = unicodedata.normalize("NFC", told)
    if _INVISIBLE.search(text):
        issues.append(Issue.INVISIBLE)
        text = _INVISIBLE.sub("", text)
    text, found = _plain(text)
    issues += found
    if not text or _no_taxon(text):
        return NameText("", (*issues, Issue.REFUSED))
    # An underscore is a space where the text has no other: Elephas_maximus, but not "Oxalis barrelieri XXZ_21243".
    spaced = any(sign.isspace() for sign in told)
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
    """Tell whether a text names no taxon."""
    if VIRUS_BINOMIAL.match(text):
        return bool(re.search(r" (?:sp|spp|type|like|isolate|strain|group)\b", text))
    if _NOT_A_TAXON.search(text) or _BACTERIUM.search(text):
        return True
    return bool(_VIRUS.search(text)) and not _CALLED_SO.match(text)
