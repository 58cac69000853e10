"""Clusters among any number of records: their facts and keys in files, looked at part by part."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from biodata.assessments import cluster_keys as clusters
from biodata.store.staging import write_part

_ROW_GROUP_ROWS: Final = 50_000


class FactFiles:
    """The facts of every record in files, so that no more than a part need be in memory.

    Parameters
    ----------
    folder : Path
        For the files.
    parts : int
        Into how many parts the keys are divided: records with the same key are in the same part.
    """

    def __init__(self, folder: Path, parts: int) -> None:
        self._folder, self._parts = folder, parts
        self._files: list[Path] = []
        self._keys: list[list[Path]] = [[] for _ in range(parts)]
        self._facts: list[list[Path]] = [[] for _ in range(parts)]
        self._named = [pl.Series(dtype=pl.UInt64)]

    def add(self, facts: pl.DataFrame) -> None:
        """Put the facts of a batch aside."""
        self._files.append(self._folder / f"facts-{len(self._files)}.parquet")
        write_part(facts, self._files[-1], row_group_rows=_ROW_GROUP_ROWS, ranges=False)
        self._named.append(clusters.named_by_others(facts))

    def find(self) -> pl.DataFrame:
        """Return the clusters of all records, as `matching.clusters.clusters` does."""
        self._write_keys()
        self._write_shared()
        edges = pl.concat([pl.DataFrame(schema=clusters.EDGES), *(clusters.edges(*told) for told in self._shared())])
        units = clusters.units(edges)
        edges = pl.concat([edges, *(clusters.edges(*told, units) for told in self._shared())])
        return clusters.clusters(edges, self._of(edges["key"], clusters.REPRESENTS), units)

    def _write_keys(self) -> None:
        """Write the keys of every record into the files of their parts."""
        named = pl.concat(self._named).unique()
        for batch, file in enumerate(self._files):
            keys = clusters.keys(pl.read_parquet(file), named)
            parts = keys.with_columns(part=pl.col("block") % self._parts).partition_by("part", as_dict=True)
            for (number,), rows in parts.items():
                path = self._folder / f"keys-{number}-{batch}.parquet"
                write_part(rows.drop("part"), path, row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                self._keys[number].append(path)

    def _write_shared(self) -> None:
        """Put aside, part by part, the keys that several records have and the facts of these records; facts are read once."""
        records = [pl.DataFrame(schema={"key": pl.Int64, "part": pl.UInt32})]
        for number, files in enumerate(self._keys):
            if files:
                shared = clusters.shared(pl.concat([pl.read_parquet(file) for file in files]))
                write_part(shared, self._shared_keys(number), row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                records.append(shared.select(pl.col("key").unique(), part=pl.lit(number, dtype=pl.UInt32)))
        of_parts = pl.concat(records)
        for batch, file in enumerate(self._files):
            facts = pl.read_parquet(file).join(of_parts, on="key")
            for (number,), rows in facts.partition_by("part", as_dict=True, include_key=False).items():
                path = self._folder / f"shared-facts-{number}-{batch}.parquet"
                write_part(rows, path, row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                self._facts[number].append(path)

    def _shared(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield the keys that several records have, part by part, and the facts of these records."""
        for number, files in enumerate(self._facts):
            if files:
                yield pl.read_parquet(self._shared_keys(number)), pl.concat([pl.read_parquet(file) for file in files])

    def _shared_keys(self, number: int) -> Path:
        return self._folder / f"shared-keys-{number}.parquet"

    def _of(self, keys: pl.Series, columns: tuple[str, ...]) -> pl.DataFrame:
        """Return facts of some records."""
        wanted = pl.DataFrame({"key": keys.unique()})
        found = [
            pl.read_parquet(file, columns=list(columns)).join(wanted, on="key", how="semi") for file in self._files
        ]
        return pl.concat(found) if found else pl.DataFrame(schema={"key": pl.Int64})
