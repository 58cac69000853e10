"""What all sources share: a service that is asked politely, answers that keep their shape, and files with their provenance."""

import io
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn

import polars as pl

from biodata import pipeline
from biodata.core.errors import InputError, RemoteError
from biodata.core.settings import Settings
from biodata.ingest.http import Client, RefusedError, TryAgainError, about, start_of, total_of
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.pipeline.report import IngestReport
from biodata.pull.kept import Folder

_PAUSE_SECONDS: Final = 1.0
"""Between two questions: what these services ask of whoever asks often."""
_FIRST_WAIT_SECONDS: Final = 5.0
_LONGEST_WAIT_SECONDS: Final = 60.0
_BLOCK: Final = 1 << 18
_MOST_BLOCKS: Final = 256
_STATED: Final = ("title", "license", "citation", "doi", "version")

Counts = dict[str, int]


def client_for(
    url: str, settings: Settings, *, friends: Iterable[str] = (), token_header: str = "authorization"
) -> Client:
    """Return the client of a service, which states who asks."""
    return Client(url, friends=set(friends), contact=settings.contact or "", token_header=token_header)


def plain_table(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return records of JSON as the table that a simple download is: what is one value, as text."""
    names = dict.fromkeys(name for row in rows for name, value in row.items() if not isinstance(value, (list, dict)))
    return pl.DataFrame({name: [_text(row.get(name)) for row in rows] for name in names})


def _text(value: Any) -> str:
    """Return a value of JSON as a cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, (list, dict)) else re.sub(r"[\t\r\n]+", " ", str(value))


class Service:
    """A service with a JSON API.

    Parameters
    ----------
    name : str
        What people call it.
    client : Client
    variable : str, optional
        Where its token stands in the environment.
    help : str
        Where to get a token, and what works without.
    """

    def __init__(self, name: str, client: Client, *, variable: str | None = None, help: str = "") -> None:
        self.name, self.client, self.variable, self.help = name, client, variable, help
        self._asked = 0

    @property
    def lacks_token(self) -> bool:
        """Whether it needs a token and there is none."""
        return bool(self.variable) and not os.environ.get(self.variable or "", "").strip()

    @property
    def _token(self) -> str | None:
        """The token; ACCOUNT_MISSING where one is needed and there is none."""
        if self.lacks_token:
            problem = f"{self.name} needs a token"
            raise InputError(
                problem, expected=f"{self.variable} in the environment; {self.help}", code="ACCOUNT_MISSING"
            )
        return os.environ[self.variable].strip() if self.variable else None

    def get(self, path: str, /, **parameters: Any) -> Any:
        """Return the JSON that the service answers with.

        Raises
        ------
        InputError
            With ACCOUNT_MISSING, if it needs a token and there is none.
        RemoteError
            If it refuses or fails.
        """
        token = self._token
        if self._asked:
            self.client.sleep(_PAUSE_SECONDS)
        self._asked += 1
        query = {name: str(value) for name, value in parameters.items() if value is not None}
        try:
            return self.client.get_json(path, query, account=token)
        except RefusedError as error:
            if error.status in (401, 403) and self.variable:
                msg = f"{self.name} does not take the token in {self.variable}; {self.help}"
                raise RemoteError(msg) from error
            raise

    def ask(self, path: str, /, *needed: str, **parameters: Any) -> dict[str, Any]:
        """Return the JSON object that the service answers with; RemoteError where it lacks a name that is needed."""
        return self.check(self.get(path, **parameters), *needed)

    def check(self, answer: Any, *needed: str) -> dict[str, Any]:
        """Return an object that has all the names that are needed.

        Raises
        ------
        RemoteError
            If it has not.
        """
        if not isinstance(answer, dict) or not answer.keys() >= set(needed):
            lacking = ", ".join(set(needed) - (answer.keys() if isinstance(answer, dict) else set()))
            self._raise_changed(f"without {lacking}")
        return dict(answer)

    def rows(self, path: str, name: str | None, /, *needed: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the list of objects that an answer has under a name, or is; each has the names that are needed."""
        rows = self.get(path, **parameters) if name is None else self.ask(path, name, **parameters)[name]
        if not isinstance(rows, list):
            self._raise_changed(f"{name or 'the answer'} is no list of objects")
        return [self.check(row, *needed) for row in rows]

    def _raise_changed(self, how: str) -> NoReturn:
        msg = f"{self.name} answers with JSON of another shape than it did, {how}; nothing was taken: a newer biodata may know the new shape"
        raise RemoteError(msg)


def waits(hours: float = 24.0) -> Iterator[float]:
    """Yield how long to wait before each question whether an order is ready, longer each time, until hours are over."""
    waited, pause = 0.0, _FIRST_WAIT_SECONDS
    while waited < hours * 3600:
        yield pause
        waited, pause = waited + pause, min(pause * 1.5, _LONGEST_WAIT_SECONDS)


class Source(ABC):
    """Something that can be pulled: a subclass is its address, its terms, what is asked of it, and how its rows read.

    Attributes
    ----------
    name : str
        Of the command, and of its folders below `DATA/pulls`.
    called : str
        What people call the service.
    setting : str
        The setting that has its address.
    owner : str
        The domain to which it may redirect.
    licence : str
        What may be done with what it has.
    variable, token_header, help : str
        Where its token stands in the environment and in a request; where to get one, and what works without.

    Parameters
    ----------
    settings : Settings
    progress : bool
    """

    name: ClassVar[str]
    called: ClassVar[str]
    setting: ClassVar[str]
    owner: ClassVar[str]
    licence: ClassVar[str]
    variable: ClassVar[str | None] = None
    token_header: ClassVar[str] = "authorization"
    help: ClassVar[str] = ""

    def __init__(self, settings: Settings, *, progress: bool = False) -> None:
        self.settings, self.progress = settings, progress
        address = getattr(settings, self.setting)
        client = client_for(address, settings, friends=[self.owner], token_header=self.token_header)
        self.service = Service(self.called, client, variable=self.variable, help=self.help)

    @abstractmethod
    def estimate(self) -> Counts:
        """Return how much there is, by what it is; nothing is ordered or changed."""

    @abstractmethod
    def pull(self) -> list[IngestReport]:
        """Take it in; a run that was cut off goes on.

        Raises
        ------
        InputError
            If there is nothing (INPUT_EMPTY), or an account is missing (ACCOUNT_MISSING).
        RemoteError
            If the service refuses or fails.
        """

    def folder(self, **scope: Any) -> Folder:
        """Return the folder of what is asked."""
        return Folder(self.settings.data, self.name, scope)

    def raise_empty(self, what: str, *folders: Folder) -> NoReturn:
        """Forget the pages, and state that the service has nothing (INPUT_EMPTY)."""
        for folder in folders:
            folder.forget_pages()
        problem = f"{self.called} has {what}"
        raise InputError(problem, expected="more taxa, more places or an earlier year", code="INPUT_EMPTY")

    def take_in(
        self, form: str, file: Path, folders: Sequence[Folder], address: str, *, dataset: str | None = None,
        options: dict[str, str] | None = None, datasets: dict[str, DatasetInfo] | None = None, **facts: Any,
    ) -> list[IngestReport]:  # fmt: skip
        """Keep where a file came from, ingest it, and forget the pages that it was made of.

        Parameters
        ----------
        form : str
            What reads it: a name of `biodata.ingest.SOURCES`.
        file : Path
        folders : sequence of Folder
            The first one is the file's.
        address : str
            Of the service, relative or absolute.
        dataset : str, optional
            Key of the dataset.
        options : dict, optional
            As the form takes them.
        datasets : dict, optional
            What the datasets of the records are called.
        **facts
            Kept with the file; title, license, citation, doi and version are stated of the dataset, too.
        """
        folders[0].note(file.name, self.service.client.address(address), **facts)
        stated = {name: facts[name] for name in _STATED if isinstance(facts.get(name), str)}

        def describe(_: int, table: VerbatimTable) -> VerbatimTable:
            if datasets is not None:
                table.name, table.datasets = f"records of {self.called}", datasets
            return table

        reports = pipeline.ingest(
            form, [file], self.settings, dataset=dataset, options={**(options or {}), **stated}, hear=describe,
            progress=self.progress,
        )  # fmt: skip
        for folder in folders:
            folder.forget_pages()
        return reports


class RangeFile(io.RawIOBase):
    """A file of a service of which only the ranges are fetched that are read, in blocks.

    Parameters
    ----------
    client : Client
    url : str
        Absolute, or below the service's address.

    Attributes
    ----------
    size, etag
        Of the file.
    failure : exception or None
        Why it could not be read: a reader in C passes on no exception.

    Raises
    ------
    RefusedError
        If there is no such file (status 404), or it may not be had.
    RemoteError
        If the service gives no ranges, or fails.
    """

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, client.address(url)
        self.size, self.etag, self._at = 0, "", 0
        self.failure: BaseException | None = None
        self._blocks: dict[int, bytes] = {}
        self._fetch(0, 0)

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def close(self) -> None:
        """Stay open: a reader that opens the file again, at an overview, finds the blocks that are here."""

    def tell(self) -> int:  # noqa: D102
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: D102
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer what is at the position."""
        end = min(self._at + len(buffer), self.size)
        if end <= self._at:
            return 0
        blocks = range(self._at // _BLOCK, (end - 1) // _BLOCK + 1)
        if lacking := [number for number in blocks if number not in self._blocks]:
            try:
                self._fetch(lacking[0], lacking[-1])
            except BaseException as error:
                self.failure = error
                raise
        content = b"".join(self._blocks[number] for number in blocks)
        start = self._at - blocks[0] * _BLOCK
        buffer[: end - self._at] = content[start : start + end - self._at]
        read, self._at = end - self._at, end
        while len(self._blocks) > _MOST_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        return read

    def _fetch(self, first: int, last: int) -> None:
        """Fetch blocks; the first answer states the file's size and version."""
        start, end = first * _BLOCK, (last + 1) * _BLOCK
        headers = {"range": f"bytes={start}-{min(end, self.size or end) - 1}", "accept-encoding": "identity"}

        def once() -> bytes:
            with self.client.answer("GET", self.url, headers) as answer:
                size, etag = total_of(answer, start), answer.headers.get("etag", "")
                if answer.status != 206 or start_of(answer) != start or size is None:
                    raise RemoteError(about(self.url, "gives no part of the file"))
                if self.size and (size, etag) != (self.size, self.etag):
                    raise RemoteError(about(self.url, "has another version than when it was opened; try again"))
                content = self.client.body(answer)
                if len(content) != min(end, size) - start:
                    msg = f"sent {len(content):,} bytes of {min(end, size) - start:,}"
                    raise TryAgainError(msg)
                self.size, self.etag = size, etag
                return content

        content = self.client.patiently(once, self.url, reached=lambda: 0)
        for number in range(first, last + 1):
            at = (number - first) * _BLOCK
            self._blocks[number] = content[at : at + _BLOCK]


def write_records(rows: Sequence[dict[str, Any]], folder: Folder) -> Path:
    """Write records as the file of a simple download."""
    file = folder.path / "records.csv"
    plain_table(rows).write_csv(file, separator="\t", quote_style="never")
    return file
