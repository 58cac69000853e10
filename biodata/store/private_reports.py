"""Reports that tell refused values, as people sent them: kept beside the lake, where the service cannot read them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biodata.store import folders


def keep_report(data: Path, name: str, report: Mapping[str, Any]) -> None:
    """Keep a report, durably; one of the same name is replaced.

    Parameters
    ----------
    data : Path
        The installation's folder.
    name : str
        What it is of, such as ``ingest-12``.
    report : mapping
        As JSON.
    """
    folder = folders.private_reports(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / f"{name}.json.part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / f"{name}.json")


def forget_report(data: Path, name: str) -> None:
    """Remove a report; nothing where there is none of this name."""
    (folders.private_reports(data) / f"{name}.json").unlink(missing_ok=True)
