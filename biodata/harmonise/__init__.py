"""Verbatim tables in, interpreted and flagged tables out; no files, no network."""

from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser
from biodata.harmonise.protected_areas import protected_areas

__all__ = ["HarmonisedBatch", "Harmoniser", "protected_areas"]
