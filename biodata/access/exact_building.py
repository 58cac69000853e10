"""Making the exact store: by whoever has the lake, into the store's folder, or over the socket of its process.

Beside each record stand the cell, the dates and the countries that are published of it, and the names of all taxa that
it is within. By these alone a grant decides what it covers.
"""

import logging
import os
import tempfile
from pathlib import Path
from typing import Final

import polars as pl

from biodata import places, sharing
from biodata.access import exact_process, exact_store
from biodata.core import terms
from biodata.core.errors import BiodataError, StoreError
from biodata.core.flags import TRACKED
from biodata.core.settings import Settings
from biodata.sharing import RuleSet, labels
from biodata.sharing.names import lineages
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force
from biodata.text.scientific_names import parse_names

logger = logging.getLogger(__name__)

_RANKS: Final = ("species", "genus", "family", "order", "class", "phylum", "kingdom")


def build(settings: Settings, store: Path) -> exact_store.Facts:
    """Write the sensitive records of the lake, as they are, into the store's folder; what was there is replaced whole.

    Parameters
    ----------
    settings : Settings
        The installation.
    store : Path
        The store's folder: outside the installation's, closed to everybody else. Its files go on being its owner's.

    Raises
    ------
    StoreError
        If the folder lies inside the installation, or others may use it.
    """
    if store.resolve().is_relative_to(settings.data.resolve()):
        message = "the exact store lies outside the installation's folder: it is another system user's"
        raise StoreError(message)
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    exact_store.check_closed(store)
    frame, facts = _gathered(settings)
    with tempfile.TemporaryFile(dir=store) as file:
        _write(frame, facts, file.fileno())
        exact_store.put(store, file.fileno())
    return facts


def hand_over(settings: Settings, socket: Path) -> exact_store.Facts:
    """Give the sensitive records of the lake to the running exact process, which alone writes in its folder.

    What is given lies in a file without a name, of which only this process and that one know.

    Raises
    ------
    StoreError
        If the process does not answer.
    RefusedError
        If it takes nothing from this system user.
    """
    frame, facts = _gathered(settings)
    staging = settings.data / "staging"
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=staging) as file:
        _write(frame, facts, file.fileno())
        exact_process.call_exact(socket, {"take": facts.as_dict()}, file=file.fileno())
    return facts


def follow_release(settings: Settings) -> str | None:
    """Let the exact store have, after a release, what is sensitive today, and no longer what was withdrawn.

    Parameters
    ----------
    settings : Settings
        The installation; without `exact_socket` it has no exact store.

    Returns
    -------
    str or None
        What went wrong, in a line that a person can act on: the release stands in any case.
    """
    if settings.exact_socket is None:
        return None
    try:
        facts = hand_over(settings, settings.exact_socket)
    except BiodataError as error:
        message = (
            f"the exact store still has the records of before ({error}); give them with "
            f"`biodata exact build --data {settings.data} --socket {settings.exact_socket}`"
        )
        logger.warning("%s", message)
        return message
    logger.info("the exact store has the %d sensitive records of lake version %d", facts.records, facts.snapshot)
    return None


def must_follow(settings: Settings) -> None:
    """Do the same where the exact store may not stay as it was: records were withdrawn, or a rule was added.

    Raises
    ------
    StoreError
        If it did.
    """
    if (message := follow_release(settings)) is not None:
        raise StoreError(message)


def _gathered(settings: Settings) -> tuple[pl.DataFrame, exact_store.Facts]:
    """Read what is sensitive today and a node can grant."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        snapshot = lake.snapshot()
        parts = []
        for batch in lake.batches("occurrences", snapshot=snapshot):
            decided = sharing.decide(batch, rules, boundaries=boundaries)
            exact = batch[grantable_rows(batch, decided, rules)]
            published = sharing.as_published(exact, rules, boundaries=boundaries)
            parts.append(beside(exact, published))
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=exact_store.SCHEMA)
    return frame.sort("key"), exact_store.Facts(snapshot, rules.hash, frame.height)


def _write(frame: pl.DataFrame, facts: exact_store.Facts, descriptor: int) -> None:
    with os.fdopen(os.dup(descriptor), "wb") as file:
        frame.write_parquet(file, metadata=facts.as_text())
        file.flush()
        os.fsync(file.fileno())


def beside(exact: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Put what is published of each record beside it.

    Parameters
    ----------
    exact : polars.DataFrame of n rows
        Sensitive records, columns of `terms.OCCURRENCE`.
    published : polars.DataFrame of at most n rows
        What is published of each (`sharing.as_published`).

    Returns
    -------
    polars.DataFrame of n rows
        Columns of `exact_store.SCHEMA`.
    """
    wanted = (*exact_store.CELL, "event_start", "event_end", "year", "country_codes", "sharing_category")
    shown = published.select("key", *wanted).rename(lambda name: name if name == "key" else f"shown_{name}")
    frame = exact.join(shown, on="key", how="left")
    west, south = pl.col("decimalLongitude").floor(), pl.col("decimalLatitude").floor()
    edges = dict(zip(exact_store.CELL, (west, south, west + 1, south + 1), strict=True))
    # Of one that is published without a year, a grant of a time must not state it.
    year = pl.when(pl.col("shown_sharing_category").is_null()).then("year").otherwise("shown_year")
    return frame.select(
        *[column.name for column in terms.OCCURRENCE if column.reach is not terms.Reach.LAKE],
        *[pl.coalesce(f"shown_{name}", edge).alias(f"exact_{name}") for name, edge in edges.items()],
        exact_first=pl.coalesce("shown_event_start", pl.date(year, 1, 1)),
        exact_last=pl.coalesce("shown_event_end", pl.date(year, 12, 31)),
        exact_countries=_countries(),
        exact_taxa=_taxa(exact),
    ).cast(exact_store.SCHEMA)


def _countries() -> pl.Expr:
    """Return the countries that have a say in a record: those that its published cell may be of, and the one it states.

    Never those of its exact place, where something is published of it: that a grant of one country leaves out a record
    of a cell within that country would state that it lies in the band along the border.
    """
    place = pl.concat_list(pl.col("country_codes").fill_null([]), pl.concat_list("located_country_code"))
    stated = pl.when(pl.col("shown_country_codes").list.len() > 0).then("shown_country_codes").otherwise(place)
    return pl.concat_list(stated, pl.concat_list("countryCode")).list.drop_nulls().list.unique().list.sort()


def _taxa(exact: pl.DataFrame) -> pl.Series:
    """Return the small names of all taxa that each record is within, its own among them."""
    columns = ("acceptedScientificName", *_RANKS)
    rows = exact.select(columns).with_row_index("at")
    distinct = rows.select(columns).unique(maintain_order=True)
    canonical = parse_names(distinct["acceptedScientificName"])["canonical"]
    names = [_within(row, one) for row, one in zip(distinct.iter_rows(), canonical, strict=True)]
    found = rows.join(
        distinct.with_columns(taxa=pl.Series(names, dtype=pl.List(pl.String))), on=columns, how="left", nulls_equal=True
    )
    return found.sort("at")["taxa"]


def _within(row: tuple[str | None, ...], canonical: str | None) -> list[str]:
    accepted, *lines = row
    ranks = {rank: name.casefold() for rank, name in zip(_RANKS, lines, strict=True) if name}
    found = {*ranks.values(), *(name.casefold() for name in (accepted, canonical) if name)}
    known = next((name for rank, name in ranks.items() if rank != "species"), None)
    if known is None and (canonical or "species" in ranks):
        known = (canonical or ranks["species"]).split(" ")[0]
    found_above = lineages(known.capitalize()) if known is not None else ()
    if found_above:
        # Where the record says nothing, and all lists agree: a grant for one of two orders gives no record of the other.
        above = [{one for rank, names in each.items() if rank not in ranks for one in names} for each in found_above]
        found |= set.intersection(*above)
    return sorted(found)


def grantable_rows(records: pl.DataFrame, decided: pl.DataFrame, rules: RuleSet) -> pl.Series:
    """Return the rows of the sensitive records that a node can grant.

    Where an animal with a transmitter was is given to nobody. A label that makes a record less than open is a
    community's word, and its country's node alone does not grant what it hides: a community that agrees takes its label
    off.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    decided : polars.DataFrame
        As `sharing.decide` returns it.
    rules : RuleSet
        Those that decided; what their plan sets apart beside others can be granted, too.

    Returns
    -------
    polars.Series of UInt32
        Sorted.
    """
    tracked = pl.col("quality_flags").list.contains(TRACKED).fill_null(value=False)
    never = (
        records.with_row_index("row").filter(tracked).select("row"),
        labels.gate(rules.labels.added(records)).select("row"),
    )
    apart = pl.Series([], dtype=pl.Int64) if rules.plan is None else rules.plan.apart.hidden["key"]
    beside = records.with_row_index("row").filter(pl.col("key").is_in(apart.implode())).select("row")
    asked = pl.concat([decided.select(pl.col("row").cast(pl.UInt32)), beside]).unique()
    kept = asked.join(pl.concat([part.cast(pl.UInt32) for part in never]), on="row", how="anti")
    return kept["row"].sort()
