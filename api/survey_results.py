"""The results of a dataset of surveys: as they are published for everybody, from the exact records for its team."""

from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents, survey_reports
from api.answers import HTML, JSON, SHORT_CACHE, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.readers import boolean, one_of
from biodata.access.roles import Action
from biodata.errors import BiodataError

router = APIRouter(prefix="/v1/surveys/results", tags=["surveys"])

PDF: Final = "application/pdf"
_FORMS: Final = ("html", "json")
_NOTHING: Final = {"refused": "it has no events"}
_PARAMETERS: Final = {
    "parameters": [
        documents.parameter(
            "f", {"type": "string", "enum": list(_FORMS)}, "html, a page that can be printed; json, its numbers."
        ),
        documents.parameter(
            "exact", {"type": "boolean"}, "true, from the exact records: for the team, which shows a key or token."
        ),
        documents.LANGUAGE,
    ]
}
_ANSWERS: Final = {
    **documents.answers(None, missing=True, other=(401, 403)),
    200: {"description": "The results", "content": {HTML: {}, PDF: {}, JSON: {"schema": {"type": "object"}}}},
}


@router.get("/{key:path}", summary="A dataset's results", openapi_extra=_PARAMETERS, responses=_ANSWERS)
async def results(request: Request, key: str) -> Response:
    """Answer with what a dataset's surveys tell, made after each release; on one sheet of A4 where `.pdf` follows the key."""
    # A page with its plots takes a second of a processor: few are made at once, as checks are.
    return await (await survey_reports.gate(request)).run(partial(_answer, request, key))


def _answer(request: Request, key: str) -> Response:
    from biodata.surveys import result_pages

    only(request, "f", "exact", "language")
    form, language = one_of("f", request.query_params.get("f", "html"), _FORMS), survey_reports.language_asked(request)
    dataset, ending = key.removesuffix(".pdf"), ".pdf" if key.endswith(".pdf") else ".html"
    exact, found = boolean("exact", request.query_params.get("exact", "false")), service(request)
    if exact:  # from here on nobody else keeps the answer
        who = auth.need(request)
        if not result_pages.is_of_team(found.registry, who, dataset):
            raise auth.forbidden(request, who, Action.HAND_IN)
    with found.open(request) as release:
        kept = result_pages.read(found.settings.data, dataset)
        # Results of an earlier release may tell what a rule has hidden since.
        if kept is None or kept["release"] != release.id:
            detail = "no results of this dataset are kept for the current release; the worker makes them after it"
            raise ProblemError(Code.RECORD_MISSING, detail, field="key")
    try:
        if exact:
            kept = {"release": kept["release"], **(result_pages.exact(found.settings.data, dataset) or _NOTHING)}
        if "refused" in kept:
            detail = f"nothing can be told of this dataset: {kept['refused']}"
            raise ProblemError(Code.RECORD_MISSING, detail, field="key")
        if form == "json" and ending != ".pdf":
            return json_answer({"release": kept["release"], **kept["results"]})
        make = result_pages.exact_page if exact else result_pages.published_page
        page = make(found.settings, dataset, kept, language, ending)
    except BiodataError as error:  # what is missing on this machine, and what helps
        raise ProblemError(Code.STORE_ERROR, str(error)) from error
    headers = {"Cache-Control": SHORT_CACHE, "Content-Language": language, "Vary": "Accept-Language"}
    if ending == ".pdf":
        return Response(page, media_type=PDF, headers=headers)
    from biodata.exports.reports.page import POLICY

    request.state.page_policy = f"{POLICY}; frame-ancestors 'none'"
    return Response(page, media_type=HTML, headers=headers)
