"""What a reader mended while it read a file: named, counted and reported, since a repair is never silent."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of thing that was mended in one file.

    Attributes
    ----------
    file : str
        What a person calls the file.
    code : str
        A stable name, such as ROW_CELLS_MISSING.
    count : int
        How often it was mended.
    message : str
        What was found, and how it is read.
    """

    file: str
    code: str
    count: int
    message: str


class Repairs:
    """What was mended so far; complete when all of the file was read."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}

    def add(self, file: str, code: str, message: str, *, count: int = 1) -> None:
        """Count a repair; none where `count` is 0."""
        if count:
            key = (file, code, message)
            self._counts[key] = self._counts.get(key, 0) + count

    def __iter__(self) -> Iterator[Repair]:
        """Yield each kind in the order in which it was found first."""
        return (Repair(file, code, count, message) for (file, code, message), count in self._counts.items())
