"""The answer to a survey's check: in the language and the form that the uploader asks for."""

from contextlib import suppress
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import auth
from api.answers import json_answer
from api.dependencies import Service
from api.errors import ProblemError, invalid
from api.gates import Gate
from api.readers import one_of
from api.uploads import Upload
from biodata import places, surveys
from biodata.access.roles import Action, may
from biodata.errors import NoReleaseError
from biodata.ingest import survey_shapes
from biodata.store.heading_mappings import accepted_of
from biodata.store.sharing_rules import rules_of
from biodata.surveys import words
from biodata.surveys.licences import of_dataset
from biodata.surveys.report_forms import MEDIA_TYPES, ReportForm, write_report

PARAMETERS: Final = ("language", "format")
_NO_STORE: Final = "no-store"


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
    licence = survey_shapes.checked(upload.told.get("license"), code="FIELD_INVALID")
    report = surveys.check(
        upload.file, upload.name, places.load_boundaries(found.settings.boundaries), rules=rules, known=checklist,
        licence=licence, licences=of_dataset(found.registry, dataset), language=language, dataset=upload.dataset,
        accepted=(*accepted_of(found.registry, dataset), *accepted_now(upload)),
    )  # fmt: skip
    return report_answer(report, upload, form, language)


def asked(request: Request) -> tuple[ReportForm, str]:
    """Return the form (JSON where it says nothing) and the language that a request asks for."""
    form = one_of("format", request.query_params.get("format", ReportForm.JSON), list(ReportForm))
    return ReportForm(form), language_asked(request)
