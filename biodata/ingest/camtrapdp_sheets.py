"""A table of a Camtrap DP package set beside its schema: what is wrong in which cell, and which rows that keeps out."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.formats import camtrapdp as check
from biodata.ingest import camera_traps
from biodata.ingest.protocol import Finding
from biodata.ingest.table_headings import called_as_declared

_NEEDED: Final = MappingProxyType({
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID"),
    "observations": ("observationID", "deploymentID", "eventStart", "observationType"),
})  # fmt: skip
"""Columns without which nothing can be taken in; a fault in one of their cells refuses the row."""
_AGAIN: Final = MappingProxyType({
    "deployments": ("DEPLOYMENT_REPEATED", "an earlier row tells the same deployment in every cell; it is taken once"),
    **dict.fromkeys(("media", "observations"), ("PICTURE_REPEATED", "an earlier row tells the same in every cell")),
})  # fmt: skip
"""Why a row that is an earlier one once more is left out, by table: code and words."""


class Sheet:
    """One table of a package, set beside its schema; `frame` has all its rows, those that are refused too."""

    def __init__(self, package: check.Package, name: str, options: Mapping[str, str] = MappingProxyType({})) -> None:
        table = called_as_declared(package.table(name), options)
        renamed = _spelled(name, table.headings)
        self.name, self.file = name, table.file
        self.headings = tuple(renamed.get(heading, heading) for heading in table.headings)
        fields = [field.name for field in check.fields(name) if field.name in self.headings]
        for heading in (one for one in _NEEDED[name] if one not in fields):
            problem = f"table {name!r} lacks a column"
            raise InputError(problem, file=table.file, row=1, column=heading, code="HEADING_MISSING")
        empty = pl.DataFrame(schema={"source_row": pl.Int64, **dict.fromkeys(self.headings, pl.String)})
        came = pl.concat([empty, *(batch.rename(renamed).select(empty.columns) for batch in table.batches)])
        # An earlier row once more: with its identifier, and like it in every cell of every column.
        first = pl.struct(pl.exclude("source_row")).is_first_distinct()
        again = came.select(pl.col(fields[0]).is_not_null() & ~first).to_series()
        none = [*package.empty_values]
        filled = pl.when(~pl.col(fields).is_in(none)).then(pl.col(fields)).name.keep() if none else pl.col(fields)
        self.frame = came.filter(~again).select("source_row", filled)
        twice = came.filter(again).select("source_row", fields[0]).iter_rows()
        self.refusals = table.refusals + [
            Refusal(self.file, row, fields[0], value, *_AGAIN[name]) for row, value in twice
        ]
        unknown = [heading for heading in self.headings if heading not in fields]
        lacking = check.lacking(name, self.headings)
        self.findings = [self._doubt(1, heading, None, "HEADING_MISSING", term=heading) for heading in lacking]
        self.findings += [self._doubt(1, heading, heading, "HEADING_UNKNOWN") for heading in unknown]
        self.findings += [self._read_as(1, heading, heading, field) for heading, field in renamed.items()]
        self._strip()
        self._out: set[int] = set()

    def _doubt(self, row: int, column: str, value: str | None, code: str, **params: str) -> Finding:
        return Finding(self.file, None, row, column, value, code, False, params)

    def _read_as(self, row: int, column: str, value: str, read: str) -> Finding:
        return self._doubt(row, column, value, "VALUE_READ_AS", read=read, expected=read)

    def _strip(self) -> None:
        """Take white space off around what is no free text: with it, an identifier would be another one."""
        for field in check.fields(self.name):
            is_code = field.type != "string" or field.unique or field.values or field.refers_to is not None
            if field.name not in self.frame.columns or not is_code:
                continue
            plain = self.frame[field.name].str.strip_chars()
            cells = self.frame.select("source_row", field.name, plain.alias(" read"))
            for row, stated, read in cells.filter(pl.col(field.name) != pl.col(" read")).iter_rows():
                self.findings.append(self._read_as(row, field.name, stated, read))
            self.frame = self.frame.with_columns(pl.when(plain != "").then(plain).alias(field.name))

    def set_beside(self, known: Mapping[str, pl.Series]) -> None:
        """Find every fault; a row with one in a column that is needed is refused, for the first of them."""
        for fault in check.faults(self.name, self.frame, known=known):
            # What is only written otherwise than the standard asks for can be read.
            blocking = fault.column in _NEEDED[self.name] and fault.code != "CELL_PATTERN"
            cell = fault.row, fault.column, fault.value, fault.code
            self.findings.append(Finding(self.file, None, *cell, blocking, {"expected": fault.expected}))
            if blocking and fault.row not in self._out:
                self._out.add(fault.row)
                message = f"this is not as the standard asks for; expected {fault.expected}"
                self.refusals.append(Refusal(self.file, *cell, message))

    def kept(self) -> pl.DataFrame:
        """Return the rows without a fault that matters."""
        return self.frame.filter(~pl.col("source_row").is_in(list(self._out)))

    def refuse(self, rows: pl.DataFrame, column: str) -> None:
        """Leave rows out: `source_row`, `code`, and `value` as stated."""
        self._out.update(rows["source_row"])
        self.refusals += camera_traps.refused(rows, file=self.file, column=column)

    def notes(self) -> list[str]:
        """Return the faults that refuse no row in sentences: the first of each kind, with how many more there are."""
        kinds: dict[tuple[str | None, str], list[Finding]] = {}
        for finding in self.findings:
            if not finding.blocking or self.name == "media":
                kinds.setdefault((finding.column, finding.code), []).append(finding)
        names = []
        for first, *more in kinds.values():
            expected = f"; expected {first.params['expected']}" if "expected" in first.params else ""
            others = f"; and {len(more)} more rows" if more else ""
            place = f"{first.file}, row {first.row}, column {first.column}, value {first.value!r}"
            names.append(f"{place}: {first.code}{expected}{others}")
        return names


def _spelled(table: str, headings: Sequence[str]) -> dict[str, str]:
    """Return headings that are a field's but for case, spaces and underscores, each with the field."""
    plain = camera_traps.plain
    lacking = {plain(field.name): field.name for field in check.fields(table) if field.name not in headings}
    found = {heading: lacking[plain(heading)] for heading in headings if plain(heading) in lacking}
    return {heading: field for heading, field in found.items() if [*found.values()].count(field) == 1}


def of_descriptor(package: check.Package) -> Iterator[Finding]:
    """Yield the faults of the descriptor; none of them keeps its tables out."""
    for name, value, expected in package.faults():
        code = "PROPERTY_MISSING" if value is None else "PROPERTY_INVALID"
        yield Finding(package.file, None, None, name, value, code, blocking=False, params={"expected": expected})
