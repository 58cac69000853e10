"""What the commands of surveys print: problems as lines, what became of a survey, and in its language what cannot be done."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from biodata.cli.options import say
from biodata.errors import BiodataError, InputError, shorten

if TYPE_CHECKING:
    import polars as pl

    from biodata.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
_MOST: Final = 40
_OF_A_KIND: Final = 5
_EDGES: Final = ("south", "north", "west", "east")


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
    """Return where something is."""
    named = (*parts, line("PLACE_ROW", language, row=row) if row else None, column)
    return ", ".join(str(one) for one in named if one)


def spoken(call: Callable[P, R]) -> Callable[P, R]:
    """Return a command that says in its language why it cannot be done."""

    @wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except InputError as error:
            from biodata.surveys import words

            language = words.language_of(str(kwargs.get("language") or "en")) or "en"
            if language == "en":
                raise
            raise BiodataError(_refusal(error, language)) from error

    return run


def _refusal(error: InputError, language: str) -> str:
    """Return why something cannot be done, as one line: where, what is wrong, the value, what would be right."""
    from biodata.surveys import words
    from biodata.surveys.words.sentences import retold

    problem, expected = retold(error.problem, language), error.expected and retold(error.expected, language)
    code = words.code_of(error.code)
    if problem == error.problem and error.file is not None and code is not None:  # a reader's, which knows no languages
        problem, expected = words.told(code, {}, language)
    place = _place((error.file,), error.row, error.column, language)
    value = f" [{shorten(error.value)}]" if error.value is not None else ""
    return (f"{place}: " if place else "") + problem + value + (f" → {expected}" if expected else "")


def _problem_line(problem: Mapping[str, Any], language: str, *, report: str | None) -> str:
    """Return a problem as a line: ! blocks and ? is doubtful, then place, what is wrong, value, what is right.

    A file of several, or in an archive, is named: it is not what the `report` calls the file.
    """
    file = problem["file"] if problem["file"] != report else None
    place = _place((file, problem["sheet"]), problem["row"], problem["column"], language)
    value = f" [{problem['value']}]" if problem.get("value") is not None else ""
    right = f" → {problem['expected']}" if problem.get("expected") else ""
    return f"{'!' if problem['blocking'] else '?'} {place or problem['file']}: {problem['message']}{value}{right}"


def say_problems(report: Mapping[str, Any], language: str, *, indent: str = "") -> None:
    """Print a report's problems by their groups; of many of a kind the first ones."""
    kind = ("code", "column", "blocking")
    for group in report["groups"]:
        every = [one for one in report["problems"] if all(one[name] == group[name] for name in kind)]
        for problem in every[:_OF_A_KIND]:
            say(indent + _problem_line(problem, language, report=report.get("file")))
        if len(every) > _OF_A_KIND:
            more = line("REPORT_MORE", language, count=len(every) - _OF_A_KIND)
            say(f"{indent}  {group['message']}: {more}; --out, --json")
    codes = dict.fromkeys(group["code"] for group in report["groups"] if group["proposals"])
    if codes:
        options = " ".join(f"--accept {code}" for code in codes)
        count = sum(group["proposals"] for group in report["groups"])
        say(indent + line("PROPOSALS_ACCEPT", language, count=count, codes=options))


def summary_of(report: Mapping[str, Any], language: str) -> str:
    """Return how many rows were checked, and how many problems block or not."""
    return line("REPORT_SUMMARY", language, **{name: report.get(name, 0) for name in ("rows", "blocking", "warnings")})


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


def step_line(step: Mapping[str, Any], language: str) -> str:
    """Return a step of a survey's way: when, what, as what, for which side."""
    what, who = called("STATE", step["action"], language), called("ROLE", step["role"], language)
    earlier = f" (#{step['survey']})" if "survey" in step else ""
    return f"{step['date']:%Y-%m-%d %H:%M}  {what}, {who} {step.get('country', '')}".rstrip() + earlier


def say_whole(told: dict[str, Any], language: str) -> None:
    """Print when the map shows it, what the check found, and what happened."""
    if "next" in told:
        say(f"  {told['next']}")
    for message in told.get("waits", ()):
        say(f"  {message}")
    report = told.get("report")
    if report is not None:
        say(f"  {summary_of(report, language)}")
        say_problems(report, language, indent="  ")
        if report["problems"] and "note" in report:
            say(f"  {report['note']}")
    for step in told["history"]:
        note = f": {step['note']}" if "note" in step else ""
        say(f"  {step_line(step, language)}{note}")
        for one in step.get("questions", ()):
            place = {"row": one.get("row", "-"), "column": one.get("column", "-"), "question": one["question"]}
            say(f"    {line('QUESTION_AT', language, **place)}")


def say_sides(told: Mapping[str, Any], language: str) -> None:
    """Print how each side stands, whose it is, and which of them asks."""
    yours, asking = told.get("yours", ()), told.get("asking", ())
    for side, how in (told.get("sides") or {}).items():
        whose = line("SIDE_YOURS" if side in yours else "SIDE_WITH_NODE", language, side=side)
        asks = f" {called('STATE', 'asked', language)}." if side in asking else ""
        say(f"  {whose} {called('SIDE', how, language)}.{asks}")


def say_rows(told: Mapping[str, Any], language: str) -> None:
    """Print rows as they would be published, a line each; then what their flags mean."""
    if told["table"] == "occurrences":
        for side, of in told["counts"].items():
            say(f"  {line('ROWS_COUNTS', language, side=side, **of)}")
    for row in told["results"][:_MOST]:
        say(f"  {_line_of_row(row, language) if told['table'] == 'occurrences' else _line_of_event(row, language)}")
    if told["count"] > _MOST:
        pages = f"/surveys, GET /v1/surveys/{told['submission']}/rows"
        say(f"  {line('ROWS_SHOWN', language, shown=_MOST, count=told['count'])} {pages}")
    for code, meaning in told["flags"].items():
        say(f"  {code}: {meaning}")


def say_exact(rows: "pl.DataFrame") -> None:
    """Print exact rows as CSV, for the owner of the machine."""
    lists = {name: rows[name].list.join(" ") for name in ("quality_flags", "sides")}
    say(rows.with_columns(**lists).write_csv().rstrip())


def _line_of_row(row: Mapping[str, Any], language: str) -> str:
    """Return a record as it would be published."""
    point = f"{row['decimalLatitude']}, {row['decimalLongitude']}" if "decimalLatitude" in row else "—"
    place = _cell(*(row[f"cell_{edge}"] for edge in _EDGES)) if "cell_west" in row else point
    told = [called("KIND", row["change"], language), row.get("occurrenceID"), row.get("scientificName"), row.get("individualCount"),
            row.get("eventDate") or row.get("year"), row.get("eventID"), place, ",".join(row["sides"])]  # fmt: skip
    was = "".join(f"; {name} ← {value}" for name, value in row.get("before", {}).items())
    flags = f" [{', '.join(row['quality_flags'])}]" if "quality_flags" in row else ""
    return "  ".join(str(one) for one in told if one is not None) + was + flags


def _line_of_event(row: Mapping[str, Any], language: str) -> str:
    """Return an event as it would be published."""
    from biodata.surveys.words.sentences import retold

    unit, design = retold(row.get("effort_unit", ""), language), row.get("design")
    effort = f"{row['effort_value']:g} {unit}".rstrip() if "effort_value" in row else None
    days = " – ".join(dict.fromkeys(str(row[name]) for name in ("event_start", "event_end") if name in row))
    cell = None if row["sharing_category"] == "open" else _cell(*(row.get(edge) for edge in _EDGES))
    counts = f"{line('TABLE_OCCURRENCES', language)}: {row['records']}" if "records" in row else None
    how = row.get("samplingProtocol") if design is None else retold(design, language)
    told = [row.get("eventID"), how, days or row.get("year"), effort, counts,
            row.get("locality"), cell, ",".join(row["sides"])]  # fmt: skip
    return "  ".join(str(one) for one in told if one is not None)


def _cell(south: object, north: object, west: object, east: object) -> str:
    """Return a square between two parallels and two meridians."""
    return f"□ {south}–{north}, {west}–{east}"
