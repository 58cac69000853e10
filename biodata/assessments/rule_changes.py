"""Which results a change of the sharing rules touches: those that rest on records which the new rules hide more."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import sharing
from biodata.places import BoundarySet
from biodata.sharing import siblings
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.results import rules_of_run
from biodata.store.lake import Lake
from biodata.vocabularies import SharingCategory

KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
)
"""The tables of results that rest on records, and the column that names a row."""
_FOLDER: Final = "run_rules"
_BATCH_ROWS: Final = 200_000
_REACH_DEGREES: Final = 0.1
"""Records farther from a result's ground than about 10 km, across which two areas may face each other, are not its."""
_NAMES: Final = ("species", "scientificName")
_COLUMNS: Final = tuple(sorted({"key", *_NAMES, *LOOKED_AT, *siblings.COLUMNS}))


def remember(folder: Path, rules: sharing.RuleSet) -> None:
    """Keep the rules that a run's records were read under, so that a later set can be held against them.

    Parameters
    ----------
    folder : Path
        The installation's. A rule may tell a place, so the file is for nobody else.
    rules : RuleSet
    """
    home = folder / _FOLDER
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / f"{rules.hash}.json"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_told(rules), ensure_ascii=False), encoding="utf-8")
        part.replace(path)


def touched(
    lake: Lake, table: str, stored: pl.DataFrame, *, rules: sharing.RuleSet, boundaries: BoundarySet
) -> dict[str, tuple[str, ...]]:
    """Return, of results whose run read its records under other rules, the species that touch each.

    Parameters
    ----------
    lake : Lake
    table : str
        The table of results.
    stored : polars.DataFrame
        Its rows.
    rules : RuleSet
        Today's.
    boundaries : BoundarySet

    Returns
    -------
    dict of str to tuple of str
        By the result's name: the names of records that rules which came since hide, where the result names their species
        or they lie on or near its ground; empty where there are none, so that the result is as it would be made today.
        Results of runs whose rules are not kept, or since when a consent or a label changed, are left out.
    """
    if table not in KEYS:
        return {}
    others = stored.with_columns(made_under=rules_of_run()).filter(pl.col("made_under") != rules.hash)
    found: dict[str, tuple[str, ...]] = {}
    for (made_under,), rows in others.group_by("made_under"):
        added = _added(lake.data / _FOLDER / f"{made_under}.json", rules)
        if added is not None:
            hidden = _hidden(lake, added, boundaries)
            found |= {row[KEYS[table]]: _of_result(row, hidden) for row in rows.iter_rows(named=True)}
    return found


def _told(rules: sharing.RuleSet) -> dict[str, Any]:
    """Return rules as plain values, and a mark of the consents and labels beside them."""
    lines = [json.dumps(asdict(rule), default=str, ensure_ascii=False, sort_keys=True) for rule in rules.rules]
    beside = replace(rules, rules=()).hash
    return {"rules": lines, "beside": hashlib.sha256(beside.encode()).hexdigest()}


def _added(path: Path, rules: sharing.RuleSet) -> sharing.RuleSet | None:
    """Return today's rules that a run did not have; None where that cannot be told."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    now = _told(rules)
    if before["beside"] != now["beside"]:
        return None
    new = {line for line in now["rules"] if line not in set(before["rules"])}
    chosen = [rule for rule, line in zip(rules.rules, now["rules"], strict=True) if line in new]
    return replace(rules, rules=tuple(chosen), siblings=None)


def _hidden(lake: Lake, added: sharing.RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return names and places of the records that some rules hide, and of those that are tied to them."""
    frames = [pl.DataFrame(schema={"name": pl.String, "x": pl.Float64, "y": pl.Float64})]
    if not added.rules:
        return frames[0]
    ties = siblings.Finder()

    def rows(batch: pl.DataFrame, decided: pl.DataFrame) -> None:
        stricter = decided.filter(pl.col("category") != SharingCategory.OPEN)
        frames.append(
            batch[stricter["row"]].select(
                name=pl.coalesce(*_NAMES), x=pl.col("decimalLongitude"), y=pl.col("decimalLatitude")
            )
        )

    for batch in lake.batches("occurrences", columns=_COLUMNS, batch_rows=_BATCH_ROWS):
        decided = sharing.decide(batch, added, boundaries=boundaries)
        ties.add(batch, decided)
        rows(batch, decided)
    known = ties.found()
    if known.ties.height:
        for batch in lake.batches("occurrences", columns=_COLUMNS, batch_rows=_BATCH_ROWS):
            rows(batch, known.of(batch))
    return pl.concat(frames).unique()


def _of_result(row: Mapping[str, Any], hidden: pl.DataFrame) -> tuple[str, ...]:
    """Return the names of hidden records that a result rests on."""
    text = f"{row.get('parts') or ''} {row.get('evidence') or ''}"
    named = {name for name in hidden["name"].drop_nulls().unique() if name in text}
    if row["geometry"] is None:
        return tuple(sorted(hidden["name"].drop_nulls().unique()))
    west, south, east, north = shapely.bounds(shapely.from_wkb(row["geometry"])) + _REACH_DEGREES * np.array(
        [-1, -1, 1, 1]
    )
    near = hidden.filter(
        pl.col("x").is_null() | (pl.col("x").is_between(west, east) & pl.col("y").is_between(south, north))
    )
    return tuple(sorted(named | set(near["name"].fill_null("a record without a name"))))
