"""Exports of KoboToolbox (CSV, XLSX): submissions as events, what they name as records, personal answers never."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError, Refusal, shorten
from biodata.core.terms import EVENT_TERMS
from biodata.core.vocabularies import SurveyDesign
from biodata.formats.workbooks import Grid
from biodata.ingest.camera_traps import why_left_out
from biodata.ingest.event_tables import DATE, PLACE
from biodata.ingest.headings.dictionary import TERMS
from biodata.ingest.kobo_submissions import (
    EVENT,
    PLACE_IN_PARENT,
    TAXA,
    Columns,
    Form,
    columns_of,
    declared_mapping,
    kept_mapping,
    read_forms,
    read_mapping,
    unknown_headings,
)
from biodata.ingest.protocol import OPTION, DatasetInfo, Finding, Source, VerbatimTable
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.sheet_numbers import are_licences, odd_numbers
from biodata.ingest.tables import filled_from

# Submissions as events, and what was seen as records, each with what its submission tells of place and date.

_DAY: Final = r"^\d{4}-\d{2}-\d{2}"
_NO: Final = ("0", "0.0", "false", "no")
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S%.f%:z"
_ZONE: Final = r"([+-]\d\d:\d\d)\s*$"
_SMALL: Final = r"^\s*-?\d{1,5}(?:\.\d+)?\s*$"
_IDENTIFIERS: Final = ("_id", "_uuid", "_index", "instanceid")
_OF_DEVICE: Final = {"eventID": ("_id", "_uuid"), "eventDate": ("start", "today"), "timeZone": ("start",)}
"""What KoboToolbox adds itself and is read where no question asks for it, the column that counts first last."""
_BOUNDS: Final = {"decimalLatitude": 90, "decimalLongitude": 180}


def event_rows(form: Form, columns: Columns, design: str | None) -> pl.DataFrame:
    """Return the submissions of a sheet as events.

    Parameters
    ----------
    form : Form
        n submissions.
    columns : Columns
        What its columns mean.
    design : str, optional
        The design that was declared.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_sheet`, `source_row`, `eventID` and terms of events.
    """
    named = {heading: term for heading, term in columns.named.items() if term in EVENT_TERMS and term != "eventID"}
    frame = _terms(form, columns, named)
    if not set(DATE) & set(frame.columns):
        frame = frame.with_columns(_of_device(form).alias("eventDate"))
    if "timeZone" not in frame.columns and "start" in form.headings:  # the telephone's
        frame = frame.with_columns(form.frame["start"].str.extract(_ZONE).alias("timeZone"))
    if design is not None and "design" not in frame.columns:
        frame = frame.with_columns(pl.lit(design).alias("design"))
    return frame.drop(PLACE_IN_PARENT, strict=False)


def record_rows(form: Form, columns: Columns) -> pl.DataFrame:
    """Return what a sheet's rows name as records; of a question with several answers each answer is one.

    Returns
    -------
    polars.DataFrame of m rows
        `source_file`, `source_sheet`, `source_row`, `occurrenceID`, `eventID` and terms.
    """
    taxon = columns.taxon
    if taxon is None:
        return pl.DataFrame()
    own = columns.named if form.parent is not None else {
        heading: term for heading, term in columns.terms.items() if term not in EVENT_TERMS
    }  # fmt: skip
    named = {heading: term for heading, term in own.items() if term not in ("eventID", "occurrenceID")}
    frame = _terms(form, columns, named)
    begin = (
        [pl.col("eventID")] if form.parent is None else [pl.col("eventID"), pl.lit(form.sheet), pl.col(PLACE_IN_PARENT)]
    )
    frame = frame.with_columns(pl.concat_str(begin, separator=":").alias("occurrenceID"))
    term = columns.terms[taxon]
    if taxon in columns.choices:
        # What was not chosen is 0 or empty; what was is 1, true, x or the answer's label, as the form was exported.
        parts, any_ = [], pl.repeat(value=False, n=frame.height, eager=True)
        for heading, label in columns.choices[taxon]:
            cell = form.frame[heading].str.strip_chars().str.to_lowercase()
            chosen = (~cell.is_in(["", *_NO])).fill_null(value=False)
            any_ |= chosen
            parts.append(
                frame.filter(chosen).with_columns(pl.lit(label).alias(term), pl.col("occurrenceID") + f":{label}")
            )
        # An export may leave the columns of the answers empty: then the question tells what was seen.
        parts.append(frame.filter(~any_ & pl.col(term).is_not_null()))
        # As the rows came, and each one's answers in the order of the form.
        frame = pl.concat(parts).sort("source_row", maintain_order=True)
    else:
        names = [name for name in dict.fromkeys(columns.terms.values()) if name in TAXA and name in frame.columns]
        frame = frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in names))
    return frame.drop(PLACE_IN_PARENT, strict=False)


def with_events(records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Fill what a record does not state from its submission; a place and a date are taken whole or not at all.

    Where the submission has a design, that states who observed: a camera, or people.
    """
    table = events.drop("source_file", "source_sheet", "source_row", strict=False).unique(
        "eventID", keep="first", maintain_order=True
    )
    joined = filled_from(records, table, by="eventID", key="eventID", whole=(PLACE, DATE))
    if "basisOfRecord" in joined.columns:
        return joined
    of_people = pl.lit("HumanObservation")
    if "design" in joined.columns:
        of_people = pl.when(pl.col("design").is_null()).then(of_people)
    return joined.with_columns(of_people.alias("basisOfRecord"))


def without_people(records: pl.DataFrame, file: str, column: str | None) -> tuple[pl.DataFrame, list[Refusal]]:
    """Return the records without those of people, and a refusal of each of these that does not state who."""
    people = pl.any_horizontal(
        pl.lit(value=False),
        *(why_left_out(pl.col(name)) == "PERSON_LEFT_OUT" for name in TAXA if name in records.columns),
    ).fill_null(value=False)
    message = "it tells of a person: people are never taken in"
    refusals = [
        Refusal(file, row, column, None, "PERSON_LEFT_OUT", message) for row in records.filter(people)["source_row"]
    ]
    return records.filter(~people), refusals


def findings(form: Form, columns: Columns) -> Iterator[Finding]:
    """Yield what a sheet shows by itself, each at its cell: places outside the world, clocks, identifiers, columns of numbers."""
    places = {heading: term for point in columns.points for heading, term in point.items()} | columns.terms
    for heading, term in places.items():
        if term not in _BOUNDS:
            continue
        number = form.frame[heading].str.strip_chars().cast(pl.Float64, strict=False)
        outside = (number.abs() > _BOUNDS[term]).fill_null(value=False)
        for row, value in form.frame.filter(outside).select("source_row", heading).iter_rows():
            bound = {"bound": str(_BOUNDS[term]), "term": term}
            yield _finding(form, row, heading, value, "COORDINATE_OUT_OF_RANGE", blocking=True, **bound)
    if {"start", "end"} <= set(form.headings):
        moments = [pl.col(name).str.strip_chars().str.to_datetime(_MOMENT, strict=False) for name in ("start", "end")]
        ended = form.frame.filter(moments[1] < moments[0])
        for row, start, end in ended.select("source_row", "start", "end").iter_rows():
            yield _finding(form, row, "end", end, "EVENT_ENDS_BEFORE_START", start=start)
        zones = [form.frame[name].str.extract(_ZONE) for name in ("start", "end")]
        usual = zones[0].drop_nulls().mode().sort().first()
        for at in (zones[0] != zones[1]).fill_null(value=False).arg_true():
            name = "start" if zones[0][at] != usual else "end"
            row, value = form.frame["source_row"][at], form.frame[name][at]
            yield _finding(form, row, name, value, "TIME_ZONE_NOT_OF_PLACE", proposal=str(usual))
    for heading in form.headings if form.parent is None else ():
        if heading.rpartition("/")[2].casefold() in _IDENTIFIERS and heading != headings_of(form, columns).get(
            "eventID"
        ):
            first: dict[str, int] = {}
            for row, value in form.frame.select("source_row", heading).drop_nulls().iter_rows():
                if (before := first.setdefault(value, row)) != row:
                    yield _finding(form, row, heading, value, "IDENTIFIER_REPEATED", other_row=str(before))
    yield from _odd_numbers(form, columns)


def _odd_numbers(form: Form, columns: Columns) -> Iterator[Finding]:
    """Yield numbers that are none of their column, of the columns that come in and of those that hold small figures alone."""
    of_file = [heading for heading in form.headings if heading not in form.written]
    shown = [
        Column(at, heading, 1) for at, heading in enumerate(of_file) if not heading.startswith("_")
        and (heading in columns.named or form.frame[heading].drop_nulls().str.contains(_SMALL).all()
             or are_licences(form.frame[heading].to_list()))
    ]  # fmt: skip
    rows = [(row, list(cells)) for row, *cells in form.frame.select("source_row", *of_file).iter_rows()]
    layout = Layout(Grid(form.file, form.sheet, visible=True, rows=[]), 1, shown, rows)
    yield from odd_numbers(layout, {c.index: columns.named.get(c.heading, c.heading) for c in shown}, TERMS)


def _finding(form: Form, row: int, heading: str, value: str, code: str, *, blocking: bool = False, **params: str) -> Finding:  # fmt: skip
    return Finding(form.file, form.sheet, row, form.written.get(heading, heading), value, code, blocking, params)


def headings_of(form: Form, columns: Columns) -> dict[str, str]:
    """Return term → heading as the file has it, of what is asked and of what KoboToolbox adds."""
    facts = {term: heading for term, names in _OF_DEVICE.items() for heading in names if heading in form.headings}
    return facts | {term: form.written.get(heading, heading) for heading, term in reversed(columns.named.items())}


def _terms(form: Form, columns: Columns, named: dict[str, str]) -> pl.DataFrame:
    """Return a sheet's rows under terms; of several columns of one term the first that is filled counts."""
    by_term: dict[str, list[str]] = {}
    for heading, term in named.items():
        by_term.setdefault(term, []).append(heading)
    number = [PLACE_IN_PARENT] if PLACE_IN_PARENT in form.frame.columns else []
    of_point = {heading for point in columns.points for heading in point}
    frame = form.frame.select(
        pl.lit(form.file).alias("source_file"),
        pl.lit(form.sheet, pl.String).alias("source_sheet"),
        "source_row",
        pl.col(EVENT).alias("eventID"),
        *number,
        *(_of_columns(headings, columns.parts).alias(term) for term, headings in by_term.items()),
    )
    radius = [heading for heading, term in named.items() if term == "coordinateUncertaintyInMeters"]
    if radius and set(radius) <= of_point:
        # A place that was set on the map has the precision 0: nothing is stated of it.
        stated = pl.col("coordinateUncertaintyInMeters")
        frame = frame.with_columns(
            pl.when(stated.cast(pl.Float64, strict=False) != 0).then(stated).alias(stated.meta.output_name())
        )
    if of_point & set(named) and "geodeticDatum" not in frame.columns:
        placed = pl.col("decimalLatitude").is_not_null()
        frame = frame.with_columns(pl.when(placed).then(pl.lit("WGS84")).alias("geodeticDatum"))
    return frame


def _of_columns(headings: list[str], parts: Sequence[str]) -> pl.Expr:
    """Return the first of some columns that is filled, or the sum of the parts of a count; one that is no number is kept as it came."""
    if len(parts) < 2 or set(headings) != set(parts):
        return pl.coalesce(headings)
    cells = [pl.col(name).str.strip_chars() for name in headings]
    stated = pl.any_horizontal(cell.is_not_null() for cell in cells)
    numbers = [cell.cast(pl.Int64, strict=False) for cell in cells]
    plain = pl.all_horizontal(a.is_null() | b.is_not_null() for a, b in zip(cells, numbers, strict=True))
    total = pl.when(stated).then(pl.sum_horizontal(numbers).cast(pl.String))
    return pl.when(plain).then(total).otherwise(pl.concat_str(cells, separator=" + ", ignore_nulls=True))


def _of_device(form: Form) -> pl.Series:
    """Return the day that the device tells, where no question asks for the date."""
    entries = [
        pl.col(name).str.strip_chars().str.extract(f"({_DAY[1:]})")
        for name in ("today", "start")
        if name in form.headings
    ]
    return (
        form.frame.select(pl.coalesce(*entries) if entries else pl.lit(None, pl.String).alias("day")).to_series()
        if entries
        else pl.Series("day", [None] * form.frame.height, dtype=pl.String)
    )


_MOST_TOLD: Final = 60
_ABOUT_LIFE: Final = re.compile(
    r"(?i)species|animal|wildlife|bird|mammal|plant|tree|fish|taxon|动物|物种|สัตว์|loài|động vật|ສັດ|សត្វ|တိရစ္ဆာန်|satwa|haiwan|hewan|hayop"
)
"""Words of a question that may name species; a person decides."""
_PLACED: Final = ("source_file", "source_sheet", "source_row")


class KoboSource(Source):
    """Exports of KoboToolbox.

    Only columns that are mapped to a term come in: an answer may be anybody's name, village or telephone, and unlike
    other sources this one keeps nothing of what it does not know. The headings that stay out are stated, so that a person
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
    """

    name: ClassVar[str] = "kobo"
    reads: ClassVar[str] = "CSV or XLSX of KoboToolbox"
    known_options: ClassVar[frozenset[str]] = frozenset({"design", "encoding", "headings", "mapping", "separator"})

    def _read_options(self) -> None:
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
        events.notes = [*_left_out(known), *(
            f"{f.file}{', sheet ' + f.sheet if f.sheet else ''}, row {f.row}, column {f.column}, value {f.value}: outside ±{f.params['bound']}"
            for f in events.findings if "bound" in f.params
        )]  # fmt: skip
        events.headings = {t: heading for one in submitted[:1] for t, heading in headings_of(*one).items()}
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
                headings=headings_of(form, columns),
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


def _left_out(known: Sequence[tuple[Form, Columns]]) -> Iterator[str]:
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
