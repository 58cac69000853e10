"""The report on a file for a terminal, and as one HTML page: no cell can take control of either."""

from collections.abc import Iterator
from html import escape
from typing import Any, Final

from biodata.quality.report import Report

# The report on a file for a terminal: lines of text that no cell can take control of.

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


# The report on a file as one page: no script, nothing from elsewhere, every cell's text escaped.

_COLOURS: Final = {
    "compliant": ("#3b7ea1", "compliant"),
    "not_compliant": ("#c0432b", "not compliant"),
    "internal": ("#d5d2c8", "cannot be tested"),
    "external": ("#8b8fa3", "authority not here"),
}
_WIDTH, _LINE, _LABELS = 960, 22, 430
_SHOWN_ON_PAGE: Final = 30

_STYLE: Final = """
:root{color-scheme:light}body{font:15px/1.5 system-ui,sans-serif;color:#22262b;background:#fbfaf7;margin:0 auto;
max-width:1000px;padding:2rem 1rem 4rem}h1{font-size:1.6rem;margin:0 0 .2rem}h2{font-size:1.15rem;margin:2.4rem 0 .6rem;
border-bottom:1px solid #dcd8cc;padding-bottom:.3rem}p{margin:.3rem 0 .8rem;max-width:46rem}
table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{text-align:left;padding:.35rem .6rem;
border-bottom:1px solid #e7e3d8;vertical-align:top;overflow-wrap:anywhere}th{font-weight:600;color:#5a5f66}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}code{font:12.5px ui-monospace,monospace;
background:#efece3;padding:.05rem .3rem;border-radius:3px;overflow-wrap:anywhere}.small{color:#6b7077;font-size:12.5px}
.key span{display:inline-block;margin-right:1.2rem}.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;
border-radius:2px;vertical-align:-1px}.figures{display:flex;flex-wrap:wrap;gap:1rem;margin:1.2rem 0}.figures div{background:#fff;
border:1px solid #e2decf;border-radius:8px;padding:.7rem 1rem;min-width:9rem}.figures b{display:block;font-size:1.45rem}
.row{background:#fff;border:1px solid #e2decf;border-radius:8px;padding:.7rem 1rem;margin:.7rem 0}.row ul{margin:.3rem 0;
padding-left:1.1rem}.good{color:#2f7d5b}svg{max-width:100%;height:auto;display:block}.wide{overflow-x:auto}
"""


def page(report: Report) -> str:
    """Return the page.

    Parameters
    ----------
    report : Report
        What was found.
    """
    title = f"Data quality of {report.file}"
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1><p class=small>TDWG BDQ Core, tests on single records. Labels by TDWG, CC BY 4.0. "
        f"Boundary set {_text(report.boundaries['boundary_set'])}, {_text(report.boundaries['boundary_version'])}: "
        f"{_text(report.boundaries['viewpoint'])}</p>",
        _figures(report),
        _refused(report),
        "<h2>Validations</h2><p>Each line is a test; its bar is all rows. Tests that most rows fail come first.</p>",
        _key(),
        _bars(report),
        _proposals(report),
        _datasets(report),
        _worst(report),
        _table(report),
        "</body></html>",
    ]
    return "".join(parts)


def _text(text: object) -> str:
    """Return text that HTML cannot take for anything else, signs that do not print by their number."""
    return escape(printable(str(text)), quote=True)


def _figures(report: Report) -> str:
    """Return the few numbers that matter most."""
    validations = report.tests.filter(report.tests["kind"] == "Validation")
    good, bad = int(validations["compliant"].sum()), int(validations["not_compliant"].sum())
    clean = f"{good / (good + bad):.1%}" if good + bad else "—"
    numbers = (
        (f"{report.rows:,}", "rows tested"),
        (clean, "of answers compliant"),
        (f"{bad:,}", "answers not compliant"),
        (f"{int(report.tests['proposed'].sum()):,}", "amendments proposed"),
        (f"{len(report.refused):,}", "rows not read"),
    )
    return (
        "<div class=figures>" + "".join(f"<div><b>{_text(n)}</b>{_text(what)}</div>" for n, what in numbers) + "</div>"
    )


def _refused(report: Report) -> str:
    """Return the rows that could not be read."""
    if not report.refused:
        return ""
    shown = "".join(f"<li>{_text(one)}</li>" for one in report.refused[:20])
    return f"<h2>Rows not read</h2><ul>{shown}</ul>"


def _key() -> str:
    """Return what the colours mean."""
    spans = "".join(
        f"<span><i style='background:{colour}'></i>{_text(what)}</span>" for colour, what in _COLOURS.values()
    )
    return f"<p class='key small'>{spans}</p>"


def _bars(report: Report) -> str:
    """Return a stacked bar a validation."""
    rows = (
        report.tests.filter(report.tests["kind"] == "Validation")
        .sort("not_compliant", "compliant", "label", descending=[True, True, False])
        .to_dicts()
    )
    height = len(rows) * _LINE + 4
    shapes = [f"<svg viewBox='0 0 {_WIDTH} {height}' role=img aria-label='answers by test' font-size=12>"]
    for number, row in enumerate(rows):
        y, x = number * _LINE, float(_LABELS)
        label = row["label"].removeprefix("VALIDATION_")
        shapes.append(f"<text x={_LABELS - 8} y={y + 15} text-anchor=end fill='#22262b'>{_text(label)}</text>")
        for outcome, (colour, what) in _COLOURS.items():
            width = row[outcome] / max(report.rows, 1) * (_WIDTH - _LABELS)
            if width > 0:
                told = _text(f"{row['asks']} {row[outcome]:,} {what}")
                shapes.append(
                    f"<rect x={x:.2f} y={y + 3} width={width:.2f} height={_LINE - 6} fill='{colour}'>"
                    f"<title>{told}</title></rect>"
                )
            x += width
    return "<div class=wide>" + "".join(shapes) + "</svg></div>"


def _proposals(report: Report) -> str:
    """Return the amendments that propose something, and the issues found."""
    rows = report.tests.filter(
        (report.tests["proposed"] > 0) | ((report.tests["kind"] == "Issue") & (report.tests["not_compliant"] > 0))
    ).sort("proposed", "not_compliant", descending=True)
    body = "".join(
        f"<tr><td>{_text(row['label'])}<div class=small>{_text(row['asks'])}</div>"
        f"<td class=n>{row['proposed'] or row['not_compliant']:,}</tr>"
        for row in rows.iter_rows(named=True)
    )
    return f"<h2>Amendments proposed, issues found</h2><table><tr><th>Test<th class=n>Rows</tr>{body}</table>"


def _datasets(report: Report) -> str:
    """Return what was found by dataset."""
    if not report.datasets:
        return ""
    most = max(one["failures"] / max(one["rows"], 1) for one in report.datasets) or 1
    body = []
    for one in report.datasets[:_SHOWN_ON_PAGE]:
        each = one["failures"] / max(one["rows"], 1)
        bar = f"<svg width=120 height=10><rect width={each / most * 120:.1f} height=10 fill='#c0432b'/></svg>"
        worst = ", ".join(f"{test['label'].removeprefix('VALIDATION_')} ({test['rows']:,})" for test in one["worst"])
        body.append(
            f"<tr><td>{_text(one['dataset'] or '(none)')}<td class=n>{one['rows']:,}<td class=n>{each:.2f}<td>{bar}"
            f"<td class=small>{_text(worst)}</tr>"
        )
    rest = (
        f"<p class=small>{len(report.datasets) - _SHOWN_ON_PAGE} more are in the JSON report.</p>"
        if len(report.datasets) > _SHOWN_ON_PAGE
        else ""
    )
    return (
        f"<h2>By {_text(report.dataset_term)}</h2><table><tr><th>Dataset<th class=n>Rows<th class=n>Failures a row<th>"
        f"<th>More often than the rest of the file</tr>{''.join(body)}</table>{rest}"
    )


def _worst(report: Report) -> str:
    """Return the rows with most that is wrong."""
    if not report.worst:
        return ""
    return "<h2>Rows with most that is wrong</h2>" + "".join(_row_of_page(row) for row in report.worst)


def _row_of_page(row: dict[str, Any]) -> str:
    """Return one row with its problems and proposals."""
    lacking = [problem for problem in row["problems"] if problem["label"].endswith("NOTEMPTY")]
    wrong = [problem for problem in row["problems"] if problem not in lacking]
    items = [f"<li>{_text(one['asks'])} <b>No.</b> {_told(one['told'])}</li>" for one in wrong]
    proposals = [f"<li class=good>Proposed: {_told(one['proposed'])}</li>" for one in row["proposals"]]
    names = ", ".join(one["label"].removeprefix("VALIDATION_").removesuffix("_NOTEMPTY").lower() for one in lacking)
    empty = f"<p class=small>Empty: {_text(names)}</p>" if names else ""
    return (
        f"<div class=row><b>Row {row['row']:,}</b> <code>{_text(row['id'])}</code> "
        f"<span class=small>{_text(row['dataset'])}</span><ul>{''.join(items)}{''.join(proposals)}</ul>{empty}</div>"
    )


def _told(values: dict[str, str]) -> str:
    """Return terms with their values."""
    return " ".join(f"{_text(term)} <code>{_text(value)}</code>" for term, value in values.items())


def _table(report: Report) -> str:
    """Return every number."""
    body = "".join(
        f"<tr><td>{_text(row['label'])}<div class=small>{_text(row['guid'])}</div>"
        + "".join(
            f"<td class=n>{row[name]:,}" for name in ("compliant", "not_compliant", "proposed", "internal", "external")
        )
        + "</tr>"
        for row in report.tests.iter_rows(named=True)
    )
    return (
        "<h2>All tests</h2><table><tr><th>Test<th class=n>compliant, no issue<th class=n>not compliant, issue"
        f"<th class=n>proposed<th class=n>cannot be tested<th class=n>authority not here</tr>{body}</table>"
    )
