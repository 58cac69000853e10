"""A survey on its way in: received and kept, checked again, committed whole, or refused with its report."""

import hashlib
import io
import logging
import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from biodata import jobs, pipeline, places
from biodata.access.accounts import slug
from biodata.access.roles import Action, Principal, Role, may
from biodata.errors import InputError, StoreError
from biodata.settings import Settings
from biodata.store import folders
from biodata.store.models import Submission
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry
from biodata.surveys.check import check, without_value

logger = logging.getLogger(__name__)

JOB: Final = "survey"
"""The name of the job that takes a submission in."""


def receive(
    settings: Settings,
    registry: Registry,
    content: bytes,
    name: str,
    *,
    sender: Principal,
    dataset: str | None = None,
    idempotency_key: str | None = None,
) -> int:
    """Keep an upload and put it into the queue.

    Parameters
    ----------
    settings, registry
        The installation.
    content : bytes
        The workbook.
    name : str
        What its sender calls it; never used as a path.
    sender : Principal
        Who sends it.
    dataset : str, optional
        The dataset that it goes to: the one that its sender may upload to, or one called as the sender, where
        nothing is given.
    idempotency_key : str, optional
        The same key from the same sender is the same upload.

    Returns
    -------
    int
        The submission's number; the earlier one's where the same upload came before.

    Raises
    ------
    InputError
        If the sender may not upload to that dataset, or the idempotency key came with another file.
    """
    own = sorted({role.dataset for role in sender.roles if role.role is Role.UPLOADER and role.dataset is not None})
    dataset = dataset or (own[0] if len(own) == 1 else slug(sender.label))
    if not may(sender, Action.HAND_IN, dataset=dataset):
        problem = "whoever has this key or token may not upload to that dataset"
        expected = " or ".join(own[:20]) or "an account with the role uploader"
        raise InputError(problem, column="dataset", value=dataset, expected=expected, code="DATASET_FORBIDDEN")
    checksum = hashlib.sha256(content).hexdigest()
    idempotency_key = idempotency_key or f"{dataset} {checksum}"
    earlier = _earlier(registry, sender, idempotency_key, checksum)
    if earlier is not None:
        return earlier
    _keep(upload_path(settings, checksum), content)
    submission = Submission(
        dataset=dataset,
        file_name=Path(name).name[:200],
        file_sha256=checksum,
        idempotency_key=idempotency_key,
        account_id=sender.account_id,
    )
    try:
        # One transaction with its job: whoever hears its number knows that it will be taken in.
        with registry.session() as session, session.begin():
            session.add(submission)
            session.flush()
            number = submission.id
            submission.job_id = jobs.add(session, JOB, {"submission": number})
    except IntegrityError:  # the same upload came twice at once; the other one was faster
        earlier = _earlier(registry, sender, idempotency_key, checksum)
        if earlier is None:
            raise
        return earlier
    return number


def publish(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Take a submission into the lake, whole or not at all; a second call after a cut finds what the first did.

    Parameters
    ----------
    settings, registry
        The installation.
    number : int
        The submission.

    Returns
    -------
    dict
        `submission`, `state` (published or refused) and `report`.
    """
    with registry.session(read_only=True) as session:
        submission = session.get_one(Submission, number)
    path = _out_of_reach(settings, submission.file_sha256)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != submission.file_sha256:
        message = f"submission {number}: the kept file is not the one that was sent"
        raise StoreError(message)
    boundaries = places.load_boundaries(settings.boundaries)
    report = check(io.BytesIO(content), submission.file_name, boundaries)
    if not report["ok"]:
        _settle(settings, registry, number, "refused", report)
        return {"submission": number, "state": "refused", "report": without_values(report)}
    _settle(settings, registry, number, "committing", report)
    told = pipeline.ingest(
        "survey",
        [path],
        settings,
        dataset=submission.dataset,
        extra={"submission": number},
    )
    report["taken_in"] = [one.without_values() for one in told]
    _settle(settings, registry, number, "published", report, snapshot=told[-1].snapshot)
    return {"submission": number, "state": "published", "report": without_values(report)}


def upload_path(settings: Settings, checksum: str) -> Path:
    """Return where the service puts an upload: under its checksum, never under its own name."""
    return folders.service(settings.data) / "uploads" / f"{checksum}.xlsx"


def _earlier(registry: Registry, sender: Principal, idempotency_key: str, checksum: str) -> int | None:
    """Return the submission that came with the same key before."""
    with registry.session(read_only=True) as session:
        found = session.scalar(
            select(Submission).where(
                Submission.account_id == sender.account_id, Submission.idempotency_key == idempotency_key
            )
        )
    if found is None:
        return None
    if found.file_sha256 != checksum:
        problem = "this idempotency key came with another file before"
        raise InputError(problem, column="Idempotency-Key", value=idempotency_key, code="IDEMPOTENCY_KEY_REUSED")
    return found.id


def _keep(path: Path, content: bytes) -> None:
    """Write the upload durably, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def without_values(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report as the registry keeps it, which the service reads: each fault's place and code, not its value.

    The value may be the exact place of a sensitive species. Whoever sent the file finds it at the row that is told.
    """
    return {**report, "problems": [without_value(problem) for problem in report.get("problems", [])]}


def _out_of_reach(settings: Settings, checksum: str) -> Path:
    """Move an upload beside the lake, where the service cannot read it; return where it lies."""
    path = settings.data / "uploads" / f"{checksum}.xlsx"
    arrived = upload_path(settings, checksum)
    if arrived.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _keep(path, arrived.read_bytes())
        path.chmod(0o600)
        arrived.unlink()
    return path


def _settle(
    settings: Settings, registry: Registry, number: int, state: str, report: dict[str, Any], *,
    snapshot: int | None = None,
) -> None:  # fmt: skip
    """Put down what became of a submission: in the registry without values, in full beside the lake."""
    keep_report(settings.data, f"submission-{number}", report)
    report = without_values(report)
    with registry.session() as session, session.begin():
        submission = session.get_one(Submission, number)
        submission.state, submission.report, submission.snapshot = state, dict(report), snapshot
