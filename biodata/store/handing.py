"""Giving a folder to another system user, who may change it at the same time: no link that is put there is followed."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

Mode = Callable[[tuple[str, ...], bool], int]
"""Gives the mode of what lies at the parts of a path below the folder, and whether it is a folder."""


def give(folder: Path, *, user: int, group: int, mode: Mode | None = None) -> None:
    """Make a system user the owner of a folder and of all in it.

    Parameters
    ----------
    folder : Path
        Itself no link.
    user, group : int
        Numbers of the system user and its group.
    mode : function, optional
        The modes that files and folders get; without it they keep theirs.

    Raises
    ------
    OSError
        If the caller may not.

    Notes
    -----
    Everything is opened below its own folder and without following links, and then changed as it was opened: whoever
    owns the folder cannot have a file of somebody else given to them. A file of another owner with a second name may
    be such a file, and stays as it is; a link, a socket or a pipe only changes its owner.
    """
    for path, _, files, at in os.fwalk(folder, follow_symlinks=False):
        below = Path(path).relative_to(folder).parts
        found = os.fstat(at)
        _change(at, user, group, found, mode(below, True) if mode is not None else None)
        for name in files:
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode):
                os.chown(name, user, group, dir_fd=at, follow_symlinks=False)
                continue
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=at)
            try:
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode) and (found.st_nlink == 1 or found.st_uid == user):
                    _change(descriptor, user, group, found, mode((*below, name), False) if mode is not None else None)
            finally:
                os.close(descriptor)


def _change(descriptor: int, user: int, group: int, found: os.stat_result, mode: int | None) -> None:
    """Change the owner, then the mode: a change of owner takes the set-group bit."""
    if (found.st_uid, found.st_gid) != (user, group):
        os.fchown(descriptor, user, group)
    if mode is not None:
        os.fchmod(descriptor, mode)
