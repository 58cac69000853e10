"""GBIF's downloads: simple CSV as downloaded, zipped or re-saved by a spreadsheet, and Darwin Core Archives."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from biodata.core.errors import InputError, Refusal
from biodata.formats.archives import is_archive
from biodata.formats.dwca import open_dwca
from biodata.ingest.protocol import Source, VerbatimTable
from biodata.ingest.tables import (
    Datasets,
    archive_rows,
    dataset_info,
    opener,
    plain_table,
    with_extensions,
)

_ARCHIVES: Final = frozenset({".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2"})


class GbifSource(Source):
    """Files that GBIF gave.

    In an archive `occurrence.txt`, GBIF's interpretation, is the record. `verbatim.txt` is not read: it repeats what
    publishers sent, in an order of its own, and joining it would need as much memory as the download is long.

    Parameters
    ----------
    paths : sequence of Path
        Text files, zip files, or folders that a zip was unpacked to.
    dataset : str, optional
        Key of the dataset for rows that state no `datasetKey`.
    options : mapping
        `encoding` and `separator` of text files, both found out where they are not stated; `encoding` of an archive
        whose meta.xml tells a wrong one.
    """

    name: ClassVar[str] = "gbif"
    reads: ClassVar[str] = "text, zip files or folders that GBIF gave"
    known_options: ClassVar[frozenset[str]] = frozenset({"encoding", "separator"})

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a path.

        Raises
        ------
        InputError
            If a file cannot be taken at all; its rows are read later, as `batches` is consumed.
        """
        for path in self.paths:
            if is_archive(path) or path.suffix.lower() in _ARCHIVES:
                yield self._archive(path)
            else:
                dataset = dataset_info(self.dataset, None)
                yield plain_table(opener(path), name=path.name, file=path.name, dataset=dataset, options=self.options)

    def _archive(self, path: Path) -> VerbatimTable:
        """Return the occurrences of a zip or a folder."""
        dwca = open_dwca(path)
        dataset = dataset_info(self.dataset, dwca.metadata)
        if dwca.description is None:
            member = dwca.only_table
            return plain_table(
                lambda: dwca.archive.open(member),
                name=dwca.name,
                file=f"{dwca.name}/{member}",
                dataset=dataset,
                options=self.options,
                repairs=dwca.repairs,
            )
        core = dwca.description.core
        if core.kind != "Occurrence":
            problem = f"this is an archive of {core.kind} records, not of occurrences"
            raise InputError(problem, file=dwca.name, expected="the source dwca takes it", code="ARCHIVE_NOT_GBIF")
        refusals: list[Refusal] = []
        return VerbatimTable(
            kind="occurrences",
            name=dwca.name,
            dataset=dataset,
            batches=with_extensions(
                dwca, core, archive_rows(dwca, core, refusals, self.options), refusals, self.options
            ),
            refusals=refusals,
            datasets=Datasets(dwca.constituents),
            repairs=dwca.repairs,
        )
