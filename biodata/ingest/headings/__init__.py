"""Headings of tables in ten languages: looked up in a dictionary, then by their words, by likeness, and by the cells below."""

from biodata.ingest.headings.deciding import decided
from biodata.ingest.headings.dictionary import CERTAIN, LANGUAGES, TERMS, Proposal, Why, heading_of
from biodata.ingest.headings.plain import Unit, key, split_unit
from biodata.ingest.headings.proposals import propose

__all__ = [
    "CERTAIN", "LANGUAGES", "TERMS", "Proposal", "Unit", "Why", "decided", "heading_of", "key", "propose", "split_unit",
]  # fmt: skip
