"""A citation asked again under today's rules: identical, or exactly what is stated no more, and why."""

# ruff: noqa: S608 - names in SQL are our own and quoted; every value is a parameter.
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import shapely

from biodata.access import content, rebuilding
from biodata.access.citations import Cited, need
from biodata.core.geo import area_km2 as ellipsoid_km2
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.store import duck, failing_as
from biodata.store.duck import literal
from biodata.store.lake import Lake
from biodata.store.query import filters as f
from biodata.store.query import sql
from biodata.store.query.filters import Compare, Filter
from biodata.store.registry import Registry
from biodata.store.tables import RELEASE

PLACE_WORDS: Final = frozenset(
    {"locality", "habitat", "stateProvince", "elevation", "depth", "eventID", "parentEventID"}
)
"""Columns that say where in words: as narrow as any place."""
_DEGREE_KM: Final = 111.2
_WHOLE: Final = {"decimalLatitude": (-90.0, 90.0), "decimalLongitude": (-180.0, 180.0)}


def question_area_km2(filter_: f.Filter | None) -> float | None:
    """Return the smallest area that a part of a question names, km²; None where it names none.

    Parameters
    ----------
    filter_ : Filter, optional
        The question. Ranges of latitude and longitude count together as a box; words for a place count as 0.
    """
    areas: list[float] = []
    edges = {name: list(ends) for name, ends in _WHOLE.items()}
    for node in _filter_nodes(filter_):
        match node:
            case f.InBox(west, south, east, north):
                areas.append(_box(west, south, east if east >= west else east + 360, north))
            case f.Intersects(wkb):
                areas.append(float(ellipsoid_km2([shapely.from_wkb(wkb)])[0]))
            case f.Compare(column, operator, int() | float() as value) if column in edges:
                low = value if operator in (">", ">=", "=") else None
                high = value if operator in ("<", "<=", "=") else None
                _narrow(edges[column], low, high)
            case f.Between(column, int() | float() | None as low, int() | float() | None as high) if column in edges:
                _narrow(edges[column], low, high)
            case _ if getattr(node, "column", None) in PLACE_WORDS and not isinstance(node, f.IsNull):
                areas.append(0.0)
    if any(tuple(ends) != _WHOLE[name] for name, ends in edges.items()):
        south, north = edges["decimalLatitude"]
        west, east = edges["decimalLongitude"]
        areas.append(_box(west, south, east, north))
    return min(areas, default=None)


def too_small(area: float | None, category: str | None) -> bool:
    """Return whether an area is smaller than a category's cell on the equator; a withheld record's is that of 1°."""
    if area is None or category in (None, str(SharingCategory.OPEN)):
        return False
    degrees = SharingCategory(category).cell_degrees or 1.0
    return area < (degrees * _DEGREE_KM) ** 2 * 0.8  # a cell of the region's north is a fifth smaller


def _narrow(ends: list[float], low: float | None, high: float | None) -> None:
    """Make a range narrower."""
    if low is not None:
        ends[0] = max(ends[0], low)
    if high is not None:
        ends[1] = min(ends[1], high)


def _box(west: float, south: float, east: float, north: float) -> float:
    """Return about how large a box is, km²."""
    middle = math.cos(math.radians((south + north) / 2))
    return max(east - west, 0.0) * max(north - south, 0.0) * _DEGREE_KM**2 * middle


def _filter_nodes(filter_: f.Filter | None) -> Iterator[f.Filter]:
    """Give every node of a filter."""
    waiting = [filter_] if filter_ is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(f.parts_of(node))


GROUPED: Final = ("dataset", "rule", "category", "cited_category", "reason", "dataset_withdrawn")
"""What a cause is counted by, where it has them."""

_ROWS: Final = pl.Schema(
    {
        **dict.fromkeys(("cause", "dataset", "rule", "category", "cited_category", "reason"), pl.String),
        "count": pl.Int64,
        "absent": pl.Int64,
        "dataset_withdrawn": pl.Boolean,
    }
)
_ORDER: Final = {str(category): category.strictness for category in SharingCategory}
_CAUSES: Final = (
    "withheld", "generalised", "withdrawn", "coarser_at_source", "regrouped", "beside_others", "told_otherwise",
    "less_generalised",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """Records of a citation that are not stated as they were, for one reason.

    Attributes
    ----------
    count : int
        Records.
    absent : int
        Those among them that the answer does not have any more.
    by : list of dict
        `count`, `absent`, and of `GROUPED` what is known.
    """

    count: int = 0
    absent: int = 0
    by: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came out.

    Attributes
    ----------
    citation : str
        Its id.
    identical : bool
        The same published content: the hashes are equal.
    statement : str
        The result in a few sentences.
    cited, today : dict
        `count` and `hash` of then and now; `rules_hash`, the lake's version, and today's version of biodata.
    unchanged : int
        Records that are stated exactly as they were.
    causes : dict of str to Cause
        withheld: a rule keeps them back. generalised: a rule makes their place coarser than it was. withdrawn: the lake
        has them no more. regrouped: rows that stood for records of a sensitive taxon, and are not published any more: the
        records were withdrawn, are withheld or go out by another cell. coarser_at_source: their publisher makes the place coarser now. beside_others: what other
        records tell of them is different. told_otherwise: stated in other words. less_generalised: a rule became milder.
    added : Cause
        Records that the answer has now and had not.
    known : bool
        False where the list of the cited records is lost: then only the hashes and counts can be compared.
    """

    citation: str
    identical: bool
    statement: str
    cited: dict[str, Any]
    today: dict[str, Any]
    unchanged: int
    causes: dict[str, Cause]
    added: Cause
    known: bool
    replayed: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)


def replay(
    settings: Settings, registry: Registry, citation_id: str, *, step: rebuilding.Step = lambda _share: None,
    with_rows: Callable[[Cited, Path], object] = lambda _cited, _file: None,
) -> Replay:  # fmt: skip
    """Ask a citation again: its version of the lake under today's rules, filtered on published values.

    Parameters
    ----------
    settings : Settings
        The installation.
    registry : Registry
        Where the citation stands.
    citation_id : str
        The citation.
    step : function, optional
        Stated how far the work is (0-1); raises to stop it.
    with_rows : function, optional
        Given the citation and the file of the rebuilt version, which is gone afterwards.

    Returns
    -------
    Replay
        Numbers by dataset, rule and category; no place and no record's key.

    Raises
    ------
    InputError
        If there is no such citation, or its content is not known yet.
    StoreError
        If its version of the lake cannot be built again.
    """
    cited = need(registry, citation_id, done=True)
    least = question_area_km2(cited.filter)
    kept = content.members_path(settings.data, cited.content["hash"])
    with (
        Lake.open(settings.data, memory_limit=settings.memory_limit) as lake,
        rebuilding.rebuilt(settings, lake, cited.snapshot, step=lambda share: step(0.9 * share)) as rebuilt,
    ):
        now = ask(rebuilt.path, cited.filter, settings.data, cited.content["columns"], into=rebuilt.path.parent)
        made = rebuilt.path.parent / content.members_name(now.hash)
        identical = now.hash == cited.content["hash"]
        if identical and not kept.exists():
            content.keep(settings.data, made, now.hash)  # a list that was lost: the same hash is the same list
        known = kept.exists()
        rows = pl.DataFrame(schema=_ROWS)
        if known and not identical:
            rows = _compare(kept, made, _sensitive(rebuilt.path), rebuilt.causes, settings.data)
            rows = _withdrawn_datasets(rows, lake)
        with_rows(cited, rebuilt.path)
    causes = {name: _cause(rows.filter(pl.col("cause") == name), least) for name in _CAUSES}
    added = _cause(rows.filter(pl.col("cause") == "added"), least)
    alike = int(rows.filter(pl.col("cause") == "unchanged")["count"].sum())
    unchanged = cited.content["count"] if identical else alike
    return Replay(
        citation=cited.id,
        identical=identical,
        statement=_statement(cited, now.count, identical, known, causes, added),
        cited={
            "count": cited.content["count"], "hash": cited.content["hash"], "release": cited.release,
            "snapshot": cited.snapshot, "rules_hash": cited.rules_hash,
        },
        today={
            "count": now.count, "hash": now.hash, "datasets": now.datasets, "snapshot": rebuilt.today,
            "rules_hash": rebuilt.rules_hash, "biodata": version("biodata"),
        },
        unchanged=unchanged,
        causes=causes,
        added=added,
        known=known,
        replayed=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip


def ask(path: Path, filter_: Filter | None, data: Path, column_set: str, *, into: Path) -> content.Content:
    """Hash what a release's file answers to a filter; put down in a folder which records it has."""
    columns = content.COLUMN_SETS[column_set]
    statement, params = sql.select(RELEASE["occurrences"], columns, filter_)
    frames = rebuilding.batches(path, statement, params, content.BATCH_ROWS)
    return content.gather(content.published_frames(frames), data, column_set, into=into)


def _withdrawn_datasets(rows: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    """Tell of withdrawn records whether the lake has no record of their dataset any more."""
    names = rows.filter(pl.col("cause") == "withdrawn")["dataset"].unique().to_list()
    gone = [name for name in names if not lake.count("occurrences", where=Compare("datasetKey", "=", name))]
    whole = pl.when(pl.col("cause") == "withdrawn").then(pl.col("dataset").is_in(gone))
    return rows.with_columns(dataset_withdrawn=whole)


def _sensitive(path: Path) -> pl.DataFrame:
    """Return key, category and rule of the records that are not open."""
    columns = ["key", "sharing_category", "sharing_rule"]
    statement, params = sql.select(RELEASE["occurrences"], columns, None)
    frames = [
        frame.filter(pl.col("sharing_category") != SharingCategory.OPEN)
        for frame in rebuilding.batches(path, statement, params, content.BATCH_ROWS)
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"key": pl.Int64})


def _compare(kept: Path, made: Path, sensitive: pl.DataFrame, causes: pl.DataFrame, data: Path) -> pl.DataFrame:
    """Return how many records of the two answers fared how: cause, dataset, rule, categories, count, absent."""
    order = " ".join(f"WHEN '{name}' THEN {number}" for name, number in _ORDER.items())
    query = f"""
        WITH beside AS (
            SELECT coalesce(o.key, n.key) AS key, coalesce(o.dataset, n.dataset) AS dataset, o.key IS NULL AS new,
                   n.key IS NULL AS absent, o.category AS cited_category,
                   coalesce(n.category, s.sharing_category, 'open') AS category, s.sharing_rule AS rule,
                   c.cause AS left_out, c.rule AS left_rule, c.category AS left_category, c.reason AS reason,
                   o.whole IS NOT DISTINCT FROM n.whole AS same, o.own IS NOT DISTINCT FROM n.own AS same_itself
            FROM read_parquet({literal(str(kept))}) o FULL JOIN read_parquet({literal(str(made))}) n ON o.key = n.key
            LEFT JOIN sensitive s ON s.key = coalesce(o.key, n.key)
            LEFT JOIN causes c ON c.key = coalesce(o.key, n.key)
        ), told AS (
            SELECT *, CASE category {order} END AS strict, CASE cited_category {order} END AS was FROM beside
        ), judged AS (
            SELECT *, CASE WHEN new THEN 'added' WHEN left_out IS NOT NULL THEN left_out
                WHEN absent AND was > 0 THEN 'regrouped'
                WHEN strict > was THEN 'generalised' WHEN same AND NOT absent THEN 'unchanged'
                WHEN strict < was THEN 'less_generalised'
                WHEN same_itself OR absent THEN 'beside_others' ELSE 'told_otherwise' END AS cause
            FROM told
        )
        SELECT cause, dataset, coalesce(left_rule, rule) AS rule,
               CASE WHEN left_out IS NULL THEN category ELSE left_category END AS category, cited_category, reason,
               count(*) AS count, count(*) FILTER (absent) AS absent
        FROM judged GROUP BY ALL ORDER BY cause, count DESC, dataset, rule, category
    """
    with duck.workshop(spill=data / "tmp", memory_limit="500MB") as connection:
        connection.register("sensitive", sensitive)
        connection.register("causes", causes)
        with failing_as("the answers could not be compared", duckdb.Error):
            return connection.execute(query).pl()


def _cause(rows: pl.DataFrame, area_km2: float | None) -> Cause:
    """Return the numbers of one cause.

    A rule and a dataset are stated only where the question's area is no smaller than the cell of the category: else the
    question itself would state where the records are, more exactly than the rule allows. Such records are counted
    together.
    """
    groups: list[dict[str, Any]] = []
    together = {"count": 0, "absent": 0}
    for row in rows.iter_rows(named=True):
        if too_small(area_km2, row["category"]):
            together = {name: together[name] + row[name] for name in together}
            continue
        facts: dict[str, Any] = {name: row[name] for name in GROUPED if name in row and row[name] not in (None, "")}
        groups.append({**facts, "count": row["count"], "absent": row["absent"]})
    if together["count"]:
        note = "The question's area is smaller than the cells of their category: what and why is not told of them."
        groups.append({**together, "note": note})
    return Cause(int(rows["count"].sum()), int(rows["absent"].sum()), groups)


_NAMED: Final = 5
"""Rules that the statement names of each cause; the numbers tell all."""

_WORDS: Final[Mapping[str, str]] = {
    "withheld": "withheld by a sharing rule",
    "generalised": "told with a coarser place than before, together with others of their taxon",
    "withdrawn": "withdrawn: the lake has them no more",
    "coarser_at_source": "left out, since their publisher makes the place coarser now",
    "regrouped": "not published any more of those that stand for records of a sensitive taxon",
    "beside_others": "told of differently beside other records (duplicates, doubts)",
    "told_otherwise": "told in other words",
    "less_generalised": "told with a finer place, since a rule became milder",
}


def _statement(
    cited: Cited, count: int, identical: bool, known: bool, causes: Mapping[str, Cause], added: Cause
) -> str:
    """Return the result in a few sentences."""
    then = cited.content["count"]
    if identical:
        return f"Identical: the same {then:,} records with the same published content."
    if not known:
        return (
            f"Not identical: {then:,} records then, {count:,} now. The list of the cited records is lost, so what became "
            "of each cannot be told."
        )
    parts = [f"{cause.count:,} {_WORDS[name]}{_rules(cause.by)}" for name, cause in causes.items() if cause.count]
    more = f" {added.count:,} that the answer had not are in it now." if added.count else ""
    return f"Not identical. Of {then:,} cited records: {'; '.join(parts) or 'none is different'}.{more} Now {count:,}."


def _rules(groups: Sequence[Mapping[str, Any]]) -> str:
    """Return the rules of a cause, each once."""
    named = list(dict.fromkeys(group["rule"] for group in groups if group.get("rule")))
    more = [f"and {len(named) - _NAMED} more"] if len(named) > _NAMED else []
    return f" ({', '.join([*named[:_NAMED], *more])})" if named else ""
