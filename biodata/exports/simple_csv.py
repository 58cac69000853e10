"""CSV for spreadsheets and scripts: GBIF's simple columns, formulas guarded, every step of it able to go on.

Columns as in GBIF's simple download (https://techdocs.gbif.org/en/data-use/download-formats), then a few of ours; or all.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from biodata import terms
from biodata.errors import InputError
from biodata.exports.facts import Facts
from biodata.exports.growing import GrowingFile
from biodata.exports.request import Columns, ExportRequest
from biodata.exports.selection import Selection, Step
from biodata.exports.spreadsheets import plain_columns

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
    sources = {name: _ELSEWHERE.get(name, name) for name in columns}
    published = [name for name in dict.fromkeys(sources.values()) if name in _PUBLISHED]
    with GrowingFile(out, request=request.fingerprint(facts), every_s=request.keep_every_s) as growing:
        after = -1
        if growing.state is None:
            growing.file.write((",".join(columns) + "\n").encode())
        else:
            after = int(growing.state["after"])
        for place, lines in selection.chunks(published, partial(_lines, sources=sources), after=after):
            growing.file.write(lines)
            growing.keep({"after": place})
            step(selection.share(place))
        growing.finish()


def _lines(frame: pl.DataFrame, *, sources: Mapping[str, str]) -> bytes:
    """Return records as lines; a column that is not published stands empty."""
    plain = frame.select(plain_columns(frame))
    cells = [
        (pl.col(source) if source in _PUBLISHED else pl.lit(None, pl.String)).alias(name)
        for name, source in sources.items()
    ]
    return plain.select(cells).write_csv(include_header=False).encode()


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
