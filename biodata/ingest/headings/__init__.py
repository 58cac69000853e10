"""Headings of tables in ten languages: looked up in a dictionary, then by their words, by likeness, and by the cells below."""

from biodata.ingest.headings.deciding import decided
from biodata.ingest.headings.dictionary import CERTAIN, LANGUAGES, TERMS, Proposal, Why, heading_of
from biodata.ingest.headings.plain import key
from biodata.ingest.headings.proposals import propose
from biodata.ingest.headings.units import Unit, split_unit

__all__ = [
    "CERTAIN", "LANGUAGES", "TERMS", "Proposal", "Unit", "Why", "decided", "heading_of", "key", "propose", "split_unit",
]  # fmt: skip
