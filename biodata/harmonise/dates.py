"""When a record was made: eventDate, year, month and day read together.

Conventions
- The order of day and month is the declared one, else what the dataset's whole column says (`date_order`), else what
  year, month and day beside the date say; else both readings are proposed.
- A time keeps the zone that it was stated in; one that states none gets the offset of that day of the zone that is stated of its
  event, else of the declared zone; else the offset of the stated country is proposed.
"""

from collections.abc import Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.core.errors import InputError
from biodata.harmonise import event_times
from biodata.harmonise.findings import ADMINISTRATION, Findings, Stated, repairs
from biodata.text import dates
from biodata.text.dates import OrderEvidence, what_rows_prove

# The order of day and month in the date columns of each dataset: a pass over the table before it is interpreted.
#
# A batch must not be interpreted by what other batches say unless all of them were heard: the whole table is read once with
# `DateOrders.add`, and the answer then goes with every batch.

TERMS: Final = ("eventDate", "verbatimEventDate")
_OTHER: Final = MappingProxyType({"day_first": "month_by_size", "month_first": "day_by_size"})
_NOTHING_DECLARED: Final[Mapping[str, str]] = MappingProxyType({})

SCHEMA: Final = pl.Schema(
    {
        "datasetKey": pl.String, "term": pl.String, "day_first_rows": pl.Int64, "month_first_rows": pl.Int64,
        "ambiguous_rows": pl.Int64, "day_first": pl.Boolean,
    }
)  # fmt: skip


class _Against(NamedTuple):
    """How many rows of a column can only have the other order than the declared one, and where the first stands."""

    rows: int
    first: tuple[str, int]


class DateOrders:
    """What the date columns of each dataset say of 03/04/2010.

    Evidence adds up: batches may come in any size and order, and parts counted elsewhere are merged.

    Parameters
    ----------
    today : date
        Nothing is recorded after it: a later date proves nothing.
    declarations : mapping, optional
        `calendar` and `day_month_order`, as for `dates.interpret`.
    """

    def __init__(self, *, today: date, declarations: Mapping[str, str] = _NOTHING_DECLARED) -> None:
        self._today = today
        self._buddhist = declarations.get("calendar") == "buddhist"
        self._declared = declarations.get("day_month_order")
        self._evidence: dict[tuple[str, str], OrderEvidence] = {}
        self._against: dict[tuple[str, str], _Against] = {}

    def add(self, parsed: Stated) -> None:
        """Hear a batch."""
        for term in TERMS:
            if not parsed.has(term):
                continue
            columns = {"group": "datasetKey", "text": term, "month": "month", "day": "day"}
            # verbatimEventDate is read only where eventDate is empty.
            stated = (
                pl.repeat(value=True, n=parsed.height, eager=True) if term == TERMS[0] else parsed[TERMS[0]].is_null()
            )
            rows = pl.DataFrame({name: parsed[column] for name, column in columns.items()}).with_columns(
                pl.col("group").fill_null(""), *_where(parsed), stated=stated
            )
            # Most dates begin with the year and prove nothing.
            rows = rows.filter(pl.col("text").is_not_null() & ~pl.col("text").str.contains(r"^\d{4}(?:\D|$)"))
            if rows.is_empty():
                continue
            proved = what_rows_prove(rows, today=self._today, buddhist=self._buddhist).with_columns(
                either=pl.col("either") & pl.col("stated")
            )
            for dataset, found in OrderEvidence.by_group(proved).items():
                self._put(dataset, term, found)
            if (by_size := _OTHER.get(self._declared or "")) is not None:
                other = proved.filter(pl.col("stated") & pl.col(by_size)).sort("file", "row")
                firsts = other.group_by("group").agg(pl.len(), pl.col("file", "row").first())
                for dataset, count, file, row in firsts.iter_rows():
                    self._put_against((dataset, term), _Against(count, (file, row)))

    def merge(self, other: "DateOrders") -> None:
        """Add the evidence that was counted elsewhere."""
        for (dataset, term), evidence in other._evidence.items():
            self._put(dataset, term, evidence)
        for column, against in other._against.items():
            self._put_against(column, against)

    def _put(self, dataset: str, term: str, evidence: OrderEvidence) -> None:
        """Add the evidence of a column."""
        self._evidence[dataset, term] = self._evidence.get((dataset, term), OrderEvidence()).merge(evidence)

    def _put_against(self, column: tuple[str, str], found: _Against) -> None:
        """Add the rows of a column that are against the declared order."""
        known = self._against.get(column, _Against(0, found.first))
        self._against[column] = _Against(known.rows + found.rows, min(known.first, found.first))

    def evidence(self) -> Mapping[tuple[str, str], OrderEvidence]:
        """Return the evidence by dataset (empty where rows state none) and term."""
        return dict(sorted(self._evidence.items()))

    def table(self) -> pl.DataFrame:
        """Return the evidence and what it says, one row a dataset and term, to be kept with the dataset."""
        rows = [
            (dataset, term, found.day_first, found.month_first, found.ambiguous, found.order)
            for (dataset, term), found in self.evidence().items()
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def decide(self) -> bool:
        """Return whether they say something of dates that could be read either way."""
        return any(found.ambiguous and found.order is not None for found in self._evidence.values())

    def sentences(self) -> list[str]:
        """Return what was concluded about each column that has dates to be read by it."""
        return [
            f"{dataset or 'the table'}: {term} has the {'day' if found.order else 'month'} first, as "
            f"{max(found.day_first, found.month_first)} rows prove; {found.ambiguous} others are read so"
            for (dataset, term), found in self.evidence().items()
            if found.ambiguous and found.order is not None
        ]

    def contradictions(self) -> list[str]:
        """Return what is against the declared order, a sentence for each column that has such dates."""
        declared, other = ("day", "month") if self._declared == "day_first" else ("month", "day")
        return [
            f"{dataset or 'the table'}: {term} is declared to have the {declared} first; rows that can only have "
            f"the {other} first, and are read so: {found.rows}, the first of them {found.first[0]}, row {found.first[1]}"
            for (dataset, term), found in sorted(self._against.items())
        ]

    def by_row(self, datasets: pl.Series, terms: pl.Series) -> pl.Series:
        """Return for n rows whether their column writes the day first; null where it does not tell.

        Parameters
        ----------
        datasets, terms : polars.Series of str, length n
            The dataset that each row tells, null where none; and the term that its date is from.
        """
        rows = pl.DataFrame({"datasetKey": datasets.fill_null(""), "term": terms})
        return rows.join(self.table(), on=["datasetKey", "term"], how="left", maintain_order="left")["day_first"]


def _where(stated: Stated) -> list[pl.Series]:
    """Return the file and the row that each row came from."""
    file, row = (stated.batch[name] for name in ADMINISTRATION)
    return [file.cast(pl.String).alias("file").fill_null(""), row.cast(pl.Int64).alias("row").fill_null(0)]


# Year, month, day and days of the year: what stands beside eventDate.


def date_parts(stated: Stated) -> pl.DataFrame:
    """Read what stands beside eventDate.

    Parameters
    ----------
    stated : Stated
        n rows.

    Returns
    -------
    polars.DataFrame of n rows
        `text`, year, month and day as one ISO text, or year, startDayOfYear and endDayOfYear where month and day are
        empty; `invalid`, whether a part is 0, is no year, is two numbers, or stands without the coarser one.
    """
    nothing = pl.lit(None, dtype=pl.String)
    if not stated.has("year", "month", "day"):
        return stated["year"].to_frame().select(text=nothing, invalid=pl.lit(value=False))
    # 2019.0 is a year that went through a table of floating point numbers; a month 0 is none, and no month either.
    frame = pl.DataFrame({name: stated[name].str.strip_suffix(".0") for name in ("year", "month", "day")})
    zero = pl.any_horizontal(pl.col("month", "day").is_in(["0", "00"])).fill_null(value=False)
    # `1 234` is no day, and behind year and month it would pass for a day and a time.
    broken = [pl.col(name).str.contains(r"\d[\s:T]+\d").fill_null(value=False) for name in ("month", "day")]
    # 16 in the year's column is no year, and with month and day behind it it would pass for a day.
    short = ((pl.col("year").str.len_chars() != 4) & pl.col("month").is_not_null()).fill_null(value=False)
    year = pl.when(~short).then("year")
    month, day = (
        pl.when(~pl.col(name).is_in(["0", "00"]) & ~no_number).then(name)
        for name, no_number in zip(("month", "day"), broken, strict=True)
    )
    days = nothing
    if stated.has("startDayOfYear"):
        frame = frame.with_columns(first=stated["startDayOfYear"], last=stated["endDayOfYear"])
        days = _days_of_year(year)
    text = (
        pl.when(day.is_not_null() & month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2), pl.lit("-"), day.str.zfill(2)))
        .when(month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2)))
        .otherwise(pl.coalesce(days, year))
    )
    gap = (year.is_null() & (month.is_not_null() | day.is_not_null())) | (month.is_null() & day.is_not_null())
    return frame.select(text=text, invalid=gap | zero | short | pl.any_horizontal(broken))


def _days_of_year(year: pl.Expr) -> pl.Expr:
    """Return year and days of the year as an ISO text; null where the first is no number of a day."""
    first, last = _number("first"), _number("last")
    ends = [pl.concat_str(year, pl.lit("-"), day.cast(pl.String).str.zfill(3)) for day in (first, last)]
    return pl.when(last != first).then(pl.concat_str(ends[0], pl.lit("/"), ends[1])).otherwise(ends[0])


def _number(name: str) -> pl.Expr:
    """Return a day of the year as a number, null where it is none."""
    number = pl.col(name).str.strip_suffix(".0").cast(pl.Int16, strict=False)
    return pl.when(number.is_between(1, 366)).then(number)


def days_mismatch(stated: Stated, chosen: pl.DataFrame) -> pl.Series | None:
    """Tell where startDayOfYear or endDayOfYear is another day than the date's; None where no row has one.

    Parameters
    ----------
    stated : Stated
        n rows.
    chosen : polars.DataFrame
        n rows with `event_date`, `start` and `end`; a date of less than a day is not compared.
    """
    if not stated.has("startDayOfYear", "endDayOfYear"):
        return None
    frame = chosen.with_columns(first=stated["startDayOfYear"], last=stated["endDayOfYear"])
    by_day = pl.col("event_date").str.contains(r"^\d{4}-\d\d-\d\d") & pl.col("event_date").str.contains(
        r"(?:^|/)\d{4}-\d\d-\d\d(?:T[^/]*)?$"
    )
    other = (_number("first") != pl.col("start").dt.ordinal_day()) | (_number("last") != pl.col("end").dt.ordinal_day())
    return frame.select((by_day & other).fill_null(value=False)).to_series()


# Dates with two readings: which of them the column, or what stands beside the date, leaves.


def in_order(
    event: pl.DataFrame, beside: pl.DataFrame, stated: Stated, orders: DateOrders | None, *, today: date
) -> pl.DataFrame:
    """Read dates that could be either way round by what their column says, else by the day that stands beside them.

    Parameters
    ----------
    event, beside : polars.DataFrame
        What `parse_dates` says of eventDate and of year, month and day, n rows each.
    stated : Stated
        The same n rows.
    orders : DateOrders, optional
        What the columns of the whole table say.
    today : date
        Nothing is recorded after it.

    Returns
    -------
    polars.DataFrame of n rows
        `event`, with the dates that could be settled; their rule states by what.
    """
    rows = (event["issue"] == dates.AMBIGUOUS).fill_null(value=False).arg_true()
    if rows.is_empty():
        return event
    # The one reading that is left may be the month's.
    frame = event[rows].select(
        row=rows,
        day_first=pl.when(pl.col("rule") == "day_first").then("proposal"),
        month_first=pl.when(pl.col("alternative_rule") == "month_first")
        .then("alternative")
        .when(pl.col("rule") == "month_first")
        .then("proposal"),
        part_start=beside["start"].gather(rows),
        part_end=beside["end"].gather(rows),
        datasetKey=stated["datasetKey"].gather(rows),
        term=pl.Series(["verbatimEventDate", "eventDate"]).gather(
            stated["eventDate"].gather(rows).is_not_null().cast(int)
        ),
    )
    fits = {name: _fits(name).fill_null(value=False) for name in ("day_first", "month_first")}
    # What stands beside the date decides where it allows one reading and not the other.
    by_parts = pl.when(fits["day_first"] != fits["month_first"]).then(fits["day_first"])
    by_column = pl.lit(None, dtype=pl.Boolean) if orders is None else orders.by_row(frame["datasetKey"], frame["term"])
    frame = frame.with_columns(by_column=by_column, by_parts=by_parts)
    order = pl.coalesce("by_column", "by_parts")
    frame = frame.select(
        "row",
        text=pl.when(order).then("day_first").when(~order).then("month_first"),
        order=pl.when(order).then(pl.lit("day_first")).otherwise(pl.lit("month_first")),
        by=pl.when(pl.col("by_column").is_not_null()).then(pl.lit("_by_column")).otherwise(pl.lit("_by_parts")),
    ).drop_nulls("text")
    # By the column's order some of its dates are none: they stay unread, and no other order is tried.
    read = dates.parse_dates(frame["text"], today=today).with_columns(
        rule=frame["order"] + frame["by"], confidence=pl.lit("PROBABLE")
    )
    settled = frame["row"]
    return event.with_columns(
        event[name].clone().scatter(settled, read[name]) for name in event.columns if name != "value"
    )


def _fits(proposal: str) -> pl.Expr:
    """Return whether a proposed day lies in what year, month and day tell; null where they state nothing."""
    day = pl.col(proposal).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return (day >= pl.col("part_start")) & (day <= pl.col("part_end"))


def fitting_proposals(both: pl.DataFrame) -> pl.DataFrame:
    """Keep of two proposals the one that year, month and day beside the date allow, where they allow one only."""
    first, second = _fits("proposal").fill_null(value=False), _fits("alternative").fill_null(value=False)
    swap, alone = ~first & second, first != second
    return both.with_columns(
        proposal=pl.when(swap).then("alternative").otherwise("proposal"),
        rule=pl.when(swap).then("alternative_rule").otherwise("rule"),
        alternative=pl.when(~alone).then("alternative"),
        alternative_rule=pl.when(~alone).then("alternative_rule"),
    )


def proposals_mismatch(both: pl.DataFrame) -> pl.Series:
    """Tell where no day that is proposed lies in the year, month and day beside it."""
    doubted = pl.col("issue").is_in([dates.SERIAL, dates.AMBIGUOUS])
    return both.select((doubted & ~_fits("proposal")).fill_null(value=False)).to_series()


def date_repairs(both: pl.DataFrame) -> list[pl.DataFrame]:
    """Note what was read by a rule, what is proposed, and where year, month and day stood in for eventDate."""
    # A day number names a day even where only a year was known: the proposal takes the precision of what stands beside.
    within = (both["issue"] == dates.SERIAL) & both.select(_fits("proposal").fill_null(value=False)).to_series()
    coarse = within & both["part_precision"].is_in(["year", "month"])
    proposal = both.select(pl.when(coarse).then("part_event_date").otherwise("proposal")).to_series()
    read = both["start"].is_not_null() & ~both["by_parts"]
    by_rule = read & both["rule"].is_not_null() & ~both["verbatim"]
    part_by_rule = both["by_parts"] & both["part_rule"].is_not_null()
    stand_in = both["by_parts"] & both["value"].is_not_null() & ~part_by_rule
    part_alone = both["part_proposal"].is_not_null() & proposal.is_null()
    return [
        repairs(proposal.is_not_null(), "eventDate", proposal, both["rule"], applied=False),
        repairs(
            both["alternative"].is_not_null(), "eventDate", both["alternative"], both["alternative_rule"], applied=False
        ),
        repairs(part_alone, "eventDate", both["part_proposal"], both["part_rule"], applied=False),
        repairs(by_rule, "eventDate", both["event_date"], both["rule"], applied=True),
        repairs(read & both["verbatim"], "eventDate", both["event_date"], "verbatim_event_date", applied=True),
        repairs(stand_in, "eventDate", both["part_event_date"], "year_month_day", applied=True),
        repairs(part_by_rule, "eventDate", both["part_event_date"], both["part_rule"], applied=True),
    ]


_CALENDARS: Final = (None, "gregorian", "buddhist")
_DAY_FIRST: Final = MappingProxyType({None: None, "day_first": True, "month_first": False})
_SPREADSHEETS: Final = (None, *dates.EPOCHS)
_OTHER_DATES: Final = {"modified": "MODIFIED_DATE_INVALID", "dateIdentified": "IDENTIFIED_DATE_INVALID"}


class _Declared(NamedTuple):
    """What the dataset declares of its dates; None where it does not."""

    day_first: bool | None
    buddhist: bool
    spreadsheet: str | None
    zone: str | None


def interpret(
    stated: Stated, *, today: date, declarations: Mapping[str, str], orders: DateOrders | None = None
) -> Findings:
    """Read the date of each record.

    Parameters
    ----------
    stated : Stated
        n rows.
    today : date
        Nothing is recorded after it.
    declarations : mapping
        `calendar`: `buddhist` where the dataset counts in the Buddhist Era; `day_month_order`: `day_first` or
        `month_first`, what its columns say of 03/04/2010; `spreadsheet_dates`: `1900` or `1904`, the system of its day
        numbers; `time_zone`: the offset (+07:00) or the IANA zone (Asia/Yangon) of times that state none.
    orders : DateOrders, optional
        What the columns of the whole table say of 03/04/2010, for datasets that declare nothing.

    Returns
    -------
    Findings of n rows

    Raises
    ------
    InputError
        If something is declared that is not known here.

    Notes
    -----
    eventDate decides, or verbatimEventDate where it is empty. Where it gives no date, year, month and day do; where
    it gives a year or a month only and they a day in it, they are finer and decide. Where they exclude each other,
    RECORDED_DATE_MISMATCH is set and eventDate stays. startDayOfYear and endDayOfYear tell the days of a year that
    stands alone, and else are compared only.
    """
    declared = _Declared(
        _DAY_FIRST[_declared(declarations, "day_month_order", _DAY_FIRST)],
        _declared(declarations, "calendar", _CALENDARS) == "buddhist",
        _declared(declarations, "spreadsheet_dates", _SPREADSHEETS),
        event_times.declared_zone(declarations.get("time_zone")),
    )
    found = _interpret(stated, declared, today=today, orders=orders)
    flags = dict(found.flags)
    columns, zones = event_times.of_event(found.columns, stated)
    for term, flag in _OTHER_DATES.items():
        if stated.has(term):
            read = dates.parse_dates(stated[term], today=today)
            flags[flag] = stated[term].is_not_null() & read["start"].is_null()
    told_time = pl.DataFrame({name: columns[f"event_{name}"] for name in ("start", "time", "zone")})
    told_time = event_times.with_declared(told_time, declared.zone)
    columns["event_zone"] = told_time["zone"].alias("event_zone")
    return Findings(columns, flags, [*found.repairs, *zones, event_times.proposals(told_time, stated)])


def _interpret(parsed: Stated, declared: _Declared, *, today: date, orders: DateOrders | None) -> Findings:
    """Read the dates of rows, without what is stated of their events and zones."""
    stated = parsed.first_of("eventDate", "verbatimEventDate")
    parts = date_parts(parsed)
    event = dates.parse_dates(
        stated, today=today, buddhist=declared.buddhist, day_first=declared.day_first, spreadsheet=declared.spreadsheet
    )
    # Where the parts repeat a date that was read, they add nothing: most rows of most files.
    repeated = (parts["text"] == event["event_date"].str.slice(0, 10)).fill_null(value=False)
    beside = dates.parse_dates(parts["text"].set(repeated, None), today=today, buddhist=declared.buddhist)
    event = in_order(event, beside, parsed, orders, today=today)
    both = pl.concat([event, beside.rename(lambda name: f"part_{name}")], how="horizontal").with_columns(
        excluded=(pl.col("part_start") > pl.col("end")) | (pl.col("part_end") < pl.col("start")),
        finer=pl.col("precision").is_in(["year", "month"])
        & (pl.col("part_start") >= pl.col("start"))
        & (pl.col("part_end") <= pl.col("end"))
        & (pl.col("part_event_date") != pl.col("event_date")),
    )
    both = both.with_columns(
        verbatim=parsed["eventDate"].is_null() & pl.col("value").is_not_null(),
        by_parts=pl.col("start").is_null() & pl.col("part_start").is_not_null()
        | pl.col("finer").fill_null(value=False),
    )
    if both["proposal"].null_count() < both.height:
        both = fitting_proposals(both)
    chosen = both.select(
        pl.when("by_parts").then(pl.col(f"part_{name}")).otherwise(pl.col(name)).alias(name)
        for name in ("event_date", "start", "end", "precision", "time", "zone")
    )
    chosen = _with_event_time(chosen, parsed)
    issues, part_issues = both["issue"], both["part_issue"]
    flags = {
        issue: (issues == issue) | (part_issues == issue)
        for issue in (dates.INVALID, dates.UNLIKELY, dates.SERIAL, dates.BUDDHIST, dates.AMBIGUOUS)
    }
    flags[dates.INVALID] |= parts["invalid"]
    flags["RECORDED_DATE_MISMATCH"] = both["excluded"] | proposals_mismatch(both)
    if (other_days := days_mismatch(parsed, chosen)) is not None:
        flags["RECORDED_DATE_MISMATCH"] |= other_days
    flags["RECORDED_DATE_MISSING"] = stated.is_null() & parts["text"].is_null() & ~parts["invalid"]
    columns = {column.name: column for column in _columns(chosen)}
    return Findings(columns, flags, date_repairs(both))


def _declared(declarations: Mapping[str, str], what: str, known: Collection[str | None]) -> str | None:
    """Return what is declared, None where nothing is."""
    value = declarations.get(what)
    if value not in known:
        problem, expected = f"the {what} that is declared is not known", " or ".join(filter(None, known))
        raise InputError(problem, column=what, value=value, expected=expected, code="DECLARATION_UNKNOWN")
    return value


def _with_event_time(chosen: pl.DataFrame, stated: Stated) -> pl.DataFrame:
    """Take the time of day from eventTime where the date is one day and tells none."""
    if not stated.has("eventTime"):
        return chosen
    clock = dates.parse_times(stated["eventTime"])
    timeless = pl.col("time").is_null() & (pl.col("start") == pl.col("end"))
    return chosen.with_columns(clock["clock"], clock["offset"]).with_columns(
        pl.when(timeless).then("clock").otherwise("time").alias("time"),
        pl.when(timeless).then("offset").otherwise("zone").alias("zone"),
    )


def _columns(chosen: pl.DataFrame) -> list[pl.Series]:
    """Return the interpreted columns of the date that was chosen."""
    start, end = pl.col("start"), pl.col("end")
    same_year = start.dt.year() == end.dt.year()
    same_month = same_year & (start.dt.month() == end.dt.month())
    frame = chosen.select(
        pl.col("event_date").alias("eventDate"), start.alias("event_start"), end.alias("event_end"),
        pl.col("precision").alias("event_precision"), pl.col("time").alias("event_time"),
        pl.col("zone").alias("event_zone"), pl.when(same_year).then(start.dt.year()).cast(pl.Int32).alias("year"),
        pl.when(same_month).then(start.dt.month()).cast(pl.Int32).alias("month"),
        pl.when(start == end).then(start.dt.day()).cast(pl.Int32).alias("day"),
    )  # fmt: skip
    return frame.get_columns()
