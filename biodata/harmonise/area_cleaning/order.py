"""Which site has the first right to its ground."""

import hashlib
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.geo import Floats

# wdpar's order of IUCN_CAT; null is a source that tells nothing.
IUCN_RANK: Final = MappingProxyType(
    {
        name: rank
        for rank, name in enumerate(
            ("Ia", "Ib", "II", "III", "IV", "V", "VI", "Not Reported", "Not Applicable", "Not Assigned")
        )
    }
)
# What is no category is told by the source alone.
_WITHOUT_CATEGORY: Final = r'(?i)"iucn_cat"\s*:\s*"(Not (?:Reported|Applicable|Assigned))"'
_ZONE_RANK: Final = MappingProxyType({"core": 0, "buffer": 1, "experimental": 2, "control": 2})


def ordered(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return the positions of the sites, the one with the first right to its ground first.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Columns of `terms.PROTECTED_AREA`; geometry as it came.

    Returns
    -------
    ndarray of int64, length n
        By IUCN category (those without one last), then the older year (none last), then, where both are equal, the
        identifier without the `~2` of a repeated row, then a digest of the geometry: never by the order of rows.
    """
    without = pl.col("attributes").str.extract(_WITHOUT_CATEGORY)
    keys = frame.select(
        iucn=pl.coalesce("iucn_category", without).replace_strict(
            IUCN_RANK, default=len(IUCN_RANK), return_dtype=pl.Int32
        ),
        year=pl.col("status_year"),
        identity=identity(frame),
        digest=pl.Series([hashlib.sha256(blob or b"").hexdigest() for blob in frame["geometry"]], dtype=pl.String),
        at=pl.int_range(pl.len()),
    )
    return keys.sort("iucn", "year", "identity", "digest", nulls_last=True, maintain_order=True)["at"].to_numpy()


def identity(frame: pl.DataFrame) -> pl.Series:
    """Return `area_id` without the `~2` that tells a repeated row from the first."""
    return frame["area_id"].str.replace(r"~\d+$", "")


def parts_first(frame: pl.DataFrame, area_m2: Floats) -> NDArray[np.int64]:
    """Return positions so that of the parts of one site the finer statement comes first.

    Core before buffer before experimental zone before what tells no zone; then the smaller part before the one that
    it lies in; then the order that the rows have.
    """
    keys = frame.select(
        zone=pl.col("zone").replace_strict(_ZONE_RANK, default=3, return_dtype=pl.Int32),
        area=pl.Series(area_m2),
        at=pl.int_range(pl.len()),
    )
    return keys.sort("zone", "area", maintain_order=True)["at"].to_numpy()
