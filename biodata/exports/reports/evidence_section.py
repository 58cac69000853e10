"""The evidence of a candidate, or of ground that was looked at: species by side, what counts and what does not."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from biodata.exports.reports import markup, plots
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.material import Material
from biodata.exports.reports.species_names import species_of
from biodata.exports.reports.words import counted, number, percent, text
from biodata.places import country_name

_MOST_BARS: Final = 40
_TIERS: Final = MappingProxyType(
    {
        "certain": "The evidence is certain: each side has a record that surely lies there of a species that another side has, too.",
        "probable": "The evidence is probable: on a side no record of a shared species lies surely, but at least one of several very likely does.",
    }
)
_RED_LIST: Final = MappingProxyType(
    {
        "EX": "extinct", "EW": "extinct in the wild", "CR": "critically endangered", "EN": "endangered", "VU": "vulnerable",
        "NT": "near threatened", "LC": "least concern", "DD": "data deficient",
    }
)  # fmt: skip


def section(material: Material) -> str:
    """Return species by side: what counts, what does not, and where to look next."""
    found = material.evidence.get("species")
    view = material.row["evidence_view"]
    seen = (
        "public: made from what is published of the records alone"
        if view == "public"
        else "exact: made from the records themselves"
        if view == "exact"
        else "not told"
    )
    words = markup.paragraph(f"View of the records: {seen}.")
    if not found:
        return markup.section(
            "Evidence on each side",
            words,
            markup.paragraph(
                "No species are told here. How many are shared by side stands under the hard criteria, where the run had records."
            ),
            _lifts(material),
            identifier="evidence",
        )
    by_side = {country_name(code): counts for code, counts in found["by_country"].items()}
    codes, species, cells = list(found["by_country"]), species_of(material.evidence), found.get("at_cells") or {}
    tiers = {name: Mark('<span class="yes">two sides</span>') for name in found["shared"]}
    tiers |= dict.fromkeys(found.get("probably_shared") or [], Mark("two sides, one of them probable"))
    rows = [
        (_named(name, material), material.categories.get(name, "–"), *(_known(found, code, name) for code in codes),
         tiers.get(name, "one side at most"), number(cells[name]) if name in cells else "–")
        for name in species
    ]  # fmt: skip
    counting = (material.evidence.get("counted") or {}).get("parameters") or {}
    years = (
        f"Records from {counting['since']} to {counting['as_of']} count" if counting.get("since") else "Records count"
    )
    rule = (
        f"{years} where at least {percent(counting.get('side_share'))} of their uncertainty lies on one side, "
        f"farther than {number((material.evidence.get('boundaries') or {}).get('band_m'))} m from the border, no quality flag speaks "
        f"against them, and none stands within {number(counting.get('independent_minutes'))} minutes and "
        f"{number(counting.get('independent_m'))} m of another that counts. Such a record makes a species certain on its side. "
        "Where there is none, the records that lie on a side more likely than not are added up, one of each place of a source: the "
        f"species is probable there if at least one of them lies there with a chance of {percent(counting.get('side_share'))}."
    ) if counting else ""  # fmt: skip
    at_cells = (
        f"{counted(len(cells), 'species', 'species')} {'is' if len(cells) == 1 else 'are'} told at the scale of the cell that is published of "
        "their records (0.1° for most): such a record counts for the cell's country, once a cell and year, where at least half of the cell lies on the ground."
        if cells else ""
    )  # fmt: skip
    shown = species[:_MOST_BARS]
    bars = (
        plots.evidence_bars(shown, by_side, title=f"Records that count by species and side, for {len(shown)} species")
        if species
        else ""
    )
    left_out = [(reason, number(count)) for reason, count in (found.get("left_out") or {}).items()]
    return markup.section(
        "Evidence on each side",
        words, markup.paragraph(tier(material.row.get("evidence_tier")), "lead"), markup.paragraph(rule), markup.paragraph(at_cells, "warning"),
        markup.figure(bars, "Records that count, by species and side. Few records tell of little search as well as of few animals.") if bars else "",
        markup.table(["Species", "Red List", *by_side, "Evidence", "of these, published as squares"], rows, caption=f"Records that count, by side{_categories(material, species)}", numbers=(*range(2, 2 + len(codes)), 3 + len(codes)), kind="species dense"),
        markup.table(["Records near it that do not count", "Records"], left_out, caption="Left out, by the first reason that applies", numbers=(1,)) if left_out else "",
        _lifts(material),
        identifier="evidence",
    )  # fmt: skip


def tier(name: str | None) -> str:
    """Return what a tier of evidence means."""
    return _TIERS.get(name or "", "")


def _known(found: Mapping[str, Any], code: str, species: str) -> str:
    """Return the records that count in a country; where there is none the chance that others lie there."""
    count = found["by_country"][code].get(species, 0)
    unsure = (found.get("uncertain") or {}).get(code, {}).get(species)
    if count or not unsure:
        return number(count)
    return f"0; chance {min(unsure['chance'], 0.999):g} by {counted(unsure['records'], 'record')}"


def _lifts(material: Material) -> str:
    """Return what would lift the evidence to the next tier."""
    lifts = material.evidence.get("lifts") or []
    if not lifts:
        return ""
    return markup.heading("What would make the evidence surer") + markup.bullets(one["words"] for one in lifts)


def _named(species: str, material: Material) -> Mark:
    """Return a species' scientific name with its common ones."""
    common = " · ".join(material.names.get(species, ()))
    return Mark(f"<i>{text(species)}</i>" + (f'<span class="common">{text(common)}</span>' if common else ""))


def _categories(material: Material, species: Sequence[str]) -> str:
    """Return what the codes of the Red List in a table mean."""
    found = {material.categories.get(name) for name in species}
    told = [f"{code} {meaning}" for code, meaning in _RED_LIST.items() if code in found]
    return f" (Red List: {', '.join(told)})" if told else ""
