"""Who may see what: the only way out of the lake."""

from biodata.sharing.decide import decide, strictest
from biodata.sharing.publish import as_published, open_records, presence_rows, publish
from biodata.sharing.results import evidence_view, publish_results
from biodata.sharing.rule import Consent, Rule, SourceKind
from biodata.sharing.rules import RuleSet

__all__ = [
    "Consent", "Rule", "RuleSet", "SourceKind", "as_published", "decide", "evidence_view", "open_records",
    "presence_rows", "publish", "publish_results", "strictest",
]  # fmt: skip
