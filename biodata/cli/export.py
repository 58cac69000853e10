"""`biodata export`: what the current release holds, as a file; and the question of a command, read as the API reads it."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from biodata.cli import options as common
from biodata.core.errors import InputError
from biodata.core.vocabularies import CubeGrid, Format

if TYPE_CHECKING:
    from biodata.core.settings import Settings
    from biodata.store.query import filters
    from biodata.store.query.filters import Filter


_OF_RESULTS: Final = (Format.CSV, Format.GEOPARQUET, Format.GEOJSON, Format.GPKG)
"""Formats of tables of results."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="export", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(export)


def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    data: common.DataOption = common.DEFAULT_DATA,
    file_format: Annotated[Format, typer.Option("--format", help="Its format.")] = Format.CSV,
    table: Annotated[
        str,
        typer.Option(
            help="occurrences, protected_areas, corridors, reserve_candidates, considered_ground, taxa or taxon_statuses."
        ),
    ] = "occurrences",
    country: common.ChosenCountries = None,
    species: common.ChosenSpecies = None,
    box: common.BoxOption = None,
    cluster_representative: common.OneOfEach = False,
    columns: Annotated[
        str, typer.Option(help="Of CSV: all, simple for GBIF's simple ones, or names with commas between them.")
    ] = "all",
    grid: Annotated[
        CubeGrid, typer.Option(help="Of a cube: quarter degrees, tenths of a degree, or squares of 10 km.")
    ] = CubeGrid.EQDGC,
) -> None:
    """Write a table of the current release: published values only.

    Of occurrences every parameter of the API's search chooses, by the same name, and may be repeated: --year 2000,2010,
    --taxonKey 2436501, --country LA --country VN, --geometry "POLYGON((...))", --q gibbon.

    Example: biodata export --data biodata_data --format csv --country LA --species "Nomascus concolor" --out gibbons.csv
    """
    pairs = read_pairs(context.args)
    if table != "occurrences":
        if pairs or cluster_representative:
            problem = f"{table} are not chosen by this"
            raise InputError(
                problem, column=f"--{pairs[0][0] if pairs else 'cluster-representative'}", expected="--country, --box"
            )
        _export_results(data, table, file_format, _of_results(country or [], species or [], box), out)
        return
    if columns != "all" and file_format != Format.CSV:
        problem = f"a file of the format {file_format} has all columns"
        raise InputError(problem, column="--columns", value=columns, expected="--format csv")
    pairs += [("country", value) for value in country or []] + [("species", value) for value in species or []]
    if cluster_representative:
        pairs.append(("clusterRepresentative", "true"))
    common.current_release(data)
    common.check_outputs([out], [])

    from tqdm.auto import tqdm

    from biodata.exports import request, tables, write

    tables.choose_columns(columns)
    write.check_ending(file_format, out)
    settings = common.settings_for(data)
    with _NoPandas(), asked_of(settings, pairs, common.read_box(box) if box else None) as question:
        asked = request.ExportRequest(
            name=question.release, created=question.created, filter=question.filter, asked=tuple(question.asked),
            columns=columns, grid=grid,
        )  # fmt: skip
        # Beside the file, so that the disk is the same; what was begun does not stay where it goes wrong.
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            with tqdm(total=100, unit="%", disable=not common.show_progress()) as bar:

                def step(share: float) -> None:
                    bar.update(round(share * 100) - bar.n)

                facts = write.export(question.file, file_format, asked, work / out.name, step=step)
            (work / out.name).replace(out)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        rows = facts.rows if facts.written is None else facts.written
        common.say(f"{rows} rows of release {question.release} → {out}")
        with common.open_registry(settings) as registry:
            withheld = registry.sensitive_counts(question.release)["sensitive"].get("withheld", 0)
        common.say(write.left_out(facts, file_format, withheld=withheld))
        for note in facts.notes:
            common.say(note)


class _NoPandas(MetaPathFinder):
    """Keeps DuckDB from importing pandas, as it does at its first parameter: that takes longer than a small export."""

    def find_spec(self, name: str, *_: object) -> None:
        """Say that there is no pandas; others look for anything else."""
        if name == "pandas":
            raise ModuleNotFoundError(name=name)

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)


def _export_results(data: Path, table: str, file_format: Format, where: "filters.Filter | None", out: Path) -> None:
    """Write a table of results: few rows, in memory."""
    from biodata.exports import geo_files, layers, tables, write
    from biodata.store import releases

    current = common.current_release(data)
    if file_format in _OF_RESULTS:
        write.check_ending(file_format, out)
        common.check_outputs([out], [])
    frame = releases.read(current, table, where=where)
    match file_format:
        case Format.CSV:
            tables.write_csv(frame, out)
        case Format.GEOPARQUET:
            layers.write_geoparquet(frame, out)
        case Format.GEOJSON:
            geo_files.write_collection(frame, out)
        case Format.GPKG:
            layers.write_geopackage(frame, out, layer=table)
        case _:
            problem = f"{table} cannot be written so"
            expected = "csv, geojson, geoparquet or gpkg"
            raise InputError(problem, column="--format", value=str(file_format), expected=expected)
    common.say(f"{frame.height} rows of release {current.id} → {out}")
    shapes = " but shapes, which CSV does not hold" if file_format == Format.CSV and "geometry" in frame.columns else ""
    common.say(
        f"left out: none of {frame.height} chosen rows{shapes}; what sharing rules or consents withhold is in no release"
    )


def _of_results(countries: list[str], species: list[str], box: str | None) -> "filters.Filter | None":
    """Return the filter of a table of results."""
    from biodata.store.query import filters

    parts: list[filters.Filter] = []
    if countries:
        parts.append(filters.Or(tuple(filters.Contains("country_codes", code) for code in country_codes(countries))))
    if species:
        parts.append(filters.In("species", tuple(species)))
    if box:
        parts.append(filters.InBox(*common.read_box(box)))
    return filters.And(tuple(parts)) if parts else None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a release.

    Attributes
    ----------
    release : str
        The release's id.
    created : str
        When it was made, ISO 8601.
    file : Path
        Its file, which is not removed while the question is open.
    filter : Filter or None
        Which records.
    asked : list of (name, value)
        The parameters.
    """

    release: str
    created: str
    file: Path
    filter: "Filter | None"
    asked: list[tuple[str, str]]


def read_pairs(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Read ``--name value`` and ``--name=value``.

    Raises
    ------
    InputError
        If an argument is neither, or a value is missing.
    """
    pairs = []
    waiting = list(arguments)
    while waiting:
        text = waiting.pop(0)
        name, equals, value = text.removeprefix("--").partition("=")
        if not text.startswith("--") or not name:
            problem = "this is no search parameter"
            raise InputError(problem, value=text, expected="--name value, such as --year 2000,2010")
        if not equals:
            if not waiting:
                problem = "the parameter has no value"
                raise InputError(problem, column=text, expected=f"{text} value")
            value = waiting.pop(0)
        pairs.append((name, value))
    return pairs


def country_codes(values: Sequence[str]) -> list[str]:
    """Return the codes of countries stated by code or by name.

    Raises
    ------
    InputError
        If there is no such country.
    """
    from api.errors import ProblemError
    from api.name_readers import country_code

    try:
        return [country_code("country", value) for value in values]
    except ProblemError as error:
        raise InputError(error.detail, column=error.field, expected=error.expected, code=str(error.code)) from error


@contextmanager
def asked_of(
    settings: "Settings", pairs: Sequence[tuple[str, str]], box: tuple[float, float, float, float] | None = None
) -> Iterator[Question]:
    """Open the question: parameters as the API reads them, and a box beside them.

    Raises
    ------
    NoReleaseError
        If there is no release.
    InputError
        If a parameter is not known or cannot be honoured, or its value cannot be used.
    """
    from api.dependencies import Service
    from api.errors import ProblemError
    from api.gbif_names import ACCEPTED
    from api.parameters import every, read
    from biodata.store.query.filters import InBox
    from biodata.store.release_use import in_use

    facts = dict(pairs)
    try:
        with Service(settings) as service, service.open(None, release_id=facts.get("snapshot")) as release:
            asked = read(pairs, release, own=("snapshot",))
            filters = asked.filters | ({"box": InBox(*box)} if box is not None else {})
            found, created = release.file.id, str(release.file.info["created"])
    except ProblemError as error:
        raise InputError(error.detail, column=error.field, expected=error.expected, code=str(error.code)) from error
    used = [(name, value) for name, value in pairs if name not in ACCEPTED]
    question = used + ([("box", ",".join(map(str, box)))] if box is not None else [])
    with in_use(settings.data, found) as file:
        yield Question(found, created, file, every(filters), question)
