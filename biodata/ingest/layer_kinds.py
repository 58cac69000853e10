"""What kinds of layers there are, and what each may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from biodata.core.errors import InputError

MEASURES: Final = ("categorical", "continuous")
"""What the cells of a raster are: classes or quantities."""


@dataclass(frozen=True, slots=True)
class LayerKind:
    """A kind of layer.

    Attributes
    ----------
    name : str
        As `--kind` names it.
    measure : str or None
        `categorical` or `continuous`; None where the cells decide.
    vector : bool
        True where it may come as features.
    lowest, highest : float or None
        Values that a cell can have; None where nothing bounds them.
    unit : str
        Of its values; empty where they have none.
    forms : tuple of str
        What its features are: points, lines, polygons.
    """

    name: str
    measure: str | None
    vector: bool
    lowest: float | None = None
    highest: float | None = None
    unit: str = ""
    forms: tuple[str, ...] = ()


KINDS: Final[Mapping[str, LayerKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            LayerKind("land_cover", "categorical", vector=False),
            # From the shore of the Dead Sea to the top of Chomolungma, with the error of a model at a peak.
            LayerKind("elevation", "continuous", vector=False, lowest=-500, highest=9000, unit="m"),
            LayerKind("population", "continuous", vector=False, lowest=0, unit="people"),
            # From 0 to 1 or, as Keeley et al. 2016 tell it, to 100.
            LayerKind("suitability", "continuous", vector=False, lowest=0, highest=100),
            LayerKind("roads", None, vector=True, forms=("lines",)),
            LayerKind("rivers", None, vector=True, forms=("lines", "polygons")),
            LayerKind("settlements", None, vector=True, forms=("points", "polygons")),
            LayerKind("fence", None, vector=True, forms=("lines",)),
            LayerKind("mine", None, vector=True, forms=("points", "polygons")),
            LayerKind("dam", None, vector=True, forms=("points", "lines", "polygons")),
        )
    }
)


def find_kind(text: str) -> LayerKind:
    """Return a kind by the name that a person gives it.

    Raises
    ------
    InputError
        If there is none (OPTION_INVALID).
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in KINDS:
        problem = "the kind of a layer is not known"
        expected = f"one of {', '.join(KINDS)} (or, of a raster's cells, {' or '.join(MEASURES)})"
        raise InputError(problem, column="kind", value=text, expected=expected, code="OPTION_INVALID")
    return KINDS[name]
