"""The same site stated by two lists: proposed as one, with the reason; nothing is joined."""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata.core.geo import Geometries
from biodata.harmonise.area_cleaning.repair import repair
from biodata.harmonise.area_cleaning.steps import to_plane
from biodata.text.same_sites import distinct_words, is_same, shared_ground

SAME_ID: Final = "the same WDPA number"
SAME_NAME: Final = "the same name and ground"
SAME_GROUND: Final = "the same ground"
NAME_ALONE: Final = "the same name in one country, of which one has no map"
TWINS: Final = pl.Schema(
    {
        "area_id": pl.String, "name": pl.String, "source_file": pl.String, "other_area_id": pl.String,
        "other_name": pl.String, "other_source_file": pl.String, "shared_ground": pl.Float64, "reason": pl.String,
    }
)  # fmt: skip
"""One row a pair; `shared_ground` is what both hold as a share of what either holds, 0-1, null where one has no map."""


def twins(sites: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of sites of different lists that seem to be one.

    Parameters
    ----------
    sites : polars.DataFrame of terms.PROTECTED_AREA
        Of several files; parts of one site are taken together. Sites of one file are its own affair.

    Returns
    -------
    polars.DataFrame of TWINS
        By the sites' ids, the first of a pair the smaller. A site may stand in several pairs.
    """
    wholes = _wholes(sites)
    if wholes["list"].n_unique() < 2:
        return pl.DataFrame(schema=TWINS)
    shapes = to_plane(_shapes(sites, wholes))
    area = np.where(shapely.is_missing(shapes), 0.0, shapely.area(shapes))
    found: dict[tuple[int, int], tuple[float | None, str]] = {}
    lists, words = wholes["list"].to_list(), [distinct_words(name) for name in wholes["name"].to_list()]
    ground = {pair: round(of, 4) for pair, of in shared_ground(shapes, lists=lists).items()}
    for (a, b), share in ground.items():
        if is_same(share, words[a], words[b]):
            found[a, b] = (share, SAME_NAME if words[a] & words[b] else SAME_GROUND)
    for (a, b), reason in _stated_alike(wholes, words, area > 0).items():
        if reason == SAME_ID or (a, b) not in found:
            found[a, b] = (ground.get((a, b), 0.0) if area[a] > 0 and area[b] > 0 else None, reason)
    table = wholes.select("area_id", "name", "source_file")
    rows = sorted(found)
    frame = pl.concat(
        [
            table[[a for a, _ in rows]],
            table[[b for _, b in rows]].select(pl.all().name.prefix("other_")),
            pl.DataFrame([found[pair] for pair in rows], schema=["shared_ground", "reason"], orient="row")
            if rows
            else pl.DataFrame(schema={"shared_ground": pl.Float64, "reason": pl.String}),
        ],
        how="horizontal",
    )
    return frame.cast(dict(TWINS)).select(TWINS.names())  # type: ignore[arg-type]


def flagged(sites: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return sites with SITE_IN_TWO_LISTS where a pair holds them."""
    ids = pl.concat([pairs["area_id"], pairs["other_area_id"]])
    flags = pl.col("quality_flags").fill_null([])
    return sites.with_columns(
        quality_flags=pl.when(pl.col("part_of").is_in(ids.implode()))
        .then(pl.concat_list(flags, pl.lit("SITE_IN_TWO_LISTS")))
        .otherwise(flags)
    )


def _wholes(sites: pl.DataFrame) -> pl.DataFrame:
    """Return one row a site of a list, by its id."""
    return (
        sites.with_row_index("row")
        .group_by(
            pl.concat_str("datasetKey", "source_file", separator="\n", ignore_nulls=True).alias("list"), "part_of"
        )
        .agg(
            pl.col("row"),
            pl.col("name", "source_file").drop_nulls().first(),
            number=pl.coalesce("wdpaid", "site_id").drop_nulls().first(),
            countries=pl.col("country_codes").explode().drop_nulls().unique().sort(),
        )
        .rename({"part_of": "area_id"})
        .sort("area_id", "list")
    )


def _shapes(sites: pl.DataFrame, wholes: pl.DataFrame) -> Geometries:
    """Return the ground of each site; None where it has no polygon."""
    parts = repair(sites["geometry"].to_list()).shapes
    entries = []
    for rows in wholes["row"].to_list():
        own = [shape for shape in parts[rows] if shape is not None and shapely.area(shape) > 0]
        entries.append(shapely.union_all(own) if own else None)
    return np.array(entries, dtype=object)


def _stated_alike(
    wholes: pl.DataFrame, words: list[frozenset[str]], mapped: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> dict[tuple[int, int], str]:
    """Return the pairs of different lists with one number, or one name in one country where one has no map."""
    keys: dict[tuple[str, object], list[int]] = {}
    for at, (number, codes) in enumerate(wholes.select("number", "countries").iter_rows()):
        if number:
            keys.setdefault((SAME_ID, number), []).append(at)
        for code in codes if words[at] else ():
            keys.setdefault((NAME_ALONE, (code, words[at])), []).append(at)
    found: dict[tuple[int, int], str] = {}
    lists = wholes["list"].to_list()
    for (reason, _), rows in sorted(keys.items(), key=lambda item: item[0][0]):
        for place, a in enumerate(rows):
            for b in rows[place + 1 :]:
                if lists[a] != lists[b] and (reason == SAME_ID or not (mapped[a] and mapped[b])):
                    found[a, b] = reason if reason == SAME_ID else found.get((a, b), reason)
    return found
