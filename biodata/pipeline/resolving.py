"""Names of an installation resolved again: after a new checklist, or with a new reference list."""

from dataclasses import dataclass

import polars as pl

from biodata import places
from biodata.core.settings import Settings
from biodata.harmonise.names import NAME_COLUMNS, NAME_FLAGS, NAME_TERMS
from biodata.harmonise.rematch import Resolution
from biodata.store.lake import Lake
from biodata.text.reference_list import reference_list


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many records changed, of how many distinct names."""

    records: int
    names: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.records} records changed ({self.names} names)"


def resolve_names(
    lake: Lake, settings: Settings, *, taxa: pl.DataFrame | None = None, dry_run: bool = False
) -> Resolved:
    """Resolve the distinct names of all records with the checklists as they are, and change what differs.

    Parameters
    ----------
    lake : Lake
        The records.
    settings : Settings
        Their installation.
    taxa : polars.DataFrame of `terms.TAXON`, optional
        The checklists; those of the lake where none are given.
    dry_run : bool
        Count, and change nothing.
    """
    listed = lake.read("taxa") if taxa is None else taxa
    resolution = Resolution(listed, places.load_boundaries(settings.boundaries))
    records, names = lake.resolve_names(
        resolution.resolve,
        terms=NAME_TERMS,
        columns=NAME_COLUMNS,
        flags=NAME_FLAGS,
        doubts=resolution.doubts,
        author="names",
        extra={"reference_list": reference_list().version},
        dry_run=dry_run,
    )
    return Resolved(records, names)
