"""What the commands of surveys print: problems as lines, differences, and what became of a survey."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from biodata.cli.options import say

if TYPE_CHECKING:
    from biodata.settings import Settings

_MOST: Final = 40


def line_of(problem: Mapping[str, Any], language: str) -> str:
    """Return a problem of a report as a line: ! blocks and ? is doubtful, then place, what is wrong, value, what is right."""
    from biodata.surveys import words

    row = words.told("PLACE_ROW", {"row": problem["row"]}, language)[0] if problem["row"] else None
    place = ", ".join(str(part) for part in (problem["sheet"], row, problem["column"]) if part)
    value = f" [{problem['value']}]" if problem.get("value") is not None else ""
    right = f" → {problem['expected']}" if problem.get("expected") else ""
    return f"{'!' if problem['blocking'] else '?'} {place or problem['file']}: {problem['message']}{value}{right}"


def summary_of(report: Mapping[str, Any], language: str) -> str:
    """Return how many rows were checked, and how many problems block or not."""
    from biodata.surveys import words

    told = {name: str(report.get(name, 0)) for name in ("rows", "blocking", "warnings")}
    return words.told("REPORT_SUMMARY", told, language)[0]


def with_values(settings: "Settings", told: dict[str, Any], language: str) -> dict[str, Any]:
    """Return a submission with the values of its file, which only this machine's owner sees."""
    from biodata.store.private_reports import read_report
    from biodata.surveys import kept_reports

    number = told["id"]
    report = read_report(settings.data, f"submission-{number}")
    difference = read_report(settings.data, f"difference-{number}")
    if report is not None and told.get("report") is not None:
        told["report"] = kept_reports.whole(report, language)
    if difference is not None and told.get("difference") is not None:
        told["difference"] = told["difference"] | difference
    return told


def say_difference(told: dict[str, Any], language: str) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    from biodata.surveys import telling, words

    def line(code: str, **params: Any) -> str:
        return words.told(code, params, language)[0]

    empty = line("DIFFERENCE_EMPTY")
    for note in telling.notes(told, language):
        say(f"! {note['message']}")
    for table in ("events", "occurrences"):
        counts = told[table]["counts"]
        if any(counts.values()):
            say(f"{line(f'TABLE_{table.upper()}')}: {', '.join(counts_of(counts, language))}")
        for one in told[table]["changed"][:_MOST]:
            place = {"row": one["row"], "column": one["column"]}
            if "identifier" not in one:
                say(f"  {line('DIFFERENCE_CELL_KEPT_BACK', **place)}")
                continue
            cells = {name: one.get(name) or empty for name in ("before", "after")}
            say(f"  {line('DIFFERENCE_CELL', **place, **cells)}")
        for one in told[table]["renamed"][:_MOST] if told[table]["renamed"] else ():
            if "before" in one and one["before"] != one["identifier"]:
                say(f"  {line('DIFFERENCE_RENAMED', row=one['row'], before=one['before'], after=one['identifier'])}")
        if counts["gone"] and not told["whole"]:
            say(f"  {line('DIFFERENCE_GONE_STAY', count=counts['gone'])}")


def counts_of(counts: Mapping[str, int], language: str) -> list[str]:
    """Return how many rows are new, changed, …, in words."""
    from biodata.surveys import words

    return [f"{words.called('KIND', kind, language)} {count}" for kind, count in counts.items()]


def step_line(step: Mapping[str, Any], language: str) -> str:
    """Return a step of a survey's way: when, what, as what, for which side."""
    from biodata.surveys import words

    what, who = words.called("STATE", step["action"], language), words.called("ROLE", step["role"], language)
    return f"{step['date']:%Y-%m-%d %H:%M}  {what}, {who} {step.get('country', '')}".rstrip()


def say_whole(told: dict[str, Any], language: str) -> None:
    """Print when the map shows it, what the check found, and what happened."""
    from biodata.surveys import words

    if "on_map" in told:
        say(f"  {told['on_map']['message']}")
    report = told.get("report")
    if report is not None:
        say(f"  {summary_of(report, language)}")
        for problem in report["problems"][:_MOST]:
            say(f"  {line_of(problem, language)}")
        if len(report["problems"]) > _MOST:
            say(f"  {words.told('REPORT_MORE', {'count': len(report['problems']) - _MOST}, language)[0]}; --json")
        if report["problems"] and "note" in report:
            say(f"  {report['note']}")
    for step in told["history"]:
        note = f": {step['note']}" if "note" in step else ""
        say(f"  {step_line(step, language)}{note}")
        for one in step.get("questions", ()):
            place = {"row": one.get("row", "-"), "column": one.get("column", "-"), "question": one["question"]}
            say(f"    {words.told('QUESTION_AT', place, language)[0]}")
