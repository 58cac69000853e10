"""How coarse each sampling event is published: as the strictest record of it, and of its station.

An event that is told exactly while a record of it is coarse tells where that record was made. So an event is as coarse as
the strictest of its records, of what ties a record of its place and day to a sensitive one (`siblings`), and of the
events at the same site. Rules that name no taxon, and communities' labels, are about events as they are about records.

Of a withheld record nothing is told, and nothing may tell that it is there. An event that has no other record is left
out, and so is an event without records at a station where one was withheld. An event of which other records are published is
told by them already: it is told as if the withheld one were not there.

An event that others are parts of is told by its parts alone (`events`): the middle of its stations, its effort or the
line through them would tell the one that is missing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import terms
from biodata.places import BoundarySet
from biodata.sharing.decide import decide, stricter
from biodata.sharing.generalise import CELLS_PER_DEGREE, GUARD
from biodata.sharing.publish import publish
from biodata.sharing.rules import RuleSet
from biodata.sharing.siblings import REASON, SAME_EVENT
from biodata.sharing.stations import STATION, around
from biodata.vocabularies import SharingCategory

PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "country_codes", "informationWithheld",
    "dataGeneralizations", "cell_west", "cell_south", "cell_east", "cell_north",
)  # fmt: skip
"""Columns of a published place."""
_COLUMNS: Final = tuple(c for c in terms.PUBLISHED_OCCURRENCE if c.name in (*PLACE, "sharing_category"))
FACTS: Final = pl.Schema(
    {
        "dataset": pl.String, "event": pl.String, "parent": pl.String, "category": pl.String,
        "longitude": pl.Float64, "latitude": pl.Float64,
        **{c.name: c.dtype for c in _COLUMNS if c.name in PLACE},
    }
)  # fmt: skip
"""What is known of records: their event, their category; of withheld ones the exact place, which never leaves the process;
of coarse ones what is published of their place."""
_STEP_DEGREES: Final = 0.5 / STATION
"""How far apart points of a line are, by which it is asked whether it comes by a station."""
_MOST_POINTS: Final = 20_000
_WITHHELD: Final = str(SharingCategory.WITHHELD)
_OPEN: Final = str(SharingCategory.OPEN)


def facts_of(records: pl.DataFrame, decided: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what records tell of their events.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        `publish.LOOKED_AT` of `terms.OCCURRENCE`.
    decided : polars.DataFrame
        What `decide` found of them.
    rules, boundaries
        As `publish` has them.

    Returns
    -------
    polars.DataFrame of `FACTS`
        A row for each coarse or withheld record, and one for all open ones of an event.
    """
    named = (
        pl.col("datasetKey").alias("dataset"),
        pl.col("eventID").alias("event"),
        pl.col("parentEventID").alias("parent"),
    )
    told = records.with_row_index("row").join(decided.select("row", "category"), on="row", how="left")
    told = told.select(*named, "category", longitude="decimalLongitude", latitude="decimalLatitude")
    nowhere = [pl.lit(None, pl.Float64).alias(name) for name in ("longitude", "latitude")]
    opened = told.filter(pl.col("category").is_null()).with_columns(*nowhere, category=pl.lit(_OPEN)).unique()
    withheld = told.filter(pl.col("category") == _WITHHELD)
    coarse = decided.filter(pl.col("category") != _WITHHELD)
    rows = records[coarse["row"]]
    shown = publish(
        rows, rules, boundaries=boundaries, columns=_COLUMNS, decided=coarse.drop("row").with_row_index("row").select(decided.columns)
    )  # fmt: skip
    known = rows.select(named).with_columns(*nowhere, category=shown["sharing_category"]).hstack(shown.select(PLACE))
    return pl.concat([_conform(frame) for frame in (opened, withheld, known)])


def _conform(frame: pl.DataFrame) -> pl.DataFrame:
    lacking = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in FACTS.items() if name not in frame.columns]
    return frame.with_columns(lacking).select(pl.col(name).cast(dtype) for name, dtype in FACTS.items())


def as_records(events: pl.DataFrame) -> pl.DataFrame:
    """Return events in the form of records without a name, as rules and ties are asked of them.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        Columns of `terms.EVENT`, and what their publisher says of places made coarser, where there is.

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`; `key` is negative, which no record's is.
    """
    days = [pl.col(name).cast(pl.Date) for name in ("event_start", "event_end")]
    method = pl.col("samplingProtocol").fill_null("survey")
    frame = events.with_columns(*days, method, key=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    return terms.conform(frame, terms.OCCURRENCE)


def decide_events(
    events: pl.DataFrame,
    own: pl.DataFrame,
    facts: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    kept: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Find the events that are published coarse, or not at all.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        Columns of `terms.EVENT`; `footprint`, WKB; `whole`, True for events that others are parts of.
    own : polars.DataFrame
        `row` of an event and the `FACTS` of its records.
    facts : polars.DataFrame of `FACTS`
        Of all records of these datasets.
    rules, boundaries
        As `decide` has them.
    kept : polars.DataFrame, optional
        event_key, category : events that an earlier release did not tell exactly.

    Returns
    -------
    polars.DataFrame
        As `decide` returns it.
    """
    general = replace(rules, rules=tuple(rule for rule in rules.rules if rule.scientific_name is None))
    decided = _of_points(events, general, boundaries)
    single = ~events["whole"]
    coarse = own.filter(pl.col("category").is_in(list(CELLS_PER_DEGREE)), single.gather(own["row"]))
    decided = stricter(decided, _same_event(coarse.select("row", "category"), decided))
    decided = stricter(decided, _same_event(_of_sites(events, decided, single), decided))
    if kept is not None:
        rows = events.with_row_index("row").filter(single).select("row", "event_key").join(kept, on="event_key")
        # What is decided today holds; and a withheld event of which there are records by now is told as these are.
        rows = rows.join(decided, on="row", how="anti")
        withheld = pl.col("category") == _WITHHELD
        told = rows.filter(withheld).join(own.filter(~withheld), on="row", how="anti")
        decided = stricter(decided, _same_event(pl.concat([rows.filter(~withheld), told]), decided))
    gone = _untold(events, own, facts, single)
    return stricter(decided, _same_event(gone.with_columns(category=pl.lit(_WITHHELD)), decided))


def _of_points(events: pl.DataFrame, rules: RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what decides about events by their places: their points, and those along their lines and outlines.

    Of an event that others are parts of no place is told, so none is asked for.
    """
    rows = events.with_row_index("row").select("row", "whole")
    single, wholes = rows.filter(~pl.col("whole"))["row"], rows.filter("whole")["row"]
    records = as_records(events)
    along = _along(events, single)
    asked = pl.concat([records[single], records[along["row"]].with_columns(along.drop("row"))])
    of_single = decide(asked, rules, boundaries=boundaries)
    place = pl.concat([single, along["row"]])
    nowhere = [pl.lit(None, pl.Float64).alias(name) for name in ("decimalLongitude", "decimalLatitude")]
    of_wholes = decide(records[wholes].with_columns(nowhere), replace(rules, siblings=None), boundaries=boundaries)
    found = [
        of_single.with_columns(row=place.gather(of_single["row"])),
        of_wholes.with_columns(row=wholes.gather(of_wholes["row"])),
    ]
    return stricter(of_single.clear(), pl.concat(found))


def _along(events: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Return `row` and places along the lines and outlines of some events, near enough to each other to meet a station."""
    shapes = events.with_row_index("row").select("row", "footprint")[rows].drop_nulls("footprint")
    lines = np.asarray(shapely.from_wkb(shapes["footprint"].to_list()), dtype=object)
    steps = np.maximum(_STEP_DEGREES, shapely.length(lines) / _MOST_POINTS)
    points, of = shapely.get_coordinates(shapely.segmentize(lines, steps), return_index=True)
    found = pl.DataFrame(points, schema={"decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64}, orient="row")
    return found.with_columns(row=shapes["row"].gather(pl.Series(of, dtype=pl.UInt32)))


def _same_event(found: pl.DataFrame, like: pl.DataFrame) -> pl.DataFrame:
    """Return rows and their categories in the form of `decide`."""
    told = found.with_columns(rule_id=pl.lit(SAME_EVENT), reason=pl.lit(REASON), categories=pl.concat_list("category"))
    return told.select(pl.col(name).cast(dtype) for name, dtype in like.schema.items())


def _of_sites(events: pl.DataFrame, decided: pl.DataFrame, single: pl.Series) -> pl.DataFrame:
    """Return the events at a site of a coarse one, with its category: the site of several visits is one station."""
    sites = (
        events.with_row_index("row").filter(single).drop_nulls("locationID").select("row", "datasetKey", "locationID")
    )
    coarse = decided.filter(pl.col("category").is_in(list(CELLS_PER_DEGREE))).select("row", "category")
    return sites.join(sites.join(coarse, on="row").drop("row"), on=["datasetKey", "locationID"]).select(
        "row", "category"
    )


def _untold(events: pl.DataFrame, own: pl.DataFrame, facts: pl.DataFrame, single: pl.Series) -> pl.DataFrame:
    """Return the events of which nothing is told, since all that there is to tell is withheld."""
    frame = events.with_row_index("row").filter(single)
    told = own.filter(pl.col("category") != _WITHHELD).select("row")
    lacking = frame.join(told, on="row", how="anti")
    withheld = own.filter(pl.col("category") == _WITHHELD).select("row").unique()
    here = frame.join(withheld, on="row", how="semi")
    sites = here.drop_nulls("locationID").select("datasetKey", "locationID").unique()
    places = [
        facts.filter(pl.col("category") == _WITHHELD).select("dataset", "longitude", "latitude"),
        here.select(dataset="datasetKey", longitude="decimalLongitude", latitude="decimalLatitude"),
    ]
    stations = around(pl.concat(places).drop_nulls().select("dataset", *_cells("longitude", "latitude")).unique())
    at = lacking.with_columns(_cells("decimalLongitude", "decimalLatitude"))
    found = [
        lacking.join(withheld, on="row", how="semi"),
        lacking.join(sites, on=["datasetKey", "locationID"], how="semi"),
        at.join(stations, left_on=["datasetKey", "gx", "gy"], right_on=["dataset", "gx", "gy"], how="semi"),
    ]
    return pl.concat([frame.select("row") for frame in found]).unique()


def _cells(longitude: str, latitude: str) -> Sequence[pl.Expr]:
    """Return column and row of the station's grid."""
    return [
        (pl.col(c) * STATION + GUARD).floor().cast(pl.Int64, strict=False).alias(name)
        for name, c in (("gx", longitude), ("gy", latitude))
    ]
