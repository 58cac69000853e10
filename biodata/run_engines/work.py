"""What an engine is given and what it returns; what engines that ask about a run of corridors share."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

import polars as pl

from biodata.errors import InputError
from biodata.run_records import RunInput
from biodata.runs import standing
from biodata.runs.results import put_finding
from biodata.runs.standing import Standing
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView

Short = Callable[[dict[str, Any], str, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine is handed.

    Attributes
    ----------
    settings : Settings
        The installation.
    parameters : mapping
        Plain values; every one that the engine has.
    seed : int
        Start of every random number.
    executor : concurrent.futures.Executor or None
        Where to work: threads, processes, or what `dask.distributed.Client.get_executor` returns; None for here.
    progress : bool
        Whether to show a progress bar.
    """

    settings: Settings
    parameters: Mapping[str, Any]
    seed: int = 1
    executor: Executor | None = None
    progress: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine hands back.

    Attributes
    ----------
    inputs : tuple of RunInput
        All that it read.
    results : mapping of str to polars.DataFrame
        Its tables; no row tells when it ran or on which version of the lake.
    snapshot : int or None
        The lake's version that it read.
    notes : tuple of str
        What it said.
    """

    inputs: tuple[RunInput, ...]
    results: Mapping[str, pl.DataFrame]
    snapshot: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an engine can be asked.

    Attributes
    ----------
    needed : tuple of str
        Names of what must be told.
    defaults : mapping
        What may be left out, with what stands for it then.
    paths : frozenset of str
        Those that only tell where something lies, since what is in it is an input: the results do not follow from them,
        and they are kept whole, so that the run can be had again from any folder.
    outputs : frozenset of str
        Those that tell where to write. A run that is had again writes nothing there.
    silent : frozenset of str
        Others that the results do not follow from.
    format : int
        Version of what the tables hold. Where it grows since older tables told what is not to be told, public runs of before are
        not read any more (`running.results_of`).
    """

    needed: tuple[str, ...]
    defaults: Mapping[str, Any]
    paths: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    format: int = 1

    def filled(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters, so that one question reads the same whether or not defaults were told.

        Raises
        ------
        InputError
            If one is missing or not known (PARAMETERS_INVALID).
        """
        unknown = sorted(asked.keys() - {*self.needed, *self.defaults})
        missing = [name for name in self.needed if name not in asked]
        if unknown or missing:
            problem = "there is no such parameter" if unknown else "the parameter is missing"
            raise InputError(
                problem, column=(unknown or missing)[0], expected=", ".join((*self.needed, *self.defaults)),
                code="PARAMETERS_INVALID",
            )  # fmt: skip
        return {**self.defaults, **asked}


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs an engine.

    Attributes
    ----------
    parameters : Parameters
    run : callable
        Work to Outcome.
    put_into_run : callable, optional
        Puts an outcome beside the results of the run of corridors that it was asked about.
    """

    parameters: Parameters
    run: Callable[[Work], Outcome]
    put_into_run: Callable[[Work, Outcome], int] | None = None


def parameter(work: Work, name: str, kind: type | UnionType) -> Any:
    """Return a parameter of the kind that it must have.

    Raises
    ------
    InputError
        If it is of another kind (PARAMETERS_INVALID).
    """
    value = work.parameters[name]
    if not isinstance(value, kind):
        problem = "the parameter is of another kind"
        expected = getattr(kind, "__name__", str(kind))
        raise InputError(problem, column=name, value=str(value), expected=expected, code="PARAMETERS_INVALID")
    return value


def number(work: Work, name: str) -> float | None:
    """Return a parameter that is a number, 3 as 3.0; None where it is not told."""
    value = parameter(work, name, int | float | None)
    return None if value is None else float(value)


def path_of(work: Work, name: str) -> Path | None:
    """Return a parameter that is a path; None where it is not told."""
    value = parameter(work, name, str | None)
    return None if value is None else Path(value)


def told_table(told: Mapping[str, Any]) -> pl.DataFrame:
    """Return what a run tells as a table of one cell of JSON, so that it is kept beside the others."""
    return pl.DataFrame({"json": [json.dumps(dict(told), ensure_ascii=False, sort_keys=True, default=str)]})


def told_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return what a run tells from its tables; empty where it tells nothing."""
    found: dict[str, Any] = json.loads(tables["told"]["json"][0]) if "told" in tables else {}
    return found


def run_taken_up(work: Work, own: Sequence[str], *, has: str, files: str = "raster and areas") -> Standing:
    """Take up the run of corridors that is asked about, which takes no parameters of a planner's own files.

    Raises
    ------
    InputError
        If one of `own` is stated beside the run (OPTIONS_UNFIT), or the run cannot be taken up.
    """
    given = [name for name in own if work.parameters[name] is not None]
    if given:
        problem = f"a run has its own {has}, so it takes no {', '.join(given)}"
        raise InputError(problem, column=given[0], expected=f"run alone, or {files}", code="OPTIONS_UNFIT")
    return standing.taken_up(
        work.settings, parameter(work, "run", str), resistance=path_of(work, "resistance"), progress=work.progress
    )


def run_inputs(stood: Standing) -> tuple[RunInput, ...]:
    """Return what a run stands on, as inputs of what asks about it."""
    facts = stood.facts
    return (
        RunInput("run", _hash(stood.run_id), stood.run_id),
        RunInput("layer", facts["layer_sha256"], stood.request.layer),
        RunInput("resistance", facts["resistance_sha256"], stood.table.name),
        *(RunInput(f"layer {name}", sha256) for name, sha256 in sorted(facts["resistance_layers"].items())),
        RunInput("rules", facts["rules"], "sharing rules of the run"),
    )


def input_files(work: Work, names: Sequence[str]) -> tuple[RunInput, ...]:
    """Return the files that parameters name, as inputs."""
    told = [(name, path_of(work, name)) for name in names]
    return tuple(RunInput.of_file(name, path) for name, path in told if path is not None)


def all_files(work: Work, names: Sequence[str]) -> tuple[RunInput, ...]:
    """Return the files that parameters of lists of paths name, as inputs."""
    return tuple(
        RunInput.of_file(f"{name} {number}", Path(path))
        for name in names
        for number, path in enumerate(work.parameters[name] or [], start=1)
    )


def put(work: Work, kind: str, outcome: Outcome, short: Short) -> int:
    """Put what was found over a run of the lake beside its results.

    Parameters
    ----------
    work : Work
        Whose parameter `run` names the run; without one nothing is put anywhere.
    kind : str
        `validation`, `uncertainty` or `scenarios`.
    outcome : Outcome
        With a table `told`.
    short : callable of what is told, table and row to mapping
        What a row's report tells.

    Returns
    -------
    int
        Rows that tell it now.
    """
    told = told_of(outcome.results)
    if work.parameters.get("run") is None:
        return 0
    with Lake.open(work.settings.data, memory_limit=work.settings.memory_limit) as lake:
        return put_finding(
            lake,
            told["run"],
            kind,
            lambda table, row: short(told, table, row),
            view=EvidenceView(told["evidence_view"]),
        )


def _hash(text: str) -> str:
    """Return a checksum of a name that tells all by itself."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
