"""What may be seen of results: corridors, candidate reserves, protected areas."""

import re
from collections.abc import Collection
from typing import Any, Final

import polars as pl
import shapely

from biodata.errors import InputError, SharingError, shorten
from biodata.geo import area_km2
from biodata.places import BoundarySet, country_geometry
from biodata.sharing.rules import RuleSet
from biodata.terms import PUBLISHED_TABLES, conform, names
from biodata.vocabularies import EvidenceView, SharingCategory

_TEXTS: Final = ("evidence", "parts", "name", "from_name", "to_name")
_POINTS: Final = ("narrowest_longitude", "narrowest_latitude")
_NUMBER: Final = r"[-+]?\d{1,3}[.,]\d{2,}"
# Signs and words that stand between the two numbers of a place, in text and in JSON.
_BETWEEN: Final = (
    r"""(?:[\s,;:/|"'\[\](){}=°º_-]|(?:decimal)?(?:latitude|longitude|lat|lon|long|lng)|\b[nsewxy]\b){1,40}?"""
)
_PAIR: Final = re.compile(rf"(?<![\d.,])({_NUMBER}){_BETWEEN}({_NUMBER})(?!\d)", re.IGNORECASE)
_DEGREES: Final = re.compile(r"\d\s*[°º]\s*\d|\d\s*[°º]\s*[NSEW]\b", re.IGNORECASE)
WINDOW: Final = (60.0, -15.0, 160.0, 60.0)
"""Two numbers with decimals side by side are taken for coordinates where they fall in this window of degrees."""


def publish_results(
    table_name: str, frame: pl.DataFrame, *, boundaries: BoundarySet, rules: RuleSet, unaffected: Collection[str] = ()
) -> pl.DataFrame:
    """Return what may be seen of a table of results.

    Parameters
    ----------
    table_name : str
        A table of `terms.PUBLISHED_TABLES` other than `occurrences`, which `publish` lets out.
    frame : polars.DataFrame of n rows
        Columns of that table in the lake; `sharing_category` is that of the strictest record that a result was made of.
    boundaries : BoundarySet
        Whose land the floor counts.
    rules : RuleSet
        Today's rules.
    unaffected : collection of str
        Runs all of whose records go out today as exactly as they read them.

    Returns
    -------
    polars.DataFrame of at most n rows
        Exactly the columns of `terms.PUBLISHED_TABLES[table_name]`. A result that was made from exact records is left out,
        whatever its category: overlapping results, or the same one before and after a record came, would place a
        record between them, and one that is let out since every record of its window is open would tell that no hidden
        one lies there. Nothing is lost: of open records alone the public view gives the same. A withheld result is left out, and so is one whose
        land in a country that it names is smaller than its category's cell. Of a result that is not open no single
        point is told.

        A result that was made of records under other rules than today's is left out until it is made again, save those of
        `unaffected` runs: what was open then may be hidden now, and where it is, the result would go on telling.

    Raises
    ------
    SharingError
        If the table is none that may be published so, a category is not known, or the texts of a result that is not
        open tell coordinates.
    """
    if table_name not in PUBLISHED_TABLES or table_name == "occurrences":
        known = ", ".join(name for name in PUBLISHED_TABLES if name != "occurrences")
        msg = f"{table_name!r} is no table of results; those are {known}"
        raise SharingError(msg)
    columns = PUBLISHED_TABLES[table_name]
    out = conform(frame, columns)
    if "sharing_category" not in names(columns):
        return out
    out = out.with_columns(pl.col("sharing_category").fill_null(str(SharingCategory.WITHHELD)))
    if "evidence_view" in out.columns:
        same = (rules_of_run() == rules.hash).fill_null(value=False)
        out = out.filter(of_public_view() & (same | pl.col("run_id").is_in(list(unaffected)).fill_null(value=False)))
    keep = [_may_leave(row, table_name, boundaries) for row in out.iter_rows(named=True)]
    is_open = pl.col("sharing_category") == SharingCategory.OPEN
    points = [pl.when(is_open).then(name).alias(name) for name in _POINTS if name in out.columns]
    return out.filter(pl.Series(keep, dtype=pl.Boolean)).with_columns(points)


def of_public_view() -> pl.Expr:
    """Tell which results were made from what is published of the records alone."""
    return (pl.col("evidence_view") == EvidenceView.PUBLIC).fill_null(value=False)


def rules_of_run() -> pl.Expr:
    """Return the hash of the rules under which the records of each result's run were read."""
    return pl.col("evidence").str.json_path_match("$.run.rules")


def _may_leave(row: dict[str, Any], table_name: str, boundaries: BoundarySet) -> bool:
    """Tell whether a result may leave; raise if its texts tell a place that it must not."""
    try:
        category = SharingCategory(row["sharing_category"])
    except ValueError as error:
        msg = f"{table_name}: {row['sharing_category']!r} is no sharing category"
        raise SharingError(msg) from error
    if category is SharingCategory.OPEN:
        return True
    if category is SharingCategory.WITHHELD:
        return False
    for column in _TEXTS:
        if (found := coordinates_in(row.get(column) or "")) is not None:
            msg = f"{table_name}: column {column} of a result of category {category} tells a place: {shorten(found)!r}"
            raise SharingError(msg)
    return _reaches_the_floor(row, category, boundaries)


def coordinates_in(text: str) -> str | None:
    """Return the first part of a text that looks like coordinates; None where there is none.

    Parameters
    ----------
    text : str
        Plain text or JSON.

    Notes
    -----
    Two numbers of two decimals or more with nothing but signs and words for coordinates between them, one a longitude
    and one a latitude of `WINDOW`; or degrees with minutes or a quarter of the compass.
    """
    if degrees := _DEGREES.search(text):
        return degrees.group()
    west, south, east, north = WINDOW
    start = 0
    while pair := _PAIR.search(text, start):
        a, b = (float(number.replace(",", ".")) for number in pair.groups())
        if any(west <= x <= east and south <= y <= north for x, y in ((a, b), (b, a))):
            return pair.group()
        start = pair.end(1)
    return None


def _reaches_the_floor(row: dict[str, Any], category: SharingCategory, boundaries: BoundarySet) -> bool:
    """Tell whether the result's land in each of its countries is at least its category's cell."""
    if row["geometry"] is None:
        return False
    shape, degrees = shapely.from_wkb(row["geometry"]), category.cell_degrees or 0.0
    middle = shape.centroid.y
    cell = shapely.box(0, middle - degrees / 2, degrees, middle + degrees / 2)
    try:
        countries = [country_geometry(code, boundaries) for code in row["country_codes"] or []]
    except InputError:
        return False
    lands = [shape, *(shapely.intersection(shape, country) for country in countries)]
    return bool((area_km2(lands) >= area_km2([cell])[0]).all())
