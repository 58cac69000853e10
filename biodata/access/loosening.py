"""When a rule is taken back: a release without it, and an audit of what became finer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from biodata.access.tightening import ask_again, categories
from biodata.settings import Settings
from biodata.sharing import Rule
from biodata.sharing.rule_lines import cells
from biodata.store import audit, releases, sharing_memory, sharing_rules
from biodata.store.registry import Registry
from biodata.store.sharing_rules import RuleContent


@dataclass(frozen=True, slots=True)
class Loosened:
    """What came of a rule that was taken back.

    Attributes
    ----------
    rule : Rule
        The one that holds no more.
    release : Release
        The current release, made without it.
    before, after : dict of str to int
        Records of the release before, and of the new one, by sharing category, withheld ones among them.
    citations : int
        Citations that are asked again: their records may be told more exactly today.
    """

    rule: Rule
    release: releases.Release
    before: dict[str, int]
    after: dict[str, int]
    citations: int


def remove_rule(
    settings: Settings,
    rule_id: str,
    *,
    release: Callable[[Settings], releases.Release],
    finer: Sequence[dict[str, Any]] = (),
    actor: str = "command line",
) -> Loosened:
    """Take a sharing rule back, and make a release without it.

    Parameters
    ----------
    settings : Settings
        The installation.
    rule_id : str
        The rule's name.
    release : function
        Makes a release under today's rules (`pipeline.release`).
    finer : sequence of dict
        What was foreseen to become finer, for the audit.
    actor : str
        Who takes it back, for the audit.

    Returns
    -------
    Loosened

    Raises
    ------
    InputError
        If no rule has that name; nothing is changed then.
    StoreError
        If no release could be made. The rule is gone: whoever makes the next release does it without.

    Notes
    -----
    Older releases, downloads and rebuilt versions stay: they tell less than today's. Records that only this rule made
    coarse in earlier releases are decided about anew.
    """

    def removed(content: RuleContent) -> RuleContent:
        return replace(content, rules=tuple(one for one in content.rules if one.rule_id != rule_id))

    with Registry.open(settings) as registry:
        rules = sharing_rules.rules_of(registry)
        rule = rules.named(rule_id)
        sharing_rules.change(registry, removed, actor=actor, reason=f"rule {rule_id} removed")
        before = categories(registry, releases.current(settings.data))
        told: dict[str, Any] = {"rule": {k: v for k, v in cells(rule).items() if v}, "rules_before": rules.hash}
        told |= {"finer": list(finer), "release": None}
        try:
            sharing_memory.lift(registry, settings.data, [rule_id])
            made = release(settings)
            today = sharing_rules.rules_of(registry).hash
            asked, after = ask_again(registry, today), categories(registry, made)
            told |= {"rules": today, "release": made.id, "before": before, "after": after, "citations": asked}
        finally:
            # The rule holds no more, whatever became of the release.
            with registry.session() as session, session.begin():
                audit.append(session, actor=actor, action="sharing rule removed", subject=rule_id, details=told)
    return Loosened(rule, made, before, after, asked)
