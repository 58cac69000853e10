"""Sampling events with their records: which site and side each event is of, and which event each record.

Sites of one `locationID` are one, on both sides of a border too; where none is told, events of one place are one site.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from biodata.analysis.scopes import Holds, holding, standing

RANKS: Final[tuple[str, ...]] = ("species", "genus", "family", "order", "class", "phylum", "kingdom")
NO_SIDE: Final = "no side"
"""Of events whose place may lie in several countries, or in none."""
JOINT: Final = "joint"
"""What all sides together are called."""
NO_METHOD: Final = "not told"
NO_SCOPE: Final = "its scope is not told"
NO_ABSENCE: Final = "it reports no absence"
HIDDEN: Final = "not told here: a sharing rule hides its places"
PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
_MIDNIGHT: Final = "CAMERA_TIMES_MIDNIGHT"
"""Flag of deployments whose images tell no time of day."""
_PLACE_DEGREES: Final = 0.0005
_YEAR_DAYS: Final = 366
_LEAST_GAP_DAYS: Final = 30
_KEY: Final = ("datasetKey", "eventID")
_OF_PARTS: Final = (
    "design", "effort_unit", "side", "time_zone", "samplingProtocol", "targetTaxonomicScope", "excludedTaxonomicScope",
    "isAbsenceReported",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Joined:
    """Events and the records of them.

    Attributes
    ----------
    events : polars.DataFrame
        Columns of `terms.EVENT`, and `site`, `side`, `method` (the design, else the protocol as told), `first` and `last`
        (days), `repeat` (the year in which its season began, see `season_start`). No event is a part of another one.
    records : polars.DataFrame
        Columns of the records, `name` (the species, else the name as it stands), and `event_key`, `site`, `side`, `method`,
        `repeat`, `event_first`, `event_last` of their events.
    left_out : dict of str to int
        Records that are not in `records`, by reason.
    hidden : frozenset of str
        Taxa of which a sharing rule hides places from these events and records: that none is told is no absence.
    """

    events: pl.DataFrame
    records: pl.DataFrame
    left_out: dict[str, int]
    hidden: frozenset[str] = frozenset()


def join(events: pl.DataFrame, records: pl.DataFrame) -> Joined:
    """Put events (`terms.EVENT`) and records (`terms.OCCURRENCE`) side by side.

    A record is of the event that its eventID names, else of the one that its parentEventID names.
    """
    # Sums of numbers depend on their order in the last digit: it is always the same.
    told_once, moved = _counted_once(events, records)
    with_sites = sites(told_once).sort("event_key")
    known = with_sites.select("event_key", "site", "side", "method", "repeat", event_first="first", event_last="last")
    known = known.unique("event_key", keep="first", maintain_order=True)
    whole = dict(moved.iter_rows())
    left = events.join(with_sites, on="event_key", how="anti").filter(~pl.col("event_key").is_in(list(whole)))
    keys = known["event_key"].implode()
    linked = (
        records.sort("key")
        .with_columns(
            name=pl.coalesce("species", "scientificName"),
            _own=(pl.col("datasetKey") + ":" + pl.col("eventID")).replace(whole),
            _of=(pl.col("datasetKey") + ":" + pl.col("parentEventID")).replace(whole),
        )
        .with_columns(
            event_key=pl.when(pl.col("_own").is_in(keys)).then("_own").when(pl.col("_of").is_in(keys)).then("_of")
        )
    )
    of_whole = pl.col("_own").is_in(left["event_key"].implode()).fill_null(value=False)
    why = (
        pl.when(pl.col("event_key").is_null() & of_whole)
        .then(pl.lit("of an event whose parts differ"))
        .when(pl.col("event_key").is_null())
        .then(pl.lit("of no event"))
        .when(pl.col("occurrenceStatus").fill_null("PRESENT") != "PRESENT")
        .then(pl.lit("absence"))
        .when(pl.col("name").is_null())
        .then(pl.lit("no name"))
    )
    marked = linked.with_columns(_why=why)
    reasons = marked.drop_nulls("_why")["_why"].value_counts().sort("_why")
    kept = marked.filter(pl.col("_why").is_null()).join(known, on="event_key", how="left", maintain_order="left")
    kept = _without_midnights(with_sites, kept.drop("_own", "_of", "_why"))
    return Joined(with_sites, kept, dict(reasons.iter_rows()))


def _counted_once(events: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return events of which none is a part of another one, and the whole (`whole`) of each part that was taken together.

    A part tells more of place and effort than its whole, so the parts count. Records that are told of the whole, as the animals
    of a patrol's day are whose way has several legs, can only be set beside the effort of all its parts: where these are of one
    design, unit and side they are taken together, their effort null where it is not known of all.
    """
    parts = events.filter(pl.col("parentEventID").is_not_null() & (pl.col("parentEventID") != pl.col("eventID")))
    of_whole = parts.select("datasetKey", eventID="parentEventID").unique()
    ends = parts.join(of_whole, on=_KEY, how="anti", maintain_order="left")
    wholes = events.join(of_whole, on=_KEY, how="semi", maintain_order="left").join(
        records.select(_KEY).unique(), on=_KEY, how="semi", maintain_order="left"
    )
    alone = pl.when(pl.col("country_codes").list.len() == 1).then(pl.col("country_codes").list.first())
    kinds = pl.struct("design", "effort_unit", pl.coalesce("side", alone).alias("side")).n_unique() == 1
    summed = (
        ends.join(wholes.select(_KEY), left_on=("datasetKey", "parentEventID"), right_on=_KEY, how="semi", maintain_order="left")
        .group_by("datasetKey", "parentEventID", maintain_order=True)
        .agg(
            # A whole with parts that have parts themselves stays as it is told.
            _alike=kinds, _n=pl.len(),
            effort_value=pl.when(pl.col("effort_value").null_count() == 0).then(pl.col("effort_value").sum()),
            failed_days=pl.col("failed_days").sum(), _keys=pl.col("event_key"),
            **{name: pl.col(name).first() for name in (*_OF_PARTS, *PLACE, "country_codes")},
        )
        .filter("_alike")
    )  # fmt: skip
    every = parts.group_by("datasetKey", "parentEventID").len("_all")
    summed = summed.join(every, on=("datasetKey", "parentEventID"), how="left", maintain_order="left")
    summed = summed.filter(pl.col("_n") == pl.col("_all")).rename({"parentEventID": "eventID"})
    joined = wholes.join(summed, on=_KEY, how="inner", suffix="_of_parts", maintain_order="left")
    made = joined.with_columns(
        pl.col("effort_value_of_parts").alias("effort_value"), pl.col("failed_days_of_parts").alias("failed_days"),
        *(pl.coalesce(name, f"{name}_of_parts").alias(name) for name in _OF_PARTS),
        *(pl.coalesce(name, f"{name}_of_parts").alias(name) for name in PLACE),
        pl.when(pl.col("country_codes").list.len() > 0).then("country_codes").otherwise("country_codes_of_parts").alias("country_codes"),
    )  # fmt: skip
    moved = joined.select(event_key="_keys", whole="event_key").explode("event_key")
    kept = events.join(of_whole, on=_KEY, how="anti", maintain_order="left").join(
        moved.select("event_key"), on="event_key", how="anti", maintain_order="left"
    )
    return pl.concat([kept, made.select(events.columns)]), moved


def placed(joined: Joined, records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the places of their events where they tell none."""
    of_event = joined.events.select("event_key", *(pl.col(name).alias(f"_{name}") for name in PLACE)).unique(
        "event_key"
    )
    both = records.join(of_event, on="event_key", how="left", maintain_order="left")
    return both.with_columns(**{name: pl.coalesce(name, f"_{name}") for name in PLACE}).select(records.columns)


def _without_midnights(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return records without the midnight that stands for a day: whole days are all that is known of them."""
    of_days = events.filter(pl.col("quality_flags").list.contains(_MIDNIGHT))["event_key"].unique()
    if of_days.is_empty():
        return records
    is_day = pl.col("event_key").is_in(of_days.implode()) & pl.col("event_time").str.contains(r"^00:00(:00)?")
    days = pl.col("eventDate").str.replace_all(r"T[^/]*", "")
    return records.with_columns(
        eventDate=pl.when(is_day).then(days).otherwise("eventDate"),
        event_time=pl.when(~is_day.fill_null(value=False)).then("event_time"),
    )


def species_only(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records that count as one more species of a sample.

    A name of a genus counts where no species of the genus is among them, and else may be one of these. A name above the
    genus may be any of the others, and does not count.
    """
    genus = pl.col("genus")
    known = records["species"].drop_nulls().str.split(" ").list.first().unique()
    return records.with_columns(
        name=pl.when(pl.col("species").is_not_null())
        .then("species")
        .when(genus.is_not_null() & ~genus.is_in(known.implode()))
        .then(genus)
    ).drop_nulls("name")


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Add `site`, `side`, `method`, `first`, `last` and `repeat` to events; see `Joined`."""
    place = pl.format("{}, {}", *((pl.col(name) / _PLACE_DEGREES).round() * _PLACE_DEGREES for name in PLACE[:2]))
    first = pl.coalesce("event_start", "event_end").dt.date()
    last = pl.coalesce("event_end", "event_start").dt.date()
    month, day = season_start(events.select(first=first, last=last))
    early = (first.dt.month() < month) | ((first.dt.month() == month) & (first.dt.day() < day))
    codes = pl.col("country_codes")
    return events.with_columns(
        site=pl.coalesce("locationID", place, "eventID"),
        side=pl.coalesce("side", pl.when(codes.list.len() == 1).then(codes.list.first()), pl.lit(NO_SIDE)),
        method=pl.coalesce("design", "samplingProtocol", pl.lit(NO_METHOD)),
        first=first,
        last=last,
        repeat=first.dt.year() - early.cast(pl.Int32),
    )


def sides_of(events: pl.DataFrame) -> list[str]:
    """Return the sides of events."""
    return [side for side in events["side"].unique().sort() if side != NO_SIDE]


def by_part(events: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return all events, and where there are several sides those of each."""
    sides = sides_of(events)
    of_sides = {side: events.filter(pl.col("side") == side) for side in sides if len(sides) > 1}
    return {JOINT: events, **of_sides}


def season_start(spans: pl.DataFrame) -> tuple[int, int]:
    """Return the month and day on which the year of a survey begins.

    Cameras stand in the dry season, over New Year: what is one survey must not be two. Where nobody looked for a month of the
    calendar, in any year, and looked at New Year, the year begins in the middle of the longest such time; else on 1 January.
    """
    told = spans.drop_nulls("first").select("first", last=pl.max_horizontal("first", "last")).unique()
    busy = np.zeros(_YEAR_DAYS, dtype=bool)
    for first, last in told.iter_rows():
        # In a leap year's days, so that a day of the calendar is always the same one.
        at, length = first.replace(year=2024).timetuple().tm_yday - 1, (last - first).days + 1
        busy[np.arange(at, at + min(length, _YEAR_DAYS)) % _YEAR_DAYS] = True
    if not busy.any() or busy.all():
        return 1, 1
    days = np.flatnonzero(busy)
    gaps = np.diff(np.append(days, days[0] + _YEAR_DAYS)) - 1
    longest = int(gaps.argmax())
    # The last gap is the one over New Year.
    if gaps[longest] < _LEAST_GAP_DAYS or gaps[-1] >= _LEAST_GAP_DAYS:
        return 1, 1
    middle = (int(days[longest]) + 1 + int(gaps[longest]) // 2) % _YEAR_DAYS
    start = date(2024, 1, 1) + timedelta(days=middle)
    return start.month, start.day


def looked_for(
    joined: Joined, species: str, *, method: str | None = None, assumed_scope: Sequence[str] | None = None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the events whose scope holds a species and that tell absences, and how many others there are by reason.

    Outside these its absence means nothing. None is of a taxon whose places are hidden. `assumed_scope` is what events that tell
    no scope are taken to have looked for.
    """
    if species in joined.hidden:
        return joined.events.clear(), {HIDDEN: joined.events.height}
    own = joined.records.filter(pl.col("name") == species)
    told = {rank: own[rank].drop_nulls().unique().to_list() for rank in RANKS if rank in own.columns}
    place = standing(species, told)
    events = joined.events if method is None else joined.events.filter(pl.col("method") == method)
    assumed = pl.lit(list(assumed_scope or ()), dtype=pl.List(pl.String))
    asked = events.select(
        pl.when(pl.col("targetTaxonomicScope").list.len() > 0).then("targetTaxonomicScope").otherwise(assumed)
    ).to_series()
    answers = holding(asked, place, excluded=events["excludedTaxonomicScope"], ranks=_ranks(joined.records))
    silent = (events["isAbsenceReported"] == False).fill_null(value=False)  # noqa: E712 - null is not False
    why = pl.when((answers == Holds.INSIDE) & silent).then(pl.lit(NO_ABSENCE)).otherwise(answers.fill_null(NO_SCOPE))
    marked = events.with_columns(_why=why)
    left_out = marked.filter(pl.col("_why") != Holds.INSIDE)["_why"].value_counts().sort("_why")
    return marked.filter(pl.col("_why") == Holds.INSIDE).drop("_why"), dict(left_out.iter_rows())


def _ranks(records: pl.DataFrame) -> dict[str, str]:
    """Return the rank of each name that stands above the records' species."""
    return {
        name.casefold(): rank
        for rank in RANKS
        if rank in records.columns
        for name in records[rank].drop_nulls().unique()
    }
