"""What the headings of a survey's files mean, as an answer to whoever uploads it."""

from collections.abc import Iterable, Mapping
from typing import Any

from biodata.ingest import forms
from biodata.ingest.headings import CERTAIN, Proposal
from biodata.ingest.sheet_headings import proposals_of
from biodata.surveys import words
from biodata.surveys.other_forms import MAX_BYTES, placed


def heading_answer(
    files: Iterable[tuple[str, bytes]],
    *,
    encoding: str | None = None,
    kept: Mapping[str, str] | None = None,
    language: str = "en",
) -> dict[str, Any]:
    """Propose a term for each heading of a survey's files; nothing of them is kept.

    Parameters
    ----------
    files : iterable of (name, content)
        As for `surveys.check_files`.
    encoding : str, optional
        Of text, where it is declared.
    kept : mapping of str to str, optional
        Heading → term, as decided before for the dataset.
    language : str
        Of the reasons.

    Returns
    -------
    dict
        `sheets`: for each table its `file`, `sheet`, `row` of the headings and `headings`, each with the fields of
        `Proposal`, `certain`, the `code` of the reason and the reason itself. Only headings are told, no cell. Forms of
        programs have no sheets whose headings anybody decides about.

    Raises
    ------
    InputError
        If a file cannot be read at all.
    """
    files = list(files)
    with placed(files) as named:
        form = forms.recognise([path for _, path in named], names=[name for name, _ in named], limit_bytes=MAX_BYTES)
    if form not in (forms.SHEETS, "kobo"):
        return {"language": language, "sheets": []}  # its headings are its program's, and nobody decides about them
    return {
        "language": language,
        "sheets": [
            {"file": file, "sheet": sheet, "row": row, "headings": [_told(one, language) for one in proposals]}
            for file, sheet, row, proposals in proposals_of(files, encoding=encoding, kept=kept)
        ],
    }


def _told(proposal: Proposal, language: str) -> dict[str, Any]:
    """Return a proposal with its reason in words."""
    params = {"term": proposal.term, "unit": proposal.unit, "others": ", ".join(proposal.others),
              "confidence": f"{proposal.confidence:g}"}  # fmt: skip
    why, expected = words.told(proposal.why.value, params, language)
    return {
        "heading": proposal.heading,
        "term": proposal.term,
        "confidence": proposal.confidence,
        "certain": proposal.confidence > CERTAIN,
        "unit": proposal.unit,
        "code": proposal.why.value,
        "why": why,
        "expected": expected,
        "others": list(proposal.others),
    }
