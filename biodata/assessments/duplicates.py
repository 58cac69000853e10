"""Duplicates among any number of records: their facts in files, compared part by part."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biodata.matching import duplicate_groups, duplicate_identifiers, duplicate_links, duplicates
from biodata.store.staging import write_part

_ROW_GROUP_ROWS: Final = 200_000


class FactFiles:
    """The facts of every record in files, by species, so that no more than a part need be in memory."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder, self._buckets = folder, buckets
        self._files: list[list[Path]] = [[] for _ in range(buckets)]

    def add(self, facts: pl.DataFrame) -> None:
        """Put the facts of a batch aside."""
        numbered = facts.with_columns(bucket=(pl.col("species").fill_null(0) % self._buckets).cast(pl.Int64))
        for (number,), part in numbered.partition_by("bucket", as_dict=True, include_key=False).items():
            files = self._files[number]
            files.append(self._folder / f"facts-{number}-{len(files)}.parquet")
            write_part(part, files[-1], row_group_rows=_ROW_GROUP_ROWS)

    @property
    def parts(self) -> int:
        """Into how many parts the work is divided."""
        return self._buckets

    def by_species(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the facts in parts, each of them with every record of its species."""
        for files in self._files:
            if files:
                yield pl.concat([pl.read_parquet(file, columns=_listed(columns)) for file in files])

    def of(self, keys: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the facts of some records."""
        wanted = pl.DataFrame({"key": keys.unique()})
        files = [file for files in self._files for file in files]
        frames = (pl.read_parquet(file, columns=_listed(columns)) for file in files)
        return pl.concat([frame.join(wanted, on="key", how="semi") for frame in frames])


def find_duplicates(facts: FactFiles) -> pl.DataFrame:
    """Return the duplicate columns of records that are linked with another.

    Parameters
    ----------
    facts : FactFiles
        Of every record that is to be compared.

    Returns
    -------
    polars.DataFrame
        key and the duplicate columns of `terms.ASSESSMENT`; no columns but key where nothing is linked.
    """
    links = [pl.DataFrame(schema=duplicate_links.LINKS)]
    named = [pl.Series(dtype=pl.UInt64)]
    for part in facts.by_species():
        links.append(duplicates.by_event(part))
        named.append(duplicate_identifiers.named_by_others(part))
    names = pl.concat(named).unique()
    for number in range(facts.parts):
        sharing = _sharing_identifiers(facts, names, number)
        if len(sharing):
            links.append(duplicate_identifiers.by_identifier(facts.of(sharing)))
    together = pl.concat(links)
    if together.is_empty():
        return pl.DataFrame(schema={"key": pl.Int64})
    records = facts.of(pl.concat([together["a"], together["b"]]), duplicate_groups.KEPT)
    pairs = duplicate_groups.one_link_a_pair(together, records)
    return _rows(pairs, duplicate_groups.groups(pairs, records))


def _sharing_identifiers(facts: FactFiles, names: pl.Series, number: int) -> pl.Series:
    """Return the keys of records that share an identifier with another, of one part of all identifiers."""
    numbered = [pl.DataFrame(schema={"key": pl.Int64, "block": pl.UInt64})]
    for part in facts.by_species(duplicate_identifiers.IDENTIFIED_BY):
        told = duplicate_identifiers.identifiers(part, names)
        numbered.append(told.filter(pl.col("block") % facts.parts == number))
    every = pl.concat(numbered)
    counted = (
        every.group_by("block").len().filter(pl.col("len").is_between(2, duplicate_identifiers.MOST_OF_IDENTIFIER))
    )
    return every.join(counted, on="block", how="semi")["key"].unique()


def _rows(pairs: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return one row a record: its group, which record stands for it, why, and every link."""
    word = pl.lit(pl.Series(duplicate_links.STRENGTHS)).gather(pl.col("strength"))
    both = pl.concat(
        [pairs.select("strength", "reason", key=end, other=to) for end, to in (("a", "b"), ("b", "a"))]
    ).with_columns(word.alias("strength"))
    link = pl.struct(pl.col("other").alias("key"), "strength", "reason")
    listed = both.sort("key", "other").select("key", link=link)
    rows = listed.group_by("key", maintain_order=True).agg(duplicate_links="link")
    rows = rows.join(groups, on="key", how="left")
    return rows.with_columns(
        duplicate_group="group",
        duplicate_of=pl.when(pl.col("group") != pl.col("key")).then("group"),
        duplicate_reasons="reasons",
    )


def _listed(columns: Sequence[str] | None) -> list[str] | None:
    """Return columns as Polars wants them."""
    return list(columns) if columns is not None else None
