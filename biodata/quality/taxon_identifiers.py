"""Identifiers of names: which are complete, and which of them mean a taxon of GBIF."""

import re
from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Context, Preparation, Test

# RFC 8141: a namespace of 2 to 32 letters, digits and hyphens, and something in it. An LSID is one of them.
_URN: Final = re.compile(
    r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:[A-Za-z0-9()+,\-.:=@;$_!*'&~%][A-Za-z0-9()+,\-.:=@;$_!*'&~%/?#]*",
    re.ASCII | re.IGNORECASE,
)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s/?#\x00-\x20]+/[^\s?#\x00-\x20]+[^\s\x00-\x20]*")
_SCOPED: Final = re.compile(
    r"(?!(?:urn|https?|ftp|file|mailto):)[A-Za-z][A-Za-z0-9_.\-]*:(?!/)[^\s\x00-\x20]+", re.IGNORECASE
)
_GBIF: Final = re.compile(
    r"(?:gbif:|https?://(?:api|www)\.gbif\.org/(?:v1/)?species/)([1-9][0-9]{0,11})", re.ASCII | re.IGNORECASE
)
_PRINTED: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u2060\ufeff]*")


def is_complete(text: str) -> bool:
    """Tell whether an identifier says whose it is.

    Parameters
    ----------
    text : str
        The identifier as told; white space or control characters make it invalid.

    Returns
    -------
    bool
        True for an LSID or another URN, a URI with host and path, or `scope:value`.
    """
    if not _PRINTED.fullmatch(text):
        return False
    return any(pattern.fullmatch(text) for pattern in (_URN, _URI, _SCOPED))


def gbif_key(text: str) -> int | None:
    """Return the key of a taxon of GBIF that an identifier means: `gbif:8102122`, or the address of its page."""
    match = _GBIF.fullmatch(text)
    return int(match[1]) if match else None


def _read(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    told = frame["scientificNameID"].to_list()
    rows = [(None, None) if text is None else (is_complete(text), gbif_key(text)) for text in told]
    return pl.DataFrame(rows, schema={"complete": pl.Boolean, "gbif_key": pl.Int64}, orient="row")


IDENTIFIER: Final = Preparation(
    "scientificNameID.read", ("scientificNameID",), {"complete": pl.Boolean, "gbif_key": pl.Int64}, _read
)
"""`complete`, whether the identifier says whose it is; `gbif_key`, the taxon of GBIF that it means."""


def _complete(_: Arguments) -> Answer:
    return Answer(IDENTIFIER.column("complete"))


TESTS: Final = (
    Test(
        "VALIDATION_SCIENTIFICNAMEID_NOTEMPTY",
        "401bf207-9a55-4dff-88a5-abcd58ad97fa",
        ("scientificNameID",),
        "Is there an identifier of the name?",
        lambda arguments: Answer(arguments.filled("scientificNameID")),
    ),
    Test(
        "VALIDATION_SCIENTIFICNAMEID_COMPLETE",
        "6eeac3ed-f691-457f-a42e-eaa9c8a71ce8",
        ("scientificNameID",),
        "Does the identifier of the name say whose it is?",
        _complete,
        preparations=(IDENTIFIER,),
    ),
)
"""The tests of the identifier's form."""
