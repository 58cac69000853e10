"""The results of a dataset of surveys, as they are published: effort, species, abundance, occupancy, with their limits."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import documents, survey_reports
from api.answers import HTML, JSON, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError, invalid

router = APIRouter(prefix="/v1/surveys/results", tags=["surveys"])

_FORMS: Final = ("html", "json")
_PARAMETERS: Final = {
    "parameters": [
        documents.parameter(
            "f", {"type": "string", "enum": list(_FORMS)}, "html, a page that can be printed; json, its numbers."
        ),
        documents.LANGUAGE,
    ]
}
_ANSWERS: Final = {
    **documents.answers(None, missing=True),
    200: {"description": "The results", "content": {HTML: {}, JSON: {"schema": {"type": "object"}}}},
}


@router.get("/{key:path}", summary="A dataset's published results", openapi_extra=_PARAMETERS, responses=_ANSWERS)
def results(request: Request, key: str) -> Response:
    """Answer with what can be told of a dataset's surveys by what is published of them, made after each release."""
    only(request, "f", "language")
    form, language = request.query_params.get("f", "html"), survey_reports.language_asked(request)
    if form not in _FORMS:
        raise invalid(field="f", value=form, expected=f"one of {', '.join(_FORMS)}")
    from biodata.surveys import result_pages

    found = service(request)
    with found.open(request) as release:
        kept = result_pages.read(found.settings.data, key)
        # Pages of an earlier release may tell what a rule has hidden since.
        if kept is None or kept["release"] != release.id:
            detail = "no results of this dataset are kept for the current release; the worker makes them after it"
            raise ProblemError(Code.RECORD_MISSING, detail, field="key")
    if "refused" in kept:
        raise ProblemError(Code.RECORD_MISSING, f"nothing can be told of this dataset: {kept['refused']}", field="key")
    if form == "json":
        return json_answer({"release": kept["release"], **kept["results"]})
    from biodata.exports.reports.page import POLICY

    request.state.page_policy = f"{POLICY}; frame-ancestors 'none'"
    headers = {"Cache-Control": "public, max-age=60", "Content-Language": language, "Vary": "Accept-Language"}
    return HTMLResponse(result_pages.page(found.settings.data, key, language), headers=headers)
