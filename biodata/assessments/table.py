"""The lake's table `assessments`: made anew where the records changed, counted, and put beside records."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import places, sharing
from biodata.assessments import cluster_keys as clusters
from biodata.assessments.finding import BATCH_ROWS, find
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.harmonise import suspicious
from biodata.places import BoundarySet
from biodata.sharing.publish import LOOKED_AT
from biodata.store.checksums import code_hash
from biodata.store.lake import Lake
from biodata.store.query.filters import Filter, In, InBox, Like
from biodata.text import cluster_facts

logger = logging.getLogger(__name__)

RULE_VERSION: Final = f"clusters {clusters.RULE_VERSION}"
"""Kept with every finding; another one makes `assess` look again at a lake that has not changed."""


@dataclass(frozen=True, slots=True)
class AssessReport:
    """What is known of the lake's records from all of them together.

    Attributes
    ----------
    snapshot : int
        The lake's version with these findings.
    records : int
        Records of the lake.
    flags : dict of str to int
        Records by doubt.
    clusters, clustered : int
        Clusters of records that may tell of the same thing, and the records in them.
    reasons : dict of str to int
        Records in clusters by their reasons.
    changed : bool
        False where the lake had not changed since the last time.
    """

    snapshot: int
    records: int
    flags: dict[str, int]
    clusters: int
    clustered: int
    reasons: dict[str, int] = field(default_factory=dict)
    changed: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def assess(settings: Settings, *, lake: Lake | None = None) -> AssessReport:
    """Bring the lake's table `assessments` up to date with its records.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake, optional
        Where it is open already.

    Returns
    -------
    AssessReport
        The same for the same records, however they came in.
    """
    if lake is None:
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as opened:
            return assess(settings, lake=opened)
    mark = settings.data / "assessed.json"
    state = _state(settings, lake)
    content = _read(mark)
    if content == {**state, "assessments": lake.changed_at("assessments")}:
        return _report(lake, changed=False)
    snapshot = lake.snapshot()
    columns = [*cluster_facts.COLUMNS, "year", "source_record_id", "repairs"]
    batches = lake.batches("occurrences", columns=columns, snapshot=snapshot, batch_rows=BATCH_ROWS)
    found = find(
        batches,
        rows=lake.count("occurrences", snapshot=snapshot),
        gazetteer=places.load_gazetteer(places.load_boundaries(settings.boundaries), settings.gazetteer_file),
        work=settings.data / "staging",
    )
    frame = found.with_columns(rule_version=pl.lit(RULE_VERSION))
    lake.commit_table("assessments", frame, key="key", scope={}, author="assess", message="records beside each other")
    _write(mark, {**state, "assessments": lake.changed_at("assessments")})
    report = _report(lake, changed=True)
    logger.info("%d records: %d of them in %d clusters", report.records, report.clustered, report.clusters)
    return report


def of_open(settings: Settings, lake: Lake, rules: sharing.RuleSet) -> pl.DataFrame:
    """Set the records beside each other that are open, as a release does: no hidden record plays a part.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    rules : RuleSet
        Which records are open.

    Returns
    -------
    polars.DataFrame of `terms.ASSESSMENT` without the rules' version
        Only records of which something was found. It is kept in the installation until its records, the rules or the
        code change, since every run over what is published asks for it.
    """
    mark, kept = settings.data / "assessed_open.json", settings.data / "assessed_open.parquet"
    # Names of taxa, and areas, decide beside the rules which records are open.
    judged = {table: lake.changed_at(table) for table in ("taxa", "protected_areas")}
    apart = 0 if rules.plan is None else int(rules.plan.not_open.hash().sum() or 0)
    state = {**_state(settings, lake), **judged, "sharing": rules.hash, "apart": apart, "code": code_hash()}
    content = _read(mark)
    if kept.is_file() and content == {**state, "sha256": _sha256(kept)}:
        return pl.read_parquet(kept)
    found = _found_of_open(settings, lake, rules)
    part = kept.with_name(f"{kept.name}.part")
    found.write_parquet(part)
    part.replace(kept)
    _write(mark, {**state, "sha256": _sha256(kept)})
    return found


def _found_of_open(settings: Settings, lake: Lake, rules: sharing.RuleSet) -> pl.DataFrame:
    """Set the open records beside each other, batch by batch."""
    columns = sorted({*cluster_facts.COLUMNS, "year", "source_record_id", *LOOKED_AT})
    snapshot = lake.snapshot()
    boundaries = places.load_boundaries(settings.boundaries)
    batches = (
        _open(batch, rules, boundaries).drop("repairs")
        for batch in lake.batches("occurrences", columns=columns, snapshot=snapshot, batch_rows=BATCH_ROWS)
    )
    return find(
        batches,
        rows=lake.count("occurrences", snapshot=snapshot),
        gazetteer=places.load_gazetteer(boundaries, settings.gazetteer_file),
        work=settings.data / "staging",
    )


def _open(batch: pl.DataFrame, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Return the records that no rule makes less than open, and that are not set apart."""
    decided = sharing.decide(batch, rules, boundaries=boundaries)
    opened = batch[np.setdiff1d(np.arange(batch.height), decided["row"].to_numpy())]
    return opened if rules.plan is None else opened.filter(~pl.col("key").is_in(rules.plan.not_open.implode()))


def beside_others(lake: Lake, records: pl.DataFrame, *, assessed: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add to records of the lake what the others tell of them.

    Parameters
    ----------
    lake : Lake
        Assessed before.
    records : polars.DataFrame of n rows
        With `key` and `quality_flags`.
    assessed : polars.DataFrame of `terms.ASSESSMENT`, optional
        What `of_open` found, where hidden records must play no part; else that of the lake's own table.

    Returns
    -------
    polars.DataFrame of n rows, in their order
        The doubts stand among `quality_flags`; `cluster_id` is that of `terms.ASSESSMENT`.
    """
    columns = ["key", "flags", "cluster_id"]
    whole = lake.read("assessments", columns=columns) if assessed is None else assessed.select(columns)
    found = whole.join(records.select("key"), on="key", how="semi")
    flags = found.select("key", flag="flags").explode("flag").drop_nulls("flag")
    records = suspicious.merged(records, flags.with_columns(detail=pl.lit(None, dtype=pl.String)))
    return records.join(found.drop("flags"), on="key", how="left", maintain_order="left")


def unidentified(lake: Lake, *, snapshot: int | None = None, among: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return key and source_record_id of the rows, `among` some keys, that nothing but their content identifies."""
    where = Like("source_record_id", f"{cluster_facts.CONTENT}%")
    return lake.read("occurrences", columns=["key", "source_record_id"], where=where, among=among, snapshot=snapshot)


def _report(lake: Lake, *, changed: bool) -> AssessReport:
    """Count what the lake's table tells."""
    frame = lake.read("assessments")
    flags = frame["flags"].explode().drop_nulls().value_counts().sort("count", "flags", descending=[True, False])
    clustered = frame.filter(pl.col("cluster_id").is_not_null())
    table = clustered.select(reason=pl.col("cluster_reasons").list.join("; "))
    reasons = table.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return AssessReport(
        snapshot=lake.snapshot(), records=lake.count("occurrences"), flags=dict(flags.iter_rows()),
        clusters=clustered["cluster_id"].n_unique(), clustered=clustered.height, reasons=dict(reasons.iter_rows()),
        changed=changed,
    )  # fmt: skip


def _state(settings: Settings, lake: Lake) -> dict[str, Any]:
    """Return what decides what is found of the lake's records."""
    own = settings.gazetteer_file
    return {
        "occurrences": lake.changed_at("occurrences"),
        "rules": RULE_VERSION,
        "boundaries": settings.boundaries,
        "gazetteer": _sha256(own) if own else None,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(mark: Path, facts: dict[str, Any]) -> None:
    """Note what was found of which records; the note appears whole or not at all."""
    part = mark.with_name(f"{mark.name}.part")
    part.write_text(json.dumps(facts), encoding="utf-8")
    part.replace(mark)


def _read(path: Path) -> dict[str, Any]:
    """Return what the last assessment noted; nothing where that cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


# The lake's records as a view of them allows, each with what the others tell of it.
WORLD = (-180.0, -90.0, 180.0, 90.0)


def in_view(
    settings: Settings,
    lake: Lake,
    rules: sharing.RuleSet,
    boundaries: BoundarySet,
    *,
    view: EvidenceView,
    columns: Sequence[str] | None = None,
    window: tuple[float, float, float, float] = WORLD,
    where: In | None = None,
) -> pl.DataFrame:
    """Read records as a view shows them, with doubts and clusters.

    What the lake knows of an open record beside others it may know from a hidden one (two open records are one event
    since a third, hidden one is like both; a point is used by many hidden ones). So in the public view only open records
    are set beside each other, and this is the one way in which anything reads records for a public result.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake, assessed before where the view is exact.
    rules : RuleSet
        The sharing rules.
    boundaries : BoundarySet
        Whose land the rules count.
    view : EvidenceView
    columns : sequence of str, optional
        Columns of `terms.OCCURRENCE`, those of `sharing.LOOKED_AT` among them; all where none are stated.
    window : west, south, east, north
        Degrees, WGS 84.
    where : In, optional
        Which records, in place of those of the window, by a column that is published of presences, too.

    Returns
    -------
    polars.DataFrame
        As `sharing.evidence_view` returns them, with `cluster_id`.
    """
    asked: Filter | None = where
    if where is None and window != WORLD:
        asked = InBox(*window)
    records = lake.read("occurrences", columns=columns, where=asked)
    if view is EvidenceView.EXACT:
        records = beside_others(lake, records)
    among = None if where is None else pl.col(where.column).is_in(where.values)
    shown = sharing.evidence_view(records, rules, boundaries=boundaries, view=view, window=window, among=among)
    if view is EvidenceView.EXACT:
        return shown
    return beside_others(lake, shown, assessed=of_open(settings, lake, rules))
