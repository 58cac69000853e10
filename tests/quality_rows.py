"""Runs tests of BDQ Core over made-up rows and over the official ones."""

from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl

from biodata import places
from biodata.quality import engine
from biodata.quality.model import Context, Test

TODAY = date(2026, 11, 24)
CONTEXT = Context(TODAY, places.load_boundaries())
C, N, ISSUE, NO_ISSUE = "COMPLIANT", "NOT_COMPLIANT", "POTENTIAL_ISSUE", "NOT_ISSUE"
INTERNAL, EXTERNAL, NOT_AMENDED = "INTERNAL", "EXTERNAL", "NOT_AMENDED"
NOWHERE = "https://invalid/invalidservice"


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


def answer(label, **told):
    """Return result or proposals of one row; the status where there is none."""
    frame = pl.DataFrame({name.replace("__", ":"): [value] for name, value in told.items()} or {"nothing": [None]})
    row = engine.run(frame.cast(pl.String), CONTEXT, [engine.find(label)]).row(0, named=True)
    return row["result"] or row["status"].removesuffix("_PREREQUISITES_NOT_MET")
