"""What a survey's team should know beside its faults: sensitive names, records that wait, what its scope leaves open, no licence.

Nothing of it is wrong. It is stated to whoever sends the file, and to nobody else: the registry keeps none of it.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from biodata import places
from biodata.analysis.scopes import unclear
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.decide import USED, decide
from biodata.sharing.grid import PER_DEGREE, PLACES
from biodata.sharing.plan import PLACED
from biodata.sharing.publish import LOOKED_AT, NOBODY, plan_alone
from biodata.sharing.received import CATEGORIES, OF_ARCHIVE, REASON
from biodata.sharing.resolve import INTERPRETED
from biodata.sharing.rules import RuleSet
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.surveys import words
from biodata.text.controlled import parse_licence
from biodata.text.reference_list import CLASSIFICATION as RANKS

_LOOKED_AT: Final = {"key", "source_row", "eventID", "parentEventID", "eventDate", "scientificName", "license", *LOOKED_AT, *USED,
                     *PLACED, *RANKS}  # fmt: skip
_COLUMNS: Final = tuple(name for name in terms.names(terms.OCCURRENCE) if name in _LOOKED_AT)
"""Of the lake's records: what rules, the plan and scopes look at."""
_MOST_NAMES: Final = 3  # names that came coarse which a sentence names, with their number behind them
_MOST_EVENTS: Final = 5  # events that a sentence names; the list beside it has all
_OF_A_KIND: Final = 5  # notices of one code and one category that are stated whole
_MOST_LEFT: Final = 10  # names of the others that are stated


_SEVERAL: Final = 3
"""Listed names that are stated of one that may mean them, the one that decides first."""
_ANY: Final = 0.5
"""Share of the listed taxa from which on a name may be any of them: no list knows it."""


def foreseen(
    records: pl.DataFrame, rules: RuleSet, *, boundaries: BoundarySet, events: pl.DataFrame | None = None, language: str = "en"
) -> tuple[list[dict[str, Any]], Counter[int]]:  # fmt: skip
    """Return notices of what the rules do to names, the strictest first, and how many records wait, by places that there are."""
    decided = decide(records, rules, boundaries=boundaries)
    if decided.is_empty():
        return [], Counter()
    apart = plan_alone(records, rules, boundaries, decided, events).apart
    stated = pl.coalesce(*INTERPRETED, pl.lit("")).alias("name")
    numbered = records.select("key", "source_row", "eventID", "parentEventID", stated).with_row_index("row")
    ties = numbered.join(apart.hidden.filter("beside"), on="key")
    tied = ties.join(decided, on="row", how="anti")
    # A hidden record can be as coarse as another one of its station.
    shown = pl.concat([frame.select("row", shown=pl.col("category").cast(CATEGORIES)) for frame in (decided, ties)])
    hidden = numbered.join(decided, on="row", maintain_order="left")
    hidden = hidden.join(shown.group_by("row").agg(pl.col("shown").min()), on="row", maintain_order="left")
    by_id = {rule.rule_id: rule for rule in rules.rules}
    # Of an archive most names may have come coarse: those that came as coarse as each other are stated as one.
    came = ~pl.col("rule_id").is_in(list(by_id)) & pl.col("reason").is_in([REASON, OF_ARCHIVE]) & (pl.col("name") != "")
    alike = pl.when("came").then(pl.col("shown").cast(pl.String)).otherwise("name")
    hidden = hidden.with_columns(came=came.fill_null(value=False))
    resolved = rules.resolver.resolve(records)
    of_names, surely, place = resolved.of_rows(), resolved.of_rows("sure"), resolved.place
    found = []
    for (is_came, _), group in hidden.group_by("came", alike, maintain_order=True):
        names = group["name"].unique(maintain_order=True)
        name = ", ".join(names[:_MOST_NAMES]) + (f", … ({len(names)})" if len(names) > _MOST_NAMES else "")
        strict = group.sort("shown", maintain_order=True).row(0, named=True)
        of, rule = place[strict["row"]], by_id.get(strict["rule_id"])
        # A rule that names no taxon is surely about the record.
        sure = rule is None or rule.scientific_name is None
        sure |= any(str(rules.rules[n].category) == strict["category"] for n in surely[of])
        # Listed names that it may mean, the strictest first, none where it may be any; and how many others.
        meant, more = ((), 0) if sure else _meant(of_names[of], rules, strict["rule_id"])
        # Open records of the same event become as coarse.
        at = pl.concat([group["eventID"], group["parentEventID"]]).drop_nulls().implode()
        beside = tied.filter(pl.any_horizontal(pl.col("eventID", "parentEventID").is_in(at).fill_null(value=False)))
        category = SharingCategory(strict["shown"])
        of_events = group["eventID"].drop_nulls().unique(maintain_order=True)
        params = {
            "name": name, "reason": strict["reason"], "owner": NOBODY if rule is None else rule.answerable,
            "meant": ", ".join(meant) + (", …" if meant and more else ""),
            "events": ", ".join(of_events[:_MOST_EVENTS]) + (", …" if len(of_events) > _MOST_EVENTS else ""),
            "cell": f"{1 / PER_DEGREE[category]:g}°" if category in PER_DEGREE else None, "others": beside.height or None,
        }  # fmt: skip
        own = {"category": str(category), "sure": sure, "may_mean": list(meant), "rows": group["source_row"].to_list(),
               "events": of_events.to_list(), "others": beside.height}  # fmt: skip
        code = _code_of(name, category, sure=sure, meant=meant, came=bool(is_came))
        found.append((-category.strictness, name, _notice(code, params, language) | own))
    waits = hidden.join(apart.waiting, on="key")["places"]
    return [notice for *_, notice in sorted(found, key=lambda one: (one[0], one[-1]["code"], one[1]))], Counter(waits)


def _code_of(name: str, category: SharingCategory, *, sure: bool, meant: Sequence[str], came: bool) -> str:
    """Return what a notice of a name says: `sure` that it is the rule's taxon, else that it may mean some; or it `came` coarse."""
    withheld = category is SharingCategory.WITHHELD
    if came:
        return "NAME_CAME_COARSE"
    if sure:
        return "NAME_WITHHELD" if withheld else "NAME_PUBLISHED_COARSE"
    if withheld or meant:
        return "NAME_MAY_BE_WITHHELD" if withheld else "NAME_MAY_BE_SENSITIVE"
    return "NAME_UNKNOWN" if name else "NAME_EMPTY"


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a survey: records, as `terms.OCCURRENCE`, events, as `terms.EVENT`, what is stated of its dataset."""

    records: list[pl.DataFrame] = field(default_factory=list)
    events: list[pl.DataFrame] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)


def notices(
    read: Read, rules: RuleSet, boundaries: BoundarySet, *, kept: str | None = None, language: str = "en"
) -> list[dict[str, Any]]:
    """Return what the team should know, in a language; `kept` is the licence that rows without one keep of their dataset."""
    if not read.records:
        return []
    records = pl.concat([_conform(one) for one in read.records])
    records = records.with_columns(key=pl.coalesce("key", pl.int_range(pl.len())))
    events = terms.conform(pl.concat(read.events, how="diagonal") if read.events else pl.DataFrame(), terms.EVENT)
    entries, waits = foreseen(records, rules, boundaries=boundaries, events=events, language=language)
    names, unknown = unclear(events["targetTaxonomicScope"], records) if events.height else ([], [])
    others: list[tuple[str, dict[str, Any]]] = [("RECORDS_WAIT", {"name": "", **of_waiting(waits)})] if waits else []
    others += [("SCOPE_WORD_UNKNOWN", {"name": word}) for word in unknown]
    others += [("SCOPE_TAXON_UNPLACED", {"name": name}) for name in names]
    licences = records["license"].unique().to_list()
    if licences == [None] and not read.licences:
        others.append(("LICENSE_MISSING", {"name": "license"}))
    if kept is not None and parse_licence(kept) in licences:
        others.append(("LICENSE_KEPT", {"name": "license", "licence": kept}))
    return entries + [_notice(code, params, language) for code, params in others]


def of_waiting(counts: Mapping[int, int]) -> dict[str, Any]:
    """Return what RECORDS_WAIT names: how many records wait, and of how many places (from–to), by places that there are."""
    places = "–".join(str(end) for end in sorted({min(counts), max(counts)}))
    return {"count": sum(counts.values()), "places": places, "needed": PLACES}


def rules_and_taxa(settings: Settings, lake: Lake) -> tuple[RuleSet, pl.DataFrame]:
    """Return an installation's sharing rules, and the checklists that are loaded."""
    return rules_in_force(settings, lake, planned=False), lake.read("taxa")


def of_datasets(settings: Settings, datasets: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return, by dataset, what the team of a survey should know once it is in the lake."""
    boundaries, found = places.load_boundaries(settings.boundaries), {}
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, planned=False)
        with Registry.open(settings) as registry:
            licences = dict(registry.datasets().select("key", "license").iter_rows())
        for dataset in datasets:
            where, licence = In("datasetKey", (dataset,)), licences.get(dataset)
            read = Read([_records(lake, where)], [lake.read("events", where=where)], [licence] if licence else [])
            found[dataset] = notices(read, rules, boundaries)
    return found


def _records(lake: Lake, where: In) -> pl.DataFrame:
    """Return what is looked at of records; of a column that is empty in a part nothing is held, as it takes what a full one takes."""
    parts = [
        batch.select("key", *(one.name for one in batch if one.name != "key" and one.null_count() < batch.height))
        for batch in lake.batches("occurrences", columns=_COLUMNS, where=where)
    ]
    read = [column for column in terms.OCCURRENCE if column.name in _COLUMNS]
    return terms.conform(pl.concat(parts, how="diagonal") if parts else pl.DataFrame(), read)


def _conform(interpreted: pl.DataFrame) -> pl.DataFrame:
    rows = interpreted["source_row"] if "source_row" in interpreted.columns else pl.Series([None] * interpreted.height)
    return terms.conform(interpreted, terms.OCCURRENCE).with_columns(rows.cast(pl.Int64).alias("source_row"))


def _notice(code: str, params: Mapping[str, Any], language: str) -> dict[str, Any]:
    message, expected = words.message_of(code, params, language)
    of_none: dict[str, Any] = {"category": None, "sure": False, "may_mean": [], "rows": [], "events": [], "others": 0}
    return {"code": code, "name": params["name"], **of_none, "message": message, "expected": expected}


def sentences(entries: Sequence[Mapping[str, Any]], language: str = "en") -> list[str]:
    """Return notices as sentences, each with what to do; of many alike the first ones, and the names of some others."""
    stated = []
    for _, group in itertools.groupby(entries, lambda one: (one["code"], one["category"])):
        alike = [*group]
        stated += [f"{one['message']} → {one['expected']}" for one in alike[:_OF_A_KIND]]
        if more := [one["name"] for one in alike[_OF_A_KIND:]]:
            names = ", ".join(more[:_MOST_LEFT]) + (", …" if len(more) > _MOST_LEFT else "")
            stated.append(words.message_of("NOTICES_MORE", {"count": len(more), "names": names}, language)[0])
    return stated


def _meant(numbers: frozenset[int], rules: RuleSet, decided_by: str) -> tuple[tuple[str, ...], int]:
    """Return the listed names that rules of some numbers are about, the first few, and how many others there are."""
    of_taxa = [rules.rules[n] for n in numbers if rules.rules[n].scientific_name is not None]
    ordered = sorted((one.rule_id != decided_by, -one.category.strictness, str(one.scientific_name)) for one in of_taxa)
    names = list(dict.fromkeys(name for _, _, name in ordered))
    every = {rule.scientific_name for rule in rules.rules} - {None}
    entries = () if len(names) > max(_SEVERAL, _ANY * len(every)) else tuple(names[:_SEVERAL])
    return entries, len(names) - len(entries)
