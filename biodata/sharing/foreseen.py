"""What the rules will do to a survey before it is taken in: which of its names they set apart and why, and what waits.

Rules are public, and whoever asks has the records; so this tells nobody anything of others' records.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.publish import NOBODY, plan_alone
from biodata.sharing.resolve import INTERPRETED
from biodata.sharing.rules import RuleSet
from biodata.sharing.shared import OF_ARCHIVE, REASON
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
    waits : tuple of int
        Of each record that is not published before there are ten places: how many there are.
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
    waits: tuple[int, ...]
    came: bool
    """True where no rule here decided: they came as coarse, for what they are or for what was recorded beside them."""


def foreseen(
    records: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet, events: pl.DataFrame | None = None
) -> list[Foreseen]:
    """Return what the rules do to the names of a survey.

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
    list of Foreseen
        Of each name that a rule makes less than open, the strictest first.
    """
    decided = decide(records, rules, boundaries=boundaries)
    if decided.is_empty():
        return []
    apart = plan_alone(records, rules, boundaries, decided, events).apart
    hidden = apart.hidden.filter("beside")
    waiting = records.with_row_index("row").join(apart.waiting, on="key").select("row", "places")
    ties = records.with_row_index("row").join(hidden, on="key", suffix="_beside").select("row", category="category")
    of_event = records.select("eventID", "parentEventID")
    tied_at = of_event[ties.join(decided, on="row", how="anti")["row"]]
    # A hidden record can be as coarse as another one of its station.
    shown = pl.concat([frame.select("row", shown="category") for frame in (decided, ties)])
    shown = shown.sort(_strictness("shown"), descending=True).unique("row", keep="first", maintain_order=True)
    told = pl.coalesce(*INTERPRETED, pl.lit("")).alias("name")
    hidden = (
        records.select(told, "eventID")
        .with_row_index("row")
        .join(decided.select("row", "category", "rule_id", "reason"), on="row")
        .join(shown, on="row")
    )
    by_id = {rule.rule_id: rule for rule in rules.rules}
    resolved = rules.resolver.resolve(records)
    of_names, surely, place = resolved.of_rows(), resolved.of_rows("sure"), resolved.place
    found = []
    for (name,), group in hidden.group_by("name", maintain_order=True):
        strict = group.sort(_strictness("shown"), descending=True, maintain_order=True).row(0, named=True)
        of = place[strict["row"]]
        decided_by = by_id.get(strict["rule_id"])
        came = decided_by is None and strict["reason"] in (REASON, OF_ARCHIVE)
        # A rule that names no taxon is surely about the record.
        sure = decided_by is None or decided_by.scientific_name is None
        sure |= any(str(rules.rules[n].category) == strict["category"] for n in surely[of])
        meant, more = ((), 0) if sure else _meant(of_names[of], rules, strict["rule_id"])
        of_name = group["eventID"].drop_nulls().unique(maintain_order=True)
        wholes = of_event[group["row"]]["parentEventID"].drop_nulls()
        with_it = pl.col("eventID", "parentEventID").is_in(pl.concat([of_name, wholes]).implode())
        owner = NOBODY if decided_by is None else decided_by.answerable
        found.append(
            Foreseen(
                str(name), SharingCategory(strict["shown"]), sure, meant, more, strict["reason"], owner, tuple(group["row"]), tuple(of_name),
                tied_at.filter(pl.any_horizontal(with_it.fill_null(value=False))).height,
                tuple(group.join(waiting, on="row")["places"]), came,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (-one.category.strictness, one.name))


def _strictness(column: str) -> pl.Expr:
    order = {str(category): category.strictness for category in SharingCategory}
    return pl.col(column).replace_strict(order, return_dtype=pl.Int64)


def _meant(numbers: frozenset[int], rules: RuleSet, decided_by: str) -> tuple[tuple[str, ...], int]:
    """Return the listed names that rules of some numbers are about, the first few, and how many others there are."""
    first: dict[str, tuple[bool, int, str]] = {}
    for rule in (rules.rules[n] for n in numbers):
        if rule.scientific_name is not None:
            order = (rule.rule_id != decided_by, -rule.category.strictness, rule.scientific_name)
            first[rule.scientific_name] = min(order, first.get(rule.scientific_name, order))
    names = sorted(first, key=lambda name: first[name])
    every = {rule.scientific_name for rule in rules.rules} - {None}
    told = () if len(names) > max(_SEVERAL, _ANY * len(every)) else tuple(names[:_SEVERAL])
    return told, len(names) - len(told)
