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
import unicodedata
from collections.abc import Iterator
from itertools import chain, repeat
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple, NoReturn

import numpy as np

from biodata.core.errors import InputError
from biodata.formats.encoding_guesses import CANDIDATES, guess

_NAMES: Final = MappingProxyType(
    {
        "cp1252": "windows-1252", "cp874": "windows-874", "cp1258": "windows-1258", "cp932": "windows-31j",
        "mac_roman": "macintosh",
    }
)  # fmt: skip
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
_SAMPLE_LINE_BYTES: Final = 64 << 10
_LINE_END: Final = re.compile(rb"[\r\n]")


class Choice(NamedTuple):
    """The encoding of a text.

    Attributes
    ----------
    encoding : str
        Python's name of it.
    guessed : bool
        True where neither a mark, nor a declaration, nor the form of UTF-8 tells it.
    rival : str or None
        Another one that is hardly less plausible.
    """

    encoding: str
    guessed: bool = False
    rival: str | None = None

    @property
    def name(self) -> str:
        """What the encoding is called elsewhere; it can be declared so."""
        return _NAMES.get(self.encoding, self.encoding)


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
    return chosen(sample, declared=declared, file=file).encoding


def chosen(sample: bytes, *, declared: str | None = None, file: str) -> Choice:
    """Choose the encoding of a text, and say how; parameters and errors as for `choose`."""
    declared = known(declared, file=file) if declared else None
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return Choice(encoding)
    for mark, what in _BINARY:
        if sample.startswith(mark):
            _refuse(what, file)
    if declared:
        return Choice(declared)
    if encoding_without_mark := _utf16_without_mark(sample):
        return Choice(encoding_without_mark)
    beginning = sample[:10_000]
    if len(beginning) - len(beginning.translate(None, _CONTROLS)) > 0.05 * len(beginning):
        _refuse("a binary file", file)
    if sample.isascii():
        return Choice("utf-8")
    found = guess(sample)
    return Choice(found.encoding, found.encoding != "utf-8", found.rival)


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


# A file of any encoding as blocks of UTF-8, with the row of the first byte that is no text.
_COMPARED: Final = 1 << 17
"""Bytes that are compared at once, so that what comes of it stays in the processor's cache."""
_LONG_LINE: Final = 1 << 20
"""Bytes that the rest of a line is looked for in."""


def utf8_blocks(stream: BinaryIO, *, encoding: str, file: str, block_bytes: int = 16 << 20) -> Iterator[bytes]:
    """Yield the text of a file as UTF-8.

    Parameters
    ----------
    stream : binary file
        Read from where it stands; its blocks may end anywhere, also inside a character.
    encoding : str
        Python's name of the encoding; a byte order mark at the beginning is left out.
    file : str
        Named in the error.
    block_bytes : int
        How much is read at once; the first blocks are smaller, so that what works on them side by side starts early.

    Yields
    ------
    bytes
        UTF-8, up to `block_bytes` long; characters are never cut.

    Raises
    ------
    InputError
        At the first byte that is not in the encoding, with its row: the lines before it, counted by LF or, in a block
        without any, by CR (code INPUT_ENCODING_WRONG).

    Notes
    -----
    windows-1258 writes a Vietnamese tone as a character of its own after the vowel; that is put together again
    (Unicode's NFC), since it says nothing of the text.
    """
    blocks = (
        _checked_utf8(stream, file, block_bytes)
        if encoding in {"utf-8", "utf-8-sig"}
        else _transcoded(stream, encoding, file, block_bytes)
    )
    for number, block in enumerate(blocks):
        yield block.removeprefix(codecs.BOM_UTF8) if number == 0 else block


def _transcoded(stream: BinaryIO, encoding: str, file: str, block_bytes: int) -> Iterator[bytes]:
    """Yield the blocks of a file in another encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, held_back = 1, ""
    at_end = False
    sizes = _sizes(block_bytes)
    while not at_end:
        block = stream.read(next(sizes))
        at_end = not block
        try:
            text = decoder.decode(block, at_end)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "ignore") if error.start else ""
            raise _wrong(error, line + _lines(before.encode("utf-8", "ignore")), file, encoding) from None
        if encoding == "cp1258":
            text = held_back + text
            cut = len(text) if at_end else _last_letter(text)
            text, held_back = unicodedata.normalize("NFC", text[:cut]), text[cut:]
        if text:
            out = text.encode("utf-8")
            line += _lines(out)
            yield out


def _checked_utf8(stream: BinaryIO, file: str, block_bytes: int) -> Iterator[bytes]:
    """Yield the blocks of a file that is UTF-8 already, cut between characters."""
    rest, line = b"", 1
    for block in _to_line_ends(stream, block_bytes):
        block = rest + block if rest else block
        used = len(block)
        if not block.isascii():
            try:
                _, used = codecs.utf_8_decode(block, "strict", False)
            except UnicodeDecodeError as error:
                raise _wrong(error, line + _lines(block[: error.start]), file, "utf-8") from None
        block, rest = block[:used], block[used:]
        line += _lines(block)
        yield block
    if rest:
        cut_short = UnicodeDecodeError("utf-8", rest, 0, len(rest), "unexpected end of data")
        raise _wrong(cut_short, line, file, "utf-8")


def _to_line_ends(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Yield a stream's blocks, each with the rest of its last line, unless that is very long."""
    # To copy a block once more takes as long as to split it into lines, so where it ends is known before it is read.
    can_look_ahead = stream.seekable()
    for size in _sizes(block_bytes):
        if can_look_ahead:
            start = stream.tell()
            stream.seek(start + size)
            stream.readline(min(block_bytes, _LONG_LINE))
            size = stream.tell() - start
            stream.seek(start)
            block = stream.read(size)
        else:
            block = stream.read(size)
            block += stream.readline(min(block_bytes, _LONG_LINE))
        if not block:
            return
        yield block


def _sizes(block_bytes: int) -> Iterator[int]:
    """Yield how much to read next: a fifth, two fifths, … and then always the whole."""
    return chain((max(block_bytes * fifth // 5, 1) for fifth in range(1, 5)), repeat(block_bytes))


def _last_letter(text: str) -> int:
    """Return where the last letter begins, which marks of the next block may belong to."""
    position = max(len(text) - 1, 0)
    while position and unicodedata.combining(text[position]):
        position -= 1
    return position


def _lines(text: bytes) -> int:
    """Return how many lines end in a text: by LF, or by CR where there is none."""
    return count_of(text, "\n") or count_of(text, "\r")


def count_of(text: bytes | memoryview, sign: str) -> int:
    """Return how often an ASCII sign stands in a text; three times as fast as the text's own `count`."""
    codes, pieces = np.frombuffer(text, np.uint8), range(0, len(text), _COMPARED)
    return sum(int(np.count_nonzero(codes[at : at + _COMPARED] == ord(sign))) for at in pieces)


def _wrong(error: UnicodeDecodeError, row: int, file: str, encoding: str) -> InputError:
    """Return the error for a byte that is not in the encoding."""
    found = error.object[error.start : error.end][:8].hex(" ").upper()
    return InputError(
        f"the bytes {found} are not {encoding}",
        file=file,
        row=row,
        expected="save the file in one encoding throughout, or name the right one (encoding=…)",
        code="INPUT_ENCODING_WRONG",
    )
