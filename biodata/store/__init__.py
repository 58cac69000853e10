"""The registry, the lake, the releases and the one way to query them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from biodata.core.errors import StoreError


class Closing(ABC):
    """Something to be used in a `with` block, or closed by whoever opened it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def failing_as(words: str, *kinds: type[Exception]) -> Iterator[None]:
    """Let errors of these kinds leave a block as ours: the words, and the first line of what the library says.

    Raises
    ------
    StoreError
    """
    try:
        yield
    except kinds as error:
        first, *_ = str(error).splitlines() or [type(error).__name__]
        message = f"{words}: {first}"
        raise StoreError(message) from error
