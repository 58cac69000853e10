"""Which encoding undeclared bytes are most plausible in, and whether another one is hardly less so.

Every candidate decodes the same bytes, and the text it gives is scored letter by letter (`plausibility`).
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.formats.plausibility import log_plausibility

CANDIDATES: Final = MappingProxyType(
    {
        "utf-8": 0.0,
        "cp1252": 0.0,
        "mac_roman": -1.0,
        "gb18030": 0.0,
        "big5": -1.0,
        "cp874": -1.0,
        "cp1258": -2.0,
        "cp932": -2.0,
        "cp850": -4.0,
    }
)
"""What undeclared text is tried as, with the logarithm of how much rarer than the first; latin-1 is part of cp1252."""
_AS_LIKELY: Final = 12.0
"""Another encoding is hardly less plausible where its logarithm is less than this below the best one's: of the texts of
tests/test_survey_encodings.py and of single words, none that was misread lay farther below."""
_SAMPLE_FIELDS: Final = 2_000
_SAMPLE_FIELD_BYTES: Final = 400
_MOST: Final = 0.8
# Bytes that no encoding here uses inside a character.
_IN_WORD: Final = re.compile("(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
_BETWEEN_FIELDS: Final = re.compile(rb"[\x00-\x1f,\"]+")


class Guess(NamedTuple):
    """An encoding that was guessed.

    Attributes
    ----------
    encoding : str
        The most plausible one.
    rival : str or None
        Another one that is hardly less so, and gives another text.
    """

    encoding: str
    rival: str | None


def guess(sample: bytes) -> Guess:
    """Return the most plausible encoding of a text that is not ASCII.

    Parameters
    ----------
    sample : bytes
        As for `encodings.choose`.
    """
    fields = _telling_fields(sample)
    if _surely_utf8(fields):
        return Guess("utf-8", None)
    scores = {encoding: _score(fields, encoding) for encoding in CANDIDATES}
    best = max(scores, key=lambda encoding: scores[encoding])  # the first of equals
    texts = [_decode(field, best) for field in fields]
    if best == "utf-8" and not any("\ufffd" in text for text in texts):
        return Guess(best, None)  # other encodings hardly ever have its form by chance
    near = (name for name in scores if name != best and scores[best] - scores[name] < _AS_LIKELY)
    rivals = [name for name in near if [_decode(field, name) for field in fields] != texts]
    return Guess(best, max(rivals, key=lambda name: scores[name], default=None))


def _telling_fields(sample: bytes) -> dict[bytes, float]:
    """Return the distinct fields that are not ASCII with their weight: a thousand times the same tells little more."""
    counts: Counter[bytes] = Counter()
    for field in _fields(sample):
        if field in counts or len(counts) < _SAMPLE_FIELDS:
            counts[field] += 1
    return {field: 1.0 + log2(count) for field, count in counts.items()}


def _fields(sample: bytes) -> Iterator[bytes]:
    """Yield the fields that are not ASCII, long ones cut."""
    start = 0
    for gap in _BETWEEN_FIELDS.finditer(sample):
        field, start = sample[start : gap.start()], gap.end()
        if not field.isascii():
            yield field[:_SAMPLE_FIELD_BYTES]
    if not sample[start:].isascii():
        yield sample[start:][:_SAMPLE_FIELD_BYTES]


def _score(fields: Mapping[bytes, float], encoding: str) -> float:
    """Return how plausible the fields are in an encoding."""
    return CANDIDATES[encoding] + sum(
        weight * log_plausibility(_decode(field, encoding)) for field, weight in fields.items()
    )


def _decode(field: bytes, encoding: str) -> str:
    """Return a field's text, without the last character where the field was cut in it."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(field, len(field) < _SAMPLE_FIELD_BYTES)


def _surely_utf8(fields: Mapping[bytes, float]) -> bool:
    """Tell whether most is UTF-8, and too much of it for another encoding to look like it by chance."""
    texts = {_decode(field, "utf-8"): weight for field, weight in fields.items()}
    valid = {text: weight for text, weight in texts.items() if "\ufffd" not in text}
    letters = [letter for text in valid for letter in text if letter > "\x7f"]
    # One letter alone is by chance two of another encoding, but hardly inside a Latin word.
    in_words = len(letters) == sum(len(_IN_WORD.findall(text)) for text in valid)
    enough = len(letters) > 2 or any(letter > "\u07ff" for letter in letters) or (letters and in_words)
    return bool(enough) and sum(valid.values()) >= _MOST * sum(fields.values())
