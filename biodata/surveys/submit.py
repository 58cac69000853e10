"""A survey on its way in: received, sealed and put into the queue, once however often it is sent."""

import hashlib
import logging
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access.accounts import slug
from biodata.access.roles import Action, Principal, Role, may
from biodata.errors import InputError
from biodata.ingest import survey_project
from biodata.settings import Settings
from biodata.store import audit, survey_files
from biodata.store.models import Job, Submission
from biodata.store.registry import Registry
from biodata.store.survey_models import SubmissionEvent
from biodata.store.survey_steps import IN_THE_LAKE, JOB
from biodata.surveys import correcting, licences, parts, renaming
from biodata.surveys.sending import ANSWERABLE, Sent

logger = logging.getLogger(__name__)


def receive(
    settings: Settings,
    registry: Registry,
    content: bytes | None,
    name: str,
    *,
    sender: Principal,
    dataset: str | None = None,
    idempotency_key: str | None = None,
    sent: Sent | None = None,
) -> int:
    """Keep an upload, sealed, and put it into the queue.

    Parameters
    ----------
    settings, registry
        The installation.
    content : bytes, optional
        The workbook; nothing where it came in parts.
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
        What else is told of it.

    Returns
    -------
    int
        The submission's number; the earlier one's where the same upload came before.

    Raises
    ------
    InputError
        If the sender may not upload to that dataset, or the idempotency key came with another file; with
        UPLOAD_MISSING, UPLOAD_UNFINISHED or RECORD_MISSING, if what `sent` names is not theirs, or not ready.
    """
    sent = sent or Sent()
    renaming.checked(sent.renamed)
    survey_project.checked(sent.licence, code="FIELD_INVALID")
    dataset = dataset_of(sender, dataset)
    if sent.upload is not None:
        checksum, name = parts.checksum_of(registry, sender, sent.upload), parts.name_of(registry, sender, sent.upload)
    else:
        checksum = hashlib.sha256(content or b"").hexdigest()
    told = _key(registry, sender, dataset, checksum, sent) if idempotency_key is None else idempotency_key
    earlier = _earlier(registry, sender, told, checksum, dataset, sent)
    if earlier is not None:
        take_up_again(registry, earlier)
        _answer(registry, sender, earlier, sent)
        return earlier
    if sent.upload is None and not survey_files.waiting(settings.data, checksum).exists():
        survey_files.put(settings.data, survey_files.waiting(settings.data, checksum), [content or b""])
    submission = Submission(
        dataset=dataset,
        file_name=Path(name).name[:200],
        file_sha256=checksum,
        upload_id=sent.upload,
        idempotency_key=told,
        account_id=sender.account_id,
        complete=sent.complete,
        wanted=sent.wanted,
        answers=sent.answers,
        renamed=sent.renamed,
        license=sent.licence,
    )
    try:
        # One transaction with its job: whoever hears its number knows that it will be taken in.
        with registry.session() as session, session.begin():
            if sent.answers is not None:
                _check_answer(session, sender, sent.answers, dataset, complete=sent.complete)
            if sent.licence is None:
                submission.license = licences.inherited(session, dataset, sent.answers)
            number = add(session, submission, sender)
            if sent.upload is not None:
                parts.use(session, sent.upload)
    except IntegrityError:  # the same upload came twice at once; the other one was faster
        earlier = _earlier(registry, sender, told, checksum, dataset, sent)
        if earlier is None:
            raise
        return earlier
    return number


def _answer(registry: Registry, sender: Principal, number: int, sent: Sent) -> None:
    """Answer what an upload asks when it is sent once more with what it lacked."""
    if sent.renamed is None:
        return
    with registry.session() as session, session.begin():
        found = session.get_one(Submission, number)
        if renaming.waits(found):
            renaming.take_word(session, found, sent.renamed, actor=sender.label)
            found.wanted = sent.wanted


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
        Submission.state.in_(("accepted", "committing", "committed", "withdrawn")),
        (Submission.state == "draft") & Submission.report.is_(None),
    )
    with registry.session() as session, session.begin():
        asked = select(Submission, Job).join(Job, Job.id == Submission.job_id).where(left, Job.state == "failed")
        which = ~Job.error.startswith(jobs.GIVEN_UP) if number is None else Submission.id == number
        if because is not None:
            which &= Job.error.startswith(because, autoescape=True)
        found = session.execute(asked.where(which)).all()
        for submission, job in found:  # with all that it was told, such as the plan that somebody agreed to
            submission.job_id = jobs.add(session, job.name, dict(job.arguments))
        return len(found)


def add(session: Session, submission: Submission, sender: Principal) -> int:
    """Put a submission down with its job, its history and its audit; return its number."""
    session.add(submission)
    session.flush()
    number = submission.id
    submission.job_id = jobs.add(session, JOB, {"submission": number})
    session.add(SubmissionEvent(submission_id=number, action="received", role=str(Role.UPLOADER)))
    told = {"dataset": submission.dataset, "sha256": submission.file_sha256, "answers": submission.answers,
            "returns_to": submission.returns_to}  # fmt: skip
    audit.append(session, actor=sender.label, action="survey received", subject=f"survey {number}", details=told)
    return number


def dataset_of(sender: Principal, dataset: str | None) -> str:
    """Return the dataset that somebody uploads to.

    Raises
    ------
    InputError
        With DATASET_FORBIDDEN, if they may not.
    """
    own = sorted({role.dataset for role in sender.roles if role.role is Role.UPLOADER and role.dataset is not None})
    dataset = dataset or (own[0] if len(own) == 1 else slug(sender.label))
    if not may(sender, Action.HAND_IN, dataset=dataset):
        problem = "whoever has this key or token may not upload to that dataset"
        expected = " or ".join(own[:20]) or "an account with the role uploader"
        raise InputError(problem, column="dataset", value=dataset, expected=expected, code="DATASET_FORBIDDEN")
    return dataset


def _key(registry: Registry, sender: Principal, dataset: str, checksum: str, sent: Sent) -> str:
    """Return what stands for an idempotency key where none is told.

    The same file is the same upload while it waits, was refused, or is what the dataset says now. Where the dataset has
    gone on since, or it was withdrawn, it is sent on purpose.
    """
    told = (
        f"{dataset} {checksum}"
        + (" whole" if sent.complete else "")
        + (f" to {sent.answers}" if sent.answers else "")
        + (f" under {sent.licence}" if sent.licence else "")
    )
    with registry.session(read_only=True) as session:
        found = session.scalars(
            select(Submission)
            .where(Submission.account_id == sender.account_id, Submission.dataset == dataset,
                   Submission.file_sha256 == checksum,
                   (Submission.idempotency_key == told)
                   | Submission.idempotency_key.startswith(f"{told} after ", autoescape=True))
            .order_by(Submission.id.desc()).limit(1)
        ).first()  # fmt: skip
        if found is None:
            return told
        last = session.scalar(select(func.max(Submission.dataset_version)).where(Submission.dataset == dataset))
        over = found.state in ("withdrawn", "replaced") or (
            found.state in IN_THE_LAKE and found.dataset_version != last
        )
        return f"{told} after {found.id}" if over else str(found.idempotency_key)


def _earlier(
    registry: Registry, sender: Principal, idempotency_key: str, checksum: str, dataset: str, sent: Sent
) -> int | None:
    """Return the submission that came with the same key before."""
    with registry.session(read_only=True) as session:
        found = session.scalar(
            select(Submission).where(
                Submission.account_id == sender.account_id, Submission.idempotency_key == idempotency_key
            )
        )
    if found is None:
        return None
    same = (found.dataset, found.complete, found.answers) == (dataset, sent.complete, sent.answers)
    same = same and sent.licence in (None, found.license)  # where none is told it kept that of its dataset
    if found.file_sha256 != checksum or not same:
        other = (
            "another file" if found.file_sha256 != checksum else "another dataset, `complete`, `answers` or `license`"
        )
        problem, expected = f"this idempotency key came with {other} before", "a new key for what is new"
        raise InputError(
            problem, column="Idempotency-Key", value=idempotency_key, expected=expected, code="IDEMPOTENCY_KEY_REUSED"
        )
    return found.id


def _check_answer(session: Session, sender: Principal, number: int, dataset: str, *, complete: bool) -> None:
    """Refuse a new version of what is not there for them, or needs none."""
    earlier = session.get(Submission, number)
    if earlier is None or earlier.dataset != dataset or not may(sender, Action.HAND_IN, dataset=earlier.dataset):
        problem = "there is no submission of this number to this dataset"
        raise InputError(problem, column="answers", value=str(number), code="RECORD_MISSING")
    if earlier.state not in IN_THE_LAKE and (earlier.state not in ANSWERABLE or answered(session, number)):
        problem = f"it is {earlier.state}, and waits for no answer"
        if earlier.state in ANSWERABLE:
            problem = "a new version of it is on its way already"
        expected = "a submission that its reviewer asked something about, or refused; or a published one"
        raise InputError(problem, column="answers", value=str(number), expected=expected, code="SUBMISSION_DECIDED")
    correcting.check(session, earlier, complete=complete)


def answered(session: Session, number: int) -> bool:
    """Tell whether a submission has a new version on its way; one that was refused or taken back is none."""
    has = (Submission.answers == number) & Submission.state.not_in(("refused", "withdrawn"))
    return session.scalar(select(Submission.id).where(has).limit(1)) is not None
