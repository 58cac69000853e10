"""What a team settles for its dataset: the licence of what states none, and proposals, which stand in the place of cells.

What was written in such a cell stays verbatim.

Of a heading the likeliest meaning is taken, of a date the first reading: the day first, the latest year. Of a name with two
likely meanings none is: it stays as it is, and blocks where it blocked.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from biodata.core.errors import InputError
from biodata.core.terms import WRITTEN
from biodata.ingest.headings import TERMS
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.store.models import AcceptedProposal, Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import PREFIX, accepted_of, decided

LICENCES: Final = ("CC0 1.0", "CC BY 4.0", "CC BY-NC 4.0")  # those that a release knows by name

_SWAPPED: Final = ("COLUMNS_SWAPPED", "PRESUMED_SWAPPED_COORDINATE")
_PAIR: Final = ("decimalLatitude", "decimalLongitude")
_ACCEPTABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{2,60}(=.{1,200})?", re.DOTALL)


def known_of(registry: Registry, dataset: str | None) -> dict[str, Any]:
    """Return what a check of a dataset's file knows of it, as `surveys.check_files` takes it; nothing where none is stated."""
    if dataset is None:
        return {}
    registered = registry.datasets().filter(pl.col("key") == dataset)["license"].to_list()
    with registry.session(read_only=True) as session:
        kept = inherited(session, dataset)
    return {"inherited": kept, "registered": next(iter(registered), None), "accepted": accepted_of(registry, dataset)}


def inherited(session: Session, dataset: str) -> str | None:
    """Return the licence that an upload keeps where its sender tells none: what stood beside the last that was sent to the dataset."""
    sent = (Submission.dataset == dataset) & Submission.wanted & (Submission.state != "withdrawn")
    stated = select(Submission.license).where(sent, Submission.license.is_not(None))
    return session.scalar(stated.order_by(Submission.id.desc()).limit(1))


def proposed(finding: Finding) -> str | None:
    """Return what stands in the place of a finding's cell, or heading, where somebody accepts it; None where nothing clear does."""
    if finding.code in _SWAPPED:
        return "latitude ↔ longitude"
    text = finding.params.get("proposal") or finding.params.get("near") or ""
    if finding.params.get("others") and text not in TERMS:
        return None
    first, *more = text.split(" / ")
    return (first or None) if not more or finding.code.startswith("RECORDED_DATE_") else None


def is_accepted(finding: Finding, accepted: Collection[str]) -> bool:
    """Return whether a finding's proposal is among what was accepted: a code, or `CODE=value` for one cell's text."""
    return finding.code in accepted or f"{finding.code}={finding.value}" in accepted


def remember(session: Session, dataset: str, accepted: Collection[str], *, account_id: int | None) -> None:
    """Put down what somebody accepts for a dataset from now on; FIELD_INVALID is raised of what cannot be kept."""
    for one in dict.fromkeys(accepted):
        if not _is_acceptable(one):
            problem, expected = "this is no kind of proposal", "NAME_COMMON, CODE=value or heading.HEADING=TERM"
            raise InputError(problem, column="accept", value=one[:300], expected=expected, code="FIELD_INVALID")
        if one.startswith(PREFIX):
            same = AcceptedProposal.accepted.startswith(one.rpartition("=")[0] + "=", autoescape=True)
            session.execute(delete(AcceptedProposal).where(AcceptedProposal.dataset == dataset, same))
        if session.get(AcceptedProposal, (dataset, one)) is None:
            session.add(AcceptedProposal(dataset=dataset, accepted=one, account_id=account_id))


def _is_acceptable(one: str) -> bool:
    if one.startswith(PREFIX):
        ((heading, term),) = decided([one]).items()
        return heading != "" and term in (*TERMS, "") and len(one) <= 300
    return _ACCEPTABLE.fullmatch(one) is not None


def headings(survey: Survey, findings: Sequence[Finding], accepted: Collection[str]) -> dict[str, str]:
    """Return the terms of headings that were accepted, as `read_survey` takes them."""
    rows = {(table.file, table.sheet, table.heading_row) for table in survey.tables}
    asked = [one for one in findings if (one.file, one.sheet, one.row) in rows and is_accepted(one, accepted)]
    return {one.column: near for one in asked if one.column is not None and (near := one.params.get("near")) in TERMS}


def apply(survey: Survey, findings: Sequence[Finding], accepted: Collection[str]) -> int:
    """Let accepted proposals stand in the place of cells; return of how many."""
    count = 0
    for table in survey.tables:
        cells = dict(_cells(table, [one for one in findings if is_accepted(one, accepted)]))
        here, rows = (table.file, table.sheet), {row for row, _ in cells}
        survey.findings[:] = [
            one for one in survey.findings
            if (one.file, one.sheet) != here or one.row not in rows or proposed(one) is None or not is_accepted(one, accepted)
        ]  # fmt: skip
        for term in dict.fromkeys(term for _, term in cells):
            _replace(table, term, {row: text for (row, name), text in cells.items() if name == term})
        count += len(cells)
    return count


def _cells(table: SurveyTable, findings: Sequence[Finding]) -> Iterator[tuple[tuple[int, str], str | None]]:
    own = {row["source_row"]: row for row in table.frame.iter_rows(named=True)}
    for one in findings:
        terms = [term for term, heading in table.headings.items() if heading == one.column]
        # A column of a cross-table has what stands once, each in its own row, and the counts below.
        terms = [t for t in terms if table.stands.get(t) == one.row] or [t for t in terms if t not in table.stands]
        text, term = proposed(one), (terms or [one.column or ""])[-1]
        if (one.file, one.sheet) != (table.file, table.sheet) or text is None or one.row is None:
            continue
        pair = re.fullmatch(r"(-?\d+(?:\.\d+)?), (-?\d+(?:\.\d+)?)", text) if term in _PAIR else None
        of_all = table.heading_row if one.code in _SWAPPED else table.stands.get(term)
        for row, cells in own.items() if one.row == of_all else ((row, own[row]) for row in (one.row,) if row in own):
            if one.code in _SWAPPED and all(cells.get(name) is not None for name in _PAIR):
                yield from (((row, name), cells[other]) for name, other in zip(_PAIR, reversed(_PAIR), strict=True))
            elif pair is not None:
                yield from (((row, name), value) for name, value in zip(_PAIR, pair.groups(), strict=True))
            elif one.code not in _SWAPPED and term in table.frame.columns:
                yield (row, term), text


def _replace(table: SurveyTable, term: str, texts: Mapping[int, str | None]) -> None:
    written, texted = f"{WRITTEN}{term}", pl.col("source_row").is_in(list(texts))
    missing = [pl.lit(None, pl.String).alias(name) for name in (term, written) if name not in table.frame.columns]
    new = pl.col("source_row").replace_strict(texts, default=None, return_dtype=pl.String)
    # A cell that was changed before keeps what stood there first; an empty one was written as nothing.
    stood = pl.coalesce(written, pl.when(texted).then(pl.col(term).fill_null("")))
    put = pl.when(texted).then(new).otherwise(pl.col(term))
    table.frame = table.frame.with_columns(missing).with_columns(put.alias(term), stood.alias(written))
    table.covered -= {(row, term) for row in texts}
