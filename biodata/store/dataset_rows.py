"""Rows put aside in files, and read again some datasets at a time: what is looked at dataset by dataset is never all in memory."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import polars as pl

from biodata.store.staging import write_part

GROUP_ROWS: Final = 500_000
"""Datasets are looked at together up to so many rows."""


class DatasetRows:
    """Rows of datasets in files.

    Parameters
    ----------
    folder : Path
        For the files.
    name : str
        What they are called.
    schema : polars.Schema
        With `datasetKey`.
    """

    def __init__(self, folder: Path, name: str, schema: pl.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._files: list[Path] = []
        self._counts = Counter[str]()

    def add(self, rows: pl.DataFrame) -> None:
        """Put rows aside."""
        if rows.height:
            self._counts.update(dict(rows["datasetKey"].value_counts().iter_rows()))
            self._files.append(self._folder / f"{self._name}-{len(self._files)}.parquet")
            write_part(rows.select(self._schema.names()).sort("datasetKey"), self._files[-1], row_group_rows=20_000)

    def read(self, datasets: Collection[str]) -> pl.DataFrame:
        """Return the rows of some datasets."""
        if not self._files:
            return self._schema.to_frame()
        rows = pl.scan_parquet(self._files).filter(pl.col("datasetKey").is_in(list(datasets)))
        return rows.collect().cast(dict(self._schema.items()))

    def groups(self, datasets: Collection[str]) -> Iterator[list[str]]:
        """Yield datasets that are looked at together, each in one group; one that has more rows than a group stands alone."""
        group, rows = list[str](), 0
        for dataset in sorted(datasets):
            if group and rows + self._counts[dataset] > GROUP_ROWS:
                yield group
                group, rows = [], 0
            group.append(dataset)
            rows += self._counts[dataset]
        yield group
