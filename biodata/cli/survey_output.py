"""What the commands of surveys print: problems, differences and rows as lines, and what became of a survey."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from biodata.cli.options import say
from biodata.errors import InputError, shorten

if TYPE_CHECKING:
    import polars as pl

    from biodata.settings import Settings

_MOST: Final = 40
_OF_A_KIND: Final = 5


def line(code: str, language: str, **params: Any) -> str:
    """Return a line of an answer."""
    from biodata.surveys import words  # loaded where something is printed: it takes a while

    return words.told(code, params, language)[0]


def called(kind: str, name: str, language: str) -> str:
    """Return what one of our own names is called, such as the `STATE` `published`."""
    from biodata.surveys import words

    return words.called(kind, name, language)


def state_line(number: int, state: str, language: str) -> str:
    """Return how a survey stands."""
    return line("SURVEY_STATE", language, number=number, state=called("STATE", state, language))


def _place(parts: tuple[Any, ...], row: int | None, column: str | None, language: str) -> str:
    named = (*parts, line("PLACE_ROW", language, row=row) if row else None, column)
    return ", ".join(str(one) for one in named if one)


def refusal(error: InputError, language: str) -> str:
    """Return why something cannot be done, as one line: where, what is wrong, the value, what would be right."""
    from biodata.surveys import words
    from biodata.surveys.words.sentences import retold

    problem, expected = retold(error.problem, language), error.expected and retold(error.expected, language)
    code = words.code_of(error.code)
    if problem == error.problem and error.file is not None and code is not None:  # a reader's, which knows no languages
        problem, expected = words.told(code, {}, language)
    place = _place((error.file,), error.row, error.column, language)
    return (f"{place}: " if place else "") + _fault(problem, error.value and shorten(error.value), expected)


def _fault(problem: str, value: Any, expected: str | None) -> str:
    return problem + (f" [{value}]" if value is not None else "") + (f" → {expected}" if expected else "")


def _problem_line(problem: Mapping[str, Any], language: str, *, report: str | None) -> str:
    """Return a problem as a line: ! blocks and ? is doubtful; a file of several is named, which the report's own is not."""
    file = problem["file"] if problem["file"] != report else None
    place = _place((file, problem["sheet"]), problem["row"], problem["column"], language)
    fault = _fault(problem["message"], problem.get("value"), problem.get("expected"))
    return f"{'!' if problem['blocking'] else '?'} {place or problem['file']}: {fault}"


def say_problems(report: Mapping[str, Any], language: str, *, indent: str = "") -> None:
    """Print a report's problems by their groups; of many of a kind the first ones."""
    for group in report["groups"]:
        kind = {name: group[name] for name in ("code", "column", "blocking")}
        every = [one for one in report["problems"] if kind.items() <= one.items()]
        for problem in every[:_OF_A_KIND]:
            say(indent + _problem_line(problem, language, report=report.get("file")))
        if len(every) > _OF_A_KIND:
            more = line("REPORT_MORE", language, count=len(every) - _OF_A_KIND)
            say(f"{indent}  {group['message']}: {more}; --out, --json")
    if codes := dict.fromkeys(group["code"] for group in report["groups"] if group["proposals"]):
        options = " ".join(f"--accept {code}" for code in codes)
        count = sum(group["proposals"] for group in report["groups"])
        say(indent + line("PROPOSALS_ACCEPT", language, count=count, codes=options))


def summary_of(report: Mapping[str, Any], language: str) -> str:
    """Return how many rows were checked, and how many problems block or not."""
    return line("REPORT_SUMMARY", language, **{name: report.get(name, 0) for name in ("rows", "blocking", "warnings")})


def with_values(settings: "Settings", told: dict[str, Any], language: str) -> dict[str, Any]:
    """Return a submission with the values of its file, which only this machine's owner sees."""
    from biodata.store.private_reports import read_report
    from biodata.surveys import problems

    report, difference = (read_report(settings.data, f"{kind}-{told['id']}") for kind in ("submission", "difference"))
    if report is not None and told.get("report") is not None:
        told["report"] = problems.whole(report, language)
    if difference is not None and told.get("difference") is not None:
        told["difference"] = told["difference"] | difference
    return told


def say_survey(told: dict[str, Any], language: str, *, rows: bool = True) -> None:
    """Print how each side stands, what would change, when the map shows it, what the check found, and what happened."""
    yours, asking = told.get("yours", ()), told.get("asking", ())
    for side, how in (told.get("sides") or {}).items():
        whose = line("SIDE_YOURS" if side in yours else "SIDE_WITH_NODE", language, side=side)
        asks = f" {called('STATE', 'asked', language)}." if side in asking else ""
        say(f"  {whose} {called('SIDE', how, language)}.{asks}")
    if told.get("difference") is not None:
        say_difference(told["difference"], language, rows=rows)
    say_next(told)
    for message in told.get("waits", ()):
        say(f"  {message}")
    if (report := told.get("report")) is not None:
        say(f"  {summary_of(report, language)}")
        say_problems(report, language, indent="  ")
        if report["problems"] and "note" in report:
            say(f"  {report['note']}")
    for step in told["history"]:
        say(f"  {step_line(step, language)}" + (f": {step['note']}" if "note" in step else ""))
        for one in step.get("questions", ()):
            place = {name: one.get(name, "-") for name in ("row", "column", "question")}
            say(f"    {line('QUESTION_AT', language, **place)}")


def say_next(told: Mapping[str, Any]) -> None:
    """Print what happens to a survey next."""
    if "next" in told:
        say(f"  {told['next']}")


def status_line(one: Mapping[str, Any], language: str) -> str:
    """Return how a survey stands, with its dataset, its file and each side."""
    sides = ", ".join(f"{side} {called('SIDE', how, language)}" for side, how in one.get("sides", {}).items())
    version = f", {line('VERSION_OF', language, version=one['part_version'])}" if "part_version" in one else ""
    waits = f"  <- {line('WAITING_FOR_YOU', language)}" if one["waits_for_you"] else ""
    state = called("STATE", one["stage"], language)
    return f"{one['id']}  {state}  {one['dataset']}: {one['part']}{version}  {sides}".rstrip() + waits


def step_line(step: Mapping[str, Any], language: str) -> str:
    """Return a step of a survey's way: when, what, as what, for which side."""
    what, who = called("STATE", step["action"], language), called("ROLE", step["role"], language)
    earlier = f" (#{step['survey']})" if "survey" in step else ""
    return f"{step['date']:%Y-%m-%d %H:%M}  {what}, {who} {step.get('country', '')}".rstrip() + earlier


def say_difference(told: Mapping[str, Any], language: str, *, rows: bool = True) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    for note in told.get("notes", ()):
        say(f"! {note['message']}")
    tables = [(name, told[name]) for name in ("events", "occurrences")]
    for name, one in tables:
        if any(one["counts"].values()):
            say(f"{line(f'TABLE_{name.upper()}', language)}: {', '.join(counts_of(one['counts'], language))}")
    for _, one in tables if rows else ():
        if one["new"] and any(one["counts"][kind] for kind in ("changed", "gone", "unchanged")):
            new = sorted(row["row"] for row in one["new"] if row["row"] is not None)
            more = [f"… + {len(new) - _MOST}"] if len(new) > _MOST else []
            say(f"  {line('DIFFERENCE_NEW_ROWS', language, rows=', '.join([*map(str, new[:_MOST]), *more]))}")
        _say_lines([_changed_line(cell, language) for cell in one["changed"]])
        _say_lines([line("DIFFERENCE_GONE_ROW", language, name=_gone(row, language)) for row in one["gone"]])


def counts_of(counts: Mapping[str, int], language: str) -> list[str]:
    """Return how many rows are new, changed, …, in words."""
    return [f"{called('KIND', kind, language)} {count}" for kind, count in counts.items()]


def _say_lines(lines: Sequence[str]) -> None:
    for text in lines[:_MOST]:
        say(f"  {text}")
    if len(lines) > _MOST:
        say(f"  … + {len(lines) - _MOST}: biodata survey diff --out FILE")


def _changed_line(cell: Mapping[str, Any], language: str) -> str:
    place, empty = {name: cell[name] for name in ("row", "column")}, line("DIFFERENCE_EMPTY", language)
    if "identifier" not in cell:
        return line("DIFFERENCE_CELL_KEPT_BACK", language, **place)
    values = {name: cell.get(name) or empty for name in ("before", "after")}
    return line("DIFFERENCE_CELL", language, **place, **values)


def _gone(row: Mapping[str, Any], language: str) -> str:
    """Return what a row was called that goes, and where it stood: sheet, row."""
    place = _place((row.get("was_sheet"),), row.get("was_row"), None, language)
    return " ".join(one for one in (row.get("identifier"), f"({place})" if place else None) if one)


def say_rows(told: Mapping[str, Any], language: str) -> None:
    """Print rows as they would be published, a line each; then what their flags mean."""
    if records := told["table"] == "occurrences":
        for side, of in told["counts"].items():
            say(f"  {line('ROWS_COUNTS', language, side=side, **of)}")
    for row in told["results"][:_MOST]:
        cells = _cells_of_row(row, language) if records else _cells_of_event(row, language)
        was = "".join(f"; {name} ← {value}" for name, value in row.get("before", {}).items())
        flags = f" [{', '.join(row['quality_flags'])}]" if row.get("quality_flags") else ""
        say("  " + "  ".join(str(one) for one in (*cells, ",".join(row["sides"])) if one is not None) + was + flags)
    if told["count"] > _MOST:
        pages = f"/surveys, GET /v1/surveys/{told['submission']}/rows"
        say(f"  {line('ROWS_SHOWN', language, shown=_MOST, count=told['count'])} {pages}")
    for code, meaning in told["flags"].items():
        say(f"  {code}: {meaning}")


def say_exact(rows: "pl.DataFrame") -> None:
    """Print exact rows as CSV, for the owner of the machine."""
    lists = {name: rows[name].list.join(" ") for name in ("quality_flags", "sides")}
    say(rows.with_columns(**lists).write_csv().rstrip())


def _cells_of_row(row: Mapping[str, Any], language: str) -> tuple[Any, ...]:
    point = f"{row['decimalLatitude']}, {row['decimalLongitude']}" if "decimalLatitude" in row else "—"
    place = _square(row, "cell_") if "cell_west" in row else point
    first = (row.get(name) for name in ("occurrenceID", "scientificName", "individualCount"))
    when = row.get("eventDate") or row.get("year")
    return called("KIND", row["change"], language), *first, when, row.get("eventID"), place


def _cells_of_event(row: Mapping[str, Any], language: str) -> tuple[Any, ...]:
    from biodata.surveys.words.sentences import retold

    unit, how = retold(row.get("effort_unit", ""), language), retold(row.get("design") or "", language)
    effort = f"{row['effort_value']:g} {unit}".rstrip() if "effort_value" in row else None
    days = " – ".join(dict.fromkeys(str(row[name]) for name in ("event_start", "event_end") if name in row))
    cell = None if row["sharing_category"] == "open" else _square(row)
    counts = f"{line('TABLE_OCCURRENCES', language)}: {row['records']}" if "records" in row else None
    when = days or row.get("year")
    return row.get("eventID"), how or row.get("samplingProtocol"), when, effort, counts, row.get("locality"), cell


def _square(row: Mapping[str, Any], prefix: str = "") -> str:
    south, north, west, east = (row.get(f"{prefix}{edge}") for edge in ("south", "north", "west", "east"))
    return f"□ {south}–{north}, {west}–{east}"
