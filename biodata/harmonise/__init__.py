"""Verbatim tables in, interpreted and flagged tables out; no files, no network."""

from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser

__all__ = ["HarmonisedBatch", "Harmoniser"]
