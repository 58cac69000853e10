"""Run tests over a frame: empty cells to null, preparations once a distinct value, answers as columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.quality import location_map, location_place, location_values, record, taxon, time
from biodata.quality.model import (
    FILLED_TESTS,
    Answer,
    Arguments,
    Context,
    Kind,
    Preparation,
    Status,
    Test,
    described,
    test,
)

# Measures of BDQ Core that count what the other tests answered of a record.

_ORDER: Final = {label: number for number, label in enumerate(described())}
MEASURED: Final = tuple(
    sorted(
        (
            *FILLED_TESTS, *record.TESTS, *location_map.NAME_TESTS, *location_place.TESTS, *location_map.TESTS,
            *location_values.TESTS, *time.TESTS, *taxon.TESTS,
        ),
        key=lambda test: _ORDER[test.label],
    )
)  # fmt: skip
"""The tests whose answers are counted: all others."""
_VALIDATIONS: Final = tuple(test for test in MEASURED if test.kind is Kind.VALIDATION)
_AMENDMENTS: Final = tuple(test for test in MEASURED if test.kind is Kind.AMENDMENT)


def compliant(answer: Answer) -> pl.Expr:
    """Tell which rows a validation finds compliant."""
    return answer.result.fill_null(value=False) & ~answer.external


def not_compliant(answer: Answer) -> pl.Expr:
    """Tell which rows a validation finds not compliant."""
    return (~answer.result).fill_null(value=False) & ~answer.external


def not_run(answer: Answer) -> pl.Expr:
    """Tell which rows a test could not be run on."""
    return answer.result.is_null() | answer.external


def proposed(answer: Answer) -> pl.Expr:
    """Tell which rows an amendment proposes something for."""
    any_value = pl.any_horizontal(value.is_not_null() for value in answer.proposals.values())
    return any_value & ~not_run(answer)


def _counting(label: str, counted: Sequence[Test], counts: Callable[[Answer], pl.Expr]) -> Test:
    """Return the measure that counts tests whose answer is of a sort."""

    def answer(arguments: Arguments) -> Answer:
        answers = (each.ask(arguments.present, arguments.context) for each in counted)
        return Answer(pl.sum_horizontal(counts(one).cast(pl.Int32) for one in answers))

    return test(label, answer, *{p.name: p for each in counted for p in each.preparations}.values())


TESTS: Final = (
    *MEASURED,
    _counting("MEASURE_VALIDATIONTESTS_COMPLIANT", _VALIDATIONS, compliant),
    _counting("MEASURE_VALIDATIONTESTS_NOTCOMPLIANT", _VALIDATIONS, not_compliant),
    _counting("MEASURE_VALIDATIONTESTS_PREREQUISITESNOTMET", _VALIDATIONS, not_run),
    _counting("MEASURE_AMENDMENTS_PROPOSED", _AMENDMENTS, proposed),
)
"""All tests, in the order of their answers."""


# Every test of TDWG BDQ Core on single records, with the standard's labels and GUIDs (TDWG, CC BY 4.0).

BY_LABEL: Final = MappingProxyType({test.label: test for test in TESTS})
BY_GUID: Final = MappingProxyType({test.guid: test for test in TESTS})
VALIDATIONS: Final = tuple(test for test in TESTS if test.kind is Kind.VALIDATION)


def find(name: str) -> Test:
    """Return the test of a label or GUID; blanks around it and an address or `urn:uuid:` before it do not count.

    Raises
    ------
    InputError
        If there is no such test.
    """
    text = name.strip().rstrip("/")
    test = BY_LABEL.get(text.upper()) or BY_GUID.get(text.rpartition("/")[2].rpartition(":")[2].lower())
    if test is None:
        problem = "there is no such test"
        raise InputError(problem, value=name, expected="a label or GUID of TDWG BDQ Core", code="TEST_UNKNOWN")
    return test


RESPONSE: Final = pl.Schema({"status": pl.String, "result": pl.String, "comment": pl.String})
"""The response triple."""

_EMPTY_CHARACTERS: Final = "".join(map(chr, range(0x21)))
_PREFIXES: Final = ("dwc", "dwciri", "dc", "dcterms", "gbif")
_OUTCOMES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.VALIDATION: ("COMPLIANT", "NOT_COMPLIANT"),
    Kind.ISSUE: ("POTENTIAL_ISSUE", "NOT_ISSUE"),
}
# A measure that could not be taken says so in its result too.
_NOT_RUN: Final[Mapping[Kind, str]] = {Kind.MEASURE: "NOT_REPORTED"}
_RECORD_TERMS: Final = {"type": "dc:type", "license": "dcterms:license", "hasTarget": "oa:hasTarget"}


def qualified(term: str) -> str:
    """Return a term as it stands in a response: `dwc:eventDate`, `dc:type`, `dcterms:license`."""
    return _RECORD_TERMS.get(term, f"dwc:{term}")


def local_name(heading: str) -> str:
    """Return the local name of a heading that may have a prefix or be a term's address; parameters keep theirs."""
    heading = heading.strip()
    if heading.startswith(("http://", "https://")):
        return heading.rstrip("/#").rpartition("/")[2].rpartition("#")[2]
    prefix, colon, name = heading.partition(":")
    return name if colon and prefix in _PREFIXES else heading


def normalise(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns by local name, null where a cell is bdqval:Empty.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Text columns by term; of two headings that mean one term, the first counts.

    Returns
    -------
    polars.DataFrame of n rows
    """
    columns: dict[str, pl.Series] = {}
    for column in frame.get_columns():
        name = local_name(column.name)
        columns.setdefault(name, column.alias(name))
    named = pl.DataFrame(list(columns.values()))
    if not named.width:
        return named
    # In order of characters "!" is the first behind those that count as empty: most columns have no cell before it.
    suspicious = named.select((pl.all() < "!").any()).row(0, named=True)
    return named.with_columns(
        pl.when(pl.col(name).str.strip_chars(_EMPTY_CHARACTERS) != "").then(pl.col(name))
        for name in named.columns
        if suspicious[name]
    )


def prepare(frame: pl.DataFrame, tests: Iterable[Test], context: Context) -> pl.DataFrame:
    """Add the columns that the tests' preparations make.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        What `normalise` returned.
    tests : iterable of Test
        The tests.
    context : Context
        What they may ask.

    Returns
    -------
    polars.DataFrame of n rows
        `frame` with more columns.
    """
    if not frame.height:
        frame = pl.DataFrame(schema=dict.fromkeys(frame.columns, pl.String))
    for preparation in (preparation for each in tests for preparation in each.preparations):
        frame = _add(frame, preparation, context)
    return frame


def _add(frame: pl.DataFrame, preparation: Preparation, context: Context) -> pl.DataFrame:
    """Add a preparation's columns, and before them those that it reads, unless they are there."""
    if f"{preparation.name}.{next(iter(preparation.makes))}" in frame.columns:
        return frame
    for needed in preparation.needs:
        frame = _add(frame, needed, context)
    filled = [name for name in preparation.reads if name in frame.columns and frame[name].null_count() < frame.height]
    names = [f"{preparation.name}.{name}" for name in preparation.makes]
    if not preparation.distinct or not frame.height:
        return frame.hstack(_made(preparation, frame, context))
    if not filled:
        made = _made(preparation, frame.head(1), context)
        return frame.hstack([column.new_from_index(0, frame.height) for column in made])
    cells = frame.select(filled)
    distinct = cells.unique(maintain_order=True)
    made = _made(preparation, distinct, context)
    answers = cells.join(distinct.hstack(made), on=filled, how="left", nulls_equal=True, maintain_order="left")
    return frame.hstack(answers.select(names))


def _made(preparation: Preparation, cells: pl.DataFrame, context: Context) -> list[pl.Series]:
    """Return the columns that a preparation makes of the rows of a frame, in their types; columns that lack are null."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, cells.height)
    read = [cells[name] if name in cells.columns else nothing.alias(name) for name in preparation.reads]
    made = preparation.make(pl.DataFrame(read), context)
    return [made[name].cast(dtype).alias(f"{preparation.name}.{name}") for name, dtype in preparation.makes.items()]


def answers(frame: pl.DataFrame, tests: Sequence[Test], context: Context) -> dict[str, Answer]:
    """Return each test's answer over a prepared frame, by label."""
    present = frozenset(name for name in frame.columns)
    return {test.label: test.ask(present, context) for test in tests}


def responses(frame: pl.DataFrame, test: Test, context: Context) -> pl.DataFrame:
    """Return the response triple of one test.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        What `prepare` returned.
    test : Test
        The test.
    context : Context
        What it may ask.

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `RESPONSE`; result is an empty text where there is none.
    """
    answer = answers(frame, [test], context)[test.label]
    internal = answer.result.is_null()
    result, run = _result_and_status(test, answer)
    status = (
        pl.when(answer.external)
        .then(pl.lit(Status.EXTERNAL.value))
        .when(internal)
        .then(pl.lit(Status.INTERNAL.value))
        .otherwise(run)
    )
    columns = {
        "status": status,
        "result": pl.when(answer.external | internal).then(pl.lit(_NOT_RUN.get(test.kind, ""))).otherwise(result),
        "own": answer.comment if answer.comment is not None else pl.lit(None, dtype=pl.String),
    }
    table = frame.with_columns(expression.alias(f"response.{name}") for name, expression in columns.items())
    table = table.select(pl.col(f"response.{name}").alias(name) for name in columns)
    return table.select("status", "result", pl.coalesce("own", _words(test)).alias("comment")).cast(RESPONSE)


def _result_and_status(test: Test, answer: Answer) -> tuple[pl.Expr, pl.Expr]:
    """Return Response.result and Response.status where the prerequisites are met."""
    if test.kind is Kind.AMENDMENT:
        pairs = [
            pl.when(value.is_not_null()).then(
                pl.struct(value.alias(qualified(term))).struct.json_encode().str.slice(1).str.strip_suffix("}")
            )
            for term, value in answer.proposals.items()
        ]
        body = pl.concat_str(pairs, separator=",", ignore_nulls=True)
        proposed = pl.any_horizontal(value.is_not_null() for value in answer.proposals.values())
        filled_in = answer.filled_in if isinstance(answer.filled_in, pl.Expr) else pl.lit(answer.filled_in)
        status = (
            pl.when(~proposed)
            .then(pl.lit(Status.NOT_AMENDED.value))
            .when(filled_in)
            .then(pl.lit(Status.FILLED_IN.value))
            .otherwise(pl.lit(Status.AMENDED.value))
        )
        return pl.when(proposed).then(pl.concat_str(pl.lit("{"), body, pl.lit("}"))).otherwise(pl.lit("")), status
    has_result = pl.lit(Status.RUN_HAS_RESULT.value)
    if test.kind is Kind.MEASURE:
        return answer.result.cast(pl.String), has_result
    yes, no = _OUTCOMES[test.kind]
    return pl.when(answer.result).then(pl.lit(yes)).otherwise(pl.lit(no)), has_result


def _words(test: Test) -> pl.Expr:
    """Return the engine's comment: what the test asks and how it ended."""
    terms = ", ".join(qualified(term) for term in (*test.acted_upon, *test.consulted)[:4])
    status, result = pl.col("status"), pl.col("result")
    return (
        pl.when(status == Status.EXTERNAL.value)
        .then(pl.lit("the authority is not available here"))
        .when(status == Status.INTERNAL.value)
        .then(pl.lit(f"{terms}: empty, or not such that the test can run"))
        .when(status == Status.NOT_AMENDED.value)
        .then(pl.lit(f"{terms}: nothing to propose that is certain"))
        .when(status.is_in([Status.AMENDED.value, Status.FILLED_IN.value]))
        .then(pl.concat_str(pl.lit("proposed "), result))
        .otherwise(pl.concat_str(pl.lit(f"{test.asks} "), result))
    )


# Run the tests of BDQ Core over a frame: every answer, or the answers to one test a row.

LONG: Final = pl.Schema(
    {
        "row": pl.UInt32, "label": pl.String, "guid": pl.String, "status": pl.String, "result": pl.String,
        "comment": pl.String,
    }
)  # fmt: skip
"""The columns of `run`."""


def run(frame: pl.DataFrame, context: Context, tests: Sequence[Test] = TESTS) -> pl.DataFrame:
    """Answer every test on every row.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Text columns by Darwin Core term, with or without prefix, as they were stated; columns such as
        `bdqval:sourceAuthority` hold parameters of their row.
    context : Context
        What the tests may ask.
    tests : sequence of Test
        Which tests.

    Returns
    -------
    polars.DataFrame of n × len(tests) rows
        `row` (from 0), `label`, `guid`, `status`, `result`, `comment`; by row, then by test.
    """
    prepared = prepare(normalise(frame), tests, context)
    parts = [
        responses(prepared, test, context).select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
            pl.lit(number, dtype=pl.UInt16).alias("test"),
            pl.lit(test.label).alias("label"),
            pl.lit(test.guid).alias("guid"),
            pl.all(),
        )
        for number, test in enumerate(tests)
    ]
    if not parts or not frame.height:
        return pl.DataFrame(schema=LONG)
    return pl.concat(parts).sort("row", "test").select(LONG.names())


def run_named(frame: pl.DataFrame, context: Context, test_column: str) -> pl.DataFrame:
    """Answer for each row the test that it names.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        As in `run`.
    context : Context
        What the tests may ask.
    test_column : str
        The column that holds a label or GUID of a test.

    Returns
    -------
    polars.DataFrame of n rows
        As in `run`, in the order of the rows.

    Raises
    ------
    InputError
        If there is no such column, or a row names no test.
    """
    if test_column not in frame.columns:
        problem = "there is no such column"
        raise InputError(problem, column=test_column, expected=f"one of {', '.join(frame.columns[:20])}")
    wanted = frame[test_column].fill_null("").rename("name").to_frame().with_row_index("row")
    plain = normalise(frame.drop(test_column))
    parts = []
    for (name,), rows in wanted.group_by("name", maintain_order=True):
        test = find(str(name))
        chosen = prepare(plain[rows["row"]], [test], context)
        answered = responses(chosen, test, context)
        labelled = answered.with_columns(rows["row"], label=pl.lit(test.label), guid=pl.lit(test.guid))
        parts.append(labelled.select(LONG.names()))
    return pl.concat(parts).sort("row") if parts else pl.DataFrame(schema=LONG)
