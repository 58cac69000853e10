"""Darwin Core Archives: the published records as they are, with everything that has to travel with them.

https://dwc.tdwg.org/text/
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote
from zipfile import ZipFile

import polars as pl

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.exports import event_archive
from biodata.exports.catalogue import Cited, EmlFacts, eml
from biodata.exports.request import DatasetShare, ExportRequest, Facts
from biodata.exports.selection import Selection, Step
from biodata.exports.templating import environment, xml_text
from biodata.harmonise import event_times
from biodata.sharing import measurements
from biodata.sharing.labels import in_words
from biodata.sharing.licences import LICENCES, MEDIA
from biodata.sharing.media import items

_MEDIA: Final = "media"
_RECORD: Final = "occurrenceID"
_COLUMNS: Final = tuple(c for c in terms.EXPORTED_OCCURRENCE if c.name not in (_MEDIA, measurements.COLUMN))
"""Of `occurrence.txt`; pictures and sounds, and measurements, have tables of their own."""
_SHOWN: Final = {
    "type": f"{terms.DC}type", "format": f"{terms.DC}format", "identifier": f"{terms.DC}identifier",
    "references": f"{terms.DC}references", "title": f"{terms.DC}title", "creator": f"{terms.DC}creator",
    "rightsHolder": f"{terms.DC}rightsHolder", "license": f"{terms.DC}license",
    "community_labels": f"{terms.OWN}community_labels",
}  # fmt: skip
_OTHER_URIS: Final = {"acceptedScientificName": f"{terms.GBIF}acceptedScientificName"}
_EVENT_TIME: Final = "eventTime"
"""A column of `occurrence.txt` that is put together: Darwin Core tells the zone with the time of day."""
_LONGEST_NAME: Final = 150
_OF_EVENTS: Final = (
    "Rows of it whose eventType is Observation are none: they stand for the place and date of records whose event is not told. "
    "A taxon of an event's scope was not found where isAbsenceReported is true and no record tells it; taxa that sharing "
    "rules withhold or make coarser are never meant, since their records may be told without their event. "
    "Remarks that came with events are not published, nor measurements but those of water, weather and ground, since they may "
    "tell what else was met there."
)


def write_archive(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> None:
    """Write a Darwin Core Archive of the chosen records.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is stated of them.
    request : ExportRequest
        What was asked for, and by which name it is known.
    out : Path
        The file on its way.
    step : function
        Stated how far the work is; raises to stop it.

    Notes
    -----
    `occurrence.txt` is tab-separated UTF-8; a value with a tab, quote or line break stands between quotes, so that every
    value is there exactly as it is published. Members and bytes follow from release, filter and request alone. Records of
    datasets whose events the lake has stand in an archive with a core of events (`event_archive`); a record's absence
    is stated only where one was recorded.
    """
    events = event_archive.archived_events(selection, facts)
    with event_archive.zipped(out) as archive:
        measured = facts.measured > 0 or (events is not None and events.are_measured)
        for name, data in sorted(_documents(facts, request, events, measured=measured).items()):
            with archive.open(name, "w") as member:
                member.write(data)
        heading = [*(["coreid"] if events is not None else []), *(c.name for c in _COLUMNS), _EVENT_TIME]
        with event_archive.text_table(archive, "occurrence.txt", heading) as member:
            for place, lines in selection.chunks(terms.names(_COLUMNS), partial(_record_lines, events=events)):
                member.write(lines)
                step(selection.share(place))
        if facts.media:
            _write_media(selection, archive, events)
        if measured:
            event_archive.write_measurements(selection, archive, events)
        if events is not None:
            events.write(selection, archive)


def _write_media(selection: Selection, archive: ZipFile, events: event_archive.Events | None) -> None:
    """Write pictures and sounds as an extension: a line for each, first the row of the core that it belongs to."""
    record = [] if events is None else [_RECORD]
    columns = dict.fromkeys([_COLUMNS[0].name, _RECORD, *event_archive.POINTING, _MEDIA])
    with event_archive.text_table(archive, "multimedia.txt", ["coreid", *record, *_SHOWN]) as member:
        for _, lines in selection.chunks([*columns], partial(_media_lines, events=events)):
            member.write(lines)


def _media_lines(frame: pl.DataFrame, *, events: event_archive.Events | None) -> bytes:
    """Return the pictures and sounds of records as lines; with events, each states the record that it is of."""
    first = pl.col(_COLUMNS[0].name).cast(pl.String)
    if events is None:
        frame = frame.select(coreid=first, media=_MEDIA)
    else:
        frame = frame.select(events.core_ids(frame).alias("coreid"), pl.coalesce(_RECORD, first), media=_MEDIA)
    rows = [
        (
            *ids,
            *(
                facts.get(name) if name != "community_labels" else ";".join(facts.get(name, ())) or None
                for name in _SHOWN
            ),
        )
        for *ids, text in frame.drop_nulls("media").iter_rows()
        for facts in items(text)
    ]
    schema = dict.fromkeys([*frame.columns[:-1], *_SHOWN], pl.String())
    return event_archive.in_lines(pl.DataFrame(rows, schema=schema, orient="row"))


def _record_lines(frame: pl.DataFrame, *, events: event_archive.Events | None) -> bytes:
    """Return records as lines; with events, first the row of the core that each belongs to."""
    # A presence is known by its key; beside a core of events no record has another identifier than this one.
    by_key = pl.lit(value=True) if events is not None else pl.col("sharing_category") != SharingCategory.OPEN
    number = pl.coalesce(_RECORD, pl.when(by_key).then(pl.col("key").cast(pl.String))).alias(_RECORD)
    if events is not None:
        frame = frame.select(events.core_ids(frame).alias("coreid"), pl.all())
        # A record's time is in the zone of its event: both are stated as one instant.
        lacks = pl.col("event_time").is_not_null() & pl.col("event_zone").is_null()
        zone = pl.when(lacks).then(events.zones(frame)).alias("zone")
        frame = event_times.zoned(frame.with_columns(zone)).drop("zone", "offset")
    frame = frame.with_columns(number)
    offset = pl.when(pl.col("event_zone").str.contains(r"^[+-]")).then("event_zone").otherwise(pl.lit(""))
    frame = frame.with_columns(pl.concat_str("event_time", offset).alias(_EVENT_TIME))
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return event_archive.in_lines(frame.with_columns(pl.col(lists).list.join(";")))


def _documents(
    facts: Facts, request: ExportRequest, events: event_archive.Events | None, *, measured: bool
) -> dict[str, bytes]:
    """Return the small members by name."""
    meta = _meta(media=bool(facts.media), measured=measured, of_events=events is not None)
    documents = {"meta.xml": meta, "eml.xml": eml(_about(facts, request, events))}
    documents["citations.txt"] = "".join(f"{_cited(d).text}\n" for d in facts.datasets).encode()
    documents["rights.txt"] = "".join(
        f"{d.key or 'no dataset'}\t{d.count}\t{LICENCES[d.license][0]}\t{LICENCES[d.license][1] or ''}\t"
        f"{';'.join(d.labels)}\t{'; '.join(request.permits_of(d.key))}\n"
        for d in facts.datasets
    ).encode()
    for dataset in facts.datasets:
        if dataset.key is not None:
            documents[f"dataset/{member_name(dataset.key)}.xml"] = eml(_dataset(dataset, facts, request))
    return documents


def _labelled(datasets: tuple[DatasetShare, ...]) -> str:
    """Return the labels of communities that records of datasets carry, in words."""
    text = in_words({code for dataset in datasets for code in dataset.labels})
    return f"{text} " if text else ""


def _resting(permits: list[str]) -> str:
    """Return which permits a dataset rests on, in words."""
    return f"It rests on {'; '.join(permits)}. " if permits else ""


def member_name(key: str) -> str:
    """Return a dataset's key as part of a file's name: a UUID as it is, all but plain letters encoded, never too long."""
    name = quote(key, safe="")
    return name if len(name) <= _LONGEST_NAME else hashlib.sha256(key.encode()).hexdigest()


def _meta(*, media: bool, measured: bool, of_events: bool) -> bytes:
    """Return meta.xml: a core of records, or one of events with the records beside it; then pictures, sounds, measurements."""
    uris = [*(term_uri(column) for column in _COLUMNS), f"{terms.DWC}{_EVENT_TIME}"]
    records = ("occurrence.txt", f"{terms.DWC}Occurrence", uris)
    tables = [*event_archive.described(), records] if of_events else [records]
    if media:
        record = [f"{terms.DWC}{_RECORD}"] if of_events else []
        tables.append(("multimedia.txt", f"{terms.GBIF}Multimedia", [*record, *_SHOWN.values()]))
    if measured:
        tables.append(event_archive.described_measurements(of_events=of_events))
    made = environment("biodata.exports", clean=xml_text).get_template("meta.xml")
    # In a core of records the first column is the record's key, and its identifier in the archive.
    return (made.render(tables=tables, of_records=not of_events) + "\n").encode()


def term_uri(column: terms.Column) -> str:
    """Return the address of a column's term."""
    return column.uri or _OTHER_URIS.get(column.name, f"{terms.OWN}{column.name}")


def _about(facts: Facts, request: ExportRequest, events: event_archive.Events | None) -> EmlFacts:
    """Return what eml.xml tells of the whole archive."""
    name = LICENCES[facts.license][0]
    lines = [] if events is None else [f"{events.count} sampling events are the core. {_OF_EVENTS}"]
    counts = [f"{d.title or d.key or 'Records of no dataset'} ({d.key}): {d.count} records" for d in facts.datasets]
    return EmlFacts(
        package_id=request.name,
        title=f"Occurrence download {request.name}",
        published=request.created,
        publisher="biodata",
        abstract=(
            f"{facts.rows} occurrences of {len(facts.datasets)} datasets from release {facts.release} of biodata.",
            f"Asked for: {request.asked_text()}",
        ),
        citation=Cited(request.cite_as(facts), request.citation),
        rights=f"The strictest licence of the records holds for the whole: {name}. Each record tells its own. {MEDIA} {_labelled(facts.datasets)}",
        license=_licence(facts.license),
        identifiers=tuple(filter(None, (request.name, request.citation))),
        notes=(
            facts.generalisation(),
            f"{facts.without_place} records have no published coordinates, {facts.without_year} no year.",
            "Values are interpreted and published ones, as the release holds them; lists are joined by semicolons.",
            *lines,
            *counts,
        ),
        bounds=facts.bounds,
        years=facts.years,
        sources=tuple(_cited(d) for d in facts.datasets),
    )


def _dataset(dataset: DatasetShare, facts: Facts, request: ExportRequest) -> EmlFacts:
    """Return what is stated of one dataset."""
    name = LICENCES[dataset.license][0]
    key = str(dataset.key)
    return EmlFacts(
        package_id=key,
        title=dataset.title or key,
        published=request.created,
        publisher="biodata",
        abstract=(f"{dataset.count} records of this dataset are in the download {request.name}.",),
        citation=_cited(dataset, counted=False),
        rights=f"The strictest licence of these records: {name}. {MEDIA} {_labelled((dataset,))}{_resting(request.permits_of(dataset.key))}",
        license=_licence(dataset.license),
        identifiers=tuple(filter(None, (key, f"https://doi.org/{dataset.doi}" if dataset.doi else None))),
        notes=(f"As release {facts.release} of biodata tells it.",),
    )


def _licence(license_: str) -> tuple[str, str | None]:
    """Return a licence by its name and address; one without an address by GBIF's word for it, which readers know."""
    name, address = LICENCES[license_]
    return (license_, None) if address is None else (name, address)


def _cited(dataset: DatasetShare, *, counted: bool = True) -> Cited:
    """Return how a dataset is cited; the DOI is that of the download where it came by one."""
    text = " ".join((dataset.citation or dataset.title or dataset.key or "Records of no dataset").split())
    return Cited(
        f"{text} ({dataset.count} records)" if counted else text,
        f"https://doi.org/{dataset.doi}" if dataset.doi else dataset.key,
    )
