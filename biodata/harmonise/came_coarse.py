"""Records and events that a biodata had made coarser before it wrote the archive that they come in: they stay so.

What is told of their place is that of a cell: which countries and division it may lie in is not asked of the map again, at
the cell's middle. Whether the place really is as coarse as it says, `sharing.received` looks at whenever it is published.
"""

from typing import Final

import polars as pl
from shapely import GEOSException, box, from_wkt

from biodata import terms
from biodata.flags import FLAGS
from biodata.harmonise.told import Told
from biodata.vocabularies import SharingCategory

NUMBERS: Final = r"""\d\s*[.,:'’′]\s*\d\d|\d\s+\d|[°º]|\d{5}"""
"""Decimals, degrees and minutes, metres; a year of an author is none of them."""
_COARSE: Final = [str(category) for category in SharingCategory if category.cell_degrees is not None]
_EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_OF_ANY_PLACE: Final = frozenset(flag.name for flag in FLAGS.values() if not flag.tells_place)
_COUNTRY: Final = "^[A-Z]{2}$"
_DIVISION: Final = "^([A-Z]{2}-[A-Z0-9]{1,3})$"
_TEXTS: Final = (
    "sharing_category",
    "sharing_rule",
    *_EDGES,
    "country_codes",
    "province_code",
    "ambiguous",
    "quality_flags",
)


def records(told: Told, interpreted: pl.DataFrame) -> pl.DataFrame:
    """Return interpreted records, those that came coarse in an archive of ours as coarse as they were.

    Parameters
    ----------
    told : Told
        n rows.
    interpreted : polars.DataFrame of n rows
        `terms.OCCURRENCE` without `key`.
    """
    if told.other(terms.ARCHIVED_CATEGORY) is None:
        return interpreted
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, told.height)
    cells = {name: told.other(terms.OWN + name) for name in _TEXTS}
    frame = pl.DataFrame([(nothing if cell is None else cell).alias(f"_{name}") for name, cell in cells.items()])
    both = pl.concat([interpreted, frame.with_columns(_country=told["countryCode"])], how="horizontal")
    coarse = pl.col("_sharing_category").is_in(_COARSE).fill_null(value=False)
    made = {
        "shared_as": _shared(pl.col("_sharing_category"), pl.col("_sharing_rule"), [pl.col(f"_{one}") for one in _EDGES]),
        "countryCode": pl.col("_country").str.extract(f"({_COUNTRY})"),
        "located_country_code": pl.lit(None, pl.String),
        "country_codes": pl.col("_country_codes").str.split(";").list.eval(
            pl.element().filter(pl.element().str.contains(_COUNTRY))
        ),
        "province_code": pl.col("_province_code").str.extract(_DIVISION),
        "ambiguous": pl.col("_ambiguous") == "true",
        "quality_flags": doubts(pl.col("_quality_flags"), pl.col("quality_flags")),
    }  # fmt: skip
    return both.with_columns(
        pl.when(coarse).then(value).otherwise(pl.col(name)).alias(name) for name, value in made.items()
    ).select(interpreted.columns)


def events(told: pl.DataFrame) -> pl.Series:
    """Return `shared_as` of events, null for those that did not come coarse in an archive of ours.

    Parameters
    ----------
    told : polars.DataFrame of n rows
        Cells as they came; the cell stands in `footprintWKT`.
    """
    if terms.ARCHIVED_CATEGORY not in told.columns:
        return pl.Series("shared_as", [None], dtype=terms.SHARED_AS).new_from_index(0, told.height)
    outline = "footprintWKT" in told.columns
    edges = [_box(text) for text in told["footprintWKT"]] if outline else [(None,) * 4] * told.height
    frame = pl.DataFrame(edges, schema=dict.fromkeys(_EDGES, pl.Float64), orient="row").with_columns(
        told[terms.ARCHIVED_CATEGORY].alias("category")
    )
    coarse = pl.col("category").is_in(_COARSE).fill_null(value=False)
    shared = _shared(pl.col("category"), pl.lit(None, pl.String), [pl.col(edge) for edge in _EDGES])
    return frame.select(shared_as=pl.when(coarse).then(shared)).to_series()


def doubts(told: pl.Expr, own: pl.Expr) -> pl.Expr:
    """Return the doubts that an archive tells of a coarse place, and those found here that are no doubts of the place."""
    known = told.fill_null("").str.split(";").list.set_intersection(list(FLAGS))
    here = own.list.eval(pl.element().filter(pl.element().is_in(list(_OF_ANY_PLACE))))
    return pl.concat_list(known, here).list.unique(maintain_order=True)


def _shared(category: pl.Expr, rule: pl.Expr, edges: list[pl.Expr]) -> pl.Expr:
    """Return how something was made coarser, as `terms.SHARED_AS`."""
    # A name that could hold a place is none that a rule of ours has.
    rule = pl.when(~rule.str.contains(NUMBERS)).then(rule)
    degrees = [edge.cast(pl.Float64, strict=False).alias(name) for edge, name in zip(edges, _EDGES, strict=True)]
    return pl.struct(category.alias("category"), rule.alias("rule"), *degrees).cast(terms.SHARED_AS)


def _box(text: str | None) -> tuple[float | None, ...]:
    """Return west, south, east, north of an outline that is a box; four times nothing for another."""
    try:
        shape = from_wkt(text) if text and len(text) < 1000 else None
    except GEOSException:
        shape = None
    if shape is None or shape.is_empty or not shape.equals(box(*shape.bounds)):
        return (None,) * 4
    return tuple(shape.bounds)
