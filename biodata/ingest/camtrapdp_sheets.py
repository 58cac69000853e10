"""A table of a Camtrap DP package set beside its schema: what is wrong in which cell, and which rows that keeps out."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import camtrapdp_check as check
from biodata.formats.camtrapdp import Package
from biodata.ingest import camera_traps
from biodata.ingest.protocol import Finding

_NEEDED: Final = MappingProxyType(
    {
        "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
        "media": ("mediaID", "deploymentID"),
        "observations": ("observationID", "deploymentID", "eventStart", "observationType"),
    }
)
"""Columns without which nothing can be taken in; a fault in one of their cells refuses the row."""

_SHOWN_FAULTS: Final = 20


class Sheet:
    """One table of a package, set beside its schema; `frame` has all its rows, those that are refused too."""

    def __init__(self, package: Package, name: str) -> None:
        table = package.table(name)
        self.name, self.file, self.headings = name, table.file, table.headings
        for heading in _NEEDED[name]:
            if heading not in table.headings:
                problem = f"table {name!r} lacks a column"
                raise InputError(problem, file=table.file, row=1, column=heading, code="HEADING_MISSING")
        fields = [field.name for field in check.fields(name) if field.name in table.headings]
        batches = [batch.select("source_row", *fields) for batch in table.batches]
        empty = pl.DataFrame(schema={"source_row": pl.Int64, **dict.fromkeys(fields, pl.String)})
        self.frame = pl.concat([empty, *batches])
        if package.empty_values:
            none = list(package.empty_values)
            self.frame = self.frame.with_columns(pl.when(~pl.col(fields).is_in(none)).then(pl.col(fields)).name.keep())
        self.refusals = table.refusals
        unknown = [heading for heading in table.headings if heading not in fields]
        self.findings = [
            Finding(self.file, None, 1, heading, None, "HEADING_MISSING", blocking=False, params={"term": heading})
            for heading in check.lacking(name, table.headings)
        ] + [Finding(self.file, None, 1, heading, heading, "HEADING_UNKNOWN", blocking=False) for heading in unknown]
        self._out: set[int] = set()

    def set_beside(self, known: Mapping[str, pl.Series]) -> None:
        """Find every fault; a row with one in a column that is needed is refused, for the first of them."""
        needed = _NEEDED[self.name]
        for fault in check.faults(self.name, self.frame, known=known):
            blocking = fault.column in needed
            self.findings.append(
                Finding(
                    self.file,
                    None,
                    fault.row,
                    fault.column,
                    fault.value,
                    fault.code,
                    blocking,
                    {"expected": fault.expected},
                )
            )
            if blocking and fault.row not in self._out:
                self._out.add(fault.row)
                self.refusals.append(
                    Refusal(self.file, fault.row, fault.column, fault.value, fault.code, _message(fault))
                )

    def kept(self) -> pl.DataFrame:
        """Return the rows without a fault that matters."""
        return self.frame.filter(~pl.col("source_row").is_in(list(self._out)))

    def refuse(self, rows: pl.DataFrame, column: str) -> None:
        """Leave rows out: `source_row`, `code`, and `value` as told."""
        self._out.update(rows["source_row"])
        self.refusals += camera_traps.refused(rows, file=self.file, column=column)

    def notes(self) -> list[str]:
        """Return the faults that refuse no row in sentences, the first of many."""
        minor = [f for f in self.findings if not f.blocking or self.name == "media"]
        told = [
            f"{f.file}, row {f.row}, column {f.column}, value {f.value!r}: {f.code}"
            + (f"; expected {f.params['expected']}" if "expected" in f.params else "")
            for f in minor[:_SHOWN_FAULTS]
        ]
        more = len(minor) - len(told)
        return [*told, f"{self.file}: {more} more doubts of this kind"] if more > 0 else told


def _message(fault: check.Fault) -> str:
    """Return a fault in words."""
    told = {
        "CELL_MISSING": "this may not be empty",
        "CELL_TYPE": "this is of another kind than the standard asks for",
        "CELL_RANGE": "this lies outside its range",
        "CELL_VALUE": "this is none of the standard's values",
        "CELL_PATTERN": "this has another form than the standard asks for",
        "CELL_REPEATED": "an earlier row has the same",
        "CELL_REFERENCE": "there is no such row in the other table",
    }[fault.code]
    return told if fault.code == "CELL_MISSING" else f"{told}; expected {fault.expected}"


def of_descriptor(package: Package) -> Iterator[Finding]:
    """Yield the faults of the descriptor; none of them keeps its tables out."""
    for column, value, expected in package.faults():
        code = "PROPERTY_MISSING" if value is None else "PROPERTY_INVALID"
        yield Finding(package.file, None, None, column, value, code, blocking=False, params={"expected": expected})
