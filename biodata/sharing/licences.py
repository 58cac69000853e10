"""Licences from the most permissive to the strictest, and which one holds for a record."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.sharing.labels import labels
from biodata.text.controlled import parse_licence

UNSPECIFIED: Final = "UNSPECIFIED"
UNSUPPORTED: Final = "UNSUPPORTED"
NON_COMMERCIAL: Final = "CC_BY_NC_4_0"

LICENCES: Final = MappingProxyType(
    {
        "CC0_1_0": ("CC0 1.0", "http://creativecommons.org/publicdomain/zero/1.0/legalcode"),
        "CC_BY_4_0": ("CC BY 4.0", "http://creativecommons.org/licenses/by/4.0/legalcode"),
        NON_COMMERCIAL: ("CC BY-NC 4.0", "http://creativecommons.org/licenses/by-nc/4.0/legalcode"),
        UNSUPPORTED: ("a licence other than CC0 1.0, CC BY 4.0 and CC BY-NC 4.0", None),
        UNSPECIFIED: ("no licence that is told", None),
    }
)
"""Name and address of each licence in GBIF's spelling, the most permissive first."""

MEDIA: Final = "Pictures and sounds have licences of their own, which each of them tells: what is told here is of the records alone."
"""What stands beside every licence of records."""

_ORDER: Final = MappingProxyType({name: number for number, name in enumerate(LICENCES)})


class Effective(NamedTuple):
    """The licence that holds for a record.

    Attributes
    ----------
    license : str
        In GBIF's spelling.
    reason : str
        Whose it is, and what it was stricter than.
    """

    license: str
    reason: str


def spelt(text: str | None) -> str:
    """Return a licence in GBIF's spelling: what is not stated is UNSPECIFIED, what is not known UNSUPPORTED."""
    if text is None or not text.strip():
        return UNSPECIFIED
    return text if text in LICENCES else parse_licence(text) or UNSUPPORTED


def strictest(licences: Iterable[str]) -> str:
    """Return the strictest of licences in GBIF's spelling; `UNSPECIFIED` for none."""
    known = (name if name in LICENCES else UNSUPPORTED for name in licences)
    return max(known, key=_ORDER.__getitem__, default=UNSPECIFIED)


def effective(record: str | None, dataset: str | None, codes: Iterable[str] = ()) -> Effective:
    """Return the licence that holds for a record: the strictest of its own, its dataset's and what its labels ask.

    Parameters
    ----------
    record, dataset : str, optional
        As stated. Where one of them tells none the other holds; where none does, nobody allowed anything.
    codes : iterable of str
        The record's community labels; one against commerce makes a licence that allows it CC BY-NC 4.0.

    Examples
    --------
    >>> effective("CC0_1_0", "CC_BY_4_0")
    Effective(license='CC_BY_4_0', reason="its dataset's, stricter than CC0 1.0 of the record")
    """
    own, whole = spelt(record), spelt(dataset)
    if own == whole:
        found = Effective(own, "no licence is told" if own == UNSPECIFIED else "the record's and its dataset's")
    elif whole == UNSPECIFIED:
        found = Effective(own, "the record's; its dataset tells none")
    elif own == UNSPECIFIED:
        found = Effective(whole, "its dataset's; the record tells none")
    elif _ORDER[own] > _ORDER[whole]:
        found = Effective(own, f"the record's, stricter than {LICENCES[whole][0]} of its dataset")
    else:
        found = Effective(whole, f"its dataset's, stricter than {LICENCES[own][0]} of the record")
    against = [code for code in sorted(codes) if code in labels() and labels()[code].non_commercial]
    if against and _ORDER[found.license] < _ORDER[NON_COMMERCIAL]:
        name = LICENCES[found.license][0]
        return Effective(
            NON_COMMERCIAL, f"label {', '.join(against)}, stricter than {name} that record and dataset tell"
        )
    return found


def strictest_stated(batches: Iterable[pl.DataFrame]) -> dict[str, str]:
    """Return the strictest licence that records of each dataset state, by its key, empty text for those of none.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        datasetKey and license of `terms.OCCURRENCE`.
    """
    pairs = {pair for batch in batches for pair in batch.select("datasetKey", "license").unique().iter_rows()}
    stated: dict[str, str] = {}
    for key, license_ in ((key or "", spelt(parsed)) for key, parsed in pairs):
        if license_ != UNSPECIFIED:
            stated[key] = strictest((license_, stated.get(key, license_)))
    return stated


def effective_of(records: pl.DataFrame, datasets: Mapping[str, str | None]) -> pl.DataFrame:
    """Return the licence that holds for each record.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        license, datasetKey and community_labels, as they are published.
    datasets : mapping of str to str or None
        Licence of each dataset, by its key.

    Returns
    -------
    polars.DataFrame of n rows
        license_effective, license_reason : String.
    """
    names = ("license", "datasetKey", "community_labels")
    table = records.select(*names[:2], pl.col(names[2]).cast(pl.List(pl.String)).list.join("|"))
    distinct = table.unique(maintain_order=True)
    found = [
        effective(own, datasets.get(key) if key is not None else None, codes.split("|") if codes else ())
        for own, key, codes in distinct.iter_rows()
    ]
    columns = {"license_effective": pl.String, "license_reason": pl.String}
    known = distinct.hstack(pl.DataFrame(found, schema=columns, orient="row"))
    return table.join(known, on=list(names), how="left", nulls_equal=True, maintain_order="left").select(*columns)
