"""Sharing rules changed, added, taken back, imported, labels put on records: a new version, a release under it, nothing of older rules left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import citations, downloads
from biodata.core.errors import InputError, RulesUnreadableError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule
from biodata.sharing.labels import LabelSet
from biodata.sharing.rule import Assignment
from biodata.sharing.rules import RuleSet, cells, read_consents, read_labels, read_rules, text_of
from biodata.store import audit, models, pointer, releases, sharing_memory, sharing_rules
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.sharing_rules import RuleContent

Release = Callable[[Settings], releases.Release]
"""Makes a release under today's rules (`pipeline.release`)."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a rule that was added or taken back.

    Attributes
    ----------
    rule : Rule
        The one that holds from now on, or no more.
    release : Release
        The current release, made under the rules of now.
    before, after : dict of str to int
        Records of the release before, and of the new one, by sharing category, withheld ones among them; empty where
        there was none.
    removed : dict of str to int
        Files that went: releases, downloads. None go for a rule that is taken back: they state less.
    citations : int
        Citations that are asked again, so that each says what is withheld of it today.
    """

    rule: Rule
    release: releases.Release
    before: dict[str, int]
    after: dict[str, int]
    removed: dict[str, int]
    citations: int


def add_rule(settings: Settings, rule: Rule, *, release: Release, actor: str = "command line") -> Changed:
    """Add a sharing rule and let it act everywhere at once.

    Parameters
    ----------
    settings : Settings
        The installation.
    rule : Rule
        What is added. A rule can only make more sensitive: the strictest decides.
    release : function
        Makes a release under today's rules (`pipeline.release`).
    actor : str
        Who adds it, for the audit.

    Returns
    -------
    Changed

    Raises
    ------
    InputError
        If a rule of that name is there, or the rule is not valid; nothing is changed then.
    StoreError
        If no release could be made. The rule stays: whoever makes the next release follows it.
    """

    def added(content: RuleContent) -> RuleContent:
        if any(known.rule_id == rule.rule_id for known in content.rules):
            problem, expected = "a rule of this name is there already", "another name with --rule"
            raise InputError(problem, column="rule_id", value=rule.rule_id, expected=expected, code="RULE_KNOWN")
        return replace(content, rules=(*content.rules, rule))

    with Registry.open(settings) as registry:
        rules_before = sharing_rules.rules_of(registry).hash
        sharing_rules.change(registry, added, actor=actor, reason=f"rule {rule.rule_id} added: {rule.reason}")
        facts = {"rules_before": rules_before}
        return _release_anew(settings, registry, rule, release=release, action="added", actor=actor, told=facts)


def _release_anew(
    settings: Settings, registry: Registry, rule: Rule, *, release: Release, action: str, actor: str,
    told: Mapping[str, Any],
) -> Changed:  # fmt: skip
    """Make a release after a rule has changed, and put down what came of both: the rule stays changed, whatever becomes of it."""
    before, files = categories(registry, releases.current(settings.data)), release_files(settings.data)
    details = {"rule": {k: v for k, v in cells(rule).items() if v}, **told, "release": None}
    try:
        made = release(settings)
        today, removed = sharing_rules.rules_of(registry).hash, dict[str, int]()
        if action == "added":
            removed = drop_older(settings, registry, made, files=files, rules_hash=today)
            details["removed"] = removed
        asked, after = ask_again(registry, today), categories(registry, made)
        details |= {"rules": today, "release": made.id, "before": before, "after": after, "citations": asked}
    finally:
        with registry.session() as session, session.begin():
            subject = rule.rule_id
            audit.append(session, actor=actor, action=f"sharing rule {action}", subject=subject, details=details)
    return Changed(rule, made, before, after, removed, asked)


def drop_older(
    settings: Settings, registry: Registry, made: releases.Release, *, files: set[str], rules_hash: str
) -> dict[str, int]:
    """Remove what older rules let out; return how many files went, of each kind.

    Parameters
    ----------
    settings, registry
        The installation.
    made : Release
        The one that stays.
    files : set of str
        The releases' files before it was made: those that went then are counted too.
    rules_hash : str
        Of the rules in force.
    """
    releases.drop_others(settings.data)
    return {
        "releases": len(files - release_files(settings.data)),
        "downloads": downloads.drop_others(settings, registry, rules_hash=rules_hash, release=made.id),
    }


def release_files(data: Path) -> set[str]:
    """Return the names of the releases' files."""
    return {path.name for path in pointer.folder(data).glob("release-*.duckdb")}


def categories(registry: Registry, release: releases.Release | None) -> dict[str, int]:
    """Return the records of a release by sharing category, those that it withholds among them."""
    if release is None:
        return {}
    with releases.connect(release.path) as connection:
        rows = connection.execute("SELECT sharing_category, count(*) FROM occurrences GROUP BY 1 ORDER BY 1").fetchall()
    withheld = registry.sensitive_counts(release.id)["sensitive"].get("withheld", 0)
    return {**dict(rows), **({SharingCategory.WITHHELD.value: withheld} if withheld else {})}


def ask_again(registry: Registry, rules_hash: str) -> int:
    """Queue a replay of every citation that was made under other rules; return how many."""
    with registry.session(read_only=True) as session:
        asked = select(models.Citation.id, models.Citation.content).where(models.Citation.rules_hash != rules_hash)
        found = [id_ for id_, content in session.execute(asked) if content]
    for id_ in found:
        citations.replay_later(registry, id_)
    return len(found)


def remove_rule(
    settings: Settings, rule_id: str, *, release: Release, finer: Sequence[dict[str, Any]] = (),
    actor: str = "command line",
) -> Changed:  # fmt: skip
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
    Changed

    Raises
    ------
    InputError
        If no rule has that name; nothing is changed then.
    StoreError
        If no release could be made. The rule is gone: whoever makes the next release does it without.

    Notes
    -----
    Older releases and downloads stay: they state less than today's. Records that only this rule made
    coarse in earlier releases are decided about anew.
    """

    def removed(content: RuleContent) -> RuleContent:
        return replace(content, rules=tuple(one for one in content.rules if one.rule_id != rule_id))

    with Registry.open(settings) as registry:
        rules = sharing_rules.rules_of(registry)
        rule = rules.named(rule_id)
        sharing_rules.change(registry, removed, actor=actor, reason=f"rule {rule_id} removed")
        sharing_memory.lift(registry, settings.data, [rule_id])
        facts = {"rules_before": rules.hash, "finer": list(finer)}
        return _release_anew(settings, registry, rule, release=release, action="removed", actor=actor, told=facts)


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
    settings: Settings, content: RuleContent, *, release: Release, reason: str,
    finer: Sequence[Mapping[str, Any]] = (), actor: str = "command line",
) -> tuple[int, releases.Release | None]:  # fmt: skip
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
        files = release_files(settings.data)
        made = release(settings)
        today = sharing_rules.rules_of(registry).hash
        drop_older(settings, registry, made, files=files, rules_hash=today)
        ask_again(registry, today)
    return number, made


def _loosened(before: RuleContent, after: RuleContent) -> list[str]:
    """Return the rules that are gone, or make less coarse than they did."""
    now = {rule.rule_id: rule.category.strictness for rule in after.rules}
    return [rule.rule_id for rule in before.rules if now.get(rule.rule_id, -1) < rule.category.strictness]


def _counted(before: Sequence[object], after: Sequence[object]) -> tuple[int, int]:
    return len(set(after) - set(before)), len(set(before) - set(after))


_BATCH_ROWS: Final = 200_000


def labels_put(registry: Registry) -> tuple[Assignment, ...]:
    """Return the labels that were put on something, those whose time is over too."""
    with registry.session(read_only=True) as session:
        return sharing_rules.current(session).labels


def records_carrying(settings: Settings, wanted: Assignment) -> int:
    """Count the lake's records that carry a label which is put so: none where an event or a key is misspelt."""
    names = ("key", "datasetKey", "eventID", "parentEventID")
    labels, found = LabelSet((replace(wanted, valid_until=None),)), 0
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        chosen = Compare("datasetKey", "=", wanted.dataset)
        for batch in lake.batches("occurrences", columns=names, where=chosen, batch_rows=_BATCH_ROWS):
            found += labels.added(batch)["community_labels"].count()
    return found


def dataset_in_lake(settings: Settings, dataset: str) -> bool:
    """Return whether the lake has records of a dataset: a key that is misspelt has none."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        chosen = Compare("datasetKey", "=", dataset)
        return any(
            batch.height
            for batch in lake.batches("occurrences", columns=("key",), where=chosen, batch_rows=_BATCH_ROWS)
        )


def put_label(registry: Registry, wanted: Assignment, *, actor: str) -> bool:
    """Put a label on a dataset, an event or a record; the next release follows it. False where it is there already."""
    with registry.session() as session, session.begin():
        before = sharing_rules.current(session)
        if wanted in before.labels:
            return False
        _write(session, replace(before, labels=(*before.labels, wanted)), wanted, actor=actor, action="label put")
        return True


def take_label(registry: Registry, unwanted: Assignment, *, actor: str) -> None:
    """Take a label away: that of the same dataset, event and record, whatever else is stated of it.

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
