"""What a handler asks: the installation's service, and through it one open release for the whole request."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from starlette.requests import Request

from api.errors import Code, ProblemError, invalid
from api.opened import Facts, Opened
from biodata.errors import BiodataError, NoReleaseError
from biodata.settings import Settings
from biodata.store import folders, pointer
from biodata.store.reader import Cursor, OpenRelease, ReleaseReader

if TYPE_CHECKING:
    from biodata.access.credentials import Passwords
    from biodata.access.oidc import Oidc
    from biodata.access.tokens import Tokens
    from biodata.store.registry import Registry

__all__ = ["Opened", "Service", "service"]

_GONE: Final = "ask again without it for release {}; a citation of the old one can be replayed by `biodata replay`"


class Service:
    """An installation as the API sees it: its releases and its registry, and nothing else.

    Attributes
    ----------
    settings : Settings
        The installation.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._reader = ReleaseReader(settings.data, timeout_seconds=settings.query_timeout_s)
        self._known: dict[str, Facts] = {}
        self._lock = Lock()

    @cached_property
    def registry(self) -> "Registry":
        """Keys, submissions, the queue; opened when it is first asked for: few commands need it."""
        from biodata.store.registry import Registry

        return Registry.open(self.settings)

    @cached_property
    def tokens(self) -> "Tokens":
        """What logins give, and how it is checked."""
        from biodata.access.tokens import Tokens

        return Tokens(self.registry, self.settings)

    @cached_property
    def passwords(self) -> "Passwords":
        """What is kept of passwords, and how it is checked."""
        from biodata.access.credentials import Passwords

        return Passwords(memory_mib=self.settings.password_memory_mib)

    @cached_property
    def oidc(self) -> "Oidc":
        """Logins by OpenID Connect providers."""
        from biodata.access.oidc import Oidc

        return Oidc(self.settings)

    @contextmanager
    def open(
        self, request: Request | None, *, cursor: str | None = None, release_id: str | None = None
    ) -> Iterator[Opened]:
        """Open one release for a whole request, so that its parts agree; the answer tells which.

        Parameters
        ----------
        request : Request, optional
            Keeps the release's id for the header; a command has none.
        cursor : str, optional
            Goes on in the release that it was made for.
        release_id : str, optional
            Asks for one release.

        Raises
        ------
        ProblemError
            With RELEASE_GONE, if that release is no longer open.
        NoReleaseError
            If there is none at all.
        """
        current = self._reader.current()
        wanted = Cursor.decode(cursor).release if cursor is not None else release_id
        if release_id not in (None, wanted):
            raise invalid(field="snapshot", value=str(release_id), expected=f"{wanted}, the release of the cursor")
        try:
            release = self._reader.get(wanted) if wanted not in (None, current.id) and wanted else current
        except NoReleaseError as error:
            detail = f"release {str(wanted)[:40]!r} is not open here any more"
            raise ProblemError(
                Code.RELEASE_GONE, detail, field="snapshot", expected=_GONE.format(current.id)
            ) from error
        if request is not None:
            request.state.release = release.id
        yield Opened(self, release, cursor)

    def release_id(self) -> str:
        """Return the id of the current release; `none` where there is none."""
        # The pointer's own file: opening a release here would hold up every other request.
        try:
            told = pointer.read(self.settings.data)
        except BiodataError:
            return "none"
        return told.current.id if told is not None else "none"

    def snapshot(self) -> int:
        """Return the lake's version that the current release was made from."""
        return int(self._reader.current().info["snapshot"])

    def rules_hash(self) -> str:
        """Return the hash of the sharing rules that the current release was made under."""
        return str(self._reader.current().info["rules_hash"])

    def warm(self) -> None:
        """Ask the current release, where there is one, what takes seconds for the first time only."""
        self._reader.ready()

    def sweep(self) -> None:
        """Remove parts of uploads that expired while nobody served."""
        if not (folders.service(self.settings.data) / "uploads").is_dir():
            return
        from biodata.surveys.submit import sweep

        sweep(self.settings, self.registry)

    def probe(self) -> str:
        """Ask the current release a question and return its id.

        Raises
        ------
        NoReleaseError
            If none can be read.
        """
        if not self._reader.ready():
            message = "no release can be read"
            raise NoReleaseError(message)
        return self._reader.current().id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        if "registry" in self.__dict__:
            self.registry.close()

    def facts(self, release: OpenRelease) -> Facts:
        """Return what is read once from a release; those of the last few releases are kept."""
        with self._lock:
            if release.id not in self._known:
                while len(self._known) >= 3:
                    self._known.pop(next(iter(self._known)))
                self._known[release.id] = Facts(release)
            return self._known[release.id]


def service(request: Request) -> Service:
    """Return the application's service."""
    found: Service = request.app.state.service
    return found
