"""Who may act as whom, and who made it so: for everybody who decides here, and to be confirmed by a second person."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.account_bodies import AppointmentList, Confirmation
from api.answers import json_answer, only
from api.dependencies import service
from api.gates import SmallRoute
from biodata.access import accounts, appointments, audit_log, roles
from biodata.access.roles import SCOPES, Action, Principal

router = APIRouter(prefix="/v1/appointments", tags=["accounts"], route_class=SmallRoute)

Decider = Annotated[Principal, Depends(auth.logged_in_who(Action.CONFIRM_ROLES))]


@router.get("", summary="Appointments", responses=documents.answers(AppointmentList, other=(401, 403)))
def every(request: Request, who: Decider) -> Response:
    """Answer with the appointments that wait for a second person, and with all that the audit has of roles."""
    only(request)
    registry = service(request).registry
    entries = audit_log.entries(registry, audit_log.Wanted(actions=appointments.SEEN_BY_ALL))
    return json_answer({"waiting": accounts.waiting(registry), "results": list(entries)})


@router.post(
    "",
    summary="Confirm an appointment",
    status_code=204,
    responses=documents.nothing(other=(401, 403, 404, 422)),
)
def confirm(request: Request, who: Decider, sent: Confirmation) -> Response:
    """Let a role count that somebody else gave to somebody else."""
    only(request)
    wanted = roles.read_role(sent.role, **{name: getattr(sent, name) for name in SCOPES})
    accounts.confirm(service(request).registry, sent.account, wanted, actor=who.label)
    return Response(status_code=204)
