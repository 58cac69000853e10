"""Records that were made coarser before they came, by a national node or by the biodata that wrote an archive.

They stay as they were published, unless a rule here asks for more, or their place is not what their category lets out.
"""

from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.terms import PUBLISHED_OCCURRENCE, SHARED_AS, Reach
from biodata.core.vocabularies import SharingCategory

EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
REASON: Final = "the national node that shares the record decided so"
OF_ARCHIVE: Final = "the biodata that published the record decided so"
_PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "quality_flags")
CATEGORIES: Final = pl.Enum([str(category) for category in SharingCategory])
"""The strictest is the least."""
_PRECISE: Final = tuple(c.name for c in PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
_NEAR: Final = 1e-6
_METRES_PER_DEGREE: Final = 111_195.0
_ROUGHLY: Final = 0.98
"""What a sphere may be off."""
_DEGREES: Final = {str(c): c.cell_degrees or 0.0 for c in SharingCategory}


def decided_by_nodes(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return what national nodes, and archives of ours, made less than open.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `shared_as` and `node` of `terms.OCCURRENCE`; without the first no record came coarse.

    Returns
    -------
    polars.DataFrame
        row, category, rule_id, reason, as `decide` tells them.
    """
    if "shared_as" not in occurrences.columns:
        occurrences = occurrences.select(shared_as=pl.lit(None, dtype=SHARED_AS))
    shared = pl.col("shared_as").struct
    of_node = pl.col("node").is_not_null() if "node" in occurrences.columns else pl.lit(value=True)
    reason = pl.when(of_node).then(pl.lit(REASON)).otherwise(pl.lit(OF_ARCHIVE))
    return (
        occurrences.with_row_index("row")
        .select("row", category=shared.field("category"), rule_id=shared.field("rule"), reason=reason)
        .filter(pl.col("category").is_not_null())
    )


def as_shared(sensitive: pl.DataFrame) -> pl.DataFrame:
    """Tell which records stay as they were published: a cell of a cell would be no truer, and no safer.

    Parameters
    ----------
    sensitive : polars.DataFrame of n rows
        `shared_as`, and `category` as `decide` tells it; the place, and `quality_flags`.

    Returns
    -------
    polars.DataFrame of n rows
        `as_shared`: True where the record had been made at least as coarse as the category that decided, and its place is
        one that its own category lets out: a file can say of any place that it is coarse.
    """
    edges = (pl.col("shared_as").struct.field(edge) for edge in EDGES)
    table = sensitive.select(
        *_PLACE, *edges, ours="category", sharing_category=pl.col("shared_as").struct.field("category")
    )
    is_as_coarse = pl.col("sharing_category").cast(CATEGORIES, strict=False) <= pl.col("ours").cast(CATEGORIES)
    return table.select(as_shared=(is_as_coarse & is_as_its_category_asks()).fill_null(value=False))


def hidden_taxa(records: pl.DataFrame) -> frozenset[str]:
    """Return the taxa of which places had been hidden before they came: of these not every record names its event.

    Parameters
    ----------
    records : polars.DataFrame
        `species`, `scientificName` and `shared_as` of `terms.OCCURRENCE`.
    """
    coarse = records.filter(pl.col("shared_as").struct.field("category").is_not_null())
    return frozenset(coarse.select(pl.coalesce("species", "scientificName")).to_series().drop_nulls())


def came_open(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that did not come as cells: of one that did, nobody here knows which records are of it.

    Parameters
    ----------
    events : polars.DataFrame of `terms.EVENT`
    """
    return events.filter(pl.col("shared_as").struct.field("category").is_null())


def is_as_its_category_asks() -> pl.Expr:
    """Tell where the place of a record that says that it was published coarse is one that its category lets out.

    The expression is over a frame with `sharing_category`, the edges of the cell, coordinates, uncertainty and
    `quality_flags`: a cell of the grid, no smaller than the category's, with the point in its middle; without a cell a
    place that its publisher had made as coarse, or none.
    """
    return ~pl.any_horizontal(test.fill_null(value=True) for _, _, test in _place_tests())


def _place_tests() -> list[tuple[str, str, pl.Expr]]:
    """Return what must not be true of the place of a record that is not open: a column, what is wrong, the test."""
    west, south, east, north = (pl.col(edge) for edge in EDGES)
    longitude, latitude, metres = pl.col("decimalLongitude"), pl.col("decimalLatitude"), pl.col(_PLACE[2])
    degrees, celled = _degrees(), west.is_not_null()
    # At a pole a cell ends with the map.
    small = (east - west < degrees - _NEAR) | (north - south < pl.min_horizontal(degrees, 90 - south) - _NEAR)
    # Else a cell could be laid around the exact place, whose middle tells it.
    edges = (edge / degrees for edge in (west, south, east, north))
    off_grid = pl.any_horizontal(((n - n.round()).abs() * degrees > _NEAR).fill_null(value=True) for n in edges)
    off_middle = ((longitude - (west + east) / 2).abs() > _NEAR) | ((latitude - (south + north) / 2).abs() > _NEAR)
    bare = (longitude.is_not_null() | latitude.is_not_null()) & ~celled
    coarse = pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED").fill_null(value=False)
    half_diagonal_m = degrees / 2 * _METRES_PER_DEGREE * (1 + latitude.radians().cos() ** 2).sqrt()
    wide = metres.fill_null(0) >= half_diagonal_m * _ROUGHLY
    return [
        ("cell_west", "the cell is smaller than the category's", celled & small),
        ("cell_west", "the cell is none of the grid", celled & off_grid),
        (
            "decimalLatitude",
            "the point of a sensitive record is not its cell's middle",
            celled & off_middle.fill_null(value=True),
        ),
        ("decimalLatitude", "a sensitive record has a place without a cell", bare & ~coarse),
        (_PLACE[2], "its publisher had not made the place as coarse as its category asks", bare & ~wide),
    ]


def _degrees() -> pl.Expr:
    """Return the side of the category's cell, 0 where it has none; null for what is no category."""
    return pl.col("sharing_category").replace_strict(_DEGREES, default=None, return_dtype=pl.Float64)


def check_published(records: pl.DataFrame, *, country: str, file: str) -> None:
    """See that records look published, and are those of a country.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        `terms.PUBLISHED_OCCURRENCE`, without `terms.ASSESSED`.
    country : str
        The country that the sender speaks for.
    file : str
        What the error names.

    Raises
    ------
    InputError
        With the first row, and the column, that is wrong; the value is not stated, since it may be a place.
    """
    category, code = pl.col("sharing_category"), pl.col("countryCode")
    sensitive = category != SharingCategory.OPEN
    theirs = (code == country) | (code.is_null() & pl.col("country_codes").list.contains(country))
    no_category = _degrees().is_null() | (category == SharingCategory.WITHHELD)
    tests = [
        ("key", "this number stands in two rows", pl.col("key").is_duplicated()),
        ("sharing_category", "this is no category of a published record", no_category),
        ("sharing_rule", "a record that is not open names no rule", sensitive & pl.col("sharing_rule").is_null()),
        ("cell_west", "an open record has a cell", ~sensitive & pl.col("cell_west").is_not_null()),
        *((column, problem, sensitive & test) for column, problem, test in _place_tests()),
        ("countryCode", f"the record is not one of {country}", ~theirs.fill_null(value=False)),
        *(
            (name, "a sensitive record tells what only an open one may", sensitive & pl.col(name).is_not_null())
            for name in _PRECISE
            if name in records.columns
        ),
    ]
    rows = records.with_row_index("row", offset=1)
    for column, problem, test in tests:
        wrong = rows.filter(test.fill_null(value=False))
        if wrong.height:
            row, expected = wrong["row"][0], f"what the node's release publishes ({wrong.height} rows are not)"
            raise InputError(problem, file=file, row=row, column=column, expected=expected, code="NODE_RECORD_INVALID")
