"""What the rules will do to a survey before it is taken in: which of its names they set apart and why, and what waits.

Rules are public, and whoever asks has the records; so this tells nobody anything of others' records.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.publish import NOBODY, plan_alone
from biodata.sharing.received import CATEGORIES, OF_ARCHIVE, REASON
from biodata.sharing.resolve import INTERPRETED
from biodata.sharing.rules import RuleSet
from biodata.vocabularies import SharingCategory

_SEVERAL: Final = 3
"""Listed names that are told of one that may mean them, the one that decides first."""
_ANY: Final = 0.5
"""Share of the listed taxa from which on a name may be any of them: no list knows it."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the rules do to the records of one name.

    Attributes
    ----------
    name : str
        As it was told.
    category : SharingCategory
        How coarse the strictest of them is published.
    sure : bool
        True where the name is that of the rule's taxon; False where it may only mean it.
    meant : tuple of str
        Listed names that it may mean, the strictest first; none where it may be any.
    more : int
        How many others it may mean beside them.
    reason, owner : str
        The rule's; who can change it.
    rows : tuple of int
        Rows of the records, in the order of the frame.
    events : tuple of str
        Their events.
    others : int
        Open records that become as coarse with them, of the same event.
    came : bool
        True where no rule here decided: they came as coarse, for what they are or for what was recorded beside them.
    """

    name: str
    category: SharingCategory
    sure: bool
    meant: tuple[str, ...]
    more: int
    reason: str
    owner: str
    rows: tuple[int, ...]
    events: tuple[str, ...]
    others: int
    came: bool


def foreseen(
    records: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet, events: pl.DataFrame | None = None
) -> tuple[list[Foreseen], Counter[int]]:
    """Return what the rules do to the names of a survey, and which of its records wait.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    rules, boundaries
        As `decide` has them; what else the installation has plays no part.
    events : polars.DataFrame of `terms.EVENT`, optional
        The survey's.

    Returns
    -------
    names : list of Foreseen
        Of each name that a rule makes less than open, the strictest first.
    waits : Counter of int
        Records that are not published before there are ten places, by how many there are.
    """
    decided = decide(records, rules, boundaries=boundaries)
    if decided.is_empty():
        return [], Counter()
    apart = plan_alone(records, rules, boundaries, decided, events).apart
    told = pl.coalesce(*INTERPRETED, pl.lit("")).alias("name")
    numbered = records.select("key", "eventID", "parentEventID", told).with_row_index("row")
    ties = numbered.join(apart.hidden.filter("beside"), on="key")
    tied = ties.join(decided, on="row", how="anti")
    # A hidden record can be as coarse as another one of its station.
    shown = pl.concat([frame.select("row", shown=pl.col("category").cast(CATEGORIES)) for frame in (decided, ties)])
    hidden = numbered.join(decided, on="row", maintain_order="left")
    hidden = hidden.join(shown.group_by("row").agg(pl.col("shown").min()), on="row", maintain_order="left")
    by_id = {rule.rule_id: rule for rule in rules.rules}
    resolved = rules.resolver.resolve(records)
    of_names, surely, place = resolved.of_rows(), resolved.of_rows("sure"), resolved.place
    found = []
    for (name,), group in hidden.group_by("name", maintain_order=True):
        strict = group.sort("shown", maintain_order=True).row(0, named=True)
        of, rule = place[strict["row"]], by_id.get(strict["rule_id"])
        # A rule that names no taxon is surely about the record.
        sure = rule is None or rule.scientific_name is None
        sure |= any(str(rules.rules[n].category) == strict["category"] for n in surely[of])
        meant, more = ((), 0) if sure else _meant(of_names[of], rules, strict["rule_id"])
        at = pl.concat([group["eventID"], group["parentEventID"]]).drop_nulls().implode()
        beside = tied.filter(pl.any_horizontal(pl.col("eventID", "parentEventID").is_in(at).fill_null(value=False)))
        category, reason = SharingCategory(strict["shown"]), strict["reason"]
        owner, came = NOBODY if rule is None else rule.answerable, rule is None and reason in (REASON, OF_ARCHIVE)
        rows, of_events = tuple(group["row"]), tuple(group["eventID"].drop_nulls().unique(maintain_order=True))
        found.append(
            Foreseen(str(name), category, sure, meant, more, reason, owner, rows, of_events, beside.height, came)
        )
    waits = hidden.join(apart.waiting, on="key")["places"]
    return sorted(found, key=lambda one: (-one.category.strictness, one.name)), Counter(waits)


def _meant(numbers: frozenset[int], rules: RuleSet, decided_by: str) -> tuple[tuple[str, ...], int]:
    """Return the listed names that rules of some numbers are about, the first few, and how many others there are."""
    ordered = sorted(
        (rule.rule_id != decided_by, -rule.category.strictness, rule.scientific_name)
        for rule in (rules.rules[n] for n in numbers)
        if rule.scientific_name is not None
    )
    names = list(dict.fromkeys(name for _, _, name in ordered))
    every = {rule.scientific_name for rule in rules.rules} - {None}
    told = () if len(names) > max(_SEVERAL, _ANY * len(every)) else tuple(names[:_SEVERAL])
    return told, len(names) - len(told)
