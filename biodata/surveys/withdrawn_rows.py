"""Rows of an upload that were withdrawn before: they are not taken in again, and whoever sends them is told so at each row."""

from biodata.ingest.protocol import Finding
from biodata.pipeline import Interpreted
from biodata.store.tombstones import CODE
from biodata.surveys.problems import Problem, problem_of


def count(read: Interpreted) -> int:
    """Return how many rows of a file were withdrawn before."""
    return sum(one.code == CODE for table in read.tables for one in table.report.refusals)


def problems(read: Interpreted, kept_as: str, name: str) -> list[Problem]:
    """Return each row of a file that was withdrawn before.

    The others go in; where no record is among them, nothing does, so that nobody takes for published what is not there.

    Parameters
    ----------
    read : Interpreted
        What the file brings.
    kept_as, name : str
        What the file is called beside the lake, and what its sender calls it.
    """
    refused = [one for table in read.tables for one in table.report.refusals if one.code == CODE]
    if not refused:
        return []
    blocks = read.frames()[1].is_empty()
    return [
        problem_of(
            Finding(name if one.file in ("", kept_as) else one.file, one.sheet, one.row, None, None, CODE, blocks), "en"
        )
        for one in refused
    ]
