"""GBIF's simple CSV: fifty Darwin Core columns, tab separated as downloaded or comma separated as re-saved."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.ingest.protocol import DatasetInfo, VerbatimTable


class GbifSource:
    """Files downloaded from GBIF, or re-saved by a spreadsheet."""

    name: ClassVar[str] = "gbif"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] | None = None,
        progress: bool = False,
    ) -> None:
        self.paths, self.dataset, self.options, self.progress = list(paths), dataset, dict(options or {}), progress

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a file."""
        for path in self.paths:
            refusals: list[Refusal] = []
            yield VerbatimTable(
                kind="occurrences",
                name=path.name,
                dataset=DatasetInfo(key=self.dataset, title=path.stem),
                batches=self._batches(path, refusals),
                refusals=refusals,
            )

    def _batches(self, path: Path, refusals: list[Refusal]) -> Iterator[pl.DataFrame]:
        """Yield the rows of a file whose count of fields is the heading's."""
        data = path.read_bytes()
        text = None
        for encoding in [self.options["encoding"]] if "encoding" in self.options else ["utf-8-sig", "mac_roman"]:
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            break
        if not text:
            raise InputError("the file is empty or not text", file=path.name, code="INPUT_EMPTY")
        lines = csv.reader(text.splitlines(keepends=True), delimiter="\t" if "\t" in text.split("\n")[0] else ",")
        headings = next(lines)
        rows, numbers, start = [], [], lines.line_num + 1
        for row in lines:
            if len(row) == len(headings):
                rows.append([value or None for value in row])
                numbers.append(start)
            elif row:
                problem = f"{len(row)} fields where the heading has {len(headings)}"
                refusals.append(Refusal(path.name, start, None, row[0], "ROW_FIELD_COUNT", problem))
            start = lines.line_num + 1
        frame = pl.DataFrame(rows, schema=dict.fromkeys(headings, pl.String), orient="row")
        source = pl.lit(path.name).alias("source_file"), pl.Series("source_row", numbers, pl.Int64)
        for offset in range(0, frame.height, 50_000):
            yield frame.select(*source, pl.all())[offset : offset + 50_000]
