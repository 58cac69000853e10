"""Labels of communities are put on datasets, events and records, and taken away: each makes a version of the sharing rules."""

from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing.labels import LabelSet
from biodata.sharing.rule import Assignment
from biodata.sharing.rule_lines import cells
from biodata.store import audit, sharing_rules
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.sharing_rules import RuleContent

_BATCH_ROWS: Final = 200_000


def held(registry: Registry) -> tuple[Assignment, ...]:
    """Return the labels that were put on something, those whose time is over too."""
    with registry.session(read_only=True) as session:
        return sharing_rules.current(session).labels


def carried(settings: Settings, wanted: Assignment) -> int:
    """Count the lake's records that carry a label which is put so: none where an event or a key is misspelt."""
    names = ("key", "datasetKey", "eventID", "parentEventID")
    labels, found = LabelSet((replace(wanted, valid_until=None),)), 0
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        chosen = Compare("datasetKey", "=", wanted.dataset)
        for batch in lake.batches("occurrences", columns=names, where=chosen, batch_rows=_BATCH_ROWS):
            found += labels.added(batch)["community_labels"].count()
    return found


def in_lake(settings: Settings, dataset: str) -> bool:
    """Tell whether the lake has records of a dataset: a key that is misspelt has none."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        chosen = Compare("datasetKey", "=", dataset)
        return any(
            batch.height
            for batch in lake.batches("occurrences", columns=("key",), where=chosen, batch_rows=_BATCH_ROWS)
        )


def put(registry: Registry, wanted: Assignment, *, actor: str) -> bool:
    """Put a label on a dataset, an event or a record; the next release follows it. False where it is there already."""
    with registry.session() as session, session.begin():
        before = sharing_rules.current(session)
        if wanted in before.labels:
            return False
        _write(session, replace(before, labels=(*before.labels, wanted)), wanted, actor=actor, action="label put")
        return True


def take(registry: Registry, unwanted: Assignment, *, actor: str) -> None:
    """Take a label away: that of the same dataset, event and record, whatever else is told of it.

    Raises
    ------
    InputError
        If there is none.
    """
    with registry.session() as session, session.begin():
        before = sharing_rules.current(session)
        kept = tuple(a for a in before.labels if _place(a) != _place(unwanted))
        if len(kept) == len(before.labels):
            problem = "there is no such label"
            raise InputError(problem, column="label", value=unwanted.label, expected="biodata rights labels tells them", code="LABEL_MISSING")  # fmt: skip
        _write(session, replace(before, labels=kept), unwanted, actor=actor, action="label taken")


def _place(assignment: Assignment) -> tuple[str, str, str | None, int | None]:
    return assignment.label, assignment.dataset, assignment.event, assignment.key


def _write(session: Session, content: RuleContent, changed: Assignment, *, actor: str, action: str) -> None:
    """Write a version of the sharing rules with other labels, and what changed into the audit."""
    details = {name: value for name, value in cells(changed).items() if value}
    sharing_rules.write(session, content, actor=actor, reason=f"{action}: {changed.label} of {changed.dataset}")
    audit.append(session, actor=actor, action=action, subject=changed.dataset, details=details)
