"""Exports of KoboToolbox (CSV, XLSX): submissions as events, what they name as records, personal answers never."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal, shorten
from biodata.ingest.kobo.mapping import (
    Columns,
    columns_of,
    declared_mapping,
    kept_mapping,
    read_mapping,
    unknown_headings,
)
from biodata.ingest.kobo.rows import event_rows, findings, record_rows, with_events, without_people
from biodata.ingest.kobo.submissions import Form, read_forms
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.table_headings import OPTION
from biodata.ingest.tables import check_options
from biodata.vocabularies import SurveyDesign

_OPTIONS: Final = ("design", "encoding", "headings", "mapping", "separator")
_MOST_TOLD: Final = 60
_ABOUT_LIFE: Final = re.compile(
    r"(?i)species|animal|wildlife|bird|mammal|plant|tree|fish|taxon|动物|物种|สัตว์|loài|động vật|ສັດ|សត្វ|တိရစ္ဆာန်|satwa|haiwan|hewan|hayop"
)
"""Words of a question that may name species; a person decides."""
_PLACED: Final = ("source_file", "source_sheet", "source_row")


class KoboSource:
    """Exports of KoboToolbox.

    Only columns that are mapped to a term come in: an answer may be anybody's name, village or telephone, and unlike
    other sources this one keeps nothing of what it does not know. The headings that stay out are told, so that a person
    can map those that are about wildlife. The user's name, the device, the telephone, notes and tags never come in.

    Parameters
    ----------
    paths : sequence of Path
        CSV files, or workbooks with repeats as sheets; with labels or names as headings.
    dataset : str, optional
        Key of the dataset.
    options : mapping
        `heading.*`: the term of a heading; `mapping`: a CSV file with the headings `heading` and `term`. `headings`: a JSON object, heading → term, as it is
        kept of a dataset; what it says of people and identifiers is not done. `design`: the survey design of the submissions;
        without it they are events without effort, and a form that asks for neither a species nor a place is no survey. `encoding` and
        `separator` of CSV.
    progress : bool
        Not used: whoever consumes the batches shows the progress.
    """

    name: ClassVar[str] = "kobo"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no export was given"
            raise InputError(problem, expected="CSV or XLSX of KoboToolbox", code="INPUT_MISSING")
        self.options = check_options(options, _OPTIONS)
        self.paths, self.dataset = list(paths), dataset
        design = self.options.get("design")
        if design is not None and design not in set(SurveyDesign):
            problem = "there is no such design"
            expected = f"one of {', '.join(SurveyDesign)}"
            raise InputError(problem, column="design", value=design, expected=expected, code="OPTION_UNFIT")
        self.design = design

    def read(self) -> Iterator[VerbatimTable]:
        """Yield the submissions of each export as events, then a table of records for each sheet that names taxa.

        Raises
        ------
        InputError
            If a file cannot be read or is no export, or the mapping cannot be used.
        """
        mapping = read_mapping(Path(self.options["mapping"])) if "mapping" in self.options else {}
        mapping |= declared_mapping(self.options)
        every_mapping = kept_mapping(self.options.get("headings", "{}")) | mapping
        for path in self.paths:
            forms = read_forms(path, encoding=self.options.get("encoding"), separator=self.options.get("separator"))
            known = [
                (
                    form,
                    columns_of(form.headings, every_mapping, cells=form.frame.to_dict(as_series=False)),
                )
                for form in forms
            ]
            every = [heading for form in forms for heading in form.headings]
            missing = unknown_headings(mapping, every)
            if mapping and len(missing) == len(mapping):
                problem = "no heading of the mapping stands in the file"
                expected = f"headings as the file has them, such as {shorten(every[0])}"
                raise InputError(problem, file=path.name, column="mapping", expected=expected, code="HEADING_MISSING")
            for number, table in enumerate(self._tables(path, known)):
                if missing and not number:
                    table.notes.append(f"the file lacks {len(missing)} headings of the mapping: {'; '.join(missing)}")
                yield table

    def _tables(self, path: Path, known: Sequence[tuple[Form, Columns]]) -> Iterator[VerbatimTable]:
        """Yield the tables of an export."""
        submitted = [(form, columns) for form, columns in known if form.parent is None]
        named = [(form, columns) for form, columns in known if columns.taxon is not None]
        events = VerbatimTable(kind="events", name=path.name, dataset=DatasetInfo(self.dataset), batches=iter(()))
        events.refusals = [refusal for form, _ in submitted for refusal in form.refusals]
        events.findings = [finding for form, columns in submitted for finding in findings(form, columns)]
        events.notes = [*_told(known), *(
            f"{f.file}{', sheet ' + f.sheet if f.sheet else ''}, row {f.row}, column {f.column}, value {f.value}: outside ±{f.params['bound']}"
            for f in events.findings
        )]  # fmt: skip
        events.headings = {term: heading for _, columns in submitted[:1] for heading, term in columns.named.items()}
        if not named and self.design is None and not any(columns.placed for _, columns in submitted):
            events.refusals += [refusal for form, _ in submitted for refusal in _of_no_record(form)]
            yield events
            return
        frames = [event_rows(form, columns, self.design) for form, columns in submitted]
        rows, again = _once(pl.concat(frames, how="diagonal"))
        if again:
            events.notes.append(f"{again} submissions stand on another sheet too, with the same answers: taken once")
        events.batches = iter([rows])
        yield events
        earlier: list[pl.DataFrame] = []
        for form, columns in named:
            earlier.append(with_events(record_rows(form, columns), rows))
            before = sum(frame.height for frame in earlier[:-1])
            # A record that another sheet of the same submissions gave already is that record.
            kept, _ = _once(pl.concat(earlier, how="diagonal"))
            earlier[-1] = kept.slice(before).select(earlier[-1].columns)
            animals, people = without_people(earlier[-1], path.name, columns.taxon)
            yield VerbatimTable(
                kind="occurrences",
                name=path.name,
                dataset=DatasetInfo(self.dataset),
                batches=iter([animals.drop("source_sheet")] if animals.height else []),
                refusals=[*(form.refusals if form.parent is not None else []), *people],
                findings=list(findings(form, columns)) if form.parent is not None else [],
                headings={term: heading for heading, term in columns.named.items()},
                sheet=form.sheet,
            )


def _once(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return rows without those that repeat an earlier one in every cell, and how many those were."""
    kept = frame.unique([name for name in frame.columns if name not in _PLACED], keep="first", maintain_order=True)
    return kept, frame.height - kept.height


def _of_no_record(form: Form) -> Iterator[Refusal]:
    """Yield the submissions of a form that is no survey."""
    message = (
        "no question is mapped to the name of a species, and no design is declared: there is nothing in it to take in as a "
        "record or as effort"
    )
    for row in form.frame["source_row"]:
        yield Refusal(form.file, row, None, None, "SUBMISSION_WITHOUT_RECORD", message)


def _told(known: Sequence[tuple[Form, Columns]]) -> Iterator[str]:
    """Yield which headings stay out, each once, and why."""
    left = list(dict.fromkeys(heading for _, columns in known for heading in columns.left_out))
    if left:
        shown = "; ".join(shorten(heading) for heading in left[:_MOST_TOLD])
        more = f"; and {len(left) - _MOST_TOLD} more" if len(left) > _MOST_TOLD else ""
        yield (
            f"the answers below {len(left)} headings stay out, since they may be about people: {shown}{more}. Those "
            "about wildlife come in where somebody decides for the dataset what their headings mean, by --option "
            "heading.QUESTION=TERM, or by --option mapping=FILE.csv (heading,term)"
        )
    if not any(columns.taxon for _, columns in known):
        likely = next((heading for heading in left if _ABOUT_LIFE.search(heading)), "QUESTION")
        option = shlex.quote(f"{OPTION}{likely}=vernacularName")
        yield (
            "no question is known to name a species, so there are no records, only the places and dates of submissions; if "
            f"one does, say it: --option {option} (or =scientificName)"
        )
    if any(len(columns.points) > 1 for _, columns in known):
        yield "several questions ask for a place, and none is taken: what is decided of the headings tells which one is meant"
