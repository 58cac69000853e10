"""The sheets of a KoboToolbox export: submissions, and the repeats that belong to them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.formats.archives import open_archive
from biodata.formats.other_workbooks import XLS, kind_of
from biodata.formats.workbooks import read_sheets
from biodata.ingest.several_files import Part, parts

_ID: Final = re.compile(r"(?:uuid:)?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}|[1-9]\d{0,9}")
"""A UUID, or the number of a submission: neither a name nor the number of a telephone, with its 0 or its country."""
_SYSTEM: Final = frozenset({"_uuid", "_id", "_submission_time", "_index", "__version__"})
_MAX_DEPTH: Final = 8
_TEXTS: Final = (".csv", ".tsv", ".txt")
_OF_PARENT: Final = "_submission__uuid"
"""Tells the submission of a repeat; what is left where `_parent_index` was deleted."""
EVENT, PLACE_IN_PARENT = " event", " number"
"""Columns of our own: the submission that a row belongs to, and the how-manyth row of its parent it is."""


@dataclass
class Form:
    """A sheet of an export.

    Attributes
    ----------
    file : str
        The file.
    sheet : str or None
        The sheet; None for delimited text.
    parent : str or None
        The sheet that its rows are repeats of; None for submissions.
    frame : polars.DataFrame
        `source_row`, ` event`, ` number` and the columns as headed, text.
    headings : list of str
        The columns as headed.
    refusals : list of Refusal
        Rows that belong to no submission, or cannot be read.
    """

    file: str
    sheet: str | None
    parent: str | None
    frame: pl.DataFrame
    headings: list[str]
    refusals: list[Refusal]


def read_forms(path: Path, *, encoding: str | None, separator: str | None) -> list[Form]:
    """Read an export.

    Parameters
    ----------
    path : Path
        CSV, a zip of it, or XLSX with repeats as sheets.
    encoding, separator : str, optional
        Of CSV, where they are told.

    Returns
    -------
    list of Form
        Submissions first.

    Raises
    ------
    InputError
        If it cannot be read, or has none of the columns that KoboToolbox adds (KOBO_NOT_EXPORT).
    """
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    try:
        forms = (
            _sheets(path) if _is_workbook(path) else
            [_text(part, encoding, separator) for part in parts([path], suffixes=_TEXTS)]
        )  # fmt: skip
    except InputError as error:
        # What cannot be read may be anybody's name: where it stands is told, never what it is.
        raise InputError(error.problem, file=error.file, row=error.row, column=error.column, expected=error.expected,
                         code=error.code) from None  # fmt: skip
    if not any(form.parent is None and _SYSTEM & set(form.headings) for form in forms):
        problem = "this is no export of KoboToolbox"
        expected = "a column _uuid or _id"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="KOBO_NOT_EXPORT")
    submissions = [_identified(form) for form in forms if form.parent is None and _SYSTEM & set(form.headings)]
    known: dict[str, dict[str, str]] = {}
    for form in submissions:
        known.setdefault(form.sheet or "", {}).update(_by_index(form))
    told = {event.removeprefix("uuid:"): event for form in submissions for event in form.frame[EVENT]}
    waiting = [form for form in forms if form.parent is not None and "_parent_index" in form.headings]
    repeats = [_belonging(form, told, _OF_PARENT) for form in forms if form.parent is not None and form not in waiting]
    for _ in range(_MAX_DEPTH):
        ready = [form for form in waiting if form.parent in known]
        for form in ready:
            repeats.append(_belonging(form, known[form.parent or ""]))
            known[form.sheet or ""] = _by_index(repeats[-1])
        waiting = [form for form in waiting if form not in ready]
    repeats += [_belonging(form, {}) for form in waiting]
    return [*submissions, *repeats]


def _is_workbook(path: Path) -> bool:
    """Tell a workbook from delimited text, and from a zip of it."""
    with path.open("rb") as stream:
        beginning = stream.read(4)
    if beginning != b"PK\x03\x04":
        return beginning == XLS[:4]
    if kind_of(path) is not None:
        return True
    try:
        names = open_archive(path).sizes
    except InputError:
        return True  # the reader of workbooks tells what is wrong with a broken one
    return not any(PurePosixPath(name).suffix.lower() in _TEXTS for name in names)


def _text(part: Part, encoding: str | None, separator: str | None) -> Form:
    """Read delimited text; of questions with the same label the second becomes `label (2)`."""
    table = delimited.read(
        part.open,
        file=part.file,
        encoding=encoding,
        separator=separator,
        named=False,
        header_lines=0,
        of_people=True,
        without_blank=True,
    )
    frames = list(table.batches)
    if not frames:
        problem = "the file has no heading that can be read"
        raise InputError(problem, file=part.file, row=1, code="HEADING_INVALID")
    rows = pl.concat(frames)
    headings: list[str] = []
    for number, cell in enumerate(rows.row(0)[1:], 1):
        label = (cell or "").strip("\ufeff ") or f"column_{number}"
        taken = {*headings, "source_row", "source_file"}
        again = (f"{label} ({count})" for count in range(2, len(taken) + 3))
        headings.append(label if label not in taken else next(name for name in again if name not in taken))
    names = dict(zip(table.headings, headings, strict=True))
    return Form(part.file, None, None, rows[1:].rename(names), headings, table.refusals)


def _sheets(path: Path) -> list[Form]:
    """Read a workbook."""
    forms = []
    for sheet in read_sheets(path.read_bytes(), file=path.name, numbered=True):
        headings = sheet.frame.columns[1:]
        is_repeat = "_parent_index" in headings or (_OF_PARENT in headings and "_uuid" not in headings)
        told = sheet.frame["_parent_table_name"].drop_nulls() if "_parent_table_name" in headings else pl.Series()
        parent = (told[0] if told.len() else "") if is_repeat else None
        forms.append(Form(path.name, sheet.name, parent, sheet.frame, headings, []))
    main = [form.sheet or "" for form in forms if form.parent is None]
    for form in forms:
        # A sheet's name is cut at 31 letters, the name of the table that it is told by is not.
        if form.parent is not None and form.parent not in {f.sheet for f in forms}:
            cut = [name for name in main if form.parent[:20] == name[:20]] or main
            form.parent = cut[0] if len(cut) == 1 else form.parent
    return forms


def _identified(form: Form) -> Form:
    """Give each submission its identifier; without a sound one it is refused, and the value is not told."""
    frame = form.frame
    told = [pl.col(name).str.strip_chars() for name in ("_uuid", "_id") if name in form.headings]
    event = pl.coalesce(*told) if told else pl.lit(None, pl.String)
    # A number that a spreadsheet made of `_id` comes as text already.
    frame = frame.with_columns(pl.when(event.str.contains(f"^(?:{_ID.pattern})$")).then(event).alias(EVENT))
    message = "the submission has no _uuid or _id in the form that KoboToolbox gives"
    return _refused(form, frame, "_uuid", "SUBMISSION_ID_INVALID", message)


def _by_index(form: Form) -> dict[str, str]:
    """Return the identifiers of a form's submissions by the number that repeats point at."""
    if "_index" not in form.headings:
        return {}
    key = EVENT if form.parent is None else " path"
    frame = form.frame
    if form.parent is not None:
        frame = frame.with_columns((pl.col(EVENT) + "\x1f" + pl.col(PLACE_IN_PARENT)).alias(key))
    return dict(frame.select("_index", key).drop_nulls().iter_rows())


def _belonging(form: Form, parents: Mapping[str, str], pointer: str = "_parent_index") -> Form:
    """Give each repeat the submission that it belongs to, and its number in it."""
    key = pl.col(pointer).str.strip_prefix("uuid:")
    frame = form.frame.with_columns(key.replace_strict(parents, default=None, return_dtype=pl.String).alias(" path"))
    place = pl.int_range(1, pl.len() + 1).over(key).cast(pl.String)
    inner = pl.col(" path").str.splitn("\x1f", 2)
    frame = frame.with_columns(
        inner.struct.field("field_0").alias(EVENT),
        pl.concat_str(inner.struct.field("field_1"), place, separator=".", ignore_nulls=True).alias(PLACE_IN_PARENT),
    ).drop(" path")
    message = "the row points at no submission of the file"
    return _refused(form, frame, pointer, "SUBMISSION_UNKNOWN", message)


def _refused(form: Form, frame: pl.DataFrame, column: str, code: str, message: str) -> Form:
    """Return a form whose rows belong to a submission, the others refused."""
    lacking = frame.filter(pl.col(EVENT).is_null())["source_row"]
    refusals = [Refusal(form.file, row, column, None, code, message) for row in lacking]
    kept = frame.filter(pl.col(EVENT).is_not_null())
    return Form(form.file, form.sheet, form.parent, kept, form.headings, [*form.refusals, *refusals])


def submissions(forms: Sequence[Form]) -> list[Form]:
    """Return the sheets of submissions."""
    return [form for form in forms if form.parent is None]


def repeats(forms: Sequence[Form]) -> list[Form]:
    """Return the sheets of repeats."""
    return [form for form in forms if form.parent is not None]
