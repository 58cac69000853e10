"""The page of monitoring projects: templates, a check that anybody may ask for, sending in, and the review."""

import csv
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import html
from api.answers import only
from api.errors import Code, ProblemError
from api.survey_reports import language_asked
from biodata.ingest.headings import TERMS
from biodata.surveys import words as survey_words
from biodata.surveys.designs import DESIGNS, LANGUAGES, word
from biodata.surveys.designs.words import heading
from biodata.surveys.templates import LICENCES, file_name

router = APIRouter(include_in_schema=False)

_HERE: Final = Path(__file__).parent / "survey_scripts"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_FILES: Final = MappingProxyType({p.name: _TYPES[p.suffix] for p in sorted(_HERE.iterdir()) if p.suffix in _TYPES})
_SHEETS: Final = ".xlsx,.xls,.ods,.csv,.tsv,.txt,.zip,.json,.xml"
_NAMES: Final = MappingProxyType(
    {
        "en": "English", "zh": "中文", "th": "ไทย", "vi": "Tiếng Việt", "lo": "ລາວ", "km": "ខ្មែរ", "my": "မြန်မာ",
        "ms": "Bahasa Melayu", "id": "Bahasa Indonesia", "fil": "Filipino",
    }
)  # fmt: skip

_SHARED: Final = re.compile("(?:STATE|KIND|ROLE|SIDE|ROWS|WAITING|TABLE|DIFFERENCE)_")
_OTHER_NAMES: Final = MappingProxyType(
    {"occurrences": "table_occurrences", "events": "table_events", "cell_empty": "difference_empty"}
)


@router.get("/surveys")
def page(request: Request) -> HTMLResponse:
    """Answer with the page, in the language that is asked for."""
    only(request, "language")
    language = language_asked(request)
    told = words(language)
    answer = html.page(
        told["title"],
        _languages(language, told),
        html.paragraph(told["intro"]),
        _templates(language, told),
        _check(told),
        _send(told),
        _surveys(told),
        _data(language, told),
        f"<noscript>{html.paragraph(told['no_script'])}</noscript>",
        up=[(f"/?language={language}", told["map"])],
        language=language,
        back=told["back"],
        head='<link rel="stylesheet" href="/surveys/surveys.css"><script type="module" src="/surveys/main.js"></script>',
    )
    answer.headers["Vary"] = "Accept-Language"
    answer.headers["Content-Language"] = language
    return answer


@router.get("/surveys/{file}")
def script(file: str) -> Response:
    """Answer with one of the page's scripts, or its style."""
    if file not in _FILES:
        raise ProblemError(Code.NOT_FOUND, "there is no such page")
    headers = {"Cache-Control": "public, max-age=300"}
    return Response((_HERE / file).read_bytes(), media_type=_FILES[file], headers=headers)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Mapping[str, str]:
    """Return the page's words in a language, and those that it shares with the commands; English where it lacks one."""
    with (_HERE / "words.csv").open(encoding="utf-8", newline="") as file:
        own = {row["name"]: row[language] or row["en"] for row in csv.DictReader(file)}
    shared = {
        code.lower(): message for code, (message, _) in survey_words.words(language).items() if _SHARED.match(code)
    }
    return MappingProxyType(own | shared | {name: shared[code] for name, code in _OTHER_NAMES.items()})


def _languages(language: str, told: Mapping[str, str]) -> str:
    """Return the links to the page in each language; the fragment goes along by script."""
    current = ' aria-current="true"'
    links = "".join(
        f'<li><a href="/surveys?language={code}" lang="{code}" hreflang="{code}"'
        f"{current if code == language else ''}>{escape(name)}</a></li>"
        for code, name in _NAMES.items()
    )
    return f'<nav id="languages" aria-label="{escape(told["language"], quote=True)}"><ul>{links}</ul></nav>'


def _templates(language: str, told: Mapping[str, str]) -> str:
    """Return the designs, each with the link to its template in the page's language."""
    rows = ""
    for name, design in DESIGNS.items():
        called, unit = word(f"design.{name}", language), word(f"unit.{design.unit}", language)
        label = escape(f"{told['download']}: {called}", quote=True)
        rows += (
            f"<li><strong>{escape(called)}</strong> <span>{escape(told['effort'])}: {escape(unit)}</span> "
            f'<a href="/v1/surveys/templates/{name}?language={language}" download="{file_name(name, language)}" '
            f'aria-label="{label}">{escape(told["download"])}</a></li>'
        )
    return _section("templates", told["step_templates"], html.paragraph(told["templates_help"]) + f"<ul>{rows}</ul>")


def _check(told: Mapping[str, str]) -> str:
    """Return the form that checks a file, and where its answer stands."""
    inside = (
        f"<p>{escape(told['check_help'])}</p>"
        f'<form id="check-form"><label for="file">{escape(told["file"])}</label>'
        f'<input id="file" name="file" type="file" required accept="{_SHEETS}">'
        f'<button id="check-button">{escape(told["check"])}</button></form>'
        '<p id="check-status" class="status" role="status" aria-live="polite"></p><div id="report"></div>'
        f'<p><button id="headings-button" type="button" class="plain">{escape(told["headings_ask"])}</button></p>'
        '<p id="headings-status" class="status" role="status" aria-live="polite"></p><div id="headings"></div>'
    )
    return _section("check", told["step_check"], inside)


def _send(told: Mapping[str, str]) -> str:
    """Return the form that sends a file in; the key never stands in an address."""
    inside = (
        f'<p id="key-help">{escape(told["key_help"])}</p>'
        f'<form id="login-form"><label for="account">{escape(told["account"])}</label>'
        '<input id="account" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="100">'
        f'<label for="password">{escape(told["password"])}</label>'
        '<input id="password" type="password" autocomplete="current-password" required>'
        f'<button id="login-button">{escape(told["log_in"])}</button></form>'
        f'<details id="code"><summary>{escape(told["have_code"])}</summary>'
        f'<p id="code-help">{escape(told["code_help"])}</p>'
        f'<form id="code-form" autocomplete="off"><label for="one-time-code">{escape(told["one_time_code"])}</label>'
        '<input id="one-time-code" autocomplete="off" autocapitalize="none" spellcheck="false" required maxlength="200" '
        f'aria-describedby="code-help"><label for="new-password">{escape(told["new_password"])}</label>'
        '<input id="new-password" type="password" autocomplete="new-password" required>'
        f'<button id="code-button">{escape(told["set_password"])}</button></form>'
        '<p id="code-status" class="status" role="status" aria-live="polite"></p></details>'
        f"<p>{escape(told['or_key'])}</p>"
        f'<form id="key-form" autocomplete="off"><label for="key">{escape(told["key"])}</label>'
        '<input id="key" type="password" autocomplete="off" spellcheck="false" aria-describedby="key-help">'
        f"<button>{escape(told['key_use'])}</button></form>"
        '<p id="login-status" class="status" role="status" aria-live="polite"></p>'
        f'<p><button id="logout-button" type="button" class="plain" hidden>{escape(told["log_out"])}</button></p>'
        f'<form id="send-form"><label for="dataset">{escape(told["dataset"])}</label>'
        f'<input id="dataset" maxlength="255" placeholder="{escape(told["dataset_hint"], quote=True)}">'
        f'<label for="answers">{escape(told["answers"])}</label><select id="answers"><option value="">'
        f"{escape(told['answers_none'])}</option></select>"
        f'<label for="license">{escape(told["license"])}</label><select id="license"><option value="">'
        f"{escape(told['license_in_file'])}</option>{''.join(f'<option>{one}</option>' for one in LICENCES)}</select>"
        f'<label class="tick"><input id="complete" type="checkbox"> {escape(told["complete"])}</label>'
        f'<label class="tick"><input id="draft" type="checkbox"> {escape(told["draft_first"])}</label>'
        f'<button id="send-button">{escape(told["send"])}</button></form>'
        '<p id="send-status" class="status" role="status" aria-live="polite"></p>'
    )
    return _section("send", told["step_send"], inside)


def _surveys(told: Mapping[str, str]) -> str:
    """Return where surveys on their way stand, and the one that was opened."""
    inside = (
        f'<p><button id="list-button" type="button">{escape(told["list_load"])}</button></p>'
        '<p id="list-status" class="status" role="status" aria-live="polite"></p><div id="list"></div>'
        '<article id="survey" tabindex="-1" hidden></article><svg id="drawing" hidden></svg>'
    )
    return _section("surveys", told["step_surveys"], inside)


def _section(identifier: str, title: str, inside: str) -> str:
    """Return a part of the page under its heading."""
    return (
        f'<section aria-labelledby="{identifier}-title">{html.heading(title, f"{identifier}-title")}{inside}</section>'
    )


def _data(language: str, told: Mapping[str, str]) -> str:
    """Return the words that the scripts need as a block of data; nothing in it can end the block."""
    terms = {term: heading(term, language) for term in sorted(TERMS)}
    names = {f"design_{name}": word(f"design.{name}", language) for name in DESIGNS}
    names |= {f"unit_{one.unit}": word(f"unit.{one.unit}", language) for one in DESIGNS.values()}
    block = {"language": language, "words": {**told, **names}, "terms": terms}
    text = json.dumps(block, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="words">{text}</script>'
