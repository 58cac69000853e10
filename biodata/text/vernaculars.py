"""Common names: each with its language, script, source and whether it is preferred; found by text in any language."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl

# Languages of common names stated by their script: what a tag claims against the letters that are there.
#
# Only what letters prove is changed. Thai, Lao and Khmer letters belong to one language of the region each; Burmese
# letters without those that Mon, Karen and Shan added are Burmese; kana are Japanese, hangul Korean. Chinese characters
# are simplified or traditional where one of their parts is (鸟 and 鳥) or a frequent one (亚
# and 亞), and else neither. Latin letters prove nothing but
# Vietnamese, by letters that no other language of the region has.

_BLOCKS: Final = (
    ("Thai", "\u0e00-\u0e7f"), ("Laoo", "\u0e80-\u0eff"), ("Tibt", "\u0f00-\u0fff"),
    ("Mymr", "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"), ("Hang", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"),
    ("Khmr", "\u1780-\u17ff\u19e0-\u19ff"), ("Tale", "\u1950-\u197f"), ("Talu", "\u1980-\u19df"),
    ("Lana", "\u1a20-\u1aaf"), ("Kana", "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f"),
    ("Hani", "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
    ("Yiii", "\ua000-\ua4cf"), ("Arab", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff"),
    ("Deva", "\u0900-\u097f"), ("Beng", "\u0980-\u09ff"), ("Taml", "\u0b80-\u0bff"), ("Cyrl", "\u0400-\u052f"),
    ("Grek", "\u0370-\u03ff\u1f00-\u1fff"),
    ("Latn", "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"),
)  # fmt: skip
_SCRIPTS: Final = tuple((script, re.compile(f"[{block}]")) for script, block in _BLOCKS)

# Languages of the region and its neighbours, and what their common names are written in; a language that is not here
# contradicts nothing.
_WRITTEN_IN: Final = MappingProxyType(
    {
        "th": ("Thai",), "lo": ("Laoo",), "km": ("Khmr",), "my": ("Mymr",), "shn": ("Mymr",), "mnw": ("Mymr",),
        "zh": ("Hani",), "yue": ("Hani",), "nan": ("Hani", "Latn"), "ja": ("Kana", "Hani"), "ko": ("Hang", "Hani"),
        "bo": ("Tibt",), "dz": ("Tibt",), "ii": ("Yiii",), "tdd": ("Tale",), "khb": ("Talu", "Lana"), "nod": ("Lana", "Thai"),
        "vi": ("Latn",), "ms": ("Latn", "Arab"), "id": ("Latn",), "fil": ("Latn",), "tl": ("Latn",), "tet": ("Latn",),
        "ceb": ("Latn",), "ilo": ("Latn",), "jv": ("Latn",), "su": ("Latn",), "iba": ("Latn",), "za": ("Latn",),
        "en": ("Latn",), "fr": ("Latn",), "de": ("Latn",), "es": ("Latn",), "pt": ("Latn",), "nl": ("Latn",),
        "it": ("Latn",), "la": ("Latn",), "ru": ("Cyrl",), "hi": ("Deva",), "ne": ("Deva",), "bn": ("Beng",), "ta": ("Taml",),
    }
)  # fmt: skip
# ISO 639-2 and -3 codes, words, and codes of countries that stand where a language should.
_SAME: Final = MappingProxyType(
    {
        "tha": "th", "thai": "th", "lao": "lo", "laotian": "lo", "khm": "km", "khmer": "km", "cambodian": "km",
        "mya": "my", "bur": "my", "burmese": "my", "zho": "zh", "chi": "zh", "cmn": "zh", "chinese": "zh",
        "mandarin": "zh", "vie": "vi", "vietnamese": "vi", "msa": "ms", "may": "ms", "zsm": "ms", "malay": "ms",
        "ind": "id", "indonesian": "id", "tgl": "tl", "tagalog": "tl", "filipino": "fil", "tetum": "tet", "eng": "en",
        "english": "en", "fra": "fr", "fre": "fr", "french": "fr", "deu": "de", "ger": "de", "german": "de",
        "spa": "es", "spanish": "es", "por": "pt", "portuguese": "pt", "jpn": "ja", "japanese": "ja", "kor": "ko",
        "korean": "ko", "rus": "ru", "russian": "ru", "bod": "bo", "tib": "bo", "tibetan": "bo", "lat": "la", "latin": "la",
        "中文": "zh", "汉语": "zh", "简体中文": "zh-Hans", "繁體中文": "zh-Hant", "ไทย": "th", "ລາວ": "lo", "ខ្មែរ": "km",
        "မြန်မာ": "my", "tiếng việt": "vi", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans", "zh-tw": "zh-Hant", "zh-hk": "zh-Hant",
        "zh-mo": "zh-Hant", "zh-hans": "zh-Hans", "zh-hant": "zh-Hant",
    }
)  # fmt: skip
# No languages at all: country codes. (la is Latin, my is Burmese, id is Indonesian and th is Thai: they are languages.)
_COUNTRIES: Final = frozenset({"mm", "kh", "vn", "cn", "jp", "ph", "mo", "hk", "bn"})
_BY_SCRIPT: Final = MappingProxyType(
    {"Thai": "th", "Laoo": "lo", "Khmr": "km", "Kana": "ja", "Hang": "ko", "Yiii": "ii"}
)

# Letters that Mon, Karen, Shan and others added to those of Burmese.
_NOT_BURMESE: Final = re.compile("[\u1028\u1033-\u1035\u105a-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]")
_VIETNAMESE: Final = re.compile("[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
# Unicode's first block sorts characters by their radical; the simplified form of one follows the traditional one.
_TRADITIONAL: Final = re.compile(
    "[\u898b-\u89c0\u8c9d-\u8d1c\u8ecb-\u8f65\u9580-\u95e7\u97cb-\u97e5\u9801-\u9874\u98a8-\u98cd\u99ac-\u9a6b"
    "\u9b5a-\u9c7b\u9ce5-\u9e1d\u9f52-\u9f7e亞東華廣龍龜獅雞樹蘭蘆藍獺長麗獼懶灣島貓豬國點]"
)
_SIMPLIFIED: Final = re.compile(
    "[\u7e9f-\u7f35\u89c1-\u89d1\u8ba0-\u8c36\u8d1d-\u8d63\u8f66-\u8f9a\u9485-\u9576\u95e8-\u961b\u97e6-\u97ec"
    "\u9875-\u98a7\u98ce-\u98da\u9963-\u9995\u9a6c-\u9aa7\u9c7c-\u9ce4\u9e1f-\u9e74\u9f7f-\u9f8b"
    "亚东华广龙龟狮鸡树兰芦蓝獭长丽猕懒岛]"
)
_TAG: Final = re.compile(r"^[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?$")


@dataclass(frozen=True, slots=True)
class Language:
    """What language a name is in.

    Attributes
    ----------
    tag : str
        BCP 47; `und` where it is not known, `und-Latn` where only the script is.
    script : str, optional
        ISO 15924 (`Thai`, `Hani`); None where the name has no letters or several scripts.
    changed : bool
        True where the stated tag is no language, or one that is not written so.
    """

    tag: str
    script: str | None
    changed: bool


def script_of(name: str) -> str | None:
    """Return the ISO 15924 code of a name's script; kana decide over Chinese characters; None for none or several."""
    found = {script for script, pattern in _SCRIPTS if pattern.search(name)}
    if "Kana" in found:
        found -= {"Hani"}
    return found.pop() if len(found) == 1 else None


def language_of(name: str, text: str | None) -> Language:
    """Return the language of a common name.

    Parameters
    ----------
    name : str
        The name.
    text : str, optional
        The language as stated: BCP 47, ISO 639, or a word.

    Returns
    -------
    Language
    """
    name = unicodedata.normalize("NFC", name)
    script, tag = script_of(name), _tag(text)
    if script is None:
        return Language(tag or "und", None, changed=text is not None and tag is None)
    primary = (tag or "und").split("-")[0]
    written_in = _WRITTEN_IN.get(primary, (script,))
    said = tag.split("-")[1:2] if tag else []
    fits = script in written_in or script in said
    if tag is None or primary == "und" or not fits or (primary == "my" and _NOT_BURMESE.search(name)):
        return Language(_by_script(name, script), script, changed=bool(text) and _primary(text) != "und")
    if primary == "zh" and script == "Hani":
        proven = _chinese(name)
        wrong = proven is not None and "-" in tag and not tag.startswith(proven)
        return Language(proven or tag, script, changed=wrong)
    return Language(tag, script, changed=False)


def _primary(text: str | None) -> str:
    """Return the first part of a tag as stated, small."""
    return (text or "").strip().lower().replace("_", "-").split("-")[0]


def _tag(text: str | None) -> str | None:
    """Return a stated language as BCP 47; None for none and for what is no language."""
    small = (text or "").strip().lower().replace("_", "-")
    tag = _SAME.get(small, small)
    if not tag or small in _COUNTRIES or not _TAG.match(tag.lower()):
        return None
    parts = tag.split("-")
    return "-".join([_SAME.get(parts[0], parts[0]), *(p.title() if len(p) == 4 else p.upper() for p in parts[1:])])


def _by_script(name: str, script: str) -> str:
    """Return the language that the letters prove, else `und` with their script."""
    if script == "Hani":  # traditional characters are Japanese and Korean ones too
        return {"zh-Hans": "zh-Hans", "zh-Hant": "und-Hant"}.get(_chinese(name) or "", "und-Hani")
    if script == "Mymr" and not _NOT_BURMESE.search(name):
        return "my"
    if script == "Latn" and _VIETNAMESE.search(name):
        return "vi"
    return _BY_SCRIPT.get(script, f"und-{script}")


def _chinese(name: str) -> str | None:
    """Return zh-Hans or zh-Hant where characters prove one and none proves the other."""
    simplified, traditional = bool(_SIMPLIFIED.search(name)), bool(_TRADITIONAL.search(name))
    if simplified == traditional:
        return None
    return "zh-Hans" if simplified else "zh-Hant"


FOUND: Final = pl.Schema(
    [
        ("checklist", pl.String), ("taxon_id", pl.String), ("scientificName", pl.String), ("name", pl.String),
        ("language", pl.String), ("script", pl.String), ("preferred", pl.Boolean), ("source", pl.String),
    ]
)  # fmt: skip

_UNSURE: Final = MappingProxyType({"zh": ("und-hani", "und-hant"), "zh-hant": ("und-hant",)})
"""Names of which only the characters are known, found under these languages too."""


def read(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each stated name its language.

    Parameters
    ----------
    entries : iterable of dict
        `name`, and where stated `language`, `preferred` (bool), `source`.

    Returns
    -------
    list of dict
        `name`, `language` (BCP 47), `script` (ISO 15924 or null), `preferred`, `source`, and `told_language` where the
        script shows that it was another. Each name once a language, the preferred ones first.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in entries:
        name = " ".join(unicodedata.normalize("NFC", one["name"]).split())
        language = language_of(name, one.get("language"))
        row: dict[str, Any] = {
            "name": name, "language": language.tag, "script": language.script, "preferred": bool(one.get("preferred")),
            "source": one.get("source"),
        }  # fmt: skip
        if language.changed:
            row["told_language"] = one.get("language")
        known = found.setdefault((name.casefold(), language.tag), row)
        known["preferred"] = known["preferred"] or row["preferred"]
        known["source"] = known["source"] or row["source"]
    return sorted(found.values(), key=lambda row: not row["preferred"])


def preferred(names: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return one name a language: the preferred one, else the first."""
    chosen: dict[str, str] = {}
    for row in sorted(names, key=lambda row: not row["preferred"]):
        chosen.setdefault(row["language"], row["name"])
    return chosen


def search_vernacular(taxa: pl.DataFrame, text: str, language: str | None = None) -> pl.DataFrame:
    """Find common names that hold a text.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    text : str
        What is looked for; letter case and, in Latin letters, marks above and below do not matter (`khi vang` finds
        `Khỉ vàng`).
    language : str, optional
        BCP 47; `zh` also finds zh-Hans, zh-Hant and names of which only the Chinese characters are known.

    Returns
    -------
    polars.DataFrame
        Columns of FOUND: one row a name; whole names before parts, preferred names first.
    """
    wanted = folded(text)
    rows = []
    described = taxa.drop_nulls("vernacular_details")
    for checklist, taxon, scientific, details in described.select(
        "checklist", "taxon_id", "scientificName", "vernacular_details"
    ).iter_rows():
        for name in orjson.loads(details):
            plain = folded(name["name"])
            if wanted and wanted in plain and _is(name["language"], language):
                entries = (name["name"], name["language"], name["script"], name["preferred"], name["source"])
                rows.append((plain != wanted, not name["preferred"], (checklist, taxon, scientific, *entries)))
    rows.sort(key=lambda row: (row[0], row[1], [str(cell) for cell in row[2]]))
    return pl.DataFrame([row[2] for row in rows], schema=FOUND, orient="row")


def _is(found: str, wanted: str | None) -> bool:
    """Return whether a language is the wanted one, or a kind of it."""
    if wanted is None:
        return True
    small, other = wanted.lower(), found.lower()
    return other == small or other.startswith(f"{small}-") or other in _UNSURE.get(small, ())


def folded(text: str) -> str:
    """Return a text for comparison: small, single spaces, Latin letters without marks."""
    apart = unicodedata.normalize("NFD", " ".join(text.casefold().replace("đ", "d").split()))
    kept = []
    latin = False
    for sign in apart:
        if not unicodedata.combining(sign):
            latin = sign.isascii()
        elif latin:
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))
