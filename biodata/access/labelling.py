"""Labels of communities are put on datasets, events and records, and taken away: the file beside the rules, and the audit."""

import csv
import io
import os
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing.label_files import COLUMNS, Assignment, LabelSet, cells, read_file
from biodata.store import audit
from biodata.store.lake import Lake
from biodata.store.locks import file_lock
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry

_BATCH_ROWS: Final = 200_000


def held(settings: Settings) -> list[Assignment]:
    """Return the labels that were put on something, those whose time is over too."""
    path = settings.labels_file
    return read_file(path) if path.exists() else []


def carried(settings: Settings, wanted: Assignment) -> int:
    """Count the lake's records that carry a label which is put so: none where an event or a key is misspelt."""
    names = ("key", "datasetKey", "eventID", "parentEventID")
    labels, found = LabelSet((replace(wanted, valid_until=None),)), 0
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        chosen = Compare("datasetKey", "=", wanted.dataset)
        for batch in lake.batches("occurrences", columns=names, where=chosen, batch_rows=_BATCH_ROWS):
            found += labels.added(batch)["community_labels"].count()
    return found


def put(settings: Settings, registry: Registry, wanted: Assignment, *, actor: str) -> bool:
    """Put a label on a dataset, an event or a record; the next release follows it. False where it is there already."""
    with _alone(settings):
        before = held(settings)
        if wanted in before:
            return False
        _write(settings, registry, [*before, wanted], wanted, actor=actor, action="label put")
        return True


def take(settings: Settings, registry: Registry, unwanted: Assignment, *, actor: str) -> None:
    """Take a label away: that of the same dataset, event and record, whatever else is told of it.

    Raises
    ------
    InputError
        If there is none.
    """
    with _alone(settings):
        before = held(settings)
        same = [a for a in before if _place(a) == _place(unwanted)]
        if not same:
            problem = "there is no such label"
            raise InputError(problem, column="label", value=unwanted.label, expected="biodata rights labels tells them", code="LABEL_MISSING")  # fmt: skip
        _write(settings, registry, [a for a in before if a not in same], unwanted, actor=actor, action="label taken")


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """Let one change of the file come after the other: of two labels that are put at once neither is lost."""
    return file_lock(settings.data / "sharing_labels.lock", what="the file of labels")


def _place(assignment: Assignment) -> tuple[str, str, str | None, int | None]:
    return assignment.label, assignment.dataset, assignment.event, assignment.key


def _write(
    settings: Settings, registry: Registry, told: list[Assignment], changed: Assignment, *, actor: str, action: str
) -> None:
    """Write the file under another name, read it again and give it its name, in the transaction of the audit's entry."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells(sorted(told, key=str)))
    path = settings.labels_file
    unnamed = path.with_name("sharing_labels.new.csv")
    details = {name: value for name, value in cells([changed])[0].items() if value}
    try:
        with unnamed.open("w", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        read_file(unnamed)
        with registry.session() as session, session.begin():
            audit.append(session, actor=actor, action=action, subject=changed.dataset, details=details)
            unnamed.replace(path)
    finally:
        unnamed.unlink(missing_ok=True)
