"""Patrols that SMART exported (XML): their days as events, their wildlife observations as records."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats.xml import listen
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.several_files import Part, part_of, parts
from biodata.ingest.smart.allowed import declared_categories
from biodata.ingest.smart.patrols import Day, Observation, PatrolListener
from biodata.ingest.smart.rows import (
    EVENT_COLUMNS,
    NO_DATE,
    RECORD_COLUMNS,
    Admission,
    Row,
    effort_km,
    event_rows,
)
from biodata.ingest.smart.species import SpeciesNames, is_data_model
from biodata.ingest.smart.tracks import Cell, cell_of, common_cell
from biodata.ingest.tables import check_options

_OPTIONS: Final = ("categories", "datamodel", "species")
Known = dict[tuple[int, int], Day]
"""The days by the number of their file and their own."""


class SmartSource:
    """Patrols of SMART: wildlife observations and effort come in, and nothing else ever does.

    A category that is not known to be wildlife's, an attribute that is none of species, count, sex and age, names of
    members, team, station, comments, objectives and tracks are not read: not into the lake, not into the report. What
    stays out is counted by reason.

    Parameters
    ----------
    paths : sequence of Path
        XML files of patrols, or folders or zips with such; SMART's data model may lie beside them.
    dataset : str, optional
        Key of the dataset: one for each conservation area, so that patrols of the same number stay apart.
    options : mapping
        `datamodel`: SMART's data model (XML), which tells what species' keys mean. `species`: a CSV file with the headings
        `key` and `scientificName`. `categories`: keys of categories that are wildlife's too, joined by `|`.
    progress : bool
        Not used: whoever consumes the batches shows the progress.
    """

    name: ClassVar[str] = "smart"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no patrol was given"
            raise InputError(problem, expected="XML files that SMART exported", code="INPUT_MISSING")
        told = check_options(options, _OPTIONS, of_tables=False)
        self.paths, self.dataset = list(paths), dataset
        self.categories = declared_categories(told.get("categories", ""))
        self.datamodel, self.species = (_file(told, name) for name in ("datamodel", "species"))

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the days of all patrols as events, then their wildlife observations.

        Raises
        ------
        InputError
            If a file is no patrol, or no safe XML. Errors never tell what stands in it.
        """
        every = [file for path in self.paths for file in _files(path)]
        models = [file for file in every if len(every) > 1 and is_data_model(file)]
        files = [file for file in every if file not in models]
        if len(models) > 1 or not files:
            problem = "there are several data models" if models[1:] else "there is no patrol beside the data model"
            expected = "patrols, and one data model at most"
            raise InputError(
                problem, file=", ".join(one.file for one in models), expected=expected, code="INPUT_MISSING"
            )
        datamodel = self.datamodel or (models[0] if models else None)
        admission = Admission(self.categories, SpeciesNames(datamodel, self.species))
        name, known = self.paths[0].name, Known()
        days = VerbatimTable(kind="events", name=name, dataset=DatasetInfo(self.dataset), batches=iter(()))
        days.batches = self._days(files, days, admission, known)
        yield days
        records = VerbatimTable(kind="occurrences", name=name, dataset=DatasetInfo(self.dataset), batches=iter(()))
        records.batches = self._records(files, records, admission, known)
        yield records

    def _days(
        self, files: Sequence[Part], table: VerbatimTable, admission: Admission, known: Known
    ) -> Iterator[pl.DataFrame]:
        """Yield the days of each file; `known` gets them."""
        for number, part in enumerate(files):
            days: list[Day] = []
            seen_in: dict[int, set[Cell]] = {}

            def saw(seen: Observation, seen_in: dict[int, set[Cell]] = seen_in) -> None:
                if seen.place is not None and admission.comes_in(seen, seen.day):
                    cell = cell_of(*map(float, seen.place))
                    seen_in.setdefault(seen.day.number, set()).update([cell] if cell else [])

            listener = PatrolListener(part.file, with_tracks=True, on_days=days.extend, on_observation=saw)
            with part.open() as stream:
                for _ in listen(stream, listener, file=part.file):
                    pass
            rows: list[Row] = []
            for day in days:
                known[number, day.number] = day
                if day.date is not None:
                    rows += event_rows(day, common_cell(seen_in.get(day.number, ())))
            table.refusals += [
                Refusal(part.file, row, "date", None, "PATROL_DATE_INVALID", NO_DATE)
                for row, _ in enumerate((day for day in days if day.date is None), len(rows) + 1)
            ]
            table.notes += _doubts(part.file, days)
            if rows:
                table.notes.append(f"{part.file}: what its patrols walked counts as effort, and is never published")
                yield _frame(rows, EVENT_COLUMNS, part.file, range(1, len(rows) + 1))

    def _records(
        self, files: Sequence[Part], table: VerbatimTable, admission: Admission, known: Known
    ) -> Iterator[pl.DataFrame]:
        """Yield the wildlife observations of each file."""
        for number, part in enumerate(files):
            heard: list[Observation] = []
            listener = PatrolListener(part.file, with_tracks=False, on_observation=heard.append)
            with part.open() as stream:
                for _ in listen(stream, listener, file=part.file):
                    rows = [(seen.number, admission.row(seen, known[number, seen.day.number])) for seen in heard]
                    heard.clear()
                    taken = [(row, told) for row, told in rows if told is not None]
                    if taken:
                        yield _frame([told for _, told in taken], RECORD_COLUMNS, part.file, [row for row, _ in taken])
        table.notes += [
            f"{count} observations stay out: {reason}" for reason, count in sorted(admission.left_out.items())
        ]
        for count, what in ((admission.uncounted, "count"), (admission.unplaced, "place")):
            if count:
                table.notes.append(f"{count} observations come in without their {what}: it is told by no numbers")
        if admission.unnamed:
            table.notes.append(
                f"{admission.unnamed} observations have no scientific name: the key of their species is kept as their common "
                "name. --option datamodel=FILE.xml or species=FILE.csv (key,scientificName) tells what keys mean"
            )


def _doubts(file: str, days: Sequence[Day]) -> Iterator[str]:
    """Yield what is doubtful of the days of a file."""
    if not days:
        yield f"{file}: it has no day of any patrol"
    unread = sum(day.unread for day in days)
    if unread:
        yield f"{file}: {unread} tracks cannot be read, and no effort is told of them"
    odd = sum(bool(day.km) and not effort_km(day) for day in days)
    if odd:
        yield f"{file}: {odd} days have a track of some metres, or longer than can be gone; it is not taken for effort"


def _frame(rows: Sequence[Row], columns: Sequence[str], file: str, numbers: Sequence[int]) -> pl.DataFrame:
    """Return rows as a frame of text."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    places = pl.Series("source_row", numbers, dtype=pl.Int64)
    return frame.select(pl.lit(file).alias("source_file"), places, pl.all())


def _file(options: Mapping[str, str], name: str) -> Part | None:
    """Return the file that an option tells."""
    if name not in options:
        return None
    path = Path(options[name])
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), column=name, code="FILE_MISSING")
    return part_of(path)


def _files(path: Path) -> list[Part]:
    """Return the XML files of a folder or a zip, or the file; pictures in a zip are not looked at."""
    if not path.exists():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    try:
        return parts([path], suffixes=(".xml",))
    except InputError as error:
        if error.code != "FILE_MISSING":
            raise
        problem = "there is no XML file in it"
        raise InputError(
            problem, file=path.name, expected="patrols that SMART exported", code="INPUT_MISSING"
        ) from error
