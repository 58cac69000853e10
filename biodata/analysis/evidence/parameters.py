"""What decides whether a record is evidence for a side."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from biodata.errors import InputError
from biodata.flags import SUSPICIOUS

DOUBTFUL: Final = (
    "ZERO_COORDINATE",
    "COORDINATE_INVALID",
    "COORDINATE_OUT_OF_RANGE",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
    "COUNTRY_COORDINATE_MISMATCH",
    "PROVINCE_COORDINATE_MISMATCH",
    "PUBLISHER_GENERALISED",
    "RECORDED_DATE_INVALID",
    "RECORDED_DATE_UNLIKELY",
    "RECORDED_DATE_MISMATCH",
    "TAXON_MATCH_NONE",
    "TAXON_MATCH_HIGHERRANK",
)
"""Flags that always keep a record from being evidence."""
EXCLUDED: Final = (*DOUBTFUL, *sorted(SUSPICIOUS))
"""Flags that keep a record from being evidence unless suspicious places are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParameters:
    """What decides whether a record is evidence for a side.

    Attributes
    ----------
    as_of : date
        The date of the run: later records play no part, and the years are counted back from it.
    cell_m : float
        Side of a cell of the analysis, metres: the largest uncertainty that counts.
    recent_years : int, optional
        The whole event must lie within these years before `as_of`; None for all times.
    independent_minutes : float
        Records of a species that are less apart than this, and than `independent_m`, are one observation.
    independent_m : float
        The same in metres; 0 of either one takes every record for an observation of its own.
    side_share : float
        Share of the circle of uncertainty that must lie on a side. Where several places of a species reach over a border
        they share the rest between them: each of ten needs 0.995, so that the species is right as often as one record.
    of_land : bool
        Take the share of the circle's land. Else the sea is no side, and a circle that reaches far over it counts
        for none.
    excluded_flags : tuple of str
        Quality flags with which a record does not count.
    """

    as_of: date
    cell_m: float
    recent_years: int | None = 15
    independent_minutes: float = 30.0
    independent_m: float = 1_000.0
    side_share: float = 0.95
    of_land: bool = False
    excluded_flags: tuple[str, ...] = EXCLUDED

    def __post_init__(self) -> None:
        limits = {
            "cell_m": (self.cell_m > 0, "above 0 metres"),
            "recent_years": (self.recent_years is None or 0 < self.recent_years < 1000, "1 to 999 years, or none"),
            "independent_minutes": (0 <= self.independent_minutes < 1e7, "0 minutes or more"),
            "independent_m": (0 <= self.independent_m <= 100_000, "0 to 100,000 metres"),
            "side_share": (0.5 < self.side_share <= 1, "above 0.5, so that one side has it, and no more than 1"),
        }
        for name, (fits, expected) in limits.items():
            if not fits:
                problem = f"{name} does not fit"
                raise InputError(
                    problem, column=name, value=str(getattr(self, name)), expected=expected, code="PARAMETERS_INVALID"
                )

    @property
    def since(self) -> date | None:
        """The first day that counts; 29 February becomes 1 March where there is none."""
        if self.recent_years is None:
            return None
        year = self.as_of.year - self.recent_years
        try:
            return self.as_of.replace(year=year)
        except ValueError:
            return date(year, 3, 1)

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        since = self.since
        return plain | {
            "as_of": self.as_of.isoformat(),
            "since": since.isoformat() if since else None,
            "excluded_flags": list(self.excluded_flags),
        }
