"""What the commands of surveys print: problems as lines, differences, and what became of a survey."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from biodata.cli.options import say

if TYPE_CHECKING:
    from biodata.settings import Settings

_MOST: Final = 40
_HOW: Final = {
    "changed": ", with other details",
    "fewer": ", cell for cell; several are alike",
    "shifted": "; it has the identifier of another",
}


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


def say_notes(told: dict[str, Any], language: str) -> None:
    """Print what has to be known of a difference, and its counts."""
    _say_notes(told, language)
    for table in ("events", "occurrences"):
        _say_counts(told, table)


def say_difference(told: dict[str, Any], language: str) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    _say_notes(told, language)
    for table in ("events", "occurrences"):
        _say_counts(told, table)
        one = told[table]
        if one["new"] and any(one["counts"][kind] for kind in ("changed", "renamed", "gone", "unchanged")):
            _say_lines([f"rows {_spans([row['row'] for row in one['new']])} are new"])
        _say_lines([_changed_line(cell) for cell in one["changed"]])
        _say_lines([_renamed_line(row) for row in one["renamed"]])
        _say_lines([_gone_line(row, stays=not told["whole"]) for row in one["gone"]])
        likely = () if _answered(told) else one.get("likely", ())
        _say_lines([f"row {row['row']}: may be {row.get('was') or 'row ' + str(row['was_row']) + ' of before'}, "
                    f"which is not in the file{_HOW[row['how']]}" for row in likely])  # fmt: skip
        if one["counts"]["gone"] and not told["whole"]:
            say(f"  {one['counts']['gone']} are not in the file and stay; with --complete they go")


def _say_notes(told: Mapping[str, Any], language: str) -> None:
    """Print what has to be known of a difference: of a submission's as it is told with it."""
    from biodata.surveys import telling

    for note in told["notes"] if "notes" in told else telling.notes(told, language):
        say(f"! {note['message']}")


def _answered(told: Mapping[str, Any]) -> bool:
    """Tell whether a sender has said what rows under another identifier are."""
    return (told.get("renamed") or {}).get("answer") is not None


def _say_counts(told: Mapping[str, Any], table: str) -> None:
    """Print how many rows of a table are of each kind; what an upload that adds does not hold is not gone."""
    counts = told[table]["counts"]
    if not any(counts.values()):
        return
    words = {kind: kind for kind in counts} | ({} if told["whole"] else {"gone": "not in the file"})
    say(f"{table}: " + ", ".join(f"{count} {words[kind]}" for kind, count in counts.items()))


def _say_lines(lines: list[str]) -> None:
    """Print lines, and how many more there are."""
    for line in lines[:_MOST]:
        say(f"  {line}")
    if len(lines) > _MOST:
        say(f"  … {len(lines) - _MOST} more of these; biodata survey diff --out FILE writes all")


def _changed_line(cell: Mapping[str, Any]) -> str:
    """Return what is told of a changed cell."""
    said = f": {cell.get('before') or 'empty'} -> {cell.get('after') or 'empty'}" if "identifier" in cell else ""
    return f"row {cell['row']}, {cell['column']}{said}"


def _renamed_line(row: Mapping[str, Any]) -> str:
    """Return what is told of a row of which an identifier is another, its own or that of its event."""
    if "before" not in row:  # without values
        return f"row {row['row']}: renamed ({row.get('renamed') or 'own'})"
    said = []
    if row["before"] != row["identifier"]:
        said.append(f"{row['before']} is called {row['identifier']}")
    if row.get("event") != row.get("event_before"):
        name = "" if said else f"{row['identifier']}, "
        said.append(f"{name}its event {row.get('event_before') or 'empty'} is called {row.get('event') or 'empty'}")
    return f"row {row['row']}: {', '.join(said)}"


def _gone_line(row: Mapping[str, Any], *, stays: bool) -> str:
    """Return what is told of a row that is not in the file."""
    name = row.get("before") or f"row {row.get('was_row') or '-'} of an earlier file"
    return f"{name} is not in the file and stays" if stays else f"{name} is gone"


def _spans(rows: list[int]) -> str:
    """Return numbers of rows, those that follow each other as one span.

    Examples
    --------
    >>> _spans([2, 3, 4, 7])
    '2-4, 7'
    """
    spans: list[list[int]] = []
    for row in sorted(row for row in rows if row is not None):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in spans]
    return ", ".join(told[:_MOST]) + (f", … {len(told) - _MOST} more" if len(told) > _MOST else "")


def say_whole(told: dict[str, Any], language: str) -> None:
    """Print when the map shows it, what the check found, and what happened."""
    if "on_map" in told:
        say(f"  {told['on_map']['message']}")
    report = told.get("report")
    if report is not None:
        say(f"  {summary_of(report, language)}")
        for problem in report["problems"][:_MOST]:
            say(f"  {line_of(problem, language)}")
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
