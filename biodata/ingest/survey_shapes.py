"""A survey on its way in: its tables, with what was found of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.core.errors import InputError
from biodata.core.terms import EVENT_TERMS
from biodata.formats.workbooks import Grid
from biodata.ingest.headings import Proposal
from biodata.ingest.protocol import Finding, VerbatimTable
from biodata.ingest.sheet_units import Measured, declared
from biodata.text import dates
from biodata.text.controlled import parse_licence
from biodata.text.dates import OrderEvidence
from biodata.text.tables import NA, PLACEHOLDERS

REPORTED: Final = ("sheet", "row", "column", "value", "blocking", "code", "message", "expected", "proposal", "accept")
"""The columns of the list of problems in a marked workbook: a mark under the last one accepts the proposal before it."""
ACCEPT_MARK: Final = "[accept]"
"""How the last heading of that list ends in every language: no sheet of anybody else's has it."""


def accepted_in(grid: Grid) -> set[str] | None:
    """Return the proposals that are marked in a sheet as `CODE=value`, where it is our list of problems; None for any other."""
    rows = [dict(zip(REPORTED, [*row, *[None] * len(REPORTED)], strict=False)) for _, row in grid.rows if any(row)]
    if not rows or not (rows[0]["accept"] or "").strip().endswith(ACCEPT_MARK):
        return None
    marked = (row for row in rows[1:] if row["code"] and row["proposal"] and row["accept"])
    return {f"{row['code']}={row['value'] or ''}" for row in marked}


def is_nothing(name: str) -> pl.Expr:
    """Tell where a cell is empty, or says that it is."""
    return pl.col(name).is_null() | pl.col(name).str.strip_chars().is_in([*PLACEHOLDERS, NA])


def column(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of text by its name, which is empty where the frame has none."""
    return pl.col(name) if name in frame.columns else pl.lit(None, pl.String).alias(name)


@dataclass
class SurveyTable:
    """One table of a survey."""

    kind: str  # `events`, `occurrences`, `sites` or `project`
    file: str  # what a person calls it
    sheet: str | None  # None for delimited text
    heading_row: int
    frame: pl.DataFrame
    """`source_row`, then a text column a term, or a heading that is none; empty cells are null."""
    headings: dict[str, str]  # column → heading as it came
    covered: set[tuple[int, str]] = field(default_factory=set)
    """Cells (row, column) about which something is told already: below a merged one, an error, a formula without a value."""
    proposals: dict[str, Proposal] = field(default_factory=dict)  # for the columns whose heading is not certain
    converted: dict[str, str] = field(default_factory=dict)
    """Term → heading of columns that were turned into metres; the heading's column holds the cells as they came."""
    declarations: dict[str, str] = field(default_factory=dict)  # what headings say of the dates
    measured: dict[str, Measured] = field(default_factory=dict)
    """Columns of measurements, which stand in the column `measurements`, too."""
    repeats: dict[int, int] = field(default_factory=dict)
    """Rows in which every cell is as in an earlier one, that one's number."""

    beside: dict[str, dict[int, str]] = field(default_factory=dict)
    """Columns that do not come in, by their headings, each filled cell by its row: they say whether others are right."""

    stands: dict[str, int] = field(default_factory=dict)
    """Columns whose value stands once on the sheet, above the table or in a heading, and in which row: it is told there."""

    def heading(self, column: str) -> str:
        """Return the heading of a column as it came; the term where there is no such column."""
        return self.headings.get(column, column)

    def place(self, row: int, column: str) -> tuple[int, str]:
        """Return the row and the heading at which something is told of a row's cell."""
        return self.stands.get(column, row), self.heading(column)

    def finding(
        self, row: int, column: str, value: str | None, code: str, blocking: bool = False, **params: str
    ) -> Finding:
        """Return a finding about a cell under a heading."""
        return Finding(self.file, self.sheet, row, column, value, code, blocking, params)

    def of_heading(self, heading: str, code: str, blocking: bool = False, **params: str) -> Finding:
        """Return a finding about a heading."""
        return self.finding(self.heading_row, heading, heading, code, blocking, **params)


@dataclass
class Survey:
    """The tables of one survey, from one workbook or from several files."""

    tables: list[SurveyTable] = field(default_factory=list)  # events first
    findings: list[Finding] = field(default_factory=list)  # about sheets, headings and form
    unread: list[str] = field(default_factory=list)  # sheets that hold none
    order: dict[tuple[str, str | None], dict[str, int]] = field(default_factory=dict)
    """The sheets (file, sheet) in the order of their files, each with the places of its headings."""
    zone: str | None = None
    """The one zone of UTM that is named anywhere."""
    elsewhere: Collection[str] = ()  # terms of date and place that sheets of events or sites tell
    accepted: set[str] = field(default_factory=set)
    """Proposals that somebody marked as accepted in a list of problems of ours: `CODE=value`."""

    @property
    def declarations(self) -> dict[str, str]:
        """What the headings of all tables say of the dates."""
        return {name: value for table in self.tables for name, value in table.declarations.items()}

    def of(self, kind: str) -> list[SurveyTable]:
        """Return the tables of a kind."""
        return [table for table in self.tables if table.kind == kind]

    def main_tables(self) -> list[SurveyTable]:
        """Return the tables of records, else, where all sheets were read, those of identified events: in these nothing was found."""
        events = [] if self.unread else self.of("events")
        return self.of("occurrences") or [one for one in events if "eventID" in one.frame.columns]


LICENCE, DATUM = "license", "geodeticDatum"
_ZONE: Final = "timeZone"
TERMS: Final = (LICENCE, DATUM, _ZONE)
PLACE: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude",
    "coordinateUncertaintyInMeters", "geodeticDatum",
)  # fmt: skip
"""Terms of the place, which is taken from a site or event whole or not at all."""


def project_facts(survey: Survey, licence: str | None = None) -> dict[str, tuple[str, str]]:
    """Return by term what the project's sheet tells of all rows, and its heading as it came."""
    told: dict[str, tuple[str, str]] = {}
    for table in survey.of("project"):
        if table.frame.height > 1:
            survey.tables.remove(table)
            survey.findings.append(Finding(table.file, table.sheet, None, None, None, "SHEET_NOT_READ", False))
            continue
        for term in (term for term in TERMS if term in table.frame.columns):
            for cell in table.frame[term].drop_nulls():
                told.setdefault(term, (cell, table.heading(term)))
    return told if licence is None else {LICENCE: (licence, LICENCE), **told}


def checked(licence: str | None, *, code: str = "OPTION_INVALID") -> str | None:
    """Return a licence that is told beside a survey's files; refuse, with the code, one that is not known."""
    if licence is not None and parse_licence(licence) is None:
        problem, expected = "this licence is not known", "CC0 1.0, CC BY 4.0, CC BY-NC 4.0"
        raise InputError(problem, column=LICENCE, value=licence, expected=expected, code=code)
    return licence


def fill(tables: Sequence[SurveyTable], told: Mapping[str, tuple[str, str]]) -> None:
    """Fill what rows do not tell of themselves: the licence of events and records, the datum of coordinates, the zone where no table tells any."""
    is_zoned = any(_ZONE in table.frame.columns for table in tables if table.kind != "project")
    for table in tables:
        placed = [~is_nothing(name) for name in PLACE[:5] if name in table.frame.columns]
        is_licensed = pl.lit(table.kind in ("events", "occurrences"))
        is_placed = pl.any_horizontal(pl.lit(value=False), *placed)
        asked = {LICENCE: is_licensed, DATUM: is_placed, _ZONE: is_licensed & (not is_zoned)}
        for term, (value, heading) in told.items():
            own = column(table.frame, term)
            empty = own.is_null() & asked[term]
            if rows := table.frame.filter(empty)["source_row"].to_list():
                table.frame = table.frame.with_columns(pl.when(empty).then(pl.lit(value)).otherwise(own).alias(term))
                table.headings.setdefault(term, heading)
                table.covered.update((row, term) for row in rows)


def fill_licence(table: VerbatimTable, licence: str) -> None:
    """Fill the licence of rows of any source that tell none, unless their source tells one of all of them."""
    if parse_licence(table.dataset.license or "") not in (None, "UNSPECIFIED"):
        return

    def filled(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for batch in batches:
            yield batch.with_columns(pl.coalesce(column(batch, LICENCE), pl.lit(licence)).alias(LICENCE))

    table.batches = filled(table.batches)


KEY: Final = " key"
ENDS: Final = ("deploymentStart", "deploymentEnd")
ANY_DAY: Final = date(9999, 1, 1)
"""Whether a date has been yet is no question of where it stands."""
_OFFSET: Final = r"^[^/]*T[0-9:.]+([+-]\d\d:?\d\d)(?:/|$)"
_LAST_OFFSET: Final = r"T[0-9:.]+([+-]\d\d:?\d\d)$"


def read_ends(frame: pl.DataFrame, today: date) -> dict[str, pl.DataFrame]:
    """Return the first and the last day of events as `dates.parse_dates` reads them, those that they tell."""
    texts = {name: frame[name].str.strip_chars() for name in ENDS if name in frame.columns}
    every = pl.concat(texts.values())
    buddhist = declared(ENDS[0], None, every.drop_nulls().to_list()).get("calendar") == "buddhist"
    order = OrderEvidence.of(every, today=today, buddhist=buddhist).order
    return {n: dates.parse_dates(text, today=today, buddhist=buddhist, day_first=order) for n, text in texts.items()}


def with_period(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return events with `eventDate` made of their start and end, where they tell these and no `eventDate`."""
    if ENDS[0] not in frame.columns:
        return frame
    ends = [read["event_date"] for read in read_ends(frame, today).values()]
    made = pl.when(ends[0].is_not_null()).then(pl.concat_str(*ends, separator="/", ignore_nulls=True))
    # Events of several designs in one table: some tell a date, others a start and an end.
    told = column(frame, "eventDate")
    told = pl.when(told.str.strip_chars() != "").then(told)
    return frame.with_columns(pl.coalesce(told, made).alias("eventDate"))


def with_zone(frame: pl.DataFrame) -> pl.DataFrame:
    """Return events with the offset that all times of their `eventDate` are told in as `timeZone`, where they tell no zone."""
    if "eventDate" not in frame.columns:
        return frame
    # UTC is what programs write of any time: it is no zone of an event.
    first, last = pl.col("eventDate").str.extract(_OFFSET), pl.col("eventDate").str.extract(_LAST_OFFSET)
    both = pl.when((first == last) & ~first.is_in(["+00:00", "+0000"])).then(first)
    if not frame.select(both.is_not_null().any()).item():
        return frame
    return frame.with_columns(pl.coalesce(column(frame, _ZONE), both).alias(_ZONE))


def join(sites: Sequence[SurveyTable], events: Sequence[SurveyTable], findings: list[Finding]) -> None:
    """Fill what events do not tell from the sites that they name; tell those that name a site which is not there."""
    frames = [table.frame for table in sites if "locationID" in table.frame.columns and table.frame.height]
    if not frames:
        return
    every = pl.concat(frames, how="diagonal").with_columns(pl.col("locationID").str.strip_chars().alias(KEY))
    terms = [name for name in every.columns if name in EVENT_TERMS and name != "locationID" and every[name].count()]
    known = every.drop_nulls(KEY).unique(KEY, keep="first", maintain_order=True).select(KEY, *terms)
    headings = {name: heading for table in sites for name, heading in table.headings.items()}
    names = {site: site.casefold() for site in known[KEY]}
    for table in events:
        if "locationID" not in table.frame.columns:
            continue
        table.frame, answered = fill_from(table.frame, "locationID", known, (PLACE,))
        for name, rows in answered.items():
            if name in headings:
                table.headings.setdefault(name, headings[name])
            # A fault of what is filled, and of a place that the site itself lacks, is told of the site.
            table.covered.update((row, name) for row in rows)
        stations = table.frame.select("source_row", pl.col("locationID").str.strip_chars())
        for row, site in stations.drop_nulls().filter(~pl.col("locationID").is_in([*names])).iter_rows():
            params = {} if (near := nearest(site, names)) is None else {"near": near}
            at, heading = table.place(row, "locationID")
            findings.append(table.finding(at, heading, site, "SITE_UNKNOWN", True, **params))


def nearest(text: str, names: Mapping[str, str]) -> str | None:
    """Return the name, by its folded text, that is nearest to a text; None where none is so near, or two are as near."""
    found = process.extract(text.casefold(), names, score_cutoff=75, limit=2)
    is_one = len({score for _, score, _ in found}) == len(found) > 0
    return str(found[0][2]) if is_one else None


def fill_from(
    frame: pl.DataFrame, key: str, known: pl.DataFrame, groups: Sequence[Sequence[str]]
) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Return rows with what others of their key tell and they do not, and by column the rows that these answer for."""
    others = known.with_columns(pl.lit(value=True).alias(" known"))
    keyed = frame.with_columns(pl.col(key).str.strip_chars().alias(KEY))
    joined = keyed.join(others, on=KEY, how="left", suffix=" told", maintain_order="left")
    columns, answered = [], {}
    for name in known.columns[1:]:
        told = pl.col(f"{name} told" if name in frame.columns else name)
        group = next((terms for terms in groups if name in terms), ())
        # A time of day alone is no date: it stays, and its day is taken.
        asked = {name, *group} - ({"eventTime"} - {name})
        silent = [is_nothing(term) for term in sorted(asked) if term in frame.columns]
        answers = pl.all_horizontal(pl.lit(value=True), *silent) & (pl.col(" known") if group else told.is_not_null())
        answered[name] = joined.filter(answers)["source_row"].to_list()
        columns.append(pl.when(answers & told.is_not_null()).then(told).otherwise(column(frame, name)).alias(name))
    added = [name for name in known.columns[1:] if name not in frame.columns]
    return joined.with_columns(columns).select(*frame.columns, *added), answered


def join_stations(survey: Survey) -> None:
    """Identify events that tell no identifier by their station, with its first day where it has several; records follow."""
    join(survey.of("sites"), survey.of("events"), survey.findings)
    placed = ["locationID" in table.frame.columns for table in survey.of("events")]
    alone = [[table] for table in survey.of("occurrences")]
    for together in [[*survey.of("events"), *survey.of("occurrences")]] if placed else alone:
        _join_visits(together)
    records, events = (
        [t for t in survey.of(kind) if "locationID" in t.frame.columns
         and (not any(placed) or t.headings.get("eventID") in (None, t.headings["locationID"]))]
        for kind in ("occurrences", "events")
    )  # fmt: skip
    if not events:
        join(survey.of("sites"), records, survey.findings)
        return
    station = pl.col("locationID").str.strip_chars().alias("station")
    known = []
    for table in events:
        frame = with_period(table.frame, ANY_DAY)
        told = frame.with_columns(column(frame, "eventDate"))["eventDate"].str.split("/").list
        days = frame.select(station, first=_day_of(told.first()), last=_day_of(told.last()))
        several = pl.col("station").is_duplicated() & pl.col("first").is_not_null()
        event = pl.when(several).then(pl.concat_str("station", "first", separator=" ")).otherwise("station")
        known.append(days.with_columns(eventID=event))
        _identify(table, known[-1])
    of_stations = pl.concat(known).drop_nulls("station").sort("first", nulls_last=True, maintain_order=True)
    for table in records:
        rows = table.frame.select("source_row", station, day=column(table.frame, "eventDate").str.strip_chars())
        dated = rows.with_columns(day=_day_of(rows["day"]))
        there = dated.join(of_stations, on="station", how="left", maintain_order="left")
        within = pl.col("eventID").filter(pl.col("day").is_between("first", "last")).first()
        begun = pl.col("eventID").filter(pl.col("first") <= pl.col("day")).last()
        # Of several visits a record without a day is of none for sure.
        first = pl.when(pl.col("day").is_not_null().any() | (pl.len() == 1)).then(pl.col("eventID").first())
        event = pl.coalesce(within, begun, first, pl.col("station").first())
        _identify(table, there.group_by("source_row", maintain_order=True).agg(event.alias("eventID")))


def _day_of(texts: pl.Series) -> pl.Series:
    """Return days as they are written everywhere; what is none for sure stays as it came."""
    read = dates.parse_dates(texts, today=ANY_DAY)["event_date"].str.slice(0, 10)
    return pl.select(pl.coalesce(read, texts.str.slice(0, 10))).to_series()


def _join_visits(tables: Sequence[SurveyTable]) -> None:
    """Identify visits that all sheets number anew at each station by the station and their number."""
    for table in tables:
        if table.kind == "events" and {"locationID", "eventID"} <= {*table.frame.columns}:
            pairs = table.frame.select("locationID", "eventID").drop_nulls()
            numbers = pairs["eventID"]
            if numbers.str.contains(r"^\d+$").all() and numbers.n_unique() < pairs.height == pairs.n_unique():
                tables = [table]
    shared = set.intersection(*({*table.frame.columns} for table in tables))
    events = [table.frame for table in tables if table.kind == "events"]
    every = pl.concat(events or [tables[0].frame], how="diagonal")
    of_visits = shared - {"source_row", *EVENT_TERMS} | shared & {"eventID"}
    for name in sorted(of_visits) if "locationID" in shared else ():
        keys = every.select(name, "locationID").drop_nulls()
        numbered = name == "eventID" and keys[name].str.contains(r"^\d+$").all()
        sure = keys.height == keys.n_unique() if events else numbered
        if sure and 0 < 2 * max(keys[one].n_unique() for one in keys.columns) <= keys.n_unique():
            for table in tables:
                both = pl.concat_str("locationID", name, separator=" ")
                table.frame = table.frame.with_columns(pl.coalesce(both, name).alias("eventID"))
                table.headings["eventID"] = table.heading(name)
            return


def _identify(table: SurveyTable, rows: pl.DataFrame) -> None:
    table.frame = table.frame.with_columns(rows["eventID"])
    table.headings["eventID"] = table.heading("locationID")
    table.covered |= {(row, "eventID") for row, name in table.covered if name == "locationID"}
    if "locationID" in table.stands:
        table.stands["eventID"] = table.stands["locationID"]
