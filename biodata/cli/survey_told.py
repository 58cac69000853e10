"""What the commands of surveys print: problems as lines, differences, and what became of a survey."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from biodata.cli.options import say

if TYPE_CHECKING:
    from biodata.settings import Settings

_MOST: Final = 40


def line_of(problem: Mapping[str, Any], language: str, *, report: str | None) -> str:
    """Return a problem as a line: ! blocks and ? is doubtful, then place, what is wrong, value, what is right.

    Parameters
    ----------
    problem : mapping
        Of a report.
    language : str
        Of the words.
    report : str or None
        What the report calls the file: a file of several, or in an archive, is named with each problem.
    """
    from biodata.surveys import words

    row = words.told("PLACE_ROW", {"row": problem["row"]}, language)[0] if problem["row"] else None
    file = problem["file"] if problem["file"] != report else None
    place = ", ".join(str(part) for part in (file, problem["sheet"], row, problem["column"]) if part)
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
    from biodata.surveys import telling

    for note in telling.notes(told, language):
        say(f"! {note['message']}")
    whole = told["whole"]
    for table in ("events", "occurrences"):
        counts = told[table]["counts"]
        if any(counts.values()):
            say(f"{table}: " + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
        for one in told[table]["changed"][:_MOST]:
            before, after = one.get("before"), one.get("after")
            said = f": {before or 'empty'} -> {after or 'empty'}" if "identifier" in one else ""
            say(f"  row {one['row']}, {one['column']}{said}")
        for one in told[table]["renamed"][:_MOST] if told[table]["renamed"] else ():
            if "before" in one and one["before"] != one["identifier"]:
                say(f"  row {one['row']}: {one['before']} is called {one['identifier']}")
        if counts["gone"] and not whole:
            say(f"  {counts['gone']} are not in the file and stay; with --complete they go")


def say_whole(told: dict[str, Any], language: str) -> None:
    """Print when the map shows it, what the check found, and what happened."""
    if "on_map" in told:
        say(f"  {told['on_map']['message']}")
    report = told.get("report")
    if report is not None:
        say(f"  {summary_of(report, language)}")
        for problem in report["problems"][:_MOST]:
            say(f"  {line_of(problem, language, report=report.get('file'))}")
        if len(report["problems"]) > _MOST:
            say(f"  … {len(report['problems']) - _MOST}; --json tells all")
        if report["problems"] and "note" in report:
            say(f"  {report['note']}")
    for step in told["history"]:
        note = f": {step['note']}" if "note" in step else ""
        say(
            f"  {step['date']:%Y-%m-%d %H:%M}  {step['action']}, {step['role']} {step.get('country', '')}".rstrip()
            + note
        )
        for one in step.get("questions", ()):
            say(f"    row {one.get('row', '-')}, {one.get('column', '-')}: {one['question']}")
