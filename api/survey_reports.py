"""The answer to a survey's check: in the language and the form that the uploader asks for."""

import csv
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import auth, documents, pages
from api.answers import json_answer, only
from api.dependencies import Service, service
from api.errors import Code, ProblemError, invalid
from api.gates import Gate
from api.readers import one_of
from api.survey_bodies import HeadingAnswer, Upload, receive_upload
from biodata import places, surveys
from biodata.access.roles import Action, may
from biodata.errors import NoReleaseError
from biodata.ingest import survey_project
from biodata.ingest.headings import TERMS
from biodata.store.query.filters import Compare
from biodata.store.sharing_rules import rules_of
from biodata.surveys import problems, review, templates, words
from biodata.surveys import words as survey_words
from biodata.surveys.accepting import accepted_of
from biodata.surveys.designs import DESIGNS, LANGUAGES, heading, word
from biodata.surveys.licences import of_dataset
from biodata.surveys.mappings import heading_answer
from biodata.surveys.process import in_published_parts
from biodata.surveys.report_forms import MEDIA_TYPES, ReportForm, write_report
from biodata.surveys.submit import MOST_OF_NAME, part_name
from biodata.surveys.templates import LICENCES

router = APIRouter(prefix="/v1/surveys/headings", tags=["surveys"])

PARAMETERS: Final = ("language", "format")
_NO_STORE: Final = "no-store"


@router.post(
    "", summary="Say what the headings of a survey's workbook mean", openapi_extra=documents.survey_file(language=True),
    responses=documents.answers(HeadingAnswer, other=(413,)),
)  # fmt: skip
async def headings(request: Request) -> Response:
    """Propose a term for each heading, with its confidence, its unit and why; nothing is kept."""
    only(request, "language")
    language = await run_in_threadpool(language_asked, request)
    found, own_gate = service(request), await gate(request)
    async with receive_upload(request, limit_bytes=found.settings.upload_limit_bytes) as upload:
        return await own_gate.run(partial(_headings, request, upload, language))


async def gate(request: Request) -> Gate:
    """Return the gate that a check waits at: those who show who they are do not wait behind a crowd of others.

    Where it is full nothing of the file is read (CHECKS_TOO_MANY).
    """
    found: Gate = request.app.state.public_checks
    if "authorization" in request.headers or "x-api-key" in request.headers:
        try:
            await run_in_threadpool(auth.shown_by, request)
            found = request.app.state.known_checks
        except ProblemError:  # a key that is not known opens nothing; whatever needs one refuses it later
            found = request.app.state.public_checks
    found.refuse_if_full()
    return found


def language_asked(request: Request) -> str:
    """Return the language that `language` asks for, else the first of `Accept-Language` that is one of the ten."""
    told = request.query_params.get("language")
    if told is None:
        return words.accepted(request.headers.get("accept-language"))
    language = words.language_of(told)
    if language is None:
        raise invalid(field="language", value=told, expected=f"one of {', '.join(words.LANGUAGES)}")
    return language


def report_answer(report: dict[str, Any], upload: Upload, form: ReportForm, language: str) -> Response:
    """Return the report in the form and language that were asked for."""
    headers = {
        "Cache-Control": _NO_STORE, "Content-Language": language, "Vary": "Accept-Language, Authorization, X-API-Key",
    }  # fmt: skip
    if form is ReportForm.JSON:
        return json_answer(report, cache=_NO_STORE, headers=headers)
    upload.file.seek(0)
    content = write_report(form, report, upload.file.read(), language=language)
    headers["Content-Disposition"] = f'attachment; filename="report.{form.value}"'
    return Response(content, 200, headers, media_type=MEDIA_TYPES[form])


def _kept_headings(request: Request, dataset: str | None) -> dict[str, str]:
    return {} if dataset is None else service(request).registry.headings_decided(dataset)


def accepted_now(upload: Upload) -> tuple[str, ...]:
    """Return the proposals that a form accepts."""
    return tuple(one.strip() for one in upload.told.get("accept", "").splitlines() if one.strip())


def _known_dataset(request: Request, upload: Upload) -> str | None:
    dataset = upload.dataset
    return dataset if dataset is not None and may(auth.principal(request), Action.HAND_IN, dataset=dataset) else None


def check(request: Request, found: Service, upload: Upload) -> Response:
    """Answer with what is wrong with a survey's file, as it is asked for; nothing is kept."""
    (form, language), dataset = asked(request), _known_dataset(request, upload)
    rules, checklist = rules_of(found.registry), None
    with suppress(NoReleaseError), found.open(None) as opened:  # the first day no checklist is published yet
        rules, taxa = opened.facts.known_to(rules), opened.facts.taxa
        checklist = taxa if taxa.height else None
    if dataset is None:
        # Of rules of places and datasets nothing is shown: whoever may send any points would find the edges of a rule's
        # polygon with them, a roost, a grave.
        rules = rules.of_taxa_alone()
    with TemporaryDirectory() as folder:
        target = None if dataset is None else Path(folder) / "tables"
        report = surveys.check(
            upload.file, upload.name, places.load_boundaries(found.settings.boundaries), kept=_kept_headings(request, dataset),
            rules=rules, known=checklist, licence=survey_project.checked(upload.told.get("license"), code="FIELD_INVALID"),
            licences=of_dataset(found.registry, dataset), language=language, dataset=upload.dataset,
            accepted=(*accepted_of(found.registry, dataset), *accepted_now(upload)), target=target,
        )  # fmt: skip
        if dataset is not None and target is not None and target.exists():
            report = _with_other_parts(request, found, upload, dataset, report, target, language)
    return report_answer(report, upload, form, language)


def _with_other_parts(
    request: Request, found: Service, upload: Upload, dataset: str, report: dict[str, Any], tables: Path, language: str
) -> dict[str, Any]:
    """Return a report with the identifiers that the map shows of the dataset, where it has no part of this name yet."""
    part = part_name(upload.told.get("part") or Path(upload.name).stem[:MOST_OF_NAME] or dataset)
    parts = {one["part"] for one in review.versions(found.registry, auth.principal(request), dataset)}
    if part in parts or not parts:
        return report
    try:
        with found.open(None) as opened:
            names = (("occurrences", "occurrences", "occurrenceID"), ("events", "surveys", "eventID"))
            of = Compare("datasetKey", "=", dataset)
            published = {kind: set(opened.frame(table, [term], of)[term].drop_nulls()) for kind, table, term in names}
    except NoReleaseError:
        return report
    more = in_published_parts(tables, upload.name, published, parts, language)
    return problems.with_problems(report, more) if more else report


def asked(request: Request) -> tuple[ReportForm, str]:
    """Return the form (JSON where it says nothing) and the language that a request asks for."""
    form = one_of("format", request.query_params.get("format", ReportForm.JSON), list(ReportForm))
    return ReportForm(form), language_asked(request)


def _headings(request: Request, upload: Upload, language: str) -> Response:
    known = _kept_headings(request, _known_dataset(request, upload))
    body = heading_answer([(upload.name, upload.file.read())], kept=known, language=language)
    return json_answer(body, cache=_NO_STORE, headers={"Content-Language": language})


class Template(BaseModel):
    """A design that there are templates of."""

    design: str
    unit: str = Field(description="The unit of its effort.")
    title: str
    languages: list[str] = Field(description="Languages of its templates.")


class TemplateList(BaseModel):
    """Every design."""

    templates: list[Template]


templates_router = APIRouter(prefix="/v1/surveys/templates", tags=["surveys"])

_CACHE: Final = "public, max-age=3600"
_LANGUAGE: Final = documents.plain_parameters(
    ("language", {"type": "string", "enum": list(LANGUAGES)}, "Of headings and explanations; else Accept-Language's.")
)
_WORKBOOK: Final = {templates.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_ANSWERS: Final = {
    **documents.answers(None, missing=True), 200: {"description": "The workbook", "content": _WORKBOOK}
}  # fmt: skip


@templates_router.get("", summary="The designs that there are templates of", responses=documents.answers(TemplateList))
def every(request: Request) -> Response:
    """Answer with each design, the unit of its effort, and the languages of its templates."""
    only(request, "language")
    return json_answer({"templates": templates.offered()}, cache=_CACHE)


@templates_router.get(
    "/{design}", summary="A survey's workbook to fill in", openapi_extra=_LANGUAGE, responses=_ANSWERS
)
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


page_router = APIRouter(include_in_schema=False)

_WORDS: Final = Path(__file__).with_name("survey_words.csv")
_GAP: Final = re.compile(r"\{\{(\w+)\}\}")
"""A word that the built page leaves to its language."""
_SHARED: Final = re.compile("(?:STATE|KIND|ROLE|SIDE|ROWS|WAITING|TABLE|DIFFERENCE)_")
_OTHER_NAMES: Final = MappingProxyType(
    {"occurrences": "table_occurrences", "events": "table_events", "cell_empty": "difference_empty"}
)


@page_router.get("/surveys")
def page(request: Request) -> HTMLResponse:
    """Answer with the page in the language that is asked for, or with how to build it."""
    only(request, "language")
    language = language_asked(request)
    built = pages.built(request, "surveys.html")
    if built is None:
        return pages.how_to_build()
    given = {name: escape(text, quote=True) for name, text in page_words(language).items()}
    given |= {"lang": language, "data": _data(language)}
    text = _GAP.sub(lambda gap: given[gap[1]], built.read_text(encoding="utf-8"))
    headers = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(text, headers=headers)


@lru_cache(maxsize=len(LANGUAGES))
def page_words(language: str) -> Mapping[str, str]:
    """Return the page's words in a language, and those that it shares with commands and templates; English where one lacks."""
    with _WORDS.open(encoding="utf-8", newline="") as file:
        own = {row["name"]: row[language] or row["en"] for row in csv.DictReader(file)}
    every = {**survey_words.words("en"), **survey_words.words(language)}
    shared = {code.lower(): message for code, (message, _) in every.items() if _SHARED.match(code)}
    designs = {f"design_{name}": word(f"design.{name}", language) for name in DESIGNS}
    units = {one.unit: word(f"unit.{one.unit}", language) for one in DESIGNS.values()}
    efforts = {f"effort_{name}": units[one.unit] for name, one in DESIGNS.items()}
    named = {name: shared[code] for name, code in _OTHER_NAMES.items()}
    return MappingProxyType(
        own | shared | named | designs | efforts | {f"unit_{unit}": text for unit, text in units.items()}
    )


def _data(language: str) -> str:
    """Return what the page's scripts need, as JSON that cannot end the block that it stands in."""
    terms = {term: heading(term, language) for term in sorted(TERMS)}
    data = {"language": language, "words": dict(page_words(language)), "terms": terms, "licences": list(LICENCES)}
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
