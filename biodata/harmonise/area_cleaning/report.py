"""The report of a cleaning as one object: steps, fates, countries, and the sums that must agree."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from biodata.harmonise.area_cleaning.cleaning import Cleaned
from biodata.harmonise.area_cleaning.countries import coverage_by_country, not_mapped_by_country
from biodata.harmonise.area_cleaning.options import PLANE
from biodata.harmonise.area_cleaning.steps import REASONS, Step, steps_frame
from biodata.places import BoundarySet


@dataclass(frozen=True)
class Report:
    """What a cleaning did.

    Attributes
    ----------
    steps : list of Step
        What every step of each product kept, changed and dropped.
    sites : polars.DataFrame
        One row a row of the input, see `cleaning.Cleaned.fates`.
    countries : polars.DataFrame
        How much of each country is covered, see `countries.coverage_by_country`.
    not_mapped : polars.DataFrame
        Sites that cannot be drawn, by country, level and reason, with the areas that they claim.
    largest_overlap_m2 : float
        The largest ground that two rows of `coverage` share.
    boundaries : str
        The boundary set, its version and its viewpoint.
    """

    steps: list[Step]
    sites: pl.DataFrame
    countries: pl.DataFrame
    not_mapped: pl.DataFrame
    largest_overlap_m2: float
    boundaries: str

    def steps_table(self) -> pl.DataFrame:
        """Return the steps as a table, one row a step."""
        return steps_frame(self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        sites = self.sites
        return {
            "rows": sites.height,
            "coverage": int(sites["in_coverage"].sum()),
            "planning": int(sites["in_planning"].sum()),
            "not_mapped": int((~sites["in_planning"]).sum()),
            "coverage_km2": float(sites["coverage_km2"].sum()),
            "largest_overlap_m2": self.largest_overlap_m2,
            "plane": PLANE,
            "boundaries": self.boundaries,
            "steps": [step.as_dict() for step in self.steps],
            "countries": self.countries.to_dicts(),
            "not_mapped_by_country": self.not_mapped.to_dicts(),
            "reasons": {name: REASONS[name] for name in sorted(self._reasons())},
            "sites": sites.to_dicts(),
        }

    def _reasons(self) -> set[str]:
        columns = ("not_in_coverage_because", "not_mapped_because")
        return {reason for name in columns for reason in self.sites[name].drop_nulls().unique()}


def report_of(cleaned: Cleaned, boundaries: BoundarySet) -> Report:
    """Return the report of a cleaning, with how much of each country is covered."""
    return Report(
        steps=cleaned.steps,
        sites=cleaned.fates,
        countries=coverage_by_country(cleaned, boundaries),
        not_mapped=not_mapped_by_country(cleaned.not_mapped),
        largest_overlap_m2=cleaned.largest_overlap_m2,
        boundaries=f"{boundaries.name} {boundaries.version}, {boundaries.licence}. {boundaries.viewpoint}",
    )
