"""Ranges of species from a file of polygons, of which those count where the species lives and belongs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from biodata.analysis.gaps.features import Places, dissolved, named, polygon_rows
from biodata.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

Codes = Mapping[str, tuple[int, ...]]
CODES: Final[Codes] = MappingProxyType({"presence": (1, 2), "origin": (1, 2, 6), "seasonal": (1, 2, 3, 4)})
"""Codes of the Red List's polygons that count: extant and probably extant; native, reintroduced and assisted; resident,
breeding, non-breeding and passage. They are those that the R package aoh takes
(https://prioritizr.github.io/aoh/reference/create_spp_info_data.html); what is possibly extinct, extinct, introduced or
vagrant is no range to be saved. Meaning of the codes: IUCN 2024, Mapping standards and data quality for the Red List."""
_HIGHEST: Final = MappingProxyType({"presence": 6, "origin": 6, "seasonal": 5})
NAMES: Final = ("species", "sci_name", "binomial", "scientificName")
"""Columns of the species, the Red List's newer and older one among them; the first that a file has is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Ranges of species.

    Attributes
    ----------
    places : Places
        Of kind range; polygons of one species are one.
    facts : dict
        File, column of names, codes that count, polygons left out by column and code, as plain values.
    """

    places: Places
    facts: dict[str, Any]


def read_ranges(path: Path, *, name: str | None = None, species: str | None = None, codes: Codes = CODES) -> Ranges:
    """Read ranges of species.

    Parameters
    ----------
    path : Path
        Polygons that GDAL reads.
    name : str, optional
        The column of species; the first of NAMES that there is where none is told.
    species : str, optional
        The only one that is asked. A file without a column of species is then its range.
    codes : mapping of str to tuple of int
        By column the codes that count. A column that the file lacks, and a row without a code, leave nothing out; the
        columns are found in any case of their letters.

    Returns
    -------
    Ranges

    Raises
    ------
    InputError
        As `features.read_places`; if a code is none of the Red List's (RANGE_CODE_INVALID), the species has no polygon
        (RANGE_SPECIES_UNKNOWN), or none that counts is left (RANGE_EMPTY).
    """
    layer = polygon_rows(path)
    columns = {str(column).lower(): str(column) for column in layer.columns}
    if name is None:
        name = next((columns[one.lower()] for one in NAMES if one.lower() in columns), None)
    names = [species] * len(layer) if name is None and species is not None else named(layer, name or NAMES[0], path)
    wanted = np.array([species is None or _plain(one) == _plain(species) for one in names], dtype=np.bool_)
    if not wanted.any():
        problem = "there is no range of this species in it"
        known = sorted(set(names))
        expected = f"one of {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"
        raise InputError(
            problem, file=path.name, column=name, value=species, expected=expected, code="RANGE_SPECIES_UNKNOWN"
        )
    layer, names = layer[wanted], [one for one, kept in zip(names, wanted, strict=True) if kept]
    left_out: dict[str, int] = {}
    counts = np.ones(len(layer), dtype=np.bool_)
    for column, told in codes.items():
        if column in columns:
            counts &= _counting(layer, columns[column], told, left_out, path, highest=_HIGHEST[column], before=counts)
    if not counts.any():
        problem = "no polygon of it counts as range"
        reasons = ", ".join(f"{count} of {code}" for code, count in left_out.items())
        raise InputError(problem, file=path.name, value=reasons, expected=f"codes {told_as(codes)}", code="RANGE_EMPTY")
    kept = [one for one, good in zip(names, counts, strict=True) if good]
    facts = {
        "file": path.name, "column": name, "codes": {key: list(value) for key, value in codes.items() if key in columns},
        "polygons": len(kept), "left_out": left_out,
        "species_without_range_that_counts": sorted(set(names) - set(kept)),
    }  # fmt: skip
    return Ranges(dissolved("range", kept, layer.geometry.to_numpy()[counts]), facts)


def read_codes(told: Sequence[str]) -> Codes:
    """Return codes that count: CODES, with those that are told in the place of theirs.

    Parameters
    ----------
    told : sequence of str
        As `presence=1,2`; a column alone, `seasonal=`, leaves nothing out by it.

    Raises
    ------
    InputError
        If one is none (RANGE_CODE_INVALID).
    """
    codes = dict(CODES)
    for text in told:
        column, equals, numbers = text.partition("=")
        parts = [part.strip() for part in numbers.split(",") if part.strip()]
        known = column in _HIGHEST and equals and all(part.isdecimal() and part.isascii() for part in parts)
        if not known or any(not 1 <= int(part[:9]) <= _HIGHEST[column] for part in parts):
            problem = "these are no codes of ranges"
            expected = "presence=1,2 (codes 1 to 6), origin=1,2,6 (1 to 6) or seasonal=1,2,3 (1 to 5)"
            raise InputError(problem, column="--range-codes", value=text, expected=expected, code="RANGE_CODE_INVALID")
        if parts:
            codes[column] = tuple(sorted({int(part) for part in parts}))
        else:
            codes.pop(column, None)
    return codes


def told_as(codes: Codes) -> str:
    """Return codes as one text."""
    return ", ".join(f"{column} {'+'.join(map(str, numbers))}" for column, numbers in codes.items())


def _plain(name: str) -> str:
    """Return a name as it is compared."""
    return " ".join(name.replace("_", " ").split()).casefold()


def _counting(
    layer: "gpd.GeoDataFrame", column: str, told: tuple[int, ...], left_out: dict[str, int], path: Path, *,
    highest: int, before: "NDArray[np.bool_]",
) -> "NDArray[np.bool_]":  # fmt: skip
    """Tell which rows count by a column; what it leaves out of `before` is added to `left_out`."""
    good = np.ones(len(layer), dtype=np.bool_)
    for at, (row, value) in enumerate(layer[column].items()):
        text = "" if pd.isna(value) else str(value).strip().removesuffix(".0")
        if text in ("", "0"):
            continue
        if not (text.isascii() and text.isdecimal() and len(text) == 1 and 1 <= int(text) <= highest):
            problem = "this is no code of the Red List's polygons"
            raise InputError(
                problem, file=path.name, row=int(str(row)), column=column, value=text[:40],
                expected=f"1 to {highest}, or nothing", code="RANGE_CODE_INVALID",
            )  # fmt: skip
        good[at] = int(text) in told
        if not good[at] and before[at]:
            key = f"{column} {text}"
            left_out[key] = left_out.get(key, 0) + 1
    return good
