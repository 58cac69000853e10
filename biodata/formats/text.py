"""A file of any encoding as blocks of UTF-8, with the row of the first byte that is no text."""

import codecs
import unicodedata
from collections.abc import Iterator
from itertools import chain, repeat
from typing import BinaryIO, Final

import numpy as np

from biodata.errors import InputError

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
