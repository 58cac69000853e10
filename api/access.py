"""Access to exact records: asked for, decided by the nodes of the countries of occurrence, used and taken back.

The service cannot read an exact record: it hands signed grants to the exact process and passes its answer on.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer
from api.auth import AreaRoute
from api.bodies import Sent
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from api.readers import boolean, integer
from biodata.access import request_views, requests, terms_of_use
from biodata.access.exact_process import RefusedError, call_exact
from biodata.access.grants import Grant
from biodata.access.roles import Action, Principal
from biodata.core.errors import StoreError


class Polygon(Sent):
    """A GeoJSON polygon of at most 1,000 positions."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class NewAccessRequest(Sent):
    """What is asked for, and why."""

    purpose: str = Field(max_length=2000)
    countries: list[str] = Field(max_length=20, description="Countries of occurrence; each decides of its own part.")
    taxon: str | None = Field(default=None, max_length=255, description="Accepted name of a taxon, for all within it.")
    area: list[float] | Polygon | None = Field(
        default=None,
        description="West, south, east, north in degrees, or a GeoJSON polygon; a record is inside where all of its "
        "published cell is.",
    )
    since: str | None = Field(default=None, max_length=10)
    until: str | None = Field(default=None, max_length=10)
    fields: list[str] = Field(min_length=1, max_length=100)
    rows: int = Field(default=10_000, ge=1, le=1_000_000)
    rows_a_day: int = Field(default=10_000, ge=1, le=1_000_000)
    requests: int = Field(default=100, ge=1, le=1_000_000)
    expires: str = Field(max_length=40, description="When it is to end, ISO 8601 with a zone.")


class Decision(Sent):
    """What a country's node decides: the grant's text with its signature, or a reason to refuse."""

    country: str = Field(min_length=2, max_length=2)
    grant: str | None = Field(default=None, max_length=90_000)
    signature: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)
    review: Annotated[date, Field(strict=False)] | None = Field(
        default=None, description="When the node wants to look at the grant again."
    )


class Longer(Sent):
    """Until when what was granted is needed, and why."""

    purpose: str = Field(max_length=2000)
    expires: str = Field(max_length=40, description="When it is to end, ISO 8601 with a zone.")


class UseReport(Sent):
    """What was made of granted records."""

    made: str = Field(max_length=10_000)
    links: list[str] = Field(default=[], max_length=50)


class OneCountry(Sent):
    """A country."""

    country: str = Field(min_length=2, max_length=2)


class CountryState(BaseModel):
    """How a request stands in one country."""

    country: str
    state: str = Field(description="waiting, granted, refused, revoked or expired")
    reason: str | None = Field(default=None, description="Told to whoever asked and to the country's own node.")
    review: date | None = Field(default=None, description="When the node wants to look at it again.")


class Used(BaseModel):
    """How much was read of what was granted."""

    first: datetime
    last: datetime
    reads: int
    rows: int


class ToldReport(BaseModel):
    """What was made of it, as whoever read it told."""

    made: str
    links: list[str]
    created: datetime


class OneAccessRequest(BaseModel):
    """A request; how many records it is about is told to nobody."""

    id: str
    account: str
    purpose: str
    created: datetime
    wanted: dict[str, Any]
    extends: str | None = Field(default=None, description="The request that this one asks to go on with.")
    decisions: list[CountryState]
    use: Used | None = None
    reports: list[ToldReport]
    due: list[str] = Field(description="What somebody has to do about it, in words.")


class AccessRequestList(BaseModel):
    """Requests, the oldest first."""

    results: list[OneAccessRequest]


class TextToSign(BaseModel):
    """What a node signs with its own key, at home, to grant all that was asked of it."""

    grant: str


class ExactRecords(BaseModel):
    """Exact records, in the order of their keys; the public answer without these keys makes the whole."""

    snapshot: int
    records: list[dict[str, Any]]
    after: int | None = Field(default=None, description="Go on behind this key; absent at the end.")
    unsigned: list[str] | None = Field(
        default=None,
        description="Countries whose grant is not signed with their node's key: their records are not here, and their "
        "node can decide again.",
    )


router = APIRouter(prefix="/v1/access/requests", tags=["access"], route_class=AreaRoute)

Asker = Annotated[Principal, Depends(auth.needs(Action.REQUEST_ACCESS))]
Known = Annotated[Principal, Depends(auth.need)]
Node = Annotated[Principal, Depends(auth.logged_in_who(Action.DECIDE_REQUEST))]
Revoker = Annotated[Principal, Depends(auth.logged_in_who(Action.REVOKE_GRANT))]
Reader = Annotated[Principal, Depends(auth.needs(Action.READ_GRANTED))]
_PRIVATE: Final = "private, no-store"
_BOTH_ROWS: Final = 1_000
"""Records of a page, of each kind, where public ones stand beside exact ones."""


@router.post("", **documents.answered(OneAccessRequest, "Ask for exact records", other=(401, 403, 422), status=201))
def make(request: Request, who: Asker, sent: NewAccessRequest) -> Response:
    """Ask for exact records; the node of each country of occurrence decides of its own part."""
    found = service(request)
    registry = found.registry
    wanted = sent.model_dump(exclude={"purpose", "countries"})
    number = requests.ask(registry, who, purpose=sent.purpose, countries=sent.countries, wanted=wanted)
    return json_answer(request_views.look(registry, who, number), status=201, cache=_PRIVATE)


@router.get("", **documents.answered(AccessRequestList, "Requests for exact records", other=(401,)))
def every(request: Request, who: Known) -> Response:
    """Answer with one's own requests and those that one decides."""
    return json_answer({"results": request_views.describe(service(request).registry, who)}, cache=_PRIVATE)


@router.get("/{number}", **documents.answered(OneAccessRequest, "A request", missing=True, other=(401,)))
def one(request: Request, who: Known, number: str) -> Response:
    """Answer with a request and how it stands in each country."""
    return json_answer(request_views.look(service(request).registry, who, number), cache=_PRIVATE)


@router.get(
    "/{number}/grant",
    openapi_extra=documents.plain_parameters(("country", {"type": "string"}, "Of which country.")),
    **documents.answered(TextToSign, "What a node signs", missing=True, other=(401, 403)),
)
def to_sign(request: Request, who: Node, number: str) -> Response:
    """Answer with the text that the country's node signs, at home, if it grants all that was asked."""
    country = request.query_params.get("country", "")
    return json_answer({"grant": requests.to_sign(service(request).registry, who, number, country)}, cache=_PRIVATE)


@router.post(
    "/{number}/decide",
    **documents.answered(OneAccessRequest, "Grant or refuse a request", missing=True, other=(401, 403, 409, 422)),
)
def decide(request: Request, who: Node, number: str, sent: Decision) -> Response:
    """Put down what the country's node decided."""
    found = service(request)
    registry = found.registry
    requests.decide(
        registry, who, number, sent.country, grant=sent.grant, signature=sent.signature, reason=sent.reason,
        review=sent.review, exact=found.settings.exact_socket,
    )  # fmt: skip
    return json_answer(request_views.look(registry, who, number), cache=_PRIVATE)


@router.post(
    "/{number}/revoke",
    summary="Take a grant back",
    status_code=204,
    responses={
        **documents.nothing(missing=True, other=(401, 403, 422)),
        202: {"description": "Taken back; the exact process does not answer and is told when it does"},
    },
)
def revoke(request: Request, who: Revoker, number: str, sent: OneCountry) -> Response:
    """Take a country's grant back, at once: here, and in the exact process where it is reached."""
    found = service(request)
    requests.revoke(found.registry, who, number, sent.country)
    if found.settings.exact_socket is not None:
        try:
            requests.report_revocations(found.registry, found.settings.exact_socket)
        except (StoreError, RefusedError):
            return Response(status_code=202)
    return Response(status_code=204)


@router.post(
    "/{number}/again",
    **documents.answered(OneAccessRequest, "Ask for longer", missing=True, other=(401, 403, 409, 422), status=201),
)
def again(request: Request, who: Asker, number: str, sent: Longer) -> Response:
    """Ask anew for what a request of one's own asked for; every country decides anew."""
    registry = service(request).registry
    made = requests.again(registry, who, number, purpose=sent.purpose, expires=sent.expires)
    return json_answer(request_views.look(registry, who, made), status=201, cache=_PRIVATE)


@router.post(
    "/{number}/report",
    **documents.answered(OneAccessRequest, "Tell what was made of the records", missing=True, other=(401, 422)),
)
def report(request: Request, who: Known, number: str, sent: UseReport) -> Response:
    """Tell the nodes what was made of the records of one's own request."""
    registry = service(request).registry
    requests.report(registry, who, number, made=sent.made, links=sent.links)
    return json_answer(request_views.look(registry, who, number), cache=_PRIVATE)


@router.get(
    "/{number}/records",
    openapi_extra=documents.plain_parameters(
        ("after", {"type": "integer"}, "Go on after this key."),
        ("limit", {"type": "integer"}, "1 to 10,000; with public records 1 to 1,000."),
        ("withPublic", {"type": "boolean"}, "With the public records of the same countries, taxon, area and time."),
    ),
    **documents.answered(ExactRecords, "Exact records that were granted", missing=True, other=(401, 403)),
)
def records(request: Request, who: Reader, number: str) -> Response:
    """Answer with the exact records that a request of one's own was granted."""
    found, query_params = service(request), request.query_params
    given = requests.usable(found.registry, who, number)
    held = terms_of_use.current(found.registry)
    if held is not None and not terms_of_use.accepted(found.registry, who.account_id):
        detail = f"exact records are under the terms of use, version {held.version}"
        raise ProblemError(Code.TERMS_NOT_ACCEPTED, detail, expected="read /v1/rights/terms and accept them there")
    socket = found.settings.exact_socket
    if socket is None:
        raise ProblemError(Code.STORE_ERROR, "no exact store is served here", headers={"Retry-After": "60"})
    question = {name: integer(name, query_params[name]) for name in ("after", "limit") if name in query_params}
    try:
        requests.report_revocations(found.registry, socket)

        def read(asked: Mapping[str, Any]) -> dict[str, Any]:
            answer = call_exact(socket, {"grants": given, "account": who.label, "ask": dict(asked)})
            requests.read(found.registry, who, number, len(answer["records"]))
            return answer

        if not boolean("withPublic", query_params.get("withPublic", "false")):
            return json_answer(read(question), cache=_PRIVATE)
        limit = question.get("limit", _BOTH_ROWS)
        if not 0 < limit <= _BOTH_ROWS:
            raise invalid(field="limit", value=str(limit), expected=f"1 to {_BOTH_ROWS:,}")
        granted = [Grant.read(one["grant"]) for one in given]
        with found.open(request) as release:
            page = request_views.granted_page(
                partial(release.file.frame, "occurrences"), granted, read, after=question.get("after"), limit=limit
            )
    except RefusedError as error:
        raise ProblemError(Code.GRANT_REFUSED, str(error)) from error
    body = {"snapshot": page.snapshot, "records": page.records, "after": page.after, "unsigned": page.unsigned or None}
    return json_answer({name: value for name, value in body.items() if value is not None}, cache=_PRIVATE)
