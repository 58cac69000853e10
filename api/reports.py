"""The printable report of a candidate, a corridor or ground that was looked at: made of the release alone."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import documents
from api.answers import HTML, JSON, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from biodata.errors import InputError

router = APIRouter(prefix="/v1/reports", tags=["reports"])

REPORTED: Final = ("reserve_candidates", "corridors", "considered_ground")
"""The collections whose features have a report."""

_FORMS: Final = ("html", "json")
_FORM: Final = documents.plain_parameters(
    ("f", {"type": "string", "enum": list(_FORMS)}, "html, the page to print; json, all its numbers.")
)
_ANSWERS: Final = {
    **documents.answers(None, missing=True),
    200: {"description": "The report", "content": {HTML: {}, JSON: {"schema": {"type": "object"}}}},
}


@router.get("/{result_id:path}", summary="A result's printable report", openapi_extra=_FORM, responses=_ANSWERS)
def report(request: Request, result_id: str) -> Response:
    """Answer with a page that holds all it needs, or with its numbers."""
    only(request, "f")
    form = request.query_params.get("f", "html")
    if form not in _FORMS:
        raise invalid(field="f", value=form, expected=f"one of {', '.join(_FORMS)}")
    with service(request).open(request) as release:
        try:
            found = release.report_card(result_id) if form == "json" else release.report_page(result_id)
        except InputError as error:
            detail = f"no candidate, corridor or ground is called {result_id[:80]!r}"
            raise ProblemError(Code.RECORD_MISSING, detail, field="result_id") from error
    if not isinstance(found, str):
        return json_answer(found)
    from biodata.exports.reports.page import POLICY

    request.state.page_policy = f"{POLICY}; frame-ancestors 'none'"
    return HTMLResponse(found, headers={"Cache-Control": "public, max-age=60"})


def address_of(identifier: str) -> str:
    """Return the path of a result's report."""
    return f"/v1/reports/{identifier}"
