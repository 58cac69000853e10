"""Pictures and sounds of an archive: the rows of its extension, put beside the record that they belong to."""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from biodata.errors import Refusal
from biodata.formats.dwca import DarwinCoreArchive
from biodata.formats.meta_xml import DataFile
from biodata.ingest.tables import archive_rows, core_id_name

KINDS: Final = ("Multimedia", "Image", "Media")
"""Row types of the extensions: GBIF's, its older one of pictures, Audubon Core's."""
COLUMN: Final = "multimedia_extension"
_NO_TERMS: Final = frozenset({"coreid", "source_file", "source_row", "id"})


def with_media(
    dwca: DarwinCoreArchive,
    core: DataFile,
    batches: Iterator[pl.DataFrame],
    refusals: list[Refusal],
    options: Mapping[str, str],
) -> Iterator[pl.DataFrame]:
    """Yield the batches of a core with its pictures and sounds in one column more, as JSON: as they are told.

    Parameters
    ----------
    dwca : DarwinCoreArchive
        The archive.
    core : DataFile
        Its core.
    batches : iterator of polars.DataFrame
        The core's rows.
    refusals : list of Refusal
        Rows of the extension that cannot be read are added.
    options : mapping
        Of the source.
    """
    told = [file for file in (dwca.description.extensions if dwca.description else ()) if file.kind in KINDS]
    if not told:
        yield from batches
        return
    media: dict[str, list[dict[str, str]]] = {}
    for file in told:
        for frame in archive_rows(dwca, file, refusals, options):
            for row in frame.iter_rows(named=True):
                item = {name: value for name, value in row.items() if value and name not in _NO_TERMS}
                if item and row.get("coreid"):
                    media.setdefault(row["coreid"], []).append(item)
    key = core_id_name(core)
    listed = pl.DataFrame(
        {key: list(media), COLUMN: [json.dumps(items, ensure_ascii=False) for items in media.values()]},
        schema={key: pl.String, COLUMN: pl.String},
    )
    for batch in batches:
        yield batch.join(listed, on=key, how="left", maintain_order="left")
