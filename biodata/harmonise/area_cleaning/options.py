"""What a cleaning may be told; each default with its reason."""

from dataclasses import dataclass
from typing import Final

PLANE: Final = "EPSG:6933"
"""WGS 84 / NSIDC EASE-Grid 2.0 Global: cylindrical equal-area, true to shape at 30°, as wdpar's World Behrmann.

Areas on it are those of the ellipsoid; ESRI:54034 has the same areas but is true to shape at the equator only, and the
region reaches to 36° N.
"""

LARGEST_SITE_KM2: Final = 5_000_000.0
"""No site is larger (the largest marine areas have about two million): a point is not spread over more."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a cleaning may be told.

    Attributes
    ----------
    statuses : tuple of str
        Kept in `coverage`: what is in force (wdpar's `retain_status`).
    keep_mab : bool
        Keep UNESCO-MAB Biosphere Reserves in `coverage`; much of them is no protected area
        (Coetzer et al. 2014, https://doi.org/10.1111/brv.12044).
    snap_m : float
        Grid to which polygons are snapped, metres; 0 for none. Lines drawn closer than half of it become one.
    sliver_m2 : float
        Parts smaller than this are slivers, square metres (wdpar's threshold).
    """

    statuses: tuple[str, ...] = ("Designated", "Inscribed", "Established")
    keep_mab: bool = False
    snap_m: float = 1.0
    sliver_m2: float = 0.1
