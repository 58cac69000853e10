"""What identifies a record in its dataset, and the rows that nothing identifies."""

import hmac
from collections import Counter
from typing import Final

import polars as pl

from biodata.errors import Refusal
from biodata.harmonise.findings import ADMINISTRATION, Findings, Told

IDENTIFIERS: Final = ("occurrenceID", "gbifID", "id")
"""The terms that may identify a record, the best first. catalogNumber does not: it is unique in a collection only."""
_STATION: Final = ("eventID", "locationID", "locality", "verbatimCoordinates")
_COORDINATES: Final = ("decimalLatitude", "decimalLongitude", "verbatimLatitude", "verbatimLongitude")
_TIME: Final = ("eventDate", "verbatimEventDate", "eventTime")
_TAXON: Final = ("scientificName", "vernacularName", "taxonID")


class Identities:
    """Gives each row its dataset and what identifies it there; keeps count of equal rows across batches.

    Parameters
    ----------
    secret : bytes
        The installation's secret. An identity made from a row's content is an HMAC with it: a plain hash of name,
        date and place could be turned back by trying every place.

    Attributes
    ----------
    part : str or None
        The part of a dataset whose rows come. There a row without an identifier is known by its station, time and taxon
        and its place among the equal ones, so that a corrected cell leaves it the same record.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.part: str | None = None
        self._seen: Counter[tuple[str, str]] = Counter()

    def counted(self) -> Counter[tuple[str, str]]:
        """Return how often each content came so far."""
        return self._seen.copy()

    def count_from(self, counted: Counter[tuple[str, str]]) -> None:
        """Count on from what `counted` gave: a table is read once more."""
        self._seen = counted.copy()

    def assign(self, told: Told, *, dataset_key: str) -> tuple[Findings, pl.Series, list[Refusal]]:
        """Identify the rows of a batch.

        Parameters
        ----------
        told : Told
            n rows.
        dataset_key : str
            The dataset of rows that tell none.

        Returns
        -------
        findings : Findings
            `datasetKey` and `source_record_id` of n rows, with the flags of identifiers that stood in.
        kept : Series of bool, length n
            False for the rows that are refused.
        refusals : list of Refusal
            Rows that are blank (`ROW_BLANK`), and rows without an identifier in a file that has a column of them
            (`IDENTIFIER_MISSING`).
        """
        datasets = told["datasetKey"].fill_null(dataset_key)
        if self.part is not None:
            stated = told.first_of(*IDENTIFIERS)
            blank = _blank(told) & stated.is_null()
            flag, flagged = "OCCURRENCE_ID_FROM_CONTENT", stated.is_null() & ~blank
            made = self._from_station(told, datasets, flagged)
            identifiers = pl.select(pl.coalesce(stated, made)).to_series()
        elif told.has_heading(*IDENTIFIERS):
            identifiers = told.first_of(*IDENTIFIERS)
            blank = _blank(told) & identifiers.is_null()
            flag, flagged = "OCCURRENCE_ID_MISSING", told["occurrenceID"].is_null() & identifiers.is_not_null()
        else:
            blank = _blank(told)
            identifiers = self._from_content(told, datasets, blank)
            flag, flagged = "OCCURRENCE_ID_FROM_CONTENT", ~blank
        missing = identifiers.is_null() & ~blank
        refusals = _refusals(told, blank, "ROW_BLANK", "the row is blank: every cell is empty")
        names = ", ".join(term for term in told.terms if term in IDENTIFIERS)
        message = f"nothing identifies the record: {names} is empty"
        refusals += _refusals(told, missing, "IDENTIFIER_MISSING", message)
        columns = {"datasetKey": datasets, "source_record_id": identifiers}
        return Findings(columns, {flag: flagged}), identifiers.is_not_null(), refusals

    def _from_content(self, told: Told, datasets: pl.Series, blank: pl.Series) -> pl.Series:
        """Return for each row an HMAC of all that it tells; equal rows get #2, #3 and so on."""
        headings = sorted([*told.terms, *told.unknown])
        return self._made(told.batch.select(headings), datasets, ~blank)

    def _from_station(self, told: Told, datasets: pl.Series, wanted: pl.Series) -> pl.Series:
        """Return for each row an HMAC of its part, station, time and taxon; equal rows get #2, #3 and so on."""
        columns = [told.first_of(*_STATION).alias("station"), *(told[name].alias(name) for name in _TIME)]
        nowhere = columns[0].is_null()
        columns += [told[name].set(~nowhere, None).alias(name) for name in _COORDINATES]
        columns += [
            told.first_of(*_TAXON).alias("taxon"),
            pl.Series("part", [self.part]).new_from_index(0, told.height),
        ]
        return self._made(pl.DataFrame(columns), datasets, wanted)

    def _made(self, rows: pl.DataFrame, datasets: pl.Series, wanted: pl.Series) -> pl.Series:
        """Return for each wanted row an HMAC of its cells; equal rows get #2, #3 and so on."""
        headings = rows.columns
        identities: list[str | None] = []
        for dataset, is_wanted, cells in zip(datasets, wanted, rows.iter_rows(), strict=True):
            if not is_wanted:
                identities.append(None)
                continue
            # \x1f and \x1e separate what no text file has between cells; an empty cell tells nothing, as a missing one.
            content = "\x1e".join(f"{h}\x1f{c}" for h, c in zip(headings, cells, strict=True) if c is not None)
            digest = hmac.digest(self._secret, content.encode(), "sha256").hex()[:32]
            self._seen[dataset, digest] += 1
            repeat = self._seen[dataset, digest]
            identities.append(f"content:{digest}#{repeat}" if repeat > 1 else f"content:{digest}")
        return pl.Series("source_record_id", identities, dtype=pl.String)


def _blank(told: Told) -> pl.Series:
    """Tell which rows have nothing but white space in every cell."""
    silent = told.silent()
    if not silent.any():
        return silent
    data = told.batch.filter(silent).drop(ADMINISTRATION)
    cells = [pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "") for name in data.columns]
    blank = (
        data.select(pl.all_horizontal(cells)).to_series() if cells else pl.Series([True]).new_from_index(0, data.height)
    )
    return silent.scatter(silent.arg_true(), blank)


def _refusals(told: Told, rows: pl.Series, code: str, message: str) -> list[Refusal]:
    """Refuse the rows where `rows` is True."""
    if not rows.any():
        return []
    refused = told.batch.filter(rows).select(ADMINISTRATION)
    return [Refusal(file, row, None, None, code, message) for file, row in refused.iter_rows()]
