"""The section of a survey's results that tells of all that is published, the places that are told as cells among it."""

from collections.abc import Callable, Mapping
from typing import Any

from biodata.exports.reports import markup, survey_marks
from biodata.exports.reports.survey_marks import JOINT
from biodata.exports.reports.survey_marks import part_name as _part
from biodata.exports.reports.survey_words import cells_of, figures, range_of, species_of
from biodata.exports.reports.words import counted, number, plain, spaced


def published(told: Mapping[str, Any], drawings: Mapping[str, Any]) -> str:
    """Tell what any reader of a release can count; nothing where no place is coarse, or of exact records."""
    found = told.get("published")
    if not found:
        return ""
    degrees, events, records = f"{found['cell_degrees']:g}°", found["events"], found["records"]
    parts = [JOINT, *(found["sides"] if len(found["sides"]) > 1 else [])]
    no_cell = f" {counted(records['no_cell'], 'record')} in no single cell." if records["no_cell"] else ""
    return markup.section(
        "All that is published",
        markup.paragraph(
            f"Where a sensitive species was met, a release tells a cell of up to {degrees} in place of the station, the year in place of "
            f"the day, and effort to one figure. Here {counted(events['coarse'], 'such event')} and {counted(records['coarse'], 'such record')} "
            f"stand beside {counted(events['open'], 'open event')} and {counted(records['open'], 'open record')}.{no_cell} Anybody can count "
            "this in the release. What is withheld is in no number, here as there, and a species without a record is not said to be absent."
        ),
        *figures(drawings, "published-"),
        _effort(found),
        _species(found, parts),
        _richness(found, parts),
        _rates(found, parts),
        identifier="published",
    )


def _effort(found: Mapping[str, Any]) -> str:
    rows = [
        (
            _part(one["side"]), spaced(one["method"]), plain(one["year"]), one["events"], one["coarse"], _amount(one), one["unknown"],
        )
        for one in found["effort"]
    ]  # fmt: skip
    head = ("Side", "Method", "Year", "Events", "As cells", "Effort", "Effort not known")
    caption = "Effort of open events and of those told as cells: the least and the most that their figures stand for"
    return markup.table(head, rows, caption=caption, numbers=(3, 4, 5, 6), kind="stack")


def _amount(one: Mapping[str, Any]) -> str:
    """Return effort as a number, or the least and the most of it."""
    if one["effort"] is None:
        return number(None)
    span = number(one["effort"]) if one["low"] == one["high"] else range_of(one["low"], one["high"], digits=4)
    return f"{span} {survey_marks.units(one['effort_unit'] or '')}".strip()


def _species(found: Mapping[str, Any], parts: list[str]) -> str:
    rows = [[species_of(one["species"]), *_cells(one, parts, _records)] for one in found["species"]]
    caption = f"Records of species that are published, and in how many cells of {found['cell_degrees']:g}°"
    return markup.table(("Species", *(_part(part) for part in parts)), rows, caption=caption, kind="stack species")


def _cells(one: Mapping[str, Any], parts: list[str], words: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """Return what each part tells; a part without a record is no absence."""
    return [cell or "no record published" for cell in cells_of(one, parts, words)]


def _records(one: Mapping[str, Any]) -> str:
    as_cells = "all" if one["coarse"] == one["records"] else f"{one['coarse']:,}"
    coarse = f" ({as_cells} as cells)" if one["coarse"] else ""
    first, last = one["first_year"], one["last_year"]
    years = "" if first is None else f", {first}" if first == last else f", {first} to {last}"
    return f"{counted(one['records'], 'record')}{coarse} in {counted(one['cells'], 'cell')}{years}"


def _richness(found: Mapping[str, Any], parts: list[str]) -> str:
    rows = []
    for part in parts:
        pool = found["richness"][part]["estimates"]
        if "refused" in pool:
            every = f"not told: {pool['refused']}"
        else:
            every = f"{number(pool['chao'])} ± {number(pool['chao_se'], digits=2)}" if pool["species"] else number(None)
        rows.append((_part(part), pool["sites"], pool["species"], every))
    caption = f"Species of cells of {found['cell_degrees']:g}° in which somebody looked or something was found"
    return markup.table(("Part", "Cells", "Found", "Chao"), rows, caption=caption, numbers=(1, 2, 3), kind="stack")


def _rates(found: Mapping[str, Any], parts: list[str]) -> str:
    every = [one for row in found["rates"] for one in row["by"].values()]
    reasons = {one.get("refused") for one in every}
    if len(reasons) == 1 and None not in reasons:
        return markup.paragraph(f"Records for each unit of effort are not told: {reasons.pop()}.")
    unit = next((survey_marks.units(one["unit"]) for one in every if "unit" in one), "units of effort")
    rows = [[species_of(one["species"]), *_cells(one, parts, _rate)] for one in found["rates"]]
    caption = f"Records for 100 {unit}, with 95 % limits over cells: records, not independent events, for their days are not told"
    return markup.table(("Species", *(_part(part) for part in parts)), rows, caption=caption, kind="stack species")


def _rate(one: Mapping[str, Any]) -> str:
    value, low, high = (100 * one[name] for name in ("rate", "low", "high"))
    return f"{number(value, digits=3)} ({range_of(low, high)}), {counted(one['records'], 'record')} in {counted(one['cells'], 'cell')}"
