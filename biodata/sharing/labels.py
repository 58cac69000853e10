"""Labels of communities: the TK and BC labels of Local Contexts, and what each asks of whoever shows the records.

https://localcontexts.org/labels/about-the-labels/. The meanings are ours, in few words; a community words its own labels.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.vocabularies import SharingCategory
from biodata.sharing.rule import Assignment
from biodata.text.tables import read_rows

RULE_START: Final = "label:"
"""How the rule of a label is called in a published record: `label:TK-CS`."""

_OWN: Final = "community_labels"
_CODE: Final = re.compile(r"\b(TK|BC)[\s_-]([A-Z]{1,3})\b")
_ADDRESS: Final = re.compile(r"localcontexts\.org/labels?/([a-z-]+)", re.IGNORECASE)
_NO_LETTER: Final = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Attributes
    ----------
    code : str
        As it is written here: `TK-SS`.
    name : str
        Its name at Local Contexts.
    kind : str
        What it is about, as Local Contexts groups them: provenance, protocol or permission.
    category : SharingCategory
        How a record that carries it is published, whatever the rules say.
    non_commercial : bool
        True where it forbids commerce, and so makes the licence stricter.
    meaning : str
        What it asks for, in one sentence.
    """

    code: str
    name: str
    kind: str
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
    found = {}
    for row in read_rows("community_labels.csv"):
        code, category = row["code"], SharingCategory(row["category"])
        found[code] = Label(code, row["name"], row["kind"], category, bool(row["non_commercial"]), row["meaning"])
    return MappingProxyType(found)


def label_called(text: str) -> str | None:
    """Return the code of one label by its code, name or page in any spelling; None where it is none.

    Examples
    --------
    >>> label_called("TK Secret / Sacred (TK SS)"), label_called("bc_p"), label_called("TK-XY")
    ('TK-SS', 'BC-P', None)
    """
    plain = _NO_LETTER.sub("-", re.sub(r"\(.*\)", "", text).lower()).strip("-")
    names = in_text(text)
    return _spellings().get(plain) or (names[0] if len(names) == 1 else None)


def in_words(codes: Iterable[str]) -> str:
    """Return labels in sentences with their names, pages and meanings; nothing for none."""
    known = labels()
    names = [
        f"{known[code].name} ({code}), {known[code].address}: {known[code].meaning}" if code in known else f"{code}."
        for code in sorted(codes)
    ]
    return f"Labels of communities stay with the records: {' '.join(names)}" if names else ""


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
    named = {text: in_text(text) or None for text in texts.drop_nulls().unique()}
    return pl.Series(texts.name, map(named.get, texts), dtype=pl.List(pl.String))


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
        row, category, rule_id, reason as `decide` tells them.
    """
    table = _carried(occurrences)
    asked = [(code, category_of([code])) for code in table["label"].unique().sort()]
    rows = [
        (code, str(category), RULE_START + code, label_reason(code))
        for code, category in sorted(asked, key=lambda one: -one[1].strictness)
        if category is not SharingCategory.OPEN
    ]
    columns = dict.fromkeys(("label", "category", "rule_id", "reason"), pl.String)
    strictest_first = pl.DataFrame(rows, schema=columns, orient="row").with_row_index("order")
    return (
        table.join(strictest_first, on="label")
        .sort("row", "order")
        .unique("row", keep="first", maintain_order=True)
        .drop("label", "order")
    )


def _carried(records: pl.DataFrame) -> pl.DataFrame:
    """Return row and label of each label that records came with."""
    own = pl.col(_OWN) if _OWN in records.columns else pl.lit(None)
    table = records.select(label=own.cast(pl.List(pl.String))).with_row_index("row")
    return table.explode("label").drop_nulls("label")


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


@dataclass(frozen=True)
class LabelSet:
    """The labels that hold.

    Attributes
    ----------
    assignments : tuple of Assignment
    parts : tuple of Assignment
        The same labels on the events that are parts of those, however deep.
    """

    assignments: tuple[Assignment, ...] = ()
    parts: tuple[Assignment, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, assignments: Iterable[Assignment], *, day: date) -> "LabelSet":
        """Return those of some labels that hold on a day."""
        return cls(tuple(sorted({a for a in assignments if a.valid_until is None or day <= a.valid_until}, key=str)))

    def added(self, occurrences: pl.DataFrame) -> pl.DataFrame:
        """Return records with all their labels in `community_labels`: those that they came with, and those put on them.

        Parameters
        ----------
        occurrences : polars.DataFrame of n rows
            Columns of `terms.OCCURRENCE`. Where the columns that state an event or a key are not among them, all records
            of the dataset carry the label: none that has it is taken for one without.
        """
        if not self.assignments:
            return occurrences
        frame = occurrences.with_row_index("row")
        columns = {"label": pl.String, "dataset": pl.String, "event": pl.String, "key": pl.Int64}
        every = [[getattr(a, name) for name in columns] for a in (*self.assignments, *self.parts)]
        put = pl.DataFrame(every, columns, orient="row")
        of_record = pl.col("key").is_not_null()
        of_event = ~of_record & pl.col("event").is_not_null()
        parts = [_carried(occurrences)]
        for level, more in (
            (~of_record & ~of_event, {}),
            (of_event, {"eventID": "event"}),
            (of_event, {"parentEventID": "event"}),
            (of_record, {"key": "key"}),
        ):
            on = {name: text for name, text in {"datasetKey": "dataset", **more}.items() if name in frame.columns}
            named = put.filter(level).select("label", **on).unique()
            here = frame.select("row", *on)
            here = here.join(named, on=list(on)) if on else here.join(named, how="cross")
            parts.append(here.select("row", "label"))
        found = pl.concat(parts).group_by("row").agg(pl.col("label").unique().sort().alias(_OWN))
        return frame.drop(_OWN, strict=False).join(found, on="row", how="left", maintain_order="left").drop("row")
