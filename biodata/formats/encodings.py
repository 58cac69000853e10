"""The encoding of a file: the one that was declared, or the one under which its text is most plausible.

Detectors that are trained on web pages fail on herbarium labels (charset_normalizer takes a mac_roman file of the
region for cp775), and a wrong guess is silent. Here every candidate decodes the same bytes, and the text it gives is
scored letter by letter: how probable is this letter beside its neighbours in the languages of the region? The bytes
are the same, so that the sums can be compared.

Texts in legacy Vietnamese fonts (TCVN3, VNI) and in Lao, Khmer or Burmese font encodings cannot be told from Latin
text with accents; they must be converted before.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import log2
from types import MappingProxyType
from typing import BinaryIO, Final, NoReturn

from biodata.errors import InputError
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

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its first half
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that are no text (rot13, zip) or that hide characters from a check of the bytes (UTF-7).
_NOT_TAKEN: Final = frozenset({"utf-7", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_CONTROLS: Final = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1a\x1b")
_BINARY: Final = (
    (b"PK\x03\x04", "a zip archive or an .xlsx workbook"),
    (b"\xd0\xcf\x11\xe0", "an .xls workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"SQLite format 3\x00", "an SQLite file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_SAMPLE_FIELDS: Final = 2_000
_SAMPLE_FIELD_BYTES: Final = 400
_MOST: Final = 0.8
_SAMPLE_LINE_BYTES: Final = 64 << 10
_LINE_END: Final = re.compile(rb"[\r\n]")
# Bytes that no encoding here uses inside a character.
_IN_WORD: Final = re.compile("(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
_BETWEEN_FIELDS: Final = re.compile(rb"[\x00-\x1f,\"]+")


def known(name: str, *, file: str) -> str:
    """Return Python's name of a declared text encoding.

    Parameters
    ----------
    name : str
        The encoding as it was declared (`ISO-8859-1`, `windows-874`, `x-mac-roman`, `UTF8`).
    file : str
        Named in the error.

    Raises
    ------
    InputError
        If there is no text encoding of that name (code INPUT_ENCODING_UNKNOWN).
    """
    plain = name.strip().lower()
    plain = {"windows-874": "cp874", "windows-31j": "cp932", "macintosh": "mac_roman"}.get(plain, plain)
    for spelling in (plain, plain.removeprefix("x-")):
        try:
            codec = codecs.lookup(spelling)
        except (LookupError, ValueError):  # ValueError: a NUL in the name
            continue
        if getattr(codec, "_is_text_encoding", True) and codec.name not in _NOT_TAKEN:
            return codec.name
    problem = f"the encoding {name!r} is not known"
    raise InputError(
        problem, file=file, expected=f"one of {', '.join(CANDIDATES)}, utf-16, …", code="INPUT_ENCODING_UNKNOWN"
    )


def choose(sample: bytes, *, declared: str | None = None, file: str) -> str:
    """Choose the encoding of a text.

    A byte order mark decides, then what was declared, then plausibility.

    Parameters
    ----------
    sample : bytes
        The beginning of the text, or what `sample_of` took from all of it.
    declared : str, optional
        The encoding that somebody declared.
    file : str
        Named in the error.

    Returns
    -------
    str
        Python's name of the encoding; `utf-8` where every byte is ASCII. The mark is still in the text.

    Raises
    ------
    InputError
        If the declared encoding is not known (INPUT_ENCODING_UNKNOWN), or if the bytes are no text at all
        (INPUT_NOT_TEXT).
    """
    declared = known(declared, file=file) if declared else None
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return encoding
    for mark, what in _BINARY:
        if sample.startswith(mark):
            _refuse(what, file)
    if declared:
        return declared
    if encoding_without_mark := _utf16_without_mark(sample):
        return encoding_without_mark
    beginning = sample[:10_000]
    if len(beginning) - len(beginning.translate(None, _CONTROLS)) > 0.05 * len(beginning):
        _refuse("a binary file", file)
    if sample.isascii():
        return "utf-8"
    fields = _telling_fields(sample)
    if _surely_utf8(fields):
        return "utf-8"
    return max(CANDIDATES, key=lambda encoding: _score(fields, encoding))  # the first of equals


def sample_of(stream: BinaryIO, *, block_bytes: int = 1 << 20, enough_bytes: int = 1 << 18) -> bytes:
    """Return the beginning of a text and, from the rest of it, the lines that are not ASCII.

    Parameters
    ----------
    stream : binary file
        Is read from where it stands until enough was found, or to its end.
    block_bytes : int
        How much is read at once.
    enough_bytes : int
        How many bytes of lines that are not ASCII are enough.

    Returns
    -------
    bytes
        At most `block_bytes`, `enough_bytes` and a line.
    """
    block = stream.read(block_bytes)
    beginning, found, size, rest = block, [b""], 0, b""
    while block:
        if block.isascii() and rest.isascii():
            rest = b""  # whatever line goes on in the next block, its beginning tells nothing
        else:
            *lines, rest = _LINE_END.split(rest + block)
            for line in lines:
                if size < enough_bytes and not line.isascii():
                    found.append(line[:_SAMPLE_LINE_BYTES])
                    size += len(found[-1])
            rest = rest[:_SAMPLE_LINE_BYTES]
        if size >= enough_bytes:
            break
        block = stream.read(block_bytes)
    if len(beginning) == block_bytes:  # it may end inside a character
        beginning = beginning[: max(beginning.rfind(b"\n"), beginning.rfind(b"\r")) + 1] or beginning
    if size < enough_bytes and not rest.isascii():
        found.append(rest)
    return beginning + b"\n".join(found)


def _refuse(what: str, file: str) -> NoReturn:
    """Raise the error for pictures, workbooks, archives and other files whose bytes are no letters."""
    problem = f"this is {what}, not a table of text"
    raise InputError(problem, file=file, expected="a comma or tab separated text file", code="INPUT_NOT_TEXT")


def _utf16_without_mark(sample: bytes) -> str | None:
    """Return UTF-16's byte order where NULs stand on one side; stray NULs are no sign."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd + even > 0.05 * len(sample):  # separators and line ends alone are more
        if odd > 20 * even:
            return "utf-16-le"
        if even > 20 * odd:
            return "utf-16-be"
    return None


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
