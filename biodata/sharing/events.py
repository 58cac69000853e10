"""What is published of sampling events: `terms.EVENT` in, `terms.SURVEY` out.

An event goes out as it is, or not at all. One that others are parts of has the box of those that go out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.licences import effective_of
from biodata.sharing.measurements import let_out_of_events, without_identifiers
from biodata.sharing.plan import Plan, named_dataset
from biodata.sharing.received import came_open
from biodata.sharing.rules import RuleSet
from biodata.sharing.scopes import publishable_words

_SCOPE: Final = "targetTaxonomicScope"
_EXCLUDED: Final = "excludedTaxonomicScope"
_LEVELS: Final = 16
"""How deep events may be parts of others."""
_STEP_DEGREES: Final = 0.0005
"""How far apart points of a line are, by which it is asked whether it comes by a place that a rule hides."""
_MOST_POINTS: Final = 20_000
_OF_THE_WHOLE: Final = (
    "effort_value", "effort_basis", "failed_days", "isAbsenceReported", "eventDate", "time_zone",
    "coordinateUncertaintyInMeters", "event_start", "event_end", "country_codes",
)  # fmt: skip
"""What is not published of an event that others are parts of: with those that are open it would state the one that is not. Its
days and countries are those of its open parts."""
_MARKED: Final = ("eventID", "parentEventID", "locationID")
_OF_DATASET: Final = pl.Schema({"datasetKey": pl.String, "eventID": pl.String})
_SURVEY_ID: Final = pl.col("datasetKey") + ":" + pl.col("eventID")


def publish_events(
    bands: Iterable[pl.DataFrame], rules: RuleSet, *, boundaries: BoundarySet, licences: Mapping[str, str | None]
) -> pl.DataFrame:
    """Return what the rules let out of events.

    Parameters
    ----------
    bands : iterable of polars.DataFrame
        Columns of `terms.EVENT`, each event once; `footprint`, WKB in degrees of WGS 84 or null. Only one is in memory at a time.
    rules : RuleSet
        With a plan: which events would show that a record is missing.
    boundaries : BoundarySet
        Whose land counts.
    licences : mapping of str to str or None
        Licence of each dataset by its key.

    Returns
    -------
    polars.DataFrame of at most as many rows, sorted by `survey_id`
        `terms.SURVEY`; `records` and `species` are null, since the release counts what it publishes. Left out are events
        that came as cells, those that a rule without a taxon, or a label, makes less than open, and those of the plan.
    """
    found, wholes = [pl.DataFrame(schema=terms.schema(terms.SURVEY))], [_OF_DATASET.to_frame()]
    for events in bands:
        # Before any part is taken away: a whole never goes out with a place of its own.
        parts = events.filter(pl.col("parentEventID") != pl.col("eventID"))
        wholes.append(parts.select("datasetKey", eventID="parentEventID").unique())
        found.append(_let_out(events, rules, boundaries, licences))
    every, named = pl.concat(found), pl.concat(wholes)
    opened = every.join(named, on=named.columns, how="anti")
    every = pl.concat([opened, _of_parts(every.join(named, on=named.columns, how="semi"), opened)])
    return (every if rules.plan is None else _marked(every, rules.plan)).sort("survey_id")


def _let_out(
    events: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet, licences: Mapping[str, str | None]
) -> pl.DataFrame:
    """Return what goes out of some events, each as if others were no parts of it."""
    events = came_open(events.with_columns(pl.col("footprint").cast(pl.Binary)))
    general = replace(rules, rules=tuple(rule for rule in rules.rules if rule.scientific_name is None))
    hidden = _hidden(events, general, boundaries)
    gone = pl.Series([], dtype=pl.String) if rules.plan is None else rules.plan.apart.unpublished["event_key"]
    events = events.filter(~pl.int_range(pl.len()).is_in(hidden.implode()), ~pl.col("event_key").is_in(gone.implode()))
    scopes, left_out = (_published_scopes(events, name, rules, boundaries) for name in (_SCOPE, _EXCLUDED))
    # Where nothing of a scope may be published, nothing was found absent.
    absence = pl.when(pl.col(_SCOPE).is_null() | scopes.is_not_null()).then("isAbsenceReported")
    events = events.with_columns(let_out_of_events(events, rules, boundaries=boundaries), isAbsenceReported=absence)
    events = events.with_columns(scopes.alias(_SCOPE), left_out.alias(_EXCLUDED))
    labelled = rules.labels.added(as_records(events)).select("license", "datasetKey", "community_labels")
    rows = events.with_columns(
        pl.col("event_start", "event_end").cast(pl.Date),
        labelled["community_labels"],
        effective_of(labelled, licences)["license_effective"].alias("license"),
        year=pl.col("event_start").dt.year(), survey_id=_SURVEY_ID, geometry=_shapes(events),
        sharing_category=pl.lit(str(SharingCategory.OPEN)),
    )  # fmt: skip
    return terms.conform(rows, terms.SURVEY)


def as_records(events: pl.DataFrame) -> pl.DataFrame:
    """Return events in the form of records without a name, as rules and labels are asked of them.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        Columns of `terms.EVENT`.

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`; `key` is negative, which no record's is.
    """
    days = pl.col("event_start", "event_end").cast(pl.Date)
    method = pl.col("samplingProtocol").fill_null("survey")
    frame = events.with_columns(days, method, key=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    return terms.conform(frame, terms.OCCURRENCE)


def _hidden(events: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.Series:
    """Return the rows of events that some rules hide, by their points and by those along their lines and outlines."""
    records = as_records(events)
    along = _along(events)
    asked = pl.concat([records, records[along["row"]].with_columns(along.drop("row"))])
    rows = pl.concat([pl.int_range(events.height, eager=True, dtype=pl.UInt32), along["row"]])
    return rows.gather(decide(asked, rules, boundaries=boundaries)["row"]).unique().cast(pl.Int64)


def _along(events: pl.DataFrame) -> pl.DataFrame:
    """Return `row` and places along the lines and outlines of events."""
    shapes = events.with_row_index("row").select("row", "footprint").drop_nulls("footprint")
    lines = np.asarray(shapely.from_wkb(shapes["footprint"].to_list()), dtype=object)
    steps = np.maximum(_STEP_DEGREES, shapely.length(lines) / _MOST_POINTS)
    found, of = shapely.get_coordinates(shapely.segmentize(lines, steps), return_index=True)
    places = pl.DataFrame(found, schema={"decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64}, orient="row")
    return places.with_columns(row=shapes["row"].gather(pl.Series(of, dtype=pl.UInt32)))


def _marked(found: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return events of marked datasets with marks in place of their own identifiers."""
    here = named_dataset().is_in(list(plan.marked))
    marks = {name: pl.when(here).then(plan.mark(found[name])).otherwise(name) for name in _MARKED}
    measured = pl.when(here).then(without_identifiers(found["measurements"])).otherwise("measurements")
    return found.with_columns(**marks, measurements=measured).with_columns(survey_id=_SURVEY_ID)


def _published_scopes(events: pl.DataFrame, column: str, rules: RuleSet, boundaries: BoundarySet) -> pl.Series:
    """Return the scopes, or what they leave out, without the words that may mean a taxon which a rule withholds.

    Of these no record is stated, so nothing may say that they were not found. They are left out wherever they were looked
    for, so that it does not state where they were found.
    """
    scopes = events.select("datasetKey", column).with_row_index("row").explode(column).drop_nulls(column)
    named = scopes.select("datasetKey", word=column).unique(maintain_order=True)
    table = named.filter(publishable_words(named, rules, boundaries=boundaries))
    kept = scopes.join(
        table, left_on=["datasetKey", column], right_on=["datasetKey", "word"], how="semi", maintain_order="left"
    )
    lists = kept.group_by("row", maintain_order=True).agg(column)
    return events.with_row_index("row").select("row").join(lists, on="row", how="left", maintain_order="left")[column]


def _shapes(opened: pl.DataFrame) -> pl.Series:
    """Return lines and outlines, else points, as WKB."""
    places = opened.select(pl.col("decimalLongitude", "decimalLatitude").cast(pl.Float64)).fill_null(np.nan).to_numpy()
    there = _wkb(np.asarray(shapely.points(places)), np.isfinite(places).all(axis=1))
    return pl.select(pl.coalesce(opened["footprint"], there)).to_series()


def _of_parts(wholes: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Return the events that have open parts, with the days and the box of these."""
    parts = opened.filter(pl.col("parentEventID").is_not_null())
    bounds = shapely.bounds(shapely.from_wkb(parts["geometry"].to_list()))
    box = pl.DataFrame(np.asarray(bounds).reshape(-1, 4), schema=["west", "south", "east", "north"], orient="row")
    parts = parts.select("datasetKey", "parentEventID", "event_start", "event_end", "country_codes")
    parts = parts.hstack(box.fill_nan(None))
    up = wholes.select("datasetKey", "eventID", up="parentEventID")
    level, found = parts, [parts]
    for _ in range(_LEVELS):
        level = level.join(up, left_on=["datasetKey", "parentEventID"], right_on=["datasetKey", "eventID"])
        level = level.with_columns(parentEventID="up").drop("up").drop_nulls("parentEventID")
        found.append(level.select(parts.columns))
    table = (
        pl.concat(found)
        .group_by("datasetKey", eventID="parentEventID")
        .agg(
            pl.col("event_start", "west", "south").min(),
            pl.col("event_end", "east", "north").max(),
            pl.col("country_codes").explode().drop_nulls().unique().sort(),
        )
    )
    kept = wholes.drop(_OF_THE_WHOLE).join(table, on=["datasetKey", "eventID"])
    return terms.conform(kept.with_columns(year=pl.col("event_start").dt.year(), geometry=boxes(kept)), terms.SURVEY)


def boxes(frame: pl.DataFrame) -> pl.Series:
    """Return the boxes of n rows with west, south, east, north as WKB.

    One without an area is a line or a point; null where an edge is missing.
    """
    edges = frame.select(pl.col("west", "south", "east", "north").cast(pl.Float64)).to_numpy().astype(np.float64)
    flat = (edges[:, 0] == edges[:, 2]) & (edges[:, 1] == edges[:, 3])
    lines = ((edges[:, 0] == edges[:, 2]) | (edges[:, 1] == edges[:, 3])) & ~flat
    shapes = shapely.box(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3])
    shapes[flat] = shapely.points(edges[flat, :2])
    shapes[lines] = shapely.linestrings(edges[lines].reshape(-1, 2, 2))
    return _wkb(shapes, ~np.isnan(edges).any(axis=1))


def _wkb(shapes: NDArray[Any], there: NDArray[np.bool_]) -> pl.Series:
    shapes[~there] = None
    return pl.Series("geometry", shapely.to_wkb(shapes).tolist(), dtype=pl.Binary)
