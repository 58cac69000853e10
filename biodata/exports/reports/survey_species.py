"""Sections of a survey's results that tell of species: abundance, occupancy, trends, activity, totals."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from biodata.analysis.surveys import floors
from biodata.exports.reports import markup, survey_marks
from biodata.exports.reports.survey_marks import part_name as _part
from biodata.exports.reports.survey_words import (
    by_method,
    cells_of,
    figures,
    method_of,
    nothing_of,
    parts_of,
    range_of,
    reasons_of,
    species_of,
    spelled,
)
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced


def abundance(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell independent events for each unit of effort."""
    tables = []
    for method, rows in by_method(told["abundance"]).items():
        if nothing := nothing_of(method, rows):
            tables.append(nothing)
            continue
        parts = parts_of(rows)
        units = {f["unit"]: None for one in rows for f in one["by"].values() if "unit" in f}
        ratios = any(one["compared"] for one in rows)
        sides: list[str] = next((one["compared"]["sides"] for one in rows if one["compared"]), [])
        head = ["Species", *(_part(part) for part in parts)]
        if ratios:
            head.append(f"{_part(sides[0])} ÷ {_part(sides[1])}")
        body = [
            [species_of(one["species"]), *cells_of(one, parts, _rate), *([_ratio(one["compared"])] if ratios else [])]
            for one in rows
        ]
        unit = f"100 {next(iter(units))}s" if units else "effort"
        caption = f"{method_of(method)}: independent events for {unit}, with 95 % limits"
        tables.append(markup.table(head, body, caption=caption, kind="stack species"))
    asked = told["parameters"]
    return markup.section(
        "Relative abundance",
        markup.paragraph(
            f"Independent events are {number(asked['gap_minutes'])} minutes or {number(asked['within_m'])} m apart at a site. They tell "
            "how many there are and how easily they are detected, both in one. Sides are compared for the same effort. Cameras "
            "that stand at one site at the same time count its nights once."
        ),
        *figures(drawings, "abundance-"),
        *tables,
        identifier="abundance",
    )


def _rate(found: Mapping[str, Any]) -> str:
    value, low, high = (100 * found[name] for name in ("rate", "low", "high"))
    return f"{number(value, digits=3)} ({range_of(low, high)}), {counted(found['events'], 'event')}"


def _ratio(found: Mapping[str, Any] | None) -> str:
    """Tell how many times one side has what the other has."""
    if not found:
        return ""
    if "refused" in found:
        return f"not compared: {spelled(found['refused'])}"
    high = "any number" if found["high"] is None else number(found["high"], digits=3)
    value = NOT_KNOWN if found["ratio"] is None else number(found["ratio"], digits=3)
    return f"{value} ({number(found['low'], digits=3)} to {high})"


def occupancy(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell the share of sites that species used."""
    tables = []
    for method, rows in by_method(told["occupancy"]).items():
        if nothing := nothing_of(method, rows):
            tables.append(nothing)
            continue
        parts = parts_of(rows)
        units = sorted({one["unit"] for one in rows})
        several = any(one["compared"] for one in rows)
        notes = _noted(rows)
        body = [
            [
                species_of(one["species"]), plain(one["repeat"]), *cells_of(one, parts, partial(_share, notes=notes)),
                *([_same(one["compared"])] if several else []),
            ]
            for one in rows
        ]  # fmt: skip
        caption = (
            f"{method_of(method)}: occupancy (95 %), where it was found, detection in one {' or '.join(units)} (95 %)"
        )
        tables.append(
            markup.table(
                ("Species", "Year", *(_part(part) for part in parts), *(["Sides differ"] if several else [])),
                body,
                caption=caption,
                kind="stack species",
            )
        )
        tables.append(markup.bullets(f"{mark}: {note}." for note, mark in notes.items()))
    return markup.section(
        "Occupancy",
        markup.paragraph(
            "The share of sites that a species used, corrected for those where it was missed. It is taken not to change "
            "within a year, which begins where in the calendar nobody looks, so that a dry season is one. Cameras tell one "
            f"occasion for each {told['parameters']['occasion_days']} days, other methods one for each visit."
        ),
        *figures(drawings, "occupancy-"),
        *tables,
        identifier="occupancy",
    )


def _same(found: Mapping[str, Any] | None) -> str:
    """Tell whether sides have the same occupancy."""
    if not found:
        return ""
    if "refused" in found:
        return f"not compared: {spelled(found['refused'])}"
    return f"{'yes' if found['p_value'] < 0.05 else 'not shown'}, p {number(found['p_value'], digits=2)}"


def _noted(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _share(found: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """Tell occupancy and detection of one part, and by letters what must be said of them."""
    place = f"found at {found['found_at']} of {found['sites']}"
    marks = _marks(found, notes)
    if found["psi"] is None:
        return f"{range_of(found['psi_low'], found['psi_high'])}, {place}{marks}"
    return (
        f"{number(found['psi'], digits=3)} ({range_of(found['psi_low'], found['psi_high'])}), {place}, detection "
        f"{number(found['p'], digits=2)} ({range_of(found['p_low'], found['p_high'], digits=2)}){marks}"
    )


def trends(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell trends; nothing of a survey of one year."""
    tables = []
    notes = _noted(told["trends"])
    for method, rows in by_method(told["trends"]).items():
        if nothing := nothing_of(method, rows):
            tables.append(nothing)
            continue
        parts = parts_of(rows)
        body = [[species_of(one["species"]), *cells_of(one, parts, partial(_change, notes=notes))] for one in rows]
        caption = f"{method_of(method)}: change of relative abundance a year with 95 % limits"
        tables.append(
            markup.table(("Species", *(_part(part) for part in parts)), body, caption=caption, kind="stack species")
        )
    if not tables:
        return ""
    tables.append(markup.bullets(f"{mark}: {note}." for note, mark in notes.items()))
    return markup.section(
        "Trend",
        markup.paragraph(
            "Each site is compared with itself for the same effort. Detection that changes looks like a trend."
        ),
        *figures(drawings, "trends-"),
        *tables,
        identifier="trend",
    )


def _change(found: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    interval = f"{percent(found['change'])} ({percent(found['low'])} to {percent(found['high'])})"
    sites = f"{counted(found['sites'], 'site')} in {found['repeats']} years"
    return f"{found['says']}, {interval}, {sites}{_marks(found, notes)}"


def _marks(found: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """Return the letters of what must be said of an estimate."""
    return f" ({', '.join(notes[note] for note in found['notes'])})" if found["notes"] else ""


def activity(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell at which hours cameras saw animals; nothing where no camera did."""
    if not told["activity"]:
        return ""
    parts = parts_of(told["activity"])
    rows = [
        (
            species_of(one["species"]), one["by"][survey_marks.JOINT]["events"], *cells_of(one, parts, _at_night),
            reasons_of(one["left_out"]),
        )
        for one in told["activity"]
    ]  # fmt: skip
    head = ("Species", "Events", *(f"At night, {_part(part)}" for part in parts), "Left out")
    return markup.section(
        "Activity",
        markup.paragraph(
            "Hours are those of the sun, so that both sides of a border have the same. Night is from 18 to 6 o'clock. Events of "
            f"cameras whose clock is in doubt are left out. Of fewer than {floors.LEAST_EVENTS} events no share is told; a whole curve needs "
            f"about {floors.CURVE_EVENTS} (Lashley et al. 2018)."
        ),
        *figures(drawings, "activity"),
        markup.table(head, rows, caption="Independent events of cameras by hour", numbers=(1,), kind="stack species"),
        identifier="activity",
    )


def _at_night(found: Mapping[str, Any]) -> str:
    """Tell the share of the night, or how many of too few events."""
    if not found["events"]:
        return NOT_KNOWN
    if found["night"] is None:
        return f"{found['at_night']} of {counted(found['events'], 'event')}: too few for a share"
    return f"{percent(found['night'])} ({percent(found['night_low'])} to {percent(found['night_high'])})"


def totals(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell totals over sides; nothing of one side."""
    if not told["totals"]:
        return ""
    rows = [
        (
            species_of(one["species"]), spaced(one["method"]), plain(one["repeat"]),
            ", ".join(f"{_part(side)} {n:,}" for side, n in one["by_side"].items()),
            f"{one['low']:,} to {one['high']:,}" if one["low"] < one["high"] else f"{one['high']:,}", one["groups_in_doubt"],
        )
        for one in told["totals"]
    ]  # fmt: skip
    asked = told["parameters"]
    return markup.section(
        "Totals across the border",
        markup.paragraph(
            f"Groups of two sides that are within {number(asked['distance_m'] / 1000)} km and {number(asked['hours'])} hours of each other may "
            "be one and the same. So a total is an interval. A group that one side counted twice is in it twice. Years and methods are "
            "not added."
        ),
        *figures(drawings, "totals-"),
        markup.table(
            ("Species", "Method", "Year", "By side", "Total", "Groups in doubt"), rows,
            caption="Individuals counted in independent events", numbers=(4, 5), kind="stack species",
        ),
        identifier="totals",
    )  # fmt: skip
