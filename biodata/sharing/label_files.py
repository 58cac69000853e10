"""Which datasets, events and records carry a community's label: kept with the sharing rules."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NoReturn

import polars as pl

from biodata.errors import InputError
from biodata.sharing.labels import label_called, labels

COLUMNS: Final = ("label", "dataset", "event", "key", "community", "project", "valid_until")
_OWN: Final = "community_labels"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A community put a label on something.

    Attributes
    ----------
    label : str
        The label's code.
    dataset : str
        datasetKey; by itself all of its records carry the label.
    event : str, optional
        eventID; its records, and those of events that are part of it, carry the label.
    key : int, optional
        The record's number; it alone carries the label.
    community : str, optional
        Whose label it is.
    project : str, optional
        Identifier of the project at Local Contexts Hub.
    valid_until : date, optional
        The last day that it holds; None until it is taken away.
    """

    label: str
    dataset: str
    event: str | None = None
    key: int | None = None
    community: str | None = None
    project: str | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class LabelSet:
    """The labels that hold.

    Attributes
    ----------
    assignments : tuple of Assignment
    """

    assignments: tuple[Assignment, ...] = ()

    @classmethod
    def of(cls, assignments: Iterable[Assignment], *, day: date) -> "LabelSet":
        """Return those of some labels that hold on a day."""
        return cls(tuple(sorted({a for a in assignments if a.valid_until is None or day <= a.valid_until}, key=str)))

    def added(self, occurrences: pl.DataFrame) -> pl.DataFrame:
        """Return records with all their labels in `community_labels`: those that they came with, and those put on them.

        Parameters
        ----------
        occurrences : polars.DataFrame of n rows
            Columns of `terms.OCCURRENCE`. Where the columns that tell an event or a key are not among them, all records
            of the dataset carry the label: none that has it is taken for one without.
        """
        if not self.assignments:
            return occurrences
        frame = occurrences.with_row_index("_row")
        parts = [self._of(frame, "dataset", {"datasetKey": "dataset"})]
        for column in ("eventID", "parentEventID"):
            parts.append(self._of(frame, "event", {"datasetKey": "dataset", column: "event"}))
        parts.append(self._of(frame, "key", {"datasetKey": "dataset", "key": "key"}))
        if _OWN in frame.columns:
            told = frame.select("_row", label=pl.col(_OWN).cast(pl.List(pl.String))).explode("label")
            parts.append(told.drop_nulls("label"))
        found = pl.concat(parts).group_by("_row").agg(pl.col("label").unique().sort().alias(_OWN))
        return frame.drop(_OWN, strict=False).join(found, on="_row", how="left", maintain_order="left").drop("_row")

    def _of(self, frame: pl.DataFrame, level: str, on: Mapping[str, str]) -> pl.DataFrame:
        """Return row and label of what is labelled at one level: dataset, event or key."""
        chosen = [a for a in self.assignments if _level(a) == level]
        there = {column: name for column, name in on.items() if column in frame.columns}
        table = pl.DataFrame(
            [(a.label, a.dataset, a.event, a.key) for a in chosen],
            schema={"label": pl.String, "dataset": pl.String, "event": pl.String, "key": pl.Int64},
            orient="row",
        ).select("label", *(pl.col(name).alias(f"_{name}") for name in there.values()))
        rows = frame.select("_row", *there)
        right = [f"_{name}" for name in there.values()]
        if not there:
            return rows.join(table.unique(), how="cross").select("_row", "label")
        return rows.join(table.unique(), left_on=list(there), right_on=right, how="inner").select("_row", "label")


def _level(assignment: Assignment) -> str:
    return "key" if assignment.key is not None else "event" if assignment.event is not None else "dataset"


def read_labels(text: str, *, file: str) -> tuple[Assignment, ...]:
    """Read labels from the text of a CSV file, those whose time is over too.

    Raises
    ------
    InputError
        If it is not valid, with file, row, column and value; nothing is taken from it then.
    """
    try:
        reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(str(error), file=file, code="LABELS_INVALID") from error
    heading = list(reader.fieldnames or [])
    if unknown := [name for name in heading if name not in COLUMNS]:
        expected = f"columns are {', '.join(COLUMNS)}"
        problem = "this column is unknown"
        raise InputError(problem, file=file, row=1, column=unknown[0], expected=expected, code="LABELS_INVALID")
    return tuple(assignment(row, file=file, row=number) for number, row in rows)


def assignment(told: Mapping[str, str | None], *, file: str | None = None, row: int | None = None) -> Assignment:
    """Read one assignment by the columns of the file.

    Raises
    ------
    InputError
        If a value is not valid, or label or dataset is missing.
    """
    values = {name: (told.get(name) or "").strip() or None for name in COLUMNS}

    def refuse(column: str, problem: str, expected: str) -> NoReturn:
        raise InputError(
            problem, file=file, row=row, column=column, value=values[column] or "", expected=expected,
            code="LABELS_INVALID",
        )  # fmt: skip

    code = label_called(values["label"] or "")
    if code is None:
        refuse("label", "no label of Local Contexts", f"one of {', '.join(labels())}")
    if values["dataset"] is None:
        refuse("dataset", "this value is missing", "the key of a dataset")
    key, until = values["key"], values["valid_until"]
    if key is not None and not (key.isascii() and key.isdigit()):
        refuse("key", "no number of a record", "digits")
    if key is not None and values["event"] is not None:
        refuse("event", "an event and a record at once", "one of them")
    try:
        last = date.fromisoformat(until) if until is not None else None
    except ValueError:
        refuse("valid_until", "no date", "a day as 2027-01-31")
    return Assignment(
        code,
        values["dataset"],
        values["event"],
        int(key) if key else None,
        values["community"],
        values["project"],
        last,
    )


def cells(assignments: Iterable[Assignment]) -> list[dict[str, str]]:
    """Return assignments as the file writes them."""
    return [{name: "" if (value := getattr(a, name)) is None else str(value) for name in COLUMNS} for a in assignments]
