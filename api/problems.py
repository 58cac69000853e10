"""How an error leaves: as problem+json (RFC 9457), or as a page with the same words where a browser asks for one."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import html
from api.answers import likes_page
from api.errors import PROBLEM_TYPE, PROBLEMS, Code


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
        if chosen != "json" and likes_page(Headers(scope=scope).get("accept", "")):
            await self._page()(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _page(self) -> Response:
        """Return the page: what was wrong, what would be right, and by which id the log knows the request."""
        problem = self._problem
        expected = problem.get("expected", "")
        right = f"{expected[:1].upper()}{expected[1:]}" if problem.get("near") else f"Expected: {expected}"
        page = html.page(
            problem["title"],
            html.paragraph(problem["detail"]),
            html.paragraph(right) if expected else "",
            html.links([(problem["type"], f"{problem['status']} {problem['code']}, among the kinds of errors")]),
            html.paragraph(f"Request {problem['request_id']}"),
            up=(("/", "Map"), ("/surveys", "Surveys"), ("/docs", "API")),
            language=self.headers.get("content-language", "en"),
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
    problem = PROBLEMS[code]
    body = {
        "type": f"/docs#{code}",
        "title": problem.title,
        "status": status or problem.status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **{name: value for name, value in members.items() if value},
    }
    return ProblemResponse(body, status or problem.status, headers or {})
