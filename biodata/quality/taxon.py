"""Tests of TDWG BDQ Core on what was recorded (dwc:Taxon)."""

from typing import Final

from biodata.quality import taxon_classification, taxon_identifiers, taxon_names, taxon_rank
from biodata.quality.model import Answer, Test

_TAXON: Final = (
    *("taxonID", "scientificNameID", "acceptedNameUsageID", "parentNameUsageID", "originalNameUsageID"),
    *("taxonConceptID", "scientificName", "higherClassification", "kingdom", "phylum", "class", "order"),
    *("superfamily", "family", "subfamily", "tribe", "subtribe", "genus", "genericName", "subgenus"),
    *("infragenericEpithet", "specificEpithet", "infraspecificEpithet", "vernacularName", "cultivarEpithet"),
)


def _not_empty(term: str, guid: str, asks: str) -> Test:
    """Return the test whether a term has something in it."""
    label = f"VALIDATION_{term.upper()}_NOTEMPTY"
    return Test(label, guid, (term,), asks, lambda arguments: Answer(arguments.filled(term)))


TESTS: Final = (
    Test(
        "VALIDATION_TAXON_NOTEMPTY",
        "06851339-843f-4a43-8422-4e61b9a00e75",
        _TAXON,
        "Is there anything that tells what it was?",
        lambda arguments: Answer(arguments.any_filled(*_TAXON)),
    ),
    _not_empty("scientificName", "7c4b9498-a8d9-4ebb-85f1-9f200c788595", "Is there a scientific name?"),
    _not_empty("kingdom", "36ed36c9-b1a7-40b2-b5e2-0d012e772098", "Is there a kingdom?"),
    _not_empty("scientificNameAuthorship", "49f1d386-5bed-43ae-bd43-deabf7df64fc", "Is there an authorship?"),
    _not_empty("namePublishedInYear", "ff59f77d-71e9-4eb1-aac9-8bd05c50ff70", "Is there a year of publication?"),
    *taxon_names.TESTS,
    *taxon_classification.TESTS,
    *taxon_identifiers.TESTS,
    *taxon_rank.TESTS,
)
"""The tests of this subject."""
