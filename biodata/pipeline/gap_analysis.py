"""The tables of an analysis of gaps: of protected ground, and what is to be covered by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis.gaps.features import Places, Target, representation, responsibility
from biodata.analysis.gaps.protected import Layers, Protected, amounts, layers_of, to_plane
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.harmonise.area_cleaning import Options, clean
from biodata.harmonise.area_cleaning.cleaning import is_mab, not_in_force
from biodata.harmonise.area_cleaning.countries import coverage_by_country, ground_by_country, not_mapped_by_country
from biodata.harmonise.area_sites import sites
from biodata.harmonise.area_twins import flagged, twins
from biodata.ingest.protected_areas import ProtectedAreaSource

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted
    from biodata.places import BoundarySet


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCover:
    """What is to be covered, and how much of it.

    Attributes
    ----------
    species, cells, habitats : list of Places
        Ranges; cells that records occupy; ecosystems or classes of land cover.
    habitat_rasters, area_of_habitat : list of Path
        Rasters of classes, each class a habitat; and one raster a species, which it is named after, of cells above 0.
    species_target, cells_target, habitat_target : Target
        A target that falls with the size of a range has no meaning for cells where somebody happened to look, so theirs is
        a share.
    """

    species: list[Places] = field(default_factory=list)
    cells: list[Places] = field(default_factory=list)
    habitats: list[Places] = field(default_factory=list)
    habitat_rasters: list[Path] = field(default_factory=list)
    area_of_habitat: list[Path] = field(default_factory=list)
    species_target: Target = field(default_factory=Target)
    cells_target: Target = field(default_factory=lambda: Target(rule="relative"))
    habitat_target: Target = field(default_factory=lambda: Target(rule="relative"))


def represented(
    scenarios: Sequence[Protected], countries: list[str], boundaries: places.BoundarySet, what: ToCover
) -> dict[str, pl.DataFrame]:
    """Return `representation` and `responsibility` in every scenario; nothing where there is nothing to cover."""
    flat = [(one, to_plane(one.shapes), what.species_target) for one in what.species]
    flat += [(one, to_plane(one.shapes), what.cells_target) for one in what.cells]
    flat += [(one, to_plane(one.shapes), what.habitat_target) for one in what.habitats]
    tables: list[pl.DataFrame] = []
    for protected in scenarios:
        layers = layers_of(protected, countries, boundaries)
        for one, shapes, target in flat:
            found = amounts(shapes, layers)
            tables.append(representation(found, one.names, one.kind, protected, countries, target=target))
        for path in what.habitat_rasters:
            names, found = _classes(path, layers)
            tables.append(representation(found, names, "habitat", protected, countries, target=what.habitat_target))
        for path in what.area_of_habitat:
            found = _habitat(path, layers)
            tables.append(
                representation(found, [path.stem], "area of habitat", protected, countries, target=what.species_target)
            )
    if not tables:
        return {}
    table = pl.concat(tables)
    return {"representation": table, "responsibility": responsibility(table)}


def _classes(path: Path, layers: Layers) -> tuple[list[str], pl.DataFrame]:
    """Return a raster's classes and what they share with layers."""
    from biodata.analysis import rasters
    from biodata.analysis.gaps.features import amounts_of_classes

    values, grid = rasters.read(path)
    classes = np.unique(values[np.isfinite(values)])
    if len(classes) > 256 or (classes != np.floor(classes)).any():
        problem = f"the raster holds {len(classes)} values, so these are no classes"
        raise InputError(problem, file=path.name, expected="up to 256 whole numbers", code="RASTER_NO_CLASSES")
    features = {f"{path.stem} {value:g}": [float(value)] for value in classes}
    return list(features), amounts_of_classes(values, grid, layers, features=features)


def _habitat(path: Path, layers: Layers) -> pl.DataFrame:
    """Return what an area of habitat shares with layers."""
    from biodata.analysis import rasters
    from biodata.analysis.gaps.features import amounts_of_classes

    values, grid = rasters.read(path)
    return amounts_of_classes(values, grid, layers, features={path.stem: None})


def public_evidence(
    settings: Settings, countries: Sequence[str], boundaries: places.BoundarySet, *, as_of: date, cell_m: float
) -> tuple["Counted", dict[str, Any]]:
    """Return the records of countries as everybody may see them, judged, and what was read.

    Parameters
    ----------
    settings : Settings
        The installation.
    countries : sequence of str
        ISO 3166-1 alpha-2 codes; records of the box around their land are read.
    boundaries : BoundarySet
    as_of : date
        Years are counted back from it.
    cell_m : float
        Side of a cell of the analysis: the largest uncertainty that counts, metres.
    """
    from biodata import assessments
    from biodata.analysis import evidence
    from biodata.store.lake import Lake
    from biodata.store.rules_in_force import rules_in_force

    shapes = [places.country_geometry(code, boundaries) for code in countries]
    west, south, east, north = (float(value) for value in shapely.total_bounds(shapes))
    window, view = (west, south, east, north), EvidenceView.PUBLIC
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        snapshot = lake.snapshot()
        seen = assessments.in_view(settings, lake, rules, boundaries, view=view, window=window)
    parameters = evidence.EvidenceParameters(as_of=as_of, cell_m=cell_m)
    counted = evidence.counted(seen, boundaries=boundaries, parameters=parameters)
    facts = counted.facts | {
        "evidence_view": str(view), "snapshot": snapshot, "rules": rules.hash, "records": seen.height,
        "counting": counted.records["why_not"].null_count(),
        "not_counting": dict(counted.records["why_not"].drop_nulls().value_counts(sort=True).iter_rows()),
    }  # fmt: skip
    return counted, facts


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
