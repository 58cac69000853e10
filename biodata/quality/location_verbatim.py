"""Amendments of BDQ Core that read coordinates, depths and elevations out of their verbatim terms."""

import re
from typing import Final

import polars as pl

from biodata.quality import datums
from biodata.quality.heights import read_heights
from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.numbers import BLANKS
from biodata.text.coordinate_pairs import FIRST_ASSUMED, NOTHING, Pair, read_pair, read_two

_VERBATIM: Final = (
    "verbatimCoordinates",
    "verbatimLatitude",
    "verbatimLongitude",
    "verbatimCoordinateSystem",
    "verbatimSRS",
)
_READ: Final = pl.Schema({"latitude": pl.String, "longitude": pl.String, "datum": pl.String})
_NO_DEGREES: Final = re.compile(r"utm|mgrs|grid|metres|meters|easting|northing|gauss|lambert|mercator|网格|公里网")
_PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DECIMALS: Final = 7
"""Degrees of minutes and seconds are told to a centimetre."""
_AGREES_DEGREES: Final = 1e-4

Texts = tuple[str | None, ...]


def _make_read(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    rows = [_read(*(None if text is None else text.strip(BLANKS) for text in row)) for row in frame.iter_rows()]
    return pl.DataFrame(rows, schema=_READ, orient="row")


def _read(both: str | None, latitude: str | None, longitude: str | None, system: str | None, srs: str | None) -> Texts:
    """Return decimal latitude, longitude and datum that the verbatim terms tell; None three times where in doubt."""
    nothing = (None, None, None)
    datum = None if srs is None else srs if datums.is_code(srs) else datums.code_meant(srs)
    if (srs is not None and datum is None) or (system is not None and _NO_DEGREES.search(system.casefold())):
        return nothing
    apart = read_two(latitude, longitude) if latitude is not None and longitude is not None else NOTHING
    together = NOTHING if both is None else read_pair(both)
    if (both is not None and not _sure(together, may_be_swapped=True)) or (
        latitude is not None and longitude is not None and not _sure(apart, may_be_swapped=False)
    ):
        return nothing
    pair = apart if apart.latitude is not None else together
    if pair.latitude is None or pair.longitude is None or not _agree(pair, together, latitude, longitude):
        return nothing
    texts = [text for text in (latitude, longitude) if text] if pair is apart else re.split(r"[\s,;]+", both or "")
    return _decimal(pair.latitude, texts), _decimal(pair.longitude, texts), datum


def _sure(pair: Pair, *, may_be_swapped: bool) -> bool:
    """Tell whether a pair could not be read in another way; of one text the longitude may stand first."""
    allowed = {"PRESUMED_SWAPPED_COORDINATE"} if may_be_swapped else set()
    return pair.latitude is not None and pair.rule != FIRST_ASSUMED and set(pair.issues) <= allowed


def _agree(pair: Pair, together: Pair, latitude: str | None, longitude: str | None) -> bool:
    """Tell whether the pair agrees with the one text for both, and with a latitude or longitude that stands alone."""
    if pair.latitude is None or pair.longitude is None:
        return False
    if together.latitude is not None and together.longitude is not None:
        near = abs(together.latitude - pair.latitude) + abs(together.longitude - pair.longitude)
        if near > _AGREES_DEGREES:
            return False
    # One of the two with another text than the pair's own is read beside the pair's other one.
    if (latitude is None) != (longitude is None):
        alone = read_two(latitude or f"{pair.latitude}", longitude or f"{pair.longitude}")
        if alone.latitude is None or alone.longitude is None:
            return False
        return abs(alone.latitude - pair.latitude) + abs(alone.longitude - pair.longitude) <= _AGREES_DEGREES
    return True


def _decimal(degrees: float, texts: list[str]) -> str:
    """Return degrees as text: the digits that were told where they are plain degrees."""
    for text in texts:
        if _PLAIN.fullmatch(text) and float(text) == degrees:
            return text.lstrip("+")
    text = f"{degrees:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_VERBATIM_READ: Final = Preparation("verbatim_coordinates", _VERBATIM, dict(_READ), _make_read)


def _coordinates(arguments: Arguments) -> Answer:
    source = arguments.filled("verbatimCoordinates") | arguments.filled("verbatimLatitude", "verbatimLongitude")
    testable = ~arguments.any_filled("decimalLatitude", "decimalLongitude") & source
    datum = pl.when(~arguments.filled("geodeticDatum")).then(_VERBATIM_READ.column("datum"))
    return Answer(
        pl.when(testable).then(pl.lit(value=True)),
        proposals={
            "decimalLatitude": _VERBATIM_READ.column("latitude"),
            "decimalLongitude": _VERBATIM_READ.column("longitude"),
            "geodeticDatum": datum,
        },
        filled_in=True,
    )


def _heights(what: str, label: str, guid: str, *, below_zero: bool) -> Test:
    """Return the amendment that reads a depth or an elevation."""
    low, high, source = f"minimum{what}InMeters", f"maximum{what}InMeters", f"verbatim{what}"

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        rows = [
            (text is not None and read_heights(text.strip(BLANKS), below_zero=below_zero)) or (None, None)
            for text in frame[source]
        ]
        return pl.DataFrame(rows, schema={"low": pl.String, "high": pl.String}, orient="row")

    read = Preparation(f"{source}.read", (source,), {"low": pl.String, "high": pl.String}, make)

    def answer(arguments: Arguments) -> Answer:
        testable = ~arguments.any_filled(low, high) & arguments.filled(source)
        return Answer(
            pl.when(testable).then(pl.lit(value=True)),
            proposals={low: read.column("low"), high: read.column("high")},
            filled_in=True,
        )

    asks = f"Which {what.lower()} in metres is told in words?"
    return Test(label, guid, (low, high), asks, answer, consulted=(source,), preparations=(read,))


TESTS: Final = (
    Test(
        "AMENDMENT_COORDINATES_FROM_VERBATIM",
        "3c2590c7-af8a-4eb4-af57-5f73ba9d1f8e",
        ("decimalLatitude", "decimalLongitude", "geodeticDatum"),
        "Which coordinates do the verbatim terms tell?",
        _coordinates,
        consulted=_VERBATIM,
        preparations=(_VERBATIM_READ,),
    ),
    _heights(
        "Depth",
        "AMENDMENT_MINDEPTHMAXDEPTH_FROM_VERBATIM",
        "c5658b83-4471-4f57-9d94-bf7d0a96900c",
        below_zero=False,
    ),
    _heights(
        "Elevation",
        "AMENDMENT_MINELEVATIONMAXELEVATION_FROM_VERBATIM",
        "2d638c8b-4c62-44a0-a14d-fa147bf9823d",
        below_zero=True,
    ),
)
"""The tests of this file."""
