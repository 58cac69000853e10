"""What is kept of an analysis run (question, inputs, code, results), and the comparison of two runs."""

import hashlib
import hmac
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.store import checksums, private_reports
from biodata.store.checksums import code_hash
from biodata.store.folders import secret
from biodata.store.locks import file_lock
from biodata.store.registry import Registry

_SOFTWARE: Final = (
    "biodata", "numpy", "scipy", "numba", "shapely", "pyproj", "rasterio", "polars", "highspy", "ortools",
)  # fmt: skip
"""What numbers depend on besides our own code."""
_FOLDER: Final = "run_results"
_ID: Final = 12


@dataclass(frozen=True, slots=True)
class RunInput:
    """Something that a run read.

    Attributes
    ----------
    name : str
        What it is to the run: `land_cover`, `areas`, …
    sha256 : str
        Checksum of its content.
    stated : str
        Where it came from: a file's name, a layer with its version.
    """

    name: str
    sha256: str
    told: str = ""

    @classmethod
    def of_file(cls, name: str, path: Path) -> "RunInput":
        """Return a file as an input.

        Raises
        ------
        InputError
            If it cannot be read (FILE_MISSING).
        """
        try:
            with path.open("rb") as stream:
                return cls(name, hashlib.file_digest(stream, "sha256").hexdigest(), path.name)
        except OSError as error:
            problem = "the run's input cannot be read"
            raise InputError(problem, file=str(path), column=name, code="FILE_MISSING") from error


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it is kept.

    Attributes
    ----------
    id : str
        The engine's name and a hash of all that the results follow from: engine, parameters, inputs, seed, the lake's
        version and the code. The same run has the same id.
    engine : str
        What ran: corridors, circuit, network, reserves, resistance.
    parameters : dict
        Plain values for JSON.
    inputs : tuple of RunInput
    seed : int
        Start of every random number.
    snapshot : int or None
        The lake's version that was read; None where none was.
    code : str
        `store.checksums.code_hash`.
    software : dict of str to str
        Versions of what numbers depend on.
    results : dict of str to dict
        By table: `rows`, `columns`, `sha256`.
    notes : tuple of str
        What the engine said of it.
    """

    id: str
    engine: str
    parameters: dict[str, Any]
    inputs: tuple[RunInput, ...]
    seed: int
    snapshot: int | None
    code: str
    software: dict[str, str]
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> "RunRecord":
        """Return a record from what `as_dict` gave."""
        inputs = tuple(RunInput(**one) for one in told["inputs"])
        return cls(**{**told, "inputs": inputs, "notes": tuple(told["notes"])})


def describe(
    engine: str, parameters: Mapping[str, Any], inputs: tuple[RunInput, ...], *, seed: int = 1,
    snapshot: int | None = None, paths: frozenset[str] = frozenset(), silent: frozenset[str] = frozenset(),
) -> RunRecord:  # fmt: skip
    """Return a run before it has results.

    Parameters
    ----------
    engine : str
        What runs.
    parameters : mapping
        Plain values for JSON.
    inputs : tuple of RunInput
        All that is read.
    seed : int
        Start of every random number.
    snapshot : int, optional
        The lake's version that is read.
    paths : frozenset of str
        Parameters that only tell where something lies: nothing follows from that, so they are not in the id, and they
        are kept whole, so that the run can be had again from any folder.
    silent : frozenset of str
        Others that are kept and that the id does not follow from.
    """
    parameters = {name: _from_anywhere(value) if name in paths else value for name, value in parameters.items()}
    plain = json.loads(json.dumps(dict(parameters), sort_keys=True, ensure_ascii=False))
    code = code_hash()
    follows = {
        "engine": engine, "parameters": {k: _whole(v) for k, v in plain.items() if k not in paths | silent}, "inputs": [[one.name, one.sha256] for one in inputs], "seed": seed,
        "snapshot": snapshot, "code": code,
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(follows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return RunRecord(
        f"{engine}-{digest[:_ID]}", engine, plain, inputs, seed, snapshot, code, _software()
    )  # fmt: skip


def _from_anywhere(value: Any) -> Any:
    """Return a path, or paths of a list, so that they are found from any folder."""
    if isinstance(value, list):
        return [_from_anywhere(one) for one in value]
    return str(Path(value).resolve()) if isinstance(value, str) else value


def _whole(value: Any) -> Any:
    """Return a value with 1000.0 as 1000: whoever stated it by the one asks for the other."""
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def finished(
    settings: Settings, record: RunRecord, results: Mapping[str, pl.DataFrame], *, notes: tuple[str, ...] = ()
) -> RunRecord:
    """Return a run with its results' rows, columns and checksums."""
    facts = {
        name: {"rows": frame.height, "columns": frame.columns, "sha256": table_hash(frame, settings)}
        for name, frame in results.items()
    }
    return RunRecord.from_dict({**record.as_dict(), "results": facts, "notes": notes})


def keep(
    settings: Settings, record: RunRecord, results: Mapping[str, pl.DataFrame], *, notes: tuple[str, ...] = ()
) -> RunRecord:
    """Put a run and its tables into the installation; the same run again replaces it.

    Parameters
    ----------
    settings : Settings
        The installation.
    record : RunRecord
        As `describe` returns it.
    results : mapping of str to polars.DataFrame
        The tables that came out.
    notes : tuple of str
        What the engine said.

    Returns
    -------
    RunRecord
        With the results' rows, columns and checksums.
    """
    whole = finished(settings, record, results, notes=notes)
    folder = settings.data / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The same run may end twice at once; and one that was killed here leaves its part behind, which the next removes.
    with file_lock(folder / "lock", what="the folder of runs"):
        home, part = folder / record.id, folder / f"{record.id}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for name, frame in results.items():
            frame.write_parquet(part / f"{name}.parquet")
        checksums.forget_below(settings.data, home)
        shutil.rmtree(home, ignore_errors=True)
        part.replace(home)
        files = sorted(home.glob("*.parquet"))
        checksums.record(settings.data, {path.relative_to(settings.data).as_posix(): path for path in files})
    report = {**whole.as_dict(), "parameters": {**whole.parameters, "seed": whole.seed}}
    with Registry.open(settings) as registry:
        layer = whole.parameters.get("layer")
        private_reports.record_run(registry, settings.data, record.id, layer, {"record": whole.as_dict(), **report})
    return whole


def find(settings: Settings, run_id: str) -> RunRecord:
    """Return a run that was kept; the beginning of its id is enough.

    Raises
    ------
    InputError
        If there is none, or several begin so (RUN_UNKNOWN).
    """
    found = [record for record in every(settings) if record.id.startswith(run_id)]
    exact = [record for record in found if record.id == run_id]
    if len(exact or found) != 1:
        problem = f"{len(found) or 'no'} run{'s begin' if len(found) > 1 else ' is kept'} so"
        known = ", ".join(record.id for record in found[:5]) or "as `biodata runs list` tells"
        raise InputError(problem, value=run_id, expected=f"one of {known}", code="RUN_UNKNOWN")
    return (exact or found)[0]


def every(settings: Settings) -> list[RunRecord]:
    """Return every run that was kept, the oldest first."""
    with Registry.open(settings) as registry:
        reports = private_reports.run_reports(registry, settings.data)
    return [RunRecord.from_dict(report["record"]) for report in reports if report and "record" in report]


def results_of(settings: Settings, run_id: str) -> dict[str, pl.DataFrame]:
    """Return the tables that a run gave; exact, so not for the public."""
    home = settings.data / _FOLDER / run_id
    return {path.stem: pl.read_parquet(path) for path in sorted(home.glob("*.parquet"))}


def table_hash(frame: pl.DataFrame, settings: Settings) -> str:
    """Return a mark of a table's columns, types and values, whatever the order of its rows and columns.

    It is made with the installation's secret: a table may hold exact places, and by a plain hash of a few rows they
    could be found by trying. Only one installation's marks can be held against each other.
    """
    names = sorted(frame.columns)
    settings.data.mkdir(parents=True, exist_ok=True)
    digest = hmac.new(secret(settings.data), b"biodata table 1\n", "sha256")
    if not names:
        return digest.hexdigest()
    lines = frame.select(_as_text(name, frame.schema[name]) for name in names)
    rows = lines.select(pl.concat_str(pl.all().fill_null("\x00"), separator="\x1f")).to_series().sort()
    digest.update("\x1f".join(f"{name} {frame.schema[name]}" for name in names).encode())
    for row in rows:
        digest.update(b"\x1e")
        digest.update(row.encode())
    return digest.hexdigest()


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text that is the same for the same values only."""
    column = pl.col(name)
    if isinstance(dtype, pl.List):
        column = column.list.eval(pl.element().cast(pl.String)).list.join("\x1d")
    elif dtype == pl.Binary:
        column = column.bin.encode("hex")
    elif dtype in (pl.Float64, pl.Float32):
        # Every bit counts; a text of fewer digits would hide a difference.
        column = column.cast(pl.Float64).reinterpret(dtype=pl.UInt64)
    return column.cast(pl.String).alias(name)


def _software() -> dict[str, str]:
    """Return the versions of what numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _SOFTWARE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is the same and what is not.

    Attributes
    ----------
    identical : bool
        True where every table has the same rows, to the last bit.
    asked : tuple of str
        What differs in what the runs follow from: parameters, inputs, code, versions.
    found : tuple of str
        What differs in their results.
    """

    identical: bool
    asked: tuple[str, ...]
    found: tuple[str, ...]

    def message(self) -> str:
        """Return the comparison in words."""
        if self.identical:
            return "identical" + (f", although {'; '.join(self.asked)}" if self.asked else "")
        return "; ".join(("different", *self.found, *self.asked))


def compare(
    before: RunRecord, after: RunRecord, old: Mapping[str, pl.DataFrame], new: Mapping[str, pl.DataFrame]
) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    before, after : RunRecord
    old, new : mapping of str to polars.DataFrame
        Their tables.
    """
    found = []
    for name in sorted(before.results.keys() | after.results.keys()):
        one, other = before.results.get(name), after.results.get(name)
        if one is None or other is None:
            found.append(f"the table {name} is only in the {'later' if one is None else 'earlier'} run")
        elif one["sha256"] != other["sha256"]:
            found.append(_difference(name, old.get(name), new.get(name)))
    return Comparison(not found, tuple(_asked(before, after)), tuple(found))


def _asked(before: RunRecord, after: RunRecord) -> list[str]:
    """Tell in what the runs differ before they began."""
    found = [
        f"{name} was {before.parameters.get(name)!r} and is {after.parameters.get(name)!r}"
        for name in sorted(before.parameters.keys() | after.parameters.keys())
        if before.parameters.get(name) != after.parameters.get(name)
    ]
    inputs: tuple[dict[str, str], dict[str, str]] = (
        {one.name: one.sha256 for one in before.inputs},
        {one.name: one.sha256 for one in after.inputs},
    )
    found += [
        f"the input {name} is another"
        for name in sorted(inputs[0].keys() | inputs[1].keys())
        if inputs[0].get(name) != inputs[1].get(name)
    ]
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("the engine", before.engine, after.engine),
        ("the seed", before.seed, after.seed),
        ("the lake's version", before.snapshot, after.snapshot),
        ("the code", before.code[:12], after.code[:12]),
        *((name, before.software.get(name), after.software.get(name)) for name in sorted(before.software)),
    )
    return found + [f"{name} was {one} and is {other}" for name, one, other in pairs if one != other]


def _difference(name: str, old: pl.DataFrame | None, new: pl.DataFrame | None) -> str:
    """Tell how two tables of the same name differ."""
    if old is None or new is None:
        return f"{name} has other values; the earlier rows are not kept"
    if set(old.columns) != set(new.columns):
        gone, come = sorted(set(old.columns) - set(new.columns)), sorted(set(new.columns) - set(old.columns))
        return f"{name} lost the columns {', '.join(gone) or '-'} and has {', '.join(come) or '-'} more"
    if old.height != new.height:
        return f"{name} had {old.height} rows and has {new.height}"
    changed = []
    for column in old.columns:
        one, other = old[column], new[column]
        if one.dtype != other.dtype:
            changed.append(f"{column} was {one.dtype} and is {other.dtype}")
            continue
        differs = one.ne_missing(other)
        if not differs.any():
            continue
        text = f"{column} in {differs.sum()}"
        if one.dtype.is_numeric():
            most = pl.select((one.cast(pl.Float64) - other.cast(pl.Float64)).abs().max()).item()
            text += f" (by up to {most:.3g})" if most is not None else ""
        changed.append(text)
    return f"{name}, of {old.height} rows: {', '.join(changed) or 'the rows stand in another order'}"
