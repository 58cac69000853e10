"""A dataset's page for people with its map and years as SVG, and the list of all; machines find schema.org's words inside."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

import shapely
from starlette.responses import HTMLResponse

from api import answers
from api.catalogue import COUNTED, SOUND, Catalogue
from api.gbif_names import country_name
from biodata.exports.catalogue import DatasetEntry, schema_org_dataset
from biodata.sharing.labels import labels
from biodata.sharing.licences import LICENCES
from biodata.store.query.filters import And, Compare, InBox

WIDTH: Final = 720
_SQUARES: Final = 60
"""Squares across the map that records are counted in."""
_LEAST_DEGREES: Final = 4.0
_MARGIN: Final = 0.12
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
    land, names = [], []
    for name, wkb in catalogue.countries(And((Compare("level", "=", "country"), wide))):
        part = shapely.intersection(shapely.from_wkb(wkb), frame)
        land.append([[(x(a), y(b)) for a, b in ring] for ring in _rings(shapely.simplify(part, (east - west) / 1_200))])
        if part.area > frame.area * _NAMED:
            at = shapely.point_on_surface(part)
            names.append((x(at.x), y(at.y), name))
    side = (east - west) / _SQUARES
    squares = catalogue.run(_COUNT, [west, side, south, side, key])
    most = max((count for _, _, count in squares), default=1)
    words = (
        f"Published records lie between {_degrees(bounds[0], 'E', 'W')} and {_degrees(bounds[2], 'E', 'W')}, "
        f"{_degrees(bounds[1], 'N', 'S')} and {_degrees(bounds[3], 'N', 'S')}."
    )
    return answers.drawn(
        "extent.svg",
        width=WIDTH,
        height=height,
        words=words,
        land=land,
        names=names,
        dots=[
            (x(west + (column + 0.5) * side), y(south + (row + 0.5) * side), 2 + 5 * math.sqrt(count / most))
            for column, row, count in squares
        ],
        box=(x(bounds[0]), y(bounds[3]), max(x(bounds[2]) - x(bounds[0]), 1), max(y(bounds[1]) - y(bounds[3]), 1)),
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
    width, most = WIDTH / len(bars), max(bars)
    return answers.drawn(
        "years.svg",
        width=WIDTH,
        height=120,
        words=f"Records by year, {first} to {last}; at most {most:,} in {'a year' if step == 1 else f'{step} years'}.",
        bars=[(n * width, count / most, count, _span(start + n * step, step)) for n, count in enumerate(bars)],
        bar=max(width - 2, 1),
        start=start,
        last=last,
    )


def _window(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Return the part of the Earth that the map shows: the box with a margin, and not too narrow."""
    west, south, east, north = bounds
    width, height = east - west, north - south
    side = max(width, height, _LEAST_DEGREES)
    across, up = max(width, side * 1.2) * (1 + 2 * _MARGIN), max(height, side * 0.6) * (1 + 2 * _MARGIN)
    x, y = (west + east) / 2, (south + north) / 2
    return x - across / 2, max(y - up / 2, -89.0), x + across / 2, min(y + up / 2, 89.0)


def _rings(geometry: Any) -> list[Any]:
    """Return the rings of polygons, each without its last position, which is its first."""
    return [
        ring.coords[:-1]
        for part in shapely.get_parts(geometry)
        if isinstance(part, shapely.Polygon) and not part.is_empty
        for ring in (part.exterior, *part.interiors)
    ]


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
    extent, years = "", dict[str, int]()
    if (bounds := entry.bounds) is not None:
        extent = catalogue.once(entry.key, "map", lambda: extent_map(catalogue, entry.key, bounds))
    if entry.years is not None:
        years = catalogue.counts(entry.key, "year")
    return answers.page(
        "dataset",
        entry.title,
        up=[("/", "Map"), ("/v1/dataset?f=html", "Datasets")],
        entry=entry,
        named=named,
        facts=facts,
        extent=extent,
        chart=years_chart(years),
        years=sorted(_rows(years, "year")),
        counts=[(words, list(_rows(catalogue.counts(entry.key, by), by))[:_ROWS]) for by, words in _WORDS.items()]
        if entry.records
        else [],
        linked=schema_org_dataset(entry),
    )


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
    return answers.page("datasets", "Datasets", up=[("/", "Map")], count=count, rows=rows, following=following)


def _rows(counts: Mapping[str, int], by: str) -> Iterable[tuple[Any, str]]:
    """Return counts as rows of a table."""
    for value, count in counts.items():
        name = country_name(value) or value if COUNTED[by] == "countryCode" else value
        yield name, f"{count:,}"
