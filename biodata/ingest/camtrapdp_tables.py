"""What stands in the tables of a Camtrap DP package: cells beside the schema, tags of ours, pictures of the animals."""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core import terms
from biodata.core.errors import InputError, Refusal
from biodata.formats import camtrapdp as check
from biodata.formats.camtrapdp import (
    CELL,
    COUNTRIES,
    DAYS_ONLY,
    EFFORT_UNKNOWN,
    PLACE_GENERALISED,
    SHARING,
    ZONE_UNKNOWN,
    moment,
)
from biodata.ingest import camera_traps
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import column
from biodata.ingest.table_headings import called_as_declared

# A table of a Camtrap DP package set beside its schema: what is wrong in which cell, and which rows that keeps out.

_NEEDED: Final = MappingProxyType({
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID"),
    "observations": ("observationID", "deploymentID", "eventStart", "observationType"),
})  # fmt: skip
"""Columns without which nothing can be taken in; a fault in one of their cells refuses the row."""
_AGAIN: Final = MappingProxyType({
    "deployments": ("DEPLOYMENT_REPEATED", "an earlier row tells the same deployment in every cell; it is taken once"),
    **dict.fromkeys(("media", "observations"), ("PICTURE_REPEATED", "an earlier row tells the same in every cell")),
})  # fmt: skip
"""Why a row that is an earlier one once more is left out, by table: code and words."""


class Sheet:
    """One table of a package, set beside its schema; `frame` has all its rows, those that are refused too."""

    def __init__(self, package: check.Package, name: str, options: Mapping[str, str] = MappingProxyType({})) -> None:
        table = called_as_declared(package.table(name), options)
        renamed = _spelled(name, table.headings)
        self.name, self.file = name, table.file
        self.headings = tuple(renamed.get(heading, heading) for heading in table.headings)
        fields = [field.name for field in check.fields(name) if field.name in self.headings]
        for heading in _NEEDED[name]:
            if heading not in fields:
                problem = f"table {name!r} lacks a column"
                raise InputError(problem, file=table.file, row=1, column=heading, code="HEADING_MISSING")
        empty = pl.DataFrame(schema={"source_row": pl.Int64, **dict.fromkeys(self.headings, pl.String)})
        came = pl.concat([empty, *(batch.rename(renamed).select(empty.columns) for batch in table.batches)])
        # An earlier row once more: with its identifier, and like it in every cell of every column.
        first = pl.struct(pl.exclude("source_row")).is_first_distinct()
        again = came.select(pl.col(fields[0]).is_not_null() & ~first).to_series()
        none = [*package.empty_values]
        filled = pl.when(~pl.col(fields).is_in(none)).then(pl.col(fields)).name.keep() if none else pl.col(fields)
        self.frame = came.filter(~again).select("source_row", filled)
        twice = came.filter(again).select("source_row", fields[0]).iter_rows()
        self.refusals = table.refusals + [
            Refusal(self.file, row, fields[0], value, *_AGAIN[name]) for row, value in twice
        ]
        unknown = [heading for heading in self.headings if heading not in fields]
        lacking = check.lacking(name, self.headings)
        self.findings = [self._doubt(1, heading, None, "HEADING_MISSING", term=heading) for heading in lacking]
        self.findings += [self._doubt(1, heading, heading, "HEADING_UNKNOWN") for heading in unknown]
        self.findings += [self._read_as(1, heading, heading, field) for heading, field in renamed.items()]
        self._strip()
        self._out: set[int] = set()

    def _doubt(self, row: int, column: str, value: str | None, code: str, **params: str) -> Finding:
        return Finding(self.file, None, row, column, value, code, False, params)

    def _read_as(self, row: int, column: str, value: str, read: str) -> Finding:
        return self._doubt(row, column, value, "VALUE_READ_AS", read=read, expected=read)

    def _strip(self) -> None:
        """Take white space off around what is no free text: with it, an identifier would be another one."""
        for field in check.fields(self.name):
            is_code = field.type != "string" or field.unique or field.values or field.refers_to is not None
            if field.name not in self.frame.columns or not is_code:
                continue
            plain = self.frame[field.name].str.strip_chars()
            cells = self.frame.select("source_row", field.name, plain.alias(" read"))
            for row, stated, read in cells.filter(pl.col(field.name) != pl.col(" read")).iter_rows():
                self.findings.append(self._read_as(row, field.name, stated, read))
            self.frame = self.frame.with_columns(pl.when(plain != "").then(plain).alias(field.name))

    def set_beside(self, known: Mapping[str, pl.Series]) -> None:
        """Find every fault; a row with one in a column that is needed is refused, for the first of them."""
        needed = _NEEDED[self.name]
        for fault in check.faults(self.name, self.frame, known=known):
            # What is only written otherwise than the standard asks for can be read.
            blocking = fault.column in needed and fault.code != "CELL_PATTERN"
            cell = fault.row, fault.column, fault.value, fault.code
            self.findings.append(Finding(self.file, None, *cell, blocking, {"expected": fault.expected}))
            if blocking and fault.row not in self._out:
                self._out.add(fault.row)
                self.refusals.append(
                    Refusal(self.file, *cell, f"this is not as the standard asks for; expected {fault.expected}")
                )

    def kept(self) -> pl.DataFrame:
        """Return the rows without a fault that matters."""
        return self.frame.filter(~pl.col("source_row").is_in(list(self._out)))

    def refuse(self, rows: pl.DataFrame, column: str) -> None:
        """Leave rows out: `source_row`, `code`, and `value` as stated."""
        self._out.update(rows["source_row"])
        self.refusals += camera_traps.refused(rows, file=self.file, column=column)

    def notes(self) -> list[str]:
        """Return the faults that refuse no row in sentences: the first of each kind, with how many more there are."""
        kinds: dict[tuple[str | None, str], list[Finding]] = {}
        for finding in self.findings:
            if not finding.blocking or self.name == "media":
                kinds.setdefault((finding.column, finding.code), []).append(finding)
        names = []
        for first, *more in kinds.values():
            expected = f"; expected {first.params['expected']}" if "expected" in first.params else ""
            others = f"; and {len(more)} more rows" if more else ""
            names.append(
                f"{first.file}, row {first.row}, column {first.column}, value {first.value!r}: {first.code}{expected}{others}"
            )
        return names


def _spelled(table: str, headings: Sequence[str]) -> dict[str, str]:
    """Return headings that are a field's but for case, spaces and underscores, each with the field."""
    plain = camera_traps.plain
    lacking = {plain(field.name): field.name for field in check.fields(table) if field.name not in headings}
    found = {heading: lacking[plain(heading)] for heading in headings if plain(heading) in lacking}
    return {heading: field for heading, field in found.items() if [*found.values()].count(field) == 1}


def of_descriptor(package: check.Package) -> Iterator[Finding]:
    """Yield the faults of the descriptor; none of them keeps its tables out."""
    for name, value, expected in package.faults():
        code = "PROPERTY_MISSING" if value is None else "PROPERTY_INVALID"
        yield Finding(package.file, None, None, name, value, code, blocking=False, params={"expected": expected})


# Tags of Camtrap DP packages that biodata wrote: what the standard has no field for, read into terms of events and of records.

TAGS: Final = "deploymentTags"
OBSERVATION_TAGS: Final = "observationTags"
EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_BASIS: Final = "effortBasis:"
ZONED: Final = r"(?:Z|[+-]\d\d:?\d\d)(/|$)"
_OF_RECORD: Final = MappingProxyType(
    {
        terms.ARCHIVED_CATEGORY: SHARING.rstrip(":"),
        f"{terms.OWN}sharing_rule": "rule",
        terms.ARCHIVED_COUNTRIES: COUNTRIES.rstrip(":"),
        f"{terms.OWN}province_code": "province",
        "countryCode": "country",
    }
)
"""Terms of a coarse record, and the names of the tags that state them."""
_CLOCK: Final = r"T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"


def is_own(deployments: pl.DataFrame) -> bool:
    """Return whether a table of deployments is of a package that biodata wrote."""
    if TAGS not in deployments.columns:
        return False
    of_ours = _tags().list.eval((pl.element() == EFFORT_UNKNOWN) | pl.element().str.starts_with(_BASIS)).list.any()
    return bool(deployments.select(of_ours.fill_null(value=False).any()).item())


def has(tag: str) -> pl.Expr:
    """Tell which rows have a tag."""
    return _tags().list.contains(tag).fill_null(value=False)


def cells(deployments: pl.DataFrame) -> pl.Series:
    """Return the deployments that are none: they stand for the cell and the year of records whose camera is not stated."""
    if not is_own(deployments):
        return deployments["deploymentID"].clear()
    return deployments.filter(has(PLACE_GENERALISED) & has(EFFORT_UNKNOWN))["deploymentID"]


def with_tags(events: pl.DataFrame) -> pl.DataFrame:
    """Return events with what the tags of a package of ours tell; nothing is stated of effort and scope besides."""
    effort, zone = _tag_values("effort:").list.first(), column(events, "timeZone")
    zone = pl.when(~has(ZONE_UNKNOWN) & ~has(PLACE_GENERALISED)).then(zone)
    days = pl.when(has(DAYS_ONLY)).then(pl.col("eventDate").str.replace_all(_CLOCK, "")).otherwise("eventDate")
    return events.with_columns(
        samplingEffortValue=effort.str.extract(r"^(\S+)"),
        samplingEffortUnit=effort.str.extract(r"^\S+ (.+)$"),
        parentEventID=_tag_values("parentEvent:").list.first(),
        targetTaxonomicScope=_joined("target:", "|"),
        excludedTaxonomicScope=_joined("excluded:", "|"),
        isAbsenceReported=_tag_values("absence:").list.first().replace({"reported": "true", "notReported": "false"}),
        eventDate=pl.when(has(PLACE_GENERALISED))
        .then(pl.col("eventDate").str.slice(0, 4))
        .when(has(ZONE_UNKNOWN))
        .then(days.str.replace_all(ZONED, "$1"))
        .otherwise(days),
        timeZone=pl.coalesce(_tag_values("timeZone:").list.first().replace("unknown", None), zone),
        **{
            terms.ARCHIVED_BASIS: _tag_values(_BASIS).list.first(),
            terms.ARCHIVED_FAILED_DAYS: _tag_values("failedDays:").list.first(),
            terms.ARCHIVED_FLAGS: _joined("doubt:", ";"),
            terms.ARCHIVED_CATEGORY: _tag_values(SHARING).list.first(),
            terms.ARCHIVED_COUNTRIES: _tag_values(COUNTRIES).list.first(),
            "footprintWKT": _outline(),
        },
    )


def shared(observations: pl.DataFrame) -> pl.DataFrame:
    """Return how the observations of a package of ours were made coarse, under the terms that an archive of ours has for it; null for open ones."""
    edges = _tag_values(CELL, OBSERVATION_TAGS).list.first().str.split(" ")
    facts = {name: _tag_values(f"{tag}:", OBSERVATION_TAGS).list.first() for name, tag in _OF_RECORD.items()}
    found = observations.select(
        *(value.alias(name) for name, value in facts.items()),
        *(edges.list.get(place, null_on_oob=True).alias(terms.OWN + name) for place, name in enumerate(EDGES)),
        _tag_values("border:", OBSERVATION_TAGS)
        .list.first()
        .replace({"ambiguous": "true", "clear": "false"})
        .alias(f"{terms.OWN}ambiguous"),
        _joined("doubt:", ";", OBSERVATION_TAGS).alias(terms.ARCHIVED_FLAGS),
    )
    coarse = pl.col(terms.ARCHIVED_CATEGORY).is_not_null()
    return found.select(pl.when(coarse).then(pl.all()))


def _outline() -> pl.Expr:
    west, south, east, north = (
        _tag_values(CELL).list.first().str.split(" ").list.get(i, null_on_oob=True) for i in range(4)
    )
    return pl.format(
        "POLYGON (({} {}, {} {}, {} {}, {} {}, {} {}))", west, south, east, south, east, north, west, north, west, south
    )


def _tags(column: str = TAGS) -> pl.Expr:
    return pl.col(column).str.split("|").list.eval(pl.element().str.strip_chars())


def _tag_values(name: str, column: str = TAGS) -> pl.Expr:
    values = pl.element().filter(pl.element().str.starts_with(name)).str.slice(len(name))
    return _tags(column).list.eval(values)


def _joined(name: str, separator: str, column: str = TAGS) -> pl.Expr:
    """Return the values of the tags of a name as one text; null where there are none."""
    joined = _tag_values(name, column).list.join(separator)
    return pl.when(joined != "").then(joined)


# Pictures of the animals of a Camtrap DP package: only public ones, and none that a person or vehicle may be on.

_ADDRESS: Final = r"^https?://"
_ASKED_OF_ROWS: Final = ("mediaID", "eventID", "eventEnd", "cameraSetupType", "scientificName")
_LONGER_S: Final = 10**12  # than any two moments lie apart
MOST: Final = 100
"""Pictures that one record is shown with."""
_NEEDED_OF_PICTURES: Final = ("mediaID", "deploymentID", "filePath", "filePublic")


def of_animals(
    animals: pl.DataFrame, observations: pl.DataFrame, media: pl.DataFrame | None, *, licence: str | None
) -> pl.Series:
    """Return the pictures of each animal's row as a JSON list of a multimedia extension's rows; null where none may be shown.

    A row's pictures are the one that it names; else those that rows of the same event name; else those made at its
    deployment within its time. One that a row which is no animal's names, or that was made in the time of such a row,
    is shown nowhere. No row has more than `MOST`.
    """
    nothing = pl.Series([None] * animals.height, dtype=pl.String)
    if media is None or not set(_NEEDED_OF_PICTURES) <= set(media.columns) or animals.is_empty():
        return nothing
    rows, observations = _with_spans(animals), _with_spans(observations)
    is_public = pl.col("filePublic").str.to_lowercase().is_in(["true", "1"])
    shown = media.filter(is_public & pl.col("filePath").str.contains(_ADDRESS))
    shown = shown.join(_not_to_be_shown(observations, media), on="mediaID", how="anti").unique("mediaID", keep="none")
    times = pl.concat([*observations.select("eventStart", "eventEnd"), *media.select(column(media, "timestamp"))])
    if shown.is_empty() or times.drop_nulls().str.contains(ZONED).n_unique() > 1:
        return nothing  # where only some times have an offset, nobody knows which pictures a person's time covers
    rest = rows.filter(pl.col("mediaID").is_null())
    named = rows.drop_nulls("mediaID").select("observationID", "mediaID")
    of_event = _of_events(rest, observations)
    rest = rest.join(of_event, on="observationID", how="anti")
    links = pl.concat([named, of_event, _in_time(rest, media)]).unique(maintain_order=True)
    entries = [
        {"identifier": path} | ({"format": kind} if kind else {}) | ({"license": licence} if licence else {})
        for path, kind in shown.select("filePath", column(shown, "fileMediatype")).iter_rows()
    ]
    items = pl.Series([json.dumps(one, ensure_ascii=False) for one in entries], dtype=pl.String)
    listed = (
        links.join(shown.select("mediaID", item=items), on="mediaID", maintain_order="left")
        .group_by("observationID", maintain_order=True)
        .agg(media=pl.format("[{}]", pl.col("item").str.join(", ")))
    )
    return animals.select("observationID").join(listed, on="observationID", how="left", maintain_order="left")["media"]


def _with_spans(frame: pl.DataFrame) -> pl.DataFrame:
    """Return observations with the first and last moment of each, and what they do not state as empty columns."""
    frame = frame.with_columns(column(frame, name) for name in _ASKED_OF_ROWS)
    start = moment("eventStart")
    return frame.with_columns(first=start, last=pl.max_horizontal(start, moment("eventEnd")))


def _not_to_be_shown(observations: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media on which a person, a vehicle or a crew may be."""
    is_person = pl.col("scientificName").str.to_lowercase().str.starts_with("homo").fill_null(value=False)
    risky = ~pl.col("observationType").is_in(["animal", "blank"]) | pl.col("cameraSetupType").is_not_null() | is_person
    rows = observations.filter(risky.fill_null(value=True))
    whole = rows.filter(pl.col("mediaID").is_null())
    of_events = observations.join(whole.drop_nulls("eventID"), on=["deploymentID", "eventID"], how="semi")
    named = pl.concat([rows, of_events]).select("mediaID").drop_nulls()
    return pl.concat([named, _covered(whole, media)]).unique()


def _of_events(rows: pl.DataFrame, observations: pl.DataFrame) -> pl.DataFrame:
    event = ["deploymentID", "eventID"]
    table = observations.filter(pl.col("observationType") == "animal").drop_nulls(["mediaID", "eventID"])
    listed = table.group_by(event).agg(pl.col("mediaID").unique(maintain_order=True).head(MOST))
    found = rows.select("observationID", *event).join(listed, on=event, maintain_order="left")
    return found.select("observationID", "mediaID").explode("mediaID")


def _made(media: pl.DataFrame) -> pl.DataFrame:
    made = media.with_columns(column(media, "timestamp")).select("mediaID", "deploymentID", at=moment("timestamp"))
    return made.drop_nulls().sort("deploymentID", "at", maintain_order=True)


def _order(made: pl.DataFrame, frame: pl.DataFrame, name: str) -> NDArray[np.int64]:
    """Return moments as numbers that sort by deployment first, of which `made` has all."""
    codes = {one: at for at, one in enumerate(made["deploymentID"].unique(maintain_order=True))}
    deployment = frame["deploymentID"].replace_strict(codes, default=-1, return_dtype=pl.Int64)
    return (deployment * _LONGER_S + frame[name].dt.epoch("s")).to_numpy()


def _covered(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within any span of their deployment: more have begun by then than have ended before."""
    made, spans = _made(media), spans.drop_nulls(["first", "last"])
    at, first, last = _order(made, made, "at"), *(np.sort(_order(made, spans, name)) for name in ("first", "last"))
    begun, ended = np.searchsorted(first, at, "right"), np.searchsorted(last, at, "left")
    return made.filter(pl.Series(begun > ended, dtype=pl.Boolean)).select("mediaID")


def _in_time(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within the span of each row, the first `MOST` of them."""
    made, wanted = _made(media), spans.drop_nulls(["first", "last"])
    at, first, last = _order(made, made, "at"), _order(made, wanted, "first"), _order(made, wanted, "last")
    begin, end = np.searchsorted(at, first, "left"), np.searchsorted(at, last, "right")
    places = pl.int_ranges(pl.Series(begin), pl.Series(np.minimum(end, begin + MOST)), eager=True)
    links = wanted.select("observationID", place=places).explode("place").drop_nulls()
    return links.select("observationID", mediaID=made["mediaID"].gather(links["place"]))
