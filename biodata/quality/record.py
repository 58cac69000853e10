"""Tests of TDWG BDQ Core on whole records: licence, type, basis of record, what is withheld."""

from typing import Final

from biodata.quality.model import Answer, Arguments, Test


def _basis_of_record_not_empty(arguments: Arguments) -> Answer:
    return Answer(arguments.filled("basisOfRecord"))


TESTS: Final = (
    Test(
        "VALIDATION_BASISOFRECORD_NOTEMPTY",
        "ac2b7648-d5f9-48ca-9b07-8ad5879a2536",
        ("basisOfRecord",),
        "Is there a basis of record?",
        _basis_of_record_not_empty,
    ),
)
"""The tests of this subject."""
