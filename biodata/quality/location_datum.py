"""Tests of BDQ Core on the datum: its code, what is meant, and what is assumed where nothing is told."""

from typing import Final

import numpy as np
import polars as pl

from biodata.quality.datums import NOT_RECORDED, code_meant, is_code, largest_shift_m
from biodata.quality.location_place import PLACE
from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.numbers import BLANKS, number, value

_DEFAULT: Final = "defaultGeodeticDatum"
_EPSG: Final = ("https://epsg.org",)
_UNCERTAINTY: Final = "coordinateUncertaintyInMeters"


def _make_datum(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    rows = [
        (None, None) if text is None else (True, None) if is_code(text) else (False, code_meant(text))
        for text in frame["geodeticDatum"]
    ]
    return pl.DataFrame(rows, schema={"standard": pl.Boolean, "meant": pl.String}, orient="row")


DATUM: Final = Preparation(
    "geodeticDatum.read", ("geodeticDatum",), {"standard": pl.Boolean, "meant": pl.String}, _make_datum
)
"""Datums: whether they are EPSG's codes (or "not recorded"), and which code is meant where they are not."""


def _standard(arguments: Arguments) -> Answer:
    external = arguments.unavailable(*_EPSG) & arguments.filled("geodeticDatum")
    return Answer(DATUM.column("standard"), external=external)


def _standardised(arguments: Arguments) -> Answer:
    told = arguments.filled("geodeticDatum")
    return Answer(
        pl.when(told).then(pl.lit(value=True)),
        external=arguments.unavailable(*_EPSG) & told,
        proposals={"geodeticDatum": DATUM.column("meant")},
    )


def _make_widened(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    longitude, latitude = frame["place.longitude"], frame["place.latitude"]
    told = (longitude.is_not_null() & frame["geodeticDatum"].is_null()).arg_true().to_numpy()
    shift = np.zeros(frame.height, dtype=np.int64)
    shift[told] = largest_shift_m(longitude.gather(told).to_numpy(), latitude.gather(told).to_numpy())
    return pl.DataFrame({"shift_m": shift}).select(pl.when(pl.Series(shift > 0)).then("shift_m"))


_WIDENED: Final = Preparation(
    "widened",
    ("geodeticDatum", "place.longitude", "place.latitude"),
    {"shift_m": pl.Int64},
    _make_widened,
    distinct=False,
    needs=(PLACE,),
)


def _assumed(arguments: Arguments) -> Answer:
    empty = ~arguments.filled("geodeticDatum")
    uncertainty, shift = value(_UNCERTAINTY), _WIDENED.column("shift_m")
    wider = uncertainty + shift
    whole = wider == wider.round(0)
    # A whole number of metres stays one; else as many decimals as were told.
    text = pl.when(whole).then(wider.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(wider.cast(pl.String))
    widened = pl.when(empty & (uncertainty > 0) & shift.is_not_null()).then(text)
    return Answer(
        pl.lit(value=True),
        proposals={
            "geodeticDatum": pl.when(empty).then(arguments.parameter(_DEFAULT).str.strip_chars(BLANKS)),
            _UNCERTAINTY: widened,
        },
        filled_in=widened.is_null(),
    )


TESTS: Final = (
    Test(
        "VALIDATION_GEODETICDATUM_STANDARD",
        "7e0c0418-fe16-4a39-98bd-80e19d95b9d1",
        ("geodeticDatum",),
        f"Is the datum a code of EPSG for latitude and longitude in degrees, or {NOT_RECORDED!r}?",
        _standard,
        parameters={"sourceAuthority": "EPSG"},
        preparations=(DATUM,),
    ),
    Test(
        "AMENDMENT_GEODETICDATUM_STANDARDIZED",
        "0345b325-836d-4235-96d0-3b5caf150fc0",
        ("geodeticDatum",),
        "Which code of EPSG is meant?",
        _standardised,
        parameters={"sourceAuthority": "EPSG"},
        preparations=(DATUM,),
    ),
    Test(
        "AMENDMENT_GEODETICDATUM_ASSUMEDDEFAULT",
        "7498ca76-c4d4-42e2-8103-acacccbdffa7",
        ("geodeticDatum", _UNCERTAINTY),
        "What can be assumed where no datum is told, and how far off may the place be then?",
        _assumed,
        consulted=("decimalLatitude", "decimalLongitude"),
        parameters={_DEFAULT: "EPSG:4326"},
        preparations=(_WIDENED, number(_UNCERTAINTY)),
    ),
)
"""The tests of this file."""
