"""What engines that ask about a run of corridors have in common: its inputs, and how their results come beside its own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from biodata.run_engines.work import Outcome, Work, path_of, told_of
from biodata.run_records import RunInput
from biodata.runs.results import put_finding
from biodata.runs.standing import Standing
from biodata.store.lake import Lake
from biodata.vocabularies import EvidenceView

Short = Callable[[dict[str, Any], str, Mapping[str, Any]], Mapping[str, Any]]


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
