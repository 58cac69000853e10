"""What the commands of surveys share: options, an opened installation, and what they print."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from biodata.cli.options import open_registry, say, settings_for
from biodata.core.errors import InputError, shorten
from biodata.core.phrases import Phrase

if TYPE_CHECKING:
    import polars as pl

    from biodata.access.roles import Principal
    from biodata.core.settings import Settings
    from biodata.store.registry import Registry


LanguageOption = Annotated[
    str, typer.Option(help="Language of the answer: en, zh, th, vi, lo, km, my, ms, id or fil.", envvar="BIODATA_LANGUAGE")
]  # fmt: skip
AcceptOption = Annotated[
    list[str] | None, typer.Option(
        "--accept", help="Proposals to take: a code, CODE=value of one cell's text, or heading.HEADING=TERM; may be repeated.")
]  # fmt: skip
LicenceOption = Annotated[
    str | None, typer.Option("--license", help="Licence of what tells none in the file: CC0 1.0, CC BY 4.0 or CC BY-NC 4.0.")
]  # fmt: skip
EncodingOption = Annotated[str | None, typer.Option(help="Of text, such as gb18030 or tis-620.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]
AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Key of the dataset.")]


class Opened(NamedTuple):
    """An installation that a command works on, and the language of its answers."""

    settings: "Settings"
    registry: "Registry"
    language: str

    def who(self, account: str) -> "Principal":
        """Return who an open account is; where none is named, or there is none of this name, it is stated in the language."""
        from biodata.access import accounts
        from biodata.surveys import words

        found = accounts.find(self.registry, account) if account else None
        if found is None:
            problem, expected = words.message_of("ACCOUNT_UNKNOWN" if account else "ACCOUNT_NEEDED", {}, self.language)
            value = account or None
            raise InputError(problem, column="--account", value=value, expected=expected, code="ACCOUNT_MISSING")
        return found

    def look(self, who: "Principal | None", number: int) -> dict[str, Any]:
        """Return a survey as somebody sees it."""
        from biodata.surveys import review

        return review.look(self.registry, who, number, language=self.language)

    def version(self, who: "Principal", number: int) -> int:
        """Return the version of a survey that somebody decides about, as it stands now."""
        return int(self.look(who, number)["version"])

    def say_state(self, who: "Principal", number: int) -> None:
        """Print how a survey stands."""
        say(state_line(number, self.look(who, number)["stage"], self.language))


@contextmanager
def opened(settings: "Settings", language: str) -> "Iterator[Opened]":
    """Open the registry of an installation for a command that answers in a language."""
    language = language_of_tag(language)
    with open_registry(settings) as registry:
        yield Opened(settings, registry, language)


def language_of_tag(text: str) -> str:
    """Return the language of a tag such as `lo` or `zh-TW`; one that is none of the ten is refused."""
    from biodata.surveys import words

    language = words.language_of(text)
    if language is None:
        problem, expected = "there are no words in this language", Phrase("one of {a}", a=", ".join(words.LANGUAGES))
        raise InputError(problem, column="--language", value=text, expected=expected, code="LANGUAGE_UNKNOWN")
    return language


def known_of(data: Path, dataset: str | None) -> dict[str, Any]:
    """Return what a check of a dataset's file knows, as `surveys.check_files` takes it: nothing before there is an installation."""
    from biodata.store.lake import Lake
    from biodata.surveys.accepting import known_of as known_of_dataset
    from biodata.surveys.notices import rules_and_taxa

    settings, known = settings_for(data), dict[str, Any](accepted=[])
    if dataset is not None and data.is_dir():
        with open_registry(settings) as registry:
            known |= known_of_dataset(registry, dataset)
    if (data / "lake").is_dir():
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            known["rules"], known["known"] = rules_and_taxa(settings, lake)
    return known


def no_folders(files: Sequence[Path], language: str) -> None:
    """See that no file is a folder, such as a package that was unzipped."""
    from biodata.surveys import words

    for file in filter(Path.is_dir, files):
        problem, expected = words.message_of("FOLDER_NOT_ZIPPED", {}, language)
        raise InputError(problem, file=str(file), expected=expected, code="INPUT_FORMAT")


_MOST: Final = 40
_OF_A_KIND: Final = 5
_APART: Final = ("change", "before", "sides", "species", "quality_flags")  # what of a row is said otherwise


def line(code: str, language: str, **params: Any) -> str:
    """Return a line of an answer."""
    from biodata.surveys import words  # loaded where something is printed: it takes a while

    return words.message_of(code, params, language)[0]


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

    problem, expected = words.stated(error.problem, language), error.expected and words.stated(error.expected, language)
    code = words.code_of(error.code)
    if problem == error.problem and error.file is not None and code is not None:  # a reader's, which knows no languages
        problem, expected = words.message_of(code, {}, language)
    place = _place((error.file,), error.row, error.column, language)
    return (f"{place}: " if place else "") + _fault(problem, error.value and shorten(error.value), expected)


def _fault(problem: str, value: Any, expected: str | None) -> str:
    return problem + (f" [{value}]" if value is not None else "") + (f" → {expected}" if expected else "")


def _problem_line(problem: Mapping[str, Any], language: str, *, report: str | None) -> str:
    """Return a problem as a line: ! blocks, ? is doubtful, i is settled; a file of several is named, which the report's own is not."""
    from biodata.surveys.problems import rank

    file = problem["file"] if problem["file"] != report else None
    place = _place((file, problem["sheet"]), problem["row"], problem["column"], language)
    fault = _fault(problem["message"], problem.get("value"), problem.get("expected"))
    return f"{'!?i'[rank(problem)]} {place or problem['file']}: {fault}"


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


def with_values(settings: "Settings", facts: dict[str, Any], language: str) -> dict[str, Any]:
    """Return a submission with the values of its file, which only this machine's owner sees."""
    from biodata.store.private_reports import read_report
    from biodata.surveys import problems

    report, difference = (read_report(settings.data, f"{kind}-{facts['id']}") for kind in ("submission", "difference"))
    if report is not None and facts.get("report") is not None:
        facts["report"] = problems.whole(report, language)
    if difference is not None and facts.get("difference") is not None:
        facts["difference"] = facts["difference"] | difference
    return facts


def say_survey(facts: dict[str, Any], language: str, *, rows: bool = True) -> None:
    """Print how each side stands, what would change, when the map shows it, what the check found, and what happened."""
    yours, asking = facts.get("yours", ()), facts.get("asking", ())
    for side, how in (facts.get("sides") or {}).items():
        whose = line("SIDE_YOURS" if side in yours else "SIDE_WITH_NODE", language, side=side)
        asks = f" {called('STATE', 'asked', language)}." if side in asking else ""
        say(f"  {whose} {called('SIDE', how, language)}.{asks}")
    if facts.get("difference") is not None:
        say_difference(facts["difference"], language, rows=rows)
    say_next(facts)
    for message in facts.get("waits", ()):
        say(f"  {message}")
    if (report := facts.get("report")) is not None:
        say(f"  {summary_of(report, language)}")
        say_problems(report, language, indent="  ")
        if report["problems"] and "note" in report:
            say(f"  {report['note']}")
    for step in facts["history"]:
        say(f"  {step_line(step, language)}" + (f": {step['note']}" if "note" in step else ""))


def say_next(facts: Mapping[str, Any]) -> None:
    """Print what happens to a survey next."""
    if "next" in facts:
        say(f"  {facts['next']}")
    if facts.get("stage") == "draft":
        say(f"  biodata survey submit --number {facts['id']}")


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


def say_difference(facts: Mapping[str, Any], language: str, *, rows: bool = True) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    for note in facts.get("notes", ()):
        say(f"! {note['message']}")
    tables = {name: facts[name] for name in ("events", "occurrences")}
    for text in changes_of({name: one["counts"] for name, one in tables.items()}, language):
        say(text)
    for one in tables.values() if rows else ():
        if one["new"] and any(one["counts"][kind] for kind in ("changed", "gone", "unchanged")):
            new = sorted(row["row"] for row in one["new"] if row["row"] is not None)
            more = [f"… + {len(new) - _MOST}"] if len(new) > _MOST else []
            say(f"  {line('DIFFERENCE_NEW_ROWS', language, rows=', '.join([*map(str, new[:_MOST]), *more]))}")
        _say_lines([_changed_line(cell, language) for cell in one["changed"]])
        _say_lines([line("DIFFERENCE_GONE_ROW", language, name=_gone(row, language)) for row in one["gone"]])


def changes_of(tables: Mapping[str, Mapping[str, int]], language: str) -> list[str]:
    """Return how many rows of each table are new, changed, …, in words."""
    counted = {name: kinds for name, kinds in tables.items() if any(kinds.values())}
    texts = [", ".join(f"{called('KIND', kind, language)} {n}" for kind, n in of.items()) for of in counted.values()]
    return [f"{line(f'TABLE_{name.upper()}', language)}: {text}" for name, text in zip(counted, texts, strict=True)]


def _say_lines(lines: Sequence[str]) -> None:
    for text in lines[:_MOST]:
        say(f"  {text}")
    if len(lines) > _MOST:
        say(f"  … + {len(lines) - _MOST}: biodata survey diff --json")


def _changed_line(cell: Mapping[str, Any], language: str) -> str:
    place, empty = {name: cell[name] for name in ("row", "column")}, line("DIFFERENCE_EMPTY", language)
    if "identifier" not in cell:
        return line("DIFFERENCE_CELL_KEPT_BACK", language, **place)
    values = {name: cell.get(name) or empty for name in ("before", "after")}
    return line("DIFFERENCE_CELL", language, **place, **values)


def _gone(row: Mapping[str, Any], language: str) -> str:
    place = _place((row.get("was_sheet"),), row.get("was_row"), None, language)
    return " ".join(one for one in (row.get("identifier"), f"({place})" if place else None) if one)


def say_rows(facts: Mapping[str, Any], language: str) -> None:
    """Print rows as they would be published, a line each; then what their flags mean."""
    if records := facts["table"] == "occurrences":
        for side, of in facts["counts"].items():
            say(f"  {line('ROWS_COUNTS', language, side=side, **of)}")
    for row in facts["results"][:_MOST]:
        change = [called("KIND", row["change"], language)] if records else []
        was = "".join(f"; {name} ← {value}" for name, value in row.get("before", {}).items())
        flags = f" [{', '.join(row['quality_flags'])}]" if row.get("quality_flags") else ""
        say("  " + "  ".join([*change, *_cells(row, language), ",".join(row["sides"])]) + was + flags)
    if facts["count"] > _MOST:
        pages = f"/surveys, GET /v1/surveys/{facts['submission']}/rows"
        say(f"  {line('ROWS_SHOWN', language, shown=_MOST, count=facts['count'])} {pages}")
    for code, meaning in facts["flags"].items():
        say(f"  {code}: {meaning}")


def say_exact(rows: "pl.DataFrame") -> None:
    """Print exact rows as CSV, for the owner of the machine."""
    lists = {name: rows[name].list.join(" ") for name in ("quality_flags", "sides")}
    say(rows.with_columns(**lists).write_csv().rstrip())


def _cells(row: Mapping[str, Any], language: str) -> list[str]:
    from biodata.surveys.words import stated

    labels, cell = {"records": line("TABLE_OCCURRENCES", language)}, "cell_" if "cell_west" in row else ""
    south, north, west, east = (row.get(f"{cell}{edge}") for edge in ("south", "north", "west", "east"))
    shown = (name for name in row if name not in _APART and not name.endswith(("south", "north", "west", "east")))
    cells = [f"{labels.get(name, name)} {stated(str(row[name]), language)}" for name in shown]
    return cells + ([f"□ {south}–{north}, {west}–{east}"] if west is not None else [])
