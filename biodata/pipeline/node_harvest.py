"""What a national node hands over, on its way into a hub: signature, number, files and records are looked at first."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import places, sharing
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.formats import node_keys
from biodata.ingest.protocol import DatasetInfo
from biodata.pipeline.report import IngestReport
from biodata.places import BoundarySet
from biodata.sharing.licences import spelt, strictest
from biodata.sharing.received import check_published
from biodata.store import audit, floor_set
from biodata.store.account_models import Node, Tombstone, Withdrawal
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.locks import file_lock
from biodata.store.models import Dataset, now
from biodata.store.purging import blank, identity_of
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force

# The folder of a national node: every file of it as the signed manifest says, or nothing is taken.
RECORDS: Final = "occurrences.parquet"
_OURS: Final = frozenset({node_keys.MANIFEST, node_keys.SIGNATURE})
_COLUMNS: Final = {c.name: c.dtype for c in terms.PUBLISHED_OCCURRENCE if c not in terms.ASSESSED}


def check_files(folder: Path, stated: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the content of the files that a manifest lists.

    Parameters
    ----------
    folder : Path
        What came.
    stated : mapping
        A manifest whose signature holds.

    Returns
    -------
    dict of str to bytes
        The content that was looked at: a file that is exchanged afterwards changes nothing.

    Raises
    ------
    InputError
        If a file is missing, changed or not listed; the message names it.
    """
    listed: Mapping[str, Any] = stated["files"]
    there = {path.name: path for path in folder.iterdir()}
    for name in sorted(set(there) - set(listed) - _OURS):
        msg = "this file is not in the manifest"
        raise _tampered(msg, folder / name, "only the files that the node signed")
    found = {}
    for name, facts in sorted(listed.items()):
        path = there.get(name)
        if path is None or path.is_symlink() or not path.is_file():
            msg = "this file of the manifest is missing"
            raise _tampered(msg, folder / name, "the folder as the node exported it")
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if len(content) != facts["bytes"] or sha256 != facts["sha256"]:
            problem = "this file is not the one that the node signed"
            expected = f"{facts['bytes']} bytes with SHA-256 {facts['sha256']}, it has {len(content)} and {sha256}"
            raise _tampered(problem, path, expected)
        found[name] = content
    if RECORDS not in found:
        msg = "this file is not in the manifest"
        raise _tampered(msg, folder / RECORDS, "an export of `biodata node export`")
    return found


def read_records(content: bytes, *, file: str) -> pl.DataFrame:
    """Return the records of a node's file as `terms.PUBLISHED_OCCURRENCE` without what a release adds.

    Raises
    ------
    InputError
        If it is no Parquet file, has a column that may not leave a node, or lacks the record's number.
    """
    try:
        frame = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, OSError):
        problem = "this is no Parquet file"
        raise InputError(problem, file=file, code="FILE_INVALID") from None
    for name in frame.columns:
        if name not in _COLUMNS:
            problem = "this column is none that is published"
            raise InputError(problem, file=file, column=name, code="COLUMN_UNKNOWN")
        if frame.schema[name] != _COLUMNS[name]:
            problem = f"this column is of type {frame.schema[name]}"
            expected = f"{_COLUMNS[name]}"
            raise InputError(problem, file=file, column=name, expected=expected, code="COLUMN_INVALID")
    for name in ("key", "datasetKey", "sharing_category"):
        if name not in frame.columns or frame[name].null_count():
            problem = "a record has none"
            raise InputError(problem, file=file, column=name, code="COLUMN_MISSING")
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in _COLUMNS.items()
    )


def _tampered(problem: str, path: Path, expected: str) -> InputError:
    return InputError(problem, file=str(path), expected=expected, code="MANIFEST_TAMPERED")


SOURCE: Final = "node"
_SHARED_BY: Final = "shared_by"
_STRICTNESS: Final = {str(category): category.strictness for category in SharingCategory}
_CELL: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_SHARED: Final = {"category": "sharing_category", "rule": "sharing_rule", **{name: name for name in _CELL}}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the register knows of a node."""

    code: str
    public_key: str
    sequence: int
    manifest: str | None


def harvest(paths: list[Path], settings: Settings, *, dry_run: bool = False) -> list[IngestReport]:
    """Take a node's export into a hub: all of it or nothing.

    The hub keeps no more of a record than what its node published of it, and of what its own rules let out: a record
    that is open at the node and sensitive here never comes into the lake with its exact place. Records that the node no
    longer shares are gone from the hub's lake, too.

    Parameters
    ----------
    paths : list of Path
        One folder for each node.
    settings : Settings
        The hub's installation.
    dry_run : bool
        Look at everything and change nothing.

    Returns
    -------
    list of IngestReport, one a folder

    Raises
    ------
    InputError
        If the node is not trusted (`NODE_UNKNOWN`), the signature or a file is not as signed (`MANIFEST_TAMPERED`), the
        manifest is older than the last one (`MANIFEST_OLDER`), or a record is none that a node may share.
    """
    if not paths:
        problem = "no folder is named"
        raise InputError(problem, expected="the folder that `biodata node export` wrote", code="FILE_MISSING")
    return [_harvest(path, settings, dry_run=dry_run) for path in paths]


def _harvest(folder: Path, settings: Settings, *, dry_run: bool) -> IngestReport:
    if not folder.is_dir():
        problem = "this is no folder"
        raise InputError(problem, file=str(folder), expected="what `biodata node export` wrote", code="FILE_MISSING")
    boundaries = places.load_boundaries(settings.boundaries)
    settings.data.mkdir(parents=True, exist_ok=True)
    # One after the other: of two at once the older manifest must not have the last word.
    with file_lock(settings.data / "harvest.lock", what="what nodes share"), Registry.open(settings) as registry:
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            if not dry_run:
                floor_set.pin(settings.data, boundaries)
            rules = rules_in_force(settings, lake, planned=False)
        known = _known(registry, folder)
        signed = node_keys.read_manifest(folder, public_pem=known.public_key)
        _check_number(known, signed, folder)
        facts = signed.told
        file = str(folder / RECORDS)
        records = read_records(check_files(folder, facts)[RECORDS], file=file)
        check_published(records, country=known.code, file=file)
        shared = records.with_columns(
            sharing_rule=pl.when(pl.col("sharing_rule").is_not_null()).then(
                pl.format("{}: {}", pl.lit(known.code), "sharing_rule")
            )
        )
        rows = _as_kept(shared, known.code, rules, boundaries)
        report = IngestReport(
            known.code, "occurrences", f"node {known.code}, manifest {facts['sequence']}", records.height
        )
        _commit(rows, known.code, settings, registry, report, facts, dry_run=dry_run)
        opened = rows["shared_as"].struct.field("category").null_count()
        less = records.height - facts["counts"]["generalised"] - opened
        if less:
            report.notes.append(f"{less} open records of the node are set apart, or withheld, by this hub's own rules")
        if not dry_run:
            _remember(registry, signed, report)
    return report


def _known(registry: Registry, folder: Path) -> _Known:
    """Return what is known of the node that a folder says it is of."""
    code = node_keys.claimed_node(folder)
    with registry.session(read_only=True) as session:
        node = session.get(Node, code[:2]) if len(code) == 2 else None
        if node is None or node.own or node.distrusted is not None:
            problem = "this node is not trusted here"
            expected = f"`biodata node trust {code[:2]} KEYFILE`, once its key's fingerprint was compared"
            raise InputError(
                problem, file=str(folder / node_keys.MANIFEST), value=code, expected=expected, code="NODE_UNKNOWN"
            )
        return _Known(node.code, node.public_key, node.sequence, node.manifest)


def _check_number(known: _Known, signed: node_keys.Signed, folder: Path) -> None:
    """Refuse a manifest that comes before the last one, or beside it."""
    number, file = signed.told["sequence"], str(folder / node_keys.MANIFEST)
    if signed.sha256 == known.manifest:
        return
    if number <= known.sequence:
        problem = "this manifest comes before one that was taken in already"
        expected = f"a number above {known.sequence}"
        raise InputError(
            problem, file=file, column="sequence", value=str(number), expected=expected, code="MANIFEST_OLDER"
        )
    if number == known.sequence + 1 and signed.told["previous"] != known.manifest:
        problem = "this manifest does not follow the last one that was taken in"
        raise InputError(problem, file=file, column="previous", expected=f"{known.manifest}", code="MANIFEST_OLDER")


def _as_kept(shared: pl.DataFrame, code: str, rules: sharing.RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return published records as the lake keeps them: what the hub's own rules let out of them, too."""
    rows = _interpreted(shared, code, boundaries)
    return _interpreted(sharing.publish(rows, rules, boundaries=boundaries), code, boundaries)


def _interpreted(published: pl.DataFrame, code: str, boundaries: BoundarySet) -> pl.DataFrame:
    """Return published records as rows of `terms.OCCURRENCE`."""
    is_open = pl.col("sharing_category") == SharingCategory.OPEN
    longitude, latitude = (
        published[name].fill_null(np.nan).to_numpy() for name in ("decimalLongitude", "decimalLatitude")
    )
    here = places.locate(longitude, latitude, boundaries)["located_country_code"]
    rows = published.with_columns(
        located_country_code=pl.when(is_open).then(here),
        node=pl.lit(code),
        source_record_id=pl.format("{}:{}", pl.lit(code), "key"),
        shared_as=pl.when(~is_open).then(pl.struct([pl.col(column).alias(name) for name, column in _SHARED.items()])),
        repairs=pl.lit(None),
    )
    return terms.conform(rows, terms.OCCURRENCE)


def _commit(
    rows: pl.DataFrame, code: str, settings: Settings, registry: Registry, report: IngestReport,
    facts: Mapping[str, Any], *, dry_run: bool,
) -> None:  # fmt: skip
    """Put the rows into the lake, and take those away that the node no longer shares."""
    emptied, taken_back = (0, 0) if dry_run else _take_back(rows, code, settings, registry)
    if emptied:
        report.notes.append(
            f"{emptied} records were taken back by their node or are coarser now: what was made of them before goes with "
            "`biodata purge`"
        )
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake, lake.staging() as staging:
        identity = ["datasetKey", "source_record_id"]
        rows = rows.with_columns(source_file=pl.lit(f"node {code}"))
        staging.add(rows, rows.select(*identity, "source_file"))
        outcome = lake.commit_occurrences(
            staging,
            author="ingest",
            message=f"ingest node: {report.source}",
            extra={"node": code, "sequence": facts["sequence"], "release": facts["release"]},
            dry_run=dry_run,
        )
    report.new, report.changed, report.unchanged = outcome.new, outcome.changed, outcome.unchanged
    report.stored, report.gone = outcome.new + outcome.changed, taken_back
    report.snapshot = None if dry_run else outcome.snapshot
    report.rows = rows.height


def _take_back(rows: pl.DataFrame, code: str, settings: Settings, registry: Registry) -> tuple[int, int]:
    """Empty the records that the node shares no longer, or now makes coarser, in every version.

    A record that became sensitive would stay with its exact place in older versions. It goes with them, and what the
    node publishes of it now comes as another record.

    Returns
    -------
    tuple of int, int
        How many were emptied, and how many of them the node shares no longer.
    """
    identity = ["datasetKey", "source_record_id"]
    strictness = (
        pl.col("shared_as").struct.field("category").replace_strict(_STRICTNESS, return_dtype=pl.Int64).fill_null(0)
    )
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake, lake.staging() as staging:
        before = lake.read(
            "occurrences", columns=[*identity, "key", "shared_as"], where=Compare("node", "=", code)
        ).with_columns(was=strictness)
        there = before.join(rows.select(*identity, will=strictness), on=identity, how="left")
        going = there.filter(pl.col("will").is_null() | (pl.col("will") > pl.col("was")))
        if going.is_empty():
            return 0, 0
        _note(registry, going, code, secret(settings.data))
        lake.commit_occurrences(
            staging,
            author="ingest",
            message=f"{going.height} records taken back by node {code}",
            gone=going.select(identity).iter_rows(),
        )
    blank(settings.data, going["key"].to_list())
    return going.height, going["will"].null_count()


def _note(registry: Registry, going: pl.DataFrame, code: str, key: bytes) -> None:
    """Put down what a node takes back, before it goes: releases, downloads and backups are purged of it then."""
    with registry.session() as session, session.begin():
        made = Withdrawal(kind=SOURCE, subject=code, reason="taken back by its node, or coarser now", by=f"node {code}",
                          records=going.height, purged={})  # fmt: skip
        session.add(made)
        session.flush()
        for dataset, identifier, number in going.select("datasetKey", "source_record_id", "key").iter_rows():
            if session.get(Tombstone, number) is None:
                # Under the node's name: a record of a file of the same dataset is no business of the node.
                identity = identity_of(key, f"node {code}", identifier)
                session.add(Tombstone(key=number, withdrawal_id=made.id, dataset=dataset, identity=identity))
        details = {"kind": SOURCE, "records": going.height}
        audit.append(session, actor=f"node {code}", action="withdraw", subject=code, details=details)


def _remember(registry: Registry, signed: node_keys.Signed, report: IngestReport) -> None:
    """Put down what was taken in: no manifest that comes before it is taken from now on."""
    facts = signed.told
    mine, others = _datasets(facts, registry)
    registry.record_datasets(mine, declarations={_SHARED_BY: facts["node"]})
    registry.record_datasets(others)
    registry.record_ingest(SOURCE, report.as_dict())
    with registry.session() as session, session.begin():
        node = session.get(Node, facts["node"])
        if node is None or node.sequence > facts["sequence"]:
            return
        again = node.manifest == signed.sha256
        node.sequence, node.manifest, node.harvested = facts["sequence"], signed.sha256, now()
        node.told = {"counts": facts["counts"], "withdrawals": facts["withdrawals"], "release": facts["release"]}
        if not again:
            details = {
                "sequence": facts["sequence"],
                "manifest": signed.sha256,
                "stored": report.stored,
                "gone": report.gone,
            }
            audit.append(session, actor=f"node {node.code}", action="node harvest", subject=node.code, details=details)


def _datasets(facts: Mapping[str, Any], registry: Registry) -> tuple[dict[str, DatasetInfo], dict[str, DatasetInfo]]:
    """Return what the manifest tells of the node's own datasets, and of those that somebody else stated of before.

    A node names no dataset of the hub, or of another node, anew; of two licences the stricter one holds.
    """
    mine: dict[str, DatasetInfo] = {}
    others: dict[str, DatasetInfo] = {}
    with registry.session(read_only=True) as session:
        for row in facts["datasets"]:
            key, known = row["key"], session.get(Dataset, row["key"])
            if known is None or known.declarations.get(_SHARED_BY) == facts["node"]:
                mine[key] = DatasetInfo(
                    key, title=row["title"], license=row["license"], citation=row["citation"], doi=row["doi"]
                )
            else:
                both = [spelt(one) for one in (known.license, row["license"]) if one]
                others[key] = DatasetInfo(key, license=strictest(both) if both else None)
    return mine, others
