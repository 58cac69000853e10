"""The results of runs in the lake: under which names they stand there, and what may be seen of them."""

import hashlib
import json
import re
from typing import Any

import polars as pl

from biodata import assessments, places, sharing, terms
from biodata.settings import Settings
from biodata.store.lake import Lake


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
    boundaries, rules = places.load_boundaries(settings.boundaries), sharing.RuleSet.read(settings.rules_file)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return assessments.published_results(lake, table, rules=rules, boundaries=boundaries)


def held_back(settings: Settings, table: str = "reserve_candidates") -> list[str]:
    """Say which results of a table are not told, and why; nothing where all are."""
    boundaries, rules = places.load_boundaries(settings.boundaries), sharing.RuleSet.read(settings.rules_file)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        counts = assessments.left_behind(lake, table, rules=rules, boundaries=boundaries)
    what = table.replace("_", " ")
    told = []
    if counts["exact"]:
        told.append(
            f"{counts['exact']} {what} were made of exact records and stay here; `biodata corridors --evidence public` "
            "makes some that may be published"
        )
    if counts["stale"]:
        told.append(
            f"{counts['stale']} {what} were made under other sharing rules, or of records that are hidden more today: they "
            "stay here until the run is made again"
        )
    return told


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
