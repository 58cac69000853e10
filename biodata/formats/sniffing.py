"""How a table of text is written, found in its beginning."""

from dataclasses import replace
from typing import Final

from biodata.formats.dialects import Dialect, Limits
from biodata.formats.fields import split_fields

SEPARATORS: Final = ("\t", ",", ";", "|")
"""What can part the fields of a table whose separator was not told."""
_SEEN_BYTES: Final = 200_000


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
    end = beginning.find(line_end.encode())
    first_line = (beginning if end < 0 else beginning[:end]).decode("utf-8", "replace")
    if separator is None:
        unquoted = "".join(first_line.split('"')[::2])
        separator = max(SEPARATORS, key=unquoted.count) if any(s in unquoted for s in SEPARATORS) else ","
    if separator == "\t" and not _quotes_are_syntax(beginning, first_line, line_end):
        return Dialect(separator, None, line_end)
    return Dialect(separator, '"', line_end)


def _line_end(beginning: bytes) -> str:
    """Return CR only where it ends the lines by itself; an LF inside a quoted field does not hide that."""
    seen = beginning[:_SEEN_BYTES]
    if b"\r" not in seen and b"\n" not in seen:
        seen = beginning
    returns = seen.count(b"\r") - seen.count(b"\r\n")
    feeds = seen.count(b"\n")
    return "\r" if returns > 10 * feeds and b"\r\n" not in seen else "\n"


def _quotes_are_syntax(beginning: bytes, first_line: str, line_end: str) -> bool:
    """Tell whether the quotes of a tab separated file are there to be taken off."""
    if first_line.split("\t")[0] == "gbifID":  # GBIF writes its downloads without quotes
        return False
    seen = beginning[:_SEEN_BYTES]
    with_quotes, without = (_fitting(seen, Dialect("\t", quote, line_end)) for quote in ('"', None))
    if with_quotes != without:
        return with_quotes > without
    lines = seen.decode("utf-8", "ignore").split(line_end)
    fields = [field.rstrip("\r") for line in lines[:-1] for field in line.split("\t") if field.startswith('"')]
    return bool(fields) and all(len(field) > 1 and field.endswith('"') for field in fields)


def _fitting(beginning: bytes, dialect: Dialect) -> int:
    """Return how many records have as many fields as the heading."""
    records = split_fields(beginning, dialect, line=1, at_end=False, file="", limits=Limits()).records
    return sum(record.problem is None and len(record.values) == len(records[0].values) for record in records)
