"""When a taxon becomes sensitive: a rule more, a new release, and nothing older left that tells what it hides."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select

from biodata.access import citations, downloads, rebuilding
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing import Rule
from biodata.sharing.rule_lines import cells
from biodata.store import audit, models, pointer, releases, sharing_rules
from biodata.store.registry import Registry
from biodata.store.sharing_rules import RuleContent
from biodata.vocabularies import SharingCategory


@dataclass(frozen=True, slots=True)
class Tightened:
    """What came of a rule that was added.

    Attributes
    ----------
    rule : Rule
        The new one.
    release : Release
        The current release, made under it.
    before : dict of str to int
        Records of the release before, by sharing category, withheld ones among them; empty where there was none.
    after : dict of str to int
        The same of the new one.
    removed : dict of str to int
        Files that went: releases, downloads, rebuilt versions.
    citations : int
        Citations that are asked again, so that each says what is withheld of it today.
    """

    rule: Rule
    release: releases.Release
    before: dict[str, int]
    after: dict[str, int]
    removed: dict[str, int]
    citations: int


def add_rule(
    settings: Settings, rule: Rule, *, release: Callable[[Settings], releases.Release], actor: str = "command line"
) -> Tightened:
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
    Tightened

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
        before, files = categories(registry, releases.current(settings.data)), release_files(settings.data)
    told = {"rule": {k: v for k, v in cells(rule).items() if v}, "rules_before": rules_before}
    try:
        made = release(settings)
    except BaseException:
        # The rule holds from now on, whatever became of the release.
        with Registry.open(settings) as registry, registry.session() as session, session.begin():
            audit.append(
                session,
                actor=actor,
                action="sharing rule added",
                subject=rule.rule_id,
                details=told | {"release": None},
            )
        raise
    with Registry.open(settings) as registry:
        today = sharing_rules.rules_of(registry).hash
        removed = drop_older(settings, registry, made, files=files, rules_hash=today)
        asked = ask_again(registry, today)
        after = categories(registry, made)
        details = told | {
            "rules": today,
            "release": made.id,
            "before": before,
            "after": after,
            "removed": removed,
            "citations": asked,
        }
        with registry.session() as session, session.begin():
            audit.append(session, actor=actor, action="sharing rule added", subject=rule.rule_id, details=details)
    return Tightened(rule, made, before, after, removed, asked)


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
        "rebuilt versions": rebuilding.drop_all(settings),
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
