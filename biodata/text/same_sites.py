"""Which sites of two lists seem to be one: by the ground that both hold, and by the words of their names."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

LEAST_SHARED: Final = 0.5
"""Of all the ground of two sites of one name, that both hold."""
LEAST_SAME: Final = 0.8
"""The same of two sites whatever their names: beyond the differences between two maps of one site."""

_GENERIC: Final = frozenset(
    "national park nature natural reserve reserves wildlife sanctuary protected area areas forest marine biosphere "
    "conservation heritage landscape parks site the of and mu ko koh mount mt phnom phou phu doi khao nam pa nba npa np "
    "nr ws aep asean taman negara cagar alam suaka vuon quoc gia khu bao ton thien nhien".split()
)


def distinct_words(name: str | None) -> frozenset[str]:
    """Return the words of a name that tell sites apart, without accents; of other scripts the letters together."""
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", name or "") if not unicodedata.combining(c) or ord(c) > 0x36F
    )
    return frozenset(re.findall(r"[^\W_]+", plain.casefold().replace("đ", "d"))) - _GENERIC


def shared_ground(
    shapes: NDArray[np.object_], *, lists: Sequence[str] | None = None, least: float = 0.0
) -> dict[tuple[int, int], float]:
    """Return what each two sites both hold as a share of what either holds, for those that meet.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        Valid, on a plane or in degrees; None where a site has none.
    lists : sequence of str, optional
        The list that each stands in: sites of one list are not compared.
    least : float
        Pairs whose sizes allow no larger share are left out: cutting them would cost most of the time.

    Returns
    -------
    dict of (int, int) to float
        By their positions, the smaller one first.
    """
    area = np.where(shapely.is_missing(shapes), 0.0, shapely.area(shapes))
    mapped = np.flatnonzero(area > 0)
    one, other = shapely.STRtree(shapes[mapped]).query(shapes[mapped], predicate="intersects")
    first, second = mapped[one[one < other]], mapped[other[one < other]]
    if lists is not None:
        of = np.asarray(lists, dtype=object)
        apart = of[first] != of[second]
        first, second = first[apart], second[apart]
    near = np.minimum(area[first], area[second]) >= least * np.maximum(area[first], area[second])
    first, second = first[near], second[near]
    common = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    share = common / (area[first] + area[second] - common)
    return {(int(a), int(b)): float(of) for a, b, of in zip(first, second, share, strict=True)}


def is_same(share: float, first: frozenset[str], second: frozenset[str]) -> bool:
    """Return whether two sites seem to be one, by the share of their ground and the words of their names."""
    return share >= LEAST_SAME or (share >= LEAST_SHARED and bool(first & second))


def representatives(
    shapes: NDArray[np.object_], names: Sequence[str | None], countries: Sequence[Sequence[str]]
) -> NDArray[np.int64]:
    """Return for each site the first one of those that seem to be the same, itself where there is none.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        Valid.
    names : sequence of str or None, length n
    countries : sequence of n sequences of str
        Two sites of which each states countries, and none the same, are two.
    """
    words = [distinct_words(name) for name in names]
    first = np.arange(len(shapes))
    for (a, b), share in sorted(shared_ground(shapes, least=LEAST_SHARED).items()):
        apart = bool(countries[a]) and bool(countries[b]) and not set(countries[a]) & set(countries[b])
        if not apart and is_same(share, words[a], words[b]):
            of_either = (first == first[a]) | (first == first[b])
            first[of_either] = first[of_either].min()
    return first
