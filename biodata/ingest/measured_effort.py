"""Effort that stands among the measurements of an event, as archives of OBIS have it, where the event does not tell it itself.

Taken is what a measurement of the event itself (never one of a record) says in so many words, with a unit of effort and one
value: sampling effort, the length of a transect, a duration of the sampling, an area that was sampled.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.text.units import effort_unit, read_effort

_EFFORT: Final = ("samplingEffortValue", "samplingEffortUnit")
_LENGTH: Final = ("sampleSizeValue", "sampleSizeUnit")
_DURATION: Final = ("eventDurationValue", "eventDurationUnit")
_AREA: Final = ("totalAreaSampledValue", "totalAreaSampledUnit")
_TYPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    dict.fromkeys(("sampling effort", "samplingeffort", "samplingeffortvalue", "survey effort"), _EFFORT)
    | dict.fromkeys(("transect length", "length of transect", "length of the transect"), _LENGTH)
    | dict.fromkeys(("sampling duration", "survey duration", "event duration", "duration of sampling"), _DURATION)
    | dict.fromkeys(("sampled area", "area sampled", "total area sampled", "sampling area", "plot area"), _AREA)
)
"""measurementType, in small letters with single spaces → the terms that it is."""
_DIMENSIONS: Final = MappingProxyType({_LENGTH: "length", _AREA: "area"})
_LIKELY: Final = ("effort", "duration", "transect length", "area sampled", "trap night", "trap-night")
"""Words in a type that may mean effort: it is named, and nothing is made of it."""


def with_measured_effort(
    events: pl.DataFrame, measurements: Iterable[tuple[str, Sequence[Mapping[str, str]]]]
) -> tuple[pl.DataFrame, list[str]]:
    """Return events with the effort that their measurements tell, and sentences about what was taken and what was not.

    Parameters
    ----------
    events : polars.DataFrame
        n events by `eventID`.
    measurements : iterable of (str, sequence of mapping)
        Events that have measurements, each with their rows.
    """
    told: dict[str, dict[str, str]] = {}
    taken, likely = Counter[str](), Counter[str]()
    for event, rows in measurements:
        for pair, kind, cells in _certain(rows, likely):
            told.setdefault(event, {"eventID": event}).update(dict(zip(pair, cells, strict=True)))
            taken[kind] += 1
    notes = []
    if taken:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(taken.items()))
        notes.append(f"effort is taken from measurements where the events tell none themselves: {listed}")
    if likely:
        listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(likely.items()))
        notes.append(
            f"measurements that may tell effort, and are kept as measurements alone: {listed}; samplingEffortValue and "
            "samplingEffortUnit of an event would tell it for certain"
        )
    if not told:
        return events, notes
    names = sorted({name for row in told.values() for name in row})
    frame = pl.DataFrame(
        [{name: row.get(name) for name in names} for row in told.values()], schema=dict.fromkeys(names, pl.String)
    )
    joined = events.join(frame, on="eventID", how="left", suffix=" measured", maintain_order="left")
    for value, unit in (_EFFORT, _LENGTH, _DURATION, _AREA):
        if f"{value} measured" in joined.columns or f"{unit} measured" in joined.columns:
            # A value and its unit are the event's or the measurement's, never one of each.
            own = pl.any_horizontal(pl.col(name).is_not_null() for name in (value, unit) if name in events.columns)
            columns = {name: f"{name} measured" if name in events.columns else name for name in (value, unit)}
            kept = {name: pl.col(name) if name in events.columns else pl.lit(None, pl.String) for name in (value, unit)}
            joined = joined.with_columns(
                pl.when(own).then(kept[name]).otherwise(pl.col(column)).alias(name) for name, column in columns.items()
            ).drop(column for name, column in columns.items() if column != name)
    return joined, notes


def _certain(
    rows: Sequence[Mapping[str, str]], likely: Counter[str]
) -> Iterator[tuple[tuple[str, str], str, tuple[str, str]]]:
    """Yield the terms that an event's measurements are, the type, and value and unit; count what may be effort."""
    found: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    for row in rows:
        kind = " ".join((row.get("measurementType") or "").split())
        value, unit = row.get("measurementValue") or "", row.get("measurementUnit")
        pair = _TYPES.get(kind.lower())
        number, written = read_effort(value)
        known = effort_unit(unit or written or "")
        fits = known is not None and _DIMENSIONS.get(pair or ("", ""), known.dimension) == known.dimension
        if pair is not None and number is not None and number >= 0 and fits:
            found.setdefault(pair, set()).add((kind, value, unit or written or ""))
        elif pair is not None or any(word in kind.lower() for word in _LIKELY):
            likely[kind] += 1
    for pair, told in found.items():
        if len({(value, unit) for _, value, unit in told}) > 1:
            likely.update(kind for kind, _, _ in told)
            continue
        kind, value, unit = min(told)
        yield pair, kind, (value, unit)
