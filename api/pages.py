"""Pages for people: the map, its files, reports of results, and the documentation made from the OpenAPI document."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import answers, auth, documents
from api.answers import HTML, JSON, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from api.gbif_names import PARAMETERS
from biodata.core.errors import InputError

reports_router = APIRouter(prefix="/v1/reports", tags=["reports"])

REPORTED: Final = ("reserve_candidates", "corridors", "considered_ground")
"""The collections whose features have a report."""

_FORMS: Final = ("html", "json")
_REPORT_FORM: Final = documents.plain_parameters(
    ("f", {"type": "string", "enum": list(_FORMS)}, "html, the page to print; json, all its numbers.")
)
_ANSWERS: Final = {
    **documents.answers(None, missing=True),
    200: {"description": "The report", "content": {HTML: {}, JSON: {"schema": {"type": "object"}}}},
}


@reports_router.get(
    "/{result_id:path}", summary="A result's printable report", openapi_extra=_REPORT_FORM, responses=_ANSWERS
)
def report(request: Request, result_id: str) -> Response:
    """Answer with a page that holds all it needs, or with its numbers."""
    only(request, "f")
    form = request.query_params.get("f", "html")
    if form not in _FORMS:
        raise invalid(field="f", value=form, expected=f"one of {', '.join(_FORMS)}")
    with service(request).open(request) as release:
        try:
            found = release.facts.report_card(result_id) if form == "json" else release.facts.report_page(result_id)
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


router = APIRouter(include_in_schema=False)

DIST: Final = Path(__file__).parent / "web" / "dist"

_TYPES: Final = {
    ".mjs": "text/javascript", ".js": "text/javascript", ".css": "text/css", ".json": "application/json",
    ".svg": "image/svg+xml", ".wasm": "application/wasm", ".map": "application/json", ".woff2": "font/woff2",
}  # fmt: skip
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))


@router.get("/")
def the_map(request: Request) -> Response:
    """Answer with the map, or with how to build it."""
    index = built(request, "index.html")
    if index is not None:
        return FileResponse(index, media_type="text/html", headers={"Cache-Control": "no-cache"})
    return how_to_build()


def built(request: Request, name: str) -> Path | None:
    """Return a page that `api/web` builds; None where it is not built."""
    page: Path = request.app.state.dist / name
    return page if page.is_file() else None


def how_to_build() -> HTMLResponse:
    """Return the page that stands where the map and the page of surveys are not built."""
    return answers.page("not_built", "biodata")


@router.get("/pages.css")
def style() -> Response:
    """Answer with the style of the plain pages."""
    return Response(answers.style(), media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Answer with every operation, its parameters and the codes of errors; no script, nothing from elsewhere."""
    _check_reader(request)
    document = request.app.openapi()
    return answers.page(
        "docs",
        "biodata: the API",
        up=[("/", "Map")],
        description=document["info"]["description"],
        paths=document["paths"],
        named=[(row["name"], row["answer"], row["instead"]) for row in PARAMETERS],
        errors=[(code, code.status, code.title) for code in Code],
    )


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Answer with the OpenAPI document."""
    _check_reader(request)
    return json_answer(request.app.openapi())


def _check_reader(request: Request) -> None:
    """Refuse whoever has no account where the documentation is not for everybody."""
    if service(request).settings.documentation == "accounts":
        auth.need(request)


class Assets(StaticFiles):
    """The map's built files: their names hold their content's hash, so they may be kept; compressed copies go first."""

    async def check_config(self) -> None:
        """Answer that there is no such file as long as the map was not built."""
        if not Path(str(self.directory)).is_dir():
            raise HTTPException(404)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file, compressed where a compressed copy lies beside it and the client takes it."""
        accepted = answers.media_ranges(Headers(scope=scope).get("accept-encoding", ""))
        for encoding, suffix in _ENCODINGS:
            if encoding in accepted:
                try:
                    response = await super().get_response(path + suffix, scope)
                except HTTPException:
                    continue
                response.headers["Content-Encoding"] = encoding
                return _dressed(response, path)
        return _dressed(await super().get_response(path, scope), path)


def _dressed(response: Response, path: str) -> Response:
    """Add type, caching and Vary."""
    media_type = _TYPES.get(Path(path).suffix)
    if media_type is not None and response.status_code != 304:
        response.headers["Content-Type"] = media_type
    response.headers["Vary"] = "Accept-Encoding"
    hashed = "-" in Path(path).stem
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "public, max-age=3600"
    return response
