"""What may be seen of results: corridors, candidate reserves, protected areas."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import polars as pl

from biodata.core.errors import SharingError
from biodata.core.terms import ASSESSED, PUBLISHED_OCCURRENCE, PUBLISHED_TABLES, RIGHTS, SHARING, conform
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.decide import strictest
from biodata.sharing.publish import open_records, plan_alone, presence_rows
from biodata.sharing.rules import RuleSet


def publish_results(
    table_name: str, frame: pl.DataFrame, *, rules: RuleSet, unaffected: Collection[str] = ()
) -> pl.DataFrame:
    """Return what may be seen of a table of results.

    Parameters
    ----------
    table_name : str
        A table of `terms.PUBLISHED_TABLES` other than `occurrences`, which `publish` lets out.
    frame : polars.DataFrame of n rows
        Columns of that table in the lake; `sharing_category` is that of the strictest record that a result was made of.
    rules : RuleSet
        Today's rules.
    unaffected : collection of str
        Runs all of whose records go out today as exactly as they read them.

    Returns
    -------
    polars.DataFrame of at most n rows
        Exactly the columns of `terms.PUBLISHED_TABLES[table_name]`. A result goes out if it is open and was made from what is
        published of the records alone; nothing is lost, since everybody can make it. One from exact records is left out,
        even where all of these are open: it would state that no hidden one lies in its window.

        A result that was made of records under other rules than today's is left out until it is made again, save those of
        `unaffected` runs: what was open then may be hidden now, and where it is, the result would go on telling.

    Raises
    ------
    SharingError
        If the table is none that may be published so.
    """
    if table_name not in PUBLISHED_TABLES or table_name == "occurrences":
        known = ", ".join(name for name in PUBLISHED_TABLES if name != "occurrences")
        msg = f"{table_name!r} is no table of results; those are {known}"
        raise SharingError(msg)
    out = conform(frame, PUBLISHED_TABLES[table_name])
    if "sharing_category" in out.columns:
        out = out.filter(pl.col("sharing_category") == SharingCategory.OPEN)
    if "evidence_view" in out.columns:
        same = (rules_of_run() == rules.hash).fill_null(value=False)
        out = out.filter(of_public_view() & (same | pl.col("run_id").is_in(list(unaffected)).fill_null(value=False)))
    return out


def of_public_view() -> pl.Expr:
    """Tell which results were made from what is published of the records alone."""
    return (pl.col("evidence_view") == EvidenceView.PUBLIC).fill_null(value=False)


def rules_of_run() -> pl.Expr:
    """Return the hash of the rules under which the records of each result's run were read."""
    return pl.col("evidence").str.json_path_match("$.run.rules")


Window = tuple[float, float, float, float]
_ADDED: Final = frozenset(column.name for column in (*SHARING, *RIGHTS, *ASSESSED))


def evidence_view(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    view: EvidenceView,
    window: Window,
    among: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return the records of a window as a run of this view reads them.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE` with those of `publish.LOOKED_AT`, and `cluster_id` of `terms.ASSESSMENT`
        where it is known; every record of the window.
    rules : RuleSet
        The sharing rules, with the plan of what goes out; without one these are all the records that there are.
    boundaries : BoundarySet
        Whose land the floor counts.
    view : EvidenceView
    window : tuple of float
        West, south, east, north, degrees.
    among : polars.Expr, optional
        Which records these are, by published columns: presences are read by it, too.

    Returns
    -------
    polars.DataFrame
        The columns of `occurrences`, and `sharing_category` and the edges of the published cell. The public view has the
        rows that are published: open records, and the presences of which the cell's centre lies in the window, in no
        cluster and under no record's number. What is computed from this view alone tells no more than these, however many
        results are laid side by side. In
        the exact view nothing is changed, and `sharing_category` is the strictest of all of them in every row.
    """
    west, south, east, north = window
    inside = pl.col("decimalLongitude").is_between(west, east) & pl.col("decimalLatitude").is_between(south, north)
    added = [column.name for column in SHARING if column.name != "sharing_rule"]
    if view is EvidenceView.EXACT:
        here = occurrences.filter(inside)
        cells = [pl.lit(None, dtype=pl.Float64).alias(name) for name in added if name.startswith("cell_")]
        return here.with_columns(*cells, sharing_category=pl.lit(str(strictest(here, rules, boundaries=boundaries))))
    if rules.plan is None:
        rules = replace(rules, plan=plan_alone(rules.labels.added(occurrences), rules, boundaries))
    columns = [c for c in PUBLISHED_OCCURRENCE if c in SHARING or c.name in set(occurrences.columns) - _ADDED]
    names = [column.name for column in columns]
    opened = open_records(occurrences, rules, boundaries=boundaries, columns=columns)
    rest = [name for name in occurrences.columns if name not in opened.columns]
    opened = opened.join(occurrences.select("key", *rest), on="key", how="left", maintain_order="left")
    # What the lake knows beside of a record that came as a cell is not published with it.
    is_open = pl.col("sharing_category") == SharingCategory.OPEN
    opened = opened.with_columns(pl.when(is_open).then(name).alias(name) for name in rest)
    made = presence_rows(rules, boundaries=boundaries)
    made = (made if among is None else made.filter(among)).select(names)
    shown = pl.concat([opened, made], how="diagonal").filter(inside)
    # A node keeps the flags of the exact place; the cell still tells that its country is not the stated one.
    has_land = pl.col("country_codes").list.len() > 0
    elsewhere = pl.col("cell_west").is_not_null() & has_land & ~pl.col("countryCode").is_in("country_codes")
    flagged = pl.when(elsewhere).then(pl.col("quality_flags").list.set_union(["COUNTRY_COORDINATE_MISMATCH"]))
    shown = shown.with_columns(quality_flags=flagged.otherwise("quality_flags"))
    return shown.select(*occurrences.columns, *added)
