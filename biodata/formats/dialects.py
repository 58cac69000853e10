"""How a table of text is written (separator, quote, line end), and what it may hold."""

from dataclasses import dataclass


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
