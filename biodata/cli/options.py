"""Options and words that several commands share."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from biodata.core import run_parameters
from biodata.core.errors import InputError, NoReleaseError
from biodata.core.run_parameters import GEOTIFF
from biodata.core.settings import Settings

if TYPE_CHECKING:
    from biodata.places import BoundarySet
    from biodata.store.registry import Registry
    from biodata.store.releases import Release

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of the installation.", envvar="BIODATA_DATA", file_okay=False)
]

DEFAULT_DATA = Path("biodata_data")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

BoxOption = Annotated[str | None, typer.Option(help="Only inside west,south,east,north in degrees.")]
ChosenCountries = Annotated[list[str] | None, typer.Option("--country", help="Only this country (ISO 3166-1 alpha-2).")]
ChosenSpecies = Annotated[list[str] | None, typer.Option("--species", help="Only this accepted species.")]
OneOfEach = Annotated[bool, typer.Option("--cluster-representative", help="Only one record of each cluster.")]

KeepOption = Annotated[
    Path | None,
    typer.Option("--data", help="Installation that keeps the run, or whose run --run names.", file_okay=False),
]


def add_group(app: typer.Typer, name: str, words: str, *commands: Callable[..., None]) -> None:
    """Add a group of commands to the application; each is called by the first word of its function's name."""
    group = typer.Typer(help=words, no_args_is_help=True)
    for command in commands:
        group.command(name=command.__name__.split("_")[0])(command)
    app.add_typer(group, name=name)


def settings_for(data: Path) -> Settings:
    """Return the installation's settings: the environment's, with this data folder.

    Raises
    ------
    InputError
        If a variable of the environment cannot be used; its value, which may be a secret, is not stated.
    """
    try:
        return Settings(data=data)
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"BIODATA_{'.'.join(map(str, first['loc'])).upper()}"
        problem = f"this setting cannot be used: {first['msg']}"
        raise InputError(problem, column=variable, expected="what biodata/core/settings.py says of it") from None


def boundaries_for(data: Path | None = None) -> "BoundarySet":
    """Return the boundary set that the environment names (`BIODATA_BOUNDARIES`), the same as an installation reads."""
    from biodata.places import load_boundaries

    return load_boundaries(settings_for(data or Path()).boundaries)


def say_boundaries(boundaries: "BoundarySet") -> None:
    """Say which boundary set an answer was made with."""
    say(f"boundary set {boundaries.name} ({boundaries.version}), band {boundaries.band_m:g} m")


def installation(data: Path) -> Settings:
    """Return the settings of an installation that is there, for commands that only read one.

    Raises
    ------
    InputError
        As `settings_for`; or if the folder holds none (INSTALLATION_MISSING): a name that is mistyped makes none.
    """
    from biodata.store.folders import REGISTRY

    if not (data / "lake").is_dir() and not (data / REGISTRY).is_file():
        problem = "there is no installation in this folder"
        expected = "a folder that `biodata ingest`, `biodata account new` or `biodata demo` made"
        raise InputError(problem, column="--data", value=str(data), expected=expected, code="INSTALLATION_MISSING")
    return settings_for(data)


def open_registry(settings: Settings) -> "Registry":
    """Return the opened registry of an installation, for a `with` block; the database's library is loaded by the way."""
    from biodata.store.registry import Registry

    return Registry.open(settings)


def show_progress() -> bool:
    """Return whether somebody watches: progress bars are for terminals."""
    return sys.stderr.isatty()


@contextmanager
def stages() -> Iterator[None]:
    """Write what long work logs of its stages to stderr, a line each; a bar that is shown stays below them."""
    from tqdm.auto import tqdm

    class Lines(logging.Handler):
        """Writes the time and the message."""

        def emit(self, record: logging.LogRecord) -> None:
            """Write a line."""
            tqdm.write(self.format(record), file=sys.stderr)

    handler, logger = Lines(logging.INFO), logging.getLogger("biodata")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def say(text: str) -> None:
    """Print a line of the answer."""
    typer.echo(text)


def say_held_runs(settings: Settings) -> None:
    """Say which results are held back and how they are made again, and ask the worker for it."""
    from biodata.runs import standing

    held = standing.held_runs(settings)
    for one in held:
        for line in one.lines():
            say(line)
    if queued := standing.queue(settings, held):
        say(f"the worker makes {len(queued)} runs again: `biodata worker --data {settings.data}`")


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Make sure, before anything is done, that the answer can be written and is not written over what is read.

    Raises
    ------
    InputError
        If a file would be written over itself, or two answers into one file.
    OSError
        If a file cannot be written.
    """
    read = [path for path in inputs if path.exists()]
    written = list(filter(None, outputs))
    for number, out in enumerate(written):
        if out.resolve() in {other.resolve() for other in written[:number]}:
            problem, expected = "two results would be written into one file", "a file for each result"
            raise InputError(problem, file=str(out), expected=expected, code="OUTPUT_REPEATED")
        existed = out.exists()
        if existed and any(out.samefile(path) for path in read):
            problem = "the file would be written over itself"
            raise InputError(
                problem, file=str(out), expected="another name for what is written", code="OUTPUT_IS_INPUT"
            )
        with out.open("ab"):
            pass
        if not existed:
            out.unlink()


def check_kinds(paths: Iterable[Path | None], endings: Sequence[str] = GEOTIFF) -> None:
    """Refuse names of files that other programs would take for something else.

    Parameters
    ----------
    paths : iterable of Path or None
        What is to be written.
    endings : sequence of str
        Those that fit, small letters.

    Raises
    ------
    InputError
        If one ends with none of them (OUTPUT_KIND).
    """
    for path in filter(None, paths):
        if path.suffix.lower() not in endings:
            problem = "this cannot be written in such a file"
            expected = f"{'GeoTIFF, ' if endings == GEOTIFF else ''}a name that ends with {' or '.join(endings)}"
            raise InputError(problem, file=path.name, expected=expected, code="OUTPUT_KIND")


def read_options(texts: list[str]) -> dict[str, str]:
    """Split NAME=VALUE."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            message = f"{text!r} is no NAME=VALUE"
            raise typer.BadParameter(message, param_hint="--option")
        options[name] = value
    return options


def read_box(text: str) -> tuple[float, float, float, float]:
    """Read the option --box, west,south,east,north (`run_parameters.read_box`)."""
    return run_parameters.read_box(text, column="--box")


def read_country(text: str, *, option: str) -> str:
    """Return a country's ISO 3166-1 alpha-2 code, of a code or a name of it in any language that we know.

    Raises
    ------
    InputError
        If there is none, or several have that name (COUNTRY_UNKNOWN).
    """
    from biodata.text.countries import country_candidates

    codes = country_candidates(text)
    if len(codes) != 1:
        problem = "several countries have this name" if codes else "there is no such country"
        expected = f"one of {', '.join(codes)}" if codes else "a code or a name, such as KH, KHM, Cambodia or 柬埔寨"
        raise InputError(problem, column=option, value=text, expected=expected, code="COUNTRY_UNKNOWN")
    return codes[0]


def current_release(data: Path) -> "Release":
    """Return the installation's current release.

    Raises
    ------
    NoReleaseError
        If there is none, or no installation.
    """
    from biodata.store import releases

    current = releases.current(data) if data.is_dir() else None
    if current is None:
        message = f"{data} has no release yet: run `biodata release --data {data}` first"
        raise NoReleaseError(message)
    return current
