"""What a step of the harmonising finds out about a batch: interpreted columns, doubts, repairs."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.core.flags import FLAGS
from biodata.core.terms import REPAIR, WRITTEN
from biodata.harmonise import rules
from biodata.text.tables import NA, PLACEHOLDERS

# A batch as it was stated: terms and other headings, cells cleaned, the verbatim layer kept as it came.

_KNOWN: Final = frozenset(terms.VERBATIM_TERMS)
ADMINISTRATION: Final = ("source_file", "source_row")

_COUNTRY_TERMS: Final = frozenset({"countryCode", "country", "publishingCountry"})

# White space of Unicode, control characters, and the marks that web pages and spreadsheets leave around a text.
_AROUND: Final = "".join(map(chr, [*range(0x21), *range(0x80, 0xA1), *range(0x2000, 0x2010), 0x2028, 0x2029,
                                   0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]))  # fmt: skip


class Stated:
    """The cells of a batch by term: white space around them, and placeholders for nothing, are gone.

    Parameters
    ----------
    batch : polars.DataFrame
        n rows: `source_file`, `source_row` and text columns, Darwin Core terms by their local names.
    """

    def __init__(self, batch: pl.DataFrame) -> None:
        # Readers put a batch together from many pieces; to take rows from columns in one piece is much the faster.
        batch = batch.rechunk()
        headings = [name for name in batch.columns if name not in ADMINISTRATION and not name.startswith(WRITTEN)]
        self.terms = [name for name in headings if name in _KNOWN]
        self.unknown = [name for name in headings if name not in _KNOWN]
        self.height = batch.height
        self.batch = batch
        self._frame = _cleaned(batch.select(name for name in self.terms if batch[name].null_count() < batch.height))
        self._nothing = pl.Series("nothing", [None], dtype=pl.String).new_from_index(0, batch.height)

    def __getitem__(self, term: str) -> pl.Series:
        """Return the cells of a term, n texts; null where nothing was stated."""
        return self._frame[term] if term in self._frame.columns else self._nothing.alias(term)

    def has(self, *names: str) -> bool:
        """Return whether any cell of any of the terms is filled."""
        return any(name in self._frame.columns for name in names)

    def has_heading(self, *names: str) -> bool:
        """Return whether the file has a heading for any of the terms, filled or not."""
        return any(term in names for term in self.terms)

    def has_other(self, *names: str) -> bool:
        """Return whether the file has a heading of any of these names that is no term, in any letter case."""
        return any(heading.lower() in names for heading in self.unknown)

    def other(self, name: str) -> pl.Series | None:
        """Return the cells under a heading that is no term, without white space around them; None where none is filled."""
        if name not in self.unknown or self.batch[name].null_count() == self.height:
            return None
        return _cleaned(self.batch.select(name))[name]

    def first_of(self, *names: str) -> pl.Series:
        """Return the first filled cell among the terms, by row."""
        columns = [self._frame[name] for name in names if name in self._frame.columns]
        return pl.select(pl.coalesce(*columns)).to_series() if columns else self._nothing

    def silent(self) -> pl.Series:
        """Tell which rows have nothing in any known term: the only ones that can be blank."""
        if not self._frame.width:
            return pl.repeat(value=True, n=self.height, eager=True)
        return self._frame.select(pl.all_horizontal(pl.all().is_null())).to_series()

    def accepted(self) -> dict[str, pl.Series]:
        """Tell by term in which rows an accepted proposal stands in the place of the cell."""
        return {
            term: self.batch[f"{WRITTEN}{term}"].is_not_null()
            for term in self.terms
            if f"{WRITTEN}{term}" in self.batch.columns
        }

    def keep(self, rows: pl.Series) -> "Stated":
        """Return the rows where `rows` is True."""
        kept = Stated.__new__(Stated)
        kept.terms, kept.unknown = self.terms, self.unknown
        kept.batch = self.batch.filter(rows)
        kept._frame = self._frame.filter(rows) if self._frame.width else self._frame
        kept.height = kept.batch.height
        kept._nothing = self._nothing.head(kept.height)
        return kept

    def frame(self, names: Sequence[str]) -> pl.DataFrame:
        """Return the cells of those of the terms that any cell is filled of."""
        return self._frame.select(name for name in names if name in self._frame.columns)

    def verbatim(self) -> pl.DataFrame:
        """Return the verbatim layer without its administration: known terms as `v_…`, other headings as JSON."""
        batch = as_written(self.batch)
        columns = [pl.col(term).alias(f"v_{term}") for term in self.terms]
        filled = [name for name in sorted(self.unknown) if batch[name].null_count() < self.height]
        if filled:
            columns.append(json_object(filled).alias("other"))
        return batch.select(*ADMINISTRATION, *columns)


def as_written(batch: pl.DataFrame) -> pl.DataFrame:
    """Return a batch with every cell as somebody wrote it: what was accepted in its place is gone."""
    written = [name for name in batch.columns if name.startswith(WRITTEN)]
    own = [term for term in (name.removeprefix(WRITTEN) for name in written) if term in batch.columns]
    cells = [pl.coalesce(f"{WRITTEN}{term}", term).alias(term) for term in own]
    cells = [pl.when(cell != "").then(cell) for cell in cells]  # an empty cell was written as nothing
    return batch.with_columns(cells).drop(written)


def json_object(names: Sequence[str]) -> pl.Expr:
    """Write a JSON object of the cells that are filled, null where none is: a heading without a cell states nothing."""
    pairs = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(name).struct.json_encode().str.slice(1).str.strip_suffix("}")
        )
        for name in names
    ]
    stated = pl.any_horizontal(pl.col(name).is_not_null() for name in names)
    body = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    return pl.when(stated).then(pl.concat_str(pl.lit("{"), body, pl.lit("}")))


def _cleaned(frame: pl.DataFrame) -> pl.DataFrame:
    """Return text without white space around its cells, placeholders as null, composed (NFC)."""
    if not frame.width:
        return frame
    # Stripping costs three times what it costs to see that there is nothing to strip: in ASCII, "!" is the first sign
    # behind white space and control characters.
    every = pl.all()
    last = every.cast(pl.Binary).bin.get(-1, null_on_oob=True)
    plain = every.str.len_bytes().sum() == every.str.len_chars().sum()
    tight = ~((every < "!") | (last < ord("!"))).any()
    is_plain, is_tight = frame.select(plain).row(0, named=True), frame.select(tight).row(0, named=True)
    stripped = frame.with_columns(
        pl.col(name).str.strip_chars(_AROUND).str.normalize("NFC")
        for name in frame.columns
        if not (is_plain[name] and is_tight[name])
    )
    nothing = {name: pl.col(name).is_in(_nothing(name)) for name in frame.columns}
    has_nothing = stripped.select(mask.any().alias(name) for name, mask in nothing.items()).row(0, named=True)
    return stripped.with_columns(
        pl.when(~nothing[name]).then(name).alias(name) for name in frame.columns if has_nothing[name]
    )


def _nothing(term: str) -> list[str]:
    """Return what stands for nothing in the cells of a term."""
    return [*PLACEHOLDERS] if term in _COUNTRY_TERMS else [*PLACEHOLDERS, NA]


# Verbatim tables whose headings differ from file to file: the same thing found under whichever name it stands.

# Verbatim tables whose headings differ from file to file: the same thing found under whichever name it stands.

OWN_COLUMNS = frozenset({"source_file", "source_row", "geometry"})
"""Columns that the reader added; an attribute of such a name came with `_` behind it."""


class Headings:
    """A verbatim table asked for columns by lower-case names."""

    def __init__(self, batch: pl.DataFrame) -> None:
        self.batch = batch
        self.columns = {name.lower(): name for name in batch.columns if name not in OWN_COLUMNS}

    def has(self, *names: str) -> bool:
        """Return whether the table has all of these columns."""
        return all(name in self.columns for name in names)

    def values(self, *candidates: str, nothing: Collection[str] = ()) -> list[str | None]:
        """Return the values of the first candidate that the table has; None for blanks and for words for nothing."""
        column = next((self.columns[name] for name in candidates if name in self.columns), None)
        if column is None:
            return [None] * self.batch.height
        values = (clean(value) for value in self.batch[column].to_list())
        return [None if value in nothing else value for value in values]


def clean(value: str | None) -> str | None:
    """Return the value in Unicode's composed form without blanks around it; None for nothing."""
    return (unicodedata.normalize("NFC", value).strip() or None) if value is not None else None


_DIGITS: Final = 12
"""Significant digits of a number that a repair tells: what lies behind them is how computers add, not what was read."""
REPAIR_ROWS: Final = pl.Schema(
    {"row": pl.UInt32, "term": pl.String, "value": pl.String, "rule": pl.String, "applied": pl.Boolean}
)


@dataclass(frozen=True)
class Findings:
    """What one step found out about a batch of n rows.

    Attributes
    ----------
    columns : mapping of str to Series
        Interpreted columns by term, n rows each.
    flags : mapping of str to Series
        By flag, True for the rows that have that doubt; null counts as False.
    repairs : list of DataFrame
        Frames of `REPAIR_ROWS`; `row` counts from 0 in the batch.
    """

    columns: Mapping[str, pl.Series] = field(default_factory=dict)
    flags: Mapping[str, pl.Series] = field(default_factory=dict)
    repairs: list[pl.DataFrame] = field(default_factory=list)


def repairs(
    where: pl.Series, term: str, value: pl.Series, rule: str | pl.Series, *, applied: bool | pl.Series
) -> pl.DataFrame:
    """Note a repair of `term` for the rows where `where` is True.

    Parameters
    ----------
    where : Series of bool, length n
        The rows; null counts as False.
    term : str
        The term whose value was changed, or could be.
    value : Series, length n
        The new value.
    rule : str or Series of str, length n
        The rule that gave it.
    applied : bool or Series of bool, length n
        False for a proposal.

    Returns
    -------
    polars.DataFrame of `REPAIR_ROWS`
    """
    if not where.any():
        return pl.DataFrame(schema=REPAIR_ROWS)
    rule_column = rule.alias("rule") if isinstance(rule, pl.Series) else pl.lit(rule).alias("rule")
    applied_column = applied.alias("applied") if isinstance(applied, pl.Series) else pl.lit(applied).alias("applied")
    if value.dtype.is_float():
        value = value.round_sig_figs(_DIGITS)
    rows = pl.DataFrame({"where": where, "value": value.cast(pl.String)}).with_row_index("row")
    rows = rows.with_columns(pl.lit(term).alias("term"), rule_column, applied_column).filter("where")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in REPAIR_ROWS.items())


def quality_flags(parts: Iterable[Findings], height: int) -> pl.Series:
    """Return for each of `height` rows the names of its doubts, in the order of `biodata.core.flags`; none is an empty list.

    Raises
    ------
    KeyError
        If a step set a flag that `biodata.core.flags` does not have.
    """
    masks: dict[str, pl.Series] = {}
    for part in parts:
        for name, mask in part.flags.items():
            if mask.any():
                masks[FLAGS[name].name] = mask | masks[name] if name in masks else mask
    if not (names := [name for name in FLAGS if name in masks]):
        return pl.repeat([], height, dtype=pl.List(pl.String), eager=True).alias("quality_flags")
    # Few combinations occur among many rows: each becomes a number of bits, and the lists are made once a number.
    # 32 flags a number: any count of flags fits into a few of them.
    table = pl.DataFrame({name: masks[name].fill_null(value=False) for name in names})
    groups = [names[i : i + 32] for i in range(0, len(names), 32)]
    codes = table.select(
        pl.sum_horizontal(pl.col(name).cast(pl.Int64) * (1 << bit) for bit, name in enumerate(group)).alias(str(g))
        for g, group in enumerate(groups)
    )
    distinct = codes.unique()
    lists = [
        [name for g, group in enumerate(groups) for bit, name in enumerate(group) if code[g] >> bit & 1]
        for code in distinct.iter_rows()
    ]
    known = distinct.with_columns(pl.Series("quality_flags", lists, dtype=pl.List(pl.String)))
    return codes.join(known, on=codes.columns, how="left", maintain_order="left")["quality_flags"]


def repairs_column(parts: Iterable[Findings], height: int) -> pl.Series:
    """Return for each of `height` rows the list of its repairs; null where there is none.

    Raises
    ------
    KeyError
        If a step noted a rule that `harmonise.rules` does not have.
    """
    if not (frames := [frame for part in parts for frame in part.repairs if not frame.is_empty()]):
        return pl.Series("repairs", [None], dtype=pl.List(REPAIR)).new_from_index(0, height)
    noted = pl.concat(frames)
    rules.check(noted["rule"].unique())
    listed = noted.group_by("row", maintain_order=True).agg(
        pl.struct("term", "value", "rule", "applied").alias("repairs")
    )
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(listed, on="row", how="left", maintain_order="left")["repairs"]
