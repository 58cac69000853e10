"""Rights: licences and labels explained, permits, terms of use, what was used of a country's records, what is sensitive."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer
from api.auth import StrictRoute, StrictSmallRoute
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid
from api.readers import integer
from biodata.access import permits, terms_of_use
from biodata.access.permits import Kind
from biodata.access.roles import Action, Principal, may
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import licences
from biodata.store.query.filters import And, Compare, Filter, IsNull
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_of


class _Sent(BaseModel):
    """What is sent: every field is one of these, and of its type."""

    model_config = ConfigDict(extra="forbid")


class NewPermit(_Sent):
    """A permit that a dataset rests on."""

    dataset: str = Field(max_length=255)
    kind: Kind
    number: str = Field(max_length=255, description="Of a certificate as ABSCH-IRCC-IN-256843-1.")
    country: str | None = Field(
        default=None, max_length=2, description="ISO 3166-1 alpha-2; a certificate tells its own."
    )
    authority: str | None = Field(default=None, max_length=500)
    issued: date | None = Field(default=None, description="The first day that it holds.")
    expires: date | None = Field(default=None, description="The last day that it holds.")


class Acceptance(_Sent):
    """The version of the terms that somebody accepts."""

    version: int = Field(ge=1, strict=True)


class OnePermit(BaseModel):
    """A permit."""

    id: int
    dataset: str
    kind: str
    number: str
    country: str
    authority: str | None
    issued: str | None
    expires: str | None
    state: str = Field(description="valid, ends soon, ended, not yet valid or withdrawn.")


class PermitList(BaseModel):
    """Permits."""

    results: list[OnePermit]


class DatasetRights(BaseModel):
    """The terms of use of a dataset's published records."""

    key: str
    license: str | None = Field(description="As its publisher tells it.")
    licenses: list[dict[str, Any]] = Field(description="Licences that hold for its records, with reason and count.")
    community_labels: dict[str, int] = Field(description="Records by the labels that they carry.")
    media: str
    media_licenses: dict[str, int] = Field(description="Published pictures and sounds by the licence that each tells.")
    permits: list[OnePermit]
    notices: list[str] = Field(description="What has to be heeded of the permits, or that none is told.")


class OneTerms(BaseModel):
    """The terms of use that hold."""

    version: int
    text: str
    sha256: str
    created: str


class OneUse(BaseModel):
    """What was used of a country's records."""

    country: str
    year: int | None
    until: str = Field(description="The first day that is not counted: a month is counted when it is over.")
    downloads: int | str
    records: int | str
    purposes: dict[str, int]
    datasets: dict[str, int]
    licences: dict[str, int]
    step: int


public = APIRouter(prefix="/v1/rights", tags=["rights"], route_class=StrictRoute)
guarded = APIRouter(prefix="/v1/rights", tags=["rights"], route_class=StrictSmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
Keeper = Annotated[Principal, Depends(auth.needs(Action.KEEP_PERMITS))]
Reader = Annotated[Principal, Depends(auth.needs(Action.READ_USE_REPORT))]
_MOST = 1_000


@public.get("/datasets/{key:path}", **documents.answered(DatasetRights, "The terms of use of a dataset", missing=True))
def of_dataset(request: Request, key: str) -> Response:
    """Answer with licence, labels and permits of a dataset's published records, and why each licence holds."""
    found = service(request)
    with found.open(request) as release:
        rows = release.file.page("datasets", Compare("key", "=", key), ("key", "license"), limit=1, offset=0).rows
        if not rows:
            raise ProblemError(Code.NOT_FOUND, "no dataset of this release has this key", field="key")
        own = Compare("datasetKey", "=", key)
        entries = []
        for name, _ in release.file.facet("occurrences", own, "license_effective", limit=_MOST):
            chosen = own if name is None else _licensed(key, name)
            for reason, count in release.file.facet("occurrences", chosen, "license_reason", limit=_MOST):
                entries.append({"license": name, "reason": reason, "count": count})
        carried = release.file.facet("occurrences", own, "community_labels", limit=_MOST)
        shown = release.facts.catalogue.media_licences(key)
    held = permits.of_dataset(found.registry, key)
    body: dict[str, Any] = {
        "key": key, "license": rows[0][1], "licenses": entries,
        "community_labels": {code: count for code, count in carried if code is not None}, "media": licences.MEDIA,
        "media_licenses": shown, "permits": held, "notices": permits.notices(held),
    }  # fmt: skip
    return json_answer(body)


def _licensed(key: str, name: str) -> And:
    """Return a filter for the records of a dataset under one licence."""
    return And((Compare("datasetKey", "=", key), Compare("license_effective", "=", name)))


@public.get("/terms", **documents.answered(OneTerms, "The terms of use", missing=True))
def terms(request: Request) -> Response:
    """Answer with the terms that hold; they are accepted before a download of restricted records."""
    held = terms_of_use.current(service(request).registry)
    if held is None:
        raise ProblemError(Code.TERMS_MISSING, "nothing has to be accepted here")
    return json_answer(
        {
            "version": held.version,
            "text": held.text,
            "sha256": held.sha256,
            "created": held.created.isoformat(timespec="seconds"),
        }
    )


@guarded.post("/terms/acceptances", **documents.done("Accept the terms of use", other=(401, 409, 422)))
def accept(request: Request, who: Known, sent: Acceptance) -> Response:
    """Keep that one's account accepted the version that holds."""
    assert who.account_id is not None
    terms_of_use.accept(service(request).registry, who.account_id, sent.version, actor=who.label)
    return Response(status_code=204)


@guarded.get("/permits", **documents.answered(PermitList, "Permits that one keeps", other=(401, 403)))
def every_permit(request: Request, who: Keeper) -> Response:
    """Answer with the permits of one's datasets, or of one's country, those that ended too."""
    return json_answer({"results": [p for p in permits.of_dataset(service(request).registry) if _keeps(who, p)]})


@guarded.post("/permits", **documents.answered(OnePermit, "Keep a permit", other=(401, 403, 422), status=201))
def new_permit(request: Request, who: Keeper, sent: NewPermit) -> Response:
    """Keep a permit that a dataset rests on; the same number once more changes what is told of it."""
    permit_data = permits.checked(permits.PermitData(**sent.model_dump()))
    if not _keeps(who, {"dataset": permit_data.dataset, "country": permit_data.country}):
        raise auth.forbidden(request, who, Action.KEEP_PERMITS)
    registry = service(request).registry
    number = permits.record(registry, permit_data, actor=who.label)
    return json_answer(permits.get(registry, number), status=201)


@guarded.delete("/permits/{number}", **documents.done("Take a permit back", missing=True, other=(401, 403)))
def withdraw(request: Request, who: Keeper, number: Annotated[str, documents.WHOLE]) -> Response:
    """Take a permit back; it stays told as withdrawn. Another's is not there."""
    registry, wanted = service(request).registry, integer("number", number)
    found = permits.get(registry, wanted)
    if found is None or not _keeps(who, found):
        raise ProblemError(Code.PERMIT_MISSING, "you keep no permit of this number", field="number")
    permits.withdraw(registry, wanted, actor=who.label)
    return Response(status_code=204)


@guarded.get(
    "/use/{country}",
    openapi_extra=documents.plain_parameters(
        ("year", {"type": "integer", "minimum": 2000, "maximum": 9999}, "Only downloads that were asked for in it.")
    ),
    **documents.answered(OneUse, "What was used of a country's records", other=(401, 403)),
)
def use(request: Request, who: Reader, country: str) -> Response:
    """Answer with downloads, purposes, datasets and licences, in steps; never with who, what was asked, or when."""
    if not may(who, Action.READ_USE_REPORT, country=country):
        raise auth.forbidden(request, who, Action.READ_USE_REPORT)
    text = request.query_params.get("year")
    year = None if text is None else integer("year", text)
    if year is not None and not 2000 <= year <= 9999:
        raise invalid(field="year", value=str(text), expected="a year from 2000 on")
    return json_answer(terms_of_use.use_report(service(request).registry, country, year=year).as_dict())


def _keeps(who: Principal, permit: dict[str, Any]) -> bool:
    """Tell whether somebody keeps the permits of a dataset, or of a country."""
    return may(who, Action.KEEP_PERMITS, dataset=permit["dataset"], country=permit["country"])


LEAST: Final = 10
"""Fewer withheld records than this are told as fewer than this; more, in steps of it: one more or less shows nothing."""
sensitivity_router = APIRouter(tags=["audit"], route_class=StrictRoute)

_MANY: Final = 10_000
_NOTE: Final = (
    f"Presences are counted in the release itself, each standing for all records of a taxon in a cell, by the country that is "
    f"published of them; null is more than one, or none. Withheld records are counted by list alone, in steps of {LEAST}: at_least 0 is fewer."
)


@sensitivity_router.get(
    "/v1/audit/sensitivity", **documents.answered(None, "How many sensitive records are shown and withheld")
)
def withheld_counts(request: Request) -> Response:
    """Answer with counts of presences by list, category and published country, and of withheld records by list."""
    found = service(request)
    with found.open(request) as release:
        rules = rules_of(found.registry)
        lists = {rule.rule_id: rule.source for rule in rules.rules}
        body: dict[str, Any] = {
            "release": request.state.release,
            "note": _NOTE,
            "shown": _shown(release, lists),
            "withheld": _withheld(found.registry, request.state.release),
        }
    return json_answer(body)


def _shown(release: Opened, lists: dict[str, str | None]) -> list[dict[str, Any]]:
    """Count the release's rows whose place is a cell, by list, category and country."""
    counts: dict[tuple[str | None, str, str | None], int] = {}
    for category in (c for c in SharingCategory if c is not SharingCategory.OPEN):
        there = Compare("sharing_category", "=", str(category))
        countries = [code for code, _ in release.file.facet("occurrences", there, "countryCode", limit=_MANY)]
        for country in dict.fromkeys([*countries, None]):
            where: Filter = IsNull("countryCode") if country is None else Compare("countryCode", "=", country)
            for rule_id, count in release.file.facet("occurrences", And((there, where)), "sharing_rule", limit=_MANY):
                place = lists.get(rule_id), str(category), country
                counts[place] = counts.get(place, 0) + count
    return [
        {"list": name, "category": category, "country": country, "records": count}
        for (name, category, country), count in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
    ]


def _withheld(registry: Registry, release_id: str) -> list[dict[str, Any]]:
    """Return the withheld records of a release by list, in steps; never by a place."""
    counts = registry.sensitive_counts(release_id)["withheld"]
    return [{"list": name, "at_least": count // LEAST * LEAST} for name, count in sorted(counts.items()) if count]
