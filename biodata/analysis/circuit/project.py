"""What a Circuitscape project asks for: its .ini file with meaning, and its files found.

Options after https://docs.circuitscape.org/Circuitscape.jl/latest/options/.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from biodata.analysis.circuit.advanced import POLICIES
from biodata.errors import InputError
from biodata.formats.circuitscape import Setting, read_settings

SCENARIOS: Final = ("pairwise", "advanced", "one-to-all", "all-to-one")
"""What can be run."""
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off", ""})
_DEFAULTS: Final = {
    "connect_four_neighbors_only": False,
    "connect_using_avg_resistances": False,
    "ground_file_is_resistances": True,
    "habitat_map_is_resistances": True,
    "use_direct_grounds": False,
    "use_included_pairs": False,
    "use_mask": False,
    "use_polygons": False,
    "use_reclass_table": False,
    "use_unit_currents": False,
    "use_variable_source_strengths": False,
    "compress_grids": False,
    "log_transform_maps": False,
    "set_focal_node_currents_to_zero": False,
    "set_null_currents_to_nodata": False,
    "set_null_voltages_to_nodata": False,
    "write_as_tif": False,
    "write_cum_cur_map_only": False,
    "write_cur_maps": False,
    "write_max_cur_maps": False,
    "write_volt_maps": False,
}
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
        ini=ini,
        scenario=scenario,
        is_network=is_network,
        policy=_choice(ini, settings.get("remove_src_or_gnd"), POLICIES, "keepall"),
        prefix=_prefix(ini, settings.get("output_file")),
        flags=flags,
        files=files,
        settings=settings,
        notes=tuple(notes),
    )


def _matters(key: str, scenario: str, *, is_network: bool) -> bool:
    """Tell whether a file that the options choose is read at all: projects keep options of other scenarios."""
    if key in _RASTERS:
        return not is_network
    return scenario in _ONE_SIDED if key == "variable_source_file" else scenario != "advanced"


def is_placeholder(value: str) -> bool:
    """Tell whether a value is what Circuitscape writes where nothing was chosen."""
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
        path = _look(setting.value, folders)
        if path is None:
            missing.append((key, setting, f"{setting.value!r} is not there"))
            continue
        if _is_absolute(setting.value) and path != Path(setting.value):
            notes.append(f"{key} in row {setting.row}: {path} is taken for {setting.value}")
        found[key] = path
    if missing:
        told = "; ".join(f"{key} {what}" for key, _, what in missing)
        first = missing[0][1]
        problem = f"the project names files that are missing: {told}"
        raise InputError(
            problem,
            file=ini.name,
            row=first.row if first else None,
            column=missing[0][0],
            expected=f"paths from {folder}, from a folder above it or from the current folder",
            code="CIRCUIT_FILE_MISSING",
        )
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
    """Tell whether a path starts at a root, here or on Windows."""
    return value.startswith(("/", "\\\\")) or bool(re.match(r"[A-Za-z]:", value))


def _refuse(ini: Path, setting: Setting, problem: str, expected: str) -> NoReturn:
    """Refuse a value, with its place."""
    raise InputError(
        problem,
        file=ini.name,
        row=setting.row,
        column=setting.key,
        value=setting.value,
        expected=expected,
        code="CIRCUIT_OPTION_INVALID",
    )
