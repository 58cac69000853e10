"""Tests of BDQ Core on the datum: its code, what is meant, and what is assumed where nothing is told."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core.geo import Floats
from biodata.quality.location_place import PLACE
from biodata.quality.model import BLANKS, Answer, Arguments, Context, Preparation, number, test, value
from biodata.text.tables import read_rows

# Codes and names of the EPSG dataset for datums, ellipsoids and geographic systems, from PROJ's database.

NOT_RECORDED: Final = "not recorded"
_PER_DEGREE: Final = 5
_CODE: Final = re.compile(r"EPSG:(\d{4,6})")
_LOOSE_CODE: Final = re.compile(
    r"(?:(?:epsg|urn:ogc:def:(?:crs|datum|ellipsoid):epsg|https?://www\.opengis\.net/def/crs/epsg|crs)[\s:./_-]*[\d.]*"
    r"[\s:./_-]*)?(\d{4,6})",
    re.IGNORECASE,
)


@cache
def codes() -> frozenset[str]:
    """Return the codes (without authority) of datums, ellipsoids and systems of latitude and longitude in degrees."""
    from pyproj.database import get_codes
    from pyproj.enums import PJType

    kinds = (PJType.GEODETIC_REFERENCE_FRAME, PJType.DYNAMIC_GEODETIC_REFERENCE_FRAME, PJType.DATUM_ENSEMBLE,
             PJType.ELLIPSOID)  # fmt: skip
    found = {code for kind in kinds for code in get_codes("EPSG", kind, allow_deprecated=True)}
    return frozenset(found | geographic_codes())


@cache
def geographic_codes() -> frozenset[str]:
    """Return the codes of systems of latitude and longitude in degrees."""
    from pyproj.database import get_codes
    from pyproj.enums import PJType

    listed = get_codes("EPSG", PJType.GEOGRAPHIC_2D_CRS, allow_deprecated=True)
    return frozenset(code for code in listed if code not in _IN_GRADS)


# Systems whose axes are graduated in grads, found by asking PROJ for the unit of every one.
_IN_GRADS: Final = frozenset({"4807", "4810", "4811", "4816", "4819", "4821", "4901", "4902"})


def is_code(text: str) -> bool:
    """Tell whether a text is a code as it must be written (EPSG:4326), or says that nothing was recorded."""
    match = _CODE.fullmatch(text)
    return text == NOT_RECORDED or (match is not None and match[1] in codes())


def code_meant(text: str) -> str | None:
    """Return the code that a text means: a code written otherwise, or the name of a system, a datum or an ellipsoid.

    A name that means several things stands for the system first, then the datum, then the ellipsoid; one that several
    of a kind have stands for none. No datum is ever taken for another one.
    """
    told = text.strip("".join(map(chr, range(0x21))))
    match = _LOOSE_CODE.fullmatch(told)
    if match:
        valid = geographic_codes() if told.isdigit() else codes()
        return f"EPSG:{match[1]}" if match[1] in valid else None
    return _names().get(_key(told))


def _key(name: str) -> str:
    """Return the letters and digits of a name."""
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def _names() -> Mapping[str, str]:
    """Return every name with its code."""
    from pyproj.crs import Datum, Ellipsoid  # type: ignore[attr-defined]  # pyproj declares no __all__
    from pyproj.database import get_codes, query_crs_info
    from pyproj.enums import PJType

    index: dict[str, str] = {}
    systems: dict[str, set[str]] = defaultdict(set)
    for system in query_crs_info("EPSG", pj_types=[PJType.GEOGRAPHIC_2D_CRS]):
        if system.code in geographic_codes():
            systems[_key(system.name)].add(system.code)
    ellipsoids: dict[str, set[str]] = defaultdict(set)
    datums: dict[str, set[str]] = defaultdict(set)
    for code in get_codes("EPSG", PJType.ELLIPSOID):
        ellipsoids[_key(Ellipsoid.from_epsg(code).name)].add(code)
    for kind in (PJType.GEODETIC_REFERENCE_FRAME, PJType.DYNAMIC_GEODETIC_REFERENCE_FRAME):
        for code in get_codes("EPSG", kind):
            datums[_key(Datum.from_epsg(code).name)].add(code)
    for found in (ellipsoids, datums, systems):
        index |= {name: f"EPSG:{min(of_name)}" for name, of_name in found.items() if len(of_name) == 1 and name}
    for row in read_rows("datum.csv"):
        code = "EPSG:4326" if row["value"] == "WGS84" else row["value"]
        for name in (row["value"], *row["names"].split("|")):
            if not name.isdigit() and _key(name):
                index[_key(name)] = code
    for name in ("gps", "wgs"):  # a device, and a family of datums
        index.pop(name, None)
    return MappingProxyType(index)


@cache
def _shifts() -> NDArray[np.int64]:
    """Return the grid of shifts, by longitude and latitude."""
    with files("biodata.data").joinpath("datum_shifts.csv").open("rb") as file:
        table = pl.read_csv(file)
    return table.sort("west", "south")["shift_m"].to_numpy().reshape(360 // _PER_DEGREE, 180 // _PER_DEGREE)


def largest_shift_m(longitude: Floats, latitude: Floats) -> NDArray[np.int64]:
    """Return how far places may be off that are told in an unknown datum, metres.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, in range.

    Notes
    -----
    The value of the south-western corner of a cell of 5 degrees, as in the Georeferencing Calculator; see
    `sample_data/recipe/bundled/make_datum_shifts.py`.
    """
    grid = _shifts()
    column = np.clip((longitude + 180) // _PER_DEGREE, 0, grid.shape[0] - 1).astype(np.int64)
    line = np.clip((latitude + 90) // _PER_DEGREE, 0, grid.shape[1] - 1).astype(np.int64)
    found: NDArray[np.int64] = grid[column, line]
    return found


# Tests of BDQ Core on the datum: its code, what is meant, and what is assumed where nothing is told.

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
    test("VALIDATION_GEODETICDATUM_STANDARD", _standard, DATUM),
    test("AMENDMENT_GEODETICDATUM_STANDARDIZED", _standardised, DATUM),
    test("AMENDMENT_GEODETICDATUM_ASSUMEDDEFAULT", _assumed, _WIDENED, number(_UNCERTAINTY)),
)
"""The tests of this file."""
