"""The results of a monitoring project as a page or one sheet: plots, tables with the same numbers, and why something is not told."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from biodata.analysis.surveys.of_species import LEAST_SITES
from biodata.exports.reports import markup, survey_marks, survey_plots
from biodata.exports.reports import survey_species as cells
from biodata.exports.reports.in_language import Retold, page_in
from biodata.exports.reports.page import document
from biodata.exports.reports.survey_marks import JOINT, part_name
from biodata.exports.reports.survey_species import Told
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced
from biodata.places import BoundarySet, country_name

_KIND: Final = "Results of a survey"
_NO_LETTERS: Final = "The plots are in English: this machine has no font for the letters of this language"
_NAMES: Final[Mapping[str, str]] = {}


def survey_page(
    told: Told, *, title: str, run: str, language: str = "en", retold: Retold = str, names: Mapping[str, str] = _NAMES,
    stations: survey_plots.Stations = (), boundaries: BoundarySet | None = None,
) -> str:  # fmt: skip
    """Return results as HTML; the same results give the same text.

    Parameters
    ----------
    told : mapping
        As the engine `survey-results` tells them: `analysis.surveys.results`, and `facts`.
    title : str
        Of the project or dataset.
    run : str
        Id of the run.
    language : str
        Of the page.
    retold : callable
        Returns an English sentence in that language; plots stay in English where this machine lacks its letters.
    names : mapping
        Common names of species in that language.
    stations, boundaries
        For the map, as `survey_plots.plots`.
    """
    drawings = survey_plots.plots(told, language=language, retold=retold, stations=stations, boundaries=boundaries)
    sections = [_summary(told)]
    if told["summary"]["events"]:
        sections += [_stations(drawings), _effort(told, drawings), _species(told, drawings, names)]
        sections += [make(told, drawings) for make in (cells.abundance, cells.occupancy, cells.trends, cells.totals)]
    sections.append(_origin(told))
    if lacking := survey_marks.lacks_letters(language):
        words = markup.paragraph(f"{_NO_LETTERS} (Debian: {lacking}).")
        sections.insert(0, markup.section("Plots", words, identifier="plots"))
    return _document(told, [one for one in sections if one], title, run, language, retold)


def one_page(
    told: Told, *, rows: int, title: str, run: str, language: str = "en", retold: Retold = str, names: Mapping[str, str] = _NAMES,
    stations: survey_plots.Stations = (), boundaries: BoundarySet | None = None,
) -> str:  # fmt: skip
    """Return the most important results for one sheet, with so many species; else as `survey_page`."""
    drawings = survey_plots.plots(told, language=language, retold=retold, stations=stations, boundaries=boundaries)
    pair = "".join([*cells.figures(drawings, "stations"), *cells.figures(drawings, "accumulation-1-")])
    sections = [_summary(told), f'<div class="pair">{pair}</div>']
    if told["summary"]["events"]:
        method = max(told["abundance"], key=lambda one: one["by"][JOINT].get("events", 0), default={"method": ""})[
            "method"
        ]
        rates = {one["species"]: one["by"][JOINT] for one in told["abundance"] if one["method"] == method}
        shares = {one["species"]: one["by"][JOINT] for one in told["occupancy"] if one["method"] == method}
        unit = next((survey_marks.units(one["unit"]) for one in rates.values() if "unit" in one), None)
        body = [
            (*row, _estimate(rates.get(name), cells.rate), _estimate(shares.get(name), cells.share))
            for name, row in _species_rows(told, names)[:rows]
        ]
        head = (*_SPECIES_HEAD, "Relative abundance", "Occupancy")
        index = f"Independent events for each 100 {unit} with 95 % limits; an index, not a density." if unit else ""
        some = (
            f"{len(body)} of {len(told['species'])} species, the tables have all"
            if len(body) < len(told["species"])
            else ""
        )
        sections += [
            markup.table(*_effort_table(told), caption="Effort by side and method", numbers=range(2, 7)),
            markup.table(head, body, caption="Species", numbers=(1, 2), kind="species") if body else "",
            markup.paragraph(index, "quiet"), markup.paragraph(some, "quiet"),
        ]  # fmt: skip
    return _document(told, [f'<div class="sheet">{"".join(sections)}</div>'], title, run, language, retold)


def _estimate(found: Told | None, words: Callable[[Told], str]) -> str:
    return "" if found is None or "refused" in found else words(found)


def _document(told: Told, sections: list[str], title: str, run: str, language: str, retold: Retold) -> str:
    facts, views = told["facts"], {"public": "what is published alone", "exact": "the records themselves"}
    stand = (
        f"Run {run} · lake version {facts['snapshot']} · boundary set {facts['boundary_set']} {facts['boundary_version']} · "
        f"made from {views[facts['evidence_view']]}"
    )
    return document(
        title, retold(_KIND), [page_in(one, retold) for one in sections], running=f"{title} · {run}", stand=retold(stand),
        attached=told, language=language, contents=retold("Contents"),
    )  # fmt: skip


def _summary(told: Told) -> str:
    """Tell what there is, and above all what may not be done with it."""
    summary, category = told["summary"], told["facts"]["sharing_category"]
    rows = [
        ("Events", f"{summary['events']:,} at {counted(summary['sites'], 'site')}"),
        ("Sides", " and ".join(country_name(side) for side in summary["sides"]) or "no side surely"),
        ("Days", "not told" if summary["first"] is None else f"{summary['first']} to {summary['last']}"),
        ("Records", f"{summary['records']:,} of {summary['species']:,} species"),
        ("Looked for, never found", ", ".join(summary["never_found"])),
        ("Species left out", "; ".join(f"{name} ({why})" for name, why in summary["not_told"].items())),
        ("Records left out", ", ".join(f"{n:,} {reason}" for reason, n in summary["left_out"].items())),
    ]
    as_cells, silent, nowhere = told["facts"]["events_as_cells"], summary["without_scope"], summary["events_of_no_side"]
    came = f"{counted(as_cells, 'more event came', 'more events came')} as cells alone"
    warnings = [
        category != "open" and f"Made of exact places of category {category}. Not to be passed on.",
        as_cells and f"{came}, and {'is' if as_cells == 1 else 'are'} in no number.",
        silent and f"{counted(silent, 'event tells', 'events tell')} no scope. What they did not find is no absence.",
        nowhere
        and f"{counted(nowhere, 'event lies', 'events lie')} surely on no side, and counts in joint results alone.",
    ]
    notes = [markup.paragraph(one, "warning") for one in warnings if one]
    return markup.section("What was done", *notes, markup.facts([row for row in rows if row[1]]), identifier="done")


def _stations(drawings: Told) -> str:
    drawn = cells.figures(drawings, "stations")
    return markup.section("Sites", *drawn, identifier="sites") if drawn else ""


def _effort_table(told: Told) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    rows = [
        (
            part_name(one["side"]), spaced(one["method"]), one["events"], one["sites"],
            f"{number(one['effort'])} {survey_marks.units(one['effort_unit'] or '')}".strip(), one["effort_unknown"],
            number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip
    return ("Side", "Method", "Events", "Sites", "Effort", "Effort not known", "Days failed"), rows


def _effort(told: Told, drawings: Told) -> str:
    return markup.section(
        "Effort",
        markup.paragraph("Days on which nothing could be seen are taken off. Effort of two methods is never added."),
        *cells.figures(drawings, "effort-"),
        markup.table(*_effort_table(told), caption="Effort by side and method", numbers=range(2, 7), kind="stack"),
        markup.paragraph("An event of several months is spread evenly over its days.", "quiet"),
        identifier="effort",
    )


_SPECIES_HEAD: Final = ("Species", "Records", "Sites")


def _species_rows(told: Told, names: Mapping[str, str]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return each species with its cells: how it is called, and how often and at how many sites it was recorded."""
    return [
        (one["species"], (cells.species_of(one["species"], names.get(one["species"])), one["records"], one["sites"]))
        for one in told["species"]
    ]


def _species(told: Told, drawings: Told, names: Mapping[str, str]) -> str:
    """Tell which species were found, and how many there are."""
    rows, notes = [], []
    for method, found in told["richness"].items():
        for part in cells.parts_of([found]):
            rows.append((part_name(part), spaced(method), *_estimates(found["by"][part]["estimates"])))
        if found["not_counted"]:
            notes.append(
                f"{cells.method_of(method)}: {counted(found['not_counted'], 'record')} of no species, which may be of one "
                "of the others, not counted."
            )
        if found["compared"]:
            notes.append(f"{cells.method_of(method)}: {_compared(found['compared'])}")
    head = ("Part", "Method", "Sites", "Found", "Chao", "Jackknife 1", "Jackknife 2", "Bootstrap")
    listed = [row for _, row in _species_rows(told, names)]
    return markup.section(
        "Species",
        markup.table(_SPECIES_HEAD, listed, caption="Found", numbers=(1, 2), kind="stack species") if listed else "",
        *cells.figures(drawings, "accumulation-"),
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
    errors = [_with_error(pool[name], pool[f"{name}_se"]) for name in ("chao", "jack1", "boot")]
    return *found, *errors[:2], number(pool["jack2"]), errors[2]


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _compared(told: Told) -> str:
    """Tell the sides at their common completeness."""
    if "refused" in told:
        return f"sides are not compared, since {cells.refused(told)}."
    parts = [
        f"{country_name(side)} {number(one['richness'], digits=3)} ({cells.range_of(one['low'], one['high'])}, at {number(one['units'], digits=3)} sites)"
        for side, one in told["sides"].items()
    ]
    end = "the intervals overlap" if told["overlap"] else "the intervals do not overlap"
    return f"at the same completeness of {percent(told['coverage'])}, species: {', '.join(parts)}; {end}."


def _origin(told: Told) -> str:
    """Tell what all of it was made of, and where the formulas come from."""
    rows = [(spaced(name), plain(value)) for name, value in (*told["facts"].items(), *told["parameters"].items())]
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
