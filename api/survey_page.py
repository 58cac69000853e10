"""The page of surveys: as `api/web` builds it, with its words in the language that is asked for."""

import csv
import json
import re
from collections.abc import Mapping
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import auth, documents, pages
from api.answers import HTML, JSON, SHORT_CACHE, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.readers import boolean, one_of
from api.surveys import gate, language_asked
from biodata.access.roles import Action
from biodata.core.errors import BiodataError
from biodata.core.phrases import Phrase
from biodata.ingest.headings import TERMS
from biodata.surveys import words as survey_words
from biodata.surveys.accepting import LICENCES
from biodata.surveys.designs import DESIGNS, LANGUAGES, heading, word
from biodata.surveys.problems import MEDIA_TYPES, SETTLED

router = APIRouter(include_in_schema=False)

_WORDS: Final = Path(__file__).with_name("survey_words.csv")
_GAP: Final = re.compile(r"\{\{(\w+)\}\}")
_SHARED: Final = re.compile("(?:STATE|KIND|ROLE|SIDE|ROWS|WAITING|TABLE|DIFFERENCE)_")


@router.get("/surveys")
def page(request: Request) -> HTMLResponse:
    """Answer with the page in the language that is asked for, or with how to build it."""
    only(request, "language")
    language = language_asked(request)
    built = pages.built(request, "surveys.html")
    if built is None:
        return pages.how_to_build()
    given = {name: escape(text, quote=True) for name, text in words(language).items()}
    given |= {"lang": language, "data": _data(language)}
    text = _GAP.sub(lambda gap: given[gap[1]], built.read_text(encoding="utf-8"))
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(text, headers=headers)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Mapping[str, str]:
    """Return the page's words in a language, and those that it shares with commands and templates; English where one lacks."""
    with _WORDS.open(encoding="utf-8", newline="") as file:
        own = {row["name"]: row[language] or row["en"] for row in csv.DictReader(file)}
    every = {**survey_words.words("en"), **survey_words.words(language)}
    shared = {code.lower(): message for code, (message, _) in every.items() if _SHARED.match(code)}
    designs = {f"design_{name}": word(f"design.{name}", language) for name in DESIGNS}
    units = {one.unit: word(f"unit.{one.unit}", language) for one in DESIGNS.values()}
    efforts = {f"effort_{name}": units[one.unit] for name, one in DESIGNS.items()}
    return MappingProxyType(own | shared | designs | efforts | {f"unit_{unit}": text for unit, text in units.items()})


def _data(language: str) -> str:
    """Return what the page's scripts need, as JSON that cannot end the block that it stands in."""
    terms = {term: heading(term, language) for term in sorted(TERMS)}
    data = {"language": language, "words": dict(words(language)), "terms": terms, "licences": list(LICENCES),
            "settled": sorted(SETTLED)}  # fmt: skip
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


templates_router = APIRouter(prefix="/v1/surveys/templates", tags=["surveys"], route_class=auth.StrictRoute)

_CACHE: Final = "public, max-age=3600"
_LANGUAGE: Final = documents.plain_parameters(
    ("language", {"type": "string", "enum": list(LANGUAGES)}, "Of headings and explanations; else Accept-Language's.")
)
_WORKBOOK: Final = {MEDIA_TYPES["xlsx"]: {"schema": {"type": "string", "format": "binary"}}}
_ANSWER: Final = {**documents.answers(None, missing=True), 200: {"description": "The workbook", "content": _WORKBOOK}}


@templates_router.get("/{design}", summary="A survey's workbook to fill in", openapi_extra=_LANGUAGE, responses=_ANSWER)
async def one(request: Request, design: str) -> Response:
    """Answer with a workbook that goes in without a warning once it is filled in rightly."""
    from biodata.surveys import templates  # loads openpyxl, which nothing else here needs

    language = language_asked(request)
    if design not in DESIGNS:
        detail = Phrase("no design is called {a}; those that there are: {b}", a=repr(design[:80]), b=", ".join(DESIGNS))
        raise ProblemError(Code.NOT_FOUND, detail, field="design")
    # Making one takes a part of a second: no more at a time than checks.
    content = await to_thread.run_sync(templates.template, design, language, limiter=request.app.state.checking)
    headers = {
        "Cache-Control": _CACHE, "Content-Disposition": f'attachment; filename="survey_{design}_{language}.xlsx"',
        "Content-Language": language, "Vary": "Accept-Language",
    }  # fmt: skip
    return Response(content, media_type=MEDIA_TYPES["xlsx"], headers=headers)


results_router = APIRouter(prefix="/v1/surveys/results", tags=["surveys"], route_class=auth.StrictRoute)

PDF: Final = "application/pdf"
_FORMS: Final = ("html", "json")
_NOTHING: Final = {"refused": "it has no events"}
_OWN: Final = documents.plain_parameters(
    ("f", {"type": "string", "enum": list(_FORMS)}, "html, a page that can be printed; json, its numbers."),
    ("exact", {"type": "boolean"}, "true, from the exact records: for the team, which shows a key or token."),
)
_PARAMETERS: Final = {"parameters": [*_OWN["parameters"], documents.LANGUAGE]}
_RESULTS: Final = {
    **documents.answers(None, missing=True, other=(401, 403)),
    200: {"description": "The results", "content": {HTML: {}, PDF: {}, JSON: {"schema": {"type": "object"}}}},
}


@results_router.get("/{key:path}", summary="A dataset's results", openapi_extra=_PARAMETERS, responses=_RESULTS)
async def results(request: Request, key: str) -> Response:
    """Answer with what a dataset's surveys tell, made after each release; on one sheet of A4 where `.pdf` follows the key."""
    # A page with its plots takes a second of a processor: few are made at once, as checks are.
    return await (await gate(request)).run(partial(_answer, request, key))


def _answer(request: Request, key: str) -> Response:
    from biodata.surveys import result_pages

    form, language = one_of("f", request.query_params.get("f", "html"), _FORMS), language_asked(request)
    dataset, ending = key.removesuffix(".pdf"), ".pdf" if key.endswith(".pdf") else ".html"
    exact, found = boolean("exact", request.query_params.get("exact", "false")), service(request)
    if exact:  # from here on nobody else keeps the answer
        who = auth.need(request)
        if not result_pages.is_of_team(found.registry, who, dataset):
            raise auth.forbidden(request, who, Action.HAND_IN)
    with found.open(request) as release:
        kept = result_pages.read(found.settings.data, dataset)
        # Results of an earlier release may tell what a rule has hidden since.
        if kept is None or kept["release"] != release.file.id:
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
        page = result_pages.page(found.settings, dataset, kept, language, ending, keep=not exact)
    except BiodataError as error:  # what is missing on this machine, and what helps
        raise ProblemError(Code.STORE_ERROR, str(error)) from error
    headers = {"Cache-Control": SHORT_CACHE, "Content-Language": language, "Vary": "Accept-Language"}
    if ending == ".pdf":
        return Response(page, media_type=PDF, headers=headers)
    from biodata.exports.reports.page import POLICY

    request.state.page_policy = f"{POLICY}; frame-ancestors 'none'"
    return Response(page, media_type=HTML, headers=headers)
