"""Common names, of the bundled list and of an installation's checklists, and the taxa that each means."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache

import orjson
import polars as pl

from biodata.matching.vernaculars import folded
from biodata.parsers.bundled import read_rows

CommonNames = Mapping[str, frozenset[str]]
"""The scientific names of the taxa that common names (`matching.vernaculars.folded`) mean."""


@cache
def bundled_common_names() -> CommonNames:
    """Return the common names of `data/vernacular_names.csv`."""
    return _gathered((row["name"], row["scientificName"]) for row in read_rows("vernacular_names.csv"))


def common_names(taxa: pl.DataFrame) -> CommonNames:
    """Return the common names of checklists (`terms.TAXON`), the bundled ones among them."""
    described = taxa.drop_nulls(["vernacular_details", "scientificName"]).select("vernacular_details", "scientificName")
    here = ((one["name"], taxon) for text, taxon in described.iter_rows() for one in orjson.loads(text) if one["name"])
    bundled = ((name, taxon) for name, meant in bundled_common_names().items() for taxon in meant)
    return _gathered((*bundled, *here))


def meaning(text: str, names: CommonNames) -> frozenset[str]:
    """Return the taxa that a text means which is a common name, or an English plural of one, and nothing else."""
    plain = folded(text)
    ends = (("ies", "y"), ("es", ""), ("s", ""))
    forms = (plain, *(plain.removesuffix(end) + one for end, one in ends if plain.endswith(end)))
    return next((names[form] for form in forms if form in names), frozenset())


def _gathered(pairs: Iterable[tuple[str, str]]) -> CommonNames:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, taxon in pairs:
        found[folded(name)].add(taxon)
    return {name: frozenset(taxa) for name, taxa in found.items()}
