"""What the headings of a dataset's files mean: proposed, decided once, kept, and used for every later upload."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from rapidfuzz import process
from sqlalchemy import delete, select

from biodata.ingest import forms
from biodata.ingest.headings import CERTAIN, TERMS, Proposal, key
from biodata.ingest.survey_tables import proposals_of
from biodata.store.models import HeadingMapping
from biodata.store.registry import Registry
from biodata.surveys import words
from biodata.surveys.other_forms import MAX_BYTES, placed
from biodata.surveys.problems import refuse

MAX_HEADINGS: Final = 1_000  # that are kept for a dataset
MAX_LETTERS: Final = 300

__all__ = ["MAX_HEADINGS", "MAX_LETTERS", "keep"]


def keep(registry: Registry, dataset: str, mapping: Mapping[str, str], *, account_id: int | None = None) -> dict[str, str]:  # fmt: skip
    """Keep what a dataset's headings mean, in place of what was decided about them before; return all that is kept now.

    An empty term says that the column is of none. Nothing is changed where a term is not known (TERM_UNKNOWN), two headings
    are the same but for case and spaces (HEADING_REPEATED), or there are too many or too long ones (INPUT_TOO_LARGE).
    """
    rows = _checked(mapping)
    with registry.session() as session, session.begin():
        own = HeadingMapping.dataset == dataset
        session.execute(delete(HeadingMapping).where(own, HeadingMapping.plain.in_(list(rows))))
        session.add_all(
            HeadingMapping(dataset=dataset, plain=plain, heading=heading, term=term, account_id=account_id)
            for plain, (heading, term) in rows.items()
        )
        session.flush()
        count = len(session.scalars(select(HeadingMapping.plain).where(own)).all())
        if count > MAX_HEADINGS:
            refuse("INPUT_TOO_LARGE", f"{count} headings would be kept for this dataset", f"at most {MAX_HEADINGS}")
    return registry.headings_decided(dataset)


def _checked(mapping: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    rows: dict[str, tuple[str, str]] = {}
    for heading, term in mapping.items():
        plain = key(heading)
        if not plain or len(heading) > MAX_LETTERS or len(plain) > MAX_LETTERS:
            most = f"1 to {MAX_LETTERS} letters"
            refuse("INPUT_TOO_LARGE", "this is no heading that can be kept", most, column=heading[:80])
        if term and term not in TERMS:
            near = process.extractOne(term.lower(), {one: one.lower() for one in TERMS}, score_cutoff=75)
            expected = f"a Darwin Core term, such as {near[2] if near else 'scientificName'}, or an empty text for none"
            refuse("TERM_UNKNOWN", "this is no term that a heading can mean", expected, column=heading, value=term[:80])
        if plain in rows:
            problem = f"it is the same heading as {rows[plain][0]!r}"
            refuse("HEADING_REPEATED", problem, "each heading once", column=heading)
        rows[plain] = (heading, term)
    return rows


def heading_answer(
    files: Iterable[tuple[str, bytes]], *, encoding: str | None = None, kept: Mapping[str, str] | None = None,
    language: str = "en",
) -> dict[str, Any]:  # fmt: skip
    """Propose a term for each heading of a survey's files; nothing of them is kept.

    Answer with `sheets`: for each table its `file`, `sheet`, `row` of the headings and `headings`, each with the fields of
    `Proposal`, `certain`, the `code` of the reason and the reason itself in the language; no cell. `kept` has headings as
    decided before for the dataset. Forms of programs have no sheets whose headings anybody decides about.
    """
    files = list(files)
    with placed(files) as named:
        form = forms.recognise([path for _, path in named], names=[name for name, _ in named], limit_bytes=MAX_BYTES)
    read = proposals_of(files, encoding=encoding, kept=kept) if form in (forms.SHEETS, "kobo") else []
    sheets = [
        {"file": file, "sheet": sheet, "row": row, "headings": [_told(one, language) for one in proposals]}
        for file, sheet, row, proposals in read
    ]
    return {"language": language, "sheets": sheets}


def _told(proposal: Proposal, language: str) -> dict[str, Any]:
    params = {"term": proposal.term, "unit": proposal.unit, "others": ", ".join(proposal.others),
              "confidence": f"{proposal.confidence:g}"}  # fmt: skip
    why, expected = words.told(proposal.why.value, params, language)
    return asdict(proposal) | {
        "certain": proposal.confidence > CERTAIN, "code": proposal.why.value, "why": why, "expected": expected,
        "others": list(proposal.others),
    }  # fmt: skip
