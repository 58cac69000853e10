"""Corridors and candidates as an engine of kept runs."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import run_records, runs
from biodata.run_engines.work import Engine, Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput
from biodata.runs import KEYS, Request, RunReport
from biodata.settings import Settings
from biodata.vocabularies import EvidenceView

PARAMETERS: Final = Parameters(
    tuple(one.name for one in fields(Request) if one.default is MISSING),
    MappingProxyType(
        {one.name: one.default for one in fields(Request) if one.default is not MISSING and one.name != "seed"}
    ),
    paths=frozenset({"resistance", "plan", "agreements"}),
    silent=frozenset({"check_window"}),
)
"""Those of a request; the seed is told beside them."""
_NUMBERS: Final[Mapping[Any, Any]] = MappingProxyType(
    {
        float: int | float,
        float | None: int | float | None,
        EvidenceView: str,
        tuple[str, ...]: list | tuple | str,
        tuple[float, float, float, float] | None: list | tuple | None,
    }
)
_KINDS: Final[Mapping[str, Any]] = MappingProxyType(
    {one.name: _NUMBERS.get(one.type, one.type) for one in fields(Request) if one.name != "seed"}
)


def run(work: Work) -> Outcome:
    """Find corridors and candidates over a layer of the installation, as `runs.find_corridors` does.

    The parameters are those of `runs.Request`.
    """
    told: dict[str, Any] = {name: parameter(work, name, kind) for name, kind in _KINDS.items()}
    # 1000 is 1000.0 to JSON's readers, but not in the text that the lake's name of a run is made from.
    numbers = {name for name, kind in _KINDS.items() if kind in (int | float, int | float | None)}
    told |= {name: float(told[name]) for name in numbers if told[name] is not None}
    request = Request(**told, seed=work.seed)
    report = runs.find_corridors(work.settings, request, executor=work.executor, progress=work.progress)
    return outcome_of(work.settings, request, report)


def outcome_of(settings: Settings, request: Request, report: RunReport) -> Outcome:
    """Return what a run of corridors read and put into the lake.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : runs.Request
        What it was asked.
    report : runs.RunReport
        What `runs.find_corridors` returned.
    """
    from biodata.store.lake import Lake

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        tables = {name: lake.read(name).filter(pl.col("run_id") == report.run_id) for name in KEYS}
        areas = lake.read("protected_areas", snapshot=report.snapshot)
    results = {
        name: frame.with_columns(_without_run("evidence")).drop("run_id").sort(KEYS[name])
        for name, frame in tables.items()
    }
    facts = report.parameters
    inputs = (
        RunInput("layer", facts["layer_sha256"], request.layer),
        RunInput("resistance", facts["resistance_sha256"], Path(request.resistance).name),
        *(RunInput(f"layer {name}", sha256) for name, sha256 in sorted(facts["resistance_layers"].items())),
        *(
            RunInput(name, facts[f"{name}_sha256"], str(facts.get(name, name)))
            for name in ("plan", "plan_units", "agreements", "cost_layer")
            if f"{name}_sha256" in facts
        ),
        RunInput("protected_areas", run_records.table_hash(areas, settings), f"lake {report.snapshot}"),
        RunInput("rules", facts["rules"], "sharing rules"),
    )
    notes = [f"{report.pairs} pairs, {report.corridors} corridors", *([report.window] if report.window else [])]
    return Outcome(inputs, results, report.snapshot, tuple(notes))


def _without_run(column: str) -> pl.Expr:
    """Return evidence without the facts of the run itself, which tell the lake's version, and what was found over it."""

    def strip(text: str) -> str:
        kept = {name: value for name, value in json.loads(text).items() if name not in ("run", "findings")}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    return pl.col(column).map_elements(strip, return_dtype=pl.String)


ENGINE: Final = Engine(PARAMETERS, run)
