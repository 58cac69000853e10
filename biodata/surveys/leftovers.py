"""What uploads leave behind that nobody needs: files that were cut off, and those whose submission never came to be."""

import time
from typing import Final

from sqlalchemy import select

from biodata.settings import Settings
from biodata.store import folders, survey_files
from biodata.store.models import Submission
from biodata.store.registry import Registry

_LEFT_SECONDS: Final = 3600.0
"""A file so old belongs to no request that is still under way."""


def sweep(settings: Settings, registry: Registry) -> int:
    """Remove what was left behind in the folder of waiting uploads; return how many files and folders went."""
    removed = 0
    folder = folders.service(settings.data) / "uploads"
    with registry.session(read_only=True) as session:
        known = set(session.scalars(select(Submission.file_sha256).where(Submission.state != "withdrawn")))
    for path in [*folder.glob(f"*{survey_files.SEALED}"), *folder.glob("*.part")]:
        wanted = path.suffix == survey_files.SEALED and path.stem in known
        if not wanted and time.time() - path.stat().st_mtime > _LEFT_SECONDS:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
