"""Verbatim tables in, interpreted and flagged tables out: records, events, checklists, protected areas.

`Harmoniser.interpret`, `events.events` and `area_cleaning.clean` are the three most used. Nothing here opens a file, asks
a network or changes a cell that came: what is read, filled in or doubted stands beside it, with its rule.
"""

from biodata.harmonise.names import by_reference_list
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser

__all__ = ["HarmonisedBatch", "Harmoniser", "by_reference_list"]
