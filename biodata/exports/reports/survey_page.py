"""The results of a monitoring project as one page: plots, tables with the same numbers, and why something is not told."""

from collections.abc import Mapping
from typing import Any, Final

from biodata.analysis.surveys.floors import LEAST_SITES
from biodata.exports.reports import markup, survey_marks, survey_plots
from biodata.exports.reports.in_language import Retold, page_in
from biodata.exports.reports.page import document
from biodata.exports.reports.survey_marks import part_name as _part
from biodata.exports.reports.survey_species import abundance, activity, occupancy, totals, trends
from biodata.exports.reports.survey_words import figures, method_of, parts_of, range_of, reasons_of, spelled
from biodata.exports.reports.words import NOT_KNOWN, counted, number, percent, plain, spaced
from biodata.places import country_name

_KIND: Final = "Results of a survey"
_NO_LETTERS: Final = "The plots are in English: this machine has no font for the letters of this language"


def survey_page(told: Mapping[str, Any], *, title: str, run: str, language: str = "en", retold: Retold = str) -> str:
    """Return results as HTML; the same results give the same text.

    Parameters
    ----------
    told : mapping
        As the engine `survey-results` tells them: `analysis.surveys.results.results`, and `facts`.
    title : str
        Of the project or dataset.
    run : str
        Id of the run.
    language : str
        Of the page.
    retold : callable
        Returns an English sentence in that language; plots stay in English where this machine lacks its letters.
    """
    drawings = survey_plots.plots(told, language=language, retold=retold)
    facts = told["facts"]
    views = {"public": "what is published alone", "exact": "the records themselves"}
    stand = (
        f"Run {run} · lake version {facts['snapshot']} · boundary set {facts['boundary_set']} {facts['boundary_version']} · "
        f"made from {views[facts['evidence_view']]}"
    )
    of_open = (_effort, _richness, abundance, occupancy, trends, activity, totals) if told["summary"]["events"] else ()
    sections = [_summary(told), *(make(told, drawings) for make in of_open), _origin(told)]
    if lacking := survey_marks.lacks_letters(language):
        sections.insert(
            0, markup.section("Plots", markup.paragraph(f"{_NO_LETTERS} (Debian: {lacking})."), identifier="plots")
        )
    return document(
        title, retold(_KIND), [page_in(one, retold) for one in sections if one], running=f"{title} · {run}",
        stand=retold(stand), attached=told, language=language, contents=retold("Contents"),
    )  # fmt: skip


def _summary(told: Mapping[str, Any]) -> str:
    """Tell what there is, and above all what may not be done with it."""
    summary, category = told["summary"], told["facts"]["sharing_category"]
    sides = " and ".join(country_name(side) for side in summary["sides"]) or "no side surely"
    events = f"{summary['events']:,} at {counted(summary['sites'], 'site')}"
    records = f"{summary['records']:,} of {summary['species']:,} species"
    rows = [
        ("Events", events),
        ("Sides", sides),
        ("Days", "not told" if summary["first"] is None else f"{summary['first']} to {summary['last']}"),
        ("Records", records),
    ]
    if summary["never_found"]:
        rows.append(("Looked for, never found", ", ".join(summary["never_found"])))
    not_told = summary.get("not_told", {})  # runs that were kept by an older biodata have none
    if not_told:
        rows.append(("Species left out", "; ".join(f"{name} ({why})" for name, why in not_told.items())))
    if summary["left_out"]:
        rows.append(("Records left out", reasons_of(summary["left_out"])))
    warnings = []
    if category != "open":
        warnings.append(f"Made of exact places of category {category}. Not to be passed on.")
    if as_cells := told["facts"].get("events_as_cells", 0):
        warnings.append(
            f"{counted(as_cells, 'more event came', 'more events came')} as cells alone, and {'is' if as_cells == 1 else 'are'} in no number."
        )
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
            f"{number(one['effort'])} {survey_marks.units(one['effort_unit'] or '')}".strip(), one["effort_unknown"],
            number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip
    head = ("Side", "Method", "Events", "Sites", "Effort", "Effort not known", "Days failed")
    return markup.section(
        "Effort",
        markup.paragraph("Days on which nothing could be seen are taken off. Effort of two methods is never added."),
        *figures(drawings, "effort-"),
        markup.table(head, rows, caption="Effort by side and method", numbers=(2, 3, 4, 5, 6), kind="stack"),
        markup.paragraph("An event of several months is spread evenly over its days.", "quiet"),
        identifier="effort",
    )


def _richness(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    rows, notes = [], []
    for method, found in told["richness"].items():
        for part in parts_of([found]):
            one = found["by"][part]
            rows.append((_part(part), spaced(method), *_estimates(one["estimates"])))
        if found["not_counted"]:
            notes.append(
                f"{method_of(method)}: {counted(found['not_counted'], 'record')} of no species, which may be of one "
                "of the others, not counted."
            )
        if found["compared"]:
            notes.append(f"{method_of(method)}: {_compared(found['compared'])}")
    head = ("Part", "Method", "Sites", "Found", "Chao", "Jackknife 1", "Jackknife 2", "Bootstrap")
    return markup.section(
        "Species",
        *figures(drawings, "accumulation-"),
        markup.table(head, rows, caption="Species found and estimated, with standard errors", numbers=range(2, 8), kind="stack"),
        markup.bullets(notes),
        markup.paragraph(f"Of fewer than {LEAST_SITES} sites, no number is told that would be of the whole area.", "quiet"),
        identifier="species",
    )  # fmt: skip


def _estimates(pool: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return cells of sites, species found, and each estimate with its error, or why there is none."""
    found = pool["sites"], pool["species"]
    if "refused" in pool:
        return *found, f"not told: {pool['refused']}", "", "", ""
    errors = [_with_error(pool[name], pool[f"{name}_se"]) for name in ("chao", "jack1", "boot")]
    return *found, *errors[:2], number(pool["jack2"]), errors[2]


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _compared(told: Mapping[str, Any]) -> str:
    """Tell the sides at their common completeness."""
    if "refused" in told:
        return f"sides are not compared, since {spelled(told['refused'])}."
    parts = [
        f"{country_name(side)} {number(one['richness'], digits=3)} ({range_of(one['low'], one['high'])}, at {number(one['units'], digits=3)} sites)"
        for side, one in told["sides"].items()
    ]
    end = "the intervals overlap" if told["overlap"] else "the intervals do not overlap"
    return f"at the same completeness of {percent(told['coverage'])}, species: {', '.join(parts)}; {end}."


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
