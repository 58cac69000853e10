"""The page of surveys: as `api/web` builds it, with its words in the language that is asked for."""

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
from starlette.responses import HTMLResponse

from api import pages
from api.answers import only
from api.survey_reports import language_asked
from biodata.ingest.headings import TERMS
from biodata.surveys import words as survey_words
from biodata.surveys.designs import DESIGNS, LANGUAGES, heading, word
from biodata.surveys.templates import LICENCES

router = APIRouter(include_in_schema=False)

_WORDS: Final = Path(__file__).with_name("survey_words.csv")
_GAP: Final = re.compile(r"\{\{(\w+)\}\}")
"""A word that the built page leaves to its language."""
_SHARED: Final = re.compile("(?:STATE|KIND|ROLE|SIDE|ROWS|WAITING|TABLE|DIFFERENCE)_")
_OTHER_NAMES: Final = MappingProxyType(
    {"occurrences": "table_occurrences", "events": "table_events", "cell_empty": "difference_empty"}
)


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
    named = {name: shared[code] for name, code in _OTHER_NAMES.items()}
    return MappingProxyType(
        own | shared | named | designs | efforts | {f"unit_{unit}": text for unit, text in units.items()}
    )


def _data(language: str) -> str:
    """Return what the page's scripts need, as JSON that cannot end the block that it stands in."""
    terms = {term: heading(term, language) for term in sorted(TERMS)}
    data = {"language": language, "words": dict(words(language)), "terms": terms, "licences": list(LICENCES)}
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
