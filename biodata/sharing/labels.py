"""Labels of communities: the TK and BC labels of Local Contexts, and what each asks of whoever shows the records.

https://localcontexts.org/labels/about-the-labels/. The meanings are ours, in few words; a community words its own labels.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.vocabularies import SharingCategory

RULE_START: Final = "label:"
"""How the rule of a label is called in a published record: `label:TK-CS`."""

_DECISION: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "row": pl.UInt32,
    "category": pl.String,
    "rule_id": pl.String,
    "reason": pl.String,
    "categories": pl.List(pl.String),
}
_CODE: Final = re.compile(r"\b(TK|BC)[\s_-]([A-Z]{1,3})\b")
_ADDRESS: Final = re.compile(r"localcontexts\.org/labels?/([a-z-]+)", re.IGNORECASE)
_NO_LETTER: Final = re.compile(r"[^a-z]+")


class LabelKind(StrEnum):
    """What a label is about, as Local Contexts groups them."""

    PROVENANCE = "provenance"
    PROTOCOL = "protocol"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Attributes
    ----------
    code : str
        As it is written here: `TK-SS`.
    name : str
        Its name at Local Contexts.
    kind : LabelKind
        What it is about.
    category : SharingCategory
        How a record that carries it is published, whatever the rules say.
    non_commercial : bool
        True where it forbids commerce, and so makes the licence stricter.
    meaning : str
        What it asks for, in one sentence.
    """

    code: str
    name: str
    kind: LabelKind
    category: SharingCategory
    non_commercial: bool
    meaning: str

    @property
    def address(self) -> str:
        """Its page."""
        slug = _NO_LETTER.sub("-", self.name.lower()).strip("-")
        return f"https://localcontexts.org/label/{slug}/"


@cache
def labels() -> Mapping[str, Label]:
    """Return every label by its code."""
    text = files("biodata.data").joinpath("community_labels.csv").read_text("utf-8")
    return MappingProxyType(
        {
            row["code"]: Label(
                row["code"],
                row["name"],
                LabelKind(row["kind"]),
                SharingCategory(row["category"]),
                bool(row["non_commercial"]),
                row["meaning"],
            )
            for row in csv.DictReader(text.splitlines())
        }
    )


def label_called(text: str) -> str | None:
    """Return the code of one label by its code, name or page in any spelling; None where it is none.

    Examples
    --------
    >>> label_called("TK Secret / Sacred (TK SS)"), label_called("bc_p"), label_called("TK-XY")
    ('TK-SS', 'BC-P', None)
    """
    plain = _NO_LETTER.sub("-", re.sub(r"\(.*\)", "", text).lower()).strip("-")
    by_spelling = _spellings()
    found = by_spelling.get(plain)
    told = in_text(text)
    return found or (told[0] if len(told) == 1 else None)


def in_words(codes: Iterable[str]) -> str:
    """Return labels in sentences with their names, pages and meanings; nothing for none."""
    known = labels()
    told = [
        f"{known[code].name} ({code}), {known[code].address}: {known[code].meaning}" if code in known else f"{code}."
        for code in sorted(codes)
    ]
    return f"Labels of communities stay with the records: {' '.join(told)}" if told else ""


def in_text(text: str) -> list[str]:
    """Return the codes of the labels that a text about rights names, sorted, each once."""
    known, by_spelling = labels(), _spellings()
    found = {f"{kind}-{letters}" for kind, letters in _CODE.findall(text)}
    pages = {by_spelling.get(slug.lower().strip("-")) for slug in _ADDRESS.findall(text)}
    return sorted((found & known.keys()) | {code for code in pages if code})


def in_texts(texts: pl.Series) -> pl.Series:
    """Return the labels that each text names.

    Parameters
    ----------
    texts : Series of String, length n

    Returns
    -------
    Series of List(String), length n
        Null where none is named.
    """
    distinct = [text for text in texts.unique().to_list() if text is not None]
    named = {text: found for text in distinct if (found := in_text(text))}
    made = [named.get(text) for text in texts.to_list()] if named else [None] * len(texts)
    return pl.Series(texts.name, made, dtype=pl.List(pl.String))


def category_of(codes: Iterable[str]) -> SharingCategory:
    """Return how a record with these labels is published: the strictest; a label that nobody knows withholds it."""
    known = labels()
    found = (known[code].category if code in known else SharingCategory.WITHHELD for code in codes)
    return max(found, key=lambda category: category.strictness, default=SharingCategory.OPEN)


def gate(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Find the records that a label makes less than open.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        With or without `community_labels`.

    Returns
    -------
    polars.DataFrame, sorted by row
        row, category, rule_id, reason, categories as `decide` tells them.
    """
    if "community_labels" not in occurrences.columns:
        return pl.DataFrame(schema=_DECISION)
    told = (
        occurrences.select(pl.col("community_labels").cast(pl.List(pl.String)))
        .with_row_index("row")
        .explode("community_labels")
        .drop_nulls("community_labels")
    )
    distinct = sorted(told["community_labels"].unique())
    gates = [(code, category_of([code])) for code in distinct]
    table = pl.DataFrame(
        [(c, str(g), g.strictness, label_reason(c)) for c, g in gates if g is not SharingCategory.OPEN],
        schema={"community_labels": pl.String, "category": pl.String, "strict": pl.Int64, "reason": pl.String},
        orient="row",
    )
    return (
        told.join(table, on="community_labels", how="inner")
        .sort("row", pl.col("strict"), "community_labels", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("category", "reason").first(),
            rule_id=RULE_START + pl.col("community_labels").first(),
            categories=pl.col("category").unique(maintain_order=True),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in _DECISION.items())
    )


def label_reason(code: str) -> str:
    """Return why a label makes a record less than open, in words that are published."""
    known = labels().get(code)
    return f"{known.name}: {known.meaning}" if known else "a label of a community that is not known here"


@cache
def _spellings() -> Mapping[str, str]:
    """Return codes by every way to write them in lower case with hyphens."""
    found = {}
    for code, label in labels().items():
        found[code.lower()] = code
        found[_NO_LETTER.sub("-", label.name.lower()).strip("-")] = code
    return MappingProxyType(found)
