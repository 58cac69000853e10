"""What columns of numbers show by themselves, whatever they mean: sums that are none, shares and counts out of bounds, numbers twice."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations, groupby, pairwise, permutations, product
from typing import Final

import numpy as np
import polars as pl

from biodata.ingest.headings.deciding import NAMES_OF_TAXA
from biodata.ingest.headings.plain import unit_alone, units_in
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.sheet_units import declared
from biodata.ingest.survey_shapes import ANY_DAY
from biodata.text import dates
from biodata.text.controlled import parse_licence
from biodata.text.numbers import parse_decimals
from biodata.text.tables import NA, PLACEHOLDERS, read_rows

_FEWEST, _HALF, _MOSTLY, _ALONE, _WIDEST, _FEW_COLUMNS, _SOME = 5, 0.5, 0.9, 0.03, 40, 12, 200
_SEVERAL: Final = 3  # rows in which more than one part is stated, so that a column and its copy are no sum
_RARE, _OFTEN, _BEYOND, _FAR_BEYOND, _NOON = 0.02, 5, 1.5, 30, 720
_LICENCES: Final = ("CC0_1_0", "CC_BY_4_0", "CC_BY_NC_4_0", "UNSPECIFIED")
_CELSIUS: Final = (-40.0, 60.0)  # of air and water
_PLACED: Final = frozenset({"decimalLatitude", "decimalLongitude", "easting", "northing"})  # which no sum is of
_WITH_UNIT: Final = r"^[\d.,]+\s*(\p{L}+)\.?$"
_EGGS: Final = re.compile(r"(?i)\beggs?\b|clutch|卵数|卵数量|产卵|窝卵|ไข่|trứng|ໄຂ່|ស៊ុត|ពង|ဥအရေ|telur|itlog")
_YOUNG: Final = re.compile(
    r"(?i)hatch|chick|nestling|fledg|雏|幼龟|孵化数|孵出|出壳|ลูกนก|ลูกเต่า|ฟัก|con non|nở|ລູກ|កូន|သားပေါက်|tukik|menetas|anak|inakay|napisa"
)
"""Of eggs no more young hatch than there were, in the languages of the region."""
_FACTORS: Final = tuple(factor**sign for factor in (10, 100, 1000, 3.2808, 2.54, np.pi) for sign in (1, -1))
"""What a number is wrong by where the point moved or the unit is another: kg for g, ft for m, in for cm, a girth for a diameter."""
_MEASURED: Final = frozenset({"minimumElevationInMeters", "perpendicular_distance_m", "sampleSizeValue"})
# Of two columns on a line: rank correlation; spreads, and a factor of 1.8, off it.
_LINE, _FAR_OFF, _LEAST_OFF = 0.8, 6, 0.6
_NUMBERED: Final = re.compile(r"(.*?)(\d{1,18})(\D*)")
_SERIAL: Final = "recordNumber organismID catalogNumber fieldNumber materialSampleID associatedMedia mediaID".split()


def odd_numbers(layout: Layout, names: Mapping[int, str], known: Collection[str]) -> Iterator[Finding]:
    """Find numbers that are none of their column; a column of a `known` term has checks of its own."""
    of_taxa = _groups(layout, [at for at, name in names.items() if name in NAMES_OF_TAXA])
    numbers: dict[int, np.ndarray] = {}
    moments: dict[int, tuple[str, np.ndarray]] = {}
    for column in layout.columns:
        name, cells = names[column.index], layout.cells(column.index)
        if (read := _numbers(cells)) is not None:
            numbers[column.index] = read
            # A number of the rows grows, and hardly one is as the one before.
            grown = (np.diff(read) >= 0).mean() > _MOSTLY and 2 * len(np.unique(read)) > len(read)
        elif (times := moments_of(layout.filled(column.index))) is not None:
            moments[column.index] = times
            unread = np.isnan(times[1]) & _filled(cells).is_not_null().to_numpy()
            for at in np.flatnonzero(unread).tolist() if times[0] == "clock" and name not in known else ():
                yield _at(layout, at, column, "TIME_UNREADABLE")
        if name not in known or _is_share(column):
            yield from _outside(layout, column, cells)
            if read is not None:
                yield from _odd(layout, column, read, cells)
        if (name not in known or name in _MEASURED) and read is not None and not grown:
            for rows in (np.full(len(read), fill_value=True), *of_taxa):
                yield from _slips(layout, column, np.where(rows, read, np.nan))
        for at in range(len(cells)) if name not in known and are_licences(cells) else ():
            if (cells[at] and parse_licence(cells[at] or "")) not in (None, *_LICENCES):
                yield _at(layout, at, column, "LICENSE_UNKNOWN")
        if name not in known or name in _SERIAL:
            yield from _twice(layout, column, cells)
    counted = {at: read for at, read in numbers.items() if names[at] not in known or names[at] == "individualCount"}
    amounts = {at: read for at, read in numbers.items() if names[at] not in _PLACED}
    undated = [one for one in layout.columns if one.index not in moments]
    across, down = [*_sums(undated, layout, amounts)], [*_totals(layout, counted)]
    # A total of a row that is wrong is in the total of its column.
    off = {(one.column, -_off_by(one)) for one in across}
    down = [one for one in down if (one.column, _off_by(one)) not in off]
    yield from (*_products(layout, amounts), *_crossing(layout, across, down), *across, *down)
    orders = [*_orders(layout, numbers, moments)]
    yield from orders
    yield from _young(layout, numbers)
    yield from _off_lines(layout, {at: read for at, read in numbers.items() if names[at] not in known})
    spans = _spans(layout, {at: days for at, (kind, days) in moments.items() if kind == "day"})
    yield from (one for one in spans if one.row not in {other.row for other in orders})


def _numbers(cells: Sequence[str | None]) -> np.ndarray | None:
    """Return the numbers of a column; None where it holds anything else."""
    plain = _filled(cells).str.replace(r"^(\d{1,3}),(\d{3})$", "$1$2")
    read = parse_decimals(plain)["number"]
    words = (read.is_null() & ~plain.str.contains(_WITH_UNIT)).sum()
    few = max(_ALONE * read.count(), read.count() >= 20)  # one word among twenty numbers is a slip, too
    return read.to_numpy() if read.count() >= _FEWEST and words <= few else None


def _groups(layout: Layout, columns: Sequence[int]) -> list[np.ndarray]:
    """Return which rows are of each taxon that has several: what is usual of a deer is none of a mouse."""
    cells = pl.Series(layout.cells(columns[0]) if columns else [], dtype=pl.String)
    several = cells.drop_nulls().value_counts().filter(pl.col("count") >= 2 * _FEWEST)[cells.name]
    return [(cells == name).fill_null(value=False).to_numpy() for name in several]


def _filled(cells: Sequence[str | None]) -> pl.Series:
    """Return cells without those that say that they are empty."""
    texts = pl.Series(cells, dtype=pl.String).str.strip_chars()
    return texts.set(texts.is_in([*PLACEHOLDERS, NA]).fill_null(value=False), None)


def _is_share(column: Column) -> bool:
    return "%" in column.heading or any(unit.name == "percent" for unit in units_in(column.heading)[1])


@cache
def _bounded() -> list[tuple[tuple[float, float], re.Pattern[str]]]:
    rows = read_rows("measured_bounds.csv")
    return [((float(one["least"]), float(one["greatest"])), re.compile(one["words"], re.IGNORECASE)) for one in rows]


def _bounds(column: Column) -> tuple[float, float] | None:
    """Return between which numbers what a heading names always is: a percent, an acidity, a bearing."""
    if any(unit.name == "celsius" for unit in units_in(column.heading)[1]):
        return _CELSIUS
    of_words = next((bounds for bounds, words in _bounded() if words.search(column.heading)), None)
    return of_words or ((0.0, 100.0) if _is_share(column) else None)


def _outside(layout: Layout, column: Column, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find numbers, however few, that what a column measures never is; where most of them are, it measures something else."""
    if (bounds := _bounds(column)) is None:
        return
    numbers = parse_decimals(_filled(cells))["number"].to_numpy()
    out = (numbers < bounds[0]) | (numbers > bounds[1])
    for at in np.flatnonzero(out).tolist() if out.sum() <= _HALF * (~np.isnan(numbers)).sum() else ():
        yield _at(layout, at, column, "MEASUREMENT_INVALID", least=f"{bounds[0]:g}", greatest=f"{bounds[1]:g}")


def _odd(layout: Layout, column: Column, numbers: np.ndarray, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find the one number below zero, and words and numbers of another unit among numbers."""
    stated, texts = numbers[~np.isnan(numbers)], _filled(cells)
    warmth = any(unit.dimension == "temperature" for unit in units_in(column.heading)[1])
    counts = not warmth and (len(stated) > 2 * _FEWEST or (stated % 1 == 0).all()) and (stated < 0).sum() == 1
    worded = texts.str.contains(r"^\p{L}\D+$").fill_null(value=False).to_numpy()
    own = {unit.name for unit in units_in(column.heading)[1]}
    units = [unit_alone(unit or "") for unit in texts.str.extract(_WITH_UNIT)]
    other = np.array([one is not None and one.dimension != "count" and one.name not in own for one in units])
    other &= np.isnan(numbers) & (other.sum() <= max(1, (1 - _MOSTLY) * len(stated)))
    for at in np.flatnonzero((numbers < 0) & counts | worded | other).tolist():
        yield _at(layout, at, column, "MEASUREMENT_INVALID", least="0")


def _twice(layout: Layout, column: Column, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find a number that stands twice in a column that counts something up from row to row."""
    entries = [(row, cell) for (row, _), cell in zip(layout.rows, _filled(cells), strict=True) if cell is not None]
    parts = [_NUMBERED.fullmatch(cell) for _, cell in entries]
    series = [part and (part[1], part[3]) for part in parts]  # of each plot its own
    if len(entries) < 3 * _FEWEST or None in series or len({*series}) * _FEWEST > len(entries):
        return
    numbers = [int(part[2]) for part in filter(None, parts)]
    # Trees are numbered from 1 in each plot.
    runs = np.cumsum([at > 0 and number == 1 for at, number in enumerate(numbers)])
    every = zip(series, runs, numbers, strict=True)
    steps = [after[2] - before[2] for before, after in pairwise(every) if before[:2] == after[:2]]
    plain = all(part and cell == str(int(part[2])) for (_, cell), part in zip(entries, parts, strict=True))
    usual = sum(step == 1 for step in steps) if plain else sum(step > 0 for step in steps)
    first: dict[tuple[int, str], int] = {}
    each = zip(entries, runs if plain else np.zeros_like(runs), strict=True)
    again = [(row, cell, before) for (row, cell), run in each if (before := first.setdefault((run, cell), row)) != row]
    if 2 * len(steps) > len(entries) and usual >= _MOSTLY * len(steps) and len(again) <= max(1, _ALONE * len(entries)):
        for row, cell, before in again:
            yield layout.finding(row, column.heading, cell, "IDENTIFIER_REPEATED", other_row=str(before))


def _sums(columns: Sequence[Column], layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find totals that are not what the columns beside them make, and shares that make no hundred, as in nearly all rows."""
    found: dict[tuple[int, int], Finding] = {}
    beside = groupby(columns, key=lambda column: column.index in numbers)
    for block in (list(some)[:_WIDEST] for are_numbers, some in beside if are_numbers):
        values = np.column_stack([numbers[column.index] for column in block])
        shares = [_is_share(column) for column in block]
        for first, last in combinations(range(len(block)), 2):
            parts = values[:, first : last + 1]
            filled = ~np.isnan(parts).all(axis=1) & ~(parts < 0).any(axis=1)
            targets = {at: values[:, at] for at in (first - 1, last + 1) if 0 <= at < len(block)}
            if all(shares[first : last + 1]):
                targets[-1] = np.full(len(values), 100.0)
            for target, total in targets.items():
                asked = filled & ~np.isnan(total)
                right = np.isclose(np.nansum(parts, axis=1), total, rtol=1e-3, atol=0.06)
                several = (asked & right & ((parts > 0).sum(axis=1) > 1)).sum() >= _SEVERAL
                wrong = np.flatnonzero(asked & ~right)
                most = 2 if (asked & right).sum() >= 2 * _FEWEST else 1
                if not several or len(wrong) > max(most, (1 - _MOSTLY) * asked.sum()):
                    continue
                fixed = len(set(total[asked])) == 1  # then it is a part that is wrong
                for row in wrong.tolist():
                    column = block[first + int(np.nanargmax(parts[row])) if fixed else target]
                    params = {"sum": f"{np.nansum(parts[row]):g}", "total": f"{total[row]:g}"}
                    found[row, column.index] = _at(layout, row, column, "SUM_DISAGREES", **params)
    yield from found.values()


def _products(layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find numbers that are not what two other columns make together in all other rows, as nets and hours make net-hours."""
    columns = [column for column in layout.columns if column.index in numbers][:_FEW_COLUMNS]
    for one, other in combinations(columns, 2):
        both = numbers[one.index] * numbers[other.index]
        for column in (column for column in columns if column not in (one, other)):
            made = numbers[column.index]
            asked = ~np.isnan(both) & ~np.isnan(made) & (both != 0)
            wrong = np.flatnonzero(asked & ~np.isclose(both, made, rtol=1e-3))
            kinds = [len(np.unique(numbers[one.index][asked])) for one in (one, other)]
            if len(wrong) == 1 and asked.sum() > _FEWEST and min(kinds) > 1:
                of_it, told = f"{both[wrong[0]]:g}", f"{made[wrong[0]]:g}"
                yield _at(layout, int(wrong[0]), column, "SUM_DISAGREES", sum=of_it, total=told)


def _totals(layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find numbers of a row of totals that are not what the rows above make, up to the row of totals before, as in the other columns."""
    totals = [one.row for one in layout.findings if one.code == "TOTALS_ROW_LEFT_OUT" and one.row is not None]
    grid, records = dict(layout.grid.rows), np.array([row for row, _ in layout.rows])
    for before, row in zip([0, *totals], totals, strict=False):
        wrong, right = [], 0
        for column in (column for column in layout.columns if column.index in numbers):
            cells = grid.get(row, [])
            total = _numbers([cells[column.index]] * _FEWEST) if column.index < len(cells) else None
            sums = [np.nansum(numbers[column.index][(records > first) & (records < row)]) for first in (0, before)]
            if total is not None and any(np.isclose(total[0], sums)):
                right += 1
            elif total is not None and not np.isnan(total[0]):
                params = {"sum": f"{sums[-1]:g}", "total": f"{total[0]:g}"}
                wrong.append(layout.finding(row, column.heading, cells[column.index], "SUM_DISAGREES", False, **params))
        yield from wrong if len(wrong) <= max(right, 1) else ()


def _off_by(one: Finding) -> float:
    return float(one.params["sum"]) - float(one.params["total"])


def _crossing(layout: Layout, across: Sequence[Finding], down: Sequence[Finding]) -> Iterator[Finding]:
    """Find the cell in whose row and whose column the total is wrong by as much."""
    columns = {column.heading: column for column in reversed(layout.columns)}
    rows = {row: at for at, (row, _) in enumerate(layout.rows)}
    for one in across:
        for other in down:
            column = columns.get(other.column or "")
            if _off_by(one) == _off_by(other) and column is not None and one.row in rows and one.column != other.column:
                yield _at(layout, rows[one.row], column, "SUM_DISAGREES", **one.params)


def _young(layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find more young in a nest than eggs."""
    counted = [column for column in layout.columns if column.index in numbers and not _is_share(column)]
    eggs, young = ([one for one in counted if words.search(one.heading)] for words in (_EGGS, _YOUNG))
    for egg, one in product(eggs[:1], (one for one in young if one not in eggs)):
        for at in np.flatnonzero(numbers[one.index] > numbers[egg.index]).tolist():
            yield _at(layout, at, one, "MEASUREMENT_INVALID", least="0", greatest=f"{numbers[egg.index][at]:g}")


def _orders(layout: Layout, numbers: Mapping[int, np.ndarray], moments: Mapping[int, tuple[str, np.ndarray]]) -> Iterator[Finding]:  # fmt: skip
    """Find the rare rows that break an order of two columns in which chance would break it often: an end after its start."""
    # What grows from row to row has an order with all that does.
    kinds = {at: ("number", n) for at, n in numbers.items() if (np.diff(n) >= 0).mean() <= _MOSTLY} | {**moments}
    asked = [(column, *kinds[column.index]) for column in layout.columns if column.index in kinds][:_WIDEST]
    for (low, kind, lows), (high, other, highs) in permutations(asked, 2):
        both = ~np.isnan(lows) & ~np.isnan(highs)
        wrong, total = np.flatnonzero(both & (lows > highs)), int(both.sum())
        beside = kind != "number" and high.index == low.index + 1 and (lows < highs).sum() >= 2 * _FEWEST
        # Of rows joined into one visit the same two moments stand several times.
        odd = len({*zip(lows[wrong], highs[wrong], strict=True)}) if kind != "number" else len(wrong)
        few = 0 < odd <= max(1, (1 - _MOSTLY if beside else _RARE) * total)
        units = [{unit.name for unit in units_in(one.heading)[1]} for one in (low, high)]
        if kind != other or not few or (all(units) and units[0].isdisjoint(units[1])):
            continue
        by_chance = np.searchsorted(np.sort(highs[both]), lows[both], "left").sum() / total
        right = both & (lows <= highs)
        ordered = by_chance >= _OFTEN * len(wrong) and _ranks(lows[right], highs[right]) > _HALF
        written = layout.cells(high.index)  # of merged cells the first
        for at in [at for at in wrong.tolist() if written[at] is not None] if beside or ordered else ():
            off = [abs(stated[at] - np.nanmedian(stated)) / (np.nanstd(stated) or 1) for stated in (lows, highs)]
            limits = {"least": "0", "greatest": f"{highs[at]:g}"} if off[0] > off[1] else {"least": f"{lows[at]:g}"}
            if kind == "number":
                yield _at(layout, at, low if off[0] > off[1] else high, "MEASUREMENT_INVALID", **limits)
            elif kind != "clock" or lows[at] <= _NOON or highs[at] >= _NOON:  # else over a night
                begins = layout.rows[at][1][low.index] or ""
                yield _at(layout, at, low if off[0] > 2 * off[1] else high, "EVENT_ENDS_BEFORE_START", start=begins)


def moments_of(cells: Sequence[str | None]) -> tuple[str, np.ndarray] | None:
    """Return a column's times of day in minutes, or its days; None where it holds anything else."""
    texts = _filled(cells)
    if texts.count() < 2 * _FEWEST or not texts.drop_nulls().str.contains(r"\d").all():
        return None
    buddhist = declared("eventDate", None, texts.drop_nulls().to_list()).get("calendar") == "buddhist"
    order = dates.OrderEvidence.of(texts, today=ANY_DAY, buddhist=buddhist).order
    clock = dates.parse_times(texts)["clock"].str.extract_groups(r"^(\d+):(\d+)").struct.unnest().cast(pl.Float64)
    days = dates.parse_dates(texts, today=ANY_DAY, day_first=order, buddhist=buddhist)["start"]
    read = {"clock": clock["1"] * 60 + clock["2"], "day": days.to_physical().cast(pl.Float64)}
    least = texts.count() - max(1, _ALONE * texts.count())
    return next(((kind, one.to_numpy()) for kind, one in read.items() if one.count() >= least), None)


def _slips(layout: Layout, column: Column, numbers: np.ndarray) -> Iterator[Finding]:
    """Find numbers that lie outside of all others, and inside them by a factor of units or in degrees of Celsius."""
    stated = numbers[~np.isnan(numbers)]
    warmth = any(unit.dimension == "temperature" for unit in units_in(column.heading)[1])
    some = stated if warmth else stated[stated > 0]
    if len(some) < _FEWEST or (not warmth and stated.min() < 0):
        return
    # Few others, and those of animals large and small, say little of what can be.
    wide = not warmth and np.quantile(some, 0.9) >= 10 * np.quantile(some, 0.1)
    beyond = _FAR_BEYOND if wide or len(stated) < 3 * _FEWEST else _BEYOND
    middle = float(np.median(some))
    for at in np.flatnonzero((numbers > 2 * middle) | (2 * numbers < middle)).tolist():
        rest, number = np.delete(numbers, at), numbers[at]
        least, greatest = float(np.nanmin(rest)), float(np.nanmax(rest))
        meant = [(number - 32) / 1.8] if warmth else [number * factor for factor in _FACTORS]
        is_out = number > beyond * greatest or (not warmth and 0 < 2 * beyond * number < least)
        if is_out and any(least / _BEYOND <= one <= _BEYOND * greatest for one in meant):
            yield _at(layout, at, column, "MEASUREMENT_INVALID", least=f"{least:g}", greatest=f"{greatest:g}")


def _off_lines(layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find numbers off the line on which two columns lie in all other rows, as weight and length do, and on it by a factor of units."""
    columns = {column.index: column for column in layout.columns}
    logs = {at: np.log(read) for at, read in numbers.items() if at in columns and (read[~np.isnan(read)] > 0).all()}
    off: dict[int, Counter[int]] = defaultdict(Counter)
    for one, other in permutations([*logs][:_WIDEST], 2):
        both = np.flatnonzero(~np.isnan(logs[one]) & ~np.isnan(logs[other]))
        x, y = logs[one][both], logs[other][both]
        if len(both) < 3 * _FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0 or _ranks(x, y) < _LINE:
            continue
        some = np.linspace(0, len(both) - 1, min(len(both), _SOME)).astype(int)
        run, rise = (np.subtract.outer(values[some], values[some]) for values in (x, y))
        left = y - np.median(rise[run > 0] / run[run > 0]) * x  # Theil 1950, Sen 1968
        left -= np.median(left)
        spread = max(1.4826 * float(np.median(np.abs(left))), 0.02)
        odd = np.flatnonzero(np.abs(left) > max(_FAR_OFF * spread, _LEAST_OFF))
        for at in odd.tolist() if len(odd) <= max(1, _RARE * len(both)) else ():
            if any(abs(left[at] + np.log(factor)) < 3 * spread for factor in _FACTORS):
                off[int(both[at])][other] += 1
    for at, found in off.items():  # the number that is off more lines, else off the middle of its column
        odd_by = {n: abs(logs[n][at] - np.nanmedian(logs[n])) / (np.nanstd(logs[n]) or 1) for n in found}
        worst = max(found, key=lambda n: (found[n], odd_by[n]))
        rest = np.exp(np.delete(logs[worst], at))
        limits = {"least": f"{np.nanmin(rest):g}", "greatest": f"{np.nanmax(rest):g}"}
        yield _at(layout, at, columns[worst], "MEASUREMENT_INVALID", **limits)


def _ranks(x: np.ndarray, y: np.ndarray) -> float:
    return float(pl.DataFrame({"x": x, "y": y}).select(pl.corr("x", "y", method="spearman")).item())


def _spans(layout: Layout, days: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find the last day of the one span of time that is far shorter or longer than all others between two columns of days."""
    columns = {column.index: column for column in layout.columns if column.index in days}
    for first, last in permutations(columns, 2):
        spans = days[last] - days[first]
        stated = spans[~np.isnan(spans)]
        if len(stated) < 2 * _FEWEST or (stated < 0).sum() > 1 or stated.max() == 0:
            continue
        for at in {int(np.nanargmin(spans)), int(np.nanargmax(spans))}:
            rest = np.delete(stated, int(np.argmin(np.abs(stated - spans[at]))))
            if max(rest.min() - spans[at], spans[at] - rest.max()) > max(np.ptp(rest) / 2, 7):
                yield _at(layout, at, columns[last], "VALUE_GOES_WITH_ANOTHER", other=columns[first].heading)


def are_licences(cells: Sequence[str | None]) -> bool:
    """Return whether nearly all cells are licences that records go under."""
    entries = [parse_licence(cell) in _LICENCES for cell in cells if cell is not None]
    return sum(entries) >= max(_FEWEST, _MOSTLY * len(entries))


def _at(layout: Layout, at: int, column: Column, code: str, **params: str) -> Finding:
    row, cells = layout.rows[at]
    return Finding(layout.grid.file, layout.grid.name, row, column.heading, cells[column.index], code, False, params)
