"""A polite client: it states who it is, waits when asked to, tries again, resumes, and believes no answer unseen.

Every request goes to the host that it was made for, or by redirect over https to a host of the same owner. Answers are
bounded in size and time. An answer of another kind than asked for (a page of HTML in the place of JSON) is a failure,
and what it says is passed on.
"""

import json
import logging
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError, NewConnectionError

from biodata.core.errors import InputError, RemoteError, StoreError, shorten


# What a service answered: its kind, its message, and the headers that a polite client obeys.
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
    """Return a sentence about an address, stated without its query."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path} {problem}"


def reason(error: BaseException) -> str:
    """Return a network's error in few words, without the names of classes and pools."""
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    text = re.sub(r"IncompleteRead\(([^)]*)\)", r"\1", text)
    words = re.sub(r"<[^>]*>|HTTPS?ConnectionPool|HTTPS?Connection\b|\(\s*\)", "", text)
    return shorten(words.strip(" :,()"), 150)


def kind(answer: urllib3.BaseHTTPResponse) -> str:
    """Return the content type without its parameters."""
    return answer.headers.get("content-type", "no content type").partition(";")[0].strip().lower()


def message(body: bytes) -> str:
    """Return what a body of JSON, HTML or text says, as `: …`; empty where it says nothing."""
    text = body.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        text = re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", text))
    else:
        if isinstance(content, dict):
            text = str(content.get("message") or content.get("error") or content.get("detail") or text)
    text = " ".join(text.split())
    return f": {shorten(text, 200)}" if text else ""


def retry_after(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date; None for anything else."""
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
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


logger = logging.getLogger(__name__)

USER_AGENT: Final = f"biodata/{version('biodata')} (shared biodiversity record for Southwest China and ASEAN)"
MOST_JSON_BYTES: Final = 50_000_000

_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
# These say that a request was not processed: after them even one that creates something is made again.
_NOT_PROCESSED: Final = frozenset({429, 503})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 4
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_BLOCK: Final = 1 << 18
_PROGRESS_BYTES: Final = 1 << 16
_MESSAGE_BYTES: Final = 20_000
_LATER: Final = "the same command, later, goes on where it was"

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often, and how long.

    Attributes
    ----------
    attempts : int
        How often a request is made that gets no farther.
    first_wait_seconds, longest_wait_seconds : float
        Waits double from the first to the longest; chance shortens each by up to a half, so that clients that failed
        together do not come back together. A server that asks for a longer wait is an error.
    timeout_seconds : float
        Longest silence of a connection.
    answer_seconds : float
        Longest time for one answer in JSON.
    """

    attempts: int = 6
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 300.0
    timeout_seconds: float = 60.0
    answer_seconds: float = 300.0


@dataclass
class Client:
    """Requests to one service.

    Attributes
    ----------
    base_url : str
        Address of the service: https, or http on this machine only.
    friends : collection of str
        Domains that it may redirect to, over https.
    patience : Patience
        How often, and how long.
    contact : str
        Who may be asked about the requests, stated to the service.
    token_header : str
        Where a token stands: `authorization` as a bearer's, any other header as it is.
    sleep : callable
        Waits for seconds.
    chance : random.Random
        Where the chance of the waits comes from.
    """

    base_url: str
    friends: Collection[str] = ()
    patience: Patience = field(default_factory=Patience)
    contact: str = ""
    token_header: str = "authorization"
    sleep: Callable[[float], None] = time.sleep
    chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        """Check the address and open the pool of connections."""
        self.base_url = self.base_url.rstrip("/") + "/"
        parts = urlsplit(self.base_url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or local):
            problem = "the address of the service cannot be used"
            raise InputError(problem, value=self.base_url, expected="https://…", code="OPTION_INVALID")
        silence = self.patience.timeout_seconds
        timeout = urllib3.Timeout(connect=min(20.0, silence), read=silence)
        proxy = None if local or proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
        self._pool = (
            urllib3.ProxyManager(proxy, timeout=timeout, retries=False)
            if proxy
            else urllib3.PoolManager(timeout=timeout, retries=False)
        )

    def address(self, path: str) -> str:
        """Return an address below the service's."""
        return urljoin(self.base_url, path)

    def get_json(
        self,
        path: str,
        parameters: Mapping[str, str | Sequence[str]] | None = None,
        *,
        account: tuple[str, str] | str | None = None,
    ) -> Any:
        """Return the JSON that a GET is answered with.

        Parameters
        ----------
        path : str
            Below the service's address.
        parameters : mapping
            Query parameters; a sequence repeats its parameter.
        account : (name, password) or token, optional
            Never sent to another host.

        Raises
        ------
        RemoteError
            If the service refuses, or does not answer as asked for after all attempts.
        """
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        url = self.address(path) + query

        def once() -> Any:
            with self.answer("GET", url, {"accept": "application/json"}, account=account) as answer:
                body = self.body(answer)
                if "json" not in answer.headers.get("content-type", ""):
                    msg = f"answered with {kind(answer)} instead of JSON{message(body)}"
                    raise TryAgainError(msg)
                try:
                    return json.loads(body)
                except ValueError as error:
                    msg = "answered with JSON that is cut or broken"
                    raise TryAgainError(msg) from error

        return self.patiently(once, url)

    def post(self, path: str, content: Any, *, account: tuple[str, str] | None = None) -> str:
        """Return the text that a POST of JSON is answered with.

        It is made again only after an answer that says that it was not processed, or where no connection was made.

        Raises
        ------
        RemoteError
            As `get_json`.
        """
        url = self.address(path)

        def once() -> str:
            headers = {"content-type": "application/json"}
            with self.answer("POST", url, headers, account=account, body=json.dumps(content).encode()) as answer:
                body = self.body(answer)
                if "html" in kind(answer):
                    problem = f"answered with {kind(answer)}{message(body)}"
                    raise RemoteError(about(url, problem))
                return body.decode("utf-8", "replace").strip()

        return self.patiently(once, url, creates=True)

    def patiently(
        self, request: Callable[[], T], url: str, *, creates: bool = False, reached: Callable[[], int] = lambda: 0
    ) -> T:
        """Make a request until it succeeds, or has failed too often without getting farther."""
        failures, before = 0, reached()
        while True:
            try:
                return request()
            except TryAgainError as error:
                problem, after = error.problem, error.after_seconds
                if creates and not error.not_processed:
                    raise RemoteError(about(url, f"{problem}; it may have been processed all the same")) from error
            except HTTPError as error:
                problem, after = f"did not answer whole: {reason(error)}", None
                if creates and not isinstance(error, NewConnectionError):
                    raise RemoteError(about(url, f"{problem}; it may have been processed all the same")) from error
            now = reached()
            failures, before = (1 if now - before >= _PROGRESS_BYTES else failures + 1), now
            if failures >= self.patience.attempts:
                raise RemoteError(about(url, f"{problem} ({failures} attempts); {_LATER}"))
            self._wait(failures, after, url, problem)

    def _wait(self, failures: int, asked_seconds: float | None, url: str, problem: str) -> None:
        """Wait as long as asked, else the longer the more failed."""
        if asked_seconds is not None and asked_seconds > self.patience.longest_wait_seconds:
            raise RemoteError(about(url, f"{problem} and asks to come back in {asked_seconds:.0f} seconds; {_LATER}"))
        doubled = self.patience.first_wait_seconds * 2 ** (failures - 1)
        seconds = min(doubled, self.patience.longest_wait_seconds) * self.chance.uniform(0.5, 1.0)
        logger.info("%s; trying again in %.1f s", about(url, problem), max(seconds, asked_seconds or 0.0))
        self.sleep(max(seconds, asked_seconds or 0.0))

    @contextmanager
    def answer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        account: tuple[str, str] | str | None = None,
        body: bytes | None = None,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Make one request, follow its redirects, and raise for answers that are failures."""
        if not self._is_ours(url):
            raise RemoteError(about(url, "is no address of the service"))
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers={
                    "user-agent": f"{USER_AGENT} {self.contact}".strip(),
                    **headers,
                    **self._credentials(url, account),
                },
                preload_content=False,
                redirect=False,
            )
            try:
                if answer.status not in _REDIRECTS or method != "GET":
                    self._raise_for(answer, url)
                    yield answer
                    return
                url = self._redirected(url, answer.headers.get("location"))
            finally:
                answer.close()  # what was not read is not wanted, and a connection with a rest is of no use
        raise RemoteError(about(url, "redirects in circles"))

    def _credentials(self, url: str, account: tuple[str, str] | str | None) -> dict[str, str]:
        """Return the header that states who asks; empty for any other host than the service's."""
        if account is None or origin(url) != origin(self.base_url):
            return {}
        if isinstance(account, str):
            bearer = self.token_header == "authorization"
            return {self.token_header: f"Bearer {account}" if bearer else account}
        return dict(urllib3.make_headers(basic_auth=":".join(account)))

    def _redirected(self, url: str, location: str | None) -> str:
        """Return where a redirect leads, if it may be followed."""
        target = urljoin(url, location or "")
        if location and self._is_ours(target):
            return target
        msg = about(url, f"redirects to {shorten(target)}, which is not followed")
        raise RemoteError(msg)

    def _is_ours(self, url: str) -> bool:
        """Return whether an address belongs to the service, or over https to a friend."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        friendly = any(host == domain or host.endswith(f".{domain}") for domain in self.friends)
        return origin(url) == origin(self.base_url) or (friendly and parts.scheme == "https")

    def _raise_for(self, answer: urllib3.BaseHTTPResponse, url: str) -> None:
        """Raise for an answer that is no success."""
        if answer.status in (200, 201, 202, 206):
            return
        problem = f"answered {answer.status}{message(self.body(answer, whole=False))}"
        if answer.status in _AGAIN:
            after = retry_after(answer.headers.get("retry-after"))
            raise TryAgainError(problem, after, not_processed=answer.status in _NOT_PROCESSED)
        raise RefusedError(about(url, problem), answer.status)

    def body(self, answer: urllib3.BaseHTTPResponse, *, whole: bool = True) -> bytes:
        """Return an answer's body; the beginning is enough for a message, and may be cut off."""
        parts, size, until = [], 0, time.monotonic() + self.patience.answer_seconds
        most = MOST_JSON_BYTES if whole else _MESSAGE_BYTES
        try:
            while part := answer.read1(_BLOCK, decode_content=True):
                parts.append(part)
                size += len(part)
                if not whole and size >= most:
                    break
                if size > most:
                    raise RemoteError(about(self.base_url, f"sends more than {most:,} bytes"))
                if time.monotonic() > until:
                    msg = f"takes longer than {self.patience.answer_seconds:.0f} seconds to answer"
                    raise TryAgainError(msg)
        except HTTPError:
            if whole:
                raise
        return b"".join(parts)


# Files from a service: resumed where an earlier run was cut off, and whole or not there.
MOST_BYTES: Final = 200_000_000_000


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
    if (number := size if size is not None else total) is not None and _size(part) != number:
        msg = f"sent {_size(part):,} bytes of a file of {number:,}"
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
    """Refuse a file of another size than stated, one that is too large, and one that there is no room for."""
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
