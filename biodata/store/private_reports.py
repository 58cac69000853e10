"""Reports that state refused values, as people sent them: kept beside the lake, where the service cannot read them."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from biodata.store import checksums, folders
from biodata.store.models import Run, now
from biodata.store.registry import Registry


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
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def record_run(registry: Registry, data: Path, run_id: str, layer: str | None, report: Mapping[str, Any]) -> None:
    """Keep what an analysis run was asked and what came out; the same run again replaces it.

    Parameters
    ----------
    registry : Registry
    data : Path
        The installation's folder, whose owner alone reads the report.
    run_id : str
    layer : str, optional
        The layer that it is over.
    report : mapping
        As JSON; `parameters` with its `seed`, and `snapshot`, the lake's version.
    """
    keep_report(data, f"run-{run_id}", report)
    with registry.session() as session, session.begin():
        session.merge(
            Run(
                id=run_id, layer=layer, state="done", snapshot=report.get("snapshot"),
                seed=report.get("parameters", {}).get("seed"), created=now(),
            )
        )  # fmt: skip


def run_reports(registry: Registry, data: Path) -> list[dict[str, Any]]:
    """Return the report of every run, the oldest first; a run whose report is gone has none.

    Parameters
    ----------
    registry : Registry
    data : Path
        The installation's folder.
    """
    with registry.session(read_only=True) as session:
        names = session.scalars(select(Run.id).order_by(Run.created, Run.id)).all()
    paths = [folders.private_reports(data) / f"run-{name}.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
