"""A report on a whole file that a data manager can act on: by test, by dataset, and the rows with most that is wrong."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from biodata.core.errors import shorten
from biodata.quality.engine import (
    BY_LABEL,
    TESTS,
    VALIDATIONS,
    normalise,
    not_compliant,
    prepare,
    proposed,
    qualified,
    run,
)
from biodata.quality.model import Answer, Context, Kind, Status, Test

# How often each answer was given: what is summed of a test, and the numbers that follow from the sums.

SUMMARY: Final = pl.Schema(
    {
        "label": pl.String, "guid": pl.String, "kind": pl.String, "compliant": pl.Int64, "not_compliant": pl.Int64,
        "proposed": pl.Int64, "internal": pl.Int64, "external": pl.Int64,
    }
)  # fmt: skip
"""The columns of `summarise`."""

_KINDS: Final = tuple(SUMMARY.names()[3:])


def counted(prepared: pl.DataFrame, tests: Sequence[Test], context: Context, by: Sequence[str]) -> pl.DataFrame:
    """Count the answers over a prepared frame, by the values of columns.

    Parameters
    ----------
    prepared : polars.DataFrame
        What `prepare` returned.
    tests, context
        As in `run`.
    by : sequence of str
        Columns of `prepared`; without any the whole is counted.

    Returns
    -------
    polars.DataFrame, one row a combination of `by`
        `by`, `rows`, and columns `label.outcome` of numbers, for the outcomes of `SUMMARY`.
    """
    present = frozenset(prepared.columns)
    columns = {
        f"{test.label}.{name}": one
        for test in tests
        for name, one in _outcomes(test, test.ask(present, context)).items()
    }
    rows = pl.len().cast(pl.Int64)
    # What is the same in every row is no column: it counts as often as there are rows.
    sums = [
        (one.sum() if one.meta.root_names() else one.fill_null(value=False).cast(pl.Int64) * rows)
        .cast(pl.Int64)
        .alias(name)
        for name, one in columns.items()
    ]
    table = prepared.lazy()
    sums = [rows.alias("rows"), *sums]
    return (table.group_by(by, maintain_order=True).agg(sums) if by else table.select(sums)).collect()


def _outcomes(test: Test, answer: Answer) -> dict[str, pl.Expr]:
    """Return what is summed of a test, by the names of `SUMMARY`."""
    external = answer.external.fill_null(value=False)
    runs = answer.result.is_not_null() & ~external
    if test.kind is Kind.AMENDMENT:
        counts = {"proposed": proposed(answer)}
    elif test.kind is Kind.MEASURE:
        counts = {"compliant": runs}
    else:
        names = ("compliant", "not_compliant") if test.kind is Kind.VALIDATION else ("not_compliant", "compliant")
        counts = {names[0]: answer.result & runs, names[1]: ~answer.result & runs}
    return {**counts, "internal": ~runs & ~external, "external": external}


def summarise(frame: pl.DataFrame, context: Context, tests: Sequence[Test] = VALIDATIONS) -> pl.DataFrame:
    """Count the answers to each test, without making a text.

    Parameters
    ----------
    frame, context, tests
        As in `run`; the validations unless stated otherwise.

    Returns
    -------
    polars.DataFrame, one row a test
        `label`, `guid`, `kind`, and the numbers of rows that are `compliant` (of an issue: NOT_ISSUE; of a measure:
        measured), `not_compliant` (of an issue: POTENTIAL_ISSUE), have something `proposed`, and where `internal` or
        `external` prerequisites were not met.
    """
    return summary_of(counted(prepare(normalise(frame), tests, context), tests, context, []), tests)


def summary_of(counts: pl.DataFrame, tests: Sequence[Test]) -> pl.DataFrame:
    """Return one row a test of the sums of what `counted` returned; what is not counted of its kind is 0."""
    row = counts.select(pl.col(pl.Int64).sum()).row(0, named=True) if counts.height else {}
    numbers = [
        (test.label, test.guid, test.kind.value, *(row.get(f"{test.label}.{kind}", 0) for kind in _KINDS))
        for test in tests
    ]
    return pl.DataFrame(numbers, schema=SUMMARY, orient="row")


WORST: Final = 20
"""How many rows are shown."""

DATASETS: Final = ("datasetKey", "datasetName", "datasetID", "collectionCode", "institutionCode")
"""What tells rows apart by where they come from: the first of these that a file has."""

IDENTIFIERS: Final = ("dataID", "occurrenceID", "gbifID", "id", "catalogNumber")
ROW: Final = "source_row"
_SCORE: Final = "quality.score"
_VALUE: Final = 80
_COUNTED: Final = tuple(test for test in TESTS if test.kind is not Kind.MEASURE)
_BAD_RESULTS: Final = ("NOT_COMPLIANT", "POTENTIAL_ISSUE")


@dataclass
class Report:
    """What was found in a file.

    Attributes
    ----------
    file : str
        What it is called.
    boundaries : dict
        The boundary set, its version, viewpoint and band, as plain values.
    rows : int
        How many rows were tested.
    refused : list of str
        Rows that could not be read, and why.
    tests : polars.DataFrame
        `SUMMARY` and `asks`, one row a test.
    dataset_term : str
        The term that tells datasets apart; empty where no column does.
    datasets : list of dict
        `dataset`, `rows`, `failures` (answers NOT_COMPLIANT), `worst` (the tests that it fails more often than the rest
        of the file, with numbers).
    worst : list of dict
        `row`, `id`, `dataset`, `problems` (`label`, `asks`, `told`), `proposals` (`label`, `proposed`).
    """

    file: str
    boundaries: dict[str, str | float]
    rows: int
    refused: list[str]
    tests: pl.DataFrame
    dataset_term: str
    datasets: list[dict[str, Any]] = field(default_factory=list)
    worst: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        plain = {name: getattr(self, name) for name in ("file", "rows", "refused", "dataset_term", "datasets", "worst")}
        return {**plain, **self.boundaries, "tests": self.tests.to_dicts()}


class Collector:
    """Takes the batches of a file in and makes the report; how the file is cut into batches changes nothing.

    Parameters
    ----------
    context : Context
        What the tests may ask.
    file : str
        What the file is called.
    """

    def __init__(self, context: Context, file: str) -> None:
        self._context, self._file = context, file
        self._counts: list[pl.DataFrame] = []
        self._worst: pl.DataFrame | None = None
        self._by = ""
        self._rows = 0

    def add(self, batch: pl.DataFrame) -> None:
        """Take a batch: text columns, and `source_row`, the line of the file.

        Parameters
        ----------
        batch : polars.DataFrame of n rows
            As `formats.delimited` reads it.
        """
        if not batch.height:
            return
        plain = normalise(batch.drop(ROW))
        self._by = self._by or next((name for name in DATASETS if name in plain.columns), "")
        prepared = prepare(plain, _COUNTED, self._context)
        self._counts.append(counted(prepared, _COUNTED, self._context, [self._by] if self._by else []))
        self._rows += batch.height
        scored = plain.with_columns(batch[ROW], _score(prepared, self._context)).filter(pl.col(_SCORE) > 0)
        known = scored if self._worst is None else pl.concat([self._worst, scored])
        self._worst = known.sort(_SCORE, ROW, descending=[True, False]).head(WORST)

    def report(self, refused: Sequence[str]) -> Report:
        """Return the report on everything that was taken in."""
        counts = pl.concat(self._counts) if self._counts else pl.DataFrame()
        summary = summary_of(counts, _COUNTED).with_columns(
            asks=pl.Series([test.asks for test in _COUNTED], dtype=pl.String)
        )
        return Report(
            file=self._file,
            boundaries=self._context.boundaries.to_dict(),
            rows=self._rows,
            refused=list(refused),
            tests=summary,
            dataset_term=self._by,
            datasets=_datasets(counts, self._by) if self._by and counts.height else [],
            worst=_details(self._worst, self._by, self._context) if self._worst is not None else [],
        )


def _score(prepared: pl.DataFrame, context: Context) -> pl.Series:
    """Return how much is wrong in each row: what is wrong counts 100, what is lacking counts 1."""
    present = frozenset(prepared.columns)
    parts = [
        not_compliant(test.ask(present, context)).cast(pl.Int32) * (1 if test.label.endswith("NOTEMPTY") else 100)
        for test in _COUNTED
        if test.kind is Kind.VALIDATION
    ]
    return prepared.lazy().select(pl.sum_horizontal(parts).alias(_SCORE)).collect()[_SCORE]


def _datasets(counts: pl.DataFrame, by: str) -> list[dict[str, Any]]:
    """Return what was found by dataset, most failures first."""
    failing = [name for name in counts.columns if name.endswith(".not_compliant")]
    labels = [name for name in failing if BY_LABEL[name.removesuffix(".not_compliant")].kind is Kind.VALIDATION]
    summed = counts.group_by(by).agg(pl.col("rows", *labels).sum())
    whole = summed.select(pl.exclude(by).sum()).row(0, named=True)
    found = []
    for row in summed.iter_rows(named=True):
        numbers = {name.removesuffix(".not_compliant"): row[name] for name in labels if row[name]}
        # What a dataset fails more often than the rest of the file is its own trouble, and stands first.
        beyond = {
            label: number - whole[f"{label}.not_compliant"] * row["rows"] / whole["rows"]
            for label, number in numbers.items()
        }
        most = sorted(numbers.items(), key=lambda item: (-round(beyond[item[0]], 6), -item[1], item[0]))[:5]
        found.append(
            {
                "dataset": row[by] or "",
                "rows": row["rows"],
                "failures": sum(numbers.values()),
                "worst": [{"label": label, "rows": number} for label, number in most],
            }
        )
    return sorted(found, key=lambda one: (-one["failures"], one["dataset"]))


def _details(rows: pl.DataFrame, by: str, context: Context) -> list[dict[str, Any]]:
    """Return what is wrong in rows, and what is proposed."""
    answers = run(rows.drop(_SCORE, ROW), context, _COUNTED)
    found = []
    identifier = next((name for name in IDENTIFIERS if name in rows.columns), None)
    for number, row in enumerate(rows.iter_rows(named=True)):
        of_row = answers.filter(pl.col("row") == number)
        bad = of_row.filter(pl.col("result").is_in(_BAD_RESULTS))["label"]
        changed = of_row.filter(pl.col("status").is_in([Status.AMENDED.value, Status.FILLED_IN.value]))
        found.append(
            {
                "row": row[ROW],
                "id": shorten((row[identifier] if identifier else None) or "", _VALUE),
                "dataset": shorten((row[by] if by else None) or "", _VALUE),
                "problems": [_problem(BY_LABEL[label], row) for label in bad],
                "proposals": [
                    {"label": label, "proposed": json.loads(result)}
                    for label, result in changed.select("label", "result").iter_rows()
                ],
            }
        )
    return found


def _problem(test: Test, row: dict[str, Any]) -> dict[str, Any]:
    """Return a test that a row fails, with what its terms tell."""
    facts = {qualified(term): shorten(row[term], _VALUE) for term in test.acted_upon if row.get(term) is not None}
    return {"label": test.label, "asks": test.asks, "told": facts}


# The report on a file for a terminal: lines of text that no cell can take control of.

_SHOWN: Final = 15
_BAR: Final = 24


def printable(text: str) -> str:
    """Return text with every sign that does not print, or that turns the writing round, stated by its number."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def lines(report: Report) -> Iterator[str]:
    """Yield the report's lines."""
    yield f"{printable(report.file)}: {report.rows:,} rows tested with {report.tests.height} tests of TDWG BDQ Core"
    boundaries = report.boundaries
    yield f"boundary set {printable(str(boundaries['boundary_set']))} ({printable(str(boundaries['boundary_version']))})"
    for refused in report.refused[:_SHOWN]:
        yield f"  not read: {printable(refused)}"
    if len(report.refused) > _SHOWN:
        yield f"  … and {len(report.refused) - _SHOWN} more rows not read"
    yield "What most rows fail:"
    failing = report.tests.filter(report.tests["not_compliant"] > 0).sort(
        "not_compliant", "label", descending=[True, False]
    )
    for row in failing.head(_SHOWN).iter_rows(named=True):
        share = row["not_compliant"] / max(report.rows, 1)
        bar = "█" * round(share * _BAR)
        yield f"  {row['not_compliant']:>10,} {share:>6.1%} {bar:<{_BAR}} {row['label']}"
        yield f"{'':>{20 + _BAR}}{row['asks']}"
    lacking = report.tests.filter(report.tests["external"] > 0)
    if lacking.height:
        yield f"Not answered, since their authority is not here: {', '.join(lacking['label'])}"
    proposed = report.tests.filter(report.tests["proposed"] > 0).sort("proposed", "label", descending=[True, False])
    if proposed.height:
        yield "What is proposed:"
        for row in proposed.head(_SHOWN).iter_rows(named=True):
            yield f"  {row['proposed']:>10,} {row['label']}"
    if report.datasets:
        yield f"By {report.dataset_term}:"
        for one in report.datasets[:_SHOWN]:
            most = ", ".join(f"{test['label']} {test['rows']:,}" for test in one["worst"][:2])
            yield f"  {one['failures']:>10,} failures in {one['rows']:,} rows: {printable(one['dataset']) or '(none)'}: {most}"
        if len(report.datasets) > _SHOWN:
            yield f"  … and {len(report.datasets) - _SHOWN} more"
    if report.worst:
        yield "Rows with most that is wrong:"
        for row in report.worst[:5]:
            yield from _row(row)


def _row(row: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of one row."""
    yield f"  row {row['row']} {printable(row['id'])}"
    for problem in row["problems"]:
        if not problem["label"].endswith("NOTEMPTY"):
            text = ", ".join(f"{term} {value!r}" for term, value in list(problem["told"].items())[:4])
            yield f"      {problem['asks']} No: {printable(text)}"
    for proposal in row["proposals"]:
        values = ", ".join(f"{term} {value!r}" for term, value in proposal["proposed"].items())
        yield f"      proposed: {printable(values)}"
