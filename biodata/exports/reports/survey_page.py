"""The results of a monitoring project as a page or one sheet: tables, plots of the same numbers, and why something is not told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from biodata.analysis.surveys.results import LEAST_SITES
from biodata.core.phrases import Phrase, joined
from biodata.exports.reports import pdf, survey_plots
from biodata.exports.reports.findings import NOT_KNOWN, number, percent, plain, spaced
from biodata.exports.reports.page import document, templates
from biodata.exports.reports.survey_plots import JOINT, Told, Translate, part_name, units
from biodata.places import BoundarySet, country_name

_NAMES: Final[Mapping[str, str]] = {}
_VIEWS: Final = {"public": "what is published alone", "exact": "the records themselves"}

Rows = list[tuple[Any, ...]]


def survey_page(
    told: Told, *, title: str, run: str, language: str = "en", translate: Translate = str, names: Mapping[str, str] = _NAMES,
    stations: survey_plots.Stations = (), boundaries: BoundarySet | None = None, rows: int | None = None,
) -> str:  # fmt: skip
    """Return results as HTML, all or for one sheet with so many `rows` of species; the same results give the same text."""
    of_plots: dict[str, Any] = {"language": language, "stations": stations, "boundaries": boundaries}
    drawings = survey_plots.plots(told, translate=translate, **of_plots)
    lacking = survey_plots.lacks_letters(language) if rows is None else None

    def t(value: Any) -> Any:
        """Return texts in the page's language, and whatever holds them."""
        if isinstance(value, Mapping):
            return {name: t(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [t(one) for one in value]
        return translate(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    shown: dict[str, Any] = {"told": told, "drawings": drawings, "names": names, "sheet": rows, "lacking": lacking}
    body, facts = templates().get_template("survey.html").render(**_FUNCTIONS, **shown, t=t), told["facts"]
    standing = (
        Phrase("Run {a}", a=run), Phrase("lake version {n}", n=str(facts["snapshot"])),
        Phrase("boundary set {a}", a=f"{facts['boundary_set']} {facts['boundary_version']}"),
        Phrase("made from {a}", a=_VIEWS[facts["evidence_view"]]),
    )  # fmt: skip
    return document(
        title, t("Results of a survey"), body, running=f"{title} · {run}", standing=t(joined(standing, "{a} · {b}")),
        attached=told, language=language, contents=t("Contents"),
    )  # fmt: skip


def survey_file(ending: str, told: Told, **page: Any) -> bytes:
    """Return results as `survey_page` has them (`.html`), or on one sheet of A4 (`.pdf`) where this machine makes PDF."""
    if ending == ".pdf":
        return pdf.on_one_page(lambda rows: survey_page(told, rows=rows, **page), told)
    return survey_page(told, **page).encode()


def warnings(told: Told) -> list[str]:
    """Return what may not be done with results, and what is not in them."""
    summary, category, as_cells = told["summary"], told["facts"]["sharing_category"], told["facts"]["events_as_cells"]
    every = {
        "{n} more (event/events) came as cells alone, and (is/are) in no number.": as_cells,
        "{n} (event tells/events tell) no scope. What they did not find is no absence.": summary["without_scope"],
        "{n} (event lies/events lie) surely on no side, and counts in joint results alone.": summary["events_of_no_side"],
    }  # fmt: skip
    exact = [Phrase("Made of exact places of category {a}. Not to be passed on.", a=category)] * (category != "open")
    return [*exact, *(Phrase(words, n=n) for words, n in every.items() if n)]


def summary_rows(told: Told) -> Rows:
    """Return what there is."""
    summary = told["summary"]
    rows = [
        ("Events", Phrase("{n} at {n1} site(s)", n=summary["events"], n1=summary["sites"])),
        ("Sides", joined(map(country_name, summary["sides"]), "{a} and {b}") or "no side surely"),
        ("Days", "not told" if summary["first"] is None else _span(summary["first"], summary["last"])),
        ("Records", Phrase("{n} of {n1} species", n=summary["records"], n1=summary["species"])),
        ("Looked for, never found", ", ".join(summary["never_found"])),
        ("Species left out", joined((_between(*one) for one in summary["not_told"].items()), "{a}; {b}")),
        ("Records left out", joined([Phrase("{n} {a}", n=n, a=why) for why, n in summary["left_out"].items()])),
    ]
    return [row for row in rows if row[1]]


def effort_rows(told: Told) -> Rows:
    """Return effort by side and method."""
    return [
        (
            part_name(one["side"]), spaced(one["method"]), one["events"], one["sites"],
            _of_unit(number(one["effort"]), units(one["effort_unit"] or "")), one["effort_unknown"], number(one["failed_days"]),
        )
        for one in told["effort"]
    ]  # fmt: skip


def _of_unit(n: str, unit: str) -> str:
    return Phrase("{n} {a}", n=n, a=unit) if unit else n


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
    unit = next((one["unit"] for one in rates.values() if "unit" in one), "")
    return {"rows": body, "unit": unit and _of_unit("100", units(unit))}


def _estimate(found: Told | None, words: Callable[[Told], str]) -> str:
    return "" if found is None or "refused" in found else words(found)


def richness_rows(told: Told) -> Rows:
    """Return species found and estimated by method and part."""
    every = [(method, part, one["by"][part]) for method, one in told["richness"].items() for part in _parts([one])]
    return [(part_name(part), spaced(method), *_estimates(one["estimates"])) for method, part, one in every]


def richness_notes(told: Told) -> list[str]:
    """Return what is not counted."""
    words = "{a}: {n} record(s) of no species, which may be of one of the others, not counted."
    numbers = {method: found["not_counted"] for method, found in told["richness"].items()}
    return [Phrase(words, a=_method(method), n=n) for method, n in numbers.items() if n]


def _estimates(pool: Told) -> tuple[Any, ...]:
    found = pool["sites"], pool["species"]
    if "refused" in pool:
        return *found, Phrase("not told: {a}", a=pool["refused"]), ""
    return *found, *(_with_error(pool[name], pool[f"{name}_se"]) for name in ("chao", "jack1"))


def _with_error(value: Any, error: Any) -> str:
    return f"{number(value)} ± {number(error, digits=2)}" if number(error) != NOT_KNOWN else number(value)


def _short(value: Any) -> str:
    return number(value, digits=3)


def _range(low: Any, high: Any, *, digits: int = 3) -> Phrase:
    return _span(number(low, digits=digits), number(high, digits=digits))


def _span(first: str, last: str) -> Phrase:
    return Phrase("{n} to {n1}", n=first, n1=last)


def _between(value: str, span: str) -> Phrase:
    return Phrase("{n} ({a})", n=value, a=span)


def _refused(why: str) -> str:
    """Return why something is not stated, with its side by the country's name."""
    if not isinstance(why, Phrase) or "side" not in why.values:
        return why
    return Phrase(why.template, **{**why.values, "side": country_name(why.values["side"])})


def _method(name: str) -> str:
    return spaced(name[:1].upper() + name[1:])


def _parts(rows: Iterable[Told]) -> list[str]:
    return [JOINT, *sorted({part for one in rows for part in one["by"]} - {JOINT})]


def _tables(
    rows: Sequence[Told], caption: Callable[[Sequence[Told], str], str], cell: Callable[[Told], str], *, last: tuple[str, Any] | None = None,
    years: bool = False,
) -> list[str | dict[str, Any]]:  # fmt: skip
    out: list[str | dict[str, Any]] = []
    for method in dict.fromkeys(one["method"] for one in rows):
        own = [one for one in rows if one["method"] == method]
        reasons = {found.get("refused") for one in own for found in one["by"].values()}
        if None not in reasons and len(reasons) == 1:  # nothing is told, for one and the same reason
            names, why = len({one["species"] for one in own}), _refused(reasons.pop())
            out.append(Phrase("{a}: not told of {n} name(s), since {b}.", a=_method(method), n=names, b=why))
            continue
        parts = _parts(own)
        sides = next((one["compared"].get("sides", ()) for one in own if one.get("compared")), None)
        head = ["Species", *(["Year"] if years else []), *map(part_name, parts)]
        if last and sides is not None:
            head.append(joined(map(part_name, sides), last[0]) or last[0])
        body = []
        for one in own:
            row = [_name(one["species"]), *([plain(one["repeat"])] if years else [])]
            row += [_cell(one["by"].get(part), cell, "not told: {a}") for part in parts]
            if last and sides is not None:
                row.append(_cell(one["compared"], last[1], "not compared: {a}"))
            body.append(row)
        out.append({"head": head, "rows": body, "caption": caption(own, _method(method))})
    return out


def _cell(found: Told | None, words: Callable[[Told], str], lacking: str) -> str:
    return "" if not found else Phrase(lacking, a=_refused(found["refused"])) if "refused" in found else words(found)


def abundance_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return independent events for each unit of effort."""

    def caption(rows: Sequence[Told], method: str) -> str:
        unit = next((f["unit"] for one in rows for f in one["by"].values() if "unit" in f), None)
        effort = "effort" if unit is None else _of_unit("100", units(unit))
        return Phrase("{a}: independent events for {b}, with 95 % limits", a=method, b=effort)

    def cell(found: Told) -> str:
        return joined([_rate(found), Phrase("{n} event(s)", n=found["events"])])

    return _tables(told["abundance"], caption, cell, last=("{a} ÷ {b}", _ratio))


def _rate(found: Told) -> str:
    return _between(_short(100 * found["rate"]), _range(100 * found["low"], 100 * found["high"]))


def _ratio(found: Told) -> str:
    high = "any number" if found["high"] is None else _short(found["high"])
    return _between(_short(found["ratio"]), _span(_short(found["low"]), high))


def occupancy_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return the share of sites that species used."""
    notes = _noted(told["occupancy"])

    def cell(found: Told) -> str:
        parts = [_share(found), Phrase("found at {n} of {n1}", n=found["found_at"], n1=found["sites"])]
        if found["psi"] is not None:
            chance = Phrase("detection {n}", n=number(found["p"], digits=2))
            parts.append(_between(chance, _range(found["p_low"], found["p_high"], digits=2)))
        return _marked(parts, found, notes)

    def differ(found: Told) -> str:
        p = found["p_value"]
        return Phrase("{a}, p {n}", a="yes" if p < 0.05 else "not shown", n=number(p, digits=2))

    def caption(rows: Sequence[Told], method: str) -> str:
        effort = joined(sorted({one["unit"] for one in rows}), "{a} or {b}")
        return Phrase("{a}: occupancy (95 %), where it was found, detection in one {b} (95 %)", a=method, b=effort)

    return _tables(told["occupancy"], caption, cell, last=("Sides differ", differ), years=True)


def _share(found: Told) -> str:
    interval = _range(found["psi_low"], found["psi_high"])
    return interval if found["psi"] is None else _between(_short(found["psi"]), interval)


def _noted(rows: Iterable[Told]) -> dict[str, str]:
    """Return the notes of estimates, each with a letter by which cells tell it."""
    every = [note for one in rows for found in one["by"].values() for note in found.get("notes", ())]
    return {note: chr(ord("a") + n) for n, note in enumerate(dict.fromkeys(every))}


def _marked(parts: Sequence[str], found: Told, notes: Mapping[str, str]) -> str:
    """Return the parts of a cell with the letters of its notes."""
    marks = ", ".join(notes[note] for note in found["notes"])
    return _between(joined(parts), marks) if marks else joined(parts)


def explained(rows: Iterable[Told]) -> list[str]:
    """Return the notes of estimates with their letters."""
    return [Phrase("{a}: {b}.", a=mark, b=note) for note, mark in _noted(rows).items()]


def trend_tables(told: Told) -> list[str | dict[str, Any]]:
    """Return trends; nothing of a survey of one year."""
    notes = _noted(told["trends"])

    def cell(found: Told) -> str:
        interval = _between(percent(found["change"]), _span(percent(found["low"]), percent(found["high"])))
        sites = Phrase("{n} site(s) in {n1} years", n=found["sites"], n1=found["repeats"])
        return _marked([found["says"], interval, sites], found, notes)

    words = "{a}: change of relative abundance a year with 95 % limits"
    return _tables(told["trends"], lambda _, method: Phrase(words, a=method), cell)


def total_rows(told: Told) -> Rows:
    """Return totals over sides."""
    return [
        (
            _name(one["species"]), spaced(one["method"]), plain(one["repeat"]),
            joined([Phrase("{a} {n}", a=part_name(side), n=n) for side, n in one["by_side"].items()]),
            _span(number(one["low"]), number(one["high"])) if one["low"] < one["high"] else number(one["high"]), one["groups_in_doubt"],
        )
        for one in told["totals"]
    ]  # fmt: skip


def parameter_rows_of(told: Told) -> Rows:
    """Return what all of it was made of."""
    return [(spaced(name), plain(value)) for name, value in (*told["facts"].items(), *told["parameters"].items())]


_OF_TEMPLATE: Final = (
    warnings, summary_rows, effort_rows, species_rows, sheet_view, richness_rows, richness_notes, abundance_tables,
    occupancy_tables, explained, trend_tables, total_rows, parameter_rows_of,
    survey_plots.as_data, Phrase,
)  # fmt: skip
_FUNCTIONS: Final = {one.__name__: one for one in _OF_TEMPLATE} | {"least_sites": LEAST_SITES}
