"""Starting a process as a system user of its own, which cannot read what is private."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence

from biodata.errors import InputError, StoreError
from biodata.settings import Settings
from biodata.store import folders


def start_as(settings: Settings, user: str, command: Sequence[str], *, workers: int = 1) -> None:
    """Give what the service writes to a system user, and go on as that user: in a fresh process image where it can be.

    A fresh image has nothing in memory that was read before, and its workers find their files as the user does. Where
    the user cannot run this interpreter (it lies in root's own folder), the call returns, in a process that is the
    user's from now on, with all that the service needs loaded and looked at.

    Parameters
    ----------
    settings : Settings
        The installation.
    user : str
        The system user, by name or number; not root.
    command : sequence of str
        The words of the command, without the option that led here.
    workers : int
        API processes that are wanted.

    Raises
    ------
    InputError
        If there is no such user, it is root, or it could read what is private.
    StoreError
        If this process may not become another user, or that user cannot run this interpreter and that matters.
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
    fresh = _can_run(number, group)
    if not fresh:
        from biodata.cli import preloading

        where = (
            f"{user} cannot run {sys.executable}: install Python and biodata where every user may read them, as with "
            "`uv python install --install-dir /opt/python` and `uv venv /opt/biodata`"
        )
        if workers > 1:
            message = f"{where}; until then only one worker can be started"
            raise StoreError(message)
        sys.stderr.write(f"{where}; all that the service needs is loaded before, which takes a while\n")
        preloading.load_service(settings)
    folders.hand_over(settings.data, user=number, group=group)
    become(number, group)
    folders.read_by_service(settings.data)
    if fresh:
        os.execv(sys.executable, [sys.executable, "-m", "biodata.cli", *command])
    try:
        preloading.look(settings)
    except (StoreError, ImportError, OSError, LookupError) as error:
        message = f"{where}; loading all before did not do: {error}"
        raise StoreError(message) from error


def _can_run(number: int, group: int) -> bool:
    """Tell whether a system user can run this interpreter."""
    try:
        told = subprocess.run(
            [sys.executable, "-c", "import http.client, biodata.settings"], user=number, group=group, extra_groups=[], check=False,
            capture_output=True,
        )  # fmt: skip
    except OSError:
        return False
    return told.returncode == 0


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
