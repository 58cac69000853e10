"""Darwin Core Archives of any publisher: occurrences, sampling events with their occurrences, checklists."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats.dwca import DarwinCoreArchive, open_dwca
from biodata.formats.meta_xml import DataFile
from biodata.ingest.multimedia import with_media
from biodata.ingest.protocol import VerbatimTable
from biodata.ingest.tables import Datasets, archive_rows, check_options, core_id_name, dataset_info, plain_table

_OPTIONS: Final = frozenset({"complete", "encoding", "separator"})
_ID_TERMS: Final = MappingProxyType({"Event": "eventID", "Taxon": "taxonID"})
# What these tell is true of the core's own row, not of the occurrences that belong to it.
_NOT_JOINED: Final = frozenset({"id", "source_file", "source_row", "type", "modified", "references", "identifier"})


class DwcaSource:
    """Darwin Core Archives: zip files, or the folders that they were unpacked to.

    A core of occurrences gives them. A core of events or taxa gives the occurrences of its extension, each with the
    core's terms where it has none of its own; the core is held in memory for that. A core of taxa also gives a table
    of taxa. Of other extensions pictures and sounds of a core of
    occurrences are read.

    Parameters
    ----------
    paths : sequence of Path
        Zip files or folders.
    dataset : str, optional
        Key of the dataset; else the UUID in its description, else none.
    options : mapping
        `complete` = `yes`: what is not in the archive any more is gone. `encoding`, where meta.xml tells a wrong one
        or there is none; `separator`, where there is no meta.xml.
    progress : bool
        Not used: whoever consumes the batches shows the progress.
    """

    name: ClassVar[str] = "dwca"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        self.paths, self.dataset = list(paths), dataset
        self.options = check_options(options, _OPTIONS)
        self.complete = self.options.pop("complete", "no").lower() in {"yes", "true", "1"}

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the tables of each archive.

        Raises
        ------
        InputError
            If an archive cannot be taken, or has neither occurrences nor taxa (ARCHIVE_WITHOUT_RECORDS).
        """
        for path in self.paths:
            dwca = open_dwca(path)
            for table in self._tables(dwca):
                key = self.dataset or (dwca.metadata.key if dwca.metadata else None)
                table.dataset = dataset_info(key, path.stem, dwca.metadata)
                table.complete = self.complete
                yield table

    def _tables(self, dwca: DarwinCoreArchive) -> Iterator[VerbatimTable]:
        """Yield the tables of one archive."""
        if dwca.description is None:
            member = dwca.only_table
            yield plain_table(
                lambda: dwca.archive.open(member),
                name=dwca.name,
                file=f"{dwca.name}/{member}",
                dataset=dataset_info(None, dwca.name, None),
                options=self.options,
            )
            return
        core = dwca.description.core
        if core.kind == "Occurrence":
            table = _table(dwca, core, "occurrences", self.options)
            table.batches = with_media(dwca, core, table.batches, table.refusals, self.options)
            yield table
            return
        if core.kind == "Taxon":
            yield _table(dwca, core, "taxa", self.options)
        occurrences = [file for file in dwca.description.extensions if file.kind == "Occurrence"]
        if core.kind == "Event" and not occurrences:
            problem = "the archive has events, but no table of occurrences"
            raise InputError(problem, file=dwca.name, code="ARCHIVE_WITHOUT_RECORDS")
        for extension in occurrences:
            table = _table(dwca, extension, "occurrences", self.options)
            table.batches = _with_core(core, archive_rows(dwca, core, table.refusals, self.options), table.batches)
            yield table


def _table(dwca: DarwinCoreArchive, data_file: DataFile, kind: str, options: Mapping[str, str]) -> VerbatimTable:
    """Return a core or an extension as a table."""
    refusals: list[Refusal] = []
    return VerbatimTable(
        kind=kind,
        name=dwca.name,
        dataset=dataset_info(None, dwca.name, None),
        batches=archive_rows(dwca, data_file, refusals, options),
        refusals=refusals,
        datasets=Datasets(dwca.constituents),
    )


def _with_core(
    core: DataFile, core_rows: Iterator[pl.DataFrame], batches: Iterator[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """Yield the occurrences with the terms of the core that they do not tell themselves."""
    frames = list(core_rows)
    key, id_name = core_id_name(core), _ID_TERMS[core.kind]
    # An identifier that stands twice counts once, or its occurrences would be doubled.
    once = pl.concat(frames).unique(key, keep="first", maintain_order=True) if frames else None
    for batch in batches:
        joined = batch if once is None else _joined(batch, once, key)
        told = [pl.col(id_name)] if id_name in joined.columns else []
        yield joined.with_columns(pl.coalesce(*told, "coreid").alias(id_name)).drop("coreid")


def _joined(batch: pl.DataFrame, core: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return a batch with the terms of the core rows that it points at, where it has none of its own."""
    terms = [name for name in core.columns if name not in _NOT_JOINED]
    of_core = {name: f"{name} of the core" for name in terms}
    found = batch.join(
        core.select(pl.col(key).alias("coreid"), *(pl.col(name).alias(of_core[name]) for name in terms)),
        on="coreid",
        how="left",
        maintain_order="left",
    )
    own = {name for name in terms if name in batch.columns}
    return found.with_columns(
        (pl.coalesce(name, of_core[name]) if name in own else pl.col(of_core[name])).alias(name) for name in terms
    ).drop(*of_core.values())
