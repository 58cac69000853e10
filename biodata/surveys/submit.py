"""A survey on its way in: received, sealed and put into the queue, once however often it is sent.

What is sent is a version of a part of its dataset, whole. To remove a part, or to bring an earlier version of it back, is
one more version; a part that is purged goes for good, from every version of the lake and with its files: for lawful deletion.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from biodata import pipeline
from biodata.access import exact_building, purges, withdrawal
from biodata.access.accounts import slug
from biodata.access.roles import Action, Principal, Role, may
from biodata.core.settings import Settings
from biodata.ingest import survey_shapes
from biodata.store import audit, folders, jobs, survey_files
from biodata.store.lake import Lake
from biodata.store.models import Job, Submission, SubmissionEvent
from biodata.store.query.filters import And, Compare
from biodata.store.registry import Registry
from biodata.store.survey_steps import COMMITTED, COMMITTING, JOB, MACHINE, WAITING, last_of, step
from biodata.surveys import accepting, sides
from biodata.surveys.problems import refuse

NO_FILE: Final = "0" * 64  # the checksum of a version that has no file: it removes its part
_LEFT_SECONDS: Final = 3600.0  # a file so old belongs to no request that is still under way
MOST_OF_NAME: Final = 100  # characters of the name of a part


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender states of an upload beside its file and its dataset."""

    part: str | None = None  # of its dataset; nothing takes the file's name without its ending
    wanted: bool = True  # it goes to review as soon as it is checked; else it stays a draft, whose difference its sender sees first
    licence: str | None = None  # of what states none in the file; else what was stated last (`accepting.inherited`)
    accept: tuple[str, ...] = ()  # proposals, for the dataset from now on (`accepting.apply`)


def receive(
    settings: Settings, registry: Registry, content: bytes, name: str, *, sender: Principal, dataset: str | None = None,
    sent: Sent = Sent(),  # frozen
) -> int:  # fmt: skip
    """Keep an upload, sealed, and put it into the queue; return its number, the earlier one's where the same came before."""
    survey_shapes.checked(sent.licence, code="FIELD_INVALID")
    dataset, checksum = dataset_of(sender, dataset), hashlib.sha256(content).hexdigest()
    part = part_name(sent.part if sent.part is not None else Path(name).stem[:MOST_OF_NAME] or dataset)
    same = f"{checksum} to {dataset}: {part} under {sent.licence} accepting {sorted(sent.accept)}"
    key, earlier = _known(registry, sender, dataset, part, hashlib.sha256(same.encode()).hexdigest())
    if earlier is not None:
        take_up_again(registry, earlier)
        return earlier
    if not survey_files.waiting(settings.data, checksum).exists():
        survey_files.put(settings.data, survey_files.waiting(settings.data, checksum), content)
    submission = Submission(
        dataset=dataset, part=part, file_name=Path(name).name[:200], file_sha256=checksum, idempotency_key=key,
        account_id=sender.account_id, wanted=sent.wanted, license=sent.licence,
    )  # fmt: skip
    try:
        # One transaction with its job: whoever hears its number knows that it will be taken in.
        with registry.session() as session, session.begin():
            if sent.licence is None:
                submission.license = accepting.inherited(session, dataset)
            accepting.remember(session, dataset, sent.accept, account_id=sender.account_id)
            return _add(session, submission, sender)
    except IntegrityError:  # the same upload came twice at once; the other one was faster
        with registry.session(read_only=True) as session:
            own = (Submission.account_id == sender.account_id) & (Submission.idempotency_key == key)
            return session.scalars(select(Submission.id).where(own)).one()


def part_name(text: str) -> str:
    """Return the name of a part as it is kept; one that is empty, too long, or not of one line is refused (FIELD_INVALID)."""
    name = " ".join(text.split())
    if not name or len(name) > MOST_OF_NAME or not name.isprintable():
        value = text[:MOST_OF_NAME]
        refuse("FIELD_INVALID", "PART_NAME", "KEY_LENGTH", column="part", value=value, n=1, n1=MOST_OF_NAME)
    return name


def remove(settings: Settings, registry: Registry, who: Principal, number: int) -> int:
    """Take back a submission that waits, with its file; or remove the part that it is the current version of."""
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.state == COMMITTED:
            number = _remove_part(session, who, found)
        elif found.state == COMMITTING:
            refuse("SUBMISSION_DECIDED", "PUBLISHING", "PUBLISHING_EXPECTED")
        elif found.account_id != who.account_id:
            refuse("FORBIDDEN", "SENDER_TAKES_BACK", "SENDER_ACCOUNT")
        elif found.state != "withdrawn":
            step(session, found, "withdrawn", state="withdrawn", actor=who.label, role=str(Role.UPLOADER))
    _forget_withdrawn(settings, registry, number)
    take_up_again(registry, number)  # a removal whose worker was given up goes on
    return number


def _forget_withdrawn(settings: Settings, registry: Registry, number: int | None = None) -> None:
    """Let go of what is kept of what was taken back, once that is put down: what still waits must find its file."""
    gone = (Submission.state == "withdrawn") & (Submission.report.is_not(None) | (Submission.id == number))
    with registry.session() as session, session.begin():
        for found in session.scalars(select(Submission).where(gone)).all():
            purges.forget_submission(session, settings.data, found)


def restore(registry: Registry, who: Principal, number: int) -> int:
    """Send an earlier version of a part again, like any other; return the new submission's number, while it waits the same one."""
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.part_version is None or found.removes or found.report is None:
            refuse("VERSION_UNKNOWN", "VERSION_GONE", "VERSION_EXPECTED", column="number", value=str(number))
        last = last_of(session, found.dataset, found.part)
        if last is not None and last.id == found.id:
            refuse("SUBMISSION_DECIDED", "CURRENT_VERSION", "EARLIER_VERSION")
        root = found.restores or found.id
        own = {"file_sha256": found.file_sha256, "restores": root, "license": found.license}
        return _once(session, who, found, Submission.restores == root, **own)


def _once(session: Session, who: Principal, found: Submission, like: ColumnElement[bool], **own: Any) -> int:
    same = (Submission.dataset == found.dataset) & (Submission.part == found.part) & Submission.state.in_(WAITING)
    waiting: int | None = session.scalar(select(Submission.id).where(same, like).limit(1))
    if waiting is not None:
        return waiting
    own |= {"dataset": found.dataset, "part": found.part, "file_name": found.file_name, "account_id": who.account_id}
    return _add(session, Submission(idempotency_key=secrets.token_hex(8), **own), who)


def _own(session: Session, who: Principal, number: int) -> Submission:
    found = sides.need(session, who, number)
    if not sides.is_of_team(who, found):
        refuse("FORBIDDEN", "TEAM_ONLY", "POST /v1/withdrawals")
    return found


def _remove_part(session: Session, who: Principal, found: Submission) -> int:
    if who.key_id is not None:
        refuse("FORBIDDEN", "LOGIN_ONLY", "POST /v1/login")
    last = last_of(session, found.dataset, found.part)
    if found.removes or (last is not None and last.removes):
        return last.id if last is not None else found.id
    if last is not None and last.id != found.id:
        refuse("SUBMISSION_DECIDED", "TOOK_PLACE", f"survey {last.id}", column="number", value=str(found.id), n=last.id)
    return _once(session, who, found, Submission.removes.is_(True), file_sha256=NO_FILE, removes=True, state="accepted")


def take_up_again(registry: Registry, number: int | None = None, *, because: str | None = None) -> None:
    """Queue what a job that failed has left half-way, as on a full disk."""
    unchecked = (Submission.state == "draft") & Submission.report.is_(None)
    left = unchecked | Submission.state.in_(("accepted", COMMITTING, COMMITTED))
    with registry.session() as session, session.begin():
        asked = select(Submission, Job).join(Job, Job.id == Submission.job_id).where(left, Job.state == "failed")
        which = ~Job.error.startswith(jobs.GIVEN_UP) if number is None else Submission.id == number
        if because is not None:
            which &= Job.error.startswith(because, autoescape=True)
        for submission, job in session.execute(asked.where(which)).all():
            submission.job_id = jobs.add(session, job.name, dict(job.arguments))


def _add(session: Session, submission: Submission, sender: Principal) -> int:
    session.add(submission)
    session.flush()
    number = submission.id
    submission.job_id = jobs.add(session, JOB, {"submission": number})
    action = "removed" if submission.removes else "restored" if submission.restores is not None else "received"
    session.add(SubmissionEvent(submission_id=number, action=action, role=str(Role.UPLOADER)))
    details = {"dataset": submission.dataset, "part": submission.part, "sha256": submission.file_sha256,
               "restores": submission.restores}  # fmt: skip
    audit.append(session, actor=sender.label, action=f"survey {action}", subject=f"survey {number}", details=details)
    return number


def sweep(settings: Settings, registry: Registry) -> None:
    """Remove what uploads left behind that nobody needs: cut off, or without a submission."""
    folder = folders.service(settings.data) / "uploads"
    _forget_withdrawn(settings, registry)
    with registry.session(read_only=True) as session:
        known = set(session.scalars(select(Submission.file_sha256).where(Submission.state != "withdrawn")))
    for path in [*folder.glob(f"*{survey_files.SEALED}"), *folder.glob("*.part")]:
        wanted = path.suffix == survey_files.SEALED and path.stem in known
        if not wanted and time.time() - path.stat().st_mtime > _LEFT_SECONDS:
            path.unlink(missing_ok=True)


def dataset_of(sender: Principal, dataset: str | None) -> str:
    """Return the dataset that somebody uploads to; one that they may not is refused (DATASET_FORBIDDEN)."""
    own = sorted({role.dataset for role in sender.roles if role.role is Role.UPLOADER and role.dataset is not None})
    dataset = dataset or (own[0] if len(own) == 1 else slug(sender.label))
    if not may(sender, Action.HAND_IN, dataset=dataset):
        refuse("DATASET_FORBIDDEN", "DATASET_KEY", " or ".join(own[:20]) or "ACCOUNT", column="dataset", value=dataset)
    return dataset


def _known(registry: Registry, sender: Principal, dataset: str, part: str, same: str) -> tuple[str, int | None]:
    """Return the key that an upload is kept under, and the number of the earlier one that it is, where it is one.

    The same file is the same upload while it waits, was refused, or is what its part is now. Where the part has gone on
    since, or it was taken back, it is sent on purpose.
    """
    own = (Submission.account_id == sender.account_id) & Submission.idempotency_key.startswith(same)
    with registry.session(read_only=True) as session:
        found = session.scalar(select(Submission).where(own).order_by(Submission.id.desc()).limit(1))
        last = last_of(session, dataset, part)
    if found is None:
        return same, None
    is_current = found.state == COMMITTED and last is not None and last.id == found.id
    is_same = is_current or found.state in (*WAITING, "refused")
    return (same, found.id) if is_same else (f"{same} after {found.id}", None)


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
