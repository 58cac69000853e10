"""Planting faults in clean records, each in rows that have no other, and listing them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recipe.faults import Fault, Row


class Field:
    """A file's records while faults are planted in them; no row gets two.

    Attributes
    ----------
    rows : list of Row
        The records, in the order of the file.
    planted : list of dict
        What was planted: fault, meaning, expected, and the rows themselves.
    """

    def __init__(self, rows: list[Row], rng: np.random.Generator) -> None:
        self.rows, self.rng = rows, rng
        self.planted: list[dict[str, Any]] = []
        self._free = [int(number) for number in rng.permutation(len(rows))]

    def take(self, count: int, fits: Callable[[Row], bool]) -> list[Row]:
        """Take this many rows that have no fault yet and fit."""
        taken = [number for number in self._free if fits(self.rows[number])][:count]
        if len(taken) < count:
            message = f"only {len(taken)} of {count} rows fit"
            raise ValueError(message)
        chosen = set(taken)
        self._free = [number for number in self._free if number not in chosen]
        return [self.rows[number] for number in taken]

    def reserve(self, rows: list[Row]) -> None:
        """Keep other faults out of these rows."""
        reserved = {id(row) for row in rows}
        self._free = [number for number in self._free if id(self.rows[number]) not in reserved]

    def plant(self, faults: Sequence[Fault]) -> None:
        """Spoil rows."""
        for fault in faults:
            rows = self.take(fault.count, fault.fits)
            for row in rows:
                fault.spoil(row, self.rng)
            self.note(fault.name, fault.meaning, fault.expected, rows)

    def note(self, name: str, meaning: str, expected: str, rows: list[Row]) -> None:
        """List rows under a fault."""
        for row in rows:
            row["_fault"] = name
        self.planted.append({"fault": name, "meaning": meaning, "expected": expected, "rows": rows})

    def listing(self, file: str, identifier: str) -> list[dict[str, Any]]:
        """Return what was planted with line numbers (the heading is line 1) and identifiers."""
        line = {id(row): number for number, row in enumerate(self.rows, start=2)}
        listed = []
        for entry in self.planted:
            rows = sorted(entry["rows"], key=lambda row: line[id(row)])
            listed.append(
                {
                    "file": file,
                    "fault": entry["fault"],
                    "count": len(rows),
                    "expected": entry["expected"],
                    "meaning": entry["meaning"],
                    "lines": [line[id(row)] for row in rows],
                    "identifiers": [row.get(identifier) or "" for row in rows],
                }
            )
        return listed
