"""Templates of surveys to download: a workbook a design, in the language that is asked for."""

from typing import Final

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.answers import json_answer, only
from api.errors import Code, ProblemError
from api.survey_reports import language_asked
from biodata.surveys import templates
from biodata.surveys.designs import DESIGNS, LANGUAGES


class Template(BaseModel):
    """A design that there are templates of."""

    design: str
    unit: str = Field(description="The unit of its effort.")
    title: str
    languages: list[str] = Field(description="Languages of its templates.")


class TemplateList(BaseModel):
    """Every design."""

    templates: list[Template]


router = APIRouter(prefix="/v1/surveys/templates", tags=["surveys"])

_CACHE: Final = "public, max-age=3600"
_LANGUAGE: Final = documents.plain_parameters(
    ("language", {"type": "string", "enum": list(LANGUAGES)}, "Of headings and explanations; else Accept-Language's.")
)
_WORKBOOK: Final = {templates.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_ANSWERS: Final = {
    **documents.answers(None, missing=True), 200: {"description": "The workbook", "content": _WORKBOOK}
}  # fmt: skip


@router.get("", summary="The designs that there are templates of", responses=documents.answers(TemplateList))
def every(request: Request) -> Response:
    """Answer with each design, the unit of its effort, and the languages of its templates."""
    only(request, "language")
    return json_answer({"templates": templates.offered()}, cache=_CACHE)


@router.get("/{design}", summary="A survey's workbook to fill in", openapi_extra=_LANGUAGE, responses=_ANSWERS)
async def one(request: Request, design: str) -> Response:
    """Answer with a workbook that goes in without a warning once it is filled in rightly."""
    only(request, "language")
    language = language_asked(request)
    if design not in DESIGNS:
        detail = f"no design is called {design[:80]!r}; those that there are: {', '.join(DESIGNS)}"
        raise ProblemError(Code.NOT_FOUND, detail, field="design")
    # Making one takes a part of a second: no more at a time than checks.
    content = await to_thread.run_sync(templates.template, design, language, limiter=request.app.state.checking)
    headers = {
        "Cache-Control": _CACHE, "Content-Disposition": f'attachment; filename="{templates.file_name(design, language)}"',
        "Content-Language": language, "Vary": "Accept-Language",
    }  # fmt: skip
    return Response(content, media_type=templates.MEDIA_TYPE, headers=headers)
