"""How much of a species' range or of a habitat should be protected."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from biodata.analysis.reserves import targets
from biodata.errors import InputError
from biodata.geo import Floats

Rule = Literal["log-linear", "relative", "absolute"]
RULES: Final = ("log-linear", "relative", "absolute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How much of a feature should be protected.

    Attributes
    ----------
    rule : log-linear, relative or absolute
        Log-linear: all of a range up to `small_km2`, `large_share` of one of `large_km2` or more, between them a share that
        falls with the logarithm of the size; of ranges of `cap_range_km2` or more `cap_km2` is enough. Relative: `share`.
        Absolute: `km2`, or all where there is less.
    share : float
        0-1.
    km2 : float
        Square kilometres.
    small_km2, large_km2, large_share, cap_range_km2, cap_km2 : float
        Of the log-linear rule.

    Notes
    -----
    Rodrigues et al. 2004, https://doi.org/10.1641/0006-3568(2004)054[1092:GGAPRF]2.0.CO;2; the cap is that of Butchart et
    al. 2015, https://doi.org/10.1111/conl.12158.
    """

    rule: Rule = "log-linear"
    share: float = 0.3
    km2: float = 1_000.0
    small_km2: float = 1_000.0
    large_km2: float = 250_000.0
    large_share: float = 0.1
    cap_range_km2: float = 10_000_000.0
    cap_km2: float = 1_000_000.0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            problem = "there is no such target"
            raise InputError(
                problem, column="rule", value=self.rule, expected=f"one of {', '.join(RULES)}", code="TARGET_INVALID"
            )
        if not 0 < self.km2 < np.inf:
            problem = "the target is no area"
            raise InputError(
                problem, column="km2", value=f"{self.km2:g}", expected="above 0 km²", code="TARGET_INVALID"
            )
        self.needed_km2(np.ones(1))

    def needed_km2(self, range_km2: Floats) -> Floats:
        """Return how much should be protected of ranges of these sizes, km²."""
        if self.rule == "relative":
            return targets.relative(range_km2, self.share)
        if self.rule == "absolute":
            return np.minimum(range_km2, self.km2)
        return targets.log_linear(
            range_km2,
            lower_amount=self.small_km2,
            lower_share=1.0,
            upper_amount=self.large_km2,
            upper_share=self.large_share,
            cap_amount=self.cap_range_km2,
            cap_target=self.cap_km2,
        )

    def told(self) -> dict[str, Any]:
        """Return the rule as plain values, without those that it does not look at."""
        used = {"relative": ("share",), "absolute": ("km2",)}
        plain = asdict(self)
        rest = [name for name in plain if name not in ("rule", "share", "km2")]
        return {name: plain[name] for name in ("rule", *used.get(self.rule, rest))}
