"""The registry, the lake, the releases and the one way to query them."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Something to be used in a `with` block, or closed by whoever opened it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
