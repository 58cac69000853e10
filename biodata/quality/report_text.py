"""The report on a file for a terminal: lines of text that no cell can take control of."""

from collections.abc import Iterator
from typing import Any, Final

from biodata.quality.report import Report

_SHOWN: Final = 15
_BAR: Final = 24


def printable(text: str) -> str:
    """Return text with every sign that does not print, or that turns the writing round, told by its number."""
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
            told = ", ".join(f"{term} {value!r}" for term, value in list(problem["told"].items())[:4])
            yield f"      {problem['asks']} No: {printable(told)}"
    for proposal in row["proposals"]:
        values = ", ".join(f"{term} {value!r}" for term, value in proposal["proposed"].items())
        yield f"      proposed: {printable(values)}"
