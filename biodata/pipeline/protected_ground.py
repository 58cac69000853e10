"""Files of sites to protected ground, cleaned, at dates, with and without proposed sites."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.harmonise.area_cleaning import Options, clean
from biodata.harmonise.area_cleaning.cleaning import is_mab, not_in_force
from biodata.harmonise.area_cleaning.countries import coverage_by_country, ground_by_country, not_mapped_by_country
from biodata.harmonise.area_sites import sites
from biodata.harmonise.area_twins import flagged, twins
from biodata.ingest.protected_areas import ProtectedAreaSource

if TYPE_CHECKING:
    from biodata.analysis.gaps.protected import Protected
    from biodata.places import BoundarySet

PROPOSED: Final = ("Proposed",)
_APART: Final = ("border_disagreement_km2", "elsewhere_km2", "coast_disagreement_km2")


def read_sites(files: Sequence[Path], *, options: dict[str, str] | None = None, progress: bool = False) -> pl.DataFrame:
    """Read files of sites, those without a geometry too.

    Parameters
    ----------
    files : sequence of Path
        See `ingest.protected_areas`.
    options : dict, optional
        country, crs, encoding, layer: of files that state none.
    progress : bool
        Show a bar.

    Returns
    -------
    polars.DataFrame of terms.PROTECTED_AREA, and `geometry_problem`

    Raises
    ------
    InputError
        If a file cannot be read, or there is no site in any.
    """
    source = ProtectedAreaSource(list(files), options=options or {}, progress=progress)
    seen: set[str] = set()
    frames = [
        sites(
            batch, dataset_key=Path(table.name).name.split(".")[0], declarations=table.declarations, seen=seen
        ).with_columns(geometry_problem=batch["geometry_problem"])
        for table in source.read_all()
        for batch in table.batches
    ]
    if not sum(frame.height for frame in frames):
        problem = "there is no site in it"
        raise InputError(problem, file=", ".join(path.name for path in files), code="INPUT_EMPTY")
    found = pl.concat(frames)
    return flagged(found, twins(found)) if len(frames) > 1 else found


def protected_ground(
    areas: pl.DataFrame,
    boundaries: "BoundarySet",
    *,
    as_of: date,
    proposed: bool = False,
    options: Options | None = None,
    source: str | None = None,
) -> "Protected":
    """Clean sites and cut them along the borders, as they stood at a date.

    Parameters
    ----------
    areas : polars.DataFrame of terms.PROTECTED_AREA
        Of `read_sites`, or of the lake.
    boundaries : BoundarySet
    as_of : date
        Sites whose status is of a later year are left out; those that state no year are kept and distinguished.
    proposed : bool
        Take proposed sites too, as if they were in force.
    options : Options, optional
        Of the cleaning; its statuses are those in force.
    source : str, optional
        What the areas are and of which version; the files' names where it is not stated.

    Returns
    -------
    Protected
    """
    from biodata.analysis.gaps.protected import IN_FORCE, WITH_PROPOSED, Protected

    options = options or Options()
    statuses = (*options.statuses, *(PROPOSED if proposed else ()))
    chosen = Options(statuses, options.keep_mab, options.snap_m, options.sliver_m2)
    later = (pl.col("status_year") > as_of.year).fill_null(value=False)
    present = areas.filter(~later)
    cleaned = clean(present, chosen)
    counted = present.filter(~pl.Series(_out(present, chosen), dtype=pl.Boolean))
    claims = cleaned.not_mapped.filter(pl.col("area_id").is_in(counted["area_id"].implode()))
    text = source or ", ".join(sorted(areas["source_file"].drop_nulls().unique()))
    return Protected(
        scenario=WITH_PROPOSED if proposed else IN_FORCE,
        as_of=as_of,
        ground=ground_by_country(cleaned, boundaries),
        apart=coverage_by_country(cleaned, boundaries).select("country_code", "kind", "realm", *_APART),
        not_mapped=_by_country(not_mapped_by_country(claims)),
        facts=_facts(text, chosen, boundaries) | {"sites": areas.height, "sites_of_later_years": areas.filter(later).height,
        "not_counted": _reasons(cleaned.fates), "sites_without_a_year": present["status_year"].null_count()},
    )  # fmt: skip


def _out(areas: pl.DataFrame, options: Options) -> list[bool]:
    """Tell which sites the choice leaves out, mapped or not."""
    drop, _ = not_in_force(areas, options)
    out = drop["STATUS_NOT_TOLD"] | drop["STATUS_NOT_IN_FORCE"]
    return list(out if options.keep_mab else out | is_mab(areas))


def _reasons(fates: pl.DataFrame) -> dict[str, int]:
    """Count the sites that hold no ground of the coverage, by reason."""
    values = fates.filter(~pl.col("in_coverage"))["not_in_coverage_because"].drop_nulls()
    return dict(values.value_counts().sort("not_in_coverage_because").iter_rows())


def _by_country(claims: pl.DataFrame) -> pl.DataFrame:
    """Sum the sites without a map by the countries that they state."""
    return (
        claims.group_by("country_code").agg(pl.col("sites", "claimed_km2", "without_area").sum()).sort("country_code")
    )


def _facts(source: str, options: Options, boundaries: "BoundarySet") -> dict[str, Any]:
    return {
        "areas": source,
        "statuses": list(options.statuses),
        "unesco_mab": options.keep_mab,
        **boundaries.to_dict(),
    }
