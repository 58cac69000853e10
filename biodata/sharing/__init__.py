"""Who may see what: the only way out of the lake."""

from biodata.sharing.decide import decide, stricter, strictest
from biodata.sharing.publish import publish
from biodata.sharing.results import publish_results
from biodata.sharing.rules import Rule, RuleSet

__all__ = ["Rule", "RuleSet", "decide", "publish", "publish_results", "stricter", "strictest"]
