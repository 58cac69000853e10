"""Errors on their way out of the application: each handler turns one kind into a problem."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.errors import PROBLEMS, Code, ProblemError
from api.problems import problem_response
from biodata.errors import BiodataError, InputError, NoReleaseError

_TOLD_IN_ITS_LANGUAGE: Final = ("/v1/surveys", "/v1/login")
"""What the page of surveys asks for."""
_BY_STATUS: Final = MappingProxyType({404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 413: Code.UPLOAD_TOO_LARGE})


def install(app: FastAPI) -> None:
    """Let every error of the application leave as problem+json."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(BiodataError, _biodata)


def _problem(request: Request, error: Exception) -> Response:
    """Answer with an error that a handler raised on purpose."""
    assert isinstance(error, ProblemError)
    return _answer(
        request,
        error.code,
        error.detail,
        headers=error.headers,
        field=error.field,
        expected=error.expected,
        near=error.near,
    )


def _http(request: Request, error: Exception) -> Response:
    """Answer with an error of the framework: no such route, no such method."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, Code.REQUEST_INVALID if error.status_code < 500 else Code.INTERNAL)
    return _answer(request, code, PROBLEMS[code].title, status=error.status_code, headers=error.headers)


def _validation(request: Request, error: Exception) -> Response:
    """Answer with the first fault that FastAPI found in a request; what a body said is not repeated."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = first["loc"]
    field = ".".join(str(part) for part in place[1:])[:80]
    if place[0] != "body":
        return _answer(request, Code.REQUEST_INVALID, f"{field}: {first['msg']}", field=field)
    if first["type"] == "json_invalid":
        return _answer(request, Code.BODY_INVALID, "the body is no JSON", expected="a JSON object")
    if first["type"] == "extra_forbidden":
        detail, expected = f"{field} cannot be set here", "only fields that the documentation names"
        return _answer(request, Code.FIELD_INVALID, detail, field=field, expected=expected)
    detail = f"{field}: {first['msg']}" if field else "the body is missing, or no JSON object"
    return _answer(request, Code.FIELD_INVALID, detail, field=field)


def _biodata(request: Request, error: Exception) -> Response:
    """Answer with an error of the library: what came from outside is a 400, all else is ours."""
    if isinstance(error, InputError):
        code = Code(error.code) if error.code in PROBLEMS else Code.PARAMETER_INVALID
        return _answer(request, code, error.problem, field=error.column, expected=error.expected)
    if isinstance(error, NoReleaseError):
        detail = "make one with `biodata release`, then ask again"
        return _answer(request, Code.RELEASE_MISSING, detail, headers={"Retry-After": "5"})
    code = Code(error.code) if isinstance(error, BiodataError) and error.code in PROBLEMS else Code.STORE_ERROR
    return _answer(request, code, PROBLEMS[code].title, headers={"Retry-After": "5"})


def _answer(
    request: Request,
    code: Code,
    detail: str,
    *,
    expected: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """Answer with a problem; to the page of surveys it tells what was wrong in the language that is asked for."""
    language = _language(request)
    if language != "en":
        from biodata.surveys.words.sentences import retold

        detail, expected = retold(detail, language), expected and retold(expected, language)
        headers = {**(headers or {}), "Content-Language": language}
    return problem_response(request.state.request_id, code, detail, headers=headers, expected=expected, **members)


def _language(request: Request) -> str:
    """Return the language of a refusal; English of what that page never asks, and where the language itself is refused."""
    if not request.url.path.startswith(_TOLD_IN_ITS_LANGUAGE):
        return "en"
    from biodata.surveys import words

    told = request.query_params.get("language")
    return (words.language_of(told) if told else None) or words.accepted(request.headers.get("accept-language"))
