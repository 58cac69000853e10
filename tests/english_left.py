"""Whether a text in another language still holds English: names, codes, commands and Darwin Core terms are none."""

import re
from collections.abc import Iterable

from biodata.ingest.headings import LANGUAGES, TERMS

_TYPED = ("biodata survey answer", "biodata survey check", "biodata survey submit", "biodata account list",
          "biodata worker", "/surveys")  # fmt: skip
"""What somebody types, or opens in a browser, is the same in every language."""
OTHERS = [language for language in LANGUAGES if language != "en"]
_SCRIPTS = {"zh", "th", "lo", "km", "my"}
"""Languages whose words are not written in Latin letters."""
_ENGLISH = re.compile(
    r"\b(the|of|and|is|or|not|was|were|are|this|that|which|with|for|by|it|its|row|column|value|none|true|false|no|yes|known|"
    r"event|events|record|records|site|sites|told|found|effort|year|month|day|days|side|sides|species found|between|from|"
    r"new|changed|renamed|gone|unchanged|waits|accepted|refused|published|sender|reviewer|service|surveys)\b",
    re.IGNORECASE,
)
_NO_WORD = re.compile(
    r"`[^`]*`|--[\w-]+(?: exact)?|[\w.-]+\.\w{2,5}\b|https?://\S+|\b[A-Z][A-Z_0-9]+\b|\b[a-z]+[A-Z]\w+|\b\w*[_\d]\w*\b"
)


def english_in(text: str, language: str, names: Iterable[str] = ()) -> list[str]:
    """Return the English words that a text holds; `names` are what stands in the data, such as species."""
    known = sorted({*names, *TERMS, "Darwin Core", "biodata", *_TYPED}, key=len, reverse=True)
    told = re.sub(f"(?<![A-Za-z])(?:{'|'.join(map(re.escape, known))})(?![A-Za-z])", " ", text)
    told = _NO_WORD.sub(" ", told)
    if language in _SCRIPTS:
        return re.findall(r"[A-Za-z]{4,}|\b(?:to|of|at|in|is|or|and|for|no|not|the|by)\b", told)
    return _ENGLISH.findall(told)
