"""An older version of the lake under today's rules: a release's file that only a replay opens, and that goes with it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from biodata import assessments, places, sharing
from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise.rematch import taxon_statuses
from biodata.sharing.decide import stricter
from biodata.sharing.publish import reason_of, set_apart_of
from biodata.store import failing_as, releases, withheld_since
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.release_file import ReleaseFile
from biodata.store.rules_in_force import rules_in_force, stated_licences
from biodata.store.staging import WorkFolder, write_part
from biodata.store.tables import DATASET

logger = logging.getLogger(__name__)

BATCH_ROWS: Final = 100_000

_PUBLISHED: Final = 0.7
"""Share of the work that is done when every record went through the rules."""

Step = Callable[[float], None]

CAUSE: Final = pl.Schema(
    {"key": pl.Int64, "cause": pl.String, "rule": pl.String, "category": pl.String, "reason": pl.String}
)
"""Why a record of the old version is not stated today."""
WITHHELD, GENERALISED, WITHDRAWN, COARSER = "withheld", "generalised", "withdrawn", "coarser_at_source"

_GENERALISED: Final = "PUBLISHER_GENERALISED"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An older version of the lake as today's rules let it out.

    Attributes
    ----------
    path : Path
        A file that `releases.connect` opens.
    causes : polars.DataFrame of `CAUSE`
        Records of the old version that are left out, and why; never to be published by key.
    rules_hash : str
        Of today's rules.
    today : int
        The lake's present version.
    """

    path: Path
    causes: pl.DataFrame
    rules_hash: str
    today: int


@contextmanager
def rebuilt(settings: Settings, lake: Lake, snapshot: int, *, step: Step = lambda _share: None) -> Iterator[Rebuilt]:
    """Build an older version of the lake under today's rules, in batches; its file is gone when the block ends.

    A record that is gone since is left out. Of one that was changed since, both what it was and what it is decide how
    much is stated: a name that turned out to be that of a guarded species guards the old version too. One whose publisher
    made its place coarser since is left out, since the old version has the finer place.

    Parameters
    ----------
    settings : Settings
        The installation.
    lake : Lake
        Its lake.
    snapshot : int
        The older version.
    step : function, optional
        Stated how far the work is (0-1); raises to stop it.

    Raises
    ------
    StoreError
        If that version is gone, or there is no room.
    """
    rules = rules_in_force(settings, lake)
    presences = _presences(settings, lake, rules, snapshot)
    today = lake.snapshot()
    with WorkFolder(settings.data / "staging") as work:
        path = work.folder / "replay.duckdb"
        with failing_as(f"version {snapshot} of the lake could not be built again", OSError, duckdb.Error):
            causes = _build(settings, lake, snapshot, rules, presences, path, step)
        yield Rebuilt(path, causes, rules.hash, today)


def _presences(settings: Settings, lake: Lake, rules: sharing.RuleSet, snapshot: int) -> pl.DataFrame:
    """Return today's presences that a release of a version of the lake had: never when a record of one came."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Registry.open(settings) as registry:
        licences = dict(registry.datasets().select("key", "license").iter_rows())
        known = withheld_since.presences_until(registry, snapshot)
    assert rules.plan is not None
    stated = stated_licences(lake, rules.plan)
    made = sharing.presence_rows(rules, boundaries=boundaries, licences=licences, stated=stated)
    return made.filter(pl.col("key").is_in(known.implode()))


def _build(
    settings: Settings, lake: Lake, snapshot: int, rules: sharing.RuleSet, presences: pl.DataFrame, path: Path,
    step: Step,
) -> pl.DataFrame:  # fmt: skip
    """Write the file, with its parts beside it; return the causes of what is left out."""
    boundaries = places.load_boundaries(settings.boundaries)
    gazetteer = places.load_gazetteer(boundaries, settings.gazetteer_file)
    since = _Since.look(lake, snapshot, rules, boundaries)
    with Registry.open(settings) as registry:
        licences = dict(registry.datasets().select("key", "license").iter_rows())
    parts: list[Path] = []
    left_out, hidden, done = [since.gone], [pl.DataFrame(schema=CAUSE)], 0
    total = max(lake.count("occurrences", snapshot=snapshot), 1)
    for batch in lake.batches("occurrences", snapshot=snapshot, batch_rows=BATCH_ROWS):
        kept, rows = since.leave_out(batch)
        decided = since.decide(kept, rules, boundaries)
        published = sharing.open_records(kept, rules, boundaries=boundaries, decided=decided, licences=licences)
        left_out.append(rows)
        hidden.append(_hidden(kept, decided))
        parts.append(path.with_name(f"published-{len(parts):06d}.parquet"))
        write_part(releases.placed(published), parts[-1], row_group_rows=20_000)
        done += batch.height
        step(_PUBLISHED * done / total)
    parts.append(path.with_name("presences.parquet"))
    write_part(releases.placed(presences), parts[-1], row_group_rows=20_000)
    assessed = assessments.of_release(
        parts,
        gazetteer=gazetteer,
        work=settings.data / "staging",
        rows_told=assessments.unidentified(lake, snapshot=snapshot),
    )
    with ReleaseFile(path, spill=settings.data / "tmp", memory_limit=settings.memory_limit) as file:
        file.write_occurrences(parts, assessed)
        listed = taxon_statuses(lake.read("taxa", snapshot=snapshot), boundaries)
        for table in releases.RESULTS:
            file.write_results(table, listed if table == "taxon_statuses" else None)
        file.write_boundaries(boundaries)
        file.write_datasets(pl.DataFrame(schema=terms.schema(DATASET)))
        file.write_surveys(None)
        file.finish(snapshot=snapshot, rules_hash=rules.hash, secret=secret(settings.data))
    step(1.0)
    logger.info("version %d of the lake was built again under today's rules", snapshot)
    left_out += [_set_apart(rules, pl.concat(hidden)), *hidden]
    return pl.concat(left_out).unique("key", keep="first", maintain_order=True)


@dataclass(frozen=True)
class _Since:
    """What became of an older version's records.

    Attributes
    ----------
    gone : polars.DataFrame of `CAUSE`
        Those that the present version has not.
    decided : polars.DataFrame
        What `sharing.decide` finds of those that were written since, as they are now; by key.
    coarser : polars.Series of int
        Keys of those that their publisher makes coarser now.
    """

    gone: pl.DataFrame
    decided: pl.DataFrame
    coarser: pl.Series

    @classmethod
    def look(cls, lake: Lake, snapshot: int, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> "_Since":
        """Compare the older version with the present one."""
        gone = lake.gone("occurrences", since=snapshot).select("key", cause=pl.lit(WITHDRAWN))
        decided = [_by_key(pl.DataFrame(schema=terms.schema(terms.OCCURRENCE)), rules, boundaries)]
        coarser = [pl.Series("key", [], dtype=pl.Int64)]
        for batch in lake.batches("occurrences", since=snapshot, batch_rows=BATCH_ROWS):
            decided.append(_by_key(batch, rules, boundaries))
            coarser.append(batch.filter(_is_coarse())["key"])
        return cls(_causes(gone), pl.concat(decided), pl.concat(coarser))

    def leave_out(self, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the records of a batch that may be stated, and the causes of those that became coarser."""
        kept = batch.join(self.gone.select("key"), on="key", how="anti", maintain_order="left")
        finer = pl.col("key").is_in(self.coarser.implode()) & ~_is_coarse()
        table = kept.filter(finer).select("key", cause=pl.lit(COARSER))
        return kept.filter(~finer), _causes(table)

    def decide(self, batch: pl.DataFrame, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> pl.DataFrame:
        """Return what decides about records: what they were, and what they are."""
        decided = sharing.decide(batch, rules, boundaries=boundaries)
        rows = batch.select("key").with_row_index("row")
        now = rows.join(self.decided, on="key", maintain_order="left")
        return stricter(decided, now.select(pl.col(n).cast(t) for n, t in decided.schema.items()))


def _by_key(batch: pl.DataFrame, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Return what decides about records, by key."""
    decided = sharing.decide(batch, rules, boundaries=boundaries)
    return decided.with_columns(key=batch["key"].gather(decided["row"])).drop("row")


def _hidden(batch: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return the causes of records that a rule hides."""
    apart = set_apart_of(batch, decided)
    keys = batch["key"].gather(apart["row"])
    return _causes(apart.select("category", "reason", cause=_cause(), rule="rule_id", key=keys))


def _set_apart(rules: sharing.RuleSet, hidden: pl.DataFrame) -> pl.DataFrame:
    """Return the causes of all records that do not go out as they are today; the reason is what the same rule tells of them."""
    assert rules.plan is not None
    apart = rules.plan.apart.hidden.select("key", "category", cause=_cause(), rule="rule_id", earlier=reason_of(rules))
    table = hidden.select("key", "rule", "reason").unique(["key", "rule"])
    found = apart.join(table, on=["key", "rule"], how="left", maintain_order="left")
    return _causes(found.with_columns(reason=pl.coalesce("reason", "earlier")))


def _cause() -> pl.Expr:
    withheld = pl.col("category") == SharingCategory.WITHHELD
    return pl.when(withheld).then(pl.lit(WITHHELD)).otherwise(pl.lit(GENERALISED))


def _causes(frame: pl.DataFrame) -> pl.DataFrame:
    """Return causes with every column of `CAUSE`."""
    table = frame.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in CAUSE.items() if n not in frame.columns)
    return table.select(pl.col(n).cast(t) for n, t in CAUSE.items())


def _is_coarse() -> pl.Expr:
    return pl.col("quality_flags").list.contains(_GENERALISED).fill_null(value=False)


def batches(path: Path, statement: str, params: list[object], rows: int) -> Iterator[pl.DataFrame]:
    """Answer one statement over a release's file in frames."""
    connection = releases.connect(path)
    try:
        connection.execute(statement, params)
        for batch in connection.to_arrow_reader(rows):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame
    except duckdb.Error as error:
        message = f"{path.name} could not be read: {str(error).splitlines()[0]}"
        raise StoreError(message) from error
    finally:
        connection.close()
