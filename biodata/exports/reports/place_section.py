"""Where a report's result is: the map with its key, the areas by number, each country's share of the ground."""

from collections.abc import Mapping
from typing import Any

from biodata.exports.reports import area_map, map_key, markup
from biodata.exports.reports.material import Material, same_boundaries
from biodata.exports.reports.words import countries, joined, number, plain
from biodata.places import country_name


def section(material: Material) -> str:
    """Return the map with its key, the areas by number, and each country's share of the ground."""
    title_of_map = f"Map of {material.row.get('name') or material.id} with protected areas, corridor and border"
    told, same = material.evidence.get("boundaries") or {}, same_boundaries(material)
    drawing = area_map.draw(material, band_m=told.get("band_m") if same else None, title=title_of_map)
    subject = {"corridors": "", "reserve_candidates": "the candidate"}.get(
        material.table, "the ground that was looked at"
    )
    key = map_key.key(subject=subject, band=same and bool(told.get("band_m")))
    drawn_of = material.release.get("boundaries") or {}
    note = (
        f"Borders: {plain(drawn_of.get('boundary_set'))}, {plain(drawn_of.get('boundary_version'))}. "
        if drawn_of
        else ""
    )
    note += "No place of any record is drawn. North is up; lengths are true in the middle."
    other = "" if same else (
        f"The map draws the borders of the boundary set of the release, {plain(drawn_of.get('boundary_set'))} {plain(drawn_of.get('boundary_version'))}. "
        f"The result was reckoned with another set, {plain(told.get('name'))} {plain(told.get('version'))}, whose borders and band are not drawn."
    )  # fmt: skip
    areas = [
        (f"{n}", _both_names(area), countries(area["country_codes"] or []), area["designation"] or "not told",
         area["iucn_category"] or "not told", area["status"] or "not told")
        for n, area in enumerate(area_map.numbered(material), start=1)
    ]  # fmt: skip
    ground = material.evidence.get("ground") or {}
    shares = [
        (country_name(code), number(share["km2"]), f"{number(share['percent'], digits=3)} %")
        for code, share in (ground.get("countries") or {}).items()
    ]
    shares += [
        (f"{name} (disputed, no side)", number(one["km2"]), f"{number(one['percent'], digits=3)} %")
        for name, one in (ground.get("disputed") or {}).items()
    ]
    disputed = [one["name"] for one in material.borders if one["level"] == "disputed"]
    return markup.section(
        "Where it is",
        markup.figure(drawing, note) if drawing else markup.paragraph("It has no shape that could be drawn."),
        key.html if drawing else "", markup.paragraph(other, "warning"),
        markup.paragraph(f"On this map the boundary set marks as disputed, and gives to no side: {joined(disputed)}.") if disputed else "",
        markup.table(["No.", "Protected area", "Country", "Designation", "IUCN", "Status"], areas, caption="Protected areas by their number on the map", kind="stack") if areas else markup.paragraph("It joins no protected areas: it is a piece of border ground."),
        markup.table(["Country", "km²", "Share"], shares, caption="The ground by country", numbers=(1, 2)) if shares else "",
        identifier="where",
    )  # fmt: skip


def _both_names(area: Mapping[str, Any]) -> str:
    """Return an area's name, and the one in its own language."""
    names = dict.fromkeys(name for name in (area["name"], area["original_name"]) if name)
    return " · ".join(names) or area["area_id"]
