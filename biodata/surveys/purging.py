"""A part of a dataset that goes for good, from every version of the lake and with its files: for lawful deletion only."""

from typing import Any

import polars as pl
from sqlalchemy import select

from biodata import pipeline
from biodata.access import exact_building, purges, withdrawal
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import And, Compare
from biodata.store.registry import Registry
from biodata.store.survey_steps import MACHINE, step
from biodata.surveys.problems import refuse


def purge_part(settings: Settings, registry: Registry, *, dataset: str, part: str, reason: str, actor: str) -> dict[str, Any]:  # fmt: skip
    """Purge a part: its records and events of every version, its files, its reports; a second time is no news."""
    own = Submission.dataset == dataset, Submission.part == part
    with registry.session(read_only=True) as session:
        every = session.scalars(select(Submission).where(*own)).all()
    if not every:
        refuse("RECORD_MISSING", "the dataset has no part of this name", "VERSION_EXPECTED", column="part", value=part)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        versions = [one.snapshot for one in every if one.snapshot is not None and not one.removes]
        keys, events = _ever(lake, versions, dataset, part)
        facts = {"dataset": dataset, "part": part, "reason": reason, "actor": actor}
        withdrawal.note_part(settings, lake, keys=keys, events=events, **facts)
    purged = purges.purge(settings, release=pipeline.release, actor=actor)
    exact_building.follow_release(settings)
    files = 0
    with registry.session() as session, session.begin():
        for one in session.scalars(select(Submission).where(*own)):
            if one.state != "withdrawn":
                step(session, one, "purged", state="withdrawn", actor=actor, role=MACHINE, details={"reason": reason})
            # The same file may be another part's, too, where nothing identifies its rows; sent in vain it goes as well.
            others = session.scalars(select(Submission.file_sha256).where(
                Submission.dataset == dataset, Submission.part != part, Submission.part_version.is_not(None)))  # fmt: skip
            alone = one.file_sha256 not in set(others)
            files += purges.forget_submission(session, settings.data, one, (dataset,) if alone else ())
    return {"records": len(keys), "events": len(events), "files": files, "purged": purged.as_dict()}


def _ever(lake: Lake, versions: list[int], dataset: str, part: str) -> tuple[list[int], list[str]]:
    """Return the records and the events that a part has, or had at versions of the lake, and that no other part has now."""
    of_dataset, is_own = Compare("datasetKey", "=", dataset), pl.col("dataset_part").eq_missing(part)
    where = And((of_dataset, Compare("dataset_part", "=", part)))
    snapshots = lake.snapshots()["snapshot"]
    # `compaction` may have given a version up: the next one that is kept has its rows.
    kept = {min(one for one in snapshots if one >= version) for version in versions}

    def of(table: str, name: str) -> list[Any]:
        frames = [lake.read(table, columns=[name], where=where, snapshot=version) for version in (*sorted(kept), None)]
        own = pl.concat(frames)[name].drop_nulls().unique()
        others = lake.read(table, columns=[name, "dataset_part"], where=of_dataset).filter(~is_own)[name]
        return own.filter(~own.is_in(others.drop_nulls().implode())).sort().to_list()

    return of("occurrences", "key"), of("events", "eventID")
