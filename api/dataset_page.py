"""A dataset's page for people with its map and years as SVG, and the list of all; machines find schema.org's words inside."""

import json
import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

import shapely
from starlette.responses import HTMLResponse

from api import html
from api.catalogue import COUNTED, SOUND, Catalogue
from api.gbif_names import country_name
from biodata.exports import schema_org
from biodata.exports.catalogue import DatasetEntry
from biodata.sharing.labels import labels
from biodata.sharing.licences import LICENCES
from biodata.store.query.filters import And, Compare, InBox

WIDTH: Final = 720
_SQUARES: Final = 60
"""Squares across the map that records are counted in."""
_LEAST_DEGREES: Final = 4.0
_MARGIN: Final = 0.12
_LAND, _SEA, _LINE, _DOT, _BOX = "#f4f1e8", "#dfeaf2", "#8f9b93", "#0b5d3b", "#a3341d"
_BARS: Final = 60
_NAMED: Final = 0.04
"""Share of the map that a country needs for its name."""

_COUNT: Final = f"""
    SELECT floor(("decimalLongitude" - ?) / ?)::INTEGER AS x, floor(("decimalLatitude" - ?) / ?)::INTEGER AS y, count(*)
    FROM occurrences WHERE "datasetKey" = ? AND "decimalLongitude" IS NOT NULL AND {SOUND} GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - names of flags, from our own list


def extent_map(catalogue: Catalogue, key: str, bounds: tuple[float, float, float, float]) -> str:
    """Return a map of a dataset's published records as SVG.

    Parameters
    ----------
    catalogue : Catalogue
        Of the release.
    key : str
        The dataset.
    bounds : (west, south, east, north)
        Of its published coordinates, degrees.
    """
    west, south, east, north = _window(bounds)
    stretch = math.cos(math.radians((south + north) / 2))  # a degree of longitude is so much narrower
    scale = WIDTH / ((east - west) * stretch)
    height = round((north - south) * scale)

    def x(longitude: float) -> float:
        return (longitude - west) * stretch * scale

    def y(latitude: float) -> float:
        return (north - latitude) * scale

    frame = shapely.box(west, south, east, north)
    wide = InBox(max(west, -180), max(south, -90), min(east, 180), min(north, 90))
    land, names = "", ""
    for name, wkb in catalogue.countries(And((Compare("level", "=", "country"), wide))):
        part = shapely.intersection(shapely.from_wkb(wkb), frame)
        land += _path(shapely.simplify(part, (east - west) / 1_200), x, y)
        if part.area > frame.area * _NAMED:
            at = shapely.point_on_surface(part)
            names += f'<text x="{x(at.x):.0f}" y="{y(at.y):.0f}">{escape(name)}</text>'
    side = (east - west) / _SQUARES
    squares = catalogue.run(_COUNT, [west, side, south, side, key])
    most = max((count for _, _, count in squares), default=1)
    dots = "".join(
        f'<circle cx="{x(west + (column + 0.5) * side):.1f}" cy="{y(south + (row + 0.5) * side):.1f}" '
        f'r="{2 + 5 * math.sqrt(count / most):.1f}"/>'
        for column, row, count in squares
    )
    box = (x(bounds[0]), y(bounds[3]), max(x(bounds[2]) - x(bounds[0]), 1), max(y(bounds[1]) - y(bounds[3]), 1))
    words = (
        f"Published records lie between {_degrees(bounds[0], 'E', 'W')} and {_degrees(bounds[2], 'E', 'W')}, "
        f"{_degrees(bounds[1], 'N', 'S')} and {_degrees(bounds[3], 'N', 'S')}."
    )
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-labelledby="map-title map-words"><title id="map-title">Map of the published records</title>'
        f'<desc id="map-words">{escape(words)}</desc><rect width="{WIDTH}" height="{height}" fill="{_SEA}"/>'
        f'<g fill="{_LAND}" stroke="{_LINE}" stroke-width="0.8" fill-rule="evenodd">{land}</g>'
        f'<g fill="#5a655e" font-size="15" text-anchor="middle">{names}</g>'
        f'<g fill="{_DOT}" fill-opacity="0.65">{dots}</g>'
        f'<rect x="{box[0]:.1f}" y="{box[1]:.1f}" width="{box[2]:.1f}" height="{box[3]:.1f}" fill="none" '
        f'stroke="{_BOX}" stroke-width="1.5" stroke-dasharray="6 4"/></svg>'
        f"<figcaption>{escape(words)} A larger dot stands for more records.</figcaption></figure>"
    )


def years_chart(counts: Mapping[str, int]) -> str:
    """Return bars of records by year, by five or more years where there are many, as SVG; nothing without years."""
    years = {int(year): count for year, count in counts.items()}
    if not years:
        return ""
    first, last = min(years), max(years)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 1_000) if (last - first) // s < _BARS)
    start = first // step * step
    bars = [0] * ((last - start) // step + 1)
    for year, count in years.items():
        bars[(year - start) // step] += count
    width, height, most = WIDTH / len(bars), 120, max(bars)
    drawn = "".join(
        f'<rect x="{n * width:.1f}" y="{height - count / most * height:.1f}" width="{max(width - 2, 1):.1f}" '
        f'height="{count / most * height:.1f}"><title>{_span(start + n * step, step)}: {count:,}</title></rect>'
        for n, count in enumerate(bars)
        if count
    )
    words = f"Records by year, {first} to {last}; at most {most:,} in {'a year' if step == 1 else f'{step} years'}."
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {height + 22}" width="{WIDTH}" height="{height + 22}" role="img" '
        f'aria-labelledby="years-words"><title id="years-words">{words}</title>'
        f'<rect width="{WIDTH}" height="{height}" fill="#f1f4f2"/><g fill="{_DOT}">{drawn}</g>'
        f'<text x="0" y="{height + 16}" font-size="13">{start}</text>'
        f'<text x="{WIDTH}" y="{height + 16}" font-size="13" text-anchor="end">{last}</text></svg>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _window(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the part of the Earth that the map shows: the box with a margin, and not too narrow."""
    west, south, east, north = bounds
    width, height = east - west, north - south
    side = max(width, height, _LEAST_DEGREES)
    across, up = max(width, side * 1.2) * (1 + 2 * _MARGIN), max(height, side * 0.6) * (1 + 2 * _MARGIN)
    x, y = (west + east) / 2, (south + north) / 2
    return x - across / 2, max(y - up / 2, -89.0), x + across / 2, min(y + up / 2, 89.0)


def _path(geometry: Any, x: Any, y: Any) -> str:
    """Return the rings of polygons as an SVG path."""
    rings: Iterable[Any] = (
        ring
        for part in shapely.get_parts(geometry)
        if isinstance(part, shapely.Polygon) and not part.is_empty
        for ring in (part.exterior, *part.interiors)
    )
    told = "".join("M" + "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in ring.coords[:-1]) + "Z" for ring in rings)
    return f'<path d="{told}"/>' if told else ""


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.2f}° {positive if value >= 0 else negative}"


def _span(year: int, step: int) -> str:
    return str(year) if step == 1 else f"{year}–{year + step - 1}"


_WORDS = {
    "basisOfRecord": "Kind of record",
    "country": "Country",
    "class": "Class",
    "sharingCategory": "How exact the place is",
    "license": "Licence of the records",
}
_ROWS = 15


def one(catalogue: Catalogue, entry: DatasetEntry) -> HTMLResponse:
    """Return a dataset's page."""
    named = quote(entry.key, safe="")
    facts = [
        ("Type", entry.type.lower()),
        ("Publisher", entry.publisher or "not told"),
        ("Licence", (entry.license_url, entry.license_name) if entry.license_url else entry.license_name),
        ("Pictures and sounds", _media(catalogue.media_licences(entry.key))),
        ("Labels of communities", _labels(entry.labels)),
        ("Permits", " ".join([*(f"{permit}." for permit in entry.permits), *entry.permit_notices]) or "none is told"),
        ("DOI", (entry.doi_url, entry.doi) if entry.doi_url else "none"),
        ("Records published", f"{entry.records:,}"),
        ("With coordinates", f"{entry.placed:,}"),
        ("Presences of sensitive taxa", f"{entry.generalised:,}"),
        ("Species", f"{entry.species:,}"),
        (
            "Survey events published",
            (f"/ogc/collections/surveys/items?f=html&datasetKey={named}", f"{entry.surveys:,}")
            if entry.surveys
            else "none",
        ),
        ("Years", f"{entry.years[0]} to {entry.years[1]}" if entry.years else "not told"),
        ("Key", entry.key),
        ("Release", f"{entry.release}, {entry.modified[:10]}"),
    ]
    parts = [
        *(html.paragraph(text) for text in (*entry.description, entry.counts, entry.generalisation) if text),
        html.links([(f"/?dataset={named}", "See it on the map")]) if entry.placed or entry.survey_bounds else "",
        html.heading("Facts", "facts"),
        html.table(["Fact", "Value"], facts),
    ]
    if entry.bounds is not None:
        bounds = entry.bounds
        drawn = catalogue.once(entry.key, "map", lambda: extent_map(catalogue, entry.key, bounds))
        parts += [html.heading("Where", "where"), drawn]
    if entry.years is not None:
        years = catalogue.counts(entry.key, "year")
        parts += [html.heading("When", "when"), years_chart(years)]
        parts.append(html.folded("Records by year", html.table(["Year", "Records"], sorted(_rows(years, "year")))))
    parts += [html.heading("How it may be used", "rights"), html.paragraph(entry.rights)]
    parts += [html.heading("How to cite", "cite"), html.paragraph(entry.cite)]
    if entry.records:
        parts += [html.heading("Records", "records"), _get(entry), html.heading("Counts", "counts")]
        for by, words in _WORDS.items():
            counts = catalogue.counts(entry.key, by)
            if counts:
                rows = list(_rows(counts, by))[:_ROWS]
                parts += [f"<h3>{escape(words)}</h3>", html.table([words, "Records"], rows)]
    forms = [
        (f"/v1/dataset/{named}/document", "EML 2.2 (GBIF profile)"),
        (f"/v1/dataset/{named}?f=jsonld", "schema.org (JSON-LD)"),
        (f"/v1/dataset/{named}?f=dcat", "DCAT (JSON-LD)"),
        (f"/v1/dataset/{named}?f=ttl", "DCAT (Turtle)"),
        (f"/v1/dataset/{named}?f=json", "As GBIF's API has it (JSON)"),
    ]
    parts += [html.heading("Metadata", "metadata"), html.links(forms), _linked_data(entry)]
    return html.page(entry.title, *parts, up=[("/", "Map"), ("/v1/dataset?f=html", "Datasets")])


def _media(counts: Mapping[str, int]) -> str:
    """Return how many pictures and sounds are under which licence."""
    return "; ".join(f"{count:,} under {LICENCES[name][0]}" for name, count in counts.items()) or "none"


def _labels(codes: Iterable[str]) -> str:
    """Return labels by name; what each means stands among the facts of rights."""
    return "; ".join(f"{labels()[code].name} ({code})" if code in labels() else code for code in codes) or "none"


def every(entries: Iterable[DatasetEntry], count: int, following: str | None) -> HTMLResponse:
    """Return the list of datasets; `following` is the address of the next page."""
    rows = [
        (
            (f"/v1/dataset/{quote(e.key, safe='')}?f=html", e.title),
            e.key,
            e.type.lower(),
            e.publisher,
            e.license_name,
            f"{e.records:,}",
            f"{e.years[0]}–{e.years[1]}" if e.years else None,
        )
        for e in entries
    ]
    more = [(following, "Next page")] if following else []
    return html.page(
        "Datasets",
        html.paragraph(f"{count:,} datasets are in this release. All that is told is from published values."),
        html.table(["Dataset", "Key", "Type", "Publisher", "Licence", "Records", "Years"], rows),
        html.links([*more, ("/catalog.ttl", "All as DCAT (Turtle)"), ("/catalog.jsonld", "All as DCAT (JSON-LD)")]),
        up=[("/", "Map")],
    )


def _rows(counts: Mapping[str, int], by: str) -> Iterable[tuple[Any, str]]:
    """Return counts as rows of a table."""
    for value, count in counts.items():
        name = country_name(value) or value if COUNTED[by] == "countryCode" else value
        yield name, f"{count:,}"


def _get(entry: DatasetEntry) -> str:
    """Return links to the records, and buttons that ask for a download of them."""
    named = quote(entry.key, safe="")
    listed = [(address, name) for name, (address, _) in entry.files.items()]
    buttons = "".join(
        f'<form method="post" action="/v1/downloads?datasetKey={named}&amp;format={name}">'
        f"<button>Ask for a download: {escape(words)}</button></form>"
        for name, words in (("dwca", "Darwin Core Archive"), ("csv", "CSV"), ("geoparquet", "GeoParquet"))
    )
    return html.links(listed) + buttons


def _linked_data(entry: DatasetEntry) -> str:
    """Return schema.org's words as a block of data; nothing in it can end the block."""
    told = json.dumps(schema_org.dataset(entry), ensure_ascii=False)
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        told = told.replace(sign, escaped)
    return f'<script type="application/ld+json">{told}</script>'
