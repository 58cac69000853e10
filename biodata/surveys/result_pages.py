"""The published results of each dataset of surveys as pages, made after a release: who sent them, and all others, read them."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from biodata.errors import InputError
from biodata.exports.reports.survey_page import survey_page
from biodata.run_engines.running import work_on
from biodata.run_engines.work import Work, told_of
from biodata.settings import Settings
from biodata.store import checksums, folders, releases, survey_files
from biodata.store.models import Submission
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.surveys.words import LANGUAGES
from biodata.surveys.words.sentences import retold

_NUMBERS: Final = "results.json"
_FORMAT: Final = 1
"""Raised when pages change: those that are kept are then made again."""


def folder(data: Path, dataset: str) -> Path:
    """Return where the pages of a dataset lie."""
    return folders.results(data) / hashlib.sha256(dataset.encode()).hexdigest()[:32]


def make(settings: Settings, registry: Registry) -> list[str]:
    """Make the pages of every dataset whose published rows are others than its pages were made of; return their keys.

    They are made of what is published alone. A page counts for one release: those whose rows are the same are only put
    down as the new one's.
    """
    current = releases.current(settings.data)
    if current is None:
        return []
    with registry.session(read_only=True) as session:
        datasets = sorted(
            session.scalars(select(Submission.dataset).where(Submission.part_version.is_not(None)).distinct())
        )
    made = []
    for dataset in datasets:
        basis = _basis(current, dataset)
        kept = read(settings.data, dataset)
        if kept is None or kept["basis"] != basis:
            kept = _made(settings, dataset, basis)
            made.append(dataset)
        numbers = json.dumps({**kept, "release": current.id}, ensure_ascii=False, default=str)
        _write(settings.data, folder(settings.data, dataset) / _NUMBERS, numbers)
    return made


def read(data: Path, dataset: str) -> dict[str, Any] | None:
    """Return what is kept of a dataset's results: `release`, `refused` or the numbers (`results`); None before the first."""
    path = folder(data, dataset) / _NUMBERS
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def page(data: Path, dataset: str, language: str) -> str:
    """Return a dataset's page in a language."""
    return (folder(data, dataset) / f"{language}.html").read_text(encoding="utf-8")


def _basis(current: releases.Release, dataset: str) -> str:
    """Return what stands for a dataset's published rows."""
    digest = hashlib.sha256(f"{_FORMAT} {dataset}".encode())
    for table in ("surveys", "occurrences"):
        rows = releases.read(current, table, where=Compare("datasetKey", "=", dataset))
        digest.update(str(rows.hash_rows(seed=0).sort().hash(seed=0).sum() if rows.height else 0).encode())
    return digest.hexdigest()


def _made(settings: Settings, dataset: str, basis: str) -> dict[str, Any]:
    """Write a dataset's pages in all languages, and return its numbers; where nothing can be told, why."""
    into = folder(settings.data, dataset)
    into.mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        results = told_of(work_on(Work(settings, {"dataset": dataset}, 1, None, False), "survey-results").results)
    except InputError as error:
        return {"basis": basis, "refused": error.problem}
    for language in LANGUAGES:
        text = survey_page(
            results, title=dataset, run=basis[:12], language=language, retold=partial(retold, language=language)
        )
        _write(settings.data, into / f"{language}.html", text)
    return {"basis": basis, "results": results}


def _write(data: Path, path: Path, text: str) -> None:
    """Write a file of the service's folder with its checksum."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    survey_files.write_whole(path, [text.encode()])
    own = folders.service(data)
    checksums.record(own, {str(path.relative_to(own)): path})
