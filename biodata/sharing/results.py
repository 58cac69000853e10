"""What may be seen of results: corridors, candidate reserves, protected areas."""

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import polars as pl
import shapely

from biodata.core.errors import InputError, SharingError, shorten
from biodata.core.geo import area_km2
from biodata.core.terms import ASSESSED, PUBLISHED_OCCURRENCE, PUBLISHED_TABLES, RIGHTS, SHARING, conform, names
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import BoundarySet, country_geometry
from biodata.sharing.decide import strictest
from biodata.sharing.publish import open_records, plan_alone, presence_rows
from biodata.sharing.rules import RuleSet

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


Window = tuple[float, float, float, float]
OFF_COAST_DEGREES: Final = 4.0
"""A cell of sea farther than this from a country, a little more than 200 nautical miles, is not off its coast."""
_MISMATCH: Final = "COUNTRY_COORDINATE_MISMATCH"
_ADDED: Final = frozenset(column.name for column in (*SHARING, *RIGHTS, *ASSESSED))


def evidence_view(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    view: EvidenceView,
    window: Window,
    among: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return the records of a window as a run of this view reads them.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE` with those of `publish.LOOKED_AT`, and `cluster_id` of `terms.ASSESSMENT`
        where it is known; every record of the window.
    rules : RuleSet
        The sharing rules, with the plan of what goes out; without one these are all the records that there are.
    boundaries : BoundarySet
        Whose land the floor counts.
    view : EvidenceView
    window : tuple of float
        West, south, east, north, degrees.
    among : polars.Expr, optional
        Which records these are, by published columns: presences are read by it, too.

    Returns
    -------
    polars.DataFrame
        The columns of `occurrences`, and `sharing_category` and the edges of the published cell. The public view has the
        rows that are published: open records, and the presences of which the cell's centre lies in the window, in no
        cluster and under no record's number. What is computed from this view alone tells no more than these, however many
        results are laid side by side. A cell that holds no land of the country that is stated with it is flagged so. In
        the exact view nothing is changed, and `sharing_category` is the strictest of all of them in every row.
    """
    west, south, east, north = window
    inside = pl.col("decimalLongitude").is_between(west, east) & pl.col("decimalLatitude").is_between(south, north)
    added = [column.name for column in SHARING if column.name != "sharing_rule"]
    if view is EvidenceView.EXACT:
        here = occurrences.filter(inside)
        cells = [pl.lit(None, dtype=pl.Float64).alias(name) for name in added if name.startswith("cell_")]
        return here.with_columns(*cells, sharing_category=pl.lit(str(strictest(here, rules, boundaries=boundaries))))
    if rules.plan is None:
        rules = replace(rules, plan=plan_alone(rules.labels.added(occurrences), rules, boundaries))
    columns = [c for c in PUBLISHED_OCCURRENCE if c in SHARING or c.name in set(occurrences.columns) - _ADDED]
    names = [column.name for column in columns]
    opened = open_records(occurrences, rules, boundaries=boundaries, columns=columns)
    rest = [name for name in occurrences.columns if name not in opened.columns]
    opened = opened.join(occurrences.select("key", *rest), on="key", how="left", maintain_order="left")
    # What the lake knows beside of a record that came as a cell is not published with it.
    is_open = pl.col("sharing_category") == SharingCategory.OPEN
    opened = opened.with_columns(pl.when(is_open).then(name).alias(name) for name in rest)
    made = presence_rows(rules, boundaries=boundaries)
    made = (made if among is None else made.filter(among)).select(names)
    shown = pl.concat([opened, made], how="diagonal").filter(inside)
    shown = shown.with_columns(
        quality_flags=pl.when(_elsewhere(shown, boundaries))
        .then(pl.col("quality_flags").list.set_union([_MISMATCH]))
        .otherwise("quality_flags")
    )
    return shown.select(*occurrences.columns, *added)


def _elsewhere(shown: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Tell the cells that hold no land of the country that is stated with them, nor lie off its coast."""
    place = ["countryCode", "decimalLongitude", "decimalLatitude"]
    known = set(boundaries.units["country_code"].drop_nulls())
    asked = shown.with_row_index("row").filter(
        pl.col("cell_west").is_not_null(),
        pl.col("countryCode").is_in(list(known)),
        ~pl.col("country_codes").list.contains(pl.col("countryCode")).fill_null(value=False),
    )
    at_sea = asked.filter(pl.col("country_codes").list.len().fill_null(0) == 0)
    places = at_sea.select(place).unique()
    degrees = [shapely.distance(country_geometry(c, boundaries), shapely.Point(x, y)) for c, x, y in places.iter_rows()]
    near = places.filter(pl.Series(degrees, dtype=pl.Float64) <= OFF_COAST_DEGREES)
    elsewhere = asked.join(at_sea.join(near, on=place, how="semi"), on="row", how="anti")["row"]
    return pl.int_range(shown.height, dtype=pl.UInt32, eager=True).is_in(elsewhere.implode())
