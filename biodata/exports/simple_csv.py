"""CSV for spreadsheets and scripts: GBIF's simple columns, formulas guarded, every step of it able to go on.

Columns as in GBIF's simple download (https://techdocs.gbif.org/en/data-use/download-formats), then a few of ours; or all.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import InputError
from biodata.exports.facts import Facts
from biodata.exports.growing import GrowingFile
from biodata.exports.request import Columns, ExportRequest
from biodata.exports.selection import Selection, Step
from biodata.exports.spreadsheets import guarded_text, plain_columns
from biodata.store.duck import quote

_GBIF_NAMES: Final = tuple(
    """
    gbifID datasetKey occurrenceID kingdom phylum class order family genus species infraspecificEpithet taxonRank
    scientificName verbatimScientificName verbatimScientificNameAuthorship countryCode locality stateProvince
    occurrenceStatus individualCount publishingOrgKey decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    coordinatePrecision elevation elevationAccuracy depth depthAccuracy eventDate day month year taxonKey speciesKey
    basisOfRecord institutionCode collectionCode catalogNumber recordNumber identifiedBy dateIdentified license
    rightsHolder recordedBy typeStatus establishmentMeans lastInterpreted mediaType issue
    """.split()
)
_OWN: Final = ("key", "acceptedScientificName", "sharing_category", "dataGeneralizations", "informationWithheld",
         "license_effective", "community_labels")  # fmt: skip
_ELSEWHERE: Final = {"issue": "quality_flags"}
"""Columns of GBIF's that have another name with us."""

_BUFFER_BYTES: Final = 1 << 20

_PUBLISHED: Final = {column.name: column for column in terms.PUBLISHED_OCCURRENCE}


def write_simple_csv(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write the chosen records as CSV, UTF-8, with GBIF's simple columns, every published one, or those asked for.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is told of them.
    request : ExportRequest
        What was asked for.
    out : Path
        The file on its way; one that a crash left behind is gone on with.
    step : function
        Told how far the work is; raises to stop it.

    Notes
    -----
    GBIF's columns that are not published here stand empty: `verbatimScientificName`, `verbatimScientificNameAuthorship`
    and `dateIdentified`. `issue` holds every doubt, ours too.
    """
    columns = choose_columns(request.columns)
    cells = [_cell(selection, name) for name in columns]
    beside = out.with_name(f"{out.name}.step")
    with GrowingFile(out, request=request.fingerprint(facts), every_s=request.keep_every_s) as growing:
        after = -1 if growing.state is None else int(growing.state["after"])
        for places in selection.steps(facts.rows, after=after):
            if places[0] < 0:
                selection.copy(cells, out, places=places, heading=True)
                growing.file.seek(0, os.SEEK_END)
            else:
                selection.copy(cells, beside, places=places, heading=False)
                with beside.open("rb") as lines:
                    shutil.copyfileobj(lines, growing.file, _BUFFER_BYTES)
            growing.keep({"after": places[1]})
            step(selection.share(places[1]))
        beside.unlink(missing_ok=True)
        growing.finish()


def write_guarded(batches: Iterator[pl.DataFrame], out: Path) -> None:
    """Write a small table of counts as CSV, formulas guarded; the first batch tells its columns."""
    with out.open("wb") as file:
        for number, batch in enumerate(batches):
            batch.select(plain_columns(batch)).write_csv(file, include_header=number == 0)


def choose_columns(told: str) -> tuple[str, ...]:
    """Return the names at the top of the file.

    Parameters
    ----------
    told : str
        `simple`, `all`, or names of published columns or GBIF's simple ones, with commas between them.

    Raises
    ------
    InputError
        If a name is none, or stands twice.
    """
    if told == Columns.SIMPLE:
        return (*_GBIF_NAMES, *_OWN)
    if told == Columns.ALL:
        return tuple(_PUBLISHED)
    names = tuple(name.strip() for name in told.split(","))
    for place, name in enumerate(names):
        if name not in _PUBLISHED and name not in _GBIF_NAMES:
            problem = f"there is no column {name[:40]!r}"
            expected = f"simple, all, or names with commas between them: {', '.join(_PUBLISHED)}"
            raise InputError(problem, column="columns", value=told[:200], expected=expected, code="COLUMN_UNKNOWN")
        if name in names[:place]:
            problem = f"the column {name} is asked for twice"
            raise InputError(problem, column="columns", value=told[:200], code="COLUMN_TWICE")
    return names


def _cell(selection: Selection, name: str) -> str:
    """Return the expression of a cell, called as its column."""
    known = _PUBLISHED.get(_ELSEWHERE.get(name, name))
    told = "NULL" if known is None else selection.column(known.name)
    if told != "NULL" and known is not None:
        if isinstance(known.dtype, pl.List):
            told = f"array_to_string({told}, ';')"
        if not known.dtype.is_numeric() and known.dtype not in (pl.Boolean, pl.Date):
            told = guarded_text(told)
    return f"{told} AS {quote(name)}"
