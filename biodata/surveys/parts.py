"""Large files in parts, as tus 1.0 sends them: each part is sealed when it comes, counted once, and gone in time.

A part counts when its bytes are durably here and the registry says so; one that was cut off is sent again from where
the registry stands, over what was left.
"""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from biodata.access.roles import Principal
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import folders, survey_files
from biodata.store.models import now
from biodata.store.registry import Registry
from biodata.store.survey_models import SurveyUpload

logger = logging.getLogger(__name__)

ALGORITHMS: Final = ("sha1", "sha256")
"""Of checksums of parts; tus wants the first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """How an upload in parts stands.

    Attributes
    ----------
    id : str
        Its id.
    length, received : int
        Bytes of the whole, and bytes that are here.
    file_name : str
        As its sender calls it.
    told : str
        Upload-Metadata as it came.
    state : str
        open, finished or used.
    expires : str
        When it goes, in the form of HTTP.
    """

    id: str
    length: int
    received: int
    file_name: str
    told: str
    state: str
    expires: str


def begin(
    settings: Settings, registry: Registry, who: Principal, *, length: int, name: str, told: str = "",
    sha256: str | None = None,
) -> str:  # fmt: skip
    """Begin an upload; return its id.

    Raises
    ------
    InputError
        With UPLOAD_TOO_LARGE, if it is larger than what is taken; UPLOADS_TOO_MANY, if the account has too many or too
        much under way.
    """
    if length > settings.survey_limit_bytes:
        problem = f"it would have {length:,} bytes"
        expected = f"at most {settings.survey_limit_bytes:,} bytes"
        raise InputError(problem, column="Upload-Length", value=str(length), expected=expected, code="UPLOAD_TOO_LARGE")
    sweep(settings, registry)
    upload = secrets.token_hex(16)
    with registry.session() as session, session.begin():
        mine = (SurveyUpload.account_id == who.account_id, SurveyUpload.state != "used")
        count, total = session.execute(
            select(func.count(), func.coalesce(func.sum(SurveyUpload.length), 0)).where(*mine)
        ).one()
        if count >= settings.survey_parts_at_once or total + length > 2 * settings.survey_limit_bytes:
            problem = f"{count} uploads of yours are under way, of {total:,} bytes"
            expected = f"at most {settings.survey_parts_at_once}, of {2 * settings.survey_limit_bytes:,} bytes; end or delete one"
            raise InputError(problem, column="Upload-Length", expected=expected, code="UPLOADS_TOO_MANY")
        session.add(
            SurveyUpload(
                id=upload, account_id=who.account_id, length=length, file_name=name, told=told, file_sha256=sha256,
                parts=[], state="open" if length else "finished", expires=_expiry(settings),
            )
        )  # fmt: skip
    return upload


def look(registry: Registry, who: Principal, upload: str) -> Upload:
    """Return how an upload of somebody's own stands.

    Raises
    ------
    InputError
        With UPLOAD_MISSING, if there is none of theirs: another's is not there, nor is one that expired.
    """
    with registry.session(read_only=True) as session:
        found = _need(session, who, upload)
        return _told(found)


def take(
    settings: Settings, registry: Registry, who: Principal, upload: str, content: Iterable[bytes], *, offset: int,
    checksum: tuple[str, bytes] | None = None,
) -> Upload:  # fmt: skip
    """Take a part in.

    Parameters
    ----------
    settings, registry
        The installation.
    who : Principal
        Whose it is.
    upload : str
        Its id.
    content : iterable of bytes
        The part.
    offset : int
        Where it begins.
    checksum : (str, bytes), optional
        Name of an algorithm and what it makes of the part.

    Returns
    -------
    Upload

    Raises
    ------
    InputError
        With OFFSET_WRONG, if it does not begin where the upload stands; CHECKSUM_WRONG, if it is not what was sent;
        UPLOAD_TOO_LARGE, if it goes beyond the length that was told. Nothing of it is kept then.
    """
    before = look(registry, who, upload)
    _check_offset(before.received, offset)
    if before.state != "open":
        problem = "nothing more is taken: it is whole"
        raise InputError(problem, column="Upload-Offset", value=str(offset), code="OFFSET_WRONG")
    size, digest = 0, hashlib.sha256()
    wanted = hashlib.new(checksum[0], usedforsecurity=False) if checksum is not None else None

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in content:
            size += len(piece)
            if offset + size > before.length or size > settings.upload_limit_bytes:
                most = min(before.length - offset, settings.upload_limit_bytes)
                problem, expected = "the part is longer than what is taken", f"at most {most:,} bytes"
                raise InputError(problem, column="Content-Length", expected=expected, code="UPLOAD_TOO_LARGE")
            digest.update(piece)
            if wanted is not None:
                wanted.update(piece)
            yield piece
        if wanted is not None and checksum is not None and wanted.digest() != checksum[1]:
            problem = "the part is not what was sent: its checksum is another"
            raise InputError(problem, column="Upload-Checksum", code="CHECKSUM_WRONG")

    # Two that send the same part at once write two files; the registry counts one of them.
    path = (
        survey_files.parts_folder(settings.data, upload) / f"{offset:016d}-{secrets.token_hex(4)}{survey_files.SEALED}"
    )
    survey_files.put(settings.data, path, counted())
    try:
        _count(settings, registry, who, upload, path.name, digest.hexdigest(), offset=offset, size=size)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not size:
        path.unlink(missing_ok=True)
    return look(registry, who, upload)


def end(settings: Settings, registry: Registry, who: Principal, upload: str) -> None:
    """Give an upload up: its parts are gone.

    Raises
    ------
    InputError
        With UPLOAD_MISSING, if there is none of theirs.
    """
    with registry.session() as session, session.begin():
        found = _need(session, who, upload)
        if found.state == "used":
            problem = "it was handed in, and is withdrawn with its submission"
            raise InputError(problem, column="upload", value=upload, code="UPLOAD_MISSING")
        session.delete(found)
    shutil.rmtree(survey_files.parts_folder(settings.data, upload), ignore_errors=True)


def checksum_of(registry: Registry, who: Principal, upload: str) -> str:
    """Return what stands for the SHA-256 of a whole upload: as told, else made of those of its parts until it is opened.

    Raises
    ------
    InputError
        With UPLOAD_UNFINISHED, if parts are missing.
    """
    with registry.session(read_only=True) as session:
        found = _need(session, who, upload)
        if found.state == "open":
            problem = f"{found.received:,} of its {found.length:,} bytes are here"
            raise InputError(problem, column="upload", value=upload, code="UPLOAD_UNFINISHED")
        joined = " ".join(digest for _, digest in found.parts)
        return found.file_sha256 or hashlib.sha256(f"parts {joined}".encode()).hexdigest()


def name_of(registry: Registry, who: Principal, upload: str) -> str:
    """Return what its sender calls an upload."""
    return look(registry, who, upload).file_name


def use(session: Session, upload: str) -> None:
    """Put down that an upload belongs to a submission, inside its transaction."""
    session.execute(update(SurveyUpload).where(SurveyUpload.id == upload).values(state="used"))


def files_of(registry: Registry, data: Path, upload: str) -> list[Path]:
    """Return the sealed parts of an upload in their order."""
    with registry.session(read_only=True) as session:
        found = session.get_one(SurveyUpload, upload)
        return [survey_files.parts_folder(data, upload) / name for name, _ in found.parts]


def sweep(settings: Settings, registry: Registry) -> int:
    """Remove uploads that expired, and folders of parts that no upload knows; return how many went."""
    with registry.session() as session, session.begin():
        for found in session.scalars(
            select(SurveyUpload).where(SurveyUpload.state != "used", SurveyUpload.expires < now())
        ):
            session.delete(found)
    with registry.session(read_only=True) as session:
        known = set(session.scalars(select(SurveyUpload.id)))
    folder = folders.service(settings.data) / "uploads" / "parts"
    gone = [path for path in folder.glob("*") if path.name not in known] if folder.is_dir() else []
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)


def _count(
    settings: Settings, registry: Registry, who: Principal, upload: str, name: str, digest: str, *, offset: int, size: int
) -> None:  # fmt: skip
    """Count a part that is durably here, unless another came at its place."""
    with registry.session() as session, session.begin():
        found = _need(session, who, upload)
        taken = session.execute(
            update(SurveyUpload)
            .where(SurveyUpload.id == upload, SurveyUpload.received == offset, SurveyUpload.state == "open")
            .values(
                received=offset + size,
                parts=[*found.parts, [name, digest]] if size else found.parts,
                state="finished" if offset + size == found.length else "open",
                expires=_expiry(settings),
            )
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
            _check_offset(found.received, offset)
            problem = "another part came at the same place at the same time"
            raise InputError(problem, column="Upload-Offset", value=str(offset), code="OFFSET_WRONG")


def _need(session: Session, who: Principal, upload: str) -> SurveyUpload:
    """Return an upload of somebody's own that has not expired."""
    found = session.get(SurveyUpload, upload)
    if found is None or found.account_id != who.account_id or (found.state != "used" and found.expires < now()):
        problem = "there is no upload of this id of yours"
        raise InputError(problem, column="upload", value=upload, code="UPLOAD_MISSING")
    return found


def _told(found: SurveyUpload) -> Upload:
    """Return how an upload stands."""
    expires = found.expires.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return Upload(found.id, found.length, found.received, found.file_name, found.told, found.state, expires)


def _check_offset(stands: int, offset: int) -> None:
    """Refuse a part that does not begin where the upload stands."""
    if stands != offset:
        problem, expected = "the part does not begin where the upload stands", f"Upload-Offset: {stands}"
        raise InputError(problem, column="Upload-Offset", value=str(offset), expected=expected, code="OFFSET_WRONG")


def _expiry(settings: Settings) -> datetime:
    """Return when an upload goes that gets no further part."""
    return now() + timedelta(hours=settings.survey_parts_kept_hours)


def told_checksum(registry: Registry, upload: str) -> str | None:
    """Return the SHA-256 of the whole that the sender of an upload told."""
    with registry.session(read_only=True) as session:
        return session.get_one(SurveyUpload, upload).file_sha256
