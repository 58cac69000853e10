"""Clusters: records that may tell of one thing, each with its reasons; all of them stay visible.

A record and its *keys* are a graph, and a cluster is one of its connected parts. A key is made of one record alone (its
catalogue number; its species, day, place and recorder), so the work grows with the records and never with their pairs.
A key joins the records that share it unless they contradict each other, and

- two records of one dataset are two records: a key of two datasets joins at most one of each. Within a dataset only a
  catalogue number that stands twice joins, or a row that is repeated in every cell of a file that identifies no row;
- without a day nothing is the same event: only identifiers join such records;
- where keys together would join two records of one dataset, the weakest keys of that cluster go, until none does.

The keys, the surest first: gbifID, a global occurrenceID, institutionCode with catalogNumber, otherCatalogNumbers; the
collector's number; species, day, place and recorder; species, instant and place; and a song or sighting that two teams
note on both sides of a border (`border_events`).

A cluster is represented by the record that states most (`cluster_facts.FILLED`), of these by the one with the smallest
uncertainty, then by one that did not come by way of GBIF, then by the first by dataset and identifier: never by `key`,
which is random.

Sources: Grosjean & Robertson 2021, https://data-blog.gbif.org/post/clustering-occurrences/ (blocks of hashes, identifiers
without case and signs, never two records of one dataset). GBIF compares the pairs inside a block and also joins what is
within 200 m on one day whoever recorded it; that is left out here, since two people may see two animals.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from biodata.places.gazetteer import MEAN_RADIUS_M
from biodata.text.cluster_facts import NAMED

# One song or sighting that two teams note on both sides of a border, each in its own local time.
#
# The same species at the same time in UTC, noted in different countries or zones, at places that agree within their
# uncertainties and `HEARD_M` or `SEEN_M`. That is a default of ours: two listening posts that hear one group are taken to
# be at most 4 km apart. (In the collaborative censuses of the cao vit gibbon, posts stand on ridges of both sides, each
# within hearing of several valleys: Ma et al. 2020, Oryx 54(6).) A zone that is only proposed is no evidence.
#
# Records of a species, hour and stretch of land are put in the order of time, and each is compared with the `NEXT` ones:
# the work grows with the records. Two records are one event if each is the other's nearest of its dataset.

REASON: Final = "the same species noted by two teams on both sides of a border, at the same time in UTC"

HEARD_M: Final = 4_000.0
SEEN_M: Final = 1_000.0
"""How far apart the places of one event may be told by two teams, beside their uncertainties: observers often give
their own place, not the animals'."""
LARGEST_RADIUS_M: Final = 2_000.0
"""What an uncertainty adds to that at most."""
VAGUE_M: Final = 5_000.0
"""Places that are less certain are no evidence for an event of two teams."""
HEARD_S: Final = 600
SEEN_S: Final = 300
"""How far apart two teams may note the beginning of one event: watches differ, and a duet lasts a quarter of an hour."""
LONGEST_S: Final = 3_600
"""A longer stretch of time is the team's presence, not the event."""
OVERLAPPING_S: Final = 1_800
NEXT: Final = 8
"""With how many of the records that follow in time a record is compared."""

_REACH_M: Final = HEARD_M + 2 * LARGEST_RADIUS_M
_SIDE: Final = 0.2
"""Side of a cell in degrees; more than the reach."""
_COMPARED: Final = (
    "key", "dataset", "datasetKey", "record", "t0", "t1", "x", "y", "radius", "country", "zone", "heard", "machine",
    "count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock",
)  # fmt: skip
_ENDS: Final = tuple(f"{name}{end}" for name in ("key", "dataset", "datasetKey", "record") for end in ("", "_b"))
_AGREEING: Final = ("count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock", "x", "y")


def blocks(facts: pl.DataFrame) -> pl.DataFrame:
    """Return key and block of the records that may be of such an event: its species, hour and stretch of land."""
    rows = facts.filter(
        "sure", pl.col("t0").is_not_null(), pl.col("x").is_not_null(), pl.col("radius").fill_null(0) <= VAGUE_M,
        (pl.col("t1") - pl.col("t0")).fill_null(0) <= LONGEST_S,
    )  # fmt: skip
    halves = (-OVERLAPPING_S // 2, OVERLAPPING_S // 2)
    hours = pl.concat_list((pl.col("t0") + shift) // LONGEST_S for shift in halves).list.unique()
    cells = _cells(pl.col("x"), pl.col("y"))
    rows = rows.select("key", "species", hour=hours, cell=cells).explode("hour").explode("cell")
    return rows.select("key", block=pl.struct("species", "hour", "cell").hash(22))


def _cells(longitude: pl.Expr, latitude: pl.Expr) -> pl.Expr:
    """Return the cells that a square around a place touches: two places within reach of each other share one."""
    up = _REACH_M / 2 / 110_500
    across = up / latitude.radians().cos().clip(0.01)
    return pl.concat_list(
        ((longitude + dx * across) / _SIDE).floor().cast(pl.Int64) * 1_000_000
        + ((latitude + dy * up) / _SIDE).floor().cast(pl.Int64)
        for dx, dy in ((-1, -1), (-1, 1), (1, -1), (1, 1))
    ).list.unique()


def border_edges(rows: pl.DataFrame, *, tier: int) -> pl.DataFrame:
    """Return the events that several teams noted, as edges between records and events.

    Parameters
    ----------
    rows : polars.DataFrame
        block, and `cluster_facts.facts` of each record that has it.
    tier : int
        How sure this is.

    Returns
    -------
    polars.DataFrame
        key, tier, node, reason; the same for any order of the rows.
    """
    several = pl.any_horizontal(pl.col(name).min() != pl.col(name).max() for name in ("country", "zone"))
    border = rows.group_by("block").agg(several=several & (pl.col("dataset").n_unique() > 1)).filter("several")
    rows = rows.join(border, on="block", how="semi").select("block", *_COMPARED)
    rows = rows.sort("block", "t0", "x", "y", "datasetKey", "record", "key")
    pairs = pl.concat(_of_one_event(_beside(rows, step)) for step in range(1, NEXT + 1)).unique(["key", "key_b"])
    turned = {name: name.removesuffix("_b") if name.endswith("_b") else f"{name}_b" for name in _ENDS}
    pairs = pl.concat([pairs, pairs.rename(turned).select(pairs.columns)])
    chosen = pairs.sort("seconds", -pl.col("agree"), "metres", "datasetKey", "record", "datasetKey_b", "record_b")
    nearest = chosen.unique(["key", "dataset_b"], keep="first", maintain_order=True)
    both = nearest.join(nearest.select(key="key_b", key_b="key"), on=["key", "key_b"], how="semi")
    return both.select(
        "key",
        tier=pl.lit(tier, dtype=pl.UInt8),
        node=pl.struct(pl.min_horizontal("key", "key_b").alias("a"), pl.max_horizontal("key", "key_b").alias("b")).hash(
            8
        ),
        reason=pl.lit(REASON),
    )


def _beside(rows: pl.DataFrame, step: int) -> pl.DataFrame:
    """Return each record beside the one that stands so many places behind it in its block, if their times allow it."""

    def behind(name: str) -> pl.Expr:
        return pl.col(name).shift(-step)

    near = (pl.col("block") == behind("block")) & (pl.col("dataset") != behind("dataset"))
    near &= behind("t0") - pl.col("t0") <= OVERLAPPING_S
    first = rows.select(near.fill_null(value=False).arg_true()).to_series()
    other = rows[first + step].rename({name: f"{name}_b" for name in rows.columns})
    return pl.concat([rows[first], other], how="horizontal")


def _of_one_event(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that may be of one event, with their distances in time and space."""

    def differs(name: str) -> pl.Expr:
        return (pl.col(name) != pl.col(f"{name}_b")).fill_null(value=False)

    y, y_b = pl.col("y").radians(), pl.col("y_b").radians()
    half = ((pl.col("x_b") - pl.col("x")).radians() / 2).sin() ** 2
    chord = ((y_b - y) / 2).sin() ** 2 + y.cos() * y_b.cos() * half
    pairs = pairs.with_columns(
        metres=2 * MEAN_RADIUS_M * chord.clip(0, 1).sqrt().arcsin(),
        seconds=(pl.col("t0") - pl.col("t0_b")).abs(),
        agree=pl.sum_horizontal(
            (pl.col(n) == pl.col(f"{n}_b")).fill_null(value=False).cast(pl.Int32) for n in _AGREEING
        ),
    )
    heard = pl.col("heard") | pl.col("heard_b")
    radius = pl.sum_horizontal(pl.col(name).fill_null(0).clip(0, LARGEST_RADIUS_M) for name in ("radius", "radius_b"))
    overlap = pl.max_horizontal("t0", "t0_b") < pl.min_horizontal("t1", "t1_b")
    found = pairs.filter(
        differs("country") | differs("zone"),
        pl.col("metres") <= radius + pl.when(heard).then(HEARD_M).otherwise(SEEN_M),
        (pl.col("seconds") <= pl.when(heard).then(HEARD_S).otherwise(SEEN_S))
        | (overlap & (pl.col("seconds") <= OVERLAPPING_S)),
        ~(differs("organismID") | differs("sex") | (~heard & differs("count"))),
        heard | ~(pl.col("machine") | pl.col("machine_b")),
    )
    return found.select(*_ENDS, "metres", "seconds", "agree")


RULE_VERSION: Final = "2"
"""Raised when a rule changes: what was found before is then found anew."""

KEYS: Final = pl.Schema({"key": pl.Int64, "kind": pl.UInt8, "block": pl.UInt64})
"""A record, a kind of key (position in `KINDS`) and the key as a number."""
EDGES: Final = pl.Schema({"key": pl.Int64, "tier": pl.UInt8, "node": pl.UInt64, "reason": pl.String})
"""A record and a key that joins it with others."""
CLUSTERS: Final = pl.Schema({"key": pl.Int64(), "cluster_id": pl.Int64(), "cluster_reasons": pl.List(pl.String)})
"""A record of a cluster, the record that represents it, and why it is in it."""
REPRESENTS: Final = ("key", "dataset", "datasetKey", "record", "filled", "radius", "aggregated")
"""The columns of `cluster_facts.facts` that decide who represents a cluster."""

MOST_OF_IDENTIFIER: Final = 50
"""An identifier that more records share names none of them."""
CORRECTED_M: Final = 10_000.0
"""Places farther apart than this contradict each other."""
SAME_PLACE_M: Final = 200.0
"""As GBIF's rules have it, for coordinates rounded to three decimals."""
GATHERED_M: Final = 2_000.0
"""How far apart two collections may place what one person gathered under one number."""
WIDEST_PLACE_M: Final = 1_000.0
"""Coordinates that rounding may have moved farther are no evidence of a place."""
SAME_TIME_S: Final = 60
_NAMED: Final = 7
WITHIN: Final = 0
"""The tier of keys inside one dataset."""

_FINE: Final = ("clock", "count", "sex", "lifeStage", "organismID")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of key: how sure it is (0 the surest), why it joins, and under which condition on all who share it."""

    tier: int
    reason: str
    accepts: pl.Expr


def _differs(name: str) -> pl.Expr:
    """Tell where records that state a column do not all tell the same."""
    return (pl.col(name).min() != pl.col(name).max()).fill_null(value=False)


_METRES: Final = (
    ((pl.col("y").max() - pl.col("y").min()) * 110_540) ** 2
    + ((pl.col("x").max() - pl.col("x").min()) * 111_320 * pl.col("y").mean().radians().cos()) ** 2
).sqrt()
_SURE_T0: Final = pl.when("sure").then("t0")
_CLOCKS_DIFFER: Final = (
    (_SURE_T0.max() - _SURE_T0.min() > SAME_TIME_S)
    | (pl.col("t0").is_null().all() & (pl.col("clock").max() - pl.col("clock").min() > SAME_TIME_S))
).fill_null(value=False)
# Local days of two zones may be one day apart.
_DAYS_DIFFER: Final = (pl.col("first_day").max() > pl.col("last_day").min() + 1).fill_null(value=False)
_MOVED: Final = (CORRECTED_M + pl.col("radius").sum() < _METRES).fill_null(value=False)
_INDIVIDUALS_DIFFER: Final = _differs("count") | _differs("sex") | _differs("lifeStage") | _differs("organismID")
_SAME_PLACE: Final = (
    (pl.max_horizontal(pl.col("rounding").max(), pl.lit(SAME_PLACE_M)) >= _METRES)
    & (pl.col("rounding").max() <= WIDEST_PLACE_M)
).fill_null(value=False)
_OWN_NUMBERS: Final = _differs("id_catalogued") & ~_differs("collection") & pl.col("collection").is_not_null().any()
"""Several objects of one collection, each with its own number."""
_CONTRADICTIONS: Final = pl.sum_horizontal(
    c.cast(pl.Int32) for c in (_differs("species"), _MOVED, _DAYS_DIFFER | _CLOCKS_DIFFER)
)
_ACROSS: Final = (pl.col("dataset").n_unique() > 1) & (
    pl.struct("dataset", "unit").n_unique() == pl.col("dataset").n_unique()
)
"""Several datasets, and of each at most one record (rows of it that are one already count for one)."""
_SAME_RECORD: Final = _ACROSS & ~_differs("present") & (pl.len() <= MOST_OF_IDENTIFIER) & (_CONTRADICTIONS <= 1)
"""An identifier says it; the rest may differ in one thing, since one of the two may have been corrected."""
_AGREES: Final = _SAME_RECORD & (_CONTRADICTIONS == 0) & ~_INDIVIDUALS_DIFFER
_SAME_EVENT: Final = _ACROSS & ~_CLOCKS_DIFFER & ~_INDIVIDUALS_DIFFER & ~_differs("recordNumber")
_SAME_PERSON: Final = _SAME_EVENT & _SAME_PLACE & ~_OWN_NUMBERS

KINDS: Final = (
    Kind(WITHIN, "the row is repeated in every cell, in a file that identifies no row", pl.lit(value=True)),
    Kind(
        WITHIN,
        "the same catalogNumber twice in one dataset, with the same species, day and place",
        (pl.len() <= MOST_OF_IDENTIFIER)
        & ~_INDIVIDUALS_DIFFER
        & ~_CLOCKS_DIFFER
        & ~_differs("present")
        & ~_differs("recordNumber"),
    ),
    Kind(1, "the same gbifID in two datasets", _SAME_RECORD),
    Kind(1, "the same occurrenceID in two datasets", _SAME_RECORD),
    Kind(1, "the same institutionCode and catalogNumber in two datasets", _SAME_RECORD & ~_differs("collection")),
    Kind(1, "the same institutionCode and catalogNumber in two datasets", _SAME_RECORD),
    Kind(1, "the same occurrenceID, species, day and place in two datasets", _AGREES & _SAME_PLACE),
    Kind(2, "the otherCatalogNumbers of one name the other", _AGREES),
    Kind(
        3,
        "the same person's recordNumber, day and species in two datasets",
        _SAME_EVENT & (_METRES <= GATHERED_M).fill_null(value=True),
    ),
    Kind(4, "the same person, species, day and place in two datasets", _SAME_PERSON),
    Kind(4, "the same person, species, day and place in two datasets", _SAME_PERSON),
    Kind(
        5,
        "the same species at the same time in UTC and place in two datasets",
        _SAME_EVENT & _SAME_PLACE & ~_differs("person"),
    ),
    Kind(6, REASON, pl.lit(value=False)),
)
"""What may join records; the last is decided by `border_events`."""
_BORDER: Final = len(KINDS) - 1
_TIERS: Final = KINDS[-1].tier


def keys(facts: pl.DataFrame, named: pl.Series) -> pl.DataFrame:
    """Return the keys of records.

    Parameters
    ----------
    facts : polars.DataFrame
        What `cluster_facts.facts` returned.
    named : polars.Series
        `named_by_others` of all records: what no record of the species names another by is no key.

    Returns
    -------
    polars.DataFrame of KEYS
        Each once.
    """
    rows = facts.with_columns(person=pl.lit(None, dtype=pl.UInt64))
    animal = pl.col("present") & pl.col("species").is_not_null()
    dated = animal & pl.col("day").is_not_null()
    placed = dated & pl.col("cell").is_not_null()
    people = rows.filter(dated).with_columns(person="people").explode("person").drop_nulls("person")
    of_species = rows.filter(pl.col("species").is_not_null())
    names = [of_species.select("key", "species", name=column) for column in NAMED]
    names.append(of_species.select("key", "species", name="names").explode("name"))
    is_named = pl.struct("species", "name").hash(_NAMED).is_in(named.implode())
    other = pl.concat(one.drop_nulls("name").filter(is_named) for one in names).unique()
    fine = [pl.col(name).fill_null(-1) if name in ("clock", "count") else pl.col(name).fill_null(0) for name in _FINE]
    return pl.concat(
        [
            _keys(rows.filter(placed & ~pl.col("machine")), 0, "dataset", "row_told", "species", "day"),
            _keys(
                rows.filter(placed).with_columns(pl.col("collection").fill_null(0)),
                1, "dataset", "id_catalogued", "collection", "species", "day", "cell",
            ),
            _keys(rows, 2, "id_gbif"),
            _keys(rows.filter("id_global"), 3, "id_occurrence"),
            _keys(rows, 4, "id_catalogued"),
            _keys(rows, 5, "id_catalogued", "collection"),
            _keys(rows.filter(placed & ~pl.col("id_global")), 6, "id_occurrence", "species", "day", "cell"),
            _keys(other, 7, "species", "name"),
            _keys(people, 8, "species", "day", "person", "recordNumber"),
            _keys(people, 9, "species", "day", "person", "cell"),
            _keys(people.with_columns(fine), 10, "species", "day", "person", "cell", *_FINE),
            _keys(
                rows.filter(placed & pl.col("sure")).with_columns(minute=pl.col("t0") // SAME_TIME_S),
                11, "species", "minute", "cell",
            ),
            blocks(rows.filter(animal)).select("key", kind=pl.lit(_BORDER, dtype=pl.UInt8), block="block"),
        ]
    )  # fmt: skip


def named_by_others(facts: pl.DataFrame) -> pl.Series:
    """Return what the records' otherCatalogNumbers name, with their species, as numbers."""
    named = facts.select("species", name="names").explode("name").drop_nulls()
    return named.select(pl.struct("species", "name").hash(_NAMED)).to_series().unique()


def _keys(rows: pl.DataFrame, kind: int, *columns: str) -> pl.DataFrame:
    """Return keys of one kind: of the rows that state all the columns."""
    return rows.drop_nulls(list(columns)).select(
        "key", kind=pl.lit(kind, dtype=pl.UInt8), block=pl.struct(columns).hash(kind)
    )


def shared(keys: pl.DataFrame) -> pl.DataFrame:
    """Return those keys that several records have."""
    several = keys.filter(pl.col("block").is_duplicated())  # most are of one record: those are dropped at once
    return several.filter(pl.len().over("kind", "block") > 1)


def edges(keys: pl.DataFrame, facts: pl.DataFrame, units: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the keys that join, as edges between records and keys.

    Parameters
    ----------
    keys : polars.DataFrame of KEYS
        What `shared` returned: every record that has one of these keys is there.
    facts : polars.DataFrame
        Of these records at least.
    units : polars.DataFrame, optional
        key, unit: which records of one dataset are one already, by keys within it; then keys between datasets are
        looked at, else keys within them.

    Returns
    -------
    polars.DataFrame of EDGES
        The same for any order of the rows.
    """
    within = units is None
    wanted = [number for number, kind in enumerate(KINDS) if (kind.tier == WITHIN) == within]
    table = facts.with_columns(person=pl.col("people").list.sort().hash(7)).with_columns(
        person=pl.when(pl.col("people").list.len() > 0).then("person")
    )
    table = table.with_columns(unit="key") if units is None else _with_units(table, units)
    found = [pl.DataFrame(schema=EDGES)]
    for number in wanted:
        kind = KINDS[number]
        own = keys.filter(pl.col("kind") == number).select("key", "block")
        rows = own.join(table, on="key")
        if number == _BORDER:
            found.append(border_edges(rows, tier=kind.tier).select(EDGES.names()))
            continue
        joins = rows.group_by("block").agg(accepts=kind.accepts, but=_but()).filter("accepts")
        found.append(
            own.join(joins, on="block").select(
                "key",
                tier=pl.lit(kind.tier, dtype=pl.UInt8),
                node=pl.struct("block", kind=pl.lit(number)).hash(9),
                reason=pl.lit(kind.reason) + pl.col("but"),
            )
        )
    return pl.concat(found)


def _but() -> pl.Expr:
    """Return what is to be said where records of one identifier differ."""
    return (
        pl.when(_differs("species"))
        .then(pl.lit("; the species differ"))
        .when(_MOVED)
        .then(pl.lit("; the places differ"))
        .when(_DAYS_DIFFER | _CLOCKS_DIFFER)
        .then(pl.lit("; the dates differ"))
        .otherwise(pl.lit(""))
    )


def units(edges: pl.DataFrame) -> pl.DataFrame:
    """Return key and unit of the records that keys within their dataset join."""
    records, part = _parts(edges)
    return pl.DataFrame({"key": records, "part": part}).select("key", unit=pl.col("key").min().over("part"))


def clusters(edges: pl.DataFrame, records: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Put records into clusters.

    Parameters
    ----------
    edges : polars.DataFrame of EDGES
        Of all keys.
    records : polars.DataFrame
        `REPRESENTS` of every record with an edge.
    units : polars.DataFrame
        What `units` returned.

    Returns
    -------
    polars.DataFrame of CLUSTERS, sorted by key
        Only records of clusters of two or more.
    """
    if edges.is_empty():
        return pl.DataFrame(schema=CLUSTERS)
    table = _with_units(records.unique("key"), units).select("key", "dataset", "unit")
    waiting, done = edges, [pl.DataFrame(schema={"key": pl.Int64, "part": pl.UInt64, "reason": pl.String})]
    for tier in range(_TIERS, WITHIN - 1, -1):
        waiting = waiting.filter(pl.col("tier") <= tier)
        if waiting.is_empty():
            break
        members, part = _parts(waiting)
        parts = pl.DataFrame({"key": members, "part": part}).join(table, on="key")
        twice = parts.group_by("part").agg(apart=pl.struct("dataset", "unit").n_unique() > pl.col("dataset").n_unique())
        parts = parts.join(twice, on="part").select("key", "apart", part=pl.struct("part", tier=pl.lit(tier)).hash(3))
        rows = waiting.join(parts, on="key")
        done.append(rows.filter(~pl.col("apart")).select("key", "part", "reason"))
        waiting = rows.filter("apart").select(EDGES.names())
    found = pl.concat(done).group_by("key", "part").agg(cluster_reasons=pl.col("reason").unique().sort())
    found = found.filter(pl.len().over("part") > 1)
    order = [-pl.col("filled").cast(pl.Int32), pl.col("radius"), pl.col("aggregated"), pl.col("datasetKey", "record")]
    ranked = records.unique("key").sort([*order, "key"], nulls_last=True).select("key", rank=pl.int_range(pl.len()))
    found = found.join(ranked, on="key").sort("rank")
    return found.with_columns(cluster_id=pl.col("key").first().over("part")).select(CLUSTERS.names()).sort("key")


def _with_units(records: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Add to records the unit that they are of: itself for most."""
    return records.join(units, on="key", how="left").with_columns(pl.coalesce("unit", "key"))


def _parts(edges: pl.DataFrame) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """Return the records of a graph and the number of the connected part that each is in."""
    # Not with the module: SciPy takes a fifth of a second to load, and `--help` needs none of it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    records, row = np.unique(edges["key"].to_numpy(), return_inverse=True)
    nodes, column = np.unique(edges["node"].to_numpy(), return_inverse=True)
    n = len(records) + len(nodes)
    graph = coo_array((np.ones(len(row), dtype=np.int8), (row, column + len(records))), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    return records, part[: len(records)]
