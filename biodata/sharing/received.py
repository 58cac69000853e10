"""A look at records that say they were published: whatever is told of a sensitive one must be what its category lets out."""

from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.terms import PUBLISHED_OCCURRENCE, Reach
from biodata.vocabularies import SharingCategory

_PRECISE: Final = tuple(c.name for c in PUBLISHED_OCCURRENCE if c.reach is Reach.PRECISE)
_NEAR: Final = 1e-6
_METRES_PER_DEGREE: Final = 111_195.0
_ROUGHLY: Final = 0.98
"""What a sphere may be off."""
_DEGREES: Final = {str(c): c.cell_degrees or 0.0 for c in SharingCategory}


def is_as_its_category_asks() -> pl.Expr:
    """Tell where the place of a record that says that it was published coarse is one that its category lets out.

    The expression is over a frame with `sharing_category`, the edges of the cell, coordinates, uncertainty and
    `quality_flags`: a cell of the grid, no smaller than the category's, with the point in its middle; without a cell a
    place that its publisher had made as coarse, or none.
    """
    return ~pl.any_horizontal(test.fill_null(value=True) for test in _place_tests().values())


def _place_tests() -> dict[tuple[str, str], pl.Expr]:
    """Return what must not be true of the place of a record that is not open, by column and reason."""
    category = pl.col("sharing_category")
    celled, placed = pl.col("cell_west").is_not_null(), pl.col("decimalLatitude").is_not_null()
    degrees = category.replace_strict(_DEGREES, default=None, return_dtype=pl.Float64)
    middle = [
        (pl.col(name) - (pl.col(low) + pl.col(high)) / 2).abs() > _NEAR
        for name, low, high in (
            ("decimalLongitude", "cell_west", "cell_east"),
            ("decimalLatitude", "cell_south", "cell_north"),
        )
    ]
    coarse = pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED").fill_null(value=False)
    return {
        ("cell_west", "the cell is smaller than the category's"): celled
        & (
            (pl.col("cell_east") - pl.col("cell_west") < degrees - _NEAR)
            # At a pole a cell ends with the map.
            | (
                pl.col("cell_north") - pl.col("cell_south")
                < pl.min_horizontal(degrees, 90 - pl.col("cell_south")) - _NEAR
            )
        ),
        # Else a cell could be laid around the exact place, whose middle tells it.
        ("cell_west", "the cell is none of the grid"): celled
        & pl.any_horizontal(_off_grid(edge, degrees) for edge in ("cell_west", "cell_south")),
        ("decimalLatitude", "the point of a sensitive record is not its cell's middle"): celled
        & pl.any_horizontal(middle).fill_null(value=True),
        ("decimalLatitude", "a sensitive record has a place without a cell"): placed & ~celled & ~coarse,
        (
            "coordinateUncertaintyInMeters",
            "its publisher had not made the place as coarse as its category asks",
        ): placed
        & ~celled
        & (pl.col("coordinateUncertaintyInMeters").fill_null(0) < _half_diagonal_m(degrees) * _ROUGHLY),
    }


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
        With the first row, and the column, that is wrong; the value is not told, since it may be a place.
    """
    category, sensitive = pl.col("sharing_category"), pl.col("sharing_category") != SharingCategory.OPEN
    celled = pl.col("cell_west").is_not_null()
    degrees = category.replace_strict(_DEGREES, default=None, return_dtype=pl.Float64)
    may_be = pl.col("country_codes").list.contains(country)
    tests = {
        ("key", "this number stands in two rows"): pl.col("key").is_duplicated(),
        ("sharing_category", "this is no category of a published record"): degrees.is_null()
        | (category == SharingCategory.WITHHELD),
        ("sharing_rule", "a record that is not open names no rule"): sensitive & pl.col("sharing_rule").is_null(),
        ("cell_west", "an open record has a cell"): ~sensitive & celled,
        **{name: sensitive & test for name, test in _place_tests().items()},
        ("countryCode", f"the record is not one of {country}"): ~(
            (pl.col("countryCode") == country) | (pl.col("countryCode").is_null() & may_be)
        ).fill_null(value=False),
        **{
            (name, "a sensitive record tells what only an open one may"): sensitive & pl.col(name).is_not_null()
            for name in _PRECISE
            if name in records.columns
        },
    }
    rows = records.with_row_index("row", offset=1)
    for (column, problem), test in tests.items():
        wrong = rows.filter(test.fill_null(value=False))
        if wrong.height:
            expected = f"what the node's release publishes ({wrong.height} rows are not)"
            raise InputError(
                problem, file=file, row=wrong["row"][0], column=column, expected=expected, code="NODE_RECORD_INVALID"
            )


def _off_grid(edge: str, degrees: pl.Expr) -> pl.Expr:
    """Tell whether an edge lies between two lines of a category's grid."""
    steps = pl.col(edge) / degrees
    return (steps - steps.round()).abs() * degrees > _NEAR


def _half_diagonal_m(degrees: pl.Expr) -> pl.Expr:
    """Return half the diagonal of a category's cell at each record, metres, on a sphere."""
    return degrees / 2 * _METRES_PER_DEGREE * (1 + pl.col("decimalLatitude").radians().cos() ** 2).sqrt()
