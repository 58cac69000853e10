"""What a service answered: its kind, its message, and the headers that a polite client obeys."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import urllib3

from biodata.core.errors import RemoteError, shorten


class TryAgainError(Exception):
    """An answer that may be better next time.

    Parameters
    ----------
    problem : str
        What was wrong, as the end of a sentence that begins with the address.
    after_seconds : float, optional
        When the server asks to come back.
    not_processed : bool
        The server says that it did nothing.
    """

    def __init__(self, problem: str, after_seconds: float | None = None, *, not_processed: bool = False) -> None:
        self.problem, self.after_seconds, self.not_processed = problem, after_seconds, not_processed
        super().__init__(problem)


class RefusedError(RemoteError):
    """The service refuses, and would again.

    Parameters
    ----------
    text : str
        The message.
    status : int
        The answer's status.
    """

    def __init__(self, text: str, status: int) -> None:
        self.status = status
        super().__init__(text)


def origin(url: str) -> tuple[str, str]:
    """Return the scheme and the host with its port."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def about(url: str, problem: str) -> str:
    """Return a sentence about an address, told without its query."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path} {problem}"


def reason(error: BaseException) -> str:
    """Return a network's error in few words, without the names of classes and pools."""
    words = re.sub(r"<[^>]*>|HTTPS?ConnectionPool|HTTPS?Connection\b|\(\s*\)", "", str(error))
    return shorten(words.strip(" :,()"), 150)


def kind(answer: urllib3.BaseHTTPResponse) -> str:
    """Return the content type without its parameters."""
    return answer.headers.get("content-type", "no content type").partition(";")[0].strip().lower()


def message(body: bytes) -> str:
    """Return what a body of JSON, HTML or text says, as `: …`; empty where it says nothing."""
    text = body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        text = re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", text))
    else:
        if isinstance(told, dict):
            text = str(told.get("message") or told.get("error") or told.get("detail") or text)
    text = " ".join(text.split())
    return f": {shorten(text, 200)}" if text else ""


def retry_after(told: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; None for anything else."""
    if not told:
        return None
    if re.fullmatch(r"\d{1,9}", told.strip()):
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def start_of(answer: urllib3.BaseHTTPResponse) -> int | None:
    """Return where in a file an answer begins; None where a partial answer does not tell."""
    if answer.status != 206:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("content-range", ""))
    return int(found[1]) if found else None


def total_of(answer: urllib3.BaseHTTPResponse, start: int) -> int | None:
    """Return the size of the whole file; None where the answer does not tell."""
    if found := re.search(r"/(\d+)$", answer.headers.get("content-range", "")):
        return int(found[1])
    length = answer.headers.get("content-length", "")
    return start + int(length) if length.isdigit() else None
