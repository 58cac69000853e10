"""Filling a disk."""

import os
from pathlib import Path


def fill(disk: Path, *, leave: int) -> Path:
    """Write a file that leaves so many bytes."""
    path = disk / "full"
    free = os.statvfs(disk)
    with path.open("wb") as file:
        remaining = free.f_bavail * free.f_frsize - leave
        while remaining > 0:
            remaining -= file.write(b"\0" * min(remaining, 1_000_000))
    return path
