"""The results of runs in the lake: under which names they stand there, and what may be seen of them."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import places, sharing, terms
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.vocabularies import CandidateCriterion, EvidenceView

RESULTS: Final = MappingProxyType(
    {"corridors": "corridor_id", "reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
)
"""The tables of a run of corridors, and the column that names a row."""


def read_results(settings: Settings, table: str) -> pl.DataFrame:
    """Return what a run's results look like once the sharing rules let them out.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : str
        `corridors`, `reserve_candidates`, `considered_ground` or `protected_areas`.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_TABLES[table]`
    """
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return sharing.publish_results(table, lake.read(table), boundaries=boundaries)


def ranked_anew(candidates: pl.DataFrame, criteria: Sequence[str]) -> pl.DataFrame:
    """Return candidates with the front and rank that they have by some criteria alone, run by run.

    Parameters
    ----------
    candidates : polars.DataFrame of n rows
        As `read_results` gives them: what is ranked is what was published of them.
    criteria : sequence of str
        Names of criteria; all where there are none.

    Returns
    -------
    polars.DataFrame of n rows
        In the order of run and rank; `rank`, `front`, `acceptability`, `within_first`, and `ranking` of `evidence` are
        new, everything else is as it was.
    """
    from biodata.analysis.candidates import ranking

    rows: list[dict[str, Any]] = []
    for _, run in candidates.sort("run_id", "rank").group_by("run_id", maintain_order=True):
        old = run.to_dicts()
        card = json.loads(old[0]["evidence"])["ranking"]
        values = [{name: part["value"] for name, part in json.loads(row["parts"]).items()} for row in old]
        chosen = criteria or tuple(CandidateCriterion)
        for told in ranking.rank(values, draws=card["draws"], seed=card["seed"], first=card["first"], criteria=chosen):
            row = old[told.pop("position")]
            evidence = json.loads(row["evidence"]) | {"ranking": told}
            new = {name: told[name] for name in ("rank", "front", "acceptability", "within_first")}
            rows.append(row | new | {"evidence": json.dumps(evidence, ensure_ascii=False, sort_keys=True)})
    return pl.DataFrame(rows, schema=candidates.schema)


def held_back(settings: Settings, table: str = "reserve_candidates") -> int:
    """Count the rows that stay in the installation, since they were made of exact records."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        stored = lake.read(table, columns=["evidence_view"])
    return stored.filter(pl.col("evidence_view").fill_null(str(EvidenceView.EXACT)) != EvidenceView.PUBLIC).height


def run_id_of(parameters: dict[str, Any]) -> str:
    """Return a short name that two runs share only if they were asked the same of the same."""
    text = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    return f"{parameters['layer']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def named(frame: pl.DataFrame, run_id: str, key: str, layer: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """Put the run's name into the rows, and its parameters into their evidence."""
    told = json.dumps({"run": parameters}, ensure_ascii=False, sort_keys=True)
    evidence = pl.col("evidence").map_elements(lambda text: _merge(text, told), return_dtype=pl.String)
    return frame.with_columns(pl.lit(run_id).alias("run_id"), (pl.lit(f"{layer}-") + pl.col(key)).alias(key), evidence)


def _merge(first: str, second: str) -> str:
    """Return two JSON objects as one."""
    return json.dumps({**json.loads(first), **json.loads(second)}, ensure_ascii=False, sort_keys=True)


def commit(lake: Lake, table: str, frame: pl.DataFrame, key: str, layer: str) -> None:
    """Put the results in the place of those that an earlier run over the layer gave."""
    stored = lake.read(table)
    others = stored.filter(~pl.col("run_id").str.contains(f"^{re.escape(layer)}-[0-9a-f]{{12}}$"))
    whole = pl.concat([others, terms.conform(frame, terms.TABLES[table])])
    lake.commit_table(table, whole, key=key, scope={}, author="runs", message=f"{table} over {layer}")


def facts_of(evidence: str) -> dict[str, Any]:
    """Return the facts of the run that a row's evidence tells."""
    found: dict[str, Any] = json.loads(evidence)["run"]
    return found


def put_finding(
    lake: Lake, run_id: str, kind: str, found: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
) -> int:
    """Put what was found over a run beside its results: it leaves with them, and only if they may leave.

    Parameters
    ----------
    lake : Lake
    run_id : str
        The run, as its rows name it; its evidence view is that of the finding.
    kind : str
        `validation`, `uncertainty` or `scenarios`; an earlier one of the kind is replaced.
    found : callable of table and row to mapping
        What is told of a row.

    Returns
    -------
    int
        How many rows tell it now.
    """
    count = 0
    for table, key in RESULTS.items():
        rows = lake.read(table).filter(pl.col("run_id") == run_id)
        texts = []
        for row in rows.iter_rows(named=True):
            evidence = json.loads(row["evidence"])
            evidence["findings"] = {**evidence.get("findings", {}), kind: dict(found(table, row))}
            texts.append(json.dumps(evidence, ensure_ascii=False, sort_keys=True))
        if texts:
            rows = rows.with_columns(evidence=pl.Series(texts))
            lake.commit_table(table, rows, key=key, scope=None, author="runs", message=f"{kind} of {run_id}")
        count += len(texts)
    return count
