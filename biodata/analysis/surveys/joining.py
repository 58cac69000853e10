"""Events and records of a survey joined: who looked where for what, and with how much effort.

Effort of two methods is never added. Events without known effort are counted beside it and never taken for none.

Sites of one `locationID` are one, on both sides of a border too; where none is stated, events of one place are one site.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from biodata.analysis.scopes import Holds, holding, standing
from biodata.core.phrases import Phrase, joined
from biodata.core.vocabularies import SurveyDesign

RANKS: Final[tuple[str, ...]] = ("species", "genus", "family", "order", "class", "phylum", "kingdom")
NO_SIDE: Final = "no side"
"""Of events whose place may lie in several countries, or in none."""
JOINT: Final = "joint"
HIDDEN: Final = "not told here: a sharing rule hides its places"
PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
_PLACE_DEGREES: Final = 0.0005
_LEAST_GAP_DAYS: Final = 30
_KEY: Final = ["datasetKey", "eventID"]
_OF_PARTS: Final = (
    "design", "effort_unit", "side", "time_zone", "samplingProtocol", "targetTaxonomicScope", "excludedTaxonomicScope",
    "isAbsenceReported", *PLACE,
)  # fmt: skip


def effort(events: pl.DataFrame, *, by: Sequence[str] = ("side", "method")) -> pl.DataFrame:
    """Return effort by groups: of `side`, `method`, `repeat`, `site` and `month` (`2026-02`).

    An event of several months gives each its share of the event's days. `effort` is null where it is not known of any event of a
    group; `effort_unknown` counts the events of which it is not known, `failed_days` the days without observation.
    """
    shared = _months(events) if "month" in by else events.with_columns(_share=pl.lit(1.0))
    known = pl.col("effort_value").is_not_null()
    totals = shared.group_by(*by, "effort_unit", maintain_order=True).agg(
        events=pl.col("event_key").n_unique(), sites=pl.col("site").n_unique(),
        effort=pl.when(known.any()).then((pl.col("effort_value") * pl.col("_share")).sum()),
        effort_unknown=pl.col("event_key").filter(~known).n_unique(),
        failed_days=(pl.col("failed_days").fill_null(0.0) * pl.col("_share")).sum(),
    )  # fmt: skip
    return totals.sort(*by, "effort_unit", nulls_last=True)


def of_stations(events: pl.DataFrame, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the effort of sites (`site`, `side`, the columns of `by`), where cameras that stand there at the same time count once."""
    at = ["site", "side", *by]
    days = days_watched(events.filter((pl.col("method") == SurveyDesign.CAMERA_TRAP) & pl.col("first").is_not_null()))
    plain = events.join(days.select("event_key"), on="event_key", how="anti").select(*at, effort="effort_value")
    shared = days.group_by(*at, "day", maintain_order=True).agg(pl.col("effort").max())
    both = pl.concat([plain, shared.select(*at, "effort")], how="vertical")
    return both.group_by(at, maintain_order=True).agg(pl.col("effort").sum()).sort(at, nulls_last=True)


def days_watched(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each day of each event on which it watched; its effort is shared by the days on which it did not fail."""
    days = _days(events.select("event_key", "site", "side", "repeat", "first", "last", "effort_value"))
    days = days.join(_failed(events), on=["event_key", "day"], how="anti", maintain_order="left")
    return days.with_columns(effort=pl.col("effort_value") / pl.len().over("event_key"))


def _days(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(day=pl.date_ranges("first", pl.max_horizontal("first", "last"))).explode("day")


def _failed(events: pl.DataFrame) -> pl.DataFrame:
    """Return the whole days on which events say that they did not watch: event_key, day."""
    parts = events.select("event_key", told="failure_periods").explode("told").drop_nulls("told")
    ends = pl.col("told").str.split_exact("/", 1)
    begin, end = (ends.struct.field(f"field_{n}").str.strip_chars() for n in (0, 1))
    end = pl.coalesce(end, begin)
    first, last = (moment.str.slice(0, 10).str.to_date(strict=False) for moment in (begin, end))
    # From a moment on, the first whole day is the next; until a moment, the last is the one before.
    first = pl.when(begin.str.len_chars() > 10).then(first.dt.offset_by("1d")).otherwise(first)
    last = pl.when(end.str.len_chars() > 10).then(last.dt.offset_by("-1d")).otherwise(last)
    whole = parts.select("event_key", first=first, last=last).filter(pl.col("first") <= pl.col("last"))
    return _days(whole).select("event_key", "day").unique()


def _months(events: pl.DataFrame) -> pl.DataFrame:
    months = _days(events).with_columns(month=pl.col("day").dt.strftime("%Y-%m"))
    share = pl.len().over("event_key", "month") / pl.len().over("event_key")
    return months.with_columns(_share=share).unique(["event_key", "month"], keep="first", maintain_order=True)


def one_unit(events: pl.DataFrame) -> str | None:
    """Return why the effort of events cannot be compared or added; None where it can."""
    methods = events["method"].unique().sort().to_list()
    if len(methods) > 1:
        return Phrase("methods differ ({a}), and so do their units of effort", a=joined(methods))
    units = events["effort_unit"].drop_nulls().unique().sort().to_list()
    if len(units) > 1:
        return Phrase("units of effort differ ({a})", a=joined(units))
    if lacking := events["effort_value"].null_count():
        return Phrase("the effort of {n} of {n1} events is not known", n=lacking, n1=events.height)
    return None


@dataclass(frozen=True, slots=True)
class Joined:
    """Events and the records of them.

    `events` has the columns of `terms.EVENT` and of `sites`; no event is a part of another one. `records` has `name` (the species, else
    the name as it stands) and `event_key`, `site`, `side`, `method`, `repeat`, `event_first`, `event_last` of their events. `left_out`
    counts the other records by reason. `hidden` are taxa of which a sharing rule hides places: that none is stated is no absence.
    """

    events: pl.DataFrame
    records: pl.DataFrame
    left_out: dict[str, int]
    hidden: frozenset[str] = frozenset()


def join(events: pl.DataFrame, records: pl.DataFrame) -> Joined:
    """Put events and records side by side: a record is of the event that its eventID names, else its parentEventID."""
    # Sums of numbers depend on their order in the last digit: it is always the same.
    told_once, whole = _counted_once(events, records)
    with_sites = sites(told_once).sort("event_key")
    known = with_sites.select("event_key", "site", "side", "method", "repeat", event_first="first", event_last="last")
    known = known.unique("event_key", keep="first", maintain_order=True)
    left = set(events["event_key"]) - set(with_sites["event_key"]) - set(whole)
    own, of = ((pl.col("datasetKey") + ":" + pl.col(name)).replace(whole) for name in ("eventID", "parentEventID"))
    keys, none = known["event_key"].implode(), pl.col("event_key").is_null()
    why = (
        pl.when(none & pl.col("_own").is_in(list(left))).then(pl.lit("of an event whose parts differ"))
        .when(none).then(pl.lit("of no event"))
        .when(pl.col("occurrenceStatus").fill_null("PRESENT") != "PRESENT").then(pl.lit("absence"))
        .when(pl.col("name").is_null()).then(pl.lit("no name"))
    )  # fmt: skip
    marked = (
        records.sort("key")
        .with_columns(name=pl.coalesce("species", "scientificName"), _own=own, _of=of)
        .with_columns(event_key=pl.when(pl.col("_own").is_in(keys)).then("_own").when(pl.col("_of").is_in(keys)).then("_of"))
        .with_columns(_why=why)
    )  # fmt: skip
    kept = marked.filter(pl.col("_why").is_null()).drop("_own", "_of", "_why")
    kept = _without_midnights(with_sites, kept.join(known, on="event_key", how="left", maintain_order="left"))
    return Joined(with_sites, kept, dict(marked["_why"].drop_nulls().value_counts().sort("_why").iter_rows()))


def _counted_once(events: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return events of which none is a part of another one, and the key of the whole of each part that was taken together.

    A part tells more of place and effort than its whole, so the parts count. Records that are stated of the whole, as the animals
    of a patrol's day are whose way has several legs, can only be set beside the effort of all its parts: where these are of one
    design, unit and side they are taken together, their effort null where it is not known of all.
    """
    parts = events.filter(pl.col("parentEventID") != pl.col("eventID"))
    of_whole = parts.select("datasetKey", eventID="parentEventID").unique()
    has_parts = pl.struct(_KEY).is_in(of_whole.to_struct().implode())
    alone = pl.when(pl.col("country_codes").list.len() == 1).then(pl.col("country_codes").list.first())
    kinds = pl.struct("design", "effort_unit", pl.coalesce("side", alone).alias("side")).n_unique()
    summed = (
        parts.group_by("datasetKey", "parentEventID", maintain_order=True)
        .agg(
            # A whole with parts that have parts themselves stays as it is stated.
            _alike=(kinds == 1) & ~has_parts.any(),
            effort_value=pl.when(pl.col("effort_value").null_count() == 0).then(pl.col("effort_value").sum()),
            failed_days=pl.col("failed_days").sum(),
            _keys=pl.col("event_key"),
            **{name: pl.col(name).first() for name in (*_OF_PARTS, "country_codes")},
        )
        .filter("_alike")
        .rename({"parentEventID": "eventID"})
    )
    wholes = events.filter(has_parts).join(records.select(_KEY).unique(), on=_KEY, how="semi", maintain_order="left")
    joined = wholes.join(summed, on=_KEY, how="inner", suffix="_of_parts", maintain_order="left")
    codes = pl.when(pl.col("country_codes").list.len() > 0).then("country_codes").otherwise("country_codes_of_parts")
    made = joined.with_columns(
        *(pl.col(f"{name}_of_parts").alias(name) for name in ("effort_value", "failed_days")),
        *(pl.coalesce(name, f"{name}_of_parts").alias(name) for name in _OF_PARTS), country_codes=codes,
    )  # fmt: skip
    moved = joined.select("_keys", "event_key").explode("_keys")
    kept = events.filter(~has_parts & ~pl.col("event_key").is_in(moved["_keys"].implode()))
    return pl.concat([kept, made.select(events.columns)]), dict(moved.iter_rows())


def placed(joined: Joined, records: pl.DataFrame) -> pl.DataFrame:
    """Return records with the places of their events where they state none."""
    of_event = joined.events.select("event_key", pl.col(PLACE).name.prefix("_")).unique("event_key")
    both = records.join(of_event, on="event_key", how="left", maintain_order="left")
    return both.with_columns(**{name: pl.coalesce(name, f"_{name}") for name in PLACE}).select(records.columns)


def _without_midnights(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return records without the midnight that stands for a day: whole days are all that is known of them."""
    # Of deployments whose images tell no time of day.
    of_days = events.filter(pl.col("quality_flags").list.contains("CAMERA_TIMES_MIDNIGHT"))["event_key"].unique()
    is_day = pl.col("event_key").is_in(of_days.implode()) & pl.col("event_time").str.contains(r"^00:00(:00)?")
    day = pl.when(is_day).then(pl.col("eventDate").str.replace_all(r"T[^/]*", "")).otherwise("eventDate")
    return records.with_columns(eventDate=day, event_time=pl.when(~is_day.fill_null(value=False)).then("event_time"))


def species_only(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records that count as one more species of a sample."""
    known = records["species"].drop_nulls().str.split(" ").list.first().unique()
    alone = pl.when(~pl.col("genus").is_in(known.implode())).then("genus")
    return records.with_columns(name=pl.coalesce("species", alone)).drop_nulls("name")


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Add `site`, `side`, `method` (the design, else the protocol), `first` and `last` (days), `repeat` (the year of its season)."""
    place = pl.format("{}, {}", *((pl.col(name) / _PLACE_DEGREES).round() * _PLACE_DEGREES for name in PLACE[:2]))
    ends = ("event_start", "event_end")
    first, last = (pl.coalesce(names).dt.date() for names in (ends, ends[::-1]))
    month, day = season_start(events.select(first=first, last=last))
    early = (first.dt.month() < month) | ((first.dt.month() == month) & (first.dt.day() < day))
    codes = pl.col("country_codes")
    return events.with_columns(
        site=pl.coalesce("locationID", place, "eventID"),
        side=pl.coalesce("side", pl.when(codes.list.len() == 1).then(codes.list.first()), pl.lit(NO_SIDE)),
        method=pl.coalesce("design", "samplingProtocol", pl.lit("not told")), first=first, last=last,
        repeat=first.dt.year() - early.cast(pl.Int32),
    )  # fmt: skip


def sides_of(events: pl.DataFrame) -> list[str]:
    """Return the sides of events."""
    return [side for side in events["side"].unique().sort() if side != NO_SIDE]


def by_part(events: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return all events, and where there are several sides those of each."""
    sides = sides_of(events)
    return {JOINT: events} | {side: events.filter(pl.col("side") == side) for side in sides if len(sides) > 1}


def season_start(spans: pl.DataFrame) -> tuple[int, int]:
    """Return the month and day on which the year of a survey begins.

    Cameras stand in the dry season, over New Year: what is one survey must not be two. Where nobody looked for a month of the
    calendar, in any year, and looked at New Year, the year begins in the middle of the longest such time; else on 1 January.
    """
    table = spans.drop_nulls("first").unique()
    days = table.select(day=pl.date_ranges("first", pl.max_horizontal("first", "last"))).explode("day").drop_nulls()
    # In a leap year's days, so that a day of the calendar is always the same one.
    calendar = pl.date(2024, pl.col("day").dt.month(), pl.col("day").dt.day())
    busy: list[date] = days.select(calendar).to_series().unique().sort().to_list()
    ends = [*busy[1:], *(one + timedelta(days=366) for one in busy[:1])]
    gaps = [(after - one).days - 1 for one, after in zip(busy, ends, strict=True)]
    # The last gap is the one over New Year.
    if not gaps or max(gaps) < _LEAST_GAP_DAYS or gaps[-1] >= _LEAST_GAP_DAYS:
        return 1, 1
    start = busy[gaps.index(max(gaps))] + timedelta(days=1 + max(gaps) // 2)
    return start.month, start.day


def looked_for(
    joined: Joined, species: str, *, method: str | None = None, assumed_scope: Sequence[str] | None = None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the events whose scope holds a species and that state absences, and how many others there are by reason."""
    if species in joined.hidden:
        return joined.events.clear(), {HIDDEN: joined.events.height}
    own = joined.records.filter(pl.col("name") == species)
    ranks = [one for one in RANKS if one in own.columns]
    place = standing(species, {rank: own[rank].drop_nulls().unique().to_list() for rank in ranks})
    events = joined.events if method is None else joined.events.filter(pl.col("method") == method)
    assumed = pl.lit(list(assumed_scope or ()), dtype=pl.List(pl.String))
    stated = pl.when(pl.col("targetTaxonomicScope").list.len() > 0).then("targetTaxonomicScope").otherwise(assumed)
    rank_of = {name.casefold(): rank for rank in ranks for name in joined.records[rank].drop_nulls().unique()}
    scopes = events.select(stated).to_series()
    answers = holding(scopes, place, excluded=events["excludedTaxonomicScope"], ranks=rank_of)
    silent = (events["isAbsenceReported"] == False).fill_null(value=False)  # noqa: E712 - null is not False
    known = answers.fill_null("its scope is not told")
    why = pl.when((answers == Holds.INSIDE) & silent).then(pl.lit("it reports no absence")).otherwise(known)
    marked = events.with_columns(_why=why)
    left_out = marked.filter(pl.col("_why") != Holds.INSIDE)["_why"].value_counts().sort("_why")
    return marked.filter(pl.col("_why") == Holds.INSIDE).drop("_why"), dict(left_out.iter_rows())
