"""Commands made of engines' parameter models: a field is an option, its description the help; one way to run them all."""

import inspect
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.core import TyperCommand

from biodata.cli.options import check_kinds, check_outputs, installation, read_options, say, settings_for, show_progress
from biodata.core.errors import InputError
from biodata.core.run_parameters import EngineParameters, split

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE of any parameter, the value as JSON or text; several times for several."),
]
ParametersOption = Annotated[
    Path | None, typer.Option("--parameters", help="File of parameters: TOML or JSON.", dir_okay=False)
]
SeedOption = Annotated[int, typer.Option(help="Start of every random number.", min=0)]
WorkersOption = Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)]
EstimateOption = Annotated[bool, typer.Option("--estimate", help="Only tell cells, memory and seconds.")]


class EngineCommand(TyperCommand):
    """A command of parameter models: an option that is a parameter without one of its own is answered by --set."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, or say how a parameter of that name is given."""
        known = {flag for option in self.params for flag in (*option.opts, *option.secondary_opts)}
        for flag in (arg.partition("=")[0] for arg in args):
            name = flag.removeprefix("--").replace("-", "_")
            if flag not in known and flag.startswith("--") and name in getattr(self.callback, "parameters", ()):
                ctx.fail(f"{flag} is a parameter without an option of its own: --set {name}=VALUE")
        return super().parse_args(ctx, args)


def add_engine(
    app: typer.Typer, name: str, function: Callable[..., None], *models: type[EngineParameters],
    words: str | None = None, arguments: Sequence[str] = (), options: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Add a command that has the options of parameter models, and --set and --parameters for all of them.

    Parameters
    ----------
    app : typer.Typer
    name : str
    function : callable
        It gets what was asked as its first argument, `asked`: plain values by the field's name. Its other arguments are
        options too.
    *models : types of EngineParameters
        The first that has a field describes it.
    words : str, optional
        The help; the function's docstring where none is given. Parameters without an option are stated behind it.
    arguments : sequence of str
        Fields that are stated by their place.
    options : sequence of str, optional
        Fields that get an option of their own; all where none are named.
    """
    fields = {name: field for model in reversed(models) for name, field in model.model_fields.items()}
    chosen = [*arguments, *(one for one in (fields if options is None else options) if one not in arguments)]
    own = inspect.signature(function, eval_str=True).parameters

    def command(**facts: Any) -> None:
        asked = {**read_parameters(facts.pop("parameters")), **read_set(facts.pop("set_values"))}
        given = {name: facts.pop(name) for name in chosen}
        asked |= {name: value for name, value in given.items() if value not in (None, "", [], ())}
        try:
            function(asked, **facts)
        except InputError as error:
            if error.file is not None or given.get(error.column or "") in (None, "", [], ()):
                raise
            column, value = flag_of(error.column or ""), error.value
            raise InputError(
                error.problem, column=column, value=value, expected=error.expected, code=error.code
            ) from error

    made = [
        *(_option(one, fields[one], is_argument=one in arguments) for one in chosen),
        *(_parameter(one, None, kind) for one, kind in (("set_values", SetOption), ("parameters", ParametersOption))),
        *(_parameter(one.name, one.default, one.annotation) for one in own.values() if one.name != "asked"),
    ]
    command.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined]
    command.parameters = frozenset(fields)  # type: ignore[attr-defined]
    words = words or inspect.getdoc(function) or ""
    rest = [f"{one}: {field.description}" for one, field in fields.items() if one not in chosen]
    if rest:
        words = "\n\n".join(
            [words.rstrip(), "More parameters, as --set NAME=VALUE or lines of --parameters FILE:", *rest]
        )
    app.command(name=name, help=words, cls=EngineCommand)(command)


def flag_of(name: str) -> str:
    """Return the option of a parameter."""
    return f"--{name.replace('_', '-')}"


def _parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option(name: str, field: FieldInfo, *, is_argument: bool) -> inspect.Parameter:
    """Return a field as an option of the command line, or an argument; what is not stated is left to the model."""
    (kind, *others) = [one for one in _parts(field.annotation) if one is not NoneType]
    flag = flag_of(name)
    shown = f"{field.default:g}" if type(field.default) in (int, float) else False
    if any(getattr(one, "func", None) is split for one in field.metadata):
        kind = str
    elif kind is bool:
        flag += f"/--no-{flag[2:]}" if field.default is True else ""
    elif get_origin(kind) is tuple:
        inner = get_args(kind)
        part = inner[0] if inner[0] in (str, int, float, Path) else str
        kind = list[part] if inner[-1] is ... else kind if len(inner) == 2 else str  # type: ignore[valid-type]
    elif get_origin(kind) is dict:
        kind = list[str]
    elif others or kind not in (str, int, float, Path):
        kind = str
    reported: Any = typer.Option(flag, help=field.description, show_default=shown)
    if is_argument:
        reported = typer.Argument(help=field.description, show_default=False)
    return _parameter(name, None, Annotated[kind | None, reported])


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union; a type that stands alone by itself."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in (UnionType, Union):
        return tuple(part for one in get_args(annotation) for part in _parts(one))
    return (annotation,)


def read_set(texts: list[str] | None) -> dict[str, Any]:
    """Return NAME=VALUE as parameters, each value read as JSON, else as text."""
    found: dict[str, Any] = {}
    for name, text in read_options(texts or []).items():
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def read_parameters(path: Path | None) -> dict[str, Any]:
    """Return the parameters of a file, TOML where its name ends so, else JSON.

    Raises
    ------
    InputError
        If it is neither, or holds no names with values (PARAMETERS_INVALID).
    """
    if path is None:
        return {}
    toml = path.suffix.lower() == ".toml"
    try:
        text = path.read_text(encoding="utf-8")
        facts = tomllib.loads(text) if toml else json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        problem = f"the file is no {'TOML' if toml else 'JSON'}"
        raise InputError(problem, file=path.name, code="PARAMETERS_INVALID") from error
    if not isinstance(facts, dict):
        problem = "the file holds no object of parameters"
        raise InputError(problem, file=path.name, expected='{"layer": …}', code="PARAMETERS_INVALID")
    return facts


def run_engine(
    engine: str, asked: Mapping[str, Any], *, data: Path | None, seed: int = 1, workers: int | None = None,
    estimate: bool = False, reads_installation: bool = False, kind: str = "threads", tell: Callable[[str], None] = say,
) -> None:  # fmt: skip
    """Check files, read, say an estimate, work, say what came out, keep the run where an installation is named.

    Parameters
    ----------
    engine : str
        A name of `run_engines.ENGINES`.
    asked : mapping
        By the names of the engine's parameters.
    data : Path, optional
        Installation that the run is of, and that keeps it.
    seed, workers : int
    estimate : bool
        Stop before the work.
    reads_installation : bool
        The engine reads layers and areas of the installation, so it must be there.
    kind : str
        Of executor, as `pipeline.executors` has it.
    tell : callable
        Called with each line of the answer.

    Raises
    ------
    InputError
        If something cannot be asked, or nothing takes what comes out (OPTIONS_UNFIT).
    """
    from os import cpu_count

    from biodata.pipeline.executors import executor as executor_of
    from biodata.runs.engines import work as run_engines

    found = run_engines.engine_named(engine)
    parameters = found.parameters.read(asked)
    outputs = parameters.files("output")
    if getattr(parameters, "run", None) is not None and data is None:
        problem, expected = "a run lies in an installation", "--data DIR with it"
        raise InputError(problem, column="--run", expected=expected, code="OPTIONS_UNFIT")
    if not outputs and data is None and not estimate:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in found.parameters.of_role("output"))
        problem, expected = "it is not told what to write", f"{names}, or --data DIR that keeps the run"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    kinds = {name: found.parameters.model_fields[name].json_schema_extra for name in outputs}
    files = {name: kind for name, kind in kinds.items() if isinstance(kind, dict) and not kind.get("folder")}
    check_outputs([outputs[name] for name in files], parameters.files("input").values())
    for name, extra in files.items():
        endings = extra["endings"]
        if isinstance(endings, list) and endings:
            check_kinds([outputs[name]], tuple(str(one) for one in endings))
    if reads_installation and data is not None:
        installation(data)
    threads = workers or cpu_count() or 1
    settings = settings_for(data or Path())
    with executor_of(settings, kind, workers=threads) as executor:
        work = run_engines.Work(settings, seed, executor, show_progress(), threads)
        ready = found.prepare(parameters, work)
        for note in ready.notes:
            tell(note)
        if ready.estimate is not None:
            tell(ready.estimate())
        if estimate:
            return
        outcome = ready.run()
    for line in outcome.notes:
        tell(line)
    if outputs:
        tell(f"written: {', '.join(str(path) for path in outputs.values())}")
    if data is not None:
        kept = run_engines.keep(work.settings, engine, asked, outcome, seed=seed)
        of_run = run_engines.facts_of(outcome.results).get("run")
        tell(f"kept as {kept.id}{f', and beside the results of run {of_run}' if of_run else ''}")
