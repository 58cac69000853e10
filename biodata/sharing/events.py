"""What is published of sampling events: `terms.EVENT` in, `terms.SURVEY` out."""

import hashlib
from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import terms
from biodata.places import BoundarySet
from biodata.sharing.event_measurements import let_out_of_events
from biodata.sharing.event_shapes import boxes, points
from biodata.sharing.event_ties import FACTS, PLACE, as_records, decide_events
from biodata.sharing.publish import NUMBERS, publish
from biodata.sharing.rules import RuleSet
from biodata.sharing.scopes import told_words
from biodata.terms import Reach
from biodata.vocabularies import SharingCategory

_OPEN: Final = str(SharingCategory.OPEN)
_SCOPE: Final = "targetTaxonomicScope"
_EXCLUDED: Final = "excludedTaxonomicScope"
_MADE: Final = ("license_effective", "license_reason", "sharing_category", "quality_flags", "community_labels")
_ASKED: Final = tuple(c for c in terms.PUBLISHED_OCCURRENCE if c.name in ("key", *PLACE, *_MADE))
_COARSE: Final = tuple(
    c.name
    for c in terms.SURVEY
    if c.reach is Reach.PUBLIC and c.name not in ("survey_id", "geometry", "records", "species")
)
"""Columns that are told of an event whose place is coarse."""
_LEVELS: Final = 16
"""How deep events may be parts of others."""
_OF_THE_WHOLE: Final = (
    "effort_value", "effort_basis", "failed_days", "isAbsenceReported", "eventDate", "time_zone",
    "coordinateUncertaintyInMeters", "decimalLongitude", "decimalLatitude",
)  # fmt: skip
"""What is not told of an event that others are parts of: with those that are open it would tell the one that is not."""


def publish_events(
    events: pl.DataFrame,
    facts: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    licences: Mapping[str, str | None],
    kept: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return what the rules let out of events.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        Columns of `terms.EVENT`, each event once; `footprint`, WKB in degrees of WGS 84 or null.
    facts : polars.DataFrame of `event_ties.FACTS`
        Of the records of their datasets.
    rules : RuleSet
        With what ties records to sensitive ones.
    boundaries : BoundarySet
        Whose land the floor counts.
    licences : mapping of str to str or None
        Licence of each dataset by its key.
    kept : polars.DataFrame, optional
        event_key, category : events that an earlier release did not tell exactly, and that stay so.

    Returns
    -------
    polars.DataFrame of at most n rows, sorted by `survey_id`
        `terms.SURVEY`; `records` and `species` are null, since the release counts what it publishes. An event with a
        sensitive record at its station has a cell for a place, and nothing of `Reach.PRECISE`; of others everything is
        told. Events that others are parts of have the box of what is open of these.

    Notes
    -----
    A long transect can have a sensitive record at one end, and open ones, which name it, at the other. Were it told
    coarse, or without its effort, everybody would know on which transect the sensitive one was made. So it is told like
    every transect with open records: its place is theirs, which the release adds.
    """
    events = events.with_columns(pl.col("footprint").cast(pl.Binary)).sort("event_key")
    scopes, left_out = (_told_scopes(events, name, rules, boundaries) for name in (_SCOPE, _EXCLUDED))
    # Where nothing of a scope may be told, nothing was found absent.
    absence = pl.when(pl.col(_SCOPE).is_null() | scopes.is_not_null()).then("isAbsenceReported")
    events = events.with_columns(whole=_are_wholes(events), isAbsenceReported=absence)
    measured = let_out_of_events(events, rules, boundaries=boundaries)
    events = events.with_columns(scopes.alias(_SCOPE), left_out.alias(_EXCLUDED), measured)
    own = _own(events, facts)
    decided = decide_events(events, own, facts, rules, boundaries=boundaries, kept=kept)
    shown = publish(
        as_records(events), rules, boundaries=boundaries, decided=decided, columns=_ASKED, licences=licences
    )
    shown = shown.with_columns(row=(-1 - pl.col("key")).cast(pl.UInt32)).drop("key")
    frame = events.drop(*(name for name in shown.columns if name in events.columns)).with_row_index("row")
    frame = frame.join(shown, on="row", maintain_order="left")
    single, whole = frame.filter(~pl.col("whole")), frame.filter("whole", pl.col("sharing_category") == _OPEN)
    opened = single.filter(pl.col("sharing_category") == _OPEN)
    opened = opened.with_columns(geometry=_shapes(opened))
    told_anyway = own.filter(pl.col("category") == _OPEN).select("row").unique()
    coarse = single.filter(pl.col("sharing_category") != _OPEN)
    told = [
        _conform(opened),
        _conform(_of_open_records(coarse.join(told_anyway, on="row", how="semi"))),
        _conform(_of_parts(whole, opened)),
        _conform(_coarse(coarse.join(told_anyway, on="row", how="anti"), own)),
    ]
    return pl.concat(told).sort("survey_id")


def _conform(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of `terms.SURVEY`; open ones are called by dataset and identifier."""
    if "survey_id" not in frame.columns:
        frame = frame.with_columns(survey_id=pl.col("datasetKey") + ":" + pl.col("eventID"))
    days = [pl.col(name).cast(pl.Date) for name in ("event_start", "event_end") if name in frame.columns]
    year = pl.col("event_start").dt.year() if "event_start" in frame.columns else pl.col("year")
    return terms.conform(frame.with_columns(*days, year=year, license="license_effective"), terms.SURVEY)


def _are_wholes(events: pl.DataFrame) -> pl.Series:
    """Tell which events others are parts of."""
    parts = (
        events.filter(pl.col("parentEventID") != pl.col("eventID"))
        .select("datasetKey", eventID="parentEventID")
        .unique()
    )
    marked = events.select("datasetKey", "eventID").join(
        parts.with_columns(whole=pl.lit(value=True)), on=["datasetKey", "eventID"], how="left", maintain_order="left"
    )
    return marked["whole"].fill_null(value=False)


def _own(events: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Return `row` of each event with the facts of its records: those of the event, and of parts that are no events here."""
    known = events.with_row_index("row").select("row", dataset="datasetKey", event="eventID")
    of_event = facts.join(known, on=["dataset", "event"])
    others = facts.join(known.select("dataset", "event"), on=["dataset", "event"], how="anti")
    of_part = others.join(known, left_on=["dataset", "parent"], right_on=["dataset", "event"])
    return pl.concat([frame.select("row", *FACTS.names()) for frame in (of_event, of_part)])


def _told_scopes(events: pl.DataFrame, column: str, rules: RuleSet, boundaries: BoundarySet) -> pl.Series:
    """Return the scopes, or what they leave out, without the words that may mean a taxon which a rule withholds.

    Of these no record is told, so nothing may say that they were not found. They are left out wherever they were looked
    for, so that it does not tell where they were found.
    """
    scopes = events.select("datasetKey", column).with_row_index("row").explode(column).drop_nulls(column)
    named = scopes.select("datasetKey", word=column).unique(maintain_order=True)
    told = named.filter(told_words(named, rules, boundaries=boundaries))
    kept = scopes.join(
        told, left_on=["datasetKey", column], right_on=["datasetKey", "word"], how="semi", maintain_order="left"
    )
    lists = kept.group_by("row", maintain_order=True).agg(column)
    return events.with_row_index("row").select("row").join(lists, on="row", how="left", maintain_order="left")[column]


def _shapes(opened: pl.DataFrame) -> pl.Series:
    """Return lines and outlines, else points, as WKB."""
    there = points(opened["decimalLongitude"], opened["decimalLatitude"])
    return pl.select(pl.coalesce(opened["footprint"], there)).to_series()


def _of_open_records(coarse: pl.DataFrame) -> pl.DataFrame:
    """Return events with a sensitive record of which open ones are told, too, without any place."""
    nowhere = [pl.lit(None).alias(name) for name in ("country_codes", "coordinateUncertaintyInMeters", "geometry")]
    silent = [pl.lit(None).alias(name) for name in ("informationWithheld", "dataGeneralizations")]
    return coarse.with_columns(*nowhere, *silent, sharing_category=pl.lit(_OPEN))


def _of_parts(wholes: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Return the events that have open parts, with the days and the box of these."""
    bounds = shapely.bounds(shapely.from_wkb(opened["geometry"].to_list()))
    box = pl.DataFrame(np.asarray(bounds).reshape(-1, 4), schema=["west", "south", "east", "north"], orient="row")
    parts = opened.select("datasetKey", "parentEventID", "event_start", "event_end", "country_codes").hstack(
        box.fill_nan(None)
    )
    up = wholes.select("datasetKey", "eventID", up="parentEventID")
    level, found = parts, [parts]
    for _ in range(_LEVELS):
        level = level.join(up, left_on=["datasetKey", "parentEventID"], right_on=["datasetKey", "eventID"])
        level = level.with_columns(parentEventID="up").drop("up").drop_nulls("parentEventID")
        found.append(level.select(parts.columns))
    told = (
        pl.concat(found)
        .group_by("datasetKey", eventID="parentEventID")
        .agg(
            pl.col("event_start", "west", "south").min(),
            pl.col("event_end", "east", "north").max(),
            pl.col("country_codes").explode().drop_nulls().unique().sort(),
        )
    )
    kept = wholes.drop("event_start", "event_end", "country_codes", *_OF_THE_WHOLE).join(
        told, on=["datasetKey", "eventID"], maintain_order="left"
    )
    return kept.with_columns(geometry=boxes(kept))


def _coarse(coarse: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Return the events that are told coarse; their place is that which is told of one of their records.

    Of an event in one cell and its record in the next one both together would tell that it is at the edge between.
    """
    of_records = (
        own.rename({"category": "sharing_category"})
        .join(coarse.select("row", "sharing_category"), on=["row", "sharing_category"])
        .sort(
            "row",
            "cell_west",
            "cell_south",
            "decimalLongitude",
            "decimalLatitude",
            "informationWithheld",
            nulls_last=True,
        )
        .unique("row", keep="first", maintain_order=True)
        .select("row", *PLACE, of_record=pl.lit(value=True))
    )
    coarse = coarse.join(of_records, on="row", how="left", suffix=" of a record", maintain_order="left")
    coarse = coarse.with_columns(
        pl.when("of_record").then(f"{name} of a record").otherwise(name).alias(name) for name in PLACE
    )
    power = pl.lit(10.0).pow(pl.col("effort_value").log10().floor())
    coarse = coarse.with_columns(
        # An effort as it is told would know the station again in any list of them.
        effort_value=pl.when(pl.col("effort_value") > 0)
        .then((pl.col("effort_value") / power).round() * power)
        .otherwise("effort_value"),
        year=pl.col("event_start").dt.year(),
        geometry=_cells(coarse),
        license="license_effective",
        **{name: pl.when(~pl.col(name).str.contains(NUMBERS)).then(name) for name in ("effort_unit", "effort_basis")},
        **{name: pl.col(name).list.filter(~pl.element().str.contains(NUMBERS)) for name in (_SCOPE, _EXCLUDED)},
    )
    told = terms.conform(coarse, terms.SURVEY).select(_COARSE).hstack(coarse.select("geometry", "license_effective"))
    return told.with_columns(survey_id=_made_ids(told))


def _made_ids(told: pl.DataFrame) -> pl.Series:
    """Return identifiers that are made of what is published and of nothing else; those that are told alike are numbered."""
    texts = told.select(
        pl.struct(pl.all().exclude("geometry"), place=pl.col("geometry").bin.encode("hex")).struct.json_encode()
    )
    marks = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts.to_series()]
    numbered = pl.DataFrame({"dataset": told["datasetKey"], "mark": pl.Series(marks, dtype=pl.String)})
    number = pl.int_range(1, pl.len() + 1).over("dataset", "mark").cast(pl.String)
    return numbered.select(pl.col("dataset") + "~" + pl.col("mark") + "-" + number).to_series()


def _cells(coarse: pl.DataFrame) -> pl.Series:
    """Return the published cells; the point of a place that its publisher had made coarse; nothing for no place."""
    edges = coarse.select(west="cell_west", south="cell_south", east="cell_east", north="cell_north")
    there = points(coarse["decimalLongitude"], coarse["decimalLatitude"])
    return pl.select(pl.coalesce(boxes(edges), there)).to_series()
