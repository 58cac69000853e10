"""The results of a monitoring project as a page, one sheet, or lines: tables, plots of the same numbers, and why something is not told."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from biodata.analysis.surveys.results import LEAST_SITES
from biodata.exports.reports import markup, survey_plots
from biodata.exports.reports.in_language import Retold, page_in
from biodata.exports.reports.page import document
from biodata.exports.reports.survey_plots import JOINT, Told, part_name, units
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced, text
from biodata.places import BoundarySet, country_name

_KIND: Final = "Results of a survey"
_NO_LETTERS: Final = "The plots are in English: this machine has no font for the letters of this language"
_NAMES: Final[Mapping[str, str]] = {}
_CODE: Final = re.compile(r"\b[A-Z]{2}\b")
_SPECIES_HEAD: Final = ("Species", "Records", "Sites")
_INDEX: Final = "Independent events for each 100 {} with 95 % limits; an index, not a density."


def survey_page(
    told: Told, *, title: str, run: str, language: str = "en", retold: Retold = str, names: Mapping[str, str] = _NAMES,
    stations: survey_plots.Stations = (), boundaries: BoundarySet | None = None, rows: int | None = None,
) -> str:  # fmt: skip
    """Return results as HTML, all or for one sheet with so many `rows` of species; the same results give the same text.

    They are `told` as the engine `survey-results` tells them; `run` is its id, `retold` returns an English sentence in the language, `names`
    are common names of species in it; `stations` and `boundaries` as of `survey_plots.plots`.
    """
    drawings = survey_plots.plots(told, language=language, retold=retold, stations=stations, boundaries=boundaries)
    sections = (
        [*results(told, drawings, names), _origin(told)] if rows is None else [_sheet(told, drawings, names, rows)]
    )
    if rows is None and (lacking := survey_plots.lacks_letters(language)):
        words = markup.paragraph(f"{_NO_LETTERS} (Debian: {lacking}).")
        sections.insert(0, markup.section("Plots", words, identifier="plots"))
    facts, views = told["facts"], {"public": "what is published alone", "exact": "the records themselves"}
    stand = (
        f"Run {run} · lake version {facts['snapshot']} · boundary set {facts['boundary_set']} {facts['boundary_version']} · "
        f"made from {views[facts['evidence_view']]}"
    )
    return document(
        title, retold(_KIND), [page_in(one, retold) for one in sections], running=f"{title} · {run}", stand=retold(stand),
        attached=told, language=language, contents=retold("Contents"),
    )  # fmt: skip


def one_page(told: Told, *, rows: int, **page: Any) -> str:
    """Return the most important results for one sheet; else as `survey_page`."""
    return survey_page(told, rows=rows, **page)


def lines(told: Told, retold: Retold = str) -> str:
    """Return results as lines of a terminal: the tables and sentences of the page."""
    return "\n".join(markup.as_text(page_in(one, retold)) for one in results(told))


def results(told: Told, drawings: Told = _NAMES, names: Mapping[str, str] = _NAMES) -> list[str]:
    """Return the sections of a page; of a survey without events only what was done."""
    sections = [_summary(told)]
    if told["summary"]["events"]:
        sections += [_stations(drawings), _effort(told, drawings), _species(told, drawings, names)]
        sections += [make(told, drawings) for make in (_abundance, _occupancy, _trends, _totals)]
    return [one for one in sections if one]


def _sheet(told: Told, drawings: Told, names: Mapping[str, str], rows: int) -> str:
    pair = "".join([*_figures(drawings, "stations"), *_figures(drawings, "accumulation-1-")])
    sections = [_summary(told), f'<div class="pair">{pair}</div>']
    if told["summary"]["events"]:
        best = max(told["abundance"], key=lambda one: one["by"][JOINT].get("events", 0), default={"method": ""})
        rates, shares = (
            {one["species"]: one["by"][JOINT] for one in told[kind] if one["method"] == best["method"]}
            for kind in ("abundance", "occupancy")
        )
        unit = next((units(one["unit"]) for one in rates.values() if "unit" in one), None)
        body = [
            (*row, _estimate(rates.get(one["species"]), _rate), _estimate(shares.get(one["species"]), _share))
            for one, row in zip(told["species"][:rows], _species_rows(told, names), strict=False)
        ]
        every, head = len(told["species"]), (*_SPECIES_HEAD, "Relative abundance", "Occupancy")
        some = f"{len(body)} of {every} species, the tables have all" if len(body) < every else ""
        sections += [
            _effort_table(told),
            markup.table(head, body, caption="Species", numbers=(1, 2), kind="species") if body else "",
            markup.paragraph(_INDEX.format(unit) if unit else "", "quiet"), markup.paragraph(some, "quiet"),
        ]  # fmt: skip
    return f'<div class="sheet">{"".join(sections)}</div>'


def _estimate(found: Told | None, words: Callable[[Told], str]) -> str:
    return "" if found is None or "refused" in found else words(found)


def warnings(told: Told) -> list[str]:
    """Return what may not be done with results, and what is not in them."""
    summary, category, as_cells = told["summary"], told["facts"]["sharing_category"], told["facts"]["events_as_cells"]
    silent, nowhere = summary["without_scope"], summary["events_of_no_side"]
    came = f"{counted(as_cells, 'more event came', 'more events came')} as cells alone"
    every = (
        (category != "open", f"Made of exact places of category {category}. Not to be passed on."),
        (as_cells, f"{came}, and {'is' if as_cells == 1 else 'are'} in no number."),
        (silent, f"{counted(silent, 'event tells', 'events tell')} no scope. What they did not find is no absence."),
        (nowhere, f"{counted(nowhere, 'event lies', 'events lie')} surely on no side, and counts in joint results alone."),
    )  # fmt: skip
    return [words for holds, words in every if holds]


def _summary(told: Told) -> str:
    """Tell what there is, and above all what may not be done with it."""
    summary = told["summary"]
    rows = [
        ("Events", f"{summary['events']:,} at {counted(summary['sites'], 'site')}"),
        ("Sides", " and ".join(country_name(side) for side in summary["sides"]) or "no side surely"),
        ("Days", "not told" if summary["first"] is None else f"{summary['first']} to {summary['last']}"),
        ("Records", f"{summary['records']:,} of {summary['species']:,} species"),
        ("Looked for, never found", ", ".join(summary["never_found"])),
        ("Species left out", "; ".join(f"{name} ({why})" for name, why in summary["not_told"].items())),
        ("Records left out", ", ".join(f"{n:,} {reason}" for reason, n in summary["left_out"].items())),
    ]
    notes = [markup.paragraph(one, "warning") for one in warnings(told)]
    return markup.section("What was done", *notes, markup.facts([row for row in rows if row[1]]), identifier="done")


def _figures(drawings: Told, begins: str) -> list[str]:
    """Return the drawings of a section."""
    return [
        f'<figure><img src="{survey_plots.as_data(figure)}" alt="{text(words)}"><figcaption>{text(words)}</figcaption></figure>'
        for name, (figure, words) in drawings.items() if name.startswith(begins)
    ]  # fmt: skip


def _stations(drawings: Told) -> str:
    drawn = _figures(drawings, "stations")
    return markup.section("Sites", *drawn, identifier="sites") if drawn else ""


def _effort_table(told: Told) -> str:
    rows = [
        (
            part_name(one["side"]), spaced(one["method"]), one["events"], one["sites"],
            f"{number(one['effort'])} {units(one['effort_unit'] or '')}".strip(), one["effort_unknown"], number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip
    head = ("Side", "Method", "Events", "Sites", "Effort", "Effort not known", "Days failed")
    return markup.table(head, rows, caption="Effort by side and method", numbers=range(2, 7), kind="stack")


def _effort(told: Told, drawings: Told) -> str:
    return markup.section(
        "Effort", markup.paragraph("Days on which nothing could be seen are taken off. Effort of two methods is never added."),
        *_figures(drawings, "effort-"), _effort_table(told),
        markup.paragraph("An event of several months is spread evenly over its days.", "quiet"), identifier="effort",
    )  # fmt: skip


def _species_rows(told: Told, names: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Return for each species how it is called, and how often and at how many sites it was recorded."""
    return [(_name(one["species"], names.get(one["species"])), one["records"], one["sites"]) for one in told["species"]]


def _name(species: str, common: str | None = None) -> markup.Mark:
    return markup.Mark(f"<i>{text(species)}</i>" + (f' <span class="common">{text(common)}</span>' if common else ""))


def _species(told: Told, drawings: Told, names: Mapping[str, str]) -> str:
    """Tell which species were found, and how many there are."""
    rows, notes = [], []
    for method, found in told["richness"].items():
        for part in _parts([found]):
            rows.append((part_name(part), spaced(method), *_estimates(found["by"][part]["estimates"])))
        if n := found["not_counted"]:
            which = "of no species, which may be of one of the others, not counted"
            notes.append(f"{_method(method)}: {counted(n, 'record')} {which}.")
        if found["compared"]:
            notes.append(f"{_method(method)}: {_compared(found['compared'])}")
    head = ("Part", "Method", "Sites", "Found", "Chao", "Jackknife 1", "Jackknife 2", "Bootstrap")
    listed = _species_rows(told, names)
    return markup.section(
        "Species",
        markup.table(_SPECIES_HEAD, listed, caption="Found", numbers=(1, 2), kind="stack species") if listed else "",
        *_figures(drawings, "accumulation-"),
        markup.table(head, rows, caption="Species found and estimated, with standard errors", numbers=range(2, 8), kind="stack"),
        markup.bullets(notes),
        markup.paragraph(f"Of fewer than {LEAST_SITES} sites, no number is told that would be of the whole area.", "quiet"),
        identifier="species",
    )  # fmt: skip


def _estimates(pool: Told) -> tuple[Any, ...]:
    """Return cells of sites, species found, and each estimate with its error, or why there is none."""
    found = pool["sites"], pool["species"]
    if "refused" in pool:
        return *found, f"not told: {pool['refused']}", "", "", ""
    chao, first, boot = (_with_error(pool[name], pool[f"{name}_se"]) for name in ("chao", "jack1", "boot"))
    return *found, chao, first, number(pool["jack2"]), boot


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _compared(told: Told) -> str:
    """Tell the sides at their common completeness."""
    if "refused" in told:
        return f"sides are not compared, since {_refused(told)}."
    parts = [
        f"{country_name(side)} {_short(one['richness'])} ({_range(one['low'], one['high'])}, at {_short(one['units'])} sites)"
        for side, one in told["sides"].items()
    ]
    end = "the intervals overlap" if told["overlap"] else "the intervals do not overlap"
    return f"at the same completeness of {percent(told['coverage'])}, species: {', '.join(parts)}; {end}."


def _short(value: Any) -> str:
    return number(value, digits=3)


def _range(low: Any, high: Any, *, digits: int = 3) -> str:
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def _refused(found: Told) -> str:
    """Return why something is not told, with countries by their names."""
    return _CODE.sub(lambda match: country_name(match[0]), found["refused"])


def _method(name: str) -> str:
    """Return a method as a sentence begins."""
    return spaced(name[:1].upper() + name[1:])


def _parts(rows: Iterable[Told]) -> list[str]:
    """Return the parts that any of the rows tells: all together, then the sides."""
    return [JOINT, *sorted({part for one in rows for part in one["by"]} - {JOINT})]


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
            out.append(markup.paragraph(f"{_method(method)}: not told of {names}, since {reasons.pop()}."))
            continue
        parts = _parts(own)
        sides = next((one["compared"].get("sides", ()) for one in own if one.get("compared")), None)
        head = ["Species", *(["Year"] if years else []), *map(part_name, parts)]
        if last and sides is not None:
            head.append(last[0].format(*map(part_name, sides)))
        body = []
        for one in own:
            row = [_name(one["species"]), *([plain(one["repeat"])] if years else [])]
            row += [_cell(one["by"].get(part), cell, "not told") for part in parts]
            if last and sides is not None:
                row.append(_cell(one["compared"], last[1], "not compared"))
            body.append(row)
        out.append(markup.table(head, body, caption=f"{_method(method)}: {caption(own)}", kind="stack species"))
    return out


def _cell(found: Told | None, words: Callable[[Told], str], lacking: str) -> str:
    return "" if not found else f"{lacking}: {_refused(found)}" if "refused" in found else words(found)


def _abundance(told: Told, drawings: Told) -> str:
    """Tell independent events for each unit of effort."""

    def caption(rows: Sequence[Told]) -> str:
        unit = next((f["unit"] for one in rows for f in one["by"].values() if "unit" in f), None)
        return f"independent events for {'effort' if unit is None else f'100 {unit}s'}, with 95 % limits"

    def cell(found: Told) -> str:
        return f"{_rate(found)}, {counted(found['events'], 'event')}"

    asked = told["parameters"]
    words = (
        f"Independent events are {number(asked['gap_minutes'])} minutes or {number(asked['within_m'])} m apart at a site. They tell "
        "how many there are and how easily they are detected, both in one. Sides are compared for the same effort. Cameras "
        "that stand at one site at the same time count its nights once."
    )
    tables = _tables(told["abundance"], caption, cell, last=("{} ÷ {}", _ratio))
    drawn = _figures(drawings, "abundance-")
    return markup.section("Relative abundance", markup.paragraph(words), *drawn, *tables, identifier="abundance")


def _rate(found: Told) -> str:
    """Return events for 100 units of effort with their limits."""
    return f"{_short(100 * found['rate'])} ({_range(100 * found['low'], 100 * found['high'])})"


def _ratio(found: Told) -> str:
    """Return how many times one side has what the other has."""
    high = "any number" if found["high"] is None else _short(found["high"])
    return f"{_short(found['ratio'])} ({_short(found['low'])} to {high})"


def _occupancy(told: Told, drawings: Told) -> str:
    """Tell the share of sites that species used."""
    notes = _noted(told["occupancy"])

    def cell(found: Told) -> str:
        chance = ""
        if found["psi"] is not None:
            chance = f", detection {number(found['p'], digits=2)} ({_range(found['p_low'], found['p_high'], digits=2)})"
        return f"{_share(found)}, found at {found['found_at']} of {found['sites']}{chance}{_marks(found, notes)}"

    def differ(found: Told) -> str:
        return f"{'yes' if found['p_value'] < 0.05 else 'not shown'}, p {number(found['p_value'], digits=2)}"

    def caption(rows: Sequence[Told]) -> str:
        effort = " or ".join(sorted({one["unit"] for one in rows}))
        return f"occupancy (95 %), where it was found, detection in one {effort} (95 %)"

    words = (
        "The share of sites that a species used, corrected for those where it was missed. It is taken not to change "
        "within a year, which begins where in the calendar nobody looks, so that a dry season is one. Cameras tell one "
        f"occasion for each {told['parameters']['occasion_days']} days, other methods one for each visit."
    )
    tables = _tables(told["occupancy"], caption, cell, last=("Sides differ", differ), years=True)
    parts = (markup.paragraph(words), *_figures(drawings, "occupancy-"), *tables, _explained(notes))
    return markup.section("Occupancy", *parts, identifier="occupancy")


def _share(found: Told) -> str:
    """Return the share of sites with its interval, which alone is told where there is no estimate."""
    interval = _range(found["psi_low"], found["psi_high"])
    return interval if found["psi"] is None else f"{_short(found['psi'])} ({interval})"


def _noted(rows: Iterable[Told]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _marks(found: Told, notes: Mapping[str, str]) -> str:
    """Return the letters of what must be said of an estimate."""
    return f" ({', '.join(notes[note] for note in found['notes'])})" if found["notes"] else ""


def _explained(notes: Mapping[str, str]) -> str:
    return markup.bullets(f"{mark}: {note}." for note, mark in notes.items())


def _trends(told: Told, drawings: Told) -> str:
    """Tell trends; nothing of a survey of one year."""
    notes = _noted(told["trends"])

    def cell(found: Told) -> str:
        interval = f"{percent(found['change'])} ({percent(found['low'])} to {percent(found['high'])})"
        sites = f"{counted(found['sites'], 'site')} in {found['repeats']} years"
        return f"{found['says']}, {interval}, {sites}{_marks(found, notes)}"

    tables = _tables(told["trends"], lambda _: "change of relative abundance a year with 95 % limits", cell)
    words = "Each site is compared with itself for the same effort. Detection that changes looks like a trend."
    parts = (markup.paragraph(words), *_figures(drawings, "trends-"), *tables, _explained(notes))
    return markup.section("Trend", *parts, identifier="trend") if tables else ""


def _totals(told: Told, drawings: Told) -> str:
    """Tell totals over sides; nothing of one side."""
    if not told["totals"]:
        return ""
    rows = [
        (
            _name(one["species"]), spaced(one["method"]), plain(one["repeat"]),
            ", ".join(f"{part_name(side)} {n:,}" for side, n in one["by_side"].items()),
            f"{one['low']:,} to {one['high']:,}" if one["low"] < one["high"] else f"{one['high']:,}", one["groups_in_doubt"],
        )
        for one in told["totals"]
    ]  # fmt: skip
    asked = told["parameters"]
    words = (
        f"Groups of two sides that are within {number(asked['distance_m'] / 1000)} km and {number(asked['hours'])} hours of each other may "
        "be one and the same. So a total is an interval. A group that one side counted twice is in it twice. Years and methods are "
        "not added."
    )
    head, caption = (
        ("Species", "Method", "Year", "By side", "Total", "Groups in doubt"), "Individuals counted in independent events"
    )  # fmt: skip
    table = markup.table(head, rows, caption=caption, numbers=(4, 5), kind="stack species")
    drawn = _figures(drawings, "totals-")
    return markup.section("Totals across the border", markup.paragraph(words), *drawn, table, identifier="totals")


def _origin(told: Told) -> str:
    """Tell what all of it was made of, and where the formulas come from."""
    rows = [(spaced(name), plain(value)) for name, value in (*told["facts"].items(), *told["parameters"].items())]
    table = markup.table(("Parameter", "Value"), rows, caption="Data and parameters", kind="parameters")
    sources = [
        "Accumulation: Ugland et al. 2003; limits Colwell et al. 2004. Estimates: Chao 1987, Smith & van Belle 1984; equal to R's vegan.",
        "Equal completeness: Chao & Jost 2012. Occupancy: MacKenzie et al. 2002, intervals of the profile likelihood.",
        "Trend: log-linear with site effects (TRIM), effort as an offset. Totals: largest flow between groups that may be one.",
    ]
    return markup.section("How it was made", table, markup.bullets(sources), identifier="origin")
