"""Sections of a survey's results that tell of species, and the words that their cells share."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from biodata.exports.reports import markup, survey_marks
from biodata.exports.reports.survey_marks import part_name
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced, text
from biodata.places import country_name

Told: TypeAlias = Mapping[str, Any]
_CODE: Final = re.compile(r"\b[A-Z]{2}\b")


def figures(drawings: Told, begins: str) -> list[str]:
    """Return the drawings of a section."""
    return [
        f'<figure><img src="{survey_marks.as_data(figure)}" alt="{text(words)}"><figcaption>{text(words)}</figcaption></figure>'
        for name, (figure, words) in drawings.items()
        if name.startswith(begins)
    ]


def species_of(name: str, common: str | None = None) -> markup.Mark:
    """Return a species as it is printed."""
    return markup.Mark(f"<i>{text(name)}</i>" + (f' <span class="common">{text(common)}</span>' if common else ""))


def range_of(low: Any, high: Any, *, digits: int = 3) -> str:
    """Return an interval in words."""
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def refused(found: Told) -> str:
    """Return why something is not told, with countries by their names."""
    return _CODE.sub(lambda match: country_name(match[0]), found["refused"])


def method_of(name: str) -> str:
    """Return a method as a sentence begins."""
    return spaced(name[:1].upper() + name[1:])


def parts_of(rows: Iterable[Told]) -> list[str]:
    """Return the parts that any of the rows tells: all together, then the sides."""
    found = {part for one in rows for part in one["by"]}
    return [survey_marks.JOINT, *sorted(found - {survey_marks.JOINT})]


def _tables(
    rows: Sequence[Told], caption: Callable[[Sequence[Told]], str], cell: Callable[[Told], str], *, last: tuple[str, Any] | None = None,
    years: bool = False,
) -> list[str]:  # fmt: skip
    """Return a table for each method: species, what each part tells or why it does not, and how sides compare."""
    out = []
    for method in dict.fromkeys(one["method"] for one in rows):
        own = [one for one in rows if one["method"] == method]
        reasons = {found.get("refused") for one in own for found in one["by"].values()}
        if None not in reasons and len(reasons) == 1:  # nothing is told, for one and the same reason
            names = counted(len({one["species"] for one in own}), "name")
            out.append(markup.paragraph(f"{method_of(method)}: not told of {names}, since {reasons.pop()}."))
            continue
        parts = parts_of(own)
        sides = next((one["compared"].get("sides", ()) for one in own if one.get("compared")), None)
        head = ["Species", *(["Year"] if years else []), *map(part_name, parts)]
        if last and sides is not None:
            head.append(last[0].format(*map(part_name, sides)))
        body = []
        for one in own:
            told = (one["by"].get(part) for part in parts)
            cells = ["" if f is None else f"not told: {refused(f)}" if "refused" in f else cell(f) for f in told]
            row = [species_of(one["species"]), *([plain(one["repeat"])] if years else []), *cells]
            if last and sides is not None:
                found = one["compared"]
                row.append(
                    "" if not found else f"not compared: {refused(found)}" if "refused" in found else last[1](found)
                )
            body.append(row)
        out.append(markup.table(head, body, caption=f"{method_of(method)}: {caption(own)}", kind="stack species"))
    return out


def abundance(told: Told, drawings: Told) -> str:
    """Tell independent events for each unit of effort."""

    def caption(rows: Sequence[Told]) -> str:
        unit = next((f["unit"] for one in rows for f in one["by"].values() if "unit" in f), None)
        return f"independent events for {'effort' if unit is None else f'100 {unit}s'}, with 95 % limits"

    asked = told["parameters"]
    return markup.section(
        "Relative abundance",
        markup.paragraph(
            f"Independent events are {number(asked['gap_minutes'])} minutes or {number(asked['within_m'])} m apart at a site. They tell "
            "how many there are and how easily they are detected, both in one. Sides are compared for the same effort. Cameras "
            "that stand at one site at the same time count its nights once."
        ),
        *figures(drawings, "abundance-"),
        *_tables(
            told["abundance"], caption, lambda found: f"{rate(found)}, {counted(found['events'], 'event')}", last=("{} ÷ {}", _ratio)
        ),
        identifier="abundance",
    )  # fmt: skip


def rate(found: Told) -> str:
    """Return events for 100 units of effort with their limits."""
    return f"{number(100 * found['rate'], digits=3)} ({range_of(100 * found['low'], 100 * found['high'])})"


def _ratio(found: Told) -> str:
    """Return how many times one side has what the other has."""
    high = "any number" if found["high"] is None else number(found["high"], digits=3)
    value = NOT_KNOWN if found["ratio"] is None else number(found["ratio"], digits=3)
    return f"{value} ({number(found['low'], digits=3)} to {high})"


def occupancy(told: Told, drawings: Told) -> str:
    """Tell the share of sites that species used."""
    notes = _noted(told["occupancy"])

    def cell(found: Told) -> str:
        detection = ""
        if found["psi"] is not None:
            detection = (
                f", detection {number(found['p'], digits=2)} ({range_of(found['p_low'], found['p_high'], digits=2)})"
            )
        return f"{share(found)}, found at {found['found_at']} of {found['sites']}{detection}{_marks(found, notes)}"

    def differ(found: Told) -> str:
        return f"{'yes' if found['p_value'] < 0.05 else 'not shown'}, p {number(found['p_value'], digits=2)}"

    def caption(rows: Sequence[Told]) -> str:
        units = " or ".join(sorted({one["unit"] for one in rows}))
        return f"occupancy (95 %), where it was found, detection in one {units} (95 %)"

    return markup.section(
        "Occupancy",
        markup.paragraph(
            "The share of sites that a species used, corrected for those where it was missed. It is taken not to change "
            "within a year, which begins where in the calendar nobody looks, so that a dry season is one. Cameras tell one "
            f"occasion for each {told['parameters']['occasion_days']} days, other methods one for each visit."
        ),
        *figures(drawings, "occupancy-"),
        *_tables(told["occupancy"], caption, cell, last=("Sides differ", differ), years=True),
        markup.bullets(f"{mark}: {note}." for note, mark in notes.items()),
        identifier="occupancy",
    )


def share(found: Told) -> str:
    """Return the share of sites with its interval, which alone is told where there is no estimate."""
    interval = range_of(found["psi_low"], found["psi_high"])
    return interval if found["psi"] is None else f"{number(found['psi'], digits=3)} ({interval})"


def _noted(rows: Iterable[Told]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _marks(found: Told, notes: Mapping[str, str]) -> str:
    """Return the letters of what must be said of an estimate."""
    return f" ({', '.join(notes[note] for note in found['notes'])})" if found["notes"] else ""


def trends(told: Told, drawings: Told) -> str:
    """Tell trends; nothing of a survey of one year."""
    notes = _noted(told["trends"])

    def cell(found: Told) -> str:
        interval = f"{percent(found['change'])} ({percent(found['low'])} to {percent(found['high'])})"
        sites = f"{counted(found['sites'], 'site')} in {found['repeats']} years"
        return f"{found['says']}, {interval}, {sites}{_marks(found, notes)}"

    tables = _tables(told["trends"], lambda _: "change of relative abundance a year with 95 % limits", cell)
    if not tables:
        return ""
    return markup.section(
        "Trend",
        markup.paragraph(
            "Each site is compared with itself for the same effort. Detection that changes looks like a trend."
        ),
        *figures(drawings, "trends-"),
        *tables,
        markup.bullets(f"{mark}: {note}." for note, mark in notes.items()),
        identifier="trend",
    )


def totals(told: Told, drawings: Told) -> str:
    """Tell totals over sides; nothing of one side."""
    if not told["totals"]:
        return ""
    rows = [
        (
            species_of(one["species"]), spaced(one["method"]), plain(one["repeat"]),
            ", ".join(f"{part_name(side)} {n:,}" for side, n in one["by_side"].items()),
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
