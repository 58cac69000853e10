"""What is kept of analysis runs: that they were made stands in the registry, what they told stays beside the lake.

The service's user reads the registry, and a report may count exact records, or name where a layer of exact places lies.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from biodata.store import folders
from biodata.store.models import Run, now
from biodata.store.private_reports import keep_report
from biodata.store.registry import Registry


def record(registry: Registry, data: Path, run_id: str, layer: str | None, report: Mapping[str, Any]) -> None:
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
                id=run_id,
                layer=layer,
                state="done",
                snapshot=report.get("snapshot"),
                seed=report.get("parameters", {}).get("seed"),
                parameters={},
                report=None,
                created=now(),
            )
        )
    _bring_out(registry, data)


def every(registry: Registry, data: Path) -> list[dict[str, Any]]:
    """Return the report of every run, the oldest first; a run whose report is gone has none.

    Parameters
    ----------
    registry : Registry
    data : Path
        The installation's folder.
    """
    _bring_out(registry, data)
    with registry.session(read_only=True) as session:
        names = session.scalars(select(Run.id).order_by(Run.created, Run.id)).all()
    paths = [folders.private_reports(data) / f"run-{name}.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def _bring_out(registry: Registry, data: Path) -> None:
    """Move reports that an older biodata kept in the registry to where the service does not read them."""
    with registry.session(read_only=True) as session:
        found = session.scalars(select(Run).where(Run.report.is_not(None))).all()
    found = [run for run in found if run.report is not None]  # JSON has a null of its own
    if not found:
        return
    for run in found:
        keep_report(data, f"run-{run.id}", run.report or {})
    with registry.session() as session, session.begin():
        if session.get_bind().dialect.name == "sqlite":  # else they stay in free pages of the file
            session.execute(text("PRAGMA secure_delete = ON"))
        for run in found:
            session.get_one(Run, run.id).report = None
            session.get_one(Run, run.id).parameters = {}
