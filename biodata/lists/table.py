"""The statuses of all lists as one table, and what a list's new version changed in it."""

import polars as pl

from biodata import terms

_STATED = pl.List(
    pl.Struct({"kind": pl.String, "area": pl.String, "value": pl.String, "year": pl.Int32, "authority": pl.String})
)
_SAME = ("scientificName", "kind", "area")


def statuses(taxa: pl.DataFrame) -> pl.DataFrame:
    """Return one row a status.

    Parameters
    ----------
    taxa : polars.DataFrame of `terms.TAXON`
        The taxa of any lists; `statuses` is what `lists.read` found.

    Returns
    -------
    polars.DataFrame
        checklist, checklist_version, taxon_id, accepted_taxon_id, scientificName, kind, area, value, year, authority.
    """
    columns = ("checklist", "checklist_version", "taxon_id", "accepted_taxon_id", "scientificName", "statuses")
    listed = taxa.select(columns).drop_nulls("statuses")
    return listed.with_columns(pl.col("statuses").str.json_decode(_STATED)).explode("statuses").unnest("statuses")


def table(taxa: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Return the release's table of statuses.

    Parameters
    ----------
    taxa : polars.DataFrame of `terms.TAXON`
    accepted : polars.DataFrame
        scientificName, each once, with `taxon`, the accepted name under which records have it, null where nobody knows it,
        and its `taxonRank`.

    Returns
    -------
    polars.DataFrame of `terms.TAXON_STATUS`
        Each status once a list and name.
    """
    found = statuses(taxa).join(accepted, on="scientificName", how="left", maintain_order="left")
    found = found.with_columns(
        taxon=pl.coalesce("taxon", "scientificName"), taxonRank=pl.when(pl.col("taxon").is_not_null()).then("taxonRank")
    )
    return terms.conform(found.unique(), terms.TAXON_STATUS)


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return what differs between two versions of a list.

    Parameters
    ----------
    before, after : polars.DataFrame of `terms.TAXON`
        One list's taxa.

    Returns
    -------
    polars.DataFrame
        scientificName, kind, area, `was` and `now` (null for none), in the order of names.
    """
    versions = [
        statuses(taxa).group_by(_SAME).agg(pl.col("value").unique().sort().str.join(", ").alias(name))
        for taxa, name in ((before, "was"), (after, "now"))
    ]
    joined = versions[0].join(versions[1], on=_SAME, how="full", coalesce=True)
    return joined.filter(pl.col("was").ne_missing(pl.col("now"))).sort(_SAME)
