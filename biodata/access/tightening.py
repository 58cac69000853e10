"""When a taxon becomes sensitive: a rule more, a new release, and nothing older left that tells what it hides."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from biodata.access import citations, downloads, rebuilding, rules_file
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing import Rule, RuleSet
from biodata.sharing.rule_lines import cells
from biodata.store import audit, models, pointer, releases
from biodata.store.registry import Registry
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
        The installation. Where the bundled list held until now, it is copied into `sharing_rules.csv` first.
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
    # Of two rules that are added at once neither is lost.
    with rules_file.lock(settings.data):
        rules = RuleSet.read(settings.rules_file)
        if any(known.rule_id == rule.rule_id for known in rules.rules):
            problem, expected = "a rule of this name is there already", "another name with --rule"
            raise InputError(problem, column="rule_id", value=rule.rule_id, expected=expected, code="RULE_KNOWN")
        rules_file.write(settings.data / "sharing_rules.csv", (*rules.rules, rule))
    with Registry.open(settings) as registry:
        before, files = categories(registry, releases.current(settings.data)), _files(settings.data)
    told = {"rule": {k: v for k, v in cells(rule).items() if v}, "rules_before": rules.hash}
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
    today = RuleSet.read(settings.rules_file).hash
    with Registry.open(settings) as registry:
        releases.drop_others(settings.data)
        removed = {
            # Those that went when the new one was made are among them.
            "releases": len(files - _files(settings.data)),
            "downloads": downloads.drop_others(settings, registry, rules_hash=today, release=made.id),
            "rebuilt versions": rebuilding.drop_all(settings),
        }
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


def _files(data: Path) -> set[str]:
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
