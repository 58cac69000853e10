"""What is told of an upload beside its file and its dataset."""

from dataclasses import dataclass
from typing import Final

ANSWERABLE: Final = ("asked", "refused")
"""States of a submission before it is published that a new version of it can follow."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender tells of an upload.

    Attributes
    ----------
    complete : bool
        The file is the dataset's whole state: what it does not hold goes.
    wanted : bool
        It goes to review as soon as it is checked; else it stays a draft, whose difference its sender looks at first.
    answers : int, optional
        The submission that it is a new version of; of one that is published it is a corrected version (`correcting`).
    upload : str, optional
        The upload in parts that is its file.
    renamed : str, optional
        What is said of rows that the dataset has under another identifier: `same` or `new`.
    licence : str, optional
        Of what tells none in the file; nothing keeps what was told last (`licences.inherited`).
    """

    complete: bool = False
    wanted: bool = True
    answers: int | None = None
    upload: str | None = None
    renamed: str | None = None
    licence: str | None = None
