"""Errors on their way out: as problem+json (RFC 9457), or as a page where a browser asks for one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import answers
from api.answers import prefers_page
from api.errors import PROBLEM_TYPE, Code, ProblemError
from biodata.core.errors import BiodataError, InputError, NoReleaseError


class ProblemResponse(Response):
    """An error as problem+json; to a request whose Accept header likes HTML better it sends a page."""

    media_type = PROBLEM_TYPE

    def __init__(self, problem: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> None:
        super().__init__(orjson.dumps(problem), status, dict(headers))
        self.headers.add_vary_header("Accept")
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the form that the request likes; `f=json` is an answer for programs, whatever the header says."""
        chosen = QueryParams(scope["query_string"]).get("f", "html")
        if chosen != "json" and prefers_page(Headers(scope=scope).get("accept", "")):
            await self._page()(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _page(self) -> Response:
        """Return the page: what was wrong, what would be right, and by which id the log knows the request."""
        page = answers.page(
            "problem",
            self._problem["title"],
            up=(("/", "Map"), ("/surveys", "Surveys"), ("/docs", "API")),
            language=self.headers.get("content-language", "en"),
            problem=self._problem,
        )
        page.status_code = self.status_code
        del page.headers["cache-control"]
        page.headers.update({k: v for k, v in self.headers.items() if k not in ("content-type", "content-length")})
        return page


def problem_response(
    request_id: str,
    code: Code,
    detail: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> ProblemResponse:
    """Return the answer for an error; members that are None or empty are left out."""
    body = {
        "type": f"/docs#{code}",
        "title": code.title,
        "status": status or code.status,
        "detail": detail,
        "code": str(code),
        "request_id": request_id,
        **{name: value for name, value in members.items() if value},
    }
    return ProblemResponse(body, status or code.status, headers or {})


_TOLD_IN_ITS_LANGUAGE: Final = ("/v1/surveys", "/v1/login")
"""What the page of surveys asks for."""
_BY_STATUS: Final = MappingProxyType({404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 413: Code.UPLOAD_TOO_LARGE})


def install(app: FastAPI) -> None:
    """Let every error of the application leave as problem+json."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(BiodataError, _on_biodata)


def _on_problem(request: Request, error: Exception) -> Response:
    """Answer with an error that a handler raised on purpose."""
    assert isinstance(error, ProblemError)
    return _answer(
        request, error.code, error.detail, headers=error.headers, field=error.field, expected=error.expected,
        near=error.near,
    )  # fmt: skip


def _on_http(request: Request, error: Exception) -> Response:
    """Answer with an error of the framework: no such route, no such method."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, Code.REQUEST_INVALID if error.status_code < 500 else Code.INTERNAL)
    return _answer(request, code, code.title, status=error.status_code, headers=error.headers)


def _on_validation(request: Request, error: Exception) -> Response:
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


def _on_biodata(request: Request, error: Exception) -> Response:
    """Answer with an error of the library: what came from outside is a 400, all else is ours."""
    if isinstance(error, InputError):
        code = Code.named(error.code, default=Code.PARAMETER_INVALID)
        return _answer(request, code, error.problem, field=error.column, expected=error.expected)
    if isinstance(error, NoReleaseError):
        detail = "make one with `biodata release`, then ask again"
        return _answer(request, Code.RELEASE_MISSING, detail, headers={"Retry-After": "5"})
    assert isinstance(error, BiodataError)
    code = Code.named(error.code, default=Code.STORE_ERROR)
    return _answer(request, code, code.title, headers={"Retry-After": "5"})


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
        from biodata.surveys.words import stated

        detail, expected = stated(detail, language), expected and stated(expected, language)
        headers = {**(headers or {}), "Content-Language": language}
    return problem_response(request.state.request_id, code, detail, headers=headers, expected=expected, **members)


def _language(request: Request) -> str:
    """Return the language of a refusal; English of what that page never asks, and where the language itself is refused."""
    if not request.url.path.startswith(_TOLD_IN_ITS_LANGUAGE):
        return "en"
    from biodata.surveys import words

    text = request.query_params.get("language")
    return (words.language_of(text) if text else None) or answers.accepted_language(
        request.headers.get("accept-language")
    )
