"""A species list: every name of the chosen records with the number of records, the most frequent first."""

from pathlib import Path
from typing import Final

from biodata.exports.facts import Facts
from biodata.exports.request import ExportRequest
from biodata.exports.selection import LABELS_OF_GROUP, Selection, Step
from biodata.exports.simple_csv import write_guarded

_NAMES: Final = (
    '"taxonKey", "scientificName", "acceptedScientificName", "taxonRank", "taxonomicStatus", kingdom, phylum, class, '
    '"order", family, genus, species, "speciesKey", taxon_id, checklist, "iucnRedListCategory"'
)


def write_species_list(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a line for every name with `numberOfOccurrences`, the years of the first and the last record, and labels.

    The sum of `numberOfOccurrences` is the number of records; those without a name have a line of their own.
    """
    del facts, request
    select = f'{_NAMES}, count(*) AS "numberOfOccurrences", min(year) AS "firstYear", max(year) AS "lastYear", {LABELS_OF_GROUP}'
    order = f'GROUP BY {_NAMES} ORDER BY "numberOfOccurrences" DESC, {_NAMES}'
    write_guarded(selection.batches(select, after=order), out)
    step(1.0)
