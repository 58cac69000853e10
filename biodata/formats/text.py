"""A file of any encoding as blocks of UTF-8, with the row of the first byte that is no text."""

import codecs
import unicodedata
from collections.abc import Iterator
from itertools import chain, repeat
from typing import BinaryIO, Final

import numpy as np

from biodata.errors import InputError

_PIECE: Final = 1 << 20
"""How much a stream is asked for at once."""
_COMPARED: Final = 1 << 17
"""Bytes that are compared at once, so that what comes of it stays in the processor's cache."""
_LONGEST_LETTER: Final = 4


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
    """Yield the blocks of a file that is UTF-8 already, each to its last line end; without one, to its last letter."""
    # Read into the same memory again and again: fresh memory takes longer to be had than to be filled.
    buffer = bytearray(max(block_bytes, _LONGEST_LETTER))
    line, filled, at_end = 1, 0, False
    for size in _sizes(len(buffer)):
        with memoryview(buffer) as view:
            while not at_end and filled < size:
                count = stream.readinto(view[filled : min(filled + _PIECE, size)])  # type: ignore[attr-defined]
                at_end, filled = not count, filled + count
            end = buffer.rfind(b"\n", 0, filled) + 1 or buffer.rfind(b"\r", 0, filled) + 1
            block = bytes(view[: filled if at_end else end or filled])
            used = len(block)
            if not block.isascii():
                try:
                    _, used = codecs.utf_8_decode(block, "strict", at_end)
                except UnicodeDecodeError as error:
                    raise _wrong(error, line + _lines(block[: error.start]), file, "utf-8") from None
            view[: filled - used] = view[used:filled]
        filled -= used
        if used:
            block = block if used == len(block) else block[:used]
            line += _lines(block)
            yield block
        if at_end:
            return


def _sizes(block_bytes: int) -> Iterator[int]:
    """Yield how much to read next: a fifth, two fifths, … and then always the whole."""
    return chain((max(block_bytes * fifth // 5, _LONGEST_LETTER) for fifth in range(1, 5)), repeat(block_bytes))


def _last_letter(text: str) -> int:
    """Return where the last letter begins, which marks of the next block may belong to."""
    position = max(len(text) - 1, 0)
    while position and unicodedata.combining(text[position]):
        position -= 1
    return position


def _lines(text: bytes) -> int:
    """Return how many lines end in a text: by LF, or by CR where there is none."""
    return _count(text, b"\n") or _count(text, b"\r")


def _count(text: bytes, sign: bytes) -> int:
    """Return how often a sign stands in a text; three times as fast as the text's own `count`."""
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
