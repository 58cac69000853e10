"""Reports that tell refused values, as people sent them: kept beside the lake, where the service cannot read them."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biodata.store import checksums, folders


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
    # The same run may end twice at once; mkstemp's file is its owner's alone.
    descriptor, made = tempfile.mkstemp(dir=folder, prefix=f"{name}.", suffix=".part")
    part = Path(made)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    checksums.put_in_place(data, part, folder / f"{name}.json")


def forget_report(data: Path, name: str) -> None:
    """Remove a report; nothing where there is none of this name."""
    folder = folders.private_reports(data)
    checksums.remove(data, folder / f"{name}.json")
    for path in folder.glob(f"{name}.*.part"):  # those of a process that died
        path.unlink(missing_ok=True)


def read_report(data: Path, name: str) -> dict[str, Any] | None:
    """Return a report; None where there is none of this name."""
    path = folders.private_reports(data) / f"{name}.json"
    if not path.exists():
        return None
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told
