"""Datasets of the release: GBIF's routes, and the catalogue as EML, schema.org, DCAT and pages for people."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import answers, documents, models
from api.answers import HTML, JSON, address, json_answer, only
from api.catalogue import COUNTED, Catalogue
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid, unknown_parameter, unknown_value
from api.gbif_names import LICENSE_URLS, country_name
from api.readers import like_literal, one_of, window
from biodata.exports import catalogue
from biodata.exports.catalogue import OCCURRENCE, TYPES, DatasetEntry, eml, eml_facts, schema_org_dataset
from biodata.sharing.labels import labels
from biodata.sharing.licences import LICENCES
from biodata.store.query.filters import And, Compare, Filter, In, Like, Not, Or

router = APIRouter(tags=["datasets"])

LIMIT: Final = 1_000
SUGGESTIONS: Final = 20
JSON_LD: Final = "application/ld+json"
XML: Final = "application/xml"
_CACHE: Final = MappingProxyType({"Cache-Control": "public, max-age=60", "Vary": "Accept"})
_FORMS: Final = ("json", "html", "jsonld", "dcat", "eml")
_TYPES: Final = {JSON: "json", HTML: "html", JSON_LD: "jsonld", XML: "eml", "application/eml+xml": "eml"}
_ACCEPTED: Final = ("hl", "facetLimit", "facetOffset", "facetMincount", "facetMultiselect")
"""GBIF's parameters that choose no datasets; pygbif sends them."""

_OTHER_TYPES: Final = ("SAMPLING_EVENT", "MATERIAL_ENTITY")
"""What GBIF has besides; here events are told with their occurrences."""

_ANSWERED: Final = ("q", "license", "type", "limit", "offset", "f")
_SENT: Final = ("q", "type", "limit", "offset", *_ACCEPTED)
"""What pygbif sends beside a key, too."""

_PARAMETERS: Final = documents.plain_parameters(
    ("q", {"type": "string"}, "Text in title, key or citation."),
    ("license", {"type": "string", "enum": list(LICENSE_URLS)}, "Only datasets of this licence."),
    ("type", {"type": "string", "enum": list(TYPES)}, "Only datasets of this type."),
    ("limit", {"type": "integer", "minimum": 0}, "Datasets of a page."),
    ("offset", dict(documents.OFFSET), "Datasets to leave out."),
    ("f", {"type": "string", "enum": ["json", "html"]}, "json, or a page for people; else Accept decides."),
)
_FORM: Final = documents.plain_parameters(
    ("f", {"type": "string", "enum": list(_FORMS)}, "How it is told; else the Accept header decides.")
)
_PAGE_ANSWERS: Final = {
    **documents.answers(None),
    200: {"description": "Datasets", "model": models.DatasetPage, "content": {HTML: {}}},
}
_XML_ANSWER: Final = {**documents.answers(None, missing=True), 200: {"description": "EML 2.2", "content": {XML: {}}}}


@router.get(
    "/v1/dataset",
    summary="Datasets",
    openapi_extra=_PARAMETERS,
    responses=_PAGE_ANSWERS,
)
@router.get(
    "/v1/dataset/search",
    summary="Search datasets",
    openapi_extra=_PARAMETERS,
    responses=_PAGE_ANSWERS,
)
def search(request: Request) -> Response:
    """Answer a page of datasets."""
    query = request.query_params
    for name in query:
        if name not in (*_ANSWERED, *_ACCEPTED):
            raise unknown_parameter(name, _ANSWERED)
    limit, offset = window(query, default=20, most=LIMIT)
    form = _form(request, ("json", "html"))
    with service(request).open(request) as release:
        filter_ = _filter(request, release)
        page = release.file.page("datasets", filter_, ("key",), limit=limit, offset=offset)
        count = release.file.count("datasets", filter_)
        entries = list(_entries(request, release, tuple(key for (key,) in page.rows)))
    more = offset + len(page.rows) < count
    if form == "html":
        items = [(name, value) for name, value in query.multi_items() if name not in ("offset", "f")]
        following = address(request, "/v1/dataset", [*items, ("offset", offset + limit), ("f", "html")])
        return _list_page(entries, count, following if more and limit else None)
    body = {
        "offset": offset, "limit": limit, "endOfRecords": not more, "count": count,
        "results": [dataset(entry) for entry in entries], "facets": [],
    }  # fmt: skip
    return json_answer(body, headers={"Vary": "Accept"})


@router.get(
    "/v1/dataset/suggest",
    openapi_extra=documents.plain_parameters(
        ("q", {"type": "string"}, "Text in title or key."),
        ("limit", {"type": "integer", "minimum": 0, "default": SUGGESTIONS}, "Suggestions."),
    ),
    **documents.answered(list[models.DatasetSuggestion], "Datasets whose title holds a text"),
)
def suggest(request: Request) -> Response:
    """Answer a list of key, title and type."""
    only(request, "q", "type", "limit", *_ACCEPTED)
    limit, _ = window(request.query_params, default=SUGGESTIONS, most=100)
    with service(request).open(request) as release:
        page = release.file.page("datasets", _filter(request, release), ("key", "title"), limit=limit, offset=0)
        found = list(_entries(request, release, tuple(key for key, _ in page.rows)))
    return json_answer([{"key": entry.key, "title": entry.title, "type": entry.type} for entry in found])


@router.get("/v1/dataset/{key:path}/document", summary="A dataset's EML", responses=_XML_ANSWER)
def document(request: Request, key: str) -> Response:
    """Answer a dataset's metadata as EML 2.2 in GBIF's profile, its extents from published values."""
    only(request, *_SENT)
    with service(request).open(request) as release:
        return _eml(_entry(request, release, key))


@router.get(
    "/v1/dataset/{key:path}/metrics", **documents.answered(models.DatasetMetrics, "A dataset's numbers", missing=True)
)
def metrics(request: Request, key: str) -> Response:
    """Answer numbers of published records, and of them by kingdom, rank and doubt."""
    only(request, *_SENT)
    with service(request).open(request) as release:
        entry, found = _entry(request, release, key), release.facts.catalogue
        body = {
            "datasetKey": key,
            "usagesCount": entry.records,
            "occurrencesCount": entry.records,
            "georeferencedCount": entry.placed,
            "generalisedCount": entry.generalised,
            "distinctSpeciesCount": entry.species,
            "countByKingdom": found.counts(key, "kingdom"),
            "countByRank": found.counts(key, "taxonRank"),
            "countByIssue": found.counts(key, "issue"),
            "created": entry.modified,
        }
    return json_answer(body)


@router.get(
    "/v1/dataset/{key:path}",
    summary="One dataset",
    openapi_extra=_FORM,
    responses={
        **documents.answers(None, missing=True),
        200: {
            "description": "The dataset",
            "model": models.Dataset,
            "content": {HTML: {}, JSON_LD: {}, XML: {}},
        },
    },
)
def one(request: Request, key: str) -> Response:
    """Answer one dataset by its key: as GBIF has it, a page for people, schema.org, DCAT or EML."""
    only(request, "f", *_SENT)
    form = _form(request, _FORMS)
    with service(request).open(request) as release:
        entry = _entry(request, release, key)
        if form == "html":
            return _dataset_page(release.facts.catalogue, entry)
    return _WRITTEN[form](entry)


@router.get("/catalog.jsonld", summary="All datasets as DCAT in JSON-LD", responses={
    **documents.answers(None), 200: {"description": "A catalogue", "content": {JSON_LD: {}}}
})  # fmt: skip
def catalog_json_ld(request: Request) -> Response:
    """Answer the catalogue as JSON-LD."""
    only(request)
    return json_answer(catalogue.to_json_ld(_catalog(request)), media_type=JSON_LD)


def dataset(entry: DatasetEntry) -> dict[str, Any]:
    """Return one dataset in GBIF's shape; what is not known is absent."""
    found: dict[str, Any] = {
        "key": entry.key,
        "title": entry.title,
        "description": "\n\n".join(entry.description) or None,
        "type": entry.type,
        "license": LICENSE_URLS.get(entry.license, entry.license),
        "license_effective": entry.license_effective,
        "community_labels": list(entry.labels) or None,
        "rights": entry.rights,
        "publishingOrganizationTitle": entry.publisher,
        "citation": {"text": entry.cite},
        "doi": entry.doi,
        "homepage": entry.url,
        "created": entry.issued or None,
        "modified": entry.modified,
        "recordCount": entry.records,
        "georeferencedCount": entry.placed,
        "generalisedCount": entry.generalised,
        "speciesCount": entry.species,
        "surveyCount": entry.surveys or None,
        "geographicCoverages": [
            *_coverage(entry.bounds, "The box of the published coordinates."),
            *_coverage(entry.survey_bounds, "The box of the published surveys."),
        ]
        or None,
        "temporalCoverages": [{"@type": "range", "start": f"{y[0]:04d}-01-01", "end": f"{y[1]:04d}-12-31"}]
        if (y := entry.years)
        else None,
        "endpoints": [{"type": name, "url": url} for name, (url, _) in entry.files.items()] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _coverage(bounds: tuple[float, float, float, float] | None, description: str) -> list[dict[str, Any]]:
    """Return a box as GBIF writes it, in a list; nothing where there is none."""
    if bounds is None:
        return []
    west, south, east, north = bounds
    box = {
        "minLatitude": south, "maxLatitude": north, "minLongitude": west, "maxLongitude": east, "globalCoverage": False,
    }  # fmt: skip
    return [{"description": description, "boundingBox": box}]


def _eml(entry: DatasetEntry) -> Response:
    return Response(eml(eml_facts(entry)), media_type=XML, headers=_CACHE)


_WRITTEN: Final[Mapping[str, Callable[[DatasetEntry], Response]]] = MappingProxyType(
    {
        "json": lambda entry: json_answer(dataset(entry), headers={"Vary": "Accept"}),
        "jsonld": lambda entry: json_answer(
            catalogue.schema_org_dataset(entry), media_type=JSON_LD, headers={"Vary": "Accept"}
        ),
        "dcat": lambda entry: json_answer(
            catalogue.to_json_ld(catalogue.dcat_dataset(entry)), media_type=JSON_LD, headers={"Vary": "Accept"}
        ),
        "eml": _eml,
    }
)


def _filter(request: Request, release: Opened) -> Filter | None:
    """Return the filter of datasets."""
    query = request.query_params
    text, licence, types = query.get("q"), query.get("license"), query.getlist("type")
    parts: list[Filter] = []
    if text:
        pattern = f"%{like_literal(text)}%"
        parts.append(Or(tuple(Like(name, pattern, ignore_case=True) for name in ("title", "key", "citation"))))
    if licence is not None:
        if licence not in LICENSE_URLS:
            raise unknown_value(field="license", value=licence, known=LICENSE_URLS)
        parts.append(Compare("license", "=", licence))
    if types:
        wanted = {name.upper() for name in types}
        if not wanted <= {*TYPES, *_OTHER_TYPES}:
            raise invalid(field="type", value=",".join(types), expected=f"one of {', '.join(TYPES)}")
        parts.append(_of_types(request, release, wanted))
    return And(tuple(parts)) if parts else None


def _of_types(request: Request, release: Opened, wanted: set[str]) -> Filter:
    """Return the filter of datasets by type: those of the fewer types are named."""
    if OCCURRENCE not in wanted:
        return In("key", release.facts.catalogue.keys_of(service(request).registry, wanted))
    return Not(In("key", release.facts.catalogue.keys_of(service(request).registry, set(TYPES) - wanted)))


def _entry(request: Request, release: Opened, key: str) -> DatasetEntry:
    """Return one dataset."""
    found = release.facts.catalogue.entry(service(request).registry, _base(request), key) if len(key) <= 255 else None
    if found is None:
        raise ProblemError(Code.RECORD_MISSING, f"this release has no dataset {key[:80]!r}", field="key")
    return found


def _entries(request: Request, release: Opened, keys: tuple[str, ...] | None) -> Any:
    catalogue: Catalogue = release.facts.catalogue
    return catalogue.entries(service(request).registry, _base(request), keys)


def _catalog(request: Request) -> catalogue.Node:
    """Return the catalogue of all datasets."""
    with service(request).open(request) as release:
        return catalogue.dcat_catalogue(
            list(_entries(request, release, None)),
            url=address(request, "/v1/dataset"),
            title="biodata",
            description="Biodiversity records for Southwest China and ASEAN, as this service publishes them.",
            release=release.file.id,
        )


def _base(request: Request) -> str:
    return address(request, "/").rstrip("/")


def _form(request: Request, known: tuple[str, ...]) -> str:
    """Return how it is to be told: by `f`, else by the most wanted type of the Accept header that can be."""
    chosen = request.query_params.get("f")
    if chosen is not None:
        return one_of("f", chosen, known)
    wanted = (_TYPES.get(name) for name in answers.media_ranges(request.headers.get("accept", "")))
    return next((form for form in wanted if form in known and form is not None), "json")


_WORDS = {
    "basisOfRecord": "Kind of record", "country": "Country", "class": "Class",
    "sharingCategory": "How exact the place is", "license": "Licence of the records",
}  # fmt: skip
_ROWS = 15


def _dataset_page(found: Catalogue, entry: DatasetEntry) -> HTMLResponse:
    """Return a dataset's page."""
    named = quote(entry.key, safe="")
    facts = [
        ("Type", entry.type.lower()),
        ("Publisher", entry.publisher or "not told"),
        ("Licence", (entry.license_url, entry.license_name) if entry.license_url else entry.license_name),
        ("Pictures and sounds", _media(found.media_licences(entry.key))),
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
        ("Place", _place(entry.bounds) if entry.bounds else "not told"),
        ("Years", f"{entry.years[0]} to {entry.years[1]}" if entry.years else "not told"),
        ("Key", entry.key),
        ("Release", f"{entry.release}, {entry.modified[:10]}"),
    ]
    years = found.counts(entry.key, "year") if entry.years is not None else {}
    return answers.page(
        "dataset",
        entry.title,
        up=[("/", "Map"), ("/v1/dataset?f=html", "Datasets")],
        entry=entry,
        named=named,
        facts=facts,
        years=sorted(_rows(years, "year")),
        counts=[(words, list(_rows(found.counts(entry.key, by), by))[:_ROWS]) for by, words in _WORDS.items()]
        if entry.records
        else [],
        linked=schema_org_dataset(entry),
    )


def _place(bounds: tuple[float, float, float, float]) -> str:
    """Return the box of the published places in words."""
    west, south, east, north = bounds
    return f"between {west:.2f} and {east:.2f} degrees east, {south:.2f} and {north:.2f} degrees north"


def _media(counts: Mapping[str, int]) -> str:
    """Return how many pictures and sounds are under which licence."""
    return "; ".join(f"{count:,} under {LICENCES[name][0]}" for name, count in counts.items()) or "none"


def _labels(codes: Iterable[str]) -> str:
    """Return labels by name; what each means stands among the facts of rights."""
    return "; ".join(f"{labels()[code].name} ({code})" if code in labels() else code for code in codes) or "none"


def _list_page(entries: Iterable[DatasetEntry], count: int, following: str | None) -> HTMLResponse:
    """Return the list of datasets; `following` is the address of the next page."""
    rows = [
        (
            (f"/v1/dataset/{quote(e.key, safe='')}?f=html", e.title), e.key, e.type.lower(), e.publisher,
            e.license_name, f"{e.records:,}", f"{e.years[0]}–{e.years[1]}" if e.years else None,
        )
        for e in entries
    ]  # fmt: skip
    return answers.page("datasets", "Datasets", up=[("/", "Map")], count=count, rows=rows, following=following)


def _rows(counts: Mapping[str, int], by: str) -> Iterable[tuple[Any, str]]:
    """Return counts as rows of a table."""
    for value, count in counts.items():
        name = country_name(value) or value if COUNTED[by] == "countryCode" else value
        yield name, f"{count:,}"
