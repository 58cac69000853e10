"""Corridors and candidates as an engine of kept runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from biodata import run_records
from biodata.errors import InputError
from biodata.run_engines.work import Outcome, Work
from biodata.run_records import RunInput
from biodata.settings import Settings

if TYPE_CHECKING:
    from biodata.runs import Request, RunReport


def run(work: Work) -> Outcome:
    """Find corridors and candidates over a layer of the installation, as `runs.find_corridors` does.

    The parameters are those of `runs.Request`.
    """
    from biodata import runs

    try:
        request = runs.Request(**{**work.parameters, "seed": work.seed})
    except TypeError as error:
        problem = "the parameters are not those of a run of corridors"
        raise InputError(
            problem, value=str(error), expected="layer, resistance, …", code="PARAMETERS_INVALID"
        ) from error
    report = runs.find_corridors(work.settings, request, executor=work.executor, progress=work.progress)
    return outcome_of(work.settings, request, report)


def outcome_of(settings: Settings, request: "Request", report: "RunReport") -> Outcome:
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
        tables = {
            name: lake.read(name).filter(pl.col("run_id") == report.run_id)
            for name in ("corridors", "reserve_candidates", "considered_ground")
        }
        areas = lake.read("protected_areas", snapshot=report.snapshot)
    keys = {"corridors": "corridor_id", "reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
    results = {
        name: frame.with_columns(_without_run("evidence")).drop("run_id").sort(keys[name])
        for name, frame in tables.items()
    }
    facts = report.parameters
    inputs = (
        RunInput("layer", facts["layer_sha256"], request.layer),
        RunInput("resistance", facts["resistance_sha256"], Path(request.resistance).name),
        RunInput("protected_areas", run_records.table_hash(areas), f"lake {report.snapshot}"),
        RunInput("rules", facts["rules"], "sharing rules"),
    )
    return Outcome(inputs, results, report.snapshot, (f"{report.pairs} pairs, {report.corridors} corridors",))


def _without_run(column: str) -> pl.Expr:
    """Return evidence without the facts of the run itself, which tell the lake's version."""

    def strip(text: str) -> str:
        return json.dumps({k: v for k, v in json.loads(text).items() if k != "run"}, ensure_ascii=False, sort_keys=True)

    return pl.col(column).map_elements(strip, return_dtype=pl.String)
