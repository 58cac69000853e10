"""Rules, consents and labels from files: a new version of all of them, a release under it, nothing of older rules left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from biodata.access import tightening
from biodata.errors import RulesUnreadableError
from biodata.settings import Settings
from biodata.sharing.rule_lines import read_consents, read_labels, read_rules, text_of
from biodata.sharing.rules import RuleSet
from biodata.store import audit, releases, sharing_memory, sharing_rules
from biodata.store.registry import Registry
from biodata.store.sharing_rules import RuleContent

ACTION = "sharing rules imported"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version changes of the one before.

    Attributes
    ----------
    added, removed, changed : list of str
        Names of rules.
    consents, labels : (int, int)
        How many come, and how many go.
    """

    added: list[str]
    removed: list[str]
    changed: list[str]
    consents: tuple[int, int]
    labels: tuple[int, int]

    @classmethod
    def between(cls, before: RuleContent, after: RuleContent) -> "Difference":
        """Compare two contents."""
        was, now = ({rule.rule_id: rule for rule in content.rules} for content in (before, after))
        both = was.keys() & now.keys()
        return cls(
            sorted(now.keys() - was.keys()),
            sorted(was.keys() - now.keys()),
            sorted(name for name in both if was[name] != now[name]),
            _counted(before.consents, after.consents),
            _counted(before.labels, after.labels),
        )

    def line(self) -> str:
        """Return it in words."""
        rules = f"rules: {len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"
        others = (
            f"{name}: {n} added, {m} removed" for name, (n, m) in (("consents", self.consents), ("labels", self.labels))
        )
        return "; ".join((rules, *others))


def read_files(
    registry: Registry, rules: Path | None, *, consents: Path | None = None, labels: Path | None = None
) -> tuple[RuleContent | None, RuleContent]:
    """Return the content in force, and the one that files make of it.

    Parameters
    ----------
    registry : Registry
    rules : Path, optional
        CSV of rules; the list that is shipped where none is given.
    consents, labels : Path, optional
        CSV; those in force stay where none is given.

    Returns
    -------
    before : RuleContent or None
        None where the version in force is missing or was changed.
    after : RuleContent

    Raises
    ------
    InputError
        If a file is not valid, with row, column and value.
    """
    with registry.session(read_only=True) as session:
        try:
            before = sharing_rules.current(session)
        except RulesUnreadableError:
            before = None
    after = replace(before or RuleContent(()), rules=RuleContent.bundled().rules)
    if rules is not None:
        after = replace(after, rules=RuleSet.of(read_rules(text_of(rules), file=rules.name)).rules)
    if consents is not None:
        after = replace(after, consents=read_consents(text_of(consents), file=consents.name))
    if labels is not None:
        after = replace(after, labels=read_labels(text_of(labels), file=labels.name))
    return before, after


def import_rules(
    settings: Settings,
    content: RuleContent,
    *,
    release: Callable[[Settings], releases.Release],
    reason: str,
    finer: Sequence[Mapping[str, Any]] = (),
    actor: str = "command line",
) -> tuple[int, releases.Release | None]:
    """Write a version, make a release under it where there is one, and remove what older rules let out.

    What a rule made coarse that is gone or looser now is decided about anew.

    Parameters
    ----------
    settings : Settings
        The installation.
    content : RuleContent
        What is in force from now on.
    release : function
        Makes a release under today's rules (`pipeline.release`).
    reason : str
        Why, for the version and the audit.
    finer : sequence of mapping
        What was foreseen to become finer, for the audit.
    actor : str
        Who does it.

    Returns
    -------
    The version's number, and the release; None where there was none to be made anew.
    """
    with Registry.open(settings) as registry:
        before, _ = read_files(registry, None)
        loosened = _loosened(before, content) if before is not None else []
        with registry.session() as session, session.begin():
            number = sharing_rules.write(session, content, actor=actor, reason=reason)
            details = {"finer": [dict(one) for one in finer], "reason": reason}
            audit.append(session, actor=actor, action=ACTION, subject=str(number), details=details)
        if loosened:
            sharing_memory.lift(registry, settings.data, loosened)
        if releases.current(settings.data) is None:
            return number, None
        files = tightening.release_files(settings.data)
        made = release(settings)
        today = sharing_rules.rules_of(registry).hash
        tightening.drop_older(settings, registry, made, files=files, rules_hash=today)
        tightening.ask_again(registry, today)
    return number, made


def _loosened(before: RuleContent, after: RuleContent) -> list[str]:
    """Return the rules that are gone, or make less coarse than they did."""
    now = {rule.rule_id: rule.category.strictness for rule in after.rules}
    return [rule.rule_id for rule in before.rules if now.get(rule.rule_id, -1) < rule.category.strictness]


def _counted(before: Sequence[object], after: Sequence[object]) -> tuple[int, int]:
    return len(set(after) - set(before)), len(set(before) - set(after))
