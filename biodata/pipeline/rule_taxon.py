"""Whether the taxon of a new rule has a name that an installation knows: a slip would hide by luck, or nothing at all."""

from typing import Final

import polars as pl
from rapidfuzz import process

from biodata.core.settings import Settings
from biodata.sharing.names import bundled_common_names, canonical, looked_up, meant_by_hand
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force
from biodata.text.reference_list import CLASSIFICATION

_NAMES: Final = ("species", "scientificName", "acceptedScientificName", *CLASSIFICATION)
_BATCH_ROWS: Final = 500_000
_NEAR: Final = 90.0
_SHOWN: Final = 5


def look_up(settings: Settings, name: str) -> list[str] | None:
    """Look for the name of a taxon in the rules, the checklists and the records of an installation.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        A scientific name; authorship plays no part.

    Returns
    -------
    list of str or None
        None where something has that name; else the names that are near to it, at most 5.
    """
    small = (canonical(pl.Series([name]))["name"][0] or name.strip()).casefold()
    if looked_up([small.capitalize()]) or _named_by_hand(small):
        return None
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake, planned=False)
        taxa = lake.read("taxa", columns=["scientificName", "synonyms"])
        here = {*taxa["scientificName"].drop_nulls(), *taxa["synonyms"].explode().drop_nulls()}
        for batch in lake.batches("occurrences", columns=list(_NAMES), batch_rows=_BATCH_ROWS):
            here |= {text for column in batch.get_columns() for text in column.unique().drop_nulls()}
    listed = [rule.scientific_name for rule in rules.rules if rule.scientific_name is not None]
    read = canonical(pl.Series([*here, *listed], dtype=pl.String))["name"].drop_nulls().unique()
    known = {one.casefold(): one for one in sorted(read)}
    if small in known:
        return None
    like = process.extract(small, list(known), score_cutoff=_NEAR, limit=_SHOWN)
    return [known[found] for found, _, _ in like]


def _named_by_hand(small: str) -> bool:
    return bool(meant_by_hand(small)) or any(
        small == taxon.casefold() for taxa in bundled_common_names().values() for taxon in taxa
    )
