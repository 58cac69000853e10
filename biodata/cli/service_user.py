"""Starting a process as a system user of its own, which cannot read what is private."""

import contextlib
import importlib
import os
import pkgutil
import pwd
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from biodata.errors import InputError, StoreError
from biodata.settings import Settings
from biodata.store import folders


def start_as(settings: Settings, user: str, command: Sequence[str]) -> None:
    """Give what the service writes to a system user, and go on as that user: in a fresh process image where it can be.

    A fresh image has nothing in memory that was read before, and its workers find their files as the user does. Where
    the user cannot run this interpreter (it lies in root's own folder), the call returns, in a process that is the
    user's from now on, with all that the service needs loaded.

    Parameters
    ----------
    settings : Settings
        The installation.
    user : str
        The system user, by name or number; not root.
    command : sequence of str
        The words of the command, without the option that led here.

    Raises
    ------
    InputError
        If there is no such user, it is root, or it could read what is private.
    StoreError
        If this process may not become another user.
    """
    number, group = numbers_of(user)
    if os.geteuid() != 0:
        message = f"only root can start as another user: start as {user} itself, or as root with --user"
        raise StoreError(message)
    from biodata.store.registry import Registry
    from biodata.store.secret import citation_secret, token_secret

    with Registry.open(settings):
        token_secret(settings.data)
        citation_secret(settings.data)
    folders.hand_over(settings.data, user=number, group=group)
    fresh = _can_run(number, group)
    if not fresh:
        _load_service(settings)
    become(number, group)
    folders.read_by_service(settings.data)
    if fresh:
        os.execv(sys.executable, [sys.executable, "-m", "biodata.cli", *command])


def _can_run(number: int, group: int) -> bool:
    """Tell whether a system user can run this interpreter."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", "import http.client"], user=number, group=group, extra_groups=[], check=False,
            capture_output=True,
        )  # fmt: skip
    except OSError:
        return False
    return told.returncode == 0


def _load_service(settings: Settings) -> None:
    """Load what the service needs, all that it loads at a first question too."""
    import api

    load_codecs()
    for found in pkgutil.walk_packages(api.__path__, "api."):
        importlib.import_module(found.name)
    for name in (*_AT_FIRST_USE, *(f"biodata.access.{one.name}" for one in pkgutil.iter_modules(_access()))):
        importlib.import_module(name)
    importlib.import_module("api.app").create_app(settings)


def load_codecs() -> None:
    """Load every codec: a file's name in a workbook or an archive asks for one that nobody thought of."""
    import encodings

    for found in pkgutil.iter_modules(encodings.__path__, "encodings."):
        with contextlib.suppress(ImportError):  # those of another operating system
            importlib.import_module(found.name)


def _access() -> list[str]:
    import biodata.access

    return list(biodata.access.__path__)


_AT_FIRST_USE: Final = (
    "biodata.surveys", "biodata.exports.reports.page", "biodata.store.registry", "biodata.store.migrations",
    "pandas", "prometheus_client", "encodings.idna", "multiprocessing.resource_tracker", "uvicorn.lifespan.on", "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "xml.etree.ElementTree", "zoneinfo",
)  # fmt: skip


def become(number: int, group: int) -> None:
    """Be another system user from now on, without the groups of the one before."""
    os.setgroups([])
    os.setgid(group)
    os.setuid(number)
    os.umask(0o027)


def numbers_of(user: str) -> tuple[int, int]:
    """Return the numbers of a system user and its group, or fail."""
    try:
        found = pwd.getpwuid(int(user)) if user.isascii() and user.isdigit() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        problem = "this machine has no such system user"
        raise InputError(problem, column="--user", value=user, expected="the name or number of one") from None
    if found.pw_uid == 0:
        problem = "root may read everything"
        raise InputError(problem, column="--user", value=user, expected="a system user that owns nothing private")
    return found.pw_uid, found.pw_gid
