"""What every other package stands on: errors, settings, columns, vocabularies, flags and the geometry of the globe.

`terms` has every column (its published term or ours, type, unit and meaning), `errors` what is raised, `settings` where an
installation lies. Nothing here reads or writes data, and nothing here imports another package.
"""

from collections.abc import Iterable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return the values of each key; keys and values in the order in which they come."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
