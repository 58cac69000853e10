"""Places in text and in plain bytes."""

import html
import math
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from leak_places import EARTH_M, NEAR_M, Finding, Place

WINDOW = 3000
"""Two numbers farther apart in a text, in characters, are not taken for one place."""
NUMBER = re.compile(
    r"(?:(?<![A-Za-z0-9.])|(?<=[NSEWnsew])(?<![A-Za-z0-9.][NSEWnsew])|(?<![0-9.+-])(?=\d{1,3}\.\d{4}))[-+]?\d+(?:\.(\d+))?(?:[eE][-+]?\d+)?"
)
COMMA = re.compile(r"(?<![A-Za-z0-9.,])[-+]?\d{1,3},(\d{3,})(?![\d,])")
SEXAGESIMAL = re.compile(r"""(\d{1,3})\s*[°º:d度]\s*(\d{1,2}(?:\.\d+)?)(?:\s*['′’:m分]\s*(\d{1,2}(?:\.\d+)?))?""")
TOGETHER = re.compile(r"[-+]?(\d{2,3})(\d{2})(\d{2}(?:\.\d+)?)(?=[-+NSEW/])")
SPACED = re.compile(r"(?<![\d.])(\d{1,3}) +(\d{1,2}(?:\.\d+)?)(?: +(\d{1,2}(?:\.\d+)?))? *[NSEW]")
COMMAED = re.compile(r"(?<![\d.,])(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?(?=[NSEW])")
"""Degrees, minutes and seconds as XMP writes them."""
ALONE_DECIMALS, ALONE_DEGREES = 5, 1e-5
"""A number of so many decimals as near to a coordinate as this is found without its partner."""
READABLE = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]{4,}")
"""What may tell something in bytes that are no text: no number that matters is shorter."""
DIGIT = re.compile(r"\d")
QUOTED = re.compile(r"%(2[0-9a-fA-F]|3[aAdD]|5[bBdD])")
ESCAPES = re.compile(r"\\u([0-9a-fA-F]{4})")


def decoded(data: bytes) -> str:
    """Return bytes as text, whatever they are."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace")


def in_text(text: str, places: Sequence[Place], where: str, *, by_line: bool = False) -> Iterator[Finding]:
    """Find places in text: pairs of numbers near each other, or in one line; a long number by itself; cells of H3."""
    text, where_it_was = readable(text)
    at, values, decimals = numbers(text)
    at = where_it_was(at)
    if by_line:
        at = np.searchsorted([m.start() for m in re.finditer("\n", text)], at) * (WINDOW + 1)
    order = np.argsort(values)
    at, values, decimals = at[order], values[order], decimals[order]
    alone = values[decimals >= ALONE_DECIMALS]
    for place in places:
        for value in (place.latitude, place.longitude):
            if len(alone[near(alone, value, ALONE_DEGREES)]):
                yield Finding(place.name, where, f"the number {value} by itself")
        if place.cell is not None and _inside(place, at, values, decimals):
            yield Finding(place.name, where, "two numbers nearer to it than its cell's points")
        for form in place.forms:
            xs = at[near(values, form.x, form.x_tolerance)]
            ys = at[near(values, form.y, form.y_tolerance)] if len(xs) else xs
            if len(ys) and np.abs(xs[:, None] - ys[None, :]).min() <= WINDOW:
                yield Finding(place.name, where, f"two numbers, {form.name}")


def readable(text: str) -> tuple[str, Callable[[np.ndarray], np.ndarray]]:
    """Return a text without escapes and, of one from bytes that are no text, the runs that may tell something.

    The second part turns positions in what is returned into positions in the text.
    """
    if "\0" not in text:
        return _plain(text), lambda at: at
    runs = [(m.start(), _plain(m[0])) for m in READABLE.finditer(text) if DIGIT.search(m[0])]
    lengths = np.array([0, *(len(run) + 1 for _, run in runs)], dtype=np.int64)
    starts = np.cumsum(lengths)[:-1]
    shifts = np.array([start for start, _ in runs], dtype=np.int64) - starts
    return "\0".join(run for _, run in runs), lambda at: at + shifts[np.searchsorted(starts, at, side="right") - 1]


def _plain(text: str) -> str:
    """Return a text without the escapes of JSON, of addresses and of HTML."""
    if "\\u" in text:
        text = ESCAPES.sub(lambda match: chr(int(match[1], 16)), text)
    for _ in range(3):  # an address inside an address is quoted again
        if "%" in text:
            text = QUOTED.sub(lambda match: chr(int(match[1], 16)), text)
    return html.unescape(text) if "&" in text else text


def _inside(place: Place, at: np.ndarray, values: np.ndarray, decimals: np.ndarray) -> bool:
    """Tell whether two numbers of a text lie nearer to a place than its published cell's own points."""
    across, up = place.reach_m / 100_000 / math.cos(math.radians(place.latitude)), place.reach_m / 110_500
    xs, ys = near(values, place.longitude, across), near(values, place.latitude, up)
    x_at, y_at = (np.flatnonzero(decimals[part] > 0) + part.start for part in (xs, ys))
    if not len(x_at) or not len(y_at):
        return False
    pairs_x, pairs_y = (grid.ravel() for grid in np.meshgrid(x_at, y_at))
    close = np.abs(at[pairs_x] - at[pairs_y]) <= WINDOW
    return place.told_by(values[pairs_x[close]], values[pairs_y[close]])


def near(ordered: np.ndarray, value: float, tolerance: float) -> slice:
    """Return where the numbers near a value stand among ordered ones."""
    first, end = np.searchsorted(ordered, (value - tolerance, value + tolerance))
    return slice(first, end)


def numbers(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the position, value and decimals of every number of a text, those with minutes and seconds too."""
    found = [(m.start(), float(m[0]), len(m[1] or "")) for m in NUMBER.finditer(text)]
    found += [(m.start(), float(m[0].replace(",", ".")), len(m[1])) for m in COMMA.finditer(text)]
    for m in (m for pattern in (SEXAGESIMAL, TOGETHER, SPACED, COMMAED) for m in pattern.finditer(text)):
        value = float(m[1]) + float(m[2]) / 60 + float(m[3] or 0) / 3600
        found += [(m.start(), value, 0), (m.start(), -value, 0)]
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def in_doubles(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find two 8-byte numbers side by side, at any offset and in either byte order, as in WKB."""
    pairs = [np.empty((0, 2))]
    for offset in range(min(8, len(data))):
        for order in ("<f8", ">f8"):
            values = np.frombuffer(data, dtype=order, count=(len(data) - offset) // 8, offset=offset)
            # Few bytes make two numbers in a row of a coordinate's size.
            sized = (np.abs(values) > 1e-3) & (np.abs(values) < EARTH_M)
            both = np.flatnonzero(sized[:-1] & sized[1:])
            pairs.append(np.column_stack([values[both], values[both + 1]]))
    table = np.concatenate(pairs)
    table = np.concatenate([table, table[:, ::-1]])
    table = table[np.argsort(table[:, 0])]
    for place in places:
        if place.cell is not None:
            across = place.reach_m / 100_000 / math.cos(math.radians(place.latitude))
            if place.told_by(*table[near(table[:, 0], place.longitude, across)].T):
                yield Finding(place.name, where, "two numbers in the bytes, nearer to it than its cell's points")
        for form in (f for f in place.forms if f.name in ("degrees", "Mercator metres", "metres of its UTM zone")):
            second = table[near(table[:, 0], form.x, form.x_tolerance), 1]
            if (np.abs(second - form.y) <= form.y_tolerance).any():
                yield Finding(place.name, where, f"two numbers in the bytes, {form.name}")


SHORT = (("<f4", 1.0), (">f4", 1.0), *((f"{order}i4", scale) for order in "<>" for scale in (1e5, 1e6, 1e7)))
"""Numbers of four bytes: degrees, and ten-millionths of them as OpenStreetMap keeps them."""


def in_short_numbers(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find two 4-byte numbers side by side that are a place, at any offset and in either order."""
    if not places:
        return
    near = NEAR_M / 100_000
    ends = np.array([(p.longitude, p.latitude) for p in places])
    low, high = ends.min(axis=0) - 2 * near, ends.max(axis=0) + 2 * near
    for offset in range(min(4, len(data))):
        for kind, scale in SHORT:
            values = np.frombuffer(data, dtype=kind, count=(len(data) - offset) // 4, offset=offset)
            with np.errstate(invalid="ignore"):
                first = (values >= low[0] * scale) & (values <= high[0] * scale)
                second = (values >= low[1] * scale) & (values <= high[1] * scale)
            pairs = np.flatnonzero((first[:-1] & second[1:]) | (second[:-1] & first[1:]))
            if not len(pairs):
                continue
            told = np.column_stack([values[pairs], values[pairs + 1]]).astype(np.float64) / scale
            for place in places:
                for x, y in (told.T, told[:, ::-1].T):
                    if (place.metres_to(x, y) <= NEAR_M).any():
                        yield Finding(place.name, where, f"two numbers of 4 bytes ({kind}, times {scale:g})")
