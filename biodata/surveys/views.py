"""What reviewers decide about: a survey's rows as they would be published, each beside what is published now.

All of it is made of published values: those that `sharing` would let out of the upload, and those of the current release.
Also to whom a row is shown follows from what is published of it alone. So nobody learns more from it than from the release
that would follow; but for how many records of a side no rule lets out.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

import orjson
import polars as pl
import shapely

from biodata.pipeline import Preview
from biodata.pipeline.row_countries import countries_of
from biodata.store.survey_steps import NO_COUNTRY
from biodata.store.survey_views import View
from biodata.vocabularies import SharingCategory

_OPEN: Final = str(SharingCategory.OPEN)
_COMPARED: Final = (
    "occurrenceID", "scientificName", "individualCount", "organismQuantity", "organismQuantityType", "sex", "lifeStage",
    "occurrenceStatus", "basisOfRecord", "eventDate", "year", "eventID", "samplingProtocol", "decimalLatitude",
    "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode", "locality", "sharing_category",
)  # fmt: skip
"""Of records: what is told of each, and what makes one changed."""
_BESIDE: Final = (
    "species", "country_codes", "cell_west", "cell_south", "cell_east", "cell_north", "quality_flags", "informationWithheld",
)  # fmt: skip
_EVENTS: Final = (
    "eventID", "design", "samplingProtocol", "event_start", "event_end", "year", "locality", "effort_value", "effort_unit",
    "failed_days", "targetTaxonomicScope", "isAbsenceReported", "records", "species", "country_codes", "quality_flags",
    "sharing_category", "informationWithheld",
)  # fmt: skip


def view_of(found: Preview, sides: Collection[str]) -> View:
    """Return the rows of an upload for those who decide about its sides.

    Parameters
    ----------
    found : Preview
        What a release would tell of it.
    sides : collection of str
        The sides of the survey.

    Returns
    -------
    View
        Of records that are changed `before` tells, as JSON, what is published now; those that go are among them. Their order
        is that of what is published: the order of the file could tell the event of a coarse record.
    """
    columns = [*_COMPARED, *_BESIDE]
    was = found.before.select("key", *columns)
    now = found.occurrences.select("key", *columns)
    both = now.join(was, on="key", how="left", suffix=" was", maintain_order="left")
    known = now.select("key").join(
        was.select("key", known=pl.lit(value=True)), on="key", how="left", maintain_order="left"
    )
    differs = [pl.col(name).ne_missing(pl.col(f"{name} was")) for name in _COMPARED]
    change = (
        pl.when(known["known"].is_null()).then(pl.lit("new")).when(pl.any_horizontal(differs)).then(pl.lit("changed"))
        .otherwise(pl.lit("unchanged"))
    )  # fmt: skip
    both = both.with_columns(change=change)
    rows = both.with_columns(before=_before(both)).select("change", "before", *columns)
    nothing = pl.lit(None, dtype=pl.String)
    gone = was.filter(pl.col("key").is_in(list(found.gone))).select(
        pl.lit("gone").alias("change"), nothing.alias("before"), *columns
    )
    rows = pl.concat([rows, gone])
    rows = rows.with_columns(_sides(rows, sides)).sort(*_ordered(rows.schema), nulls_last=True)
    events = pl.concat([found.events.select(_EVENTS), _box(found.events["geometry"])], how="horizontal")
    events = events.with_columns(_sides(events, sides)).sort("event_start", "eventID", "year", nulls_last=True)
    return View(rows, events, _counts(rows, found, sides), found.rules_hash)


def _ordered(schema: pl.Schema) -> list[str]:
    """Return by what rows are put in order: all that is told of them, so that nothing of the file's order is left."""
    first = ("eventDate", "year", "scientificName", "eventID", "occurrenceID", "decimalLatitude", "decimalLongitude")
    return [*first, *(name for name, kind in schema.items() if name not in first and not kind.is_nested())]


def _before(both: pl.DataFrame) -> pl.Series:
    """Return, of changed rows, the published values that were others, as JSON."""
    changed = both["change"] == "changed"
    told: list[str | None] = []
    for is_changed, row in zip(changed, both.iter_rows(named=True), strict=True):
        if not is_changed:
            told.append(None)
            continue
        pairs = ((name, row[name], row[f"{name} was"]) for name in _COMPARED)
        told.append(orjson.dumps({name: was for name, now, was in pairs if now != was}).decode())
    return pl.Series("before", told, dtype=pl.String)


def _sides(rows: pl.DataFrame, sides: Collection[str]) -> pl.Expr:
    """Return whose reviewers see each row: the countries that are published of it, else all, since it may be of each."""
    own = countries_of(rows).list.eval(pl.element().filter(pl.element().is_in(sorted(sides))))
    return pl.when(own.list.len() > 0).then(own).otherwise(pl.lit(sorted(sides))).alias("sides")


def _box(shapes: pl.Series) -> pl.DataFrame:
    """Return the boxes of shapes (WKB), degrees."""
    bounds: Any = shapely.bounds(shapely.from_wkb(shapes.to_list())) if len(shapes) else []
    edges = pl.DataFrame(bounds, schema=dict.fromkeys(("west", "south", "east", "north"), pl.Float64), orient="row")
    return edges.with_columns(pl.all().fill_nan(None))


def _counts(rows: pl.DataFrame, shown: Preview, sides: Iterable[str]) -> dict[str, Any]:
    """Return by side how many records its reviewers see, how many of them as a cell, how many wait or no rule lets out."""
    found: dict[str, Any] = {}
    stays = rows.filter(pl.col("change") != "gone")
    for side in sorted(sides):
        own = stays.filter(pl.col("sides").list.contains(side))
        hidden, waiting = (
            sum(side in (codes or [NO_COUNTRY]) for codes in countries.to_list())
            for countries in (shown.withheld, shown.waiting["countries"])
        )
        found[side] = {
            "records": own.height,
            "coarse": own.filter(pl.col("sharing_category") != _OPEN).height,
            "withheld": hidden,
        } | ({"waiting": waiting} if waiting else {})
    return found
