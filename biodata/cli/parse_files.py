"""A CSV file in, the same rows out with what a parser made of them, a few thousand rows at a time."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl
from tqdm import tqdm

from biodata.cli.parse_kinds import READERS, Kind, Reader
from biodata.cli.parse_rows import read_rows
from biodata.errors import InputError
from biodata.formats import encodings

BATCH: Final = 20_000
"""Rows that are held at a time."""
DECLARED: Final = {
    Kind.DATE: ("calendar", "day_month_order", "spreadsheet_dates", "time_zone"),
    Kind.AREA: ("decimal_mark", "unit"),
}


def parse_file(
    kind: str,
    source: Path,
    target: Path,
    *,
    declared: Mapping[str, str],
    encoding: str | None = None,
    progress: bool,
) -> tuple[int, list[str], str]:
    """Parse a column, or some that belong together, of a CSV file into another.

    Parameters
    ----------
    kind : str
        A `Kind`.
    source, target : Path
        Files; `target` appears when it is complete.
    declared : mapping
        What the dataset declares of its values.
    encoding : str, optional
        The encoding of `source`; chosen from its text where none is told.
    progress : bool
        Show how far it is.

    Returns
    -------
    int, list of str, str
        Number of rows, the headings that were read, and the encoding of `source`.

    Raises
    ------
    InputError
        If the kind is not known, or the file is no table with the columns that the kind needs.
    """
    if kind not in set(Kind):
        problem = "there is no such kind"
        raise InputError(
            problem,
            column="KIND",
            value=kind,
            expected=f"one of: {', '.join(Kind)}",
            code="KIND_UNKNOWN",
        )
    if target.exists() and target.samefile(source):
        problem = "the file would be written over itself"
        raise InputError(problem, file=str(target), expected="another name for --out")
    known = DECLARED.get(Kind(kind), ())
    for name in declared:
        if name not in known:
            problem = f"nothing of that name can be declared of {kind}"
            raise InputError(
                problem, column="--declare", value=name, expected=f"one of: {', '.join(known) or 'nothing'}",
                code="DECLARATION_UNKNOWN",
            )  # fmt: skip
    reader = READERS[Kind(kind)]
    with source.open("rb") as stream:
        chosen_encoding = encodings.choose(encodings.sample_of(stream), declared=encoding, file=source.name)
    part = target.with_name(f"{target.name}.part")
    rows = 0
    try:
        with (
            source.open(encoding=chosen_encoding, newline="") as read,
            part.open("w", encoding="utf-8", newline="") as write,
        ):
            table = read_rows(read, source)
            headings = next(table)
            chosen = _chosen(headings, reader, kind, source)
            writer = csv.writer(write, lineterminator="\n")
            bar = tqdm(unit="row", disable=not progress)
            for batch in _batches(table):
                answers = reader.parse(_columns(batch, headings, chosen), declared)
                if not rows:
                    writer.writerow([*_told(headings, answers.columns), *answers.columns])
                writer.writerows(
                    [*row, *map(_cell, more)] for row, more in zip(batch, answers.iter_rows(), strict=True)
                )
                rows += len(batch)
                bar.update(len(batch))
            bar.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return rows, [headings[at] for at in chosen.values()], chosen_encoding


def _chosen(headings: Sequence[str], reader: Reader, kind: str, source: Path) -> dict[str, int]:
    """Return the position of each column that is read, by its heading in lower case."""
    names_read = [heading.strip().lower() for heading in headings]
    at = {name: position for position, name in enumerate(names_read)}
    found = [names for names in reader.headings if set(names) <= at.keys()]
    if found:
        names = [name for alternative in found if reader.together or alternative is found[0] for name in alternative]
        chosen = {name: at[name] for name in (*names, *reader.more) if name in at}
        for name, position in chosen.items():
            if names_read.count(name) > 1:
                problem = "the heading names this column twice, white space and capitals aside"
                raise InputError(problem, file=str(source), row=1, column=headings[position], code="HEADING_REPEATED")
        return chosen
    if reader.any_column:
        return {names_read[0]: 0}
    problem = f"no column for {kind}"
    raise InputError(
        problem, file=str(source), row=1, column=", ".join(headings), expected=reader.wanted,
        code="COLUMN_MISSING",
    )  # fmt: skip


def _batches(table: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the rows some thousands at a time; of a table without rows one empty batch, for its added columns."""
    batch = [*islice(table, BATCH)]
    yield batch
    while batch := [*islice(table, BATCH)]:
        yield batch


def _told(headings: Sequence[str], added: Sequence[str]) -> list[str]:
    """Return the headings, `told_` before those that would stand there twice."""
    names: list[str] = []
    for heading in headings:
        name = heading
        while name in added or name in names or (name != heading and name in headings):
            name = f"told_{name}"
        names.append(name)
    return names


def _columns(batch: list[list[str]], headings: Sequence[str], chosen: Mapping[str, int]) -> dict[str, pl.Series]:
    """Return the columns that are read, without white space around their cells, null where there is nothing."""
    return {
        name: pl.Series(headings[at], [row[at].strip() or None for row in batch], dtype=pl.String)
        for name, at in chosen.items()
    }


def _cell(value: object) -> str:
    """Write a value into a cell."""
    return "" if value is None else str(value)
