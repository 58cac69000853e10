"""What undoing a survey does to its dataset: one plan, which is told before, and which is carried out.

The plan that somebody agreed to is worked out again when nobody else can write, and is carried out only where it is still
the same: what goes for good is never another thing than what was told.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import polars as pl
from sqlalchemy import select

from biodata.access import withdrawal
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.models import Ingest, Submission
from biodata.store.put_back import PutBack
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.surveys import correcting, standing, telling
from biodata.surveys.upload_reading import options_of

_REASON: Final = "its sender took the survey back"
_AGREED: Final = ("records", "events", "past")
"""What of a plan has to be as it was told; what is added to the dataset meanwhile changes nothing that goes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What undoing a survey does.

    Attributes
    ----------
    records, events : PutBack
        What becomes of those that are there.
    same : int
        Records of the dataset that stay as they are.
    past : int
        Records that are there no more, which go from the older versions as well.
    kept : int
        Records that the survey says and that stay, since others say them, too.
    by : tuple of int
        The surveys that say these.
    ingests : int
        How often whoever runs the service took in files of the dataset beside surveys: what these repeat of the survey
        nobody knows.
    """

    records: PutBack
    events: PutBack
    same: int
    past: int
    kept: int
    by: tuple[int, ...]
    ingests: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return {**asdict(self), "by": list(self.by)}

    def is_as_told(self, told: Mapping[str, Any]) -> bool:
        """Tell whether what was told goes, changes and comes back, as `as_dict` has it."""
        mine = self.as_dict()
        return all(mine[name] == told.get(name) for name in _AGREED)


class OtherPlanError(Exception):
    """What undoing a survey does is not what was told; nothing is done.

    Attributes
    ----------
    plan : Plan
        What it does by now.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__("what undoing the survey does is not what was told")
        self.plan = plan


def plan(settings: Settings, registry: Registry, lake: Lake, found: Submission) -> Plan:
    """Return what undoing a survey does now, and do nothing."""
    return _put_back(settings, registry, lake, found, agree=None)


def carry_out(
    settings: Settings, registry: Registry, lake: Lake, found: Submission, *, told: Mapping[str, Any] | None
) -> Plan:
    """Let the dataset be what stands of it, in one version of the lake, and put down what goes for good.

    Parameters
    ----------
    settings, registry
        The installation.
    lake : Lake
        Its lake.
    found : Submission
        The survey.
    told : mapping or None
        The plan that was told, as `Plan.as_dict` has it; None where it is to be undone whatever that does.

    Raises
    ------
    OtherPlanError
        If the plan is another one by now.
    """

    def agree(now: Plan) -> None:
        # After a cut it may be begun already, in the registry or in the lake: then there is less left of the plan.
        begun = standing.is_undone(lake, found.id) or withdrawal.is_noted(registry, found.id)
        if told is not None and not now.is_as_told(told) and not begun:
            raise OtherPlanError(now)

    return _put_back(settings, registry, lake, found, agree=agree)


def stands(
    settings: Settings, registry: Registry, lake: Lake, found: Submission
) -> tuple[standing.Standing, standing.Standing]:
    """Return what stands when a survey is undone; another that is taken back as well stands until it is undone itself."""
    every, gone = _gone(registry, found)
    corrected = correcting.superseded([one for one in every if one.id not in gone])
    return standing.look(settings, lake, every, gone=gone, options=partial(options_of, registry), corrected=corrected)


def _gone(registry: Registry, found: Submission) -> tuple[list[Submission], set[int]]:
    """Return all surveys of a dataset, and the numbers of those that do not stand when one is undone."""
    with registry.session(read_only=True) as session:
        every = list(session.scalars(select(Submission).where(Submission.dataset == found.dataset)))
        return every, {found.id, *telling.are_undone(session, every)}


def _put_back(
    settings: Settings, registry: Registry, lake: Lake, found: Submission, *, agree: Callable[[Plan], None] | None
) -> Plan:
    """Work out the plan, and carry it out where somebody agrees; all of it while nobody else can write."""
    looked: list[standing.Standing] = []
    made: list[Plan] = []

    def wanted() -> tuple[pl.DataFrame, pl.DataFrame]:
        looked.extend(stands(settings, registry, lake, found))
        return looked[0].wanted, looked[1].wanted

    def before(records: PutBack, events: PutBack) -> None:
        made.append(_plan(settings, registry, lake, found, looked[0], records, events))
        if agree is not None:
            agree(made[0])
            _note(settings, lake, found, looked[0], looked[1])

    lake.put_back(
        wanted, before=before, dry_run=agree is None, author="withdrawal", message=f"survey {found.id} undone",
        extra={standing.UNDOES: found.id},
    )  # fmt: skip
    return made[0]


def _plan(
    settings: Settings, registry: Registry, lake: Lake, found: Submission, looked: standing.Standing, records: PutBack,
    events: PutBack,
) -> Plan:  # fmt: skip
    """Return the plan, by what becomes of how many rows."""
    there = lake.read("occurrences", columns=["key"], where=Compare("datasetKey", "=", found.dataset))["key"]
    said = standing.says(settings, lake, found, looked.changes["occurrences"], options=partial(options_of, registry))
    stays = looked.last().filter("there")["id"]
    kept = said.filter(said.is_in(there.implode()) & said.is_in(stays.implode()))
    by = looked.sayers.filter(pl.col("id").is_in(kept.implode()))["of"].drop_nulls().unique().sort()
    return Plan(
        records, events,
        same=there.len() - records.changed - records.gone,
        past=_past(lake, found.dataset, looked.nobody, there),
        kept=kept.len(),
        by=tuple(by.to_list()),
        ingests=_ingests(registry, found.dataset),
    )  # fmt: skip


def _ingests(registry: Registry, dataset: str) -> int:
    """Return how often files of a dataset were taken in beside surveys."""
    with registry.session(read_only=True) as session:
        surveys = session.execute(
            select(Submission.file_sha256, Submission.file_name).where(Submission.dataset == dataset)
        ).all()
        reports = session.scalars(select(Ingest.report).where(Ingest.dataset == dataset)).all()
    # Older installations put down no number: there a survey's file is called by its checksum, or as its sender calls it.
    names = {sha256 for sha256, _ in surveys} | {name.partition(".")[0] for _, name in surveys}
    beside = (one for one in reports if one.get("submission") is None)
    return len({one["source"] for one in beside if one["source"].partition(".")[0] not in names})


def _past(lake: Lake, dataset: str, nobody: pl.Series, there: pl.Series) -> int:
    """Count the records that nobody says and that are there no more; without those that went for good before."""
    named = lake.read("identities", columns=["key", "source_record_id"], where=Compare("datasetKey", "=", dataset))
    left = named.filter(pl.col("source_record_id").is_not_null())["key"]
    return int((nobody.is_in(left.implode()) & ~nobody.is_in(there.implode())).sum())


def _note(
    settings: Settings, lake: Lake, found: Submission, records: standing.Standing, events: standing.Standing
) -> None:
    """Put down what only a survey said, so that it is purged and does not come again."""
    where, prefix = Compare("datasetKey", "=", found.dataset), f"{found.dataset}:"
    there = lake.read("occurrences", columns=["key", "eventID", "parentEventID"], where=where)
    # An event that a record of another survey names can be told again: it is emptied, and not refused.
    there = there.filter(~pl.col("key").is_in(records.nobody.implode()))
    named = {*there["eventID"], *there["parentEventID"]}
    alone = [event for event in (key.removeprefix(prefix) for key in events.nobody) if event not in named]
    keys = records.nobody.to_list()
    withdrawal.note_upload(settings, lake, found.id, dataset=found.dataset, reason=_REASON, keys=keys, events=alone)
