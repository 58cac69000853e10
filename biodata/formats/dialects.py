"""How a table of text is written (separator, quotes, line ends, found in its beginning), and what it may hold."""

from dataclasses import dataclass, replace
from typing import Final

SEPARATORS: Final = ("\t", ",", ";", "|")
"""What can part the fields of a table whose separator was not told."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table of text is written.

    Attributes
    ----------
    separator : str
        One ASCII character between fields.
    quote : str, optional
        The ASCII character around a field that may hold separators and line ends, doubled inside it; None where
        quotes are letters like others.
    line_end : str
        LF (a CR before it belongs to it), or CR in files of old Macintoshes.
    """

    separator: str = ","
    quote: str | None = '"'
    line_end: str = "\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text table may hold at most.

    Attributes
    ----------
    columns : int
        Columns of the heading.
    field_bytes : int
        UTF-8 bytes of one field.
    record_bytes : int
        UTF-8 bytes of one record.
    refusals : int
        Refused rows, after which the file is refused as a whole: its separator or its heading must be wrong.
    """

    columns: int = 2_000
    field_bytes: int = 1_000_000
    record_bytes: int = 8_000_000
    refusals: int = 100_000


def sniff(beginning: bytes, *, separator: str | None = None, told: Dialect | None = None) -> Dialect:
    """Find how a table is written.

    Parameters
    ----------
    beginning : bytes
        Its first block, UTF-8.
    separator : str, optional
        The separator, where it is known.
    told : Dialect, optional
        Separator and quote, where both are known; the line end is found in any case, since it is often told wrong.

    Returns
    -------
    Dialect
        The separator is the one that stands most often in the first line; a line without any is a single column.
        Quotes count, except in tab separated files where hardly any field is well quoted: GBIF's downloads do not
        quote, and a name may begin with a quotation mark there.
    """
    line_end = _line_end(beginning)
    if told is not None:
        return replace(told, line_end=line_end)
    first_line = beginning.partition(line_end.encode())[0].decode("utf-8", "replace")
    if separator is None:
        unquoted = "".join(first_line.split('"')[::2])
        separator = max(SEPARATORS, key=unquoted.count) if any(s in unquoted for s in SEPARATORS) else ","
    if separator == "\t" and not _quotes_are_syntax(beginning, first_line, line_end):
        return Dialect(separator, None, line_end)
    return Dialect(separator, '"', line_end)


def _line_end(beginning: bytes) -> str:
    """Return CR only where it ends the lines by itself; an LF inside a quoted field does not hide that."""
    returns = beginning.count(b"\r") - beginning.count(b"\r\n")
    feeds = beginning.count(b"\n")
    return "\r" if returns > 10 * feeds and b"\r\n" not in beginning else "\n"


def _quotes_are_syntax(beginning: bytes, first_line: str, line_end: str) -> bool:
    """Tell whether the fields that begin with a quote in a tab separated file also end with one."""
    if first_line.split("\t")[0] == "gbifID":  # GBIF writes its downloads without quotes
        return False
    if first_line.startswith('"'):
        return True
    lines = beginning[:200_000].decode("utf-8", "ignore").split(line_end)[1:-1]
    fields = [field.rstrip("\r") for line in lines for field in line.split("\t") if field.startswith('"')]
    closed = sum(len(field) > 1 and field.endswith('"') for field in fields)
    return bool(fields) and closed >= 0.9 * len(fields)  # the others may go on in the next line
