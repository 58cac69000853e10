"""Runs tests of BDQ Core over made-up rows and over the official ones."""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from biodata.quality import engine
from biodata.quality.model import Context, Test

TODAY = date(2026, 11, 24)


def context(checklist: pl.DataFrame | None = None) -> Context:
    """Return what tests of time and taxa ask: the day and the checklist, no map."""
    return Context(TODAY, None, checklist)


def respond(
    test: Test, rows: Iterable[Mapping[str, str]], checklist: pl.DataFrame | None = None
) -> list[tuple[str, str]]:
    """Return status and result of one test for each row, given as terms by local name."""
    rows = list(rows)
    names = sorted({name for row in rows for name in row})
    frame = pl.DataFrame(
        {name: [row.get(name) for row in rows] for name in names}, schema=dict.fromkeys(names, pl.String)
    )
    if not names:
        frame = pl.DataFrame({"other": [None] * len(rows)}, schema={"other": pl.String})
    frame = engine.prepare(engine.normalise(frame), [test], context(checklist))
    told = engine.responses(frame, test, context(checklist))
    return list(zip(told["status"], told["result"], strict=True))


def brief(answer: tuple[str, str]) -> str:
    """Return an answer in a word: C, N, INTERNAL, EXTERNAL, NOT_AMENDED, or the result itself."""
    status, result = answer
    short = {"COMPLIANT": "C", "NOT_COMPLIANT": "N"}.get(result, result)
    return short if result and result != "NOT_REPORTED" else status.removesuffix("_PREREQUISITES_NOT_MET")


def official_misses(suite: Path, tests: Iterable[Test]) -> list[tuple[str, str, str]]:
    """Return label, expected and given answer of the official rows that differ."""
    by_guid = {test.guid: test for test in tests}
    with (suite / "inputs.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["GUID"] in by_guid]
    with (suite / "expected.csv").open(newline="", encoding="utf-8") as file:
        expected = {(row["dataID"], row["GUID"]): row for row in csv.DictReader(file)}
    misses = []
    for guid, test in by_guid.items():
        mine = [row for row in rows if row["GUID"] == guid]
        terms = [{engine.local_name(name): value for name, value in row.items() if value} for row in mine]
        for row, answer in zip(mine, respond(test, terms), strict=True):
            right = expected[row["dataID"], guid]
            if not _same(answer, (right["Response.status"], right["Response.result"])):
                misses.append((test.label, brief((right["Response.status"], right["Response.result"])), brief(answer)))
    return misses


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if one[1].startswith("{") and other[1].startswith("{"):
        return one[0] == other[0] and json.loads(one[1]) == json.loads(other[1])
    return one == other
