"""Where a report's result is: the map with its key, the areas by number, each country's share of the ground."""

from collections.abc import Mapping
from typing import Any

from biodata.exports.reports import area_map, markup
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.material import Material
from biodata.exports.reports.words import countries, joined, number, text
from biodata.places import country_name


def section(material: Material) -> str:
    """Return the map with its key, the areas by number, and each country's share of the ground."""
    title_of_map = f"Map of {material.row.get('name') or material.id} with protected areas, corridor and border"
    boundaries = material.evidence.get("boundaries") or {}
    drawing = area_map.draw(material, band_m=boundaries.get("band_m"), title=title_of_map)
    key = Mark(" ".join(f"{_swatch(colour)} {text(words)}." for colour, words in _key(material)))
    areas = [
        (f"{n}", _both_names(area), countries(area["country_codes"] or []), area["designation"] or "not told",
         area["iucn_category"] or "not told", area["status"] or "not told")
        for n, area in enumerate(area_map.numbered(material), start=1)
    ]  # fmt: skip
    ground = material.evidence.get("ground") or {}
    shares = [
        (country_name(code), number(share["km2"]), f"{share['percent']:g} %")
        for code, share in (ground.get("countries") or {}).items()
    ]
    shares += [
        (f"{name} (disputed, no side)", number(one["km2"]), f"{one['percent']:g} %")
        for name, one in (ground.get("disputed") or {}).items()
    ]
    disputed = [one["name"] for one in material.borders if one["level"] == "disputed"]
    return markup.section(
        "Where it is",
        markup.figure(drawing, "No place of any record is drawn. North is up; lengths are true in the middle.") if drawing else markup.paragraph("It has no shape that could be drawn."),
        markup.paragraph(key, "quiet") if drawing else "",
        markup.paragraph(f"On this map the boundary set marks as disputed, and gives to no side: {joined(disputed)}.") if disputed else "",
        markup.table(["No.", "Protected area", "Country", "Designation", "IUCN", "Status"], areas, caption="Protected areas by their number on the map") if areas else markup.paragraph("It joins no protected areas: it is a piece of border ground."),
        markup.table(["Country", "km²", "Share"], shares, caption="The ground by country", numbers=(1, 2)) if shares else "",
        identifier="where",
    )  # fmt: skip


def _key(material: Material) -> list[tuple[str, str]]:
    return [entry for entry in area_map.LEGEND if not (material.table == "corridors" and "candidate" in entry[1])]


def _swatch(colour: str) -> str:
    """Return a square of a colour."""
    square = f'<rect width="14" height="14" fill="{colour}"/>'
    return f'<svg class="key" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">{square}</svg>'


def _both_names(area: Mapping[str, Any]) -> str:
    """Return an area's name, and the one in its own language."""
    names = dict.fromkeys(name for name in (area["name"], area["original_name"]) if name)
    return " · ".join(names) or area["area_id"]
