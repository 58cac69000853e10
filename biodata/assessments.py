"""What only the whole lake tells of a record: duplicates, and places that look wrong beside the others.

Two audiences, two runs of the same rules. `assess` looks at every record of the lake and keeps what it finds in the
lake's table `assessments`, for analyses and curators. `of_release` looks at the published rows of open records alone,
and at which of these were equal rows of a file without identifiers: what a release tells of them is a function of them.
So no link, no flag and no hidden record of a release can tell anything of a record that is generalised or withheld. Leaving out only the groups that hold such a
record would not do: two open records that plainly are one, and yet are not linked, would tell of a third.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata import places, terms
from biodata.harmonise import suspicious_sets
from biodata.matching import duplicate_facts, duplicate_groups, duplicates
from biodata.parsers import zones
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import Like
from biodata.store.staging import WorkFolder, write_part
from biodata.vocabularies import SharingCategory

logger = logging.getLogger(__name__)

RULE_VERSION: Final = f"duplicates {duplicates.RULE_VERSION}"
"""Kept with every finding; another one makes `assess` look again at a lake that has not changed."""

BUCKET_ROWS: Final = 1_000_000
"""Records of one part of the work: what bounds its memory."""
_BATCH_ROWS: Final = 200_000
_FOUND: Final = tuple(column for column in terms.ASSESSMENT if column.name != "rule_version")


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
    groups, duplicates : int
        Groups of records of one event, and the records that are left out where one of each group is enough.
    possible : int
        Pairs that may be of one event, and are left as they are.
    reasons : dict of str to int
        Records left out by the reason, without its figures.
    changed : bool
        False where the lake had not changed since the last time.
    """

    snapshot: int
    records: int
    flags: dict[str, int]
    groups: int
    duplicates: int
    possible: int
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
    own = settings.gazetteer_file
    state = {
        "occurrences": lake.changed_at("occurrences"),
        "rules": RULE_VERSION,
        "boundaries": settings.boundaries,
        "gazetteer": hashlib.sha256(own.read_bytes()).hexdigest() if own else None,
    }
    told = _read(mark)
    if told == {**state, "assessments": lake.changed_at("assessments")}:
        return _report(lake, changed=False)
    snapshot = lake.snapshot()
    columns = [*duplicate_facts.COLUMNS, "year", "source_record_id", "repairs"]
    batches = lake.batches("occurrences", columns=columns, snapshot=snapshot, batch_rows=_BATCH_ROWS)
    found = find(
        batches,
        rows=lake.count("occurrences", snapshot=snapshot),
        gazetteer=places.load_gazetteer(places.load_boundaries(settings.boundaries), settings.gazetteer_file),
        work=settings.data / "staging",
    )
    frame = found.with_columns(rule_version=pl.lit(RULE_VERSION))
    lake.commit_table("assessments", frame, key="key", scope={}, author="assess", message="records beside each other")
    part = mark.with_name(f"{mark.name}.part")
    part.write_text(json.dumps({**state, "assessments": lake.changed_at("assessments")}), encoding="utf-8")
    part.replace(mark)
    report = _report(lake, changed=True)
    logger.info("%d records: %d duplicates in %d groups", report.records, report.duplicates, report.groups)
    return report


def unidentified(lake: Lake) -> pl.DataFrame:
    """Return key and source_record_id of the rows that nothing but their content identifies."""
    where = Like("source_record_id", f"{duplicate_facts.CONTENT}%")
    return lake.read("occurrences", columns=["key", "source_record_id"], where=where)


def of_release(
    parts: Sequence[Path], *, gazetteer: places.Gazetteer, work: Path, rows_told: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return what a release may tell of its open records, from what it publishes of them.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of `terms.PUBLISHED_OCCURRENCE`.
    gazetteer : Gazetteer
        Where the seats are.
    work : Path
        Folder for intermediate files.
    rows_told : polars.DataFrame, optional
        `unidentified` of the lake: which rows are equal in every cell. Asked of open records only.

    Returns
    -------
    polars.DataFrame
        key, flags, isInCluster, duplicate_of, duplicate_reason: records with a finding.
    """
    columns = [*duplicate_facts.COLUMNS, "year"]
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    batches: Iterable[pl.DataFrame] = (
        pl.scan_parquet(part).filter(is_open).select(columns).collect() for part in parts
    )
    if rows_told is not None:
        batches = (batch.join(rows_told, on="key", how="left", maintain_order="left") for batch in batches)
    rows = sum(pl.scan_parquet(part).select(pl.len()).collect().item() for part in parts)
    found = find(batches, rows=rows, gazetteer=gazetteer, work=work)
    return found.select(
        "key",
        "flags",
        pl.col("duplicate_group").is_not_null().alias("isInCluster"),
        "duplicate_of",
        pl.col("duplicate_reasons").list.join("; ").alias("duplicate_reason"),
    )


def find(batches: Iterable[pl.DataFrame], *, rows: int, gazetteer: places.Gazetteer, work: Path) -> pl.DataFrame:
    """Set records beside each other.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        `duplicate_facts.COLUMNS` and `year` of every record; of the lake's, `source_record_id` and `repairs` too.
    rows : int
        How many there are, about.
    gazetteer : Gazetteer
        Where the seats are.
    work : Path
        Folder for intermediate files.

    Returns
    -------
    polars.DataFrame of `terms.ASSESSMENT` without the rules' version, sorted by key
        Only records of which something was found.
    """
    beside: list[pl.DataFrame] = []
    with WorkFolder(work) as scratch:
        facts = _Facts(scratch.folder, -(-max(rows, 1) // BUCKET_ROWS))
        for batch in batches:
            beside.append(batch.select(suspicious_sets.COLUMNS))
            facts.add(duplicate_facts.facts(with_utc(batch)))
        flagged = suspicious_sets.find(pl.concat(beside), gazetteer=gazetteer) if beside else None
        beside.clear()
        found = _duplicates(facts)
    if flagged is not None:
        flags = flagged.group_by("key", maintain_order=True).agg(flags="flag", details="detail")
        found = found.join(flags, on="key", how="full", coalesce=True)
    return terms.conform(found, _FOUND).sort("key")


def beside_others(lake: Lake, records: pl.DataFrame) -> pl.DataFrame:
    """Add to records of the lake what the others tell of them.

    Parameters
    ----------
    lake : Lake
        Assessed before.
    records : polars.DataFrame of n rows
        With `key` and `quality_flags`.

    Returns
    -------
    polars.DataFrame of n rows, in their order
        The doubts stand among `quality_flags`; `duplicate_group` and `duplicate_of` are those of `terms.ASSESSMENT`.
    """
    columns = ["key", "flags", "duplicate_group", "duplicate_of"]
    found = lake.read("assessments", columns=columns).join(records.select("key"), on="key", how="semi")
    flags = found.select("key", flag="flags").explode("flag").drop_nulls("flag")
    records = suspicious_sets.merged(records, flags.with_columns(detail=pl.lit(None, dtype=pl.String)))
    return records.join(found.drop("flags"), on="key", how="left", maintain_order="left")


def with_utc(records: pl.DataFrame) -> pl.DataFrame:
    """Add the instants in UTC between which each record was made.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        `eventDate`, `event_start`, `event_end`, `event_time`, `event_zone`; and `repairs`, where a zone may be proposed.

    Returns
    -------
    polars.DataFrame of n rows
        With `utc_start`, `utc_end` and `zone_told`: False where the zone is one that is only proposed.
    """
    zone = pl.col("event_zone")
    if "repairs" in records.columns:
        is_zone = (pl.element().struct.field("term") == "event_zone") & ~pl.element().struct.field("applied")
        proposed = pl.col("repairs").list.eval(pl.element().filter(is_zone).struct.field("value")).list.first()
        zone = pl.coalesce(zone, proposed)
    instants = zones.utc_interval(
        pl.col("eventDate"), pl.col("event_start"), pl.col("event_end"), pl.col("event_time"), zone
    )
    return records.with_columns(*instants, zone_told=pl.col("event_zone").is_not_null())


class _Facts:
    """The facts of every record in files, by species, so that no more than a part need be in memory."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder, self._buckets = folder, buckets
        self._files: list[list[Path]] = [[] for _ in range(buckets)]

    def add(self, facts: pl.DataFrame) -> None:
        """Put the facts of a batch aside."""
        numbered = facts.with_columns(bucket=(pl.col("species").fill_null(0) % self._buckets).cast(pl.Int64))
        for (number,), part in numbered.partition_by("bucket", as_dict=True, include_key=False).items():
            files = self._files[number]
            files.append(self._folder / f"facts-{number}-{len(files)}.parquet")
            write_part(part, files[-1], row_group_rows=_BATCH_ROWS)

    @property
    def parts(self) -> int:
        """Into how many parts the work is divided."""
        return self._buckets

    def by_species(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the facts in parts, each of them with every record of its species."""
        for files in self._files:
            if files:
                yield pl.concat([pl.read_parquet(file, columns=_listed(columns)) for file in files])

    def of(self, keys: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the facts of some records."""
        wanted = pl.DataFrame({"key": keys.unique()})
        files = [file for files in self._files for file in files]
        frames = (pl.read_parquet(file, columns=_listed(columns)) for file in files)
        return pl.concat([frame.join(wanted, on="key", how="semi") for frame in frames])


def _listed(columns: Sequence[str] | None) -> list[str] | None:
    """Return columns as Polars wants them."""
    return list(columns) if columns is not None else None


def _duplicates(facts: _Facts) -> pl.DataFrame:
    """Return the duplicate columns of records that are linked with another."""
    links = [pl.DataFrame(schema=duplicates.LINKS)]
    named = [pl.Series(dtype=pl.UInt64)]
    for part in facts.by_species():
        links.append(duplicates.by_event(part))
        named.append(duplicates.named_by_others(part))
    names = pl.concat(named).unique()
    for number in range(facts.parts):
        sharing = _sharing_identifiers(facts, names, number)
        if len(sharing):
            links.append(duplicates.by_identifier(facts.of(sharing)))
    together = pl.concat(links)
    if together.is_empty():
        return pl.DataFrame(schema={"key": pl.Int64})
    records = facts.of(pl.concat([together["a"], together["b"]]), duplicate_groups.KEPT)
    pairs = duplicate_groups.one_link_a_pair(together, records)
    return _rows(pairs, duplicate_groups.groups(pairs, records))


def _sharing_identifiers(facts: _Facts, names: pl.Series, number: int) -> pl.Series:
    """Return the keys of records that share an identifier with another, of one part of all identifiers."""
    numbered = [pl.DataFrame(schema={"key": pl.Int64, "block": pl.UInt64})]
    for part in facts.by_species(duplicates.IDENTIFIED_BY):
        told = duplicates.identifiers(part, names)
        numbered.append(told.filter(pl.col("block") % facts.parts == number))
    every = pl.concat(numbered)
    counted = every.group_by("block").len().filter(pl.col("len").is_between(2, duplicates.MOST_OF_IDENTIFIER))
    return every.join(counted, on="block", how="semi")["key"].unique()


def _rows(pairs: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Return one row a record: its group, which record stands for it, why, and every link."""
    word = pl.lit(pl.Series(duplicates.STRENGTHS)).gather(pl.col("strength"))
    both = pl.concat(
        [pairs.select("strength", "reason", key=end, other=to) for end, to in (("a", "b"), ("b", "a"))]
    ).with_columns(word.alias("strength"))
    link = pl.struct(pl.col("other").alias("key"), "strength", "reason")
    listed = both.sort("key", "other").select("key", link=link)
    rows = listed.group_by("key", maintain_order=True).agg(duplicate_links="link")
    rows = rows.join(groups, on="key", how="left")
    return rows.with_columns(
        duplicate_group="group",
        duplicate_of=pl.when(pl.col("group") != pl.col("key")).then("group"),
        duplicate_reasons="reasons",
    )


def _report(lake: Lake, *, changed: bool) -> AssessReport:
    """Count what the lake's table tells."""
    frame = lake.read("assessments")
    flags = frame["flags"].explode().drop_nulls().value_counts().sort("count", "flags", descending=[True, False])
    left_out = frame.filter(pl.col("duplicate_of").is_not_null())
    plain = pl.col("duplicate_reasons").list.join("; ").str.replace_all(r"\d+(\.\d+)?", "…")
    reasons = left_out.select(reason=plain).group_by("reason").len().sort("len", "reason", descending=[True, False])
    possible = frame["duplicate_links"].explode().drop_nulls().struct.field("strength")
    return AssessReport(
        snapshot=lake.snapshot(),
        records=lake.count("occurrences"),
        flags=dict(flags.iter_rows()),
        groups=frame["duplicate_group"].drop_nulls().n_unique(),
        duplicates=left_out.height,
        possible=int((possible == duplicates.STRENGTHS[0]).sum()) // 2,
        reasons=dict(reasons.iter_rows()),
        changed=changed,
    )


def _read(path: Path) -> dict[str, Any]:
    """Return what the last assessment noted; nothing where that cannot be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
