"""Sampling events: verbatim batches in, `terms.EVENT` out; places, dates and measures are read as those of records."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl
from pyproj import Geod

from biodata.core import terms
from biodata.core.errors import Refusal
from biodata.core.flags import FLAGS
from biodata.harmonise import camera_clocks, coordinates, event_effort, event_times
from biodata.harmonise.event_times import cells, ends_of, with_event_date
from biodata.harmonise.findings import Findings, Told, as_written, quality_flags
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser
from biodata.sharing import measurements
from biodata.text.controlled import Vocabulary, parse_controlled

# What was looked for at an event, as its sheet tells it; what that means for absence: `analysis.scopes`.

_LISTS: Final = ("targetTaxonomicScope", "excludedTaxonomicScope", "absentTaxa")


def read_list(cells: pl.Expr) -> pl.Expr:
    """Return the names that a cell lists between `|`, `;` or the wide marks; null where there is none."""
    names = cells.str.replace_all("[;；、，]", "|").str.split("|").list.eval(pl.element().str.strip_chars())
    filled = names.list.eval(pl.element().filter(pl.element() != ""))
    return pl.when(filled.list.len() > 0).then(filled)


def interpret_scope(told: pl.DataFrame) -> Findings:
    """Read what events looked for.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: the terms of the scope, those that there are.

    Returns
    -------
    Findings of n rows
        `targetTaxonomicScope`, `excludedTaxonomicScope` and `isAbsenceReported`: where the last is told and is neither yes nor
        no, no absence is taken to be told.
    """
    told_cells = cells(told, *_LISTS, "isAbsenceReported")
    answer = parse_controlled(told_cells["isAbsenceReported"], Vocabulary.YES_NO)["term"]
    read = told_cells.select(
        *(read_list(pl.col(name)).alias(name) for name in _LISTS),
        (answer == "true").alias("isAbsenceReported"),
        unread=pl.col("isAbsenceReported").is_not_null() & answer.is_null(),
    )
    absent = read["isAbsenceReported"].fill_null(value=False) | read["absentTaxa"].is_not_null()
    outside = read.select(
        (pl.col("absentTaxa").list.set_intersection("excludedTaxonomicScope").list.len() > 0).fill_null(value=False)
    ).to_series()
    return Findings(
        {
            **{name: read[name] for name in ("targetTaxonomicScope", "excludedTaxonomicScope")},
            "isAbsenceReported": read.select(
                pl.when("unread").then(pl.lit(value=False)).otherwise("isAbsenceReported").alias("isAbsenceReported")
            ).to_series(),
        },
        {
            "ABSENCE_REPORT_INVALID": read["unread"],
            "ABSENCE_SCOPE_MISSING": absent & read["targetTaxonomicScope"].is_null(),
            "ABSENCE_OUT_OF_SCOPE": outside,
        },
    )


# Sites: events that share a locationID, on one side of a border or on both.

APART_M: Final = 2_000.0
"""Places of one site lie no farther apart, beyond what they are uncertain by: the ends of a transect are one site."""

_GEOD: Final = Geod(ellps="WGS84")
PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")


def interpret_sites(told: pl.DataFrame, placed: pl.DataFrame, ends: pl.DataFrame) -> Findings:
    """Compare the events of one table by their site and camera.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: `locationID` and `cameraID`, where there are.
    placed : polars.DataFrame
        n rows: the place, degrees and metres.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.

    Returns
    -------
    Findings of n rows
        `camera_id`.
    """
    site, camera = cells(told, "locationID", "cameraID").get_columns()
    frame = placed.select(PLACE).with_columns(
        site.alias("locationID"), camera.alias("camera"), ends["start"], ends["end"]
    )
    apart = pl.Series([number > 0 for number in _clusters(frame)], dtype=pl.Boolean)
    return Findings({"camera_id": camera}, {"SITE_PLACES_DISAGREE": apart, "CAMERA_AT_TWO_SITES": _at_two_sites(frame)})


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Return the site of each event, over all datasets and both sides of a border.

    Parameters
    ----------
    events : polars.DataFrame
        n rows with columns of `terms.EVENT`.

    Returns
    -------
    polars.DataFrame of n rows
        `event_key`; `site_key`, the same for events of the same site; `shared`, whether events of several sides have it.
        Events are of the same site where they share a locationID and lie near each other: S01 of one team and S01 of
        another, a hundred kilometres away, are two. An event without a locationID is a site of its own.
    """
    frame = events.sort("event_key")
    numbers = _clusters(frame)
    keys = [
        event if site is None else site if number == 0 else f"{site} #{number + 1}"
        for event, site, number in zip(frame["event_key"], frame["locationID"], numbers, strict=True)
    ]
    return (
        frame.select("event_key", "side", pl.Series("site_key", keys, dtype=pl.String))
        .with_columns(shared=pl.col("side").drop_nulls().n_unique().over("site_key") > 1)
        .select("event_key", "site_key", "shared")
    )


def _clusters(frame: pl.DataFrame) -> list[int]:
    """Return for each row which of the places of its locationID it lies at: 0 the first that is told, 1 another, and so on."""
    known: dict[str, list[tuple[float, float, float]]] = {}
    out = []
    for site, latitude, longitude, uncertainty in frame.select("locationID", *PLACE).iter_rows():
        if site is None or latitude is None or longitude is None:
            out.append(0)
            continue
        places = known.setdefault(site, [])
        radius = uncertainty or 0.0
        near = (
            at
            for at, (north, east, other) in enumerate(places)
            if _GEOD.inv(east, north, longitude, latitude)[2] <= APART_M + radius + other
        )
        number = next(near, len(places))
        if number == len(places):
            places.append((latitude, longitude, radius))
        out.append(number)
    return out


def _at_two_sites(frame: pl.DataFrame) -> pl.Series:
    """Tell which events have a camera that stood at another site at the same time; one may be moved within a day."""
    rows = frame.with_row_index("row").filter(
        pl.col("camera").is_not_null() & pl.col("locationID").is_not_null() & pl.col("start").is_not_null()
    )
    wrong: set[int] = set()
    for _, group in rows.group_by("camera", maintain_order=True):
        ordered = group.sort("start").select("row", "locationID", "start", "end").rows()
        for at, (row, site, _, end) in enumerate(ordered):
            for other, elsewhere, begins, _ in ordered[at + 1 :]:
                if begins.date() >= end.date():
                    break
                if elsewhere != site:
                    wrong |= {row, other}
    return pl.Series([row in wrong for row in range(frame.height)], dtype=pl.Boolean)


_READ_WITH_RECORDS: Final = (
    "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "country_codes", "stateProvince", "locality",
    "habitat", "eventDate", "license",
)  # fmt: skip
_NOT_OF_EVENTS: Final = (
    "SCIENTIFIC_NAME_",
    "TAXON_",
    "BASIS_OF_RECORD_",
    "OCCURRENCE_",
    "INDIVIDUAL_COUNT_",
    "IDENTIFIED_",
)
"""Beginnings of the flags that are about a record and not about where and when somebody looked."""

_AS_TOLD: Final = (
    "eventID", "parentEventID", "locationID", "samplingProtocol", "footprintWKT", "eventRemarks", "source_sheet",
)  # fmt: skip

_SLICE: Final = 32_768
"""Events that are interpreted at once: what is found out about each takes thirty times what is kept of it."""

_NEVER_KEPT: Final = ("samplingPerformedBy",)


def events(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret a batch of events.

    Parameters
    ----------
    batch : polars.DataFrame
        n rows: `source_file`, `source_row`, `source_sheet` where there are sheets, and text columns by
        `terms.EVENT_TERMS` or as headed.
    harmoniser : Harmoniser
        Reads places, dates and measures.
    dataset_key : str
        The dataset of rows that tell none.
    declarations : mapping
        As for `Harmoniser.occurrences`.

    Returns
    -------
    frame : polars.DataFrame of `terms.EVENT`
        m rows.
    refusals : list of Refusal
        The n - m rows without an `eventID`, or with one that an earlier row of their dataset has.
    """
    slices, refusals = event_slices(batch, harmoniser, dataset_key=dataset_key, declarations=declarations)
    return pl.concat(slices), refusals


def event_slices(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[Iterator[pl.DataFrame], list[Refusal]]:
    """Interpret a batch of events as `events` does, and give them some at a time; at least one frame."""
    batch = batch.drop(*_NEVER_KEPT, strict=False)
    if "eventID" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("eventID"))
    batch = batch.with_columns(Told(batch)["eventID"])  # without the spaces around it; "-" is none
    lacking = batch["eventID"].is_null()
    told_datasets = cells(batch, "datasetKey")["datasetKey"].fill_null(dataset_key)
    repeated = ~lacking & ~pl.select(pl.struct(told_datasets, batch["eventID"]).is_first_distinct()).to_series()
    refusals = _refused(batch.filter(lacking), "EVENT_ID_MISSING", "nothing identifies this event")
    refusals += _refused(batch.filter(repeated), "EVENT_REPEATED", "an earlier row has the same eventID")
    refused = lacking | repeated
    kept = batch.filter(~refused) if refused.any() else batch
    return _with_sites(kept, harmoniser, dataset_key=dataset_key, declarations=declarations), refusals


def _with_sites(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Yield events with what a comparison of the sites and cameras of all of them finds; till then they wait packed."""
    packed, placed, times = [], [], []
    for part in kept.iter_slices(_SLICE) if kept.height else [kept]:
        frame, ends = _interpret(part, harmoniser, dataset_key=dataset_key, declarations=declarations)
        placed.append(frame.select(PLACE))
        times.append(ends)
        told = [column.name for column in frame if column.null_count() < frame.height]
        waiting = io.BytesIO()
        frame.select("event_key", *(name for name in told if name != "event_key")).write_ipc(waiting, compression="lz4")
        packed.append(waiting.getvalue())
    found = interpret_sites(kept, pl.concat(placed), pl.concat(times))
    added = pl.DataFrame([quality_flags([found], kept.height).alias("doubts"), *_named(found.columns)])
    begin = 0
    while packed:
        frame = terms.conform(pl.read_ipc(io.BytesIO(packed.pop(0))), terms.EVENT)
        here = added.slice(begin, frame.height)
        begin += frame.height
        flags = pl.col("quality_flags").list.concat(here["doubts"]).list.unique(maintain_order=True)
        yield frame.with_columns(flags, *here.drop("doubts"))


def _named(columns: Mapping[str, pl.Series]) -> list[pl.Series]:
    """Return columns under their names."""
    return [column.alias(name) for name, column in columns.items()]


def _interpret(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interpret some events of a table, and return when each begins and ends, too; their sites are compared later."""
    dated, doubts = with_event_date(kept, today=harmoniser.today, declarations=declarations)
    # The zone of an event stands in a column of its own.
    records = dated.select(pl.exclude("occurrenceID", event_times.COLUMN)).with_columns(
        pl.col("eventID").alias("occurrenceID")
    )
    identified = harmoniser.identify(records, dataset_key=dataset_key)
    read = harmoniser.interpret(identified, declarations=declarations, counted=False)
    ends = ends_of(read.interpreted["eventDate"])
    found = _put_together(kept, read, ends, Findings(flags=doubts), declarations.get("time_zone"))
    return terms.conform(found, terms.EVENT), ends


def _put_together(
    kept: pl.DataFrame, read: HarmonisedBatch, ends: pl.DataFrame, doubts: Findings, zone: str | None
) -> pl.DataFrame:
    """Return the columns of `terms.EVENT` that can be told of the events."""
    interpreted = read.interpreted.with_columns(_countries(kept, read.interpreted["country_codes"]))
    design = _design(kept)
    parts = [
        doubts,
        design,
        event_times.interpret(kept, ends, interpreted["country_codes"], declared=zone),
        event_effort.interpret(kept, ends, design.columns["design"]),
        interpret_scope(kept),
        camera_clocks.interpret(kept, ends),
    ]
    own = quality_flags(parts, kept.height)
    flags = pl.col("quality_flags").list.eval(
        pl.element().filter(~pl.any_horizontal(pl.element().str.starts_with(start) for start in _NOT_OF_EVENTS))
    )
    came = as_written(kept.drop("source_file", "source_row", "source_sheet", strict=False))
    verbatim = [
        json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
        for row in came.iter_rows(named=True)
    ]
    return interpreted.select(
        "datasetKey", *_READ_WITH_RECORDS, flags.alias("quality_flags"), "source_file", "source_row"
    ).with_columns(
        *(kept[name] for name in _AS_TOLD if name in kept.columns),
        *(column.alias(name) for part in parts for name, column in part.columns.items()),
        measurements.column(cells(kept, measurements.COLUMN)[measurements.COLUMN]),
        ends["start"].alias("event_start"),
        ends["end"].alias("event_end"),
        (interpreted["datasetKey"] + ":" + kept["eventID"]).alias("event_key"),
        pl.col("quality_flags").list.concat(own).list.concat(_archived_doubts(kept)).list.unique(maintain_order=True),
        pl.Series("verbatim", verbatim, dtype=pl.String),
        coordinates.events(kept),
    )


def _design(kept: pl.DataFrame) -> Findings:
    """Read the design, which the protocol tells where no design does."""
    told, protocol = cells(kept, "design", "samplingProtocol").get_columns()
    by_design, by_protocol = (parse_controlled(column, Vocabulary.SURVEY_DESIGN)["term"] for column in (told, protocol))
    design = pl.select(pl.coalesce(by_design, by_protocol).alias("design")).to_series()
    return Findings({"design": design}, {"DESIGN_UNKNOWN": told.is_not_null() & by_design.is_null()})


def _countries(kept: pl.DataFrame, found: pl.Series) -> pl.Series:
    """Return the countries that places may lie in: those that an archive of ours tells, since a cell is more than its centre."""
    read = cells(kept, terms.ARCHIVED_COUNTRIES).select(
        pl.col(terms.ARCHIVED_COUNTRIES)
        .str.split(";")
        .list.eval(pl.element().filter(pl.element().str.contains("^[A-Z]{2}$")))
    )
    told = pl.col(terms.ARCHIVED_COUNTRIES)
    chosen = pl.when(told.list.len() > 0).then(told).otherwise(found)
    return read.select(chosen.alias("country_codes")).to_series()


def _archived_doubts(kept: pl.DataFrame) -> pl.Series:
    """Return the doubts that an archive of ours tells: a zone that was assumed stays so, although it is told now."""
    told = cells(kept, terms.ARCHIVED_FLAGS)[terms.ARCHIVED_FLAGS].fill_null("").str.split(";")
    return told.list.set_intersection(list(FLAGS))


def _refused(rows: pl.DataFrame, code: str, message: str) -> list[Refusal]:
    """Return rows as refusals."""
    return [
        Refusal(file or "", row, "eventID", event, code, message)
        for file, row, event in rows.select("source_file", "source_row", "eventID").iter_rows()
    ]
