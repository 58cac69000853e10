"""Access to exact records: asked for, decided by the nodes of the countries of occurrence, used and taken back.

The service cannot read an exact record: it hands signed grants to the exact process and passes its answer on.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.access_bodies import (
    AccessRequestList,
    Decision,
    ExactRecords,
    NewAccessRequest,
    OneAccessRequest,
    OneCountry,
    TextToSign,
)
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import AreaRoute
from api.readers import integer
from biodata.access import requests
from biodata.access.exact_calls import RefusedError, ask
from biodata.access.roles import Action, Principal

router = APIRouter(prefix="/v1/access/requests", tags=["access"], route_class=AreaRoute)

Asker = Annotated[Principal, Depends(auth.needs(Action.REQUEST_ACCESS))]
Known = Annotated[Principal, Depends(auth.need)]
Node = Annotated[Principal, Depends(auth.logged_in_who(Action.DECIDE_REQUEST))]
Revoker = Annotated[Principal, Depends(auth.logged_in_who(Action.REVOKE_GRANT))]
Reader = Annotated[Principal, Depends(auth.needs(Action.READ_GRANTED))]
_PRIVATE: Final = "private, no-store"


@router.post(
    "",
    summary="Ask for exact records",
    status_code=201,
    responses=documents.answers(OneAccessRequest, other=(401, 403, 422), status=201),
)
def make(request: Request, who: Asker, sent: NewAccessRequest) -> Response:
    """Ask for exact records; the node of each country of occurrence decides of its own part."""
    only(request)
    registry = service(request).registry
    wanted = sent.model_dump(exclude={"purpose", "countries"})
    number = requests.ask(registry, who, purpose=sent.purpose, countries=sent.countries, wanted=wanted)
    return json_answer(requests.look(registry, who, number), status=201, cache=_PRIVATE)


@router.get("", summary="Requests for exact records", responses=documents.answers(AccessRequestList, other=(401,)))
def every(request: Request, who: Known) -> Response:
    """Answer with one's own requests and those that one decides."""
    only(request)
    return json_answer({"results": requests.describe(service(request).registry, who)}, cache=_PRIVATE)


@router.get("/{number}", summary="A request", responses=documents.answers(OneAccessRequest, missing=True, other=(401,)))
def one(request: Request, who: Known, number: str) -> Response:
    """Answer with a request and how it stands in each country."""
    only(request)
    return json_answer(requests.look(service(request).registry, who, number), cache=_PRIVATE)


@router.get(
    "/{number}/grant",
    summary="What a node signs",
    openapi_extra=documents.plain_parameters(("country", {"type": "string"}, "Of which country.")),
    responses=documents.answers(TextToSign, missing=True, other=(401, 403)),
)
def to_sign(request: Request, who: Node, number: str) -> Response:
    """Answer with the text that the country's node signs, at home, if it grants all that was asked."""
    only(request, "country")
    country = request.query_params.get("country", "")
    return json_answer({"grant": requests.to_sign(service(request).registry, who, number, country)}, cache=_PRIVATE)


@router.post(
    "/{number}/decide",
    summary="Grant or refuse a request",
    responses=documents.answers(OneAccessRequest, missing=True, other=(401, 403, 409, 422)),
)
def decide(request: Request, who: Node, number: str, sent: Decision) -> Response:
    """Put down what the country's node decided."""
    only(request)
    registry = service(request).registry
    requests.decide(registry, who, number, sent.country, grant=sent.grant, signature=sent.signature, reason=sent.reason)
    return json_answer(requests.look(registry, who, number), cache=_PRIVATE)


@router.post(
    "/{number}/revoke",
    summary="Take a grant back",
    status_code=204,
    responses=documents.nothing(missing=True, other=(401, 403, 422)),
)
def revoke(request: Request, who: Revoker, number: str, sent: OneCountry) -> Response:
    """Take a country's grant back, at once: here, and in the exact process where it is reached."""
    only(request)
    found = service(request)
    grant = requests.revoke(found.registry, who, number, sent.country)
    if found.settings.exact_socket is not None:
        ask(found.settings.exact_socket, {"revoke": grant})
    return Response(status_code=204)


@router.get(
    "/{number}/records",
    summary="Exact records that were granted",
    openapi_extra=documents.plain_parameters(
        ("after", {"type": "integer"}, "Go on after this key."), ("limit", {"type": "integer"}, "1 to 10,000.")
    ),
    responses=documents.answers(ExactRecords, missing=True, other=(401, 403)),
)
def records(request: Request, who: Reader, number: str) -> Response:
    """Answer with the exact records that a request of one's own was granted."""
    only(request, "after", "limit")
    found, told = service(request), request.query_params
    given = requests.usable(found.registry, who, number)
    if found.settings.exact_socket is None:
        raise ProblemError(Code.STORE_ERROR, "no exact store is served here", headers={"Retry-After": "60"})
    question = {name: integer(name, told[name]) for name in ("after", "limit") if name in told}
    try:
        answer = ask(found.settings.exact_socket, {"grants": given, "account": who.label, "ask": question})
    except RefusedError as error:
        raise ProblemError(Code.GRANT_REFUSED, str(error)) from error
    return json_answer(answer, cache=_PRIVATE)
