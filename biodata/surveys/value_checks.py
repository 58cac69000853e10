"""What is wrong with values that harmonising leaves as they are: by themselves, beside others of their column, and names of taxa."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import chain, compress, groupby, pairwise
from typing import Final

import numpy as np
import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.harmonise.coordinates import has_other_digit
from biodata.harmonise.datum_moves import is_known
from biodata.harmonise.measures import METRES
from biodata.harmonise.records import is_uncounted
from biodata.ingest.headings.plain import from_zawgyi, is_zawgyi
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import DATUM, LICENCE
from biodata.places import BoundarySet
from biodata.places.borders import SEA
from biodata.places.gazetteer import on_sphere
from biodata.sharing.names import CommonNames, meaning
from biodata.surveys.cell_checks import Rows, is_east, meant
from biodata.text import dates
from biodata.text.controlled import Vocabulary, parse_licence, parse_term
from biodata.text.numbers import parse_decimal, parse_decimals
from biodata.text.reference_list import COUNTRIES, ranges, reference_list
from biodata.text.tables import read_rows
from biodata.text.vernaculars import folded

_DISTANCE: Final = "perpendicular_distance_m"
_WHOLE: Final = ("individualCount", "year", "month", "day")
_NUMBERS: Final = dict.fromkeys((*_WHOLE, "organismQuantity"), "") | {
    "sampleSizeValue": "EFFORT_INVALID", "samplingEffortValue": "EFFORT_INVALID", _DISTANCE: "DISTANCE_INVALID",
}  # fmt: skip
"""Columns of numbers, and the code where they hold none; empty where something else says it, or it may be words."""
_LATIN_1_RUN: Final = re.compile("[¡-ÿŒœŠšŽžŸƒˆ˜–-›€™]{4,}")
_TEXTS: Final = ("scientificName", "locality", "verbatimLocality", "stateProvince", "county", "municipality", "habitat",
                 "vernacularName", "occurrenceRemarks", "eventRemarks", "recordedBy")  # fmt: skip
_PLACES: Final = ("decimalLatitude", "verbatimCoordinates", "verbatimLatitude")
_CLOCK: Final = re.compile(r"\d[:.]\d\d")
_TIMES: Final = re.compile(r"(?<=\d)\s*[×xX*–~-]\s*(?=\d)")
_MANY, _TIMES_MANY = 100, 50  # a count beyond reason, and how many times what 95 of 100 rows of its table count
_LEAST_ROWS, _LEAST_PLACES, _SHORT = 5, 3, 2
_MANY_TIMES, _WATCH_MIN, _OFF_WATCH_MIN = 20, 480, 180  # times of a watch of eight hours, and one three hours off it
_ABOUT_M: Final = 100.0  # what a height may be wrong by
_HEIGHTS: Final = ("minimumElevationInMeters", "verbatimElevation", "maximumElevationInMeters")
_FAR_M, _TIMES_FAR, _TIMES_SLIP = 50_000.0, 10.0, 3.0
_OFF_WALK_M: Final = 8_000.0
"""A place is far beyond so many metres, and so many times what lies between the others, fewer where another digit would mend it."""
_APART, _IN_ORDER = timedelta(days=14), 0.9
"""A day is out of order beyond so much, where the others are in order so often."""
_DATED: Final = ("eventDate", "verbatimEventDate", "day", "deploymentStart")
_KINDS: Final = (("sex", Vocabulary.SEX), ("lifeStage", Vocabulary.LIFE_STAGE))
FAR: Final = "PLACE_FAR_FROM_OTHERS"
ALONE: Final = "DATE_OUT_OF_ORDER"


def of_values(rows: Rows, interpreted: pl.DataFrame) -> Iterator[Finding]:
    """Find what is wrong with values of any table."""
    return chain(_heights(rows, interpreted), _numbers(rows), _times(rows), _licences(rows), _texts(rows))


def of_project(rows: Rows) -> Iterator[Finding]:
    """Find a licence or a datum of the whole survey that nobody can read."""
    yield from _licences(rows)
    for row, licence in rows.cells(LICENCE).items():
        if parse_licence(licence) is None:
            yield rows.finding(row, LICENCE, "LICENSE_UNKNOWN")
    for row, datum in rows.cells(DATUM).items():
        if not is_known(datum):
            yield rows.finding(row, DATUM, "GEODETIC_DATUM_INVALID", blocking=True)


def of_records(rows: Rows, interpreted: pl.DataFrame) -> Iterator[Finding]:
    """Find what is doubtful of the values of records; nothing of it blocks, since each may be right."""
    of_cells = chain(_of_another(rows), _measured(rows), _repeated(rows))
    return chain(of_cells, _many(rows, interpreted), _uncounted(rows), _marks_of_two(rows))


def _numbers(rows: Rows) -> Iterator[Finding]:
    for column, invalid in _NUMBERS.items():
        cells, units = rows.cells(column), METRES if column == _DISTANCE else ()
        read = parse_decimals(pl.Series(cells.values(), dtype=pl.String).str.strip_chars(), units=units)
        for row, (value, number, rule) in zip(cells, read.iter_rows(), strict=True):
            right = number is not None and number >= 0 and (column not in _WHOLE or number.is_integer())
            if right and rule is not None:
                yield rows.finding(row, column, "VALUE_READ_AS", read=f"{number:.10g}", rule=rule)
            elif not right and invalid:
                proposal = meant(invalid, value, effort=rows.own[row].get("sampleSizeUnit"))
                yield rows.finding(row, column, invalid, blocking=column != _DISTANCE, proposal=proposal)


def _of_another(rows: Rows) -> Iterator[Finding]:
    """Find stages of life below the heading of the sex, and the other way round, and the rare word that is neither.

    J in each tenth row is a sign of its own; a word that stands once is odd where nine of ten others are known or stand again.
    """
    for (column, kind), (other, others) in (_KINDS, _KINDS[::-1]):
        cells = rows.cells(column)
        signs = Counter(cell.casefold() for cell in cells.values())
        own = {one for one, n in signs.items() if len(one.encode()) <= _SHORT and 10 * n > len(cells)}
        unknown = [row for row, cell in cells.items() if cell.casefold() not in own and parse_term(cell, kind) is None]
        once = {row for row in unknown if signs[cells[row].casefold()] == 1}
        for row in unknown:
            if parse_term(cells[row], others) is not None:
                yield rows.finding(row, column, "VALUE_OF_ANOTHER_COLUMN", term=other)
            elif row in once and len(once) <= (1 - _IN_ORDER) * len(cells):
                yield rows.finding(row, column, "CELL_VALUE", expected=signs.most_common(1)[0][0])


def days(rows: Rows, interpreted: pl.DataFrame, dated: Collection[str] = ()) -> Iterator[Finding]:
    """Find the day of a row that breaks the order of those around it, or lies far from all others; `dated` events have their own."""
    every_day = interpreted.select("source_row", day="event_start").drop_nulls().sort("source_row").rows()
    entries = [one for one in every_day if (rows.own[one[0]].get("eventID") or "").strip() not in dated]
    runs = [list(run) for _, run in groupby(entries, key=lambda one: (one[1], rows.own[one[0]].get("locationID")))]
    firsts = [(run[0][1], rows.own[run[0][0]].get("locationID")) for run in runs]
    of_table = [b[0] >= a[0] for a, b in pairwise(firsts)]
    of_station = [b[0] >= a[0] for a, b in pairwise(firsts) if a[1] == b[1]]
    ordered, grouped = (len(one) > _LEAST_ROWS and sum(one) >= _IN_ORDER * len(one) for one in (of_table, of_station))
    every = sorted(day for _, day in entries)
    odd: dict[int, tuple[date, date]] = {}
    for (before, this, after), run in zip(zip(firsts, firsts[1:], firsts[2:], strict=False), runs[1:], strict=False):
        beside = ordered or (grouped and before[1] == this[1] == after[1])
        out = this[0] < before[0] - _APART or this[0] > after[0] + _APART
        if beside and before[0] <= after[0] and out and len(run) == 1:
            odd[run[0][0]] = (before[0], after[0])
    gaps = sorted((after - before, at) for at, (before, after) in enumerate(pairwise(every)))
    if len(every) > 2 * _LEAST_ROWS and gaps[-1][0] > 3 * max(_APART, gaps[-2][0]):
        end = {0: every[0], len(every) - 2: every[-1]}.get(gaps[-1][1])
        odd |= {row: (every[0], every[-1]) for row, day in entries if day == end}
    for row, around in odd.items():
        if (column := rows.column(row, _DATED)) is not None:
            yield rows.finding(row, column, ALONE, before=around[0].isoformat(), after=around[1].isoformat())


def out_of_range(rows: Rows, interpreted: pl.DataFrame, boundaries: BoundarySet) -> Iterator[Finding]:
    """Find taxa where they are not known to live: another country, or far from the sea."""
    placed = interpreted.filter(pl.col("located_country_code").is_in(COUNTRIES) & ~pl.col("ambiguous"))
    columns = ("source_row", "scientificName", "located_country_code", "decimalLongitude", "decimalLatitude")
    named = [(*one, " ".join((one[1] or "").split()[:2])) for one in placed.select(columns).iter_rows()]
    known = ranges({name for *_, name in named} | {name.split(" ")[0] for *_, name in named})
    for row, _, country, x, y, name in named:
        lives = known.get(name) or known.get(name.split(" ")[0])
        column = rows.column(row, (_NAME, "verbatimScientificName", "vernacularName"))
        if lives is None or column is None:
            continue
        if country not in lives.countries or (lives.coast and _is_inland(x, y, boundaries)):
            yield rows.finding(row, column, "TAXON_OUT_OF_RANGE", country=country)


def _is_inland(x: float, y: float, boundaries: BoundarySet) -> bool:
    """Return whether no sea lies a hundred kilometres from a place, to either side."""
    around = np.array([(x + east, y + north) for east in (-1, 0, 1) for north in (-1, 0, 1)])
    return not (boundaries.cells.locate(*around.T) == SEA).any()


def other_order(found: Sequence[Finding]) -> Iterator[Finding]:
    """Find the few dates that have the month first in a column that has the day first, or the other way round."""
    entries = [one for one in found if one.code == "VALUE_READ_AS"]
    orders = ([f for f in entries if order in f.params.get("rule", "")] for order in ("day_first", "month_first"))
    few, many = sorted(orders, key=len)
    for finding in few if len(few) <= (1 - _IN_ORDER) * len(many) else ():
        yield replace(finding, code="RECORDED_DATE_DAY_MONTH_AMBIGUOUS", params={"proposal": finding.params["read"]})


def _measured(rows: Rows) -> Iterator[Finding]:
    """Find measurements that are no numbers, or none that such a thing can have; words of a stratum are what they are."""
    for column, kind in rows.table.measured.items():
        if kind.greatest is None:
            continue
        limits = {"least": f"{kind.least:g}", "greatest": f"{kind.greatest:g}", "told": kind.unit}
        for row, cell in rows.cells(column).items():
            is_sign = kind.unit == "%" and cell.strip() in ("+", "r")  # of Braun-Blanquet: less than a percent
            # 2 × 3 m of a crown, 88-124 mm, less than 1 %
            numbers = [parse_decimal(part.strip())[0] for part in _TIMES.split(cell.strip().lstrip("<＜≤"))]
            if not is_sign and any(one is None or not (kind.least or 0) <= one <= kind.greatest for one in numbers):
                yield rows.finding(row, column, "MEASUREMENT_INVALID", blocking=False, **limits)


def _licences(rows: Rows) -> Iterator[Finding]:
    for row, licence in rows.cells(LICENCE).items():
        if (row, LICENCE) not in rows.table.covered and parse_licence(licence) == "UNSUPPORTED":
            yield rows.finding(row, LICENCE, "LICENSE_UNSUPPORTED")


def _times(rows: Rows) -> Iterator[Finding]:
    cells = rows.cells("eventTime")
    parts = [(row, part) for row, cell in cells.items() for part in cell.split("/")]
    read = dates.parse_times(pl.Series([part for _, part in parts], dtype=pl.String))["clock"]
    for row in dict.fromkeys(row for (row, _), clock in zip(parts, read, strict=True) if clock is None):
        yield rows.finding(row, "eventTime", "TIME_UNREADABLE", proposal=meant("TIME_UNREADABLE", cells[row]))
    times = {row: clock for (row, _), clock in zip(reversed(parts), reversed(read), strict=True) if clock is not None}
    minutes = {row: 60 * int(clock[:2]) + int(clock[3:5]) for row, clock in times.items()}
    if len(minutes) < _MANY_TIMES:
        return
    middle = float(np.median([*minutes.values()]))
    *usual, odd = sorted(minutes, key=lambda row: abs(minutes[row] - middle))
    least, greatest = (end(usual, key=minutes.__getitem__) for end in (min, max))
    beyond = max(minutes[least] - minutes[odd], minutes[odd] - minutes[greatest])
    if minutes[greatest] - minutes[least] <= _WATCH_MIN and beyond >= _OFF_WATCH_MIN:
        yield rows.finding(odd, "eventTime", "TIME_OUT_OF_ORDER", least=times[least][:5], greatest=times[greatest][:5])


def _texts(rows: Rows) -> Iterator[Finding]:
    frame = rows.table.frame
    for column in [name for name in frame.columns if name in _TEXTS]:
        odd = frame.select("source_row", column).filter(~pl.col(column).str.contains("^[\\x20-\\x3e\\x40-\\x7e]*$"))
        for row, text in odd.iter_rows():
            if is_zawgyi(text):
                yield rows.finding(row, column, "ENCODING_ZAWGYI", blocking=True, proposal=from_zawgyi(text))
            elif (before := "" if re.search("\ufffd|\\?{3,}", text) else _before(text)) is not None:
                yield rows.finding(row, column, "TEXT_GARBLED", blocking=True, proposal=before)


def _before(text: str) -> str | None:
    """Return what a text was before UTF-8 was opened as Latin letters: empty where nobody can say, None of a sound text."""
    for encoding in ("cp1252", "latin-1"):
        with suppress(UnicodeError):
            if (before := text.encode(encoding).decode("utf-8")) != text:
                return before
    return "" if _LATIN_1_RUN.search(text) else None


def _uncounted(rows: Rows) -> Iterator[Finding]:
    cells = rows.cells("individualCount")
    if uncounted := [*compress(cells, is_uncounted(pl.Series(cells.values(), dtype=pl.String)))]:
        yield rows.finding(uncounted[0], "individualCount", "INDIVIDUAL_COUNT_NOT_TOLD", count=str(len(uncounted)))


def _repeated(rows: Rows) -> Iterator[Finding]:
    """Find rows in which every cell is as in an earlier one, where they have a place of their own or a time of day."""
    for row, before in rows.table.repeats.items() if "occurrenceID" not in rows.table.frame.columns else ():
        timed = any(_CLOCK.search(rows.own[row].get(name) or "") for name in ("eventTime", *_DATED[:2]))
        if timed or any(rows.column(row, (name,)) for name in _PLACES):
            yield rows.finding(row, next(iter(rows.table.headings)), "ROW_REPEATED", other_row=str(before))


def _marks_of_two(rows: Rows) -> Iterator[Finding]:
    """Find the odd ring or tag that an earlier row has for another taxon; numbers that begin anew in each plot are none."""
    first: dict[str, int] = {}
    marks = rows.cells("organismID").items()
    again = [(row, at) for row, mark in marks if (at := first.setdefault(mark.strip(), row)) != row]
    taxa = {row: own.get(_NAME) or own.get("vernacularName") for row, own in rows.own.items()} if again else {}
    odd = [pair for pair in again if taxa[pair[0]] != taxa[pair[1]]]
    for row, before in odd if len(odd) <= max(1, (1 - _IN_ORDER) * len(again)) else ():
        if (column := rows.column(row, ("organismID",))) is not None:
            yield rows.finding(row, column, "IDENTIFIER_REPEATED", other_row=str(before))


@cache
def _highest_m() -> Mapping[tuple[str, str], float]:
    return {(one["country"], one["province"]): float(one["highest_m"]) for one in read_rows("highest_points.csv")}


def _heights(rows: Rows, interpreted: pl.DataFrame) -> Iterator[Finding]:
    """Find heights above the highest point of the country or province, and those below the sea."""
    columns = ("source_row", "elevation", "located_country_code", "province_code")
    for row, height, country, province in interpreted.select(columns).drop_nulls("elevation").iter_rows():
        highest = _highest_m().get((country, province), _highest_m().get((country, ""), np.inf))
        if not -_ABOUT_M <= height <= highest + _ABOUT_M and (column := rows.column(row, _HEIGHTS)) is not None:
            greatest = f"{highest:g}" if highest < np.inf else None
            yield rows.finding(row, column, "MEASUREMENT_INVALID", least="0", greatest=greatest)


def _many(rows: Rows, interpreted: pl.DataFrame) -> Iterator[Finding]:
    counts = interpreted.select("source_row", "individualCount").drop_nulls()
    usual = counts["individualCount"].quantile(0.95, "lower") or 1
    alone = [max(_MANY / 2, 20 * one) for one in counts["individualCount"].sort(descending=True)[1:2]]
    most = min(max(_MANY, _TIMES_MANY * usual), *alone, float("inf"))
    for row, count in counts.filter(pl.col("individualCount") > most).iter_rows():
        if counts.height >= _LEAST_ROWS and rows.own[row].get("individualCount") is not None:
            facts = {"usual": f"{usual:g}", "count": str(count)}
            yield rows.finding(row, "individualCount", "INDIVIDUAL_COUNT_UNLIKELY", blocking=False, **facts)


def far(parts: Sequence[tuple[Rows, pl.DataFrame]]) -> Iterator[tuple[Rows, Finding]]:
    """Find places of a survey's own rows that lie far from all others, or from all others of their day's walk; each with its table."""
    walk, x, y = pl.coalesce("parentEventID", "eventID"), pl.col("decimalLongitude"), pl.col("decimalLatitude")
    placed = [read.select("source_row", part=at, walk=walk, x=x, y=y) for at, (_, read) in enumerate(parts)]
    every = pl.concat(placed).drop_nulls(["x", "y"]) if placed else pl.DataFrame(schema=["x", "y"])
    cells = every.select("x", "y").unique()
    if cells.height < _LEAST_PLACES:
        return
    # Of a few places, one that is wrong is the second nearest of all.
    table = cells.with_columns(_metres(cells, 3 if cells.height >= _LEAST_ROWS else 2), slip=has_other_digit("x", "y"))
    times = pl.when(pl.col("slip") | has_other_digit("y", "x")).then(_TIMES_SLIP).otherwise(_TIMES_FAR)
    lonely = table.filter(pl.col("metres") > pl.max_horizontal(_FAR_M, times * pl.col("metres").median()))
    every = every.with_columns(is_east=is_east())
    odd = every.join(lonely, on=["x", "y"])
    if 2 * odd.height >= every.height:  # a survey of several regions
        odd = odd.clear()
    walks = every.select("part", "walk", "x", "y").drop_nulls().unique()
    long = (one for _, one in walks.group_by("part", "walk") if one.height >= _LEAST_PLACES)
    none = odd.clear().select("part", "walk", "x", "y", "metres")
    steps = pl.concat([none, *(one.with_columns(_metres(one, 2)) for one in long)])
    off = steps.filter(pl.col("metres") > pl.max_horizontal(_OFF_WALK_M, _TIMES_FAR * pl.col("metres").median()))
    both = pl.concat([odd, every.join(off, on=["part", "walk", "x", "y"])], how="diagonal")
    both = both.unique(["part", "source_row"], keep="first", maintain_order=True)
    for row, number, *east, distance in both.select("source_row", "part", "is_east", "slip", "metres").iter_rows():
        rows = parts[number][0]
        column = rows.column(row, rows.odd_zone(row) or (("decimalLongitude", *_PLACES) if any(east) else _PLACES))
        if column is not None:
            yield rows, rows.finding(row, column, FAR, km=f"{distance / 1000:.0f}")


def _metres(places: pl.DataFrame, neighbour: int) -> pl.Series:
    """Return how far the n-th nearest place is, itself the first."""
    from scipy.spatial import cKDTree

    points = on_sphere(*(places[name].to_numpy() for name in ("x", "y")))
    return pl.Series("metres", np.asarray(cKDTree(points).query(points, k=[neighbour])[0])[:, 0])


_NAME: Final = "scientificName"
_SAY_THE_SAME: Final = ("SCIENTIFIC_NAME_UNREADABLE", "TAXON_MATCH_NONE")
_OFTENER: Final = 3  # a name of the table that stands so many times as often as another is the one that was meant
_ENDING: Final = re.compile("e?i$")  # fortunei and fortuni are one name
_LEAST: Final = 3  # letters of an epithet


def common(rows: Rows, findings: Sequence[Finding], names: CommonNames) -> Iterator[Finding]:
    """Return findings, with the common names among a table's scientific names stated as such."""
    meant = cache(lambda text: _meant(text, names))
    left: dict[tuple[int, str], Finding] = {}
    cells = [(row, name, text) for name in (_NAME, "verbatimScientificName") for row, text in rows.cells(name).items()]
    # Where the list of local names has one taxon, that was read.
    local = rows.table.frame.select("source_row", _NAME) if _NAME in rows.table.converted else pl.DataFrame()
    read = dict(local.drop_nulls().iter_rows())
    for row, column, text in cells:
        proposal = meant(text)
        if row in read:
            yield rows.finding(row, column, "VALUE_READ_AS", read=read[row])
        elif proposal is not None:
            left[rows.table.place(row, column)] = rows.finding(row, column, "NAME_COMMON", proposal=proposal)
        elif column in rows.table.converted and not meaning(text, names):
            yield rows.finding(row, column, "TAXON_MATCH_NONE")
    for finding in findings:
        at = finding.row or 0, finding.column or ""
        if at not in left or finding.code not in _SAY_THE_SAME:
            yield finding
        elif finding.blocking:
            left[at] = replace(left[at], blocking=True)
    yield from left.values()


def _meant(text: str, names: CommonNames) -> str | None:
    """Return the taxa that a text means which is a common name and nothing else; None for a name in Latin."""
    taxa, first = meaning(text, names), (text.split() or [""])[0]
    is_genus = first == text and reference_list().group_ranks.get(first) == "GENUS"
    return " / ".join(sorted(taxa)) if taxa and not (is_genus or folded(text) in map(folded, taxa)) else None


def near(rows: Rows) -> Iterator[Finding]:
    """Find names of species that no list has, and that are a slip away from one that a list, or the table itself, has."""
    if _NAME not in rows.table.headings:
        return
    facts = {row: species for row, text in rows.cells(_NAME).items() if (species := _species(text)) is not None}
    counts = Counter(facts.values())
    listed = set(reference_list().look_up(pl.Series(list(counts), dtype=pl.String))["name"])
    unknown = counts.keys() - listed
    known = sorted({*reference_list().namesakes(unknown), *counts}) if unknown else []
    meant = {name: nearest for name in unknown if (nearest := _nearest(name, known, counts, listed)) is not None}
    for row, species in facts.items():
        if species in meant:
            yield rows.finding(row, _NAME, "NAME_NEARLY_ANOTHER", proposal=meant[species])


def _nearest(name: str, known: Sequence[str], counts: Mapping[str, int], listed: Collection[str]) -> str | None:
    """Return the one known name that is nearest; one that only the table has counts where it stands often enough."""
    slips = 2 if len(name.rpartition(" ")[2]) >= 8 else 1
    able = [one for one in known if one not in counts or one in listed or counts[one] >= _OFTENER * counts[name]]
    found = process.extract(name, able, scorer=OSA.distance, score_cutoff=slips, limit=None)
    others = [(distance, other) for other, distance, _ in found if distance]
    nearest = [other for distance, other in others if distance == min(others)[0]]
    return nearest[0] if len(nearest) == 1 and _ENDING.sub("", nearest[0]) != _ENDING.sub("", name) else None


def _species(text: str) -> str | None:
    words = text.split()[:2]
    if len(words) < 2 or len(words[1]) < _LEAST or not (words[0].isalpha() and words[1].isalpha()):
        return None
    return " ".join(words) if words[0].istitle() and words[1].islower() else None
