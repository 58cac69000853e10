"""A survey on its way in: received, sealed and put into the queue, once however often it is sent.

What is sent is a version of a part of its dataset, whole. To remove a part, or to bring an earlier version of it back, is
one more version.
"""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access import traces
from biodata.access.accounts import slug
from biodata.access.roles import Action, Principal, Role, may
from biodata.errors import InputError
from biodata.ingest import survey_project
from biodata.settings import Settings
from biodata.store import audit, survey_files
from biodata.store.models import Job, Submission
from biodata.store.registry import Registry
from biodata.store.survey_models import SubmissionEvent
from biodata.store.survey_steps import COMMITTED, COMMITTING, JOB, WAITING, last_of, step
from biodata.surveys import accepting, licences, seeing

NO_FILE: Final = "0" * 64
"""Stands for the checksum of a version that has no file: it removes its part."""
MOST_OF_NAME: Final = 100
"""Characters of the name of a part."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender states of an upload beside its file and its dataset.

    Attributes
    ----------
    part : str, optional
        The part of its dataset that it is; nothing takes the file's name without its ending.
    wanted : bool
        It goes to review as soon as it is checked; else it stays a draft, whose difference its sender looks at first.
    licence : str, optional
        Of what tells none in the file; nothing keeps what was told last (`licences.inherited`).
    accept : tuple of str
        Proposals that are accepted for the dataset from now on (`accepting.apply`).
    """

    part: str | None = None
    wanted: bool = True
    licence: str | None = None
    accept: tuple[str, ...] = ()


def receive(
    settings: Settings, registry: Registry, content: bytes, name: str, *, sender: Principal, dataset: str | None = None,
    idempotency_key: str | None = None, sent: Sent | None = None,
) -> int:  # fmt: skip
    """Keep an upload, sealed, and put it into the queue.

    Parameters
    ----------
    settings, registry
        The installation.
    content : bytes
        The file.
    name : str
        What its sender calls it; never used as a path.
    sender : Principal
        Who sends it.
    dataset : str, optional
        The dataset that it goes to: the one that its sender may upload to, or one called as the sender, where
        nothing is given.
    idempotency_key : str, optional
        The same key from the same sender is the same upload.
    sent : Sent, optional
        What else is stated of it.

    Returns
    -------
    int
        The submission's number; the earlier one's where the same upload came before.

    Raises
    ------
    InputError
        If the sender may not upload to that dataset, or the idempotency key came with another file; FIELD_INVALID, if the
        part's name cannot be one.
    """
    sent = sent or Sent()
    survey_project.checked(sent.licence, code="FIELD_INVALID")
    dataset, checksum = dataset_of(sender, dataset), hashlib.sha256(content).hexdigest()
    part = part_name(sent.part if sent.part is not None else Path(name).stem[:MOST_OF_NAME] or dataset)
    key = idempotency_key or _key(registry, sender, dataset, part, checksum, sent)
    earlier = _earlier(registry, sender, key, checksum, dataset, part, sent)
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
                submission.license = licences.inherited(session, dataset, part)
            accepting.remember(session, dataset, sent.accept, account_id=sender.account_id)
            return _add(session, submission, sender)
    except IntegrityError:  # the same upload came twice at once; the other one was faster
        earlier = _earlier(registry, sender, key, checksum, dataset, part, sent)
        if earlier is None:
            raise
        return earlier


def part_name(text: str) -> str:
    """Return the name of a part as it is kept; one that is empty, too long, or not of one line is refused (FIELD_INVALID)."""
    name = " ".join(text.split())
    if not name or len(name) > MOST_OF_NAME or not name.isprintable():
        problem, expected = "this is no name of a part", f"1 to {MOST_OF_NAME} characters"
        raise InputError(problem, column="part", value=text[:MOST_OF_NAME], expected=expected, code="FIELD_INVALID")
    return name


def remove(settings: Settings, registry: Registry, who: Principal, number: int) -> int:
    """Take back a submission that waits, with its file; or remove the part that it is the current version of.

    The answer is the number of the version that removes the part, or of the submission that only waited; a second time is no
    news. Its team alone does it, what waits its sender, what is published after a login (FORBIDDEN), and not while it is being
    published or once another version took its place (SUBMISSION_DECIDED).
    """
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.state == COMMITTED:
            number = _remove_part(session, who, found)
        elif found.state == COMMITTING:
            problem = "it is being published just now"
            raise InputError(problem, expected="ask again when it is published", code="SUBMISSION_DECIDED")
        elif found.account_id != who.account_id:
            problem = "only its sender takes back what waits"
            raise InputError(problem, expected="the account that handed it in", code="FORBIDDEN")
        elif found.state != "withdrawn":
            job = session.get(Job, found.job_id) if found.job_id is not None else None
            if job is not None and job.state == "queued":
                job.state = "cancelled"
            step(session, found, "withdrawn", state="withdrawn", actor=who.label, role=str(Role.UPLOADER))
            traces.forget_submission(session, settings.data, found)
    take_up_again(registry, number)  # a removal whose worker was given up goes on
    return number


def restore(registry: Registry, who: Principal, number: int, *, idempotency_key: str | None = None) -> int:
    """Send an earlier version of a part again; it is checked and reviewed like any other. Return the new submission's number.

    It must have been a version whose file is kept (VERSION_UNKNOWN), and not be the current one (SUBMISSION_DECIDED).
    """
    with registry.session() as session, session.begin():
        found = _own(session, who, number)
        if found.part_version is None or found.removes or found.report is None:
            problem, expected = "nothing of that version is kept any more", "one that `biodata survey history` tells"
            raise InputError(problem, column="number", value=str(number), expected=expected, code="VERSION_UNKNOWN")
        last = last_of(session, found.dataset, found.part)
        if last is not None and last.id == found.id:
            problem = "it is the current version of its part"
            raise InputError(problem, expected="an earlier version of it", code="SUBMISSION_DECIDED")
        key = idempotency_key or f"restore {secrets.token_hex(8)}"
        earlier = session.scalar(
            select(Submission).where(Submission.account_id == who.account_id, Submission.idempotency_key == key)
        )
        root = found.restores or found.id
        if earlier is not None:
            if earlier.restores != root:
                problem = "this idempotency key came with something else before"
                raise InputError(problem, column="Idempotency-Key", value=key, code="IDEMPOTENCY_KEY_REUSED")
            return earlier.id
        submission = Submission(
            dataset=found.dataset, part=found.part, file_name=found.file_name, file_sha256=found.file_sha256,
            restores=root, license=found.license, idempotency_key=key, account_id=who.account_id,
        )  # fmt: skip
        return _add(session, submission, who)


def _own(session: Session, who: Principal, number: int) -> Submission:
    """Return a submission that somebody of its dataset's team acts on."""
    found = seeing.need(session, who, number)
    if not seeing.is_of_team(who, found):
        problem = "only the dataset's team does this; a country's node withdraws its records"
        raise InputError(problem, expected="POST /v1/withdrawals", code="FORBIDDEN")
    return found


def _remove_part(session: Session, who: Principal, found: Submission) -> int:
    """Put down that a part has no rows from now on, and queue it; return the number of that version."""
    if who.key_id is not None:
        problem = "this is done after a login, not with a key"
        raise InputError(problem, expected="POST /v1/login", code="FORBIDDEN")
    last = last_of(session, found.dataset, found.part)
    if found.removes or (last is not None and last.removes):
        return last.id if last is not None else found.id
    if last is not None and last.id != found.id:
        problem, expected = f"survey {last.id} took its place", f"survey {last.id}"
        raise InputError(problem, column="number", value=str(found.id), expected=expected, code="SUBMISSION_DECIDED")
    same = (Submission.dataset == found.dataset) & (Submission.part == found.part)
    waits = Submission.removes, Submission.state.in_(("accepted", COMMITTING))
    waiting = session.scalar(select(Submission.id).where(same, *waits).limit(1))
    if waiting is not None:
        return waiting
    submission = Submission(
        dataset=found.dataset, part=found.part, file_name=found.file_name, file_sha256=NO_FILE, removes=True,
        state="accepted", idempotency_key=f"remove {secrets.token_hex(8)}", account_id=who.account_id,
    )  # fmt: skip
    return _add(session, submission, who)


def take_up_again(registry: Registry, number: int | None = None, *, because: str | None = None) -> int:
    """Queue what a job that failed has left half-way, as on a full disk; return how many submissions it was.

    A job that was given up may kill whoever takes it: only whoever sends the file again sets it going.

    Parameters
    ----------
    registry : Registry
    number : int, optional
        Only this submission.
    because : str, optional
        Only those whose job's error begins so.
    """
    left = or_(
        Submission.state.in_(("accepted", COMMITTING, COMMITTED)),
        (Submission.state == "draft") & Submission.report.is_(None),
    )
    with registry.session() as session, session.begin():
        asked = select(Submission, Job).join(Job, Job.id == Submission.job_id).where(left, Job.state == "failed")
        which = ~Job.error.startswith(jobs.GIVEN_UP) if number is None else Submission.id == number
        if because is not None:
            which &= Job.error.startswith(because, autoescape=True)
        found = session.execute(asked.where(which)).all()
        for submission, job in found:
            submission.job_id = jobs.add(session, job.name, dict(job.arguments))
        return len(found)


def _add(session: Session, submission: Submission, sender: Principal) -> int:
    """Put a submission down with its job, its history and its audit; return its number."""
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


def dataset_of(sender: Principal, dataset: str | None) -> str:
    """Return the dataset that somebody uploads to; one that they may not is refused (DATASET_FORBIDDEN)."""
    own = sorted({role.dataset for role in sender.roles if role.role is Role.UPLOADER and role.dataset is not None})
    dataset = dataset or (own[0] if len(own) == 1 else slug(sender.label))
    if not may(sender, Action.HAND_IN, dataset=dataset):
        problem = "whoever has this key or token may not upload to that dataset"
        expected = " or ".join(own[:20]) or "an account with the role uploader"
        raise InputError(problem, column="dataset", value=dataset, expected=expected, code="DATASET_FORBIDDEN")
    return dataset


def _key(registry: Registry, sender: Principal, dataset: str, part: str, checksum: str, sent: Sent) -> str:
    """Return what stands for an idempotency key where none is given.

    The same file is the same upload while it waits, was refused, or is what its part is now. Where the part has gone on
    since, or it was taken back, it is sent on purpose.
    """
    same = f"{checksum} to {dataset}: {part} under {sent.licence} accepting {sorted(sent.accept)}"
    same = hashlib.sha256(same.encode()).hexdigest()
    own = (Submission.account_id == sender.account_id) & Submission.idempotency_key.startswith(same)
    with registry.session(read_only=True) as session:
        found = session.scalar(select(Submission).where(own).order_by(Submission.id.desc()).limit(1))
        last = last_of(session, dataset, part)
        waits = found is not None and found.state in (*WAITING, "refused")
        if found is None or waits or (found.state == COMMITTED and last is not None and last.id == found.id):
            return same if found is None else str(found.idempotency_key)
        return f"{same} after {found.id}"


def _earlier(
    registry: Registry, sender: Principal, key: str, checksum: str, dataset: str, part: str, sent: Sent
) -> int | None:
    """Return the submission that came with the same key before; if with something else, it is refused."""
    own = (Submission.account_id == sender.account_id) & (Submission.idempotency_key == key)
    with registry.session(read_only=True) as session:
        found = session.scalar(select(Submission).where(own))
    if found is None:
        return None
    same = (found.dataset, found.part) == (dataset, part)
    same = same and sent.licence in (None, found.license)  # where none is given it kept that of its dataset
    if found.file_sha256 != checksum or not same:
        other = "another file" if found.file_sha256 != checksum else "something else"
        problem, expected = f"this idempotency key came with {other} before", "a new key for what is new"
        raise InputError(problem, column="Idempotency-Key", value=key, expected=expected, code="IDEMPOTENCY_KEY_REUSED")
    return found.id


__all__ = ["MOST_OF_NAME", "NO_FILE", "Sent", "part_name", "receive", "remove", "restore", "take_up_again"]
