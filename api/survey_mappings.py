"""What the headings of a dataset's uploads mean: decided once, so that a second upload needs no answer."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from api.gates import SmallRoute
from api.survey_bodies import KeptMapping, Mapping
from biodata.access.roles import Action, Principal, Role, may
from biodata.surveys import mappings

router = APIRouter(prefix="/v1/surveys/mappings", tags=["surveys"], route_class=SmallRoute)

Uploader = Annotated[Principal, Depends(auth.needs(Action.HAND_IN))]
_PRIVATE: Final = "private, no-store"
_DATASET: Final = documents.plain_parameters(
    ("dataset", {"type": "string", "maxLength": 255}, "The dataset's key; your only one where it is not told.")
)


@router.get(
    "", summary="What a dataset's headings mean", openapi_extra=_DATASET,
    responses=documents.answers(KeptMapping, other=(401, 403)),
)  # fmt: skip
def look(request: Request, who: Uploader) -> Response:
    """Answer with what was decided about the headings of a dataset that you may upload to."""
    dataset = _dataset(request, who)
    return json_answer(
        {"dataset": dataset, "mapping": service(request).registry.headings_decided(dataset)}, cache=_PRIVATE
    )


@router.put(
    "", summary="Decide what a dataset's headings mean", openapi_extra=_DATASET,
    responses=documents.answers(KeptMapping, other=(401, 403, 422)),
)  # fmt: skip
def decide(request: Request, who: Uploader, sent: Mapping) -> Response:
    """Keep what headings mean; those that are not named stay as they were. Sent again, it changes nothing."""
    dataset = _dataset(request, who)
    found = mappings.keep(service(request).registry, dataset, sent.mapping, account_id=who.account_id)
    return json_answer({"dataset": dataset, "mapping": found}, cache=_PRIVATE)


def _dataset(request: Request, who: Principal) -> str:
    only(request, "dataset", "language")
    own = sorted({role.dataset for role in who.roles if role.role is Role.UPLOADER and role.dataset is not None})
    dataset = request.query_params.get("dataset", own[0] if len(own) == 1 else "")
    if not 0 < len(dataset) <= 255:
        raise invalid(field="dataset", value=dataset[:80], expected="the key of a dataset that you may upload to")
    if not may(who, Action.HAND_IN, dataset=dataset):
        detail = "whoever has this key or token may not upload to that dataset"
        raise ProblemError(Code.DATASET_FORBIDDEN, detail, field="dataset")
    return dataset
