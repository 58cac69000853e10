"""What a test of TDWG BDQ Core is: the terms it reads, what is prepared for it, and its answer as column expressions.

A cell that is bdqval:Empty (nothing, or only characters up to U+0020) is null in every expression; any other cell is as
it was stated, white space and non-printing characters included.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import places
from biodata.text.tables import read_rows

PARAMETER: Final = "bdqval:"
"""Prefix of a column that holds a parameter of its row."""


class Kind(StrEnum):
    """What a test does."""

    VALIDATION = "Validation"
    AMENDMENT = "Amendment"
    ISSUE = "Issue"
    MEASURE = "Measure"


class Status(StrEnum):
    """Response.status."""

    RUN_HAS_RESULT = "RUN_HAS_RESULT"
    AMENDED = "AMENDED"
    FILLED_IN = "FILLED_IN"
    NOT_AMENDED = "NOT_AMENDED"
    INTERNAL = "INTERNAL_PREREQUISITES_NOT_MET"
    EXTERNAL = "EXTERNAL_PREREQUISITES_NOT_MET"


@dataclass(frozen=True)
class Context:
    """What the tests may ask beside the record; nothing in it reaches out to a network.

    Attributes
    ----------
    today : date
        The current day: nothing is recorded after it.
    boundaries : BoundarySet
        The map that places are set beside.
    checklist : polars.DataFrame, optional
        Columns of `terms.TAXON`: the taxonomic authority; without it tests that need one answer
        EXTERNAL_PREREQUISITES_NOT_MET.
    parameters : mapping of str to str
        Parameters that replace the standard's defaults in every test, by name without prefix (`earliestValidDate`).
    centres : polars.DataFrame, optional
        More centres of countries: `country_code`, `longitude`, `latitude` (degrees). GBIF's catalogue of centroids, the
        standard's authority, is no file that we may hand on; who has it can load it.
    """

    today: date
    boundaries: places.BoundarySet
    checklist: pl.DataFrame | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    centres: pl.DataFrame | None = None


@dataclass(frozen=True)
class Preparation:
    """Interpreted columns that tests share; made once for each distinct combination of the columns it reads.

    Attributes
    ----------
    name : str
        Unique; the columns are called `name.column` in the prepared frame.
    reads : tuple of str
        Terms, and parameters with their prefix (`bdqval:earliestValidDate`); those that a file lacks are null.
        Empty cells are null.
    makes : mapping of str to polars data type
        The columns that it makes.
    make : callable
        Takes a frame of m distinct rows with the columns `reads` (text) and the context; returns m rows in the same
        order with the columns `makes`.
    distinct : bool
        False where the combinations hardly repeat (coordinates) and `make` is as quick on all rows.
    needs : tuple of Preparation
        Preparations whose columns (`name.column`) this one reads.
    """

    name: str
    reads: tuple[str, ...]
    makes: Mapping[str, pl.DataType | type[pl.DataType]]
    make: Callable[[pl.DataFrame, Context], pl.DataFrame]
    distinct: bool = True
    needs: tuple["Preparation", ...] = ()

    def column(self, name: str) -> pl.Expr:
        """Return the prepared column `name`."""
        if name not in self.makes:
            message = f"{self.name} makes no column {name!r}"
            raise KeyError(message)
        return pl.col(f"{self.name}.{name}")


NEVER: Final = pl.lit(value=False)
"""The external prerequisites are always met."""


@dataclass(frozen=True)
class Answer:
    """A test's answer over a frame of n rows.

    Attributes
    ----------
    result : Expr
        Of a validation: bool, True is COMPLIANT, False is NOT_COMPLIANT. Of an issue: bool, True is POTENTIAL_ISSUE,
        False is NOT_ISSUE. Of a measure: a number. Of an amendment: True. Null is INTERNAL_PREREQUISITES_NOT_MET in
        each of them.
    external : Expr of bool
        True where an authority that is needed is not available; stronger than `result`. A record that has nothing to
        ask of the authority (the term is empty) does not need it: leave that out here and let `result` be null.
    proposals : mapping of str to Expr of str
        Of an amendment: the proposed value by term (local name); null where none is proposed. A row without any is
        NOT_AMENDED.
    filled_in : bool or Expr of bool
        Of an amendment: whether its proposals are FILLED_IN, into empty terms, or else AMENDED.
    comment : Expr of str, optional
        What is particular to the row; where it is null or left out the engine's words stand.
    """

    result: pl.Expr
    external: pl.Expr = NEVER
    proposals: Mapping[str, pl.Expr] = field(default_factory=dict)
    filled_in: bool | pl.Expr = False
    comment: pl.Expr | None = None


class Arguments:
    """What a test's answer is made of: terms, prepared columns and parameters, as expressions.

    Parameters
    ----------
    present : frozenset of str
        The columns of the frame: terms by local name, parameters with their prefix.
    standard : mapping of str to str
        The test's parameters by name without prefix, with the standard's defaults.
    context : Context
        Today, boundaries, checklist.
    """

    def __init__(self, present: frozenset[str], standard: Mapping[str, str], context: Context) -> None:
        self.present, self.context, self._standard = present, context, standard

    def __getitem__(self, term: str) -> pl.Expr:
        """Return the cells of a term, null where empty or where the file has no such column."""
        return pl.col(term) if term in self.present else pl.lit(None, dtype=pl.String)

    def filled(self, *terms: str) -> pl.Expr:
        """Tell which rows have something in every one of the terms (bdqval:NotEmpty)."""
        if not self.present.issuperset(terms):
            return pl.lit(value=False)
        return pl.all_horizontal(pl.col(term).is_not_null() for term in terms)

    def any_filled(self, *terms: str) -> pl.Expr:
        """Tell which rows have something in any of the terms."""
        here = [pl.col(term).is_not_null() for term in terms if term in self.present]
        return pl.any_horizontal(here) if here else pl.lit(value=False)

    def default(self, name: str) -> str:
        """Return a parameter's value for rows that state none: the context's, or the standard's."""
        return self.context.parameters.get(name, self._standard[name])

    def parameter(self, name: str) -> pl.Expr:
        """Return a parameter's value in each row: the row's own, or the default."""
        default, column = pl.lit(self.default(name)), PARAMETER + name
        return pl.coalesce(pl.col(column), default) if column in self.present else default

    def number(self, name: str) -> pl.Expr:
        """Return a parameter as a number; null where it is none."""
        return self.parameter(name).str.strip_chars().cast(pl.Float64, strict=False)

    def unavailable(self, *known: str, name: str = "sourceAuthority") -> pl.Expr:
        """Tell which rows name an authority that is neither the standard's default nor one of `known`.

        Parameters
        ----------
        known : str
            Other names of something that is bundled or loaded; letter case does not count.
        name : str
            The parameter.
        """
        accepted = [text.casefold() for text in (*known, self._standard[name])]
        return ~self.parameter(name).str.strip_chars().str.to_lowercase().is_in(accepted)


@dataclass(frozen=True)
class Test:
    """One test of TDWG BDQ Core on a single record.

    Attributes
    ----------
    label, guid : str
        The standard's.
    acted_upon, consulted : tuple of str
        Terms by local name.
    asks : str
        What the test asks, one sentence for a data manager.
    answer : callable
        Takes `Arguments`, returns an `Answer`.
    parameters : mapping of str to str
        The standard's defaults by name without prefix.
    preparations : tuple of Preparation
        What must be prepared first.
    """

    label: str
    guid: str
    acted_upon: tuple[str, ...]
    asks: str
    answer: Callable[[Arguments], Answer]
    consulted: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    preparations: tuple[Preparation, ...] = ()

    @property
    def kind(self) -> Kind:
        """What the test does, from its label."""
        return Kind(self.label.partition("_")[0].capitalize())

    def ask(self, present: frozenset[str], context: Context) -> Answer:
        """Return the answer over a frame with these columns."""
        return self.answer(Arguments(present, self.parameters, context))


@cache
def described() -> Mapping[str, Mapping[str, str]]:
    """Return the standard's tests by label, as `bdq_tests.csv` describes them, in the order of their answers."""
    return {row["label"]: row for row in read_rows("bdq_tests.csv")}


def test(label: str, answer: Callable[[Arguments], Answer], *preparations: Preparation) -> Test:
    """Return the test of a label with what answers it."""
    row = described()[label]
    acted_upon, consulted = (tuple(filter(None, row[name].split("|"))) for name in ("acted_upon", "consulted"))
    return Test(label, row["guid"], acted_upon, row["asks"], answer, consulted, parameters_of(label), preparations)


def parameters_of(label: str) -> dict[str, str]:
    """Return the standard's defaults of a test's parameters, in the standard's order."""
    return dict(text.split("=", 1) for text in described()[label]["parameters"].split("|") if text)


def term_of(label: str) -> str:
    """Return the one term that a test acts upon."""
    return described()[label]["acted_upon"]


KNOWN: Final = MappingProxyType({"known": pl.Boolean(), "meant": pl.String()})
"""Of a value: whether it is as it must be written, and how it must be; null where it is so already, or in doubt."""


def reading(
    term: str, read: Callable[[str], tuple[Any, ...]], makes: Mapping[str, pl.DataType] = KNOWN
) -> Preparation:  # fmt: skip
    """Return the preparation that reads a term's texts one by one; what an empty cell gives is null.

    Parameters
    ----------
    term : str
    read : callable
        Returns of a text the values of the columns.
    makes : mapping of str to polars data type
        The columns.
    """

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        rows = [(None,) * len(makes) if text is None else read(text) for text in frame[term]]
        return pl.DataFrame(rows, schema=dict(makes), orient="row")

    return Preparation(f"{term}.read", (term,), makes, make)


def standard_tests(stem: str, read: Preparation, *authorities: str) -> tuple[Test, Test]:
    """Return the test whether a term's value is as it must be written, and the amendment that writes it so.

    Parameters
    ----------
    stem : str
        Of their labels: `VALIDATION_…_STANDARD`, `AMENDMENT_…_STANDARDIZED`.
    read : Preparation
        With the columns of `KNOWN`.
    authorities : str
        Other names of the authority that is bundled.
    """
    labels = (f"VALIDATION_{stem}_STANDARD", f"AMENDMENT_{stem}_STANDARDIZED")
    term = term_of(labels[0])

    def external(arguments: Arguments) -> pl.Expr:
        return arguments.unavailable(*authorities) & arguments.filled(term)

    def is_standard(arguments: Arguments) -> Answer:
        return Answer(read.column("known"), external=external(arguments))

    def standardised(arguments: Arguments) -> Answer:
        result = pl.when(arguments.filled(term)).then(pl.lit(value=True))
        return Answer(result, external=external(arguments), proposals={term: read.column("meant")})

    return test(labels[0], is_standard, read), test(labels[1], standardised, read)


def _filled(terms: str) -> Callable[[Arguments], Answer]:
    """Return what says whether any of some terms has something in it."""
    return lambda arguments: Answer(arguments.any_filled(*terms.split("|")))


FILLED_TESTS: Final = tuple(
    test(label, _filled(row["acted_upon"]))
    for label, row in described().items()
    if label.endswith("_NOTEMPTY") and row["acted_upon"] and not row["consulted"]
)
"""The tests whether terms have something in them."""


# Numbers stated as text, for the tests that compare them.

BLANKS: Final = "".join(map(chr, range(0x21)))
"""White space and control characters around a number do not change it; other signs, U+00A0 too, make it none."""


@cache
def number(term: str) -> Preparation:
    """Return the preparation that reads a term as a number: column `value` (Float64), null where it is none."""

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        return pl.DataFrame({"value": read_numbers(frame[term])})

    return Preparation(f"{term}.number", (term,), {"value": pl.Float64}, make, distinct=False)


def value(term: str) -> pl.Expr:
    """Return the number that `number(term)` prepared."""
    return number(term).column("value")


def read_numbers(texts: pl.Series) -> pl.Series:
    """Return the finite number that each text is, null where it is none."""
    if texts.null_count() == len(texts):
        return pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    read = texts.cast(pl.Float64, strict=False)
    if read.null_count() > texts.null_count():
        odd = read.is_null() & texts.is_not_null()
        trimmed = texts.filter(odd).str.strip_chars(BLANKS).cast(pl.Float64, strict=False)
        read = read.scatter(odd.arg_true(), trimmed)
    finite = read.is_finite()
    # Infinity and NaN are no numbers of anything.
    return read if finite.all() else pl.select(pl.when(finite).then(read)).to_series()
