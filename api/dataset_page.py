"""A dataset's page for people, and the list of all; machines find schema.org's words inside."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.responses import HTMLResponse

from api import dataset_map, html
from api.catalogue import COUNTED, Catalogue
from api.gbif_names import country_name
from biodata.exports import catalogue
from biodata.exports.catalogue import DatasetEntry
from biodata.sharing.labels import labels
from biodata.sharing.licences import LICENCES

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
        drawn = catalogue.once(entry.key, "map", lambda: dataset_map.extent_map(catalogue, entry.key, bounds))
        parts += [html.heading("Where", "where"), drawn]
    if entry.years is not None:
        years = catalogue.counts(entry.key, "year")
        parts += [html.heading("When", "when"), dataset_map.years_chart(years)]
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
    told = json.dumps(catalogue.schema_org_dataset(entry), ensure_ascii=False)
    for sign, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028")):
        told = told.replace(sign, escaped)
    return f'<script type="application/ld+json">{told}</script>'
