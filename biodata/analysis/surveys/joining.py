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
from biodata.analysis.surveys.wholes import counted_once

RANKS: Final[tuple[str, ...]] = ("species", "genus", "family", "order", "class", "phylum", "kingdom")
NO_SIDE: Final = "no side"
"""Of events whose place may lie in several countries, or in none."""
NO_METHOD: Final = "not told"
NO_SCOPE: Final = "its scope is not told"
NO_ABSENCE: Final = "it reports no absence"
HIDDEN: Final = "not told here: a sharing rule hides its places"
_MIDNIGHT: Final = "CAMERA_TIMES_MIDNIGHT"
"""Flag of deployments whose images tell no time of day."""
_PLACE_DEGREES: Final = 0.0005
_YEAR_DAYS: Final = 366
_LEAST_GAP_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Joined:
    """Events and the records of them.

    Attributes
    ----------
    events : polars.DataFrame
        Columns of `terms.EVENT`, and `site`, `side`, `method` (the design, else the protocol as told), `first` and `last`
        (days), `repeat` (the year in which its season began, see `season_start`). An event that others are parts of is told once
        (`wholes.counted_once`).
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
    """Put events and records side by side.

    Parameters
    ----------
    events : polars.DataFrame of `terms.EVENT`
    records : polars.DataFrame
        Columns of `terms.OCCURRENCE`: key, datasetKey, eventID, parentEventID, species, scientificName, occurrenceStatus,
        event_start, event_end, individualCount; the ranks where they are known. A record is of the event that its eventID
        names, else of the one that its parentEventID names.
    """
    # Sums of numbers depend on their order in the last digit: it is always the same.
    told_once, moved = counted_once(events, records)
    with_sites = sites(told_once).sort("event_key")
    named = records.sort("key").with_columns(
        name=pl.coalesce("species", "scientificName"),
        _own=pl.col("datasetKey") + ":" + pl.col("eventID"),
        _of=pl.col("datasetKey") + ":" + pl.col("parentEventID"),
    )
    known = with_sites.select(
        "event_key", "site", "side", "method", "repeat", event_first="first", event_last="last"
    ).unique("event_key", keep="first", maintain_order=True)
    whole = dict(moved.iter_rows())
    named = named.with_columns(pl.col("_own", "_of").replace(whole)) if whole else named
    keys = known["event_key"].implode()
    left = events.join(with_sites, on="event_key", how="anti").filter(~pl.col("event_key").is_in(list(whole)))
    linked = named.with_columns(
        event_key=pl.when(pl.col("_own").is_in(keys)).then("_own").when(pl.col("_of").is_in(keys)).then("_of")
    )
    of_whole = pl.col("_own").is_in(left["event_key"].implode()).fill_null(value=False)
    present = pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT"
    reasons = {
        "of no event": linked.filter(pl.col("event_key").is_null() & ~of_whole).height,
        "of an event whose parts differ": linked.filter(pl.col("event_key").is_null() & of_whole).height,
        "absence": linked.filter(pl.col("event_key").is_not_null() & ~present).height,
        "no name": linked.filter(pl.col("event_key").is_not_null() & present & pl.col("name").is_null()).height,
    }
    kept = linked.filter(pl.col("event_key").is_not_null() & present & pl.col("name").is_not_null())
    kept = kept.join(known, on="event_key", how="left", maintain_order="left").drop("_own", "_of")
    kept = _without_midnights(with_sites, kept)
    return Joined(with_sites, kept, {reason: n for reason, n in reasons.items() if n})


def _without_midnights(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return records without the midnight that stands for a day: whole days are all that is known of them.

    Parameters
    ----------
    events : polars.DataFrame
        With their `quality_flags`.
    records : polars.DataFrame
        With `event_key`, and `event_time` and `eventDate` where they are told.
    """
    of_days = events.filter(pl.col("quality_flags").list.contains(_MIDNIGHT))["event_key"].unique()
    if of_days.is_empty() or "event_time" not in records.columns:
        return records
    is_day = pl.col("event_key").is_in(of_days.implode()) & pl.col("event_time").str.contains(r"^00:00(:00)?")
    dated = [
        pl.when(is_day)
        .then(pl.col("eventDate").str.replace_all(r"T[^/]*", ""))
        .otherwise("eventDate")
        .alias("eventDate")
    ]
    return records.with_columns(
        *(dated if "eventDate" in records.columns else []),
        event_time=pl.when(~is_day.fill_null(value=False)).then("event_time"),
    )


def species_only(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records that count as one more species of a sample.

    A name of a genus counts where no species of the genus is among them, and else may be one of these. A name above the
    genus may be any of the others, and does not count.

    Parameters
    ----------
    records : polars.DataFrame
        Rows of `Joined.records`, of one sample.
    """
    genus = pl.col("genus") if "genus" in records.columns else pl.lit(None, dtype=pl.String)
    known = records["species"].drop_nulls().str.split(" ").list.first().unique()
    return records.with_columns(
        name=pl.when(pl.col("species").is_not_null())
        .then("species")
        .when(genus.is_not_null() & ~genus.is_in(known.implode()))
        .then(genus)
    ).drop_nulls("name")


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Add `site`, `side`, `method`, `first`, `last` and `repeat` to events; see `Joined`."""
    place = pl.format(
        "{}, {}",
        (pl.col("decimalLatitude") / _PLACE_DEGREES).round() * _PLACE_DEGREES,
        (pl.col("decimalLongitude") / _PLACE_DEGREES).round() * _PLACE_DEGREES,
    )
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


def season_start(spans: pl.DataFrame) -> tuple[int, int]:
    """Return the month and day on which the year of a survey begins.

    Cameras stand in the dry season, over New Year: what is one survey must not be two. Where nobody looked for a month of the
    calendar, in any year, and looked at New Year, the year begins in the middle of the longest such time; else on 1 January.

    Parameters
    ----------
    spans : polars.DataFrame
        `first` and `last`, days of events; null where they are not told.
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

    Parameters
    ----------
    joined : Joined
    species : str
        A `name` of its records.
    method : str, optional
        Only events of this method.
    assumed_scope : sequence of str, optional
        Taxa that events which tell no scope are taken to have looked for.

    Returns
    -------
    events : polars.DataFrame
        Rows of `joined.events`. Outside them its absence means nothing, and a record alone tells nothing of those
        events in which it is not. An event that says that it reports no absence is none of them, and none is of a
        taxon whose places are hidden.
    left_out : dict of str to int
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
    why = pl.select(
        pl.when(answers.is_null())
        .then(pl.lit(NO_SCOPE))
        .when((answers == Holds.INSIDE) & silent)
        .then(pl.lit(NO_ABSENCE))
        .otherwise(answers)
        .alias("_why")
    ).to_series()
    marked = events.with_columns(why)
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
