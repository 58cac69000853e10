"""Tests of what stands above a name: each rank's name found, and all of them in agreement."""

from functools import cache
from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.taxon_authority import RANKS, authority
from biodata.quality.taxon_names import AUTHORITY, looked_up

_CLASSIFICATION: Final = (
    *("kingdom", "phylum", "class", "order", "superfamily", "family", "subfamily", "tribe", "subtribe", "genus"),
)
_GUIDS: Final = {
    "kingdom": "125b5493-052d-4a0d-a3e1-ed5bf792689e",
    "phylum": "eaad41c5-1d46-4917-a08b-4fd1d7ff5c0f",
    "class": "2cd6884e-3d14-4476-94f7-1191cfff309b",
    "order": "81cc974d-43cc-4c0f-a5e0-afa23b455aa3",
    "family": "3667556d-d8f5-454c-922b-af8af38f613c",
    "genus": "f2ce7d55-5b1d-426a-b00e-6d4efe3058ec",
}


@cache
def listed(rank: str) -> Preparation:
    """Return the preparation with `found`: whether the value is a name of that rank, null where it is not known."""

    def make(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        known = authority(context.checklist)
        found = [None if name is None else known.found(rank, name) for name in frame[rank]]
        return pl.DataFrame({"found": pl.Series(found, dtype=pl.Boolean)})

    return Preparation(f"{rank}.listed", (rank,), {"found": pl.Boolean}, make)


def _agree(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    known = authority(context.checklist)
    answers = [
        known.consistent({rank: name for rank, name in row.items() if name is not None})
        for row in frame.iter_rows(named=True)
    ]
    return pl.DataFrame({"consistent": pl.Series(answers, dtype=pl.Boolean)})


AGREEMENT: Final = Preparation("classification.agreement", RANKS, {"consistent": pl.Boolean}, _agree)
"""`consistent`, whether the higher names agree with the lowest that is listed; null where that is not known."""


def _found(rank: str) -> Test:
    """Return the test whether a rank's value is a name of that rank."""
    preparation = listed(rank)

    def answer(arguments: Arguments) -> Answer:
        return looked_up(arguments, arguments.filled(rank), preparation.column("found"))

    return Test(
        f"VALIDATION_{rank.upper()}_FOUND",
        _GUIDS[rank],
        (rank,),
        f"Is it a name of a {rank} in the authority?",
        answer,
        parameters={"sourceAuthority": AUTHORITY},
        preparations=(preparation,),
    )


def _consistent(arguments: Arguments) -> Answer:
    return looked_up(arguments, arguments.any_filled(*_CLASSIFICATION), AGREEMENT.column("consistent"))


TESTS: Final = (
    *(_found(rank) for rank in RANKS),
    Test(
        "VALIDATION_CLASSIFICATION_CONSISTENT",
        "2750c040-1d4a-4149-99fe-0512785f2d5f",
        _CLASSIFICATION,
        "Do kingdom, phylum, class, order, family and genus go together?",
        _consistent,
        parameters={"sourceAuthority": AUTHORITY},
        preparations=(AGREEMENT,),
    ),
)
"""The tests of the classification."""
