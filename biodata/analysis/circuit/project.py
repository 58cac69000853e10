"""What a Circuitscape project asks for: its .ini file with meaning, its files found, its pairs of focal nodes.

Options after https://docs.circuitscape.org/Circuitscape.jl/latest/options/.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.circuit.flows import POLICIES
from biodata.analysis.grid import Ints
from biodata.core.errors import InputError
from biodata.formats.circuitscape import Setting, number, read_lines, read_settings

SCENARIOS: Final = ("pairwise", "advanced", "one-to-all", "all-to-one")
"""What can be run."""
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})
_DEFAULTS: Final = {
    "connect_four_neighbors_only": False, "connect_using_avg_resistances": False, "ground_file_is_resistances": True,
    "habitat_map_is_resistances": True, "use_direct_grounds": False, "use_included_pairs": False, "use_mask": False,
    "use_polygons": False, "use_reclass_table": False, "use_unit_currents": False,
    "use_variable_source_strengths": False, "compress_grids": False, "log_transform_maps": False,
    "set_focal_node_currents_to_zero": False, "set_null_currents_to_nodata": False,
    "set_null_voltages_to_nodata": False, "write_as_tif": False, "write_cum_cur_map_only": False,
    "write_cur_maps": False, "write_max_cur_maps": False, "write_volt_maps": False,
}  # fmt: skip
_FILES: Final = frozenset({"habitat_file", "point_file", "source_file", "ground_file"})
"""Keys of files that a data type or a scenario asks for by itself."""
_RASTERS: Final = {"polygon_file": "use_polygons", "mask_file": "use_mask", "reclass_file": "use_reclass_table"}
_ONE_SIDED: Final = frozenset({"one-to-all", "all-to-one"})
_CHOSEN: Final = {
    **_RASTERS,
    "included_pairs_file": "use_included_pairs",
    "variable_source_file": "use_variable_source_strengths",
}
"""Keys of files, and what has to be true for them to be read."""
_WITHOUT_EFFECT: Final = frozenset(
    """version solver precision use_64bit_indexing cholmod_batch_size residual_tolerance parallelize max_parallel
    low_memory_mode preemptive_memory_release print_timings print_rusages screenprint_log log_file log_level
    profiler_log_file suppress_messages point_file_contains_polygons""".split()
)
"""Keys that change nothing in what comes out: solver, memory and threads are chosen here."""
_OTHER: Final = frozenset({"scenario", "data_type", "remove_src_or_gnd", "output_file"})


@dataclass(frozen=True)
class Project:
    """A project that can be run.

    Attributes
    ----------
    ini : Path
        Its file.
    scenario : str
        One of `SCENARIOS`.
    is_network : bool
        Whether the habitat is a network and no raster.
    policy : str
        One of `circuit_advanced.POLICIES`.
    prefix : str
        What the names of all output files start with.
    flags : dict of str to bool
        The options that are true or false, by their keys.
    files : dict of str to Path
        The files that the run reads, by their keys.
    settings : dict of str to Setting
        As they stand in the file.
    notes : tuple of str
        What a user should know: keys without a meaning, files found elsewhere.
    """

    ini: Path
    scenario: str
    is_network: bool
    policy: str
    prefix: str
    flags: dict[str, bool]
    files: dict[str, Path]
    settings: dict[str, Setting] = field(repr=False)
    notes: tuple[str, ...] = ()


def read_project(ini: Path) -> Project:
    """Read a project's .ini file and find its files.

    Paths are looked for in the folder of the .ini, in those above it, and in the current one: they are relative to
    where Circuitscape was started. An absolute path that is not on this machine is looked for by its last parts.

    Raises
    ------
    InputError
        If a value has no meaning (with row and key), or a file that the run reads is nowhere (with all that miss).
    """
    settings = read_settings(ini)
    flags = {key: _flag(ini, settings.get(key), default) for key, default in _DEFAULTS.items()}
    data_type = _choice(ini, settings.get("data_type"), ("raster", "network"), "raster")
    scenario = _choice(ini, settings.get("scenario"), SCENARIOS, "")
    is_network = data_type == "network"
    if is_network and scenario in _ONE_SIDED:
        _refuse(ini, settings["scenario"], "networks are run pairwise or advanced", "pairwise or advanced")
    wanted = {"habitat_file"} | ({"source_file", "ground_file"} if scenario == "advanced" else {"point_file"})
    wanted |= {key for key, flag in _CHOSEN.items() if flags[flag] and _matters(key, scenario, is_network=is_network)}
    notes = [
        f"{setting.key} in row {setting.row} is no option of Circuitscape and is left aside"
        for setting in settings.values()
        if setting.key not in {*_DEFAULTS, *_FILES, *_CHOSEN, *_WITHOUT_EFFECT, *_OTHER}
    ]
    files = _find(ini, settings, sorted(wanted), notes)
    return Project(
        ini=ini, scenario=scenario, is_network=is_network,
        policy=_choice(ini, settings.get("remove_src_or_gnd"), POLICIES, "keepall"),
        prefix=_prefix(ini, settings.get("output_file")), flags=flags, files=files, settings=settings,
        notes=tuple(notes),
    )  # fmt: skip


def _matters(key: str, scenario: str, *, is_network: bool) -> bool:
    """Return whether a file that the options choose is read at all: projects keep options of other scenarios."""
    if key in _RASTERS:
        return not is_network
    return scenario in _ONE_SIDED if key == "variable_source_file" else scenario != "advanced"


def is_placeholder(value: str) -> bool:
    """Return whether a value is what Circuitscape writes where nothing was chosen."""
    return value.lower() in {"", "none", "not entered"} or value.startswith("(")


def _flag(ini: Path, setting: Setting | None, default: bool) -> bool:
    """Return an option that is true or false."""
    if setting is None or setting.value.lower() in {"none", "not entered"}:
        return default
    value = setting.value.lower()
    if value not in _TRUE | _FALSE:
        problem = "the option is neither true nor false (Circuitscape 5 took every such word for False)"
        _refuse(ini, setting, problem, "True or False")
    return value in _TRUE


def _choice(ini: Path, setting: Setting | None, choices: tuple[str, ...], default: str) -> str:
    """Return an option that is one of some words."""
    if setting is None or is_placeholder(setting.value):
        if default:
            return default
        problem = "the project does not tell its scenario"
        expected = f"scenario = {' or '.join(choices)}"
        raise InputError(problem, file=ini.name, column="scenario", expected=expected, code="CIRCUIT_OPTION_INVALID")
    value = setting.value.lower().replace("_", "-")
    if value not in choices:
        _refuse(ini, setting, "there is no such option", ", ".join(choices))
    return value


def _prefix(ini: Path, setting: Setting | None) -> str:
    """Return what the names of output files start with: the output file's name without .out."""
    if setting is None or is_placeholder(setting.value):
        return ini.stem
    name = re.split(r"[\\/]", setting.value)[-1]
    return name.split(".out")[0] or ini.stem


def _find(ini: Path, settings: dict[str, Setting], wanted: list[str], notes: list[str]) -> dict[str, Path]:
    """Return the paths of the files; refuse the project with all that are missing."""
    found, missing = {}, []
    folder = ini.resolve().parent
    folders = [folder, *folder.parents, Path.cwd()]
    for key in wanted:
        setting = settings.get(key)
        if setting is None or is_placeholder(setting.value):
            missing.append((key, setting, "is not told"))
            continue
        if (path := _look(setting.value, folders)) is None:
            missing.append((key, setting, f"{setting.value!r} is not there"))
            continue
        if _is_absolute(setting.value) and path != Path(setting.value):
            notes.append(f"{key} in row {setting.row}: {path} is taken for {setting.value}")
        found[key] = path
    if missing:
        text = "; ".join(f"{key} {what}" for key, _, what in missing)
        first = missing[0][1]
        problem = f"the project names files that are missing: {text}"
        raise InputError(
            problem, file=ini.name, row=first.row if first else None, column=missing[0][0],
            expected=f"paths from {folder}, from a folder above it or from the current folder",
            code="CIRCUIT_FILE_MISSING",
        )  # fmt: skip
    return found


def _look(value: str, folders: list[Path]) -> Path | None:
    """Return the first file of that path."""
    parts = [part for part in re.split(r"[\\/]+", value) if part not in {"", "."}]
    absolute = _is_absolute(value)
    tried = [Path(value)] if absolute else []
    starts = range(len(parts)) if absolute else range(1)
    tried += [folder.joinpath(*parts[start:]) for start in starts for folder in folders]
    for path in tried:
        try:
            if path.is_file():
                return path
        except OSError:  # a name that this system cannot have
            continue
    return None


def _is_absolute(value: str) -> bool:
    """Return whether a path starts at a root, here or on Windows."""
    return value.startswith(("/", "\\\\")) or bool(re.match(r"[A-Za-z]:", value))


def _refuse(ini: Path, setting: Setting, problem: str, expected: str) -> NoReturn:
    """Refuse a value, with its place."""
    raise InputError(
        problem, file=ini.name, row=setting.row, column=setting.key, value=setting.value, expected=expected,
        code="CIRCUIT_OPTION_INVALID",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PairList:
    """Circuitscape's file of included or excluded pairs.

    Attributes
    ----------
    ids : frozenset of int
        Focal nodes that the file names.
    listed : frozenset of (int, int)
        A focal node and one that it is listed with: pairs stand in both orders, a matrix as it is written.
    excludes : bool
        Whether the listed pairs are those to leave out.
    """

    ids: frozenset[int]
    listed: frozenset[tuple[int, int]]
    excludes: bool

    def keeps(self, focal: int) -> bool:
        """Return whether a focal node takes part at all: those that a list of inclusions does not name are dropped."""
        return self.excludes or focal in self.ids

    def partners(self, ids: Ints) -> NDArray[np.bool_]:
        """Return for each focal node, in the rows, which others it is analysed with."""
        found = [[a != b and ((int(a), int(b)) in self.listed) != self.excludes for b in ids] for a in ids]
        return np.array(found, dtype=bool).reshape(ids.size, ids.size)


def everybody(ids: Ints) -> NDArray[np.bool_]:
    """Return that every focal node is analysed with all others."""
    return ~np.eye(ids.size, dtype=bool)


def read_pairs(path: Path) -> PairList:
    """Read a file of pairs in either of its two forms.

    `mode include` or `mode exclude` and then two ids in each row (a 0 names no partner); or `min` and `max` and then a
    matrix with ids in its first row and column, in which values between the two include a pair.

    Raises
    ------
    InputError
        If the file has neither form, with row and value.
    """
    lines = read_lines(path)
    heading = [word.lower() for word in lines[0][1]] if lines else []
    if len(heading) == 2 and heading[0] == "mode" and heading[1] in {"include", "exclude"}:
        return _list(lines[1:], heading[1] == "exclude", path)
    if heading[:1] == ["min"] and len(lines) > 2 and lines[1][1][0].lower() == "max":
        return _matrix(lines, path)
    problem = "the file of pairs starts with neither mode nor min"
    raise InputError(
        problem, file=path.name, row=lines[0][0] if lines else 1, value=" ".join(heading),
        expected="mode include, mode exclude, or min and max", code="PAIRS_HEADING_INVALID",
    )  # fmt: skip


def _list(lines: list[tuple[int, list[str]]], excludes: bool, path: Path) -> PairList:
    """Read rows of two ids."""
    ids, listed = set(), set()
    for row, words in lines:
        if len(words) < 2:
            problem = "the row has one id"
            raise InputError(problem, file=path.name, row=row, value=words[0], code="LIST_ROW_SHORT")
        a, b = (int(number(word, file=path.name, row=row, column=at + 1)) for at, word in enumerate(words[:2]))
        ids |= {a, b} - {0}
        if a and b:
            listed |= {(a, b), (b, a)}
    return PairList(frozenset(ids), frozenset(listed), excludes)


def _matrix(lines: list[tuple[int, list[str]]], path: Path) -> PairList:
    """Read a matrix of values, of which those between min and max include a pair."""
    low, high = (
        number(words[1] if len(words) > 1 else "", file=path.name, row=row, column=2) for row, words in lines[:2]
    )
    table = [
        [number(word, file=path.name, row=row, column=at + 1) for at, word in enumerate(words)]
        for row, words in lines[2:]
    ]
    ids = [int(value) for value in table[0][1:]] if table else []
    listed = set()
    for (row, _), values in zip(lines[3:], table[1:], strict=True):
        if len(values) != len(ids) + 1:
            problem = f"the row of the matrix has {len(values)} values"
            raise InputError(problem, file=path.name, row=row, expected=str(len(ids) + 1), code="PAIRS_MATRIX_INVALID")
        # A value above the highest counts as 0, which the lowest may include.
        included = [(0.0 if value > high else value) >= low for value in values[1:]]
        listed |= {(int(values[0]), other) for other, is_in in zip(ids, included, strict=True) if is_in}
    return PairList(frozenset(ids), frozenset(listed), excludes=False)
