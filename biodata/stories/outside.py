"""What goes out of a record: the rule that decides, and its row of the current release beside the lake's."""

from typing import Any, Final

import polars as pl

from biodata import places, sharing, terms
from biodata.settings import Settings
from biodata.sharing.decide import decide
from biodata.sharing.grid import PLACES
from biodata.sharing.publish import REASON_BESIDE
from biodata.store import releases
from biodata.store.query.filters import Compare
from biodata.stories.parts import Sharing
from biodata.vocabularies import SharingCategory

Row = dict[str, Any]
_OWN: Final = frozenset(terms.names(terms.OCCURRENCE))


def read_sharing(row: Row, settings: Settings, rules: sharing.RuleSet) -> Sharing:
    """Return what may be seen of a record today, and what its current release shows.

    Parameters
    ----------
    row : dict
        A row of the lake's table `occurrences`.
    settings : Settings
        The installation.
    rules : RuleSet
        Its rules in force.
    """
    frame = pl.DataFrame([{name: row.get(name) for name in _OWN}], schema=terms.schema(terms.OCCURRENCE))
    boundaries = places.load_boundaries(settings.boundaries)
    decided = decide(frame, rules, boundaries=boundaries)
    chain = sharing.why(frame, rules, boundaries=boundaries)
    category, rule, reason = (
        decided.select("category", "rule_id", "reason").row(0) if decided.height else (str(SharingCategory.OPEN), None, None)
    )  # fmt: skip
    key = row["key"]
    if rules.plan is not None:
        apart = rules.plan.apart
        mine = apart.hidden.filter(pl.col("key") == key)
        if mine.height and (not decided.height or mine["beside"][0]):
            category, rule, reason = mine["category"][0], mine["rule_id"][0], REASON_BESIDE
        owner = next((one.answerable for one in rules.rules if one.rule_id == rule), None)
        if owner is not None and reason is not None:
            reason = f"{reason}; {owner} can change it"
        waits = apart.waiting.filter(pl.col("key") == key)["places"]
        if len(waits):
            reason = f"{reason}; it waits: {waits[0]} of {PLACES} places of its dataset in the cell"
        out = sharing.presence_rows(rules, boundaries=boundaries, among=pl.Series([key]))["key"]
        key = out[0] if len(out) else key
    current = releases.current(settings.data)
    if current is None:
        return Sharing(category, rule, reason, None, None, None, (), chain)
    found = releases.read(current, "occurrences", where=Compare("key", "=", key))
    if found.is_empty():
        return Sharing(category, rule, reason, current.id, current.snapshot, None, (), chain)
    published = {name: value for name, value in found.row(0, named=True).items() if value is not None}
    return Sharing(category, rule, reason, current.id, current.snapshot, published, _differences(row, published), chain)


def _differences(row: Row, published: Row) -> tuple[tuple[str, Any, Any], ...]:
    """Return the columns in which the two rows differ; an empty list is nothing."""
    names = [*terms.names(terms.OCCURRENCE), *(name for name in published if name not in _OWN)]
    pairs = [(name, row.get(name), published.get(name)) for name in names]
    return tuple((name, inside, outside) for name, inside, outside in pairs if (inside or None) != (outside or None))
