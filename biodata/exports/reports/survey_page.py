"""The results of a monitoring project as a page or one sheet: tables, plots of the same numbers, and why something is not told."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape, unescape
from typing import Any, Final

from markupsafe import Markup

from biodata.analysis.surveys.results import LEAST_SITES
from biodata.exports.reports import survey_plots
from biodata.exports.reports.findings import NOT_KNOWN, counted, number, percent, plain, spaced
from biodata.exports.reports.page import document, templates
from biodata.exports.reports.survey_plots import JOINT, Retold, Told, part_name, units
from biodata.exports.templating import add_functions
from biodata.places import BoundarySet, country_name

_KIND: Final = "Results of a survey"
_NAMES: Final[Mapping[str, str]] = {}
_CODE: Final = re.compile(r"\b[A-Z]{2}\b")
_TAG: Final = re.compile(r"(<[^>]*>)")
_READ_OUT: Final = re.compile(r'\b(alt|aria-label|data-label)="([^"]*)"')
_VIEWS: Final = {"public": "what is published alone", "exact": "the records themselves"}

Rows = list[tuple[Any, ...]]


def survey_page(
    told: Told, *, title: str, run: str, language: str = "en", retold: Retold = str, names: Mapping[str, str] = _NAMES,
    stations: survey_plots.Stations = (), boundaries: BoundarySet | None = None, rows: int | None = None,
) -> str:  # fmt: skip
    """Return results as HTML, all or for one sheet with so many `rows` of species; the same results give the same text."""
    drawings = survey_plots.plots(told, language=language, retold=retold, stations=stations, boundaries=boundaries)
    lacking = survey_plots.lacks_letters(language) if rows is None else None
    body = _body(told, drawings=drawings, names=names, sheet=rows, lacking=lacking)
    facts = told["facts"]
    standing = (
        f"Run {run} · lake version {facts['snapshot']} · boundary set {facts['boundary_set']} {facts['boundary_version']} · "
        f"made from {_VIEWS[facts['evidence_view']]}"
    )
    return document(
        title, retold(_KIND), page_in(body, retold), running=f"{title} · {run}", standing=retold(standing),
        attached=told, language=language, contents=retold("Contents"),
    )  # fmt: skip


def _body(told: Told, **more: Any) -> str:
    made = templates()
    if "richness_notes" not in made.globals:
        functions = (*_FUNCTIONS, survey_plots.as_data)
        add_functions(made, {function.__name__: function for function in functions})
        made.globals["least_sites"] = LEAST_SITES
    return made.get_template("survey.html").render(told=told, **more)


def page_in(html: str, retold: Retold) -> str:
    """Return markup whose texts, and attributes that are read out or shown, are in another language."""

    def sentence(escaped: str) -> str:
        words = " ".join(escaped.split())
        return escape(retold(unescape(words)))

    parts = _TAG.split(html)
    for n, part in enumerate(parts):
        if n % 2:
            parts[n] = _READ_OUT.sub(lambda match: f'{match[1]}="{sentence(match[2])}"', part)
        elif part.strip():
            parts[n] = f"{' ' * part[0].isspace()}{sentence(part)}{' ' * part[-1].isspace()}"
    return "".join(parts)


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


def summary_rows(told: Told) -> Rows:
    """Return what there is."""
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
    return [row for row in rows if row[1]]


def effort_rows(told: Told) -> Rows:
    """Return effort by side and method."""
    return [
        (
            part_name(one["side"]), spaced(one["method"]), one["events"], one["sites"],
            f"{number(one['effort'])} {units(one['effort_unit'] or '')}".strip(), one["effort_unknown"], number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip


def species_rows(told: Told, names: Mapping[str, str]) -> Rows:
    """Return for each species how it is called, and how often and at how many sites it was recorded."""
    return [(_name(one["species"], names.get(one["species"])), one["records"], one["sites"]) for one in told["species"]]


def _name(species: str, common: str | None = None) -> Markup:
    name = Markup("<i>{}</i>").format(species)
    return name + Markup(' <span class="common">{}</span>').format(common) if common else name


def sheet_view(told: Told, names: Mapping[str, str], rows: int) -> dict[str, Any]:
    """Return the first species of one sheet with the estimates of the method that has most events, and its unit."""
    best = max(told["abundance"], key=lambda one: one["by"][JOINT].get("events", 0), default={"method": ""})
    rates, shares = (
        {one["species"]: one["by"][JOINT] for one in told[kind] if one["method"] == best["method"]}
        for kind in ("abundance", "occupancy")
    )
    body = [
        (*row, _estimate(rates.get(one["species"]), _rate), _estimate(shares.get(one["species"]), _share))
        for one, row in zip(told["species"][:rows], species_rows(told, names), strict=False)
    ]
    return {"rows": body, "unit": next((units(one["unit"]) for one in rates.values() if "unit" in one), "")}


def _estimate(found: Told | None, words: Callable[[Told], str]) -> str:
    return "" if found is None or "refused" in found else words(found)


def richness_rows(told: Told) -> Rows:
    """Return species found and estimated by method and part."""
    return [
        (part_name(part), spaced(method), *_estimates(found["by"][part]["estimates"])) for method, found in
        told["richness"].items() for part in _parts([found])
    ]  # fmt: skip


def richness_notes(told: Told) -> list[str]:
    """Return what is not counted."""
    which = "of no species, which may be of one of the others, not counted"
    numbers = {method: found["not_counted"] for method, found in told["richness"].items()}
    return [f"{_method(method)}: {counted(n, 'record')} {which}." for method, n in numbers.items() if n]


def _estimates(pool: Told) -> tuple[Any, ...]:
    found = pool["sites"], pool["species"]
    if "refused" in pool:
        return *found, f"not told: {pool['refused']}", ""
    return *found, *(_with_error(pool[name], pool[f"{name}_se"]) for name in ("chao", "jack1"))


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _short(value: Any) -> str:
    return number(value, digits=3)


def _range(low: Any, high: Any, *, digits: int = 3) -> str:
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def _refused(found: Told) -> str:
    return _CODE.sub(lambda match: country_name(match[0]), found["refused"])


def _method(name: str) -> str:
    return spaced(name[:1].upper() + name[1:])


def _parts(rows: Iterable[Told]) -> list[str]:
    return [JOINT, *sorted({part for one in rows for part in one["by"]} - {JOINT})]


def _tables(
    rows: Sequence[Told], caption: Callable[[Sequence[Told]], str], cell: Callable[[Told], str], *, last: tuple[str, Any] | None = None,
    years: bool = False,
) -> list[str | dict[str, Any]]:  # fmt: skip
    out: list[str | dict[str, Any]] = []
    for method in dict.fromkeys(one["method"] for one in rows):
        own = [one for one in rows if one["method"] == method]
        reasons = {found.get("refused") for one in own for found in one["by"].values()}
        if None not in reasons and len(reasons) == 1:  # nothing is told, for one and the same reason
            names = counted(len({one["species"] for one in own}), "name")
            out.append(f"{_method(method)}: not told of {names}, since {reasons.pop()}.")
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
        out.append({"head": head, "rows": body, "caption": f"{_method(method)}: {caption(own)}"})
    return out


def _cell(found: Told | None, words: Callable[[Told], str], lacking: str) -> str:
    return "" if not found else f"{lacking}: {_refused(found)}" if "refused" in found else words(found)


def abundance_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return independent events for each unit of effort."""

    def caption(rows: Sequence[Told]) -> str:
        unit = next((f["unit"] for one in rows for f in one["by"].values() if "unit" in f), None)
        return f"independent events for {'effort' if unit is None else f'100 {unit}s'}, with 95 % limits"

    def cell(found: Told) -> str:
        return f"{_rate(found)}, {counted(found['events'], 'event')}"

    return _tables(told["abundance"], caption, cell, last=("{} ÷ {}", _ratio))


def _rate(found: Told) -> str:
    return f"{_short(100 * found['rate'])} ({_range(100 * found['low'], 100 * found['high'])})"


def _ratio(found: Told) -> str:
    high = "any number" if found["high"] is None else _short(found["high"])
    return f"{_short(found['ratio'])} ({_short(found['low'])} to {high})"


def occupancy_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return the share of sites that species used."""
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

    return _tables(told["occupancy"], caption, cell, last=("Sides differ", differ), years=True)


def _share(found: Told) -> str:
    interval = _range(found["psi_low"], found["psi_high"])
    return interval if found["psi"] is None else f"{_short(found['psi'])} ({interval})"


def _noted(rows: Iterable[Told]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _marks(found: Told, notes: Mapping[str, str]) -> str:
    return f" ({', '.join(notes[note] for note in found['notes'])})" if found["notes"] else ""


def explained(rows: Iterable[Told]) -> list[str]:
    """Return the notes of estimates with their letters."""
    return [f"{mark}: {note}." for note, mark in _noted(rows).items()]


def trend_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return trends; nothing of a survey of one year."""
    notes = _noted(told["trends"])

    def cell(found: Told) -> str:
        interval = f"{percent(found['change'])} ({percent(found['low'])} to {percent(found['high'])})"
        sites = f"{counted(found['sites'], 'site')} in {found['repeats']} years"
        return f"{found['says']}, {interval}, {sites}{_marks(found, notes)}"

    return _tables(told["trends"], lambda _: "change of relative abundance a year with 95 % limits", cell)


def total_rows(told: Told) -> Rows:
    """Return totals over sides."""
    return [
        (
            _name(one["species"]), spaced(one["method"]), plain(one["repeat"]),
            ", ".join(f"{part_name(side)} {n:,}" for side, n in one["by_side"].items()),
            f"{one['low']:,} to {one['high']:,}" if one["low"] < one["high"] else f"{one['high']:,}", one["groups_in_doubt"],
        )
        for one in told["totals"]
    ]  # fmt: skip


def parameter_rows_of(told: Told) -> Rows:
    """Return what all of it was made of."""
    return [(spaced(name), plain(value)) for name, value in (*told["facts"].items(), *told["parameters"].items())]


_FUNCTIONS: Final = (
    warnings, summary_rows, effort_rows, species_rows, sheet_view, richness_rows, richness_notes, abundance_tables,
    occupancy_tables, explained, trend_tables, total_rows, parameter_rows_of,
)  # fmt: skip
