"""Marxan's input.dat: keywords and values among free text, and where the files that it names lie."""

import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final

from biodata.core.errors import InputError
from biodata.formats import encodings

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
                problem,
                file=self.path.name,
                row=self.rows[name],
                column=name,
                value=self.values[name],
                expected=expected,
                code="NUMBER_INVALID",
            )
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
        found = re.match(r"\s*([A-Za-z][A-Za-z0-9]*)[ \t=,]+(\S.*?)\s*$", line)
        if found is None:
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
    annealing = sorted(ANNEALING & values.keys())
    if annealing:
        notes.append(f"input.dat: {', '.join(annealing)}: not needed by an exact solution")
    for name in sorted(UNSUPPORTED & values.keys()):
        if not re.fullmatch(r"[+-]?0*\.?0*([eE][+-]?\d+)?", values[name]):
            notes.append(f"input.dat: {name} {values[name]} is not supported and is left out")
    ignored = sorted(
        {name for name in unknown if not re.match(r"SAVE|RIMAGE|REXEC|RCLUST|RBINARY|ANNEALINGTRACE|ITIMPTRACE", name)}
    )
    if ignored:
        notes.append(f"input.dat: {', '.join(ignored)}: no keyword that is known; left out")
    extra = sorted(name for name in unknown if name.startswith("SAVE"))
    if extra:
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
    told = inputs.values.get("INPUTDIR")
    if told is None:
        usual = _in_folder(base, "input")
        return (usual if usual is not None and usual.is_dir() else base), None
    direct = Path(told.replace("\\", "/"))
    if (base / direct).is_dir():
        return base / direct, None
    parts = [
        part for part in PureWindowsPath(told).parts if part not in ("\\", "/") and not part.endswith((":\\", ":"))
    ]
    for first in range(len(parts)):
        found: Path | None = base
        for part in parts[first:]:
            found = _in_folder(found, part) if found is not None else None
        if found is not None and found.is_dir():
            note = (
                None if first == 0 and "\\" not in told[:3] else f"input.dat: INPUTDIR {told} is read as {found.name}"
            )
            return found, note
    problem = "there is no such folder here"
    raise InputError(
        problem,
        file=inputs.path.name,
        row=inputs.rows["INPUTDIR"],
        column="INPUTDIR",
        value=told,
        expected=f"a folder that exists, from {base} on",
        code="FOLDER_MISSING",
    )


def find_file(inputs: Inputs, folder: Path, keyword: str, defaults: tuple[str, ...]) -> Path | None:
    """Return the file that a keyword names, or one of the usual names; None where none is named and none is there.

    Raises
    ------
    InputError
        If a file is named that does not exist.
    """
    told = inputs.values.get(keyword)
    for name in (told,) if told is not None else defaults:
        found: Path | None = folder
        for part in PureWindowsPath(name).parts if "\\" in name else Path(name).parts:
            found = _in_folder(found, part) if found is not None else None
        if found is not None and found.is_file():
            return found
        if Path(name).is_file():
            return Path(name)
    if told is None:
        return None
    problem = f"there is no such file in {folder}"
    raise InputError(
        problem, file=inputs.path.name, row=inputs.rows[keyword], column=keyword, value=told, code="FILE_MISSING"
    )


def _in_folder(folder: Path, name: str) -> Path | None:
    """Return the entry of that name, letters' case aside, as Windows has it."""
    if (folder / name).exists():
        return folder / name
    if not folder.is_dir():
        return None
    alike = sorted(path for path in folder.iterdir() if path.name.lower() == name.lower())
    return alike[0] if alike else None
