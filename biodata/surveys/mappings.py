"""What the headings of a survey's files may mean, in words; what was decided of them is among what was accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from biodata.ingest import forms
from biodata.ingest.headings import CERTAIN, Proposal
from biodata.ingest.survey_tables import proposals_of
from biodata.surveys import words
from biodata.surveys.other_forms import MAX_BYTES, placed


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
