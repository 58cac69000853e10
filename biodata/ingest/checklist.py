"""Checklists of names: tables of text with Darwin Core's or MDD's headings, and archives with a core of taxa."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError
from biodata.formats import delimited
from biodata.ingest.dwca import DwcaSource
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.tables import check_options, opener

_OPTIONS: Final = frozenset({"encoding", "separator"})
# Any one of them makes a table of names; compared in lower case.
_NAME_HEADINGS: Final = frozenset({"scientificname", "sciname", "canonicalname"})


class ChecklistSource:
    """Checklists, each the whole state of its dataset.

    Parameters
    ----------
    paths : sequence of Path
        CSV or TSV files; zips or folders of Darwin Core Archives with a core of taxa.
    dataset : str, optional
        Key of the dataset; else the archive's own, else made from the file's name.
    options : mapping
        `encoding` and `separator` of tables of text.
    progress : bool
        Not used: whoever consumes the batches shows the progress.
    """

    name: ClassVar[str] = "checklist"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] | None = None,
        progress: bool = False,
    ) -> None:
        self.paths, self.dataset, self.options = list(paths), dataset, check_options(options or {}, _OPTIONS)

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a checklist, in one batch: accepted names are looked up in the whole of it.

        Raises
        ------
        InputError
            If a file cannot be read, has no column of names (HEADING_UNKNOWN), or is an archive without taxa
            (ARCHIVE_WITHOUT_TAXA).
        """
        for path in self.paths:
            table = self._archive(path) if path.is_dir() or zipfile.is_zipfile(path) else self._text(path)
            table.batches, table.complete = _whole(table.batches), True
            yield table

    def _archive(self, path: Path) -> VerbatimTable:
        """Return the taxa of an archive."""
        for table in DwcaSource([path], dataset=self.dataset, options=self.options).read():
            if table.kind == "taxa":
                return table
        problem = "the archive's core holds no taxa"
        raise InputError(problem, file=path.name, expected="a core of row type Taxon", code="ARCHIVE_WITHOUT_TAXA")

    def _text(self, path: Path) -> VerbatimTable:
        """Return a table of text."""
        encoding, separator = self.options.get("encoding"), self.options.get("separator")
        table = delimited.read(opener(path), file=path.name, encoding=encoding, separator=separator)
        if not any(heading.strip().lower() in _NAME_HEADINGS for heading in table.headings):
            problem = f"no column holds scientific names: {', '.join(table.headings[:5])}"
            raise InputError(problem, file=path.name, row=1, expected="scientificName", code="HEADING_UNKNOWN")
        return VerbatimTable(
            kind="taxa",
            name=path.name,
            dataset=DatasetInfo(key=self.dataset, title=path.stem),
            batches=(frame.select(pl.lit(path.name).alias("source_file"), pl.all()) for frame in table.batches),
            refusals=table.refusals,
        )


def _whole(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the batches as one."""
    if frames := list(batches):
        yield pl.concat(frames)
