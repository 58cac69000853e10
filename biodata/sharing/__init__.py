"""Who may see what: the only way out of the lake."""

from biodata.sharing.decide import decide, stricter, strictest
from biodata.sharing.plan import Plan
from biodata.sharing.publish import as_published, open_records, presence_rows, publish
from biodata.sharing.results import evidence_view, of_public_view, publish_results, rules_of_run
from biodata.sharing.rule import Consent, Rule, SourceKind
from biodata.sharing.rules import RuleSet
from biodata.sharing.why import Step, why

__all__ = [
    "Consent",
    "Plan",
    "Rule",
    "RuleSet",
    "SourceKind",
    "Step",
    "as_published",
    "decide",
    "evidence_view",
    "of_public_view",
    "open_records",
    "presence_rows",
    "publish",
    "publish_results",
    "rules_of_run",
    "stricter",
    "strictest",
    "why",
]
