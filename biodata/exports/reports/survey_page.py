"""The results of a monitoring project as one page: plots, tables with the same numbers, and why something is not told."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from biodata.exports.reports import markup, survey_plots
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.page import document
from biodata.exports.reports.survey_plots import part_name as _part
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced, text
from biodata.places import country_name

_KIND: Final = "Results of a survey"
_CODE: Final = re.compile(r"\b[A-Z]{2}\b")


def survey_page(told: Mapping[str, Any], *, title: str, run: str) -> str:
    """Return results as HTML; the same results give the same text.

    Parameters
    ----------
    told : mapping
        As the engine `survey-results` tells them: `analysis.surveys.results.results`, and `facts`.
    title : str
        Of the project or dataset.
    run : str
        Id of the run.
    """
    drawings = survey_plots.plots(told)
    facts = told["facts"]
    views = {"public": "what is published alone", "exact": "the records themselves"}
    stand = (
        f"Run {run} · lake version {facts['snapshot']} · boundary set {facts['boundary_set']} {facts['boundary_version']} · "
        f"made from {views[facts['evidence_view']]}"
    )
    sections = [
        _summary(told), _effort(told, drawings), _richness(told, drawings), _abundance(told, drawings),
        _occupancy(told, drawings), _trends(told, drawings), _activity(told, drawings), _totals(told, drawings), _origin(told),
    ]  # fmt: skip
    return document(
        title, _KIND, [one for one in sections if one], running=f"{title}, run {run}", stand=stand, attached=told
    )


def _figures(drawings: Mapping[str, Any], begins: str) -> list[str]:
    """Return the drawings of a section."""
    return [
        f'<figure><img src="{survey_plots.as_data(figure)}" alt="{text(words)}"><figcaption>{text(words)}</figcaption></figure>'
        for name, (figure, words) in drawings.items()
        if name.startswith(begins)
    ]


def _species(name: str) -> Mark:
    return Mark(f"<i>{text(name)}</i>")


def _range(low: Any, high: Any, *, digits: int = 3) -> str:
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def _spelled(reason: str) -> str:
    """Return a reason with countries by their names."""
    return _CODE.sub(lambda match: country_name(match[0]), reason)


def _reasons(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in left_out.items())


def _summary(told: Mapping[str, Any]) -> str:
    """Tell what there is, and above all what may not be done with it."""
    summary, category = told["summary"], told["facts"]["sharing_category"]
    sides = " and ".join(country_name(side) for side in summary["sides"]) or "no side surely"
    rows = [
        ("Events", f"{summary['events']:,} at {counted(summary['sites'], 'site')}"),
        ("Sides", sides),
        ("Days", f"{plain(summary['first'])} to {plain(summary['last'])}"),
        ("Records", f"{summary['records']:,} of {summary['species']:,} species"),
    ]
    if summary["never_found"]:
        rows.append(("Looked for, never found", ", ".join(summary["never_found"])))
    if summary["left_out"]:
        rows.append(("Records left out", _reasons(summary["left_out"])))
    warnings = []
    if category != "open":
        warnings.append(f"Made of exact places of category {category}. Not to be passed on.")
    if summary["without_scope"]:
        warnings.append(
            f"{counted(summary['without_scope'], 'event tells', 'events tell')} no scope. What they did not find is no absence."
        )
    if summary["events_of_no_side"]:
        warnings.append(
            f"{counted(summary['events_of_no_side'], 'event lies', 'events lie')} surely on no side, and "
            "counts in joint results alone."
        )
    return markup.section(
        "What was done", *(markup.paragraph(one, "warning") for one in warnings), markup.facts(rows), identifier="done"
    )


def _effort(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    rows = [
        (
            _part(one["side"]), spaced(one["method"]), one["events"], one["sites"],
            f"{number(one['effort'])} {survey_plots.units(one['effort_unit'] or '')}".strip(), one["effort_unknown"],
            number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip
    head = ("Side", "Method", "Events", "Sites", "Effort", "Effort not known", "Days failed")
    return markup.section(
        "Effort",
        markup.paragraph("Days on which nothing could be seen are taken off. Effort of two methods is never added."),
        *_figures(drawings, "effort-"),
        markup.table(head, rows, caption="Effort by side and method", numbers=(2, 3, 4, 5, 6), kind="stack"),
        markup.paragraph("An event of several months is spread evenly over its days.", "quiet"),
        identifier="effort",
    )


def _richness(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    rows, notes = [], []
    for method, found in told["richness"].items():
        for part, one in found["by"].items():
            pool = one["estimates"]
            rows.append(
                (
                    _part(part), spaced(method), pool["sites"], pool["species"],
                    _with_error(pool["chao"], pool["chao_se"]), _with_error(pool["jack1"], pool["jack1_se"]),
                    number(pool["jack2"]), _with_error(pool["boot"], pool["boot_se"]),
                )
            )  # fmt: skip
        if found["not_counted"]:
            notes.append(
                f"{_method(method)}: {counted(found['not_counted'], 'record')} of no species, which may be of one "
                "of the others, not counted."
            )
        if found["compared"]:
            notes.append(f"{_method(method)}: {_compared(found['compared'])}")
    head = ("Part", "Method", "Sites", "Found", "Chao", "Jackknife 1", "Jackknife 2", "Bootstrap")
    return markup.section(
        "Species",
        *_figures(drawings, "accumulation-"),
        markup.table(head, rows, caption="Species found and estimated, with standard errors", numbers=range(2, 8), kind="stack"),
        markup.bullets(notes),
        identifier="species",
    )  # fmt: skip


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _compared(told: Mapping[str, Any]) -> str:
    """Tell the sides at their common completeness."""
    if "refused" in told:
        return f"sides are not compared, since {_spelled(told['refused'])}."
    parts = [
        f"{country_name(side)} {number(one['richness'], digits=3)} ({_range(one['low'], one['high'])}, at {number(one['units'], digits=3)} sites)"
        for side, one in told["sides"].items()
    ]
    end = "the intervals overlap" if told["overlap"] else "the intervals do not overlap"
    return f"at the same completeness of {percent(told['coverage'])}, species: {', '.join(parts)}; {end}."


def _method(name: str) -> str:
    """Return a method as a sentence begins."""
    return spaced(name[:1].upper() + name[1:])


def _by_method(told: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return results apart by their method."""
    out: dict[str, list[Mapping[str, Any]]] = {}
    for one in told:
        out.setdefault(one["method"], []).append(one)
    return out


def _parts(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the parts that any of the rows tells: all together, then the sides."""
    found = {part for one in rows for part in one["by"]}
    return [survey_plots.JOINT, *sorted(found - {survey_plots.JOINT})]


def _nothing(method: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return one sentence where nothing of a method is told, for one and the same reason; else nothing."""
    rows = list(rows)
    found = [part for one in rows for part in one["by"].values()]
    reasons = {one.get("refused") for one in found}
    if None in reasons or len(reasons) != 1:
        return ""
    names = len({one["species"] for one in rows})
    return markup.paragraph(f"{_method(method)}: not told of {counted(names, 'name')}, since {reasons.pop()}.")


def _cells(one: Mapping[str, Any], parts: Iterable[str], words: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """Return what each part tells, or why it does not."""
    out = []
    for part in parts:
        found = one["by"].get(part)
        out.append(
            "" if found is None else f"not told: {_spelled(found['refused'])}" if "refused" in found else words(found)
        )
    return out


def _abundance(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    tables = []
    for method, rows in _by_method(told["abundance"]).items():
        if nothing := _nothing(method, rows):
            tables.append(nothing)
            continue
        parts = _parts(rows)
        units = {f["unit"]: None for one in rows for f in one["by"].values() if "unit" in f}
        ratios = any(one["compared"] for one in rows)
        sides: list[str] = next((one["compared"]["sides"] for one in rows if one["compared"]), [])
        head = ["Species", *(_part(part) for part in parts)]
        if ratios:
            head.append(f"{_part(sides[0])} ÷ {_part(sides[1])}")
        body = [
            [_species(one["species"]), *_cells(one, parts, _rate), *([_ratio(one["compared"])] if ratios else [])]
            for one in rows
        ]
        unit = f"100 {next(iter(units))}s" if units else "effort"
        caption = f"{_method(method)}: independent events for {unit}, with 95 % limits"
        tables.append(markup.table(head, body, caption=caption, kind="stack species"))
    asked = told["parameters"]
    return markup.section(
        "Relative abundance",
        markup.paragraph(
            f"Independent events are {number(asked['gap_minutes'])} minutes or {number(asked['within_m'])} m apart at a site. They tell "
            "how many there are and how easily they are detected, both in one. Sides are compared for the same effort."
        ),
        *_figures(drawings, "abundance-"),
        *tables,
        identifier="abundance",
    )


def _rate(found: Mapping[str, Any]) -> str:
    value, low, high = (100 * found[name] for name in ("rate", "low", "high"))
    return f"{number(value, digits=3)} ({_range(low, high)}), {counted(found['events'], 'event')}"


def _ratio(found: Mapping[str, Any] | None) -> str:
    """Tell how many times one side has what the other has."""
    if not found:
        return ""
    if "refused" in found:
        return f"not compared: {_spelled(found['refused'])}"
    high = "any number" if found["high"] is None else number(found["high"], digits=3)
    value = NOT_KNOWN if found["ratio"] is None else number(found["ratio"], digits=3)
    return f"{value} ({number(found['low'], digits=3)} to {high})"


def _occupancy(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    tables = []
    for method, rows in _by_method(told["occupancy"]).items():
        if nothing := _nothing(method, rows):
            tables.append(nothing)
            continue
        parts = _parts(rows)
        units = sorted({one["unit"] for one in rows})
        several = any(one["compared"] for one in rows)
        notes = _noted(rows)
        body = [
            [
                _species(one["species"]), plain(one["repeat"]), *_cells(one, parts, partial(_share, notes=notes)),
                *([_same(one["compared"])] if several else []),
            ]
            for one in rows
        ]  # fmt: skip
        caption = (
            f"{_method(method)}: occupancy (95 %), where it was found, detection in one {' or '.join(units)} (95 %)"
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
            f"within a year. Cameras tell one occasion for each {told['parameters']['occasion_days']} days, other methods one for each visit."
        ),
        *_figures(drawings, "occupancy-"),
        *tables,
        identifier="occupancy",
    )


def _same(found: Mapping[str, Any] | None) -> str:
    """Tell whether sides have the same occupancy."""
    if not found:
        return ""
    if "refused" in found:
        return f"not compared: {_spelled(found['refused'])}"
    return f"{'yes' if found['p_value'] < 0.05 else 'not shown'}, p {number(found['p_value'], digits=2)}"


def _noted(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _share(found: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """Tell occupancy and detection of one part, and by letters what must be said of them."""
    place = f"found at {found['found_at']} of {found['sites']}"
    marks = f" ({', '.join(notes[note] for note in found['notes'])})" if found["notes"] else ""
    if found["psi"] is None:
        return f"{_range(found['psi_low'], found['psi_high'])}, {place}{marks}"
    return (
        f"{number(found['psi'], digits=3)} ({_range(found['psi_low'], found['psi_high'])}), {place}, detection "
        f"{number(found['p'], digits=2)} ({_range(found['p_low'], found['p_high'], digits=2)}){marks}"
    )


def _trends(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell trends; nothing of a survey of one year."""
    tables = []
    for method, rows in _by_method(told["trends"]).items():
        if nothing := _nothing(method, rows):
            tables.append(nothing)
            continue
        parts = _parts(rows)
        body = [[_species(one["species"]), *_cells(one, parts, _change)] for one in rows]
        caption = f"{_method(method)}: change of relative abundance a year with 95 % limits"
        tables.append(
            markup.table(("Species", *(_part(part) for part in parts)), body, caption=caption, kind="stack species")
        )
    if not tables:
        return ""
    return markup.section(
        "Trend",
        markup.paragraph(
            "Each site is compared with itself for the same effort. Detection that changes looks like a trend."
        ),
        *_figures(drawings, "trends-"),
        *tables,
        identifier="trend",
    )


def _change(found: Mapping[str, Any]) -> str:
    interval = f"{percent(found['change'])} ({percent(found['low'])} to {percent(found['high'])})"
    return f"{found['says']}, {interval}, {counted(found['sites'], 'site')} in {found['repeats']} years"


def _activity(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell at which hours cameras saw animals; nothing where no camera did."""
    if not told["activity"]:
        return ""
    parts = _parts(told["activity"])
    rows = [
        (
            _species(one["species"]), one["by"][survey_plots.JOINT]["events"], *_cells(one, parts, _at_night),
            _reasons(one["left_out"]),
        )
        for one in told["activity"]
    ]  # fmt: skip
    head = ("Species", "Events", *(f"At night, {_part(part)}" for part in parts), "Left out")
    return markup.section(
        "Activity",
        markup.paragraph(
            "Hours are those of the sun, so that both sides of a border have the same. Night is from 18 to 6 o'clock. Events of "
            "cameras whose clock is in doubt are left out."
        ),
        *_figures(drawings, "activity"),
        markup.table(head, rows, caption="Independent events of cameras by hour", numbers=(1,), kind="stack species"),
        identifier="activity",
    )


def _at_night(found: Mapping[str, Any]) -> str:
    if found["night"] is None:
        return NOT_KNOWN
    return f"{percent(found['night'])} ({percent(found['night_low'])} to {percent(found['night_high'])})"


def _totals(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell totals over sides; nothing of one side."""
    if not told["totals"]:
        return ""
    rows = [
        (
            _species(one["species"]), spaced(one["method"]), plain(one["repeat"]),
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
        *_figures(drawings, "totals-"),
        markup.table(
            ("Species", "Method", "Year", "By side", "Total", "Groups in doubt"), rows,
            caption="Individuals counted in independent events", numbers=(4, 5), kind="stack species",
        ),
        identifier="totals",
    )  # fmt: skip


def _origin(told: Mapping[str, Any]) -> str:
    """Tell what all of it was made of, and where the formulas come from."""
    facts, asked = told["facts"], told["parameters"]
    rows = [(spaced(name), plain(value)) for name, value in (*facts.items(), *asked.items())]
    sources = [
        "Accumulation: Ugland et al. 2003; limits Colwell et al. 2004. Estimates: Chao 1987, Smith & van Belle 1984; equal to R's vegan.",
        "Equal completeness: Chao & Jost 2012. Occupancy: MacKenzie et al. 2002, intervals of the profile likelihood.",
        "Trend: log-linear with site effects (TRIM), effort as an offset. Totals: largest flow between groups that may be one.",
    ]
    return markup.section(
        "How it was made",
        markup.table(("Parameter", "Value"), rows, caption="Data and parameters", kind="parameters"),
        markup.bullets(sources),
        identifier="origin",
    )
