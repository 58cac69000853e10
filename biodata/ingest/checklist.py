"""Checklists of names: tables of text with Darwin Core's or MDD's headings, and archives with a core of taxa."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.core.terms import BESIDE, EXTENSION
from biodata.formats.archives import is_archive
from biodata.formats.dwca import DarwinCoreArchive, open_dwca
from biodata.formats.meta_xml import DataFile
from biodata.ingest.dwca import DwcaSource
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable
from biodata.ingest.table_headings import open_table, term_of
from biodata.ingest.tables import POINTER, archive_rows, as_json, core_id_name, extension_rows, opener

STATUS_OPTIONS: Final = ("list", "scope", "year", "authority")
"""What is declared of a list that gives taxa a status."""
_OPTIONS: Final = frozenset({"encoding", "separator"})
_DECLARED: Final = frozenset({"version", "order", "keys", *STATUS_OPTIONS})
_VERSION: Final = re.compile(r"(?<![A-Za-z])v(?:ersion)?[ ._-]?(\d+(?:\.\d+)+)", re.IGNORECASE)
# Any one of them makes a table of names; compared in lower case.
_NAME_HEADINGS: Final = frozenset({"scientificname", "sciname", "canonicalname"})


class ChecklistSource(Source):
    """Checklists, each the whole state of its dataset.

    Parameters
    ----------
    paths : sequence of Path
        CSV or TSV files; zips, tars or folders of Darwin Core Archives with a core of taxa.
    dataset : str, optional
        Key of the dataset; else the archive's own, else made from the file's name.
    options : mapping
        `encoding` and `separator` of tables of text; `version`, else as the title or the file's name states it (v1.2);
        `order`, its place among checklists (1 is asked first); `keys`, `gbif` or `col` where its identifiers are
        theirs. Of a status list `list` (red_list, protection, cites or alien), `scope` (global, CN, CN-YN), `year` and
        `authority`.
    """

    name: ClassVar[str] = "checklist"
    reads: ClassVar[str] = "tables or archives of taxa"
    known_options: ClassVar[frozenset[str]] = _OPTIONS | _DECLARED

    def _read_options(self) -> None:
        self.declared = {name: self.options.pop(name) for name in _DECLARED if name in self.options}

    def read(self) -> Iterator[VerbatimTable]:
        """Yield one table a checklist, in one batch: accepted names are looked up in the whole of it.

        Raises
        ------
        InputError
            If a file cannot be read, has no column of names (HEADING_UNKNOWN), or is an archive without taxa
            (ARCHIVE_WITHOUT_TAXA).
        """
        for path in self.paths:
            table = self._archive(path) if is_archive(path) else self._text(path)
            table.batches, table.complete = _whole(table.batches), True
            table.declarations = {**_version(table), **self.declared}
            yield table

    def _archive(self, path: Path) -> VerbatimTable:
        """Return the taxa of an archive."""
        for table in DwcaSource([path], dataset=self.dataset, options=self.options).read():
            if table.kind == "taxa":
                table.notes = []
                table.batches = _with_tables(path, table, table.batches, self.options)
                return table
        problem = "the archive's core holds no taxa"
        raise InputError(problem, file=path.name, expected="a core of row type Taxon", code="ARCHIVE_WITHOUT_TAXA")

    def _text(self, path: Path) -> VerbatimTable:
        """Return a table of text."""
        table = open_table(opener(path), file=path.name, options=self.options, needed=True)
        names: dict[str, str] = {}
        for heading in table.headings:
            if (term := term_of(heading)) not in names.values():
                names[heading] = term
        if not any(name.strip().lower() in _NAME_HEADINGS for name in names.values()):
            problem = f"no column holds scientific names: {', '.join(table.headings[:5])}"
            raise InputError(problem, file=path.name, row=1, expected="scientificName", code="HEADING_UNKNOWN")
        return VerbatimTable(
            kind="taxa",
            name=path.name,
            dataset=DatasetInfo(key=self.dataset),
            batches=(
                frame.rename(names, strict=False).select(pl.lit(path.name).alias("source_file"), pl.all())
                for frame in table.batches
            ),
            refusals=table.refusals,
        )


def _whole(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the batches as one."""
    if frames := list(batches):
        yield pl.concat(frames)


def _version(table: VerbatimTable) -> dict[str, str]:
    """Return the version that a title or a file's name tells."""
    found = next(filter(None, (_VERSION.search(text) for text in (table.dataset.title or "", table.name))), None)
    return {"version": found[1]} if found else {}


def _with_tables(
    path: Path, table: VerbatimTable, batches: Iterator[pl.DataFrame], options: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Yield the taxa of an archive with the common names of its extension as a column, and each other extension as one."""
    dwca = open_dwca(path)
    if dwca.description is None:
        yield from batches
        return
    key = core_id_name(dwca.description.core)
    extensions = [file for file in dwca.description.extensions if file.kind != "Occurrence"]
    listed = [
        _vernaculars(dwca, [file for file in extensions if file.kind == "VernacularName"], table.refusals, options)
    ]
    for kind in sorted({file.kind for file in extensions} - {"VernacularName"}):
        frames = (
            frame
            for file in extensions
            if file.kind == kind
            for frame in extension_rows(dwca, file, table.refusals, options)
        )
        listed.append(as_json(frames, (POINTER,), f"{BESIDE}{kind}").drop_nulls(POINTER))
    listed = [rows.rename({POINTER: key}) for rows in listed if rows.height]
    for batch in batches:
        frame = batch
        for rows in listed:
            frame = frame.join(rows, on=key, how="left", maintain_order="left")
        yield frame


def _vernaculars(
    dwca: DarwinCoreArchive, files: Sequence[DataFile], refusals: list[Refusal], options: Mapping[str, str]
) -> pl.DataFrame:
    """Return the common names of each taxon as JSON."""
    names: dict[str, list[dict[str, object]]] = {}
    for file in files:
        for frame in archive_rows(dwca, file, refusals, options):
            for row in frame.iter_rows(named=True):
                if row.get("vernacularName") and row.get("coreid"):
                    names.setdefault(row["coreid"], []).append(
                        {
                            "name": row["vernacularName"],
                            "language": row.get("language"),
                            "preferred": (row.get("isPreferredName") or "").lower() in {"true", "1", "yes"},
                            "source": row.get("source"),
                        }
                    )
    return pl.DataFrame(
        {POINTER: list(names), EXTENSION: [json.dumps(rows, ensure_ascii=False) for rows in names.values()]},
        schema={POINTER: pl.String, EXTENSION: pl.String},
    )
