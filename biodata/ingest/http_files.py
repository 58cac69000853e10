"""Files from a service: resumed where an earlier run was cut off, and whole or not there."""

import os
import shutil
from pathlib import Path
from typing import IO, Any, Final

import urllib3
from tqdm.auto import tqdm

from biodata.core.errors import RemoteError, StoreError
from biodata.ingest.http import Client
from biodata.ingest.http_answers import RefusedError, TryAgainError, about, kind, message, start_of, total_of

MOST_BYTES: Final = 200_000_000_000

_BLOCK: Final = 1 << 18


def fetch(
    client: Client, url: str, target: Path, *, size: int | None = None, etag: str | None = None, progress: bool = False
) -> str | None:
    """Fetch a file; what an earlier run fetched of it (`….part`) is kept and resumed.

    Parameters
    ----------
    client : Client
        The service.
    url : str
        Absolute, or below the service's address.
    target : Path
        Is written when the file is whole.
    size : int, optional
        Bytes that it must have.
    etag : str, optional
        Of the version that is there already: it stays where it is still the service's.
    progress : bool
        Show a progress bar.

    Returns
    -------
    str or None
        The file's ETag, where the service tells one.

    Raises
    ------
    RemoteError
        If the file cannot be had, is too large, or has another size.
    StoreError
        If there is no room for it.
    """
    part = target.with_name(f"{target.name}.part")
    with tqdm(total=size, desc=target.name, unit="B", unit_scale=True, disable=not progress) as bar:
        try:
            found = client.patiently(
                lambda: _fetch(client, client.address(url), part, size, etag, bar), url, reached=lambda: _size(part)
            )
        except RefusedError as error:
            if etag is None or error.status != 304:
                raise
            return etag
    part.replace(target)
    return found


def _fetch(client: Client, url: str, part: Path, size: int | None, etag: str | None, bar: Any) -> str | None:
    """Fetch what is missing of a file; return its ETag."""
    if size is not None and _size(part) > size:
        part.unlink()
    have = _size(part)
    if have and have == size:
        return None
    headers = {"accept-encoding": "identity"} | ({"range": f"bytes={have}-"} if have else {})
    headers |= {"if-none-match": etag} if etag and not have else {}
    try:
        with client.answer("GET", url, headers) as answer:
            if any(other in kind(answer) for other in ("html", "json")):
                said = message(client.body(answer))
                msg = f"answered with {kind(answer)} in the place of the file{said}"
                raise TryAgainError(msg)
            start = start_of(answer)
            if start is None or start > have:
                msg = "answered with another part of the file than asked for"
                raise TryAgainError(msg)
            total = total_of(answer, start)
            _check_total(url, total, size, part)
            bar.reset(total)
            bar.update(start)
            with part.open("r+b" if part.exists() else "wb") as file:
                file.truncate(start)
                file.seek(start)
                _copy(answer, file, url, bar)
            found = answer.headers.get("etag")
    except RefusedError as error:
        if error.status != 416:
            raise
        part.unlink(missing_ok=True)  # there is no such range: what is here belongs to another file
        raise TryAgainError(str(error)) from error
    if (told := size if size is not None else total) is not None and _size(part) != told:
        msg = f"sent {_size(part):,} bytes of a file of {told:,}"
        raise TryAgainError(msg)
    return found


def _copy(answer: urllib3.BaseHTTPResponse, file: IO[bytes], url: str, bar: Any) -> None:
    """Write an answer's bytes to a file and to the disk; what came before a cut stays."""
    try:
        while block := answer.read1(_BLOCK, decode_content=False):
            if file.tell() + len(block) > MOST_BYTES:
                raise RemoteError(about(url, f"sends more than {MOST_BYTES:,} bytes"))
            file.write(block)
            bar.update(len(block))
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        msg = f"{file.name} cannot be written: {error.strerror}"
        raise StoreError(msg) from error


def _check_total(url: str, total: int | None, size: int | None, part: Path) -> None:
    """Refuse a file of another size than told, one that is too large, and one that there is no room for."""
    if total is None:
        return
    if size is not None and total != size:
        raise RemoteError(about(url, f"offers a file of {total:,} bytes, not of the {size:,} that it told"))
    if total > MOST_BYTES:
        raise RemoteError(about(url, f"offers a file of {total:,} bytes; at most {MOST_BYTES:,} are taken"))
    if total - _size(part) > (free := shutil.disk_usage(part.parent).free):
        raise StoreError(about(url, f"offers a file of {total:,} bytes; there is room for {free:,}"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
