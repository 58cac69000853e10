"""S3-compatible storage: files by name below one address."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from biodata.core.errors import InputError, StoreError

if TYPE_CHECKING:
    from pyarrow.fs import SubTreeFileSystem

_ADDRESS: Final = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.)[\w.-]+)*/?$")
_ENDPOINT: Final = re.compile(r"^https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?$")
_PIECE: Final = 8 * 1024 * 1024
"""Bytes of a file that are in memory at once."""


@dataclass(frozen=True)
class Storage:
    """A folder of a bucket; its key comes from ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.

    Attributes
    ----------
    address : str
        `s3://bucket` or `s3://bucket/folder`.
    endpoint : str, optional
        Address of the service; Amazon's where none is given.
    region : str
        The bucket's region.
    """

    address: str
    endpoint: str | None = None
    region: str = "us-east-1"

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises
        ------
        InputError
            With STORAGE_INVALID.
        """
        for value, form, expected in (
            (self.address, _ADDRESS, "s3://bucket/folder"),
            (self.endpoint, _ENDPOINT, "https://storage.example.org:9000"),
        ):
            if value is not None and not form.match(value):
                problem = "this is no address of a storage"
                raise InputError(problem, value=value, expected=expected, code="STORAGE_INVALID")

    @property
    def root(self) -> str:
        """The address with a stroke at its end."""
        return self.address.rstrip("/") + "/"

    @property
    def keys(self) -> tuple[str, str]:
        """The key and its secret.

        Raises
        ------
        StoreError
            If the environment has none.
        """
        try:
            return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        except KeyError as error:
            message = f"the storage needs {error.args[0]} in the environment"
            raise StoreError(message) from error

    @cached_property
    def _files(self) -> "SubTreeFileSystem":
        from pyarrow.fs import S3FileSystem, SubTreeFileSystem

        key, secret = self.keys
        scheme, _, host = (self.endpoint or "").partition("://")
        service = S3FileSystem(
            access_key=key, secret_key=secret, region=self.region,
            endpoint_override=host or None, scheme="http" if scheme == "http" else "https",
        )  # fmt: skip
        return SubTreeFileSystem(self.root.removeprefix("s3://"), service)

    def put(self, path: Path, name: str) -> None:
        """Store a file of this machine under a name: whoever asks meanwhile gets what was there before.

        Raises
        ------
        StoreError
            If the storage does not take it.
        """
        with _answering(), path.open("rb") as file, self._files.open_output_stream(name) as stored:
            shutil.copyfileobj(file, stored, _PIECE)

    def put_bytes(self, content: bytes, name: str) -> None:
        """Store some bytes under a name, as `put` does a file."""
        with _answering(), self._files.open_output_stream(name) as stored:
            stored.write(content)

    def fetch(self, name: str, path: Path) -> None:
        """Write what is stored under a name into a file of this machine, durably.

        Raises
        ------
        StoreError
            If there is nothing, or the storage does not answer.
        """
        with _answering(), self._files.open_input_stream(name) as stored, path.open("wb") as file:
            shutil.copyfileobj(stored, file, _PIECE)
            file.flush()
            os.fsync(file.fileno())

    def read(self, name: str) -> bytes | None:
        """Return what is stored under a name; None where there is nothing.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        with _answering():
            try:
                with self._files.open_input_stream(name) as stored:
                    return bytes(stored.read())
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the size of everything that is stored below a folder, by name.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        from pyarrow.fs import FileSelector, FileType

        with _answering():
            found = self._files.get_file_info(FileSelector(folder, allow_not_found=True, recursive=True))
        return {one.path: one.size for one in found if one.type is FileType.File}

    def remove(self, name: str) -> None:
        """Remove what is stored under a name; nothing where there is nothing.

        Raises
        ------
        StoreError
            If the storage does not do it.
        """
        with _answering(), suppress(FileNotFoundError):
            self._files.delete_file(name)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what a storage complains of into one line.

    Raises
    ------
    StoreError
        If it does.
    """
    try:
        yield
    except OSError as error:
        message = f"the storage does not answer: {str(error).splitlines()[0]}"
        raise StoreError(message) from error
