"""What a dataset's headings mean: decided once, kept, and used for every later upload."""

from collections.abc import Mapping
from typing import Final

from rapidfuzz import process
from sqlalchemy import delete, select

from biodata.ingest.headings import TERMS, key
from biodata.store.heading_mappings import kept
from biodata.store.registry import Registry
from biodata.store.survey_models import HeadingMapping
from biodata.surveys.problems import refuse

MAX_HEADINGS: Final = 1_000  # that are kept for a dataset
MAX_LETTERS: Final = 300

__all__ = ["MAX_HEADINGS", "MAX_LETTERS", "keep", "kept"]


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
    return kept(registry, dataset)


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
