"""A block of a text table cut into records: whole columns at once where it is well formed, else field by field.

Polars reads a million rows a second but pads short rows without a word, fails a whole file for one long row, and takes
a field of any size. So the separators are counted here first, on the bytes; rows that do not fit are taken out, and
what is left is given to Polars, which then cannot go wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from biodata.errors import InputError, Refusal, shorten
from biodata.formats.dialects import Dialect, Limits
from biodata.formats.fields import split_fields
from biodata.formats.text import count_of

Positions = npt.NDArray[np.int64]

_CR: Final = ord("\r")
_BLANK: Final = b" \t\r\n"
_PIECE: Final = 1 << 17
"""Bytes that are compared at once, so that what comes of it stays in the processor's cache."""


@dataclass(slots=True)
class Cut:
    """What came out of a block.

    Attributes
    ----------
    frame : polars.DataFrame
        The records that have the right number of fields: `source_row` and the columns, in the file's order.
    refusals : list of Refusal
        The others.
    used_bytes : int
        How much of the block was used up; the rest is the beginning of the next record.
    lines : int
        Physical lines in what was used up.
    short, long : int
        Records whose last cells were left out, and records with empty cells behind the last column, where they are mended.
    """

    frame: pl.DataFrame
    refusals: list[Refusal] = field(default_factory=list)
    used_bytes: int = 0
    lines: int = 0
    short: int = 0
    long: int = 0


def cut(
    block: bytes,
    *,
    names: Sequence[str],
    dialect: Dialect,
    line: int,
    at_end: bool,
    file: str,
    limits: Limits,
    mended: bool = False,
) -> Cut:
    """Cut a block into records.

    Parameters
    ----------
    block : bytes
        UTF-8 that begins with a record; its last record may be incomplete.
    names : sequence of str
        The columns.
    dialect : Dialect
        How the table is written.
    line : int
        The physical line that the block begins with.
    at_end : bool
        Nothing follows, so that the last record needs no line end.
    file : str
        Named in refusals.
    limits : Limits
        What is too much.
    mended : bool
        A record that ends early has empty cells for the rest, and empty cells behind the last column are left out; else
        both are refused. Cells behind the last column that hold something are always refused: a separator inside a cell
        has moved the others.

    Returns
    -------
    Cut
        Values as they came, empty ones null. A record's row is the physical line that it begins in, also where a
        quoted field goes on over several; empty lines are no records.

    Raises
    ------
    InputError
        Where a field or a record is over the limit (FIELD_TOO_LONG, RECORD_TOO_LONG), or a quote is not closed
        (QUOTE_NOT_CLOSED), with the row.
    """
    if at_end and block and not block.endswith(dialect.line_end.encode()):
        block += dialect.line_end.encode()
    bytes_ = np.frombuffer(block, np.uint8)
    line_ends = _positions(bytes_, ord(dialect.line_end))
    # One sign is looked for ten times as fast as each of its places, or as two signs together.
    has_quotes = dialect.quote is not None and dialect.quote.encode() in block
    quotes = np.flatnonzero(bytes_ == ord(str(dialect.quote))) if has_quotes else np.empty(0, np.int64)
    # Polars leaves out a byte order mark, and a CR before a separator.
    before_separator = b"\r" in block and b"\r" + dialect.separator.encode() in block
    unlike = block.startswith(b"\xef\xbb\xbf") or before_separator
    if unlike or not _well_formed(bytes_, quotes, dialect):
        return _field_by_field(block, names, dialect, line, at_end, file, limits, mended=mended)
    even = None if quotes.size else _even(block, line_ends, names, dialect, line, limits)
    if even is not None:
        return even
    record_ends = line_ends[np.searchsorted(quotes, line_ends) % 2 == 0] if quotes.size else line_ends
    used = int(record_ends[-1]) + 1 if record_ends.size else 0
    starts = np.concatenate(([0], record_ends + 1))
    rows = line + np.searchsorted(line_ends, starts)
    if used < len(block) and (at_end or len(block) - used > limits.field_bytes):
        # Field by field finds what is too long, or that a quote is not closed.
        split_fields(block[used:], dialect, line=int(rows[-1]), at_end=at_end, file=file, limits=limits)
    starts, rows = starts[:-1], rows[:-1]
    separators = np.flatnonzero(bytes_[:used] == ord(dialect.separator))
    if quotes.size:
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    _check_lengths(separators, starts, record_ends, rows, file, limits)
    counts = np.diff(np.searchsorted(separators, record_ends), prepend=0) + 1
    lengths = record_ends - starts
    blank = (lengths == 0) | ((lengths == 1) & (bytes_[starts] == _CR)) if used else np.empty(0, bool)
    nul = _has_nul(block, starts, used)
    wrong = ~blank & ((counts != len(names)) | nul)
    tails: dict[int, int] = {}
    if mended:
        tails = _empty_tails(
            block, separators, starts, record_ends, np.flatnonzero(wrong & ~nul & (counts > len(names))), names, dialect
        )
        wrong &= nul | (counts > len(names))
        wrong[list(tails)] = False
    refusals = [
        _refusal(block[starts[i] : record_ends[i]], int(rows[i]), int(counts[i]), len(names), file)
        for i in np.flatnonzero(wrong)[: limits.refusals + 1]
    ]
    keep = ~(blank | wrong)
    good = block[:used]
    if not keep.all() or tails:
        kept = np.repeat(keep, lengths + 1)
        for number, start in tails.items():
            kept[start : record_ends[number]] = False
        good = bytes_[:used][kept].tobytes()
    short = int((keep & (counts < len(names))).sum())
    if short:
        # Polars learns how many columns there are from the first line: one that has all of them is put there for it.
        good = dialect.separator.encode() * (len(names) - 1) + dialect.line_end.encode() + good
    frame = _polars(good, names, dialect, quoted=bool(quotes.size)).slice(int(short > 0))
    frame.insert_column(0, pl.Series("source_row", rows[keep], pl.Int64))
    return Cut(frame, refusals, used, int(np.searchsorted(line_ends, used)), short, len(tails))


def _empty_tails(
    block: bytes,
    separators: Positions,
    starts: Positions,
    ends: Positions,
    numbers: Positions,
    names: Sequence[str],
    dialect: Dialect,
) -> dict[int, int]:
    """Return, of those of the records whose cells behind the last column are empty, where these cells begin."""
    first = np.searchsorted(separators, starts[numbers]) + len(names) - 1
    separator, quote = dialect.separator.encode(), (dialect.quote or "").encode()

    def is_empty(cell: bytes) -> bool:
        bare = cell.strip(_BLANK)
        quoted = quote and len(bare) > 1 and bare.startswith(quote) and bare.endswith(quote)
        return not (bare[1:-1].strip(_BLANK) if quoted else bare)

    return {
        int(number): int(at)
        for number, at in zip(numbers, separators[first], strict=True)
        if all(map(is_empty, block[at + 1 : ends[number]].split(separator)))
    }


def _positions(bytes_: npt.NDArray[np.uint8], wanted: int) -> Positions:
    """Return where a byte stands."""
    pieces = range(0, bytes_.size, _PIECE)
    found = [np.flatnonzero(bytes_[at : at + _PIECE] == wanted) + at for at in pieces]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _even(
    block: bytes,
    line_ends: Positions,
    names: Sequence[str],
    dialect: Dialect,
    line: int,
    limits: Limits,
) -> Cut | None:
    """Return the same as `cut` for lines without quotes, nothing amiss and as many fields in each; else None.

    Polars refuses a line that is too long. Where it does not, and all lines together have the separators that they
    should, none is too short either, and none is empty.
    """
    if not line_ends.size or len(names) < 2:
        return None
    used = int(line_ends[-1]) + 1
    longest = max(int(np.diff(line_ends, prepend=-1).max()) - 1, len(block) - used)
    if longest > limits.field_bytes or block.find(b"\x00", 0, used) >= 0:
        return None
    separators = count_of(memoryview(block)[:used], dialect.separator)
    if separators != line_ends.size * (len(names) - 1):
        return None
    try:
        frame = _polars(block[:used] if used < len(block) else block, names, dialect, quoted=False)
    except pl.exceptions.PolarsError:
        return None
    if frame.height != line_ends.size:
        return None
    rows = pl.Series("source_row", np.arange(line, line + frame.height), pl.Int64)
    return Cut(frame.insert_column(0, rows), [], used, frame.height)


def _well_formed(bytes_: npt.NDArray[np.uint8], quotes: Positions, dialect: Dialect) -> bool:
    """Tell whether every opening quote begins a field and every closing one ends it, doubled ones aside."""
    if not quotes.size:
        return True
    outside = [ord(dialect.separator), ord(dialect.line_end)]
    opening, closing = quotes[::2], quotes[1::2]
    before = bytes_[opening - 1]
    opens = np.isin(before, outside) | (opening == 0)
    opens[1:] |= closing[: opening.size - 1] == opening[1:] - 1
    closes = closing[:-1] if closing.size and closing[-1] == bytes_.size - 1 else closing
    after = bytes_[closes + 1]
    ends = np.isin(after, outside) | (after == ord(dialect.quote or ""))
    if dialect.line_end == "\n":
        ends |= (after == _CR) & (bytes_[np.minimum(closes + 2, bytes_.size - 1)] == ord("\n"))
    return bool(opens.all() and ends.all())


def _check_lengths(
    separators: Positions, starts: Positions, ends: Positions, rows: Positions, file: str, limits: Limits
) -> None:
    """Raise an error for the first field that is over the limit."""
    if not ends.size or int((ends - starts).max()) <= limits.field_bytes:
        return
    for start, end, row in zip(starts, ends, rows, strict=True):
        if end - start <= limits.field_bytes:
            continue
        inside = separators[np.searchsorted(separators, start) : np.searchsorted(separators, end)]
        longest = int(np.diff(np.concatenate(([start - 1], inside, [end]))).max()) - 1
        if longest > limits.field_bytes:
            problem = f"a field of {longest:,} bytes"
            raise InputError(
                problem, file=file, row=int(row), expected=f"at most {limits.field_bytes:,}", code="FIELD_TOO_LONG"
            )


def _has_nul(block: bytes, starts: Positions, used: int) -> npt.NDArray[np.bool_]:
    """Return for each record whether it holds a NUL."""
    result = np.zeros(starts.size, bool)
    if block.find(b"\x00", 0, used) >= 0:
        at = np.flatnonzero(np.frombuffer(block, np.uint8, used) == 0)
        result[np.searchsorted(starts, at, side="right") - 1] = True
    return result


def _refusal(record: bytes, row: int, count: int, expected: int, file: str) -> Refusal:
    """Return why a record cannot be taken."""
    value = shorten(record[:400].decode("utf-8", "ignore").rstrip("\r\n"))
    if b"\x00" in record:
        return Refusal(file, row, None, value.replace("\x00", "␀"), "ROW_HAS_NUL", "the row holds a NUL character")
    problem = f"{count} fields where the heading has {expected}"
    return Refusal(file, row, None, value, "ROW_FIELD_COUNT", problem)


def _polars(good: bytes, names: Sequence[str], dialect: Dialect, *, quoted: bool) -> pl.DataFrame:
    """Return well-formed records as a frame."""
    schema = dict.fromkeys(names, pl.String)
    if not good:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(
        good,
        has_header=False,
        schema=schema,
        separator=dialect.separator,
        quote_char=dialect.quote if quoted else None,
        eol_char=dialect.line_end,
        infer_schema=False,
    )
    # Polars keeps a quoted empty field apart from an empty one; here both say nothing.
    return frame.with_columns(pl.all().replace("", None)) if quoted else frame


def _field_by_field(
    block: bytes,
    names: Sequence[str],
    dialect: Dialect,
    line: int,
    at_end: bool,
    file: str,
    limits: Limits,
    *,
    mended: bool,
) -> Cut:
    """Return the same as `cut` for a block whose quotes are not well formed."""
    found = split_fields(block, dialect, line=line, at_end=at_end, file=file, limits=limits)
    good, rows, refusals = [], [], []
    short = long = 0
    for record in found.records:
        values, beyond = record.values[: len(names)], record.values[len(names) :]
        fits = not any(value.strip(_BLANK) for value in beyond) if mended else len(record.values) == len(names)
        if record.problem:
            value = shorten(record.raw.decode("utf-8", "ignore").rstrip("\r\n"))
            refusals.append(Refusal(file, record.row, None, value, "ROW_QUOTE_INVALID", record.problem))
        elif not fits or b"\x00" in record.raw:
            refusals.append(_refusal(record.raw, record.row, len(record.values), len(names), file))
        else:
            short, long = short + (len(values) < len(names)), long + bool(beyond)
            good.append([value.decode() or None for value in values] + [None] * (len(names) - len(values)))
            rows.append(record.row)
    frame = pl.DataFrame(good, schema=dict.fromkeys(names, pl.String), orient="row")
    frame.insert_column(0, pl.Series("source_row", rows, pl.Int64))
    return Cut(frame, refusals, found.used_bytes, found.lines, short, long)
