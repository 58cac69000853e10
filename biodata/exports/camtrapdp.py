"""Camtrap DP 1.0.2 packages of published records: a zip of datapackage.json and three tables, https://camtrap-dp.tdwg.org.

A time without a stated zone is written in that of its event, else of its country or longitude and tagged
`timeZone:unknown`; a coarse record lasts the year in UTC and has the tag, too. Their deployments have `timestampIssues`. Records of other methods, without a place or a date, are left out, and the description counts them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Final

import polars as pl

from biodata.core import terms
from biodata.core.vocabularies import SurveyDesign
from biodata.exports import camtrapdp_deployments as cameras
from biodata.exports import camtrapdp_deployments as rows_of
from biodata.exports.event_archive import whole_datasets, zipped
from biodata.exports.request import ExportRequest, Facts
from biodata.exports.selection import Selection, Step
from biodata.formats.camtrapdp import DESCRIPTOR, EFFORT_UNKNOWN, OBSERVATIONS_APART, SCHEMAS, TABLES, VERSION, fields
from biodata.sharing.labels import in_words
from biodata.sharing.licences import LICENCES, spelt, strictest

_RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus", "species", "subspecies")
_ABOVE: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
_NAMES: Final = {"CC0_1_0": "CC0-1.0", "CC_BY_4_0": "CC-BY-4.0", "CC_BY_NC_4_0": "CC-BY-NC-4.0"}
"""Licences as the standard names them (SPDX)."""
_EDGE: Final = 0.0005
"""Half the side of a square around a single place, degrees: the standard asks for an area."""


_MADE: Final = (("media", rows_of.media_rows), ("observations", rows_of.observation_rows))


class _Parts:
    """What the first reading finds: deployments, taxa, media, and how many records there are."""

    def __init__(self) -> None:
        self.deployments: list[pl.DataFrame] = []
        self.taxa: list[pl.DataFrame] = []
        self.licences: set[str] = set()
        self.count = self.individuals = 0
        self.left_out: Counter[str] = Counter()

    def add(self, frame: pl.DataFrame) -> None:
        """Take in a step's records."""
        self.count += frame.height
        self.individuals += frame["organismID"].len() - frame["organismID"].null_count()
        self.deployments.append(cameras.deployments_of(frame))
        names = frame.select(pl.coalesce("scientificName", "species").alias("name"), "taxonRank", *_ABOVE)
        self.taxa.append(names.drop_nulls("name").unique("name", maintain_order=True))
        with_key = frame.with_columns(observationID=pl.lit(""), deploymentID=pl.lit(""))
        self.licences |= set(rows_of.media_rows(with_key)["license"].drop_nulls())
        if len(self.deployments) > 50:
            self.deployments = [cameras.deployments_of(pl.concat(self.deployments))]
            self.taxa = [pl.concat(self.taxa).unique("name", maintain_order=True)]


def write_camtrapdp(selection: Selection, facts: Facts, request: ExportRequest, out: Path, *, step: Step) -> Facts:
    """Write a Camtrap DP package of the chosen records of camera traps.

    Parameters
    ----------
    selection : Selection
        Which records.
    facts : Facts
        What is stated of them.
    request : ExportRequest
        What was asked for, and by which name it is known.
    out : Path
        The file on its way; it is begun anew after a crash.
    step : function
        Stated how far the work is; raises to stop it.

    Returns
    -------
    Facts
        With the rows that were written, and what was left out.
    """
    events = published_events(selection)
    datasets = _coarse_datasets(selection, events)
    traps = events.filter(pl.col("design") == SurveyDesign.CAMERA_TRAP.value)
    parts = _Parts()
    for place, frame in _chosen(selection, datasets, traps, left_out=parts.left_out):
        parts.add(frame)
        step(selection.share(place) / 3)
    deployments = cameras.named(_deployments(parts, events, whole=whole_datasets(selection.filter)))
    taxa = pl.concat(parts.taxa).unique("name").sort("name") if parts.taxa else None
    with zipped(out) as archive:
        package = _package(facts, request, parts, deployments, taxa)
        with archive.open(DESCRIPTOR, "w") as member:
            member.write(json.dumps(package, ensure_ascii=False, indent=1).encode())
        with archive.open("deployments.csv", "w") as member:
            member.write(_heading("deployments") + _lines("deployments", cameras.deployment_rows(deployments)))
        shown = pl.DataFrame(schema={"mediaID": pl.String})
        for number, (name, make) in enumerate(_MADE, start=1):
            with archive.open(f"{name}.csv", "w", force_zip64=True) as member:
                member.write(_heading(name))
                for place, frame in _chosen(selection, datasets, traps):
                    made = make(_with_ids(frame, deployments, several=len(facts.datasets) > 1))
                    if name == "media":
                        made = made.join(shown, on="mediaID", how="anti")
                        shown = pl.concat([shown, made.select("mediaID")])
                    member.write(_lines(name, made))
                    step((number + selection.share(place)) / 3)
    return replace(facts, written=parts.count, notes=(_counted(facts, parts, deployments),))


def published_events(selection: Selection) -> pl.DataFrame:
    """Return what the release publishes of the events of surveys with a design; nothing where it publishes no designs."""
    there = set(selection.query("SELECT column_name FROM (DESCRIBE surveys)")["column_name"])
    if "design" not in there:
        return cameras.conformed(pl.DataFrame())
    events = selection.query("SELECT * EXCLUDE (geometry) FROM surveys WHERE design IS NOT NULL ORDER BY survey_id")
    return cameras.conformed(events)


def _coarse_datasets(selection: Selection, events: pl.DataFrame) -> list[str]:
    """Return the datasets of camera traps alone, as far as methods are published."""
    table = selection.query(
        'SELECT "datasetKey" AS key, bool_and(regexp_matches("samplingProtocol", ?)) AS camera FROM occurrences '
        'WHERE "samplingProtocol" IS NOT NULL AND "datasetKey" IS NOT NULL '
        "GROUP BY ALL",
        [rows_of.PROTOCOL],
    )
    by_event = events.group_by("datasetKey").agg(camera=(pl.col("design") == SurveyDesign.CAMERA_TRAP.value).all())
    both = pl.concat([table, by_event.rename({"datasetKey": "key"})]).group_by("key").agg(pl.col("camera").all())
    return sorted(both.filter(pl.col("camera"))["key"])


def _deployments(parts: _Parts, events: pl.DataFrame, *, whole: set[str | None] | None) -> pl.DataFrame:
    """Return the deployments of the records, with what is published of them; and those without records, of whole datasets.

    `whole` are the datasets that are asked for whole, all where none is named; None where only a part of the records is.
    """
    found = cameras.deployments_of(pl.concat([cameras.NO_DEPLOYMENTS, *parts.deployments]))
    table = pl.concat([cameras.of_events(events), cameras.coarse_events(events)], how="diagonal")
    if whole:
        table = table.filter(pl.col("datasetKey").is_in(list(whole)))
    return cameras.with_events(found, table, add=whole is not None)


def _chosen(
    selection: Selection, datasets: list[str], traps: pl.DataFrame, *, left_out: Counter[str] | None = None
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the records of camera traps, step by step, in the release's order."""
    names = [column.name for column in terms.PUBLISHED_OCCURRENCE if column.name in rows_of.COLUMNS]

    def make(frame: pl.DataFrame) -> pl.DataFrame:
        counted = Counter[str]()
        rows = rows_of.used(frame, coarse_datasets=datasets, traps=traps, left_out=counted)
        if left_out is not None:
            with lock:
                left_out.update(counted)
        return rows

    lock = Lock()

    yield from selection.chunks(names, make)


def _with_ids(frame: pl.DataFrame, deployments: pl.DataFrame, *, several: bool) -> pl.DataFrame:
    """Add each record's deployment, and its identifier, with the dataset where there are several; else its number in biodata."""
    stated = pl.col("occurrenceID")
    if several:
        stated = pl.concat_str(pl.col("datasetKey").fill_null(""), stated, separator=":")
    known = deployments.select(*cameras.PLACE, "deploymentID")
    return frame.join(known, on=cameras.PLACE, how="left", nulls_equal=True, maintain_order="left").with_columns(
        observationID=pl.coalesce(stated, pl.col("key").cast(pl.String))
    )


def _heading(table: str) -> bytes:
    """Return the first line of a table."""
    return (",".join(field.name for field in fields(table)) + "\n").encode()


def _lines(table: str, rows: pl.DataFrame) -> bytes:
    """Return rows as CSV in the standard's order of columns."""
    names = [field.name for field in fields(table)]
    nothing = [pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in rows.columns]
    return rows.with_columns(nothing).select(names).write_csv(include_header=False).encode()


def _package(
    facts: Facts, request: ExportRequest, parts: _Parts, deployments: pl.DataFrame, taxa: pl.DataFrame | None
) -> dict[str, Any]:
    """Return datapackage.json."""
    return {
        "resources": [
            {
                "name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "format": "csv",
                "mediatype": "text/csv", "encoding": "utf-8", "schema": f"{SCHEMAS}/{VERSION}/{name}-table-schema.json",
            }
            for name in TABLES
        ],
        "profile": f"{SCHEMAS}/{VERSION}/camtrap-dp-profile.json",
        "name": _name(facts, request),
        "id": request.citation or request.name,
        "created": request.created,
        "title": f"Camera traps, download {request.name}",
        "contributors": [{"title": "biodata", "role": "publisher"}],
        "description": _description(facts, request, parts, deployments),
        "version": facts.release,
        "sources": [{"title": d.citation or d.title or d.key or "Records of no dataset"} for d in facts.datasets],
        "licenses": [
            _licence(facts.license, "data"),
            _licence(strictest(spelt(text) for text in sorted(parts.licences)), "media"),
        ],
        "bibliographicCitation": request.cite_as(facts),
        "project": {
            "title": "; ".join(d.title or d.key or "Records of no dataset" for d in facts.datasets) or "No records",
            "description": "The standard asks for a sampling design and a way of capturing; what is written here of them is "
            "not told by the records.",
            "samplingDesign": "opportunistic",
            "captureMethod": ["activityDetection"],
            "individualAnimals": parts.individuals > 0,
            "observationLevel": ["event"],
        },
        "spatial": {"type": "Polygon", "coordinates": _ring(deployments)},
        "temporal": _temporal(deployments, request.created),
        "taxonomic": [_taxon(row) for row in taxa.iter_rows(named=True)] if taxa is not None else [],
    }  # fmt: skip


def _name(facts: Facts, request: ExportRequest) -> str:
    """Return the package's name: that of the one dataset that it is of, so that it comes in as this again."""
    key = facts.datasets[0].key if len(facts.datasets) == 1 else None
    fits = key is not None and re.fullmatch(r"[a-z0-9._-]+", key)
    return key if key and fits else re.sub(r"[^a-z0-9._-]+", "-", f"biodata-{request.name}".lower())


def _counted(facts: Facts, parts: _Parts, deployments: pl.DataFrame) -> str:
    """Return how much is in the package, and how much of what was asked for is not."""
    others = deployments.filter(cameras.stand_in()).height
    text = f"{parts.count} observations and {deployments.height - others} deployments of camera traps are in it."
    if others:
        text += f" {others} rows of deployments.csv are none: they stand for the cell and the year of observations whose camera is not told."
    reasons = ", ".join(f"{parts.left_out[name]} {name}" for name in rows_of.LEFT_OUT if parts.left_out[name])
    left_out = sum(parts.left_out.values())
    return f"{text} {left_out} of {facts.rows} records are left out: {reasons}." if left_out else text


def _description(facts: Facts, request: ExportRequest, parts: _Parts, deployments: pl.DataFrame) -> str:
    """Return what is to be known of the package."""
    lines = [
        f"{_counted(facts, parts, deployments)} From release {facts.release} of biodata.",
        f"Asked for: {request.asked_text()}.",
        facts.generalisation(),
        "Of a camera its model and how it stood, of an observation its behaviour and who classified it are not published; "
        "identifiers of media are made from their addresses, and their time is when the first observation with them began.",
        f"Deployments of the group {EFFORT_UNKNOWN} last from their first to their last published observation, or a year: no "
        "effort is to be read from them.",
        _without_observations(deployments),
        in_words(set(facts.labels)) if facts.labels else "",
        *(f"{d.title or d.key} rests on {'; '.join(request.permits_of(d.key))}." for d in facts.datasets
          if request.permits_of(d.key)),
    ]  # fmt: skip
    return " ".join(part for part in lines if part)


def _without_observations(deployments: pl.DataFrame) -> str:
    """Return how a reader knows the deployments none of whose observations name them; nothing where there are none."""
    if not (count := deployments.filter(cameras.apart()).height):
        return ""
    return (
        f"Deployments of the group {OBSERVATIONS_APART} ({count}) were made coarse: which observations are theirs is not told, "
        "and some may be left out. Leave these deployments out where absence, detection or rates are counted."
    )


def _licence(name: str, scope: str) -> dict[str, str]:
    """Return a licence as data packages tell it."""
    words, address = LICENCES[name]
    found = {"name": _NAMES.get(name, re.sub(r"[^A-Za-z0-9._-]+", "-", name)), "title": words, "scope": scope}
    return found | ({"path": address} if address else {})


def _ring(deployments: pl.DataFrame) -> Sequence[Sequence[Sequence[float]]]:
    """Return the box around the published places; nothing where there are none."""
    if deployments.is_empty():
        return []
    west, east, south, north = deployments.select(
        pl.col("decimalLongitude").min().alias("west"),
        pl.col("decimalLongitude").max().alias("east"),
        pl.col("decimalLatitude").min().alias("south"),
        pl.col("decimalLatitude").max().alias("north"),
    ).row(0)
    if west == east:
        west, east = west - _EDGE, east + _EDGE
    if south == north:
        south, north = south - _EDGE, north + _EDGE
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _temporal(deployments: pl.DataFrame, created: str) -> dict[str, str]:
    """Return the first and the last day; the day of making where there is none."""
    if deployments.is_empty():
        return {"start": created[:10], "end": created[:10]}
    return {"start": deployments.sort("start_at")["start"][0][:10], "end": deployments.sort("end_at")["end"][-1][:10]}


def _taxon(row: dict[str, Any]) -> dict[str, str]:
    """Return a taxon as the package lists it."""
    rank = (row["taxonRank"] or "").lower()
    above = {name: row[name] for name in _ABOVE if row[name]}
    return {"scientificName": row["name"], **({"taxonRank": rank} if rank in _RANKS else {}), **above}
