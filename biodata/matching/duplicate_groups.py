"""Groups of records of one event, made of links between pairs; and which record of a group is kept.

Links make chains: A and B, B and C may be alike, and A and C two events. So
- records that identifiers join are one, unless a dataset tells two of them apart (has both, without a link between them);
- such units are joined by likely links only where every unit of one side is linked with every unit of the other, if only
  possibly, and no dataset tells two of the records apart. The surest and nearest links go first.

Kept is the record that tells most (`duplicate_facts.FILLED`), of these the one with the smallest uncertainty, then one
that did not come by way of GBIF, then the first by dataset and identifier: never by `key`, which is random.
"""

from collections import defaultdict
from typing import Any, Final

import numpy as np
import polars as pl

from biodata.matching.duplicate_links import LINKS, STRENGTHS

GROUPS: Final = pl.Schema([("key", pl.Int64), ("group", pl.Int64), ("reasons", pl.List(pl.String))])
"""A record of a group: `group` is the key of the record that is kept; why it is of the group, in words."""

KEPT: Final = ("key", "dataset", "datasetKey", "record", "filled", "radius", "aggregated")
"""The columns of `duplicate_facts.facts` that tell which record is kept."""
_LEAST: Final = STRENGTHS.index("likely")
_STRONG: Final = STRENGTHS.index("strong")


def one_link_a_pair(links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return each pair once, by its strongest link, all its reasons put together.

    Parameters
    ----------
    links : polars.DataFrame of LINKS
        Any number a pair, in either direction.
    records : polars.DataFrame
        `KEPT` of every record that is linked.

    Returns
    -------
    polars.DataFrame of LINKS, the surest and nearest first
        `a` is the one that would be kept. The same for any order of the rows.
    """
    places = _places(records)
    both = links.join(places, left_on="a", right_on="key").join(places, left_on="b", right_on="key", suffix="_b")
    turned = pl.col("place") > pl.col("place_b")
    both = both.with_columns(
        a=pl.when(turned).then("b").otherwise("a"),
        b=pl.when(turned).then("a").otherwise("b"),
        place=pl.min_horizontal("place", "place_b"),
        place_b=pl.max_horizontal("place", "place_b"),
    ).sort("place", "place_b", -pl.col("strength"), "reason")
    best = pl.col("strength") == pl.col("strength").max()
    one = both.group_by("place", "place_b", maintain_order=True).agg(
        pl.col("a", "b", "agree", "seconds", "metres").first(),
        strength=pl.col("strength").max(),
        reason=pl.col("reason").filter(best).unique(maintain_order=True).str.join("; "),
    )
    order = [-pl.col("strength"), pl.col("seconds"), -pl.col("agree"), pl.col("metres"), pl.col("place", "place_b")]
    return one.sort(order, nulls_last=True).select(LINKS.names())


def groups(links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Put records of one event into groups.

    Parameters
    ----------
    links : polars.DataFrame of LINKS
        From `one_link_a_pair`; those that are only possible join nothing by themselves.
    records : polars.DataFrame
        `KEPT` of every record that is linked.

    Returns
    -------
    polars.DataFrame of GROUPS
        Only records that are in a group of two or more.
    """
    if links.filter(pl.col("strength") >= _LEAST).is_empty():
        return pl.DataFrame(schema=GROUPS)
    places = _places(records).sort("place")
    number = places.select("key", n=pl.int_range(pl.len()))
    edges = links.join(number, left_on="a", right_on="key", maintain_order="left").join(
        number, left_on="b", right_on="key", suffix="_b", maintain_order="left"
    )
    first, second = (edges[name].to_numpy() for name in ("n", "n_b"))
    group = _joined(first, second, edges["strength"].to_numpy(), places["dataset"].to_numpy())
    members = number.with_columns(group=pl.Series(group)).filter(pl.len().over("group") > 1)
    kept = members.sort("n").group_by("group", maintain_order=True).agg(kept=pl.col("key").first())
    members = members.join(kept, on="group", maintain_order="left")
    same = edges.filter(pl.Series(group[first] == group[second]), pl.col("strength") >= _LEAST)
    reasons = pl.concat([same.select("reason", key=end, to=other) for end, other in (("a", "b"), ("b", "a"))])
    # The link with the kept record is told where there is one; else those with the others.
    reasons = reasons.join(members.select("key", "kept"), on="key").with_columns(direct=pl.col("to") == pl.col("kept"))
    reasons = reasons.filter(pl.col("direct") | ~pl.col("direct").any().over("key"))
    told = reasons.sort("key", "reason").group_by("key").agg(reasons=pl.col("reason").unique(maintain_order=True))
    return members.join(told, on="key", how="left").select("key", group="kept", reasons="reasons").sort("group", "key")


def _places(records: pl.DataFrame) -> pl.DataFrame:
    """Return each record's place in the order in which they are kept, with its dataset."""
    order = [-pl.col("filled").cast(pl.Int32), pl.col("radius"), pl.col("aggregated"), pl.col("datasetKey", "record")]
    told = records.unique("key").sort([*order, "key"], nulls_last=True)
    return told.select("key", "dataset", place=pl.int_range(pl.len()))


def _joined(
    first: "np.ndarray[Any, Any]",
    second: "np.ndarray[Any, Any]",
    strength: "np.ndarray[Any, Any]",
    datasets: "np.ndarray[Any, Any]",
) -> "np.ndarray[Any, Any]":
    """Return the group of each of n records as a number; edges come the surest first, each pair once."""
    # Not with the module: SciPy takes a fifth of a second to load, and `--help` needs none of it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, sure = len(datasets), strength >= _LEAST
    graph = coo_array((np.ones(int(sure.sum()), dtype=np.int8), (first[sure], second[sure])), shape=(n, n))
    count, part = connected_components(graph, directed=False)
    sizes, linked = np.bincount(part, minlength=count), np.bincount(part[first[sure]], minlength=count)
    # Where every record is linked with every other, there is nothing to decide: most groups are pairs.
    open_parts = linked < sizes * (sizes - 1) // 2
    group = part.astype(np.int64)
    waiting = np.flatnonzero(open_parts[part[first]] & (part[first] == part[second]))
    by_part: dict[int, list[int]] = defaultdict(list)
    for edge in waiting.tolist():
        by_part[int(part[first[edge]])].append(edge)
    following = count
    for edges in by_part.values():
        told = [(int(first[e]), int(second[e]), int(strength[e])) for e in edges]
        for members in _careful(told, datasets):
            group[members] = following
            following += 1
    return group


def _careful(edges: list[tuple[int, int, int]], datasets: "np.ndarray[Any, Any]") -> list[list[int]]:
    """Return the groups of one part of the graph: first what identifiers join, then what is likely."""
    linked = {frozenset((a, b)) for a, b, strength in edges if strength >= _LEAST}
    nodes = sorted({node for edge in edges for node in edge[:2]})
    unit = {node: node for node in nodes}
    members = {node: [node] for node in nodes}

    def told_apart(one: list[int], other: list[int]) -> bool:
        """Tell whether a dataset has a record in each, and no link between them."""
        return any(datasets[a] == datasets[b] and frozenset((a, b)) not in linked for a in one for b in other)

    def join(into: int, leaving: int, unit: dict[int, int], members: dict[int, list[int]]) -> None:
        members[into] += members.pop(leaving)
        for node in members[into]:
            unit[node] = into

    for a, b, strength in edges:
        one, other = unit[a], unit[b]
        if strength == _STRONG and one != other and not told_apart(members[one], members[other]):
            join(min(one, other), max(one, other), unit, members)
    # From here on units are what is joined, each as a whole.
    alike = {frozenset((unit[a], unit[b])) for a, b, _ in edges}
    group = dict(unit)
    joined = {node: list(inside) for node, inside in members.items()}
    units = {node: [node] for node in members}
    for a, b, strength in edges:
        one, other = sorted((group[a], group[b]))
        if strength < _LEAST or one == other or told_apart(joined[one], joined[other]):
            continue
        if all(frozenset((x, y)) in alike for x in units[one] for y in units[other]):
            join(one, other, group, joined)
            units[one] += units.pop(other)
    return list(joined.values())
