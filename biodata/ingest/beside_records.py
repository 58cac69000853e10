"""What extensions tell of the records of an archive: pictures, sounds and measurements, put beside the record as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import Refusal
from biodata.formats.dwca import DarwinCoreArchive
from biodata.formats.meta_xml import DataFile
from biodata.ingest.tables import archive_rows, core_id_name, extension_rows
from biodata.sharing.measurements import COLUMN as MEASUREMENTS

MEDIA: Final = "multimedia_extension"
"""The column of pictures and sounds, a JSON list of rows."""
MEDIA_KINDS: Final = ("Multimedia", "Image", "Media")
"""Row types of their extensions: GBIF's, its older one of pictures, Audubon Core's."""
MEASUREMENT_KINDS: Final = ("ExtendedMeasurementOrFact", "MeasurementOrFact", "MeasurementOrFacts")
"""Row types of measurements and facts: OBIS's, Darwin Core's, and one that is often written."""
COLUMNS: Final = MappingProxyType(dict.fromkeys(MEDIA_KINDS, MEDIA) | dict.fromkeys(MEASUREMENT_KINDS, MEASUREMENTS))
"""Row type → column."""
POINTER: Final = "coreid"
"""The column by which a row of an extension points at one of the core."""
_NO_TERMS: Final = frozenset({"source_file", "source_row", "id"})


def with_extensions(
    dwca: DarwinCoreArchive,
    core: DataFile,
    batches: Iterator[pl.DataFrame],
    refusals: list[Refusal],
    options: Mapping[str, str],
) -> Iterator[pl.DataFrame]:
    """Yield the batches of a core with a column more for pictures and sounds, and one for measurements, as they are told.

    Parameters
    ----------
    dwca : DarwinCoreArchive
        The archive.
    core : DataFile
        Its core.
    batches : iterator of polars.DataFrame
        The core's rows.
    refusals : list of Refusal
        Rows of the extensions that cannot be read are added.
    options : mapping
        Of the source.
    """
    key, listed = core_id_name(core), list[pl.DataFrame]()
    extensions = dwca.description.extensions if dwca.description else ()
    for column, read in ((MEDIA, archive_rows), (MEASUREMENTS, extension_rows)):
        files = [file for file in extensions if COLUMNS.get(file.kind) == column]
        frames = (frame for file in files for frame in read(dwca, file, refusals, options))
        told = as_json(frames, (POINTER,), column).drop_nulls(POINTER)
        listed += [told.rename({POINTER: key})] if told.height else []
    for batch in batches:
        frame = batch
        for told in listed:
            frame = frame.join(told, on=key, how="left", maintain_order="left")
        yield frame


def as_json(frames: Iterable[pl.DataFrame], pointers: Sequence[str], column: str) -> pl.DataFrame:
    """Return the rows of an extension as JSON lists in one column, by the columns that point at what they tell of."""
    found: dict[tuple[str | None, ...], list[dict[str, str]]] = {}
    for frame in frames:
        for row in frame.iter_rows(named=True):
            item = {name: value for name, value in row.items() if value and name not in (*_NO_TERMS, *pointers)}
            if item:
                found.setdefault(tuple(row.get(name) for name in pointers), []).append(item)
    lines = [(*ids, json.dumps(items, ensure_ascii=False)) for ids, items in found.items()]
    return pl.DataFrame(lines, schema=dict.fromkeys((*pointers, column), pl.String), orient="row")
