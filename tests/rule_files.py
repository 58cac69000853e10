"""Sharing rules, consents and labels of an installation of the tests, put in force as `biodata rules import` does."""

from dataclasses import replace
from pathlib import Path

from biodata.access.rule_changes import read_files
from biodata.core.settings import Settings
from biodata.sharing.rules import BUNDLED, read_consents, read_labels, read_rules
from biodata.store import sharing_rules
from biodata.store.registry import Registry


def put_rules(
    data: Path | Settings, rules: str | None = None, *, consents: str | None = None, labels: str | None = None
) -> None:
    """Let CSV texts be in force in an installation, by its folder; what is None stays as it is."""
    settings = data if isinstance(data, Settings) else Settings(data=data)
    with Registry.open(settings) as registry:
        before, bundled = read_files(registry, None)
        content = before or replace(bundled, consents=(), labels=())
        if rules is not None:
            content = replace(content, rules=read_rules(rules, file=BUNDLED))
        if consents is not None:
            content = replace(content, consents=read_consents(consents, file="consents.csv"))
        if labels is not None:
            content = replace(content, labels=read_labels(labels, file="labels.csv"))
        with registry.session() as session, session.begin():
            sharing_rules.write(session, content, actor="test", reason="a test")


def rules_text(data: Path | Settings) -> str:
    """Return the rules in force as CSV."""
    settings = data if isinstance(data, Settings) else Settings(data=data)
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        return sharing_rules.current(session).texts()[0]
