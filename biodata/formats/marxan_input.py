"""Marxan's input.dat: keywords and values among free text, and where the files that it names lie; the tables of a project."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.formats import encodings
from biodata.formats.encodings import utf8_blocks

# Source: input.cpp of Marxan 4, https://github.com/Marxan-source-code/marxan
USED: Final = frozenset(
    (
        "BLM CM RANDSEED NUMREPS SCENNAME INPUTDIR OUTPUTDIR PUNAME SPECNAME PUVSPRNAME BOUNDNAME CONNECTIONNAME "
        "BLOCKDEFNAME PENALTYNAME MISSLEVEL ASYMMETRICCONNECTIVITY BESTFIELDNAME SAVERUN SAVEBEST SAVESUMMARY SAVESCEN "
        "CLUMPTYPE SAVETARGMET SAVESUMSOLN SAVELOG SAVESOLUTIONSMATRIX SAVEPENALTY SAVETOTALAREAS SAVERICHNESS SAVESPEC SAVEPU SOLUTIONSMATRIXHEADERS VERSION VERBOSITY MATRIXSPORDERNAME"
    ).split()
)
ANNEALING: Final = frozenset(
    "PROP NUMITNS STARTTEMP COOLFAC NUMTEMP RUNMODE ITIMPTYPE HEURTYPE BESTSCORE STARTDECTHRESH ENDDECTHRESH "
    "STARTDECMULT ENDDECMULT QAPROP QADECAY QADECAYB QADECAYTYPE THRESHPEN1 THRESHPEN2".split()
)
"""They steer simulated annealing; an exact solution needs none of them."""
UNSUPPORTED: Final = frozenset("COSTTHRESH CONNECTIVITYIN CONNECTIONFILESNAME PROBABILITYWEIGHTING".split())
SAVES: Final = ("SAVERUN", "SAVEBEST", "SAVESUMMARY", "SAVETARGMET", "SAVESUMSOLN")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What input.dat says.

    Attributes
    ----------
    path : Path
    values : dict of str to str
        By keyword in capital letters; the last where one stands twice.
    rows : dict of str to int
        Where each stands.
    notes : tuple of str
        What is not done as Marxan would.
    """

    path: Path
    values: dict[str, str]
    rows: dict[str, int]
    notes: tuple[str, ...]

    def number(self, name: str, default: float, *, least: float | None = None) -> float:
        """Return a keyword's number.

        Raises
        ------
        InputError
            If it is no number, or too low.
        """
        if name not in self.values:
            return default
        try:
            value = float(self.values[name])
        except ValueError:
            value = float("nan")
        if value != value or (least is not None and value < least):  # not a number
            problem = "the value cannot be taken"
            expected = "a number" if least is None else f"a number of {least:g} or more"
            raise InputError(
                problem, file=self.path.name, row=self.rows[name], column=name, value=self.values[name],
                expected=expected, code="NUMBER_INVALID",
            )  # fmt: skip
        return value


def read_inputs(folder: Path) -> Inputs:
    """Read the input.dat of a project.

    Parameters
    ----------
    folder : Path
        The project's folder, or the file itself.

    Raises
    ------
    InputError
        If there is none.
    """
    path = folder if folder.is_file() else _in_folder(folder, "input.dat")
    if path is None:
        problem = "the folder has no input.dat" if folder.is_dir() else "there is no such folder"
        raise InputError(problem, file=str(folder), expected="a Marxan project", code="FILE_MISSING")
    raw = path.read_bytes()
    text = raw.decode(encodings.choose(raw, file=path.name)).lstrip("\ufeff")
    values: dict[str, str] = {}
    rows: dict[str, int] = {}
    unknown: list[str] = []
    known = USED | ANNEALING | UNSUPPORTED
    for row, line in enumerate(text.splitlines(), 1):
        if (found := re.match(r"\s*([A-Za-z][A-Za-z0-9]*)[ \t=,]+(\S.*?)\s*$", line)) is None:
            continue
        name, value = found[1].upper(), found[2].strip("\"'")
        if name in known:
            values[name], rows[name] = value, row
        elif found[1].isupper() and " " not in value:
            unknown.append(name)
    return Inputs(path, values, rows, _notes(values, unknown))


def _notes(values: dict[str, str], unknown: list[str]) -> tuple[str, ...]:
    """Tell which keywords are not followed."""
    notes = []
    if annealing := sorted(ANNEALING & values.keys()):
        notes.append(f"input.dat: {', '.join(annealing)}: not needed by an exact solution")
    for name in sorted(UNSUPPORTED & values.keys()):
        if not re.fullmatch(r"[+-]?0*\.?0*([eE][+-]?\d+)?", values[name]):
            notes.append(f"input.dat: {name} {values[name]} is not supported and is left out")
    ignored = sorted(
        {name for name in unknown if not re.match(r"SAVE|RIMAGE|REXEC|RCLUST|RBINARY|ANNEALINGTRACE|ITIMPTRACE", name)}
    )
    if ignored:
        notes.append(f"input.dat: {', '.join(ignored)}: no keyword that is known; left out")
    if extra := sorted(name for name in unknown if name.startswith("SAVE")):
        notes.append(f"input.dat: {', '.join(extra)}: these files are not written")
    return tuple(notes)


def input_folder(inputs: Inputs) -> tuple[Path, str | None]:
    """Return where the tables lie, and a note where that is not what input.dat says.

    A path of Windows is read as such; one that is not on this machine is looked for by its last parts beside input.dat.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    base = inputs.path.parent
    if (text := inputs.values.get("INPUTDIR")) is None:
        usual = _in_folder(base, "input")
        return (usual if usual is not None and usual.is_dir() else base), None
    direct = Path(text.replace("\\", "/"))
    if (base / direct).is_dir():
        return base / direct, None
    parts = [
        part for part in PureWindowsPath(text).parts if part not in ("\\", "/") and not part.endswith((":\\", ":"))
    ]
    for first in range(len(parts)):
        found: Path | None = base
        for part in parts[first:]:
            found = _in_folder(found, part) if found is not None else None
        if found is not None and found.is_dir():
            note = (
                None if first == 0 and "\\" not in text[:3] else f"input.dat: INPUTDIR {text} is read as {found.name}"
            )
            return found, note
    problem = "there is no such folder here"
    raise InputError(
        problem, file=inputs.path.name, row=inputs.rows["INPUTDIR"], column="INPUTDIR", value=text,
        expected=f"a folder that exists, from {base} on", code="FOLDER_MISSING",
    )  # fmt: skip


def find_file(inputs: Inputs, folder: Path, keyword: str, defaults: tuple[str, ...]) -> Path | None:
    """Return the file that a keyword names, or one of the usual names; None where none is named and none is there.

    Raises
    ------
    InputError
        If a file is named that does not exist.
    """
    text = inputs.values.get(keyword)
    for name in (text,) if text is not None else defaults:
        found: Path | None = folder
        for part in PureWindowsPath(name).parts if "\\" in name else Path(name).parts:
            found = _in_folder(found, part) if found is not None else None
        if found is not None and found.is_file():
            return found
        if Path(name).is_file():
            return Path(name)
    if text is None:
        return None
    problem = f"there is no such file in {folder}"
    raise InputError(
        problem, file=inputs.path.name, row=inputs.rows[keyword], column=keyword, value=text, code="FILE_MISSING"
    )


def _in_folder(folder: Path, name: str) -> Path | None:
    """Return the entry of that name, letters' case aside, as Windows has it."""
    if (folder / name).exists():
        return folder / name
    if not folder.is_dir():
        return None
    alike = sorted(path for path in folder.iterdir() if path.name.lower() == name.lower())
    return alike[0] if alike else None


# The tables of a Marxan project: text with commas, tabs, semicolons or blanks, in any order of columns.
ROW: Final = "source_row"
_SEPARATORS: Final = ("\t", ",", ";")
_ANY_SEPARATOR: Final = re.compile(rb"[ \t]*[,;\t][ \t]*|[ \t]+")
_NUMBER: Final = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands.

    Attributes
    ----------
    file : str
        What it is called in errors.
    frame : polars.DataFrame
        `source_row` (the line in the file), then the columns in small letters, as text; empty values are null.
    has_heading : bool
        False where the first line is numbers already, which Marxan takes for `puvspr` and `bound`.
    """

    file: str
    frame: pl.DataFrame
    has_heading: bool


def read_table(path: Path, *, file: str, columns: Sequence[str] = ()) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
    file : str
        Named in errors.
    columns : sequence of str
        Names of the columns of a file without a heading.

    Raises
    ------
    InputError
        If the file is empty, a column stands twice, or a row has more values than the heading.
    """
    with path.open("rb") as stream:
        encoding = encodings.choose(encodings.sample_of(stream), file=file)
    with path.open("rb") as stream:
        text = b"".join(utf8_blocks(stream, encoding=encoding, file=file))
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if not (filled := [number for number, line in enumerate(lines, 1) if line.strip(b" \t,;")]):
        problem = "the file is empty"
        raise InputError(problem, file=file, expected="a heading and rows", code="INPUT_EMPTY")
    first = lines[filled[0] - 1]
    following = lines[filled[1] - 1] if len(filled) > 1 else first
    separator = _separator(first, following)
    if separator is not None and separator * 2 in first.strip(b" " + separator):
        # Several separators in a row are one, as Marxan has it: columns lined up with tabs.
        lines = [re.sub(re.escape(separator) + b"+", separator, line) for line in lines]
        first = lines[filled[0] - 1]
    names = [name.strip().strip('"').strip().lower() for name in _split(first, separator)]
    has_heading = not columns or not all(_NUMBER.match(name) for name in names)
    if not has_heading:
        names = [*columns[: len(names)], *(f"column {place}" for place in range(len(columns) + 1, len(names) + 1))]
    while names and not names[-1]:
        names.pop()  # the heading ends with a separator
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        problem = "the heading names this column twice"
        raise InputError(problem, file=file, row=filled[0], column=twice[0], code="HEADING_REPEATED")
    rows = filled[1:] if has_heading else filled
    return Table(file, _frame(lines, rows, names, separator, file), has_heading)


def _separator(heading: bytes, following: bytes) -> bytes | None:
    """Return what stands between values; None where it is blanks, or differs from line to line."""
    for separator in map(str.encode, _SEPARATORS):
        if separator in heading:
            same = separator in following or heading.strip().count(separator) == 0
            return separator if same or not following.strip() else None
    return None


def _split(line: bytes, separator: bytes | None) -> list[str]:
    """Return the values of a line."""
    parts = _ANY_SEPARATOR.split(line.strip()) if separator is None else line.split(separator)
    return [part.decode() for part in parts]


def _frame(lines: list[bytes], rows: list[int], names: list[str], separator: bytes | None, file: str) -> pl.DataFrame:
    """Return the rows as text, each with its line."""
    if not rows:
        return pl.DataFrame(
            {ROW: [], **{name: [] for name in names}}, schema={ROW: pl.Int64, **dict.fromkeys(names, pl.String)}
        )
    if separator is None:
        body = b"\n".join(_ANY_SEPARATOR.sub(b"\t", lines[row - 1].strip()) for row in rows)
        separator = b"\t"
    else:
        body = b"\n".join(lines[row - 1].strip(b" ") for row in rows)
    try:
        frame = pl.read_csv(
            io.BytesIO(body), has_header=False, new_columns=names, schema_overrides=dict.fromkeys(names, pl.String),
            separator=separator.decode(), infer_schema=False, truncate_ragged_lines=False,
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        frame = None
    if frame is None or frame.width != len(names) or frame.height != len(rows):
        frame = _row_by_row(lines, rows, names, separator, file)
    cleaned = frame.select(pl.all().str.strip_chars(' \t"').replace("", None))
    return cleaned.select(pl.Series(ROW, rows, dtype=pl.Int64), pl.all())


def _row_by_row(lines: list[bytes], rows: list[int], names: list[str], separator: bytes, file: str) -> pl.DataFrame:
    """Return the rows, some of them shorter than the heading; refuse longer ones."""
    found: dict[str, list[str | None]] = {name: [] for name in names}
    for row in rows:
        line = lines[row - 1].strip(b" ")
        values = _split(line, separator) if separator in line else _split(line, None)
        while len(values) > len(names) and not values[-1].strip():
            values.pop()
        if len(values) > len(names):
            problem = f"the row has {len(values)} values and the heading {len(names)}"
            raise InputError(problem, file=file, row=row, value=line.decode(), code="ROW_TOO_LONG")
        for place, name in enumerate(names):
            found[name].append(values[place] if place < len(values) else None)
    return pl.DataFrame(found, schema=dict.fromkeys(names, pl.String))


def rename(table: Table, synonyms: Mapping[str, str]) -> Table:
    """Return the table with other names for some columns, where the wanted one is not there yet."""
    known = set(table.frame.columns)
    changes = {old: new for old, new in synonyms.items() if old in known and new not in known}
    return Table(table.file, table.frame.rename(changes), table.has_heading)


def require(table: Table, columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column."""
    if missing := [name for name in columns if name not in table.frame.columns]:
        there = ", ".join(name for name in table.frame.columns if name != ROW)
        problem = f"the table lacks the column {missing[0]}"
        raise InputError(
            problem, file=table.file, row=1, column=missing[0], expected=f"it has {there}", code="COLUMN_MISSING"
        )


def numbers(
    table: Table, column: str, *, whole: bool = False, default: float | None = None, least: float | None = None
) -> pl.Series:
    """Return a column as numbers.

    Parameters
    ----------
    table : Table
    column : str
    whole : bool
        They are whole numbers: identifiers, counts.
    default : float, optional
        Stands for a missing value or column; without it a value must be there.
    least : float, optional
        Lower ones are refused.

    Raises
    ------
    InputError
        At the first value that is missing, no number, not whole, or too low, with its row.
    """
    kind = pl.Int64 if whole else pl.Float64
    if column not in table.frame.columns:
        return pl.Series(column, [default] * table.frame.height, dtype=kind)
    text = table.frame[column]
    values = text.cast(pl.Float64, strict=False)
    wrong = text.is_not_null() & (values.is_null() | ~values.is_finite())
    expected = "a whole number" if whole else "a number"
    if default is None:
        wrong |= text.is_null()
    if whole:
        wrong |= (values != values.round()).fill_null(value=False)
    if least is not None:
        wrong |= (values < least).fill_null(value=False)
        expected += f" of {least:g} or more"
    if (place := wrong.arg_max()) is not None and wrong[place]:
        value = text[place]
        problem = "the value is missing" if value is None else "the value cannot be taken"
        raise InputError(
            problem, file=table.file, row=int(table.frame[ROW][place]), column=column, value=value, expected=expected,
            code="NUMBER_INVALID",
        )  # fmt: skip
    filled = values if default is None else values.fill_null(default)
    return filled.cast(kind).rename(column)


def refuse_twice(table: Table, keys: pl.DataFrame, what: str) -> None:
    """Refuse a row whose key stood before, with both rows."""
    repeated = keys.is_duplicated()
    if not repeated.any():
        return
    seen = keys.with_columns(table.frame[ROW], pl.Series("repeated", repeated)).filter("repeated").drop("repeated")
    earlier = seen.with_columns(pl.col(ROW).min().over(keys.columns).alias("before")).filter(
        pl.col(ROW) > pl.col("before")
    )
    row = earlier.row(0, named=True)
    value = ", ".join(str(row[name]) for name in keys.columns)
    problem = f"{what} stands in row {row['before']} already"
    raise InputError(
        problem, file=table.file, row=row[ROW], column=", ".join(keys.columns), value=value, code="ROW_REPEATED"
    )


def find_ids(table: Table, column: str, ids: pl.Series, known: pl.Series, where: str) -> pl.Series:
    """Return the place of each identifier among the known ones.

    Raises
    ------
    InputError
        At the first that is not known, with its row.
    """
    lookup = pl.DataFrame({column: known, "place": pl.int_range(known.len(), eager=True)})
    places = pl.DataFrame({column: ids}).join(lookup, on=column, how="left", maintain_order="left")["place"]
    if places.null_count():
        place = int(places.is_null().arg_max() or 0)
        problem = f"this identifier is not in {where}"
        raise InputError(
            problem, file=table.file, row=int(table.frame[ROW][place]), column=column, value=str(ids[place]),
            code="ID_UNKNOWN",
        )  # fmt: skip
    return places.cast(pl.Int64)
