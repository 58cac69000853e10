"""`biodata quality run`: the tests of TDWG BDQ Core over a table of text."""

import csv
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from biodata.cli.options import add_group, boundaries_for, check_outputs, say, say_boundaries, show_progress

if TYPE_CHECKING:
    import polars as pl

    from biodata.core.errors import InputError
    from biodata.formats.delimited import Delimited
    from biodata.quality import Context

_SLICE: Final = 10_000
_TOLD: Final = 5
_HEADINGS: Final = ("dataID", "GUID", "Response.status", "Response.result", "Response.comment")
_CENTRE_HEADINGS: Final = {
    "country_code": ("country_code", "countryCode", "iso2"),
    "longitude": ("longitude", "decimalLongitude", "decimal_longitude"),
    "latitude": ("latitude", "decimalLatitude", "decimal_latitude"),
}


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_group(app, "quality", "Data quality: tests of TDWG BDQ Core.", run)


def run(
    file: Annotated[Path, typer.Argument(help="The table.", dir_okay=False)],
    out: Annotated[Path | None, typer.Option(help="CSV file for the responses.", dir_okay=False)] = None,
    test_column: Annotated[str | None, typer.Option(help="Column that names the test of each row.")] = None,
    report: Annotated[Path | None, typer.Option(help="JSON file for the report.", dir_okay=False)] = None,
    checklist: Annotated[
        Path | None, typer.Option(help="List of names (CSV or Darwin Core Archive): the taxonomic authority.")
    ] = None,
    centres: Annotated[
        Path | None, typer.Option(help="More centres of countries: country_code, longitude, latitude.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE in place of a standard's default; may be repeated.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the table, where it is known.")] = None,
) -> None:
    """Test a table of records (CSV, TSV) with TDWG BDQ Core.

    With --test-column each row is answered for the one test that the column names (label or GUID). Without it every row
    is answered for every test, and a report is printed: by test, by dataset, the rows with most that is wrong.

    Authorities are bundled lists, the boundary set (the bundled one, or BIODATA_BOUNDARIES) and, with --checklist, a
    list of names; nothing is asked of the network. A column such as bdqval:earliestValidDate holds a parameter of its
    row.

    Example: biodata quality run sample_data/labels.csv --report quality.json --out responses.csv
    """
    from biodata.formats import delimited

    check_outputs([out, report], [file, *filter(None, (checklist, centres))])
    context = _context(checklist, centres, parameter or [])
    table = delimited.read(lambda: file.open("rb"), file=file.name, encoding=encoding)
    if test_column is not None and out is None:
        message = "--test-column needs --out"
        raise typer.BadParameter(message, param_hint="--out")
    if test_column is not None:
        _named(file, table, context, test_column, out)
    else:
        _everything(table, context, out, report)


def _named(file: Path, table: "Delimited", context: "Context", test_column: str, out: Path | None) -> None:
    """Answer each row for its own test."""
    from biodata.core.errors import InputError
    from biodata.quality import run_named

    answered = 0
    with _Responses(out) as responses:
        for batch in _cells(file, table):
            try:
                found = run_named(batch.drop("source_row"), context, test_column)
            except InputError as error:
                raise _placed(error, file.name, batch, test_column) from error
            responses.write(found, _identifiers(batch))
            answered += found.height
    say(f"{answered:,} rows answered")
    say_boundaries(context.boundaries)


def _placed(error: "InputError", file: str, batch: "pl.DataFrame", test_column: str) -> "InputError":
    """Return what is wrong with a name of a test, with the first row that has it."""
    unknown = error.code == "TEST_UNKNOWN"
    row = int(batch.filter(batch[test_column].fill_null("") == error.value)["source_row"][0]) if unknown else None
    value, expected, code = error.value, error.expected, error.code
    return type(error)(error.problem, file=file, row=row, column=test_column, value=value, expected=expected, code=code)


def _cells(file: Path, table: "Delimited") -> "Iterator[pl.DataFrame]":
    """Yield the rows with every sign that stands in a cell, NUL too: what cannot be taken in can still be tested."""
    import polars as pl

    from biodata.core.errors import InputError

    schema = dict.fromkeys(("source_row", *table.headings), pl.String)
    with file.open(encoding="utf-8-sig" if table.encoding.startswith("utf") else table.encoding, newline="") as handle:
        quote = table.dialect.quote
        rows = csv.reader(
            handle,
            delimiter=table.dialect.separator,
            quotechar=quote,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
        next(rows)
        while cells := list(itertools.islice(rows, _SLICE)):
            for row in cells:
                if len(row) != len(table.headings) and row:
                    problem = f"the row has {len(row)} fields"
                    raise InputError(problem, file=file.name, row=rows.line_num, expected=f"{len(table.headings)}")
            entries = [(str(rows.line_num), *row) for row in cells if row]
            yield pl.DataFrame(entries, schema=schema, orient="row")


def _everything(table: "Delimited", context: "Context", out: Path | None, report: Path | None) -> None:
    """Answer every test on every row, and report."""
    from tqdm.auto import tqdm

    from biodata.core.errors import InputError
    from biodata.quality import run as run_tests
    from biodata.quality.report import Collector, lines

    if not {heading.rpartition(":")[2].strip().lower() for heading in table.headings} & _terms():
        problem = f"no heading is a term that a test reads: {', '.join(table.headings[:_TOLD])}"
        raise InputError(
            problem, file=table.file, row=1, expected="such as scientificName, eventDate", code="HEADING_UNKNOWN"
        )
    collector = Collector(context, table.file)
    with _Responses(out) as responses, tqdm(unit="row", disable=not show_progress()) as progress:
        for batch in table.batches:
            collector.add(batch)
            for part in batch.iter_slices(_SLICE) if out else ():
                responses.write(run_tests(part.drop("source_row"), context), _identifiers(part))
            progress.update(batch.height)
    refused = [f"{refusal.file}, row {refusal.row}: {refusal.message}" for refusal in table.refusals]
    found = collector.report(refused)
    if report:
        report.write_text(json.dumps(found.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8")
    for line in lines(found):
        say(line)


def _terms() -> set[str]:
    """Return the terms that the tests read, in lower case."""
    from biodata.quality import TESTS

    return {term.lower() for test in TESTS for term in (*test.acted_upon, *test.consulted)}


class _Responses:
    """The file of responses; it appears when it is whole.

    A dataID that a spreadsheet would take for a formula gets an apostrophe before it, as in every CSV of ours.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._part = path.with_name(f"{path.name}.part") if path else None

    def __enter__(self) -> "_Responses":
        if self._part:
            self._handle = self._part.open("wb")
            self._handle.write((",".join(_HEADINGS) + "\n").encode())
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._part and self._path:
            self._handle.close()
            if kind is None:
                self._part.replace(self._path)
            else:
                self._part.unlink()

    def write(self, answers: "pl.DataFrame", identifiers: "pl.Series") -> None:
        """Add answers; `row` counts in `identifiers`."""
        import polars as pl

        from biodata.exports.tables import plain_columns

        if not self._part:
            return
        table = answers.select(
            identifiers.gather(answers["row"]).alias(_HEADINGS[0]),
            pl.col("guid").alias(_HEADINGS[1]),
            pl.col("status").alias(_HEADINGS[2]),
            pl.col("result").alias(_HEADINGS[3]),
            pl.col("comment").alias(_HEADINGS[4]),
        )
        safe = plain_columns(table.select(_HEADINGS[0], _HEADINGS[4]))
        table.with_columns(safe).write_csv(self._handle, include_header=False)


def _identifiers(batch: "pl.DataFrame") -> "pl.Series":
    """Return what identifies rows: their dataID, else their line in the file."""
    import polars as pl

    lines = batch["source_row"].cast(pl.String)
    return lines if "dataID" not in batch.columns else batch["dataID"].fill_null(lines)


def _context(checklist: Path | None, centres: Path | None, parameters: list[str]) -> "Context":
    """Return what the tests may ask."""
    from biodata.core.errors import InputError
    from biodata.quality import TESTS, Context

    known = {name for test in TESTS for name in test.parameters}
    facts = {}
    for text in parameters:
        name, equals, value = text.removeprefix("bdqval:").partition("=")
        if not equals or name not in known:
            problem = "this is no NAME=VALUE of a parameter"
            raise InputError(problem, value=text, expected=f"NAME is one of {', '.join(sorted(known))}")
        facts[name] = value
    return Context(
        today=datetime.now(UTC).date(),
        boundaries=boundaries_for(),
        checklist=_taxa(checklist) if checklist else None,
        parameters=facts,
        centres=_centres(centres) if centres else None,
    )


def _taxa(path: Path) -> "pl.DataFrame":
    """Return a checklist as taxa."""
    import polars as pl

    from biodata.core import terms
    from biodata.harmonise.taxa import taxa
    from biodata.ingest.checklist import ChecklistSource

    frames = [
        taxa(batch, checklist=path.stem)[0] for table in ChecklistSource([path]).read() for batch in table.batches
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=terms.schema(terms.TAXON))


def _centres(path: Path) -> "pl.DataFrame":
    """Return centres of countries from a table of text."""
    import polars as pl

    from biodata.core.errors import InputError
    from biodata.formats import delimited

    table = delimited.read(lambda: path.open("rb"), file=path.name)
    columns = {}
    for name, headings in _CENTRE_HEADINGS.items():
        if (heading := next((one for one in headings if one in table.headings), None)) is None:
            problem = "the table has no such column"
            raise InputError(problem, file=path.name, row=1, column=name, expected=f"one of {', '.join(headings)}")
        columns[name] = pl.col(heading)
    frames: Iterator[pl.DataFrame] = (batch.select(**columns) for batch in table.batches)
    numbers = pl.col("longitude", "latitude").str.strip_chars().cast(pl.Float64, strict=False)
    return pl.concat(list(frames)).with_columns(numbers).drop_nulls()
