"""Camera-trap data packages (Camtrap DP 1.x): deployments as events, and the animals that were seen.

Required fields: https://camtrap-dp.tdwg.org/data/. Rows are set beside the standard's schemas (`formats.camtrapdp`). Images
of people are left out, and so are blanks and vehicles: they are counted as refused with that reason. Names of the people who
set up cameras or classified pictures are not taken in. Where the animals of an event are stated for the event and again for
each picture, the rows of the event are taken.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import polars as pl

from biodata.core import terms
from biodata.formats.camtrapdp import (
    DESCRIPTOR,
    EFFORT_UNKNOWN,
    PLACE_GENERALISED,
    ZONE_UNKNOWN,
    Package,
    moment,
    open_package,
)
from biodata.ingest import camera_traps, camtrapdp_tables
from biodata.ingest.camera_traps import REASONS
from biodata.ingest.camtrapdp_sheets import Sheet, of_descriptor
from biodata.ingest.camtrapdp_tables import TAGS, has, is_own, with_tags
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable

# Deployments of a Camtrap DP package as events, with the time that a camera was silent where its pictures tell it.

_BESIDE_EVENTS: Final = (
    "timestampIssues", "baitUse", "featureType", "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt",
    "cameraHeading", "detectionDistance", "deploymentGroups", "deploymentTags",
)  # fmt: skip
"""Fields that stay beside the event's terms as they came."""

TAKEN: Final = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty", "deploymentStart",
    "deploymentEnd", "cameraID", "habitat", "deploymentComments", *_BESIDE_EVENTS,
)  # fmt: skip
"""Fields that come in; `setupBy` names a person and never does."""

_SIDE: Final = r"(?:^|\|)\s*side:\s*([A-Za-z]{2})\s*(?:\||$)"
"""How a project's side is stated in deploymentGroups, the standard's place for what deployments have in common."""
_OFFSET: Final = r"([+-]\d\d:?\d\d)$"
_LONGEST_GAP_DAYS: Final = 2.0


def events_of_deployments(
    deployments: pl.DataFrame, *, file: str, package: Mapping[str, Any], media: pl.DataFrame | None
) -> pl.DataFrame:
    """Return deployments as events.

    Parameters
    ----------
    deployments : polars.DataFrame of n rows
        `source_row` and the standard's fields as text.
    file : str
        What the table is called.
    package : mapping
        The descriptor.
    media : polars.DataFrame, optional
        The package's media.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_row` and terms of events. A deployment that is tagged as being of unknown effort has no `design`
        and no method, so that nobody counts trap-nights of it.
    """
    frame = camera_traps.deployment_events(deployments, file=file)
    entries = [name for name in _BESIDE_EVENTS if name in deployments.columns]
    comments = (
        [pl.col("deploymentComments").alias("eventRemarks")] if "deploymentComments" in deployments.columns else []
    )
    if "deploymentGroups" in deployments.columns:
        comments.append(pl.col("deploymentGroups").str.extract(_SIDE).str.to_uppercase().alias("side"))
    frame = pl.concat([frame, deployments.select(*comments, *entries)], how="horizontal").with_columns(
        pl.lit("WGS84").alias("geodeticDatum"),
        pl.lit(_scope(package), dtype=pl.String).alias("targetTaxonomicScope"),
    )
    if TAGS in entries:
        dated = ~has(EFFORT_UNKNOWN)
        frame = frame.with_columns(pl.when(dated).then(name).alias(name) for name in ("design", "samplingProtocol"))
    if is_own(deployments):
        obscured = pl.col("eventRemarks") if "eventRemarks" in frame.columns else pl.lit(None, pl.String)
        # The effort has the failures taken off already: silences between pictures are not looked for.
        return with_tags(frame).with_columns(dataGeneralizations=pl.when(has(PLACE_GENERALISED)).then(obscured))
    silent = silences(deployments, media) if media is not None else None
    if silent is None or silent.is_empty():
        return frame
    return frame.join(silent, on="eventID", how="left", maintain_order="left")


def silences(deployments: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return when cameras made no picture though a time lapse was set.

    Parameters
    ----------
    deployments, media : polars.DataFrame
        The package's tables, as text.

    Returns
    -------
    polars.DataFrame
        `eventID` and `failurePeriods`, intervals joined by `|`, of deployments with silences.

    Notes
    -----
    A camera that takes a picture at fixed times, once a day or more often (half of the steps between its time-lapse
    pictures are no longer than a day), shows by them that it works. More than two days without any picture, between two of
    them or after the last one, is silence. Where time-lapse pictures are few (under five), nothing is concluded.
    """
    if "captureMethod" not in media.columns or "timestamp" not in media.columns:
        return pl.DataFrame(schema={"eventID": pl.String, "failurePeriods": pl.String})
    ends = deployments.select(
        "deploymentID", start=moment("deploymentStart"), stop=moment("deploymentEnd"), zone="deploymentStart"
    )
    table = media.select("deploymentID", "captureMethod", at=moment("timestamp")).drop_nulls("at").sort("at")
    lapse = (
        table.filter(pl.col("captureMethod") == "timeLapse")
        .group_by("deploymentID")
        .agg(step=pl.col("at").diff().median().dt.total_seconds(), count=pl.len())
        .filter((pl.col("count") >= 5) & (pl.col("step") <= 86_400))
        .select("deploymentID")
    )
    moments = pl.concat(
        [
            table.select("deploymentID", "at"),
            ends.select("deploymentID", at="start"),
            ends.select("deploymentID", at="stop"),
        ]
    ).join(ends, on="deploymentID")
    gaps = (
        moments.join(lapse, on="deploymentID", how="semi")
        .filter((pl.col("at") >= pl.col("start")) & (pl.col("at") <= pl.col("stop")))
        .sort("deploymentID", "at")
        .with_columns(before=pl.col("at").shift(1).over("deploymentID"))
        .filter((pl.col("at") - pl.col("before")) > pl.duration(days=_LONGEST_GAP_DAYS))
    )
    shift = pl.col("zone").str.extract(_OFFSET).str.replace(":", "")
    hours = shift.str.slice(1, 2).cast(pl.Int64) * 60 + shift.str.slice(3, 2).cast(pl.Int64)
    minutes = pl.when(shift.str.starts_with("-")).then(-hours).otherwise(hours).fill_null(0)
    written = [
        (pl.col(name) + pl.duration(minutes=minutes)).dt.strftime("%Y-%m-%dT%H:%M:%S") for name in ("before", "at")
    ]
    offset = pl.col("zone").str.extract(r"(Z|[+-]\d\d:?\d\d)$").fill_null("")
    return (
        gaps.with_columns(period=pl.concat_str(written[0], offset, pl.lit("/"), written[1], offset))
        .group_by("deploymentID", maintain_order=True)
        .agg(failurePeriods=pl.col("period").str.join("|"))
        .rename({"deploymentID": "eventID"})
    )


def _scope(package: Mapping[str, Any]) -> str | None:
    """Return the taxa that were looked for: the package's list where cameras were set off by what moves."""
    project, listed = package.get("project"), package.get("taxonomic")
    methods = project.get("captureMethod") if isinstance(project, dict) else None
    methods = methods if isinstance(methods, list) else [methods]
    if "activityDetection" not in methods or not isinstance(listed, list):
        return None
    names = [taxon.get("scientificName") for taxon in listed if isinstance(taxon, dict)]
    values = pl.Series([name for name in names if isinstance(name, str) and name.strip()], dtype=pl.String)
    animals = values.to_frame("name").filter(camera_traps.why_left_out(pl.col("name")).is_null())["name"]
    return "|".join(animals) or None


_TERMS: Final = MappingProxyType(
    {
        "observationID": "occurrenceID",
        "eventID": "eventID",
        "deploymentID": "parentEventID",
        "scientificName": "scientificName",
        "count": "individualCount",
        "lifeStage": "lifeStage",
        "sex": "sex",
        "behavior": "behavior",
        "individualID": "organismID",
        "observationComments": "occurrenceRemarks",
    }
)
"""Field of Camtrap DP → Darwin Core term, after https://tdwg.github.io/camtrap-dp/ (appendix: mapping)."""

_BESIDE: Final = (
    "observationLevel", "cameraSetupType", "individualPositionRadius", "individualPositionAngle", "individualSpeed",
    "bboxX", "bboxY", "bboxWidth", "bboxHeight", "classificationMethod", "classificationTimestamp", "observationTags",
)  # fmt: skip
"""Fields that stay beside the terms as they came; `classifiedBy` is a person's name where no machine classified."""


class CamtrapDp(Source):
    """Camtrap DP packages.

    Parameters
    ----------
    paths : sequence of Path
        A `datapackage.json`, the folder that holds one, or a zip of that folder.
    dataset : str, optional
        Key of the dataset; the package's `name` or `id` where nothing is given.
    options : mapping
        Nothing so far.
    """

    name: ClassVar[str] = "camtrapdp"
    reads: ClassVar[str] = f"a {DESCRIPTOR} or its folder"

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over two tables a package: its deployments as events, and the animals."""
        for path in self.paths:
            yield from self._read(open_package(path))

    def _read(self, package: Package) -> Iterator[VerbatimTable]:
        """Yield the tables of one package."""
        dataset = DatasetInfo(
            self.dataset or package.text("name", "id"),
            title=package.text("title"),
            license=_licence(package, "data"),
            citation=package.text("bibliographicCitation"),
        )
        deployments = Sheet(package, "deployments", self.options)
        media = Sheet(package, "media", self.options) if _has(package, "media") else None
        observations = Sheet(package, "observations", self.options)
        known = {"deployments.deploymentID": deployments.frame["deploymentID"]}
        deployments.set_beside({})
        if media is not None:
            media.set_beside(known)
            known["media.mediaID"] = media.frame["mediaID"]
        observations.set_beside(known)

        events = events_of_deployments(
            deployments.kept(), file=deployments.file, package=package.told, media=media.frame if media else None
        )
        cells = camtrapdp_tables.cells(deployments.frame)
        cameras = events.filter(~pl.col("eventID").is_in(cells.implode()))
        yield VerbatimTable(
            kind="events",
            name=package.name,
            dataset=dataset,
            batches=iter([cameras]),
            refusals=deployments.refusals,
            findings=[*of_descriptor(package), *deployments.findings],
            headings={"eventID": "deploymentID", "locality": "locationName"},
            notes=[
                *(
                    [
                        f"{len(cells)} rows of {deployments.file} are no deployments: they stand for the cell and the year of "
                        "records whose camera is not told"
                    ]
                    if len(cells)
                    else []
                ),
                *(note for sheet in (deployments, media, observations) if sheet for note in sheet.notes()),
                *camera_traps.left_out_columns(deployments.file, deployments.headings, TAKEN, deployments.frame),
            ],
        )
        own = camtrapdp_tables.is_own(deployments.frame)
        animals, images = _animals(observations, deployments)
        pictures = camtrapdp_tables.of_animals(
            animals,
            observations.frame,
            media.frame if media is not None else None,
            licence=_licence(package, "media"),
        )
        yield VerbatimTable(
            kind="occurrences",
            name=package.name,
            dataset=dataset,
            batches=iter([_occurrences(animals, events, pictures, observations.file, own=own, cells=cells)]),
            refusals=observations.refusals,
            findings=[*(media.findings if media is not None else ()), *observations.findings],
            headings={term: name for name, term in _TERMS.items() if name != term},
            images=[images],
        )


def _has(package: Package, name: str) -> bool:
    """Return whether a package names a table; a package of observations alone can be read without its media."""
    return any(isinstance(r, dict) and r.get("name") == name for r in package.told["resources"])


def _animals(observations: Sheet, deployments: Sheet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the observations of animals that are taken in, and when the others were made; refuse those with a reason."""
    frame = observations.kept().select(
        pl.all(),
        *(
            pl.lit(None, dtype=pl.String).alias(name)
            for name in ("scientificName", "observationLevel", "cameraSetupType", "eventID", "mediaID")
            if name not in observations.frame.columns
        ),
    )
    kind = pl.col("observationType")
    by_type = kind.replace_strict(
        {
            "human": "PERSON_LEFT_OUT",
            "vehicle": "VEHICLE_LEFT_OUT",
            "blank": "BLANK_LEFT_OUT",
            "unknown": "UNCLASSIFIED_LEFT_OUT",
            "unclassified": "UNCLASSIFIED_LEFT_OUT",
            "animal": None,
        },
        default="UNCLASSIFIED_LEFT_OUT",
        return_dtype=pl.String,
    )
    by_name = camera_traps.why_left_out(pl.col("scientificName"))
    for_event = _level() == "event"
    told_twice = for_event.any().over("deploymentID", "eventID") & pl.col("eventID").is_not_null()
    marked = frame.with_columns(
        code=pl.coalesce(
            by_type,
            by_name,
            pl.when(pl.col("cameraSetupType").is_not_null()).then(pl.lit("SETUP_LEFT_OUT")),
            pl.when(~pl.col("deploymentID").is_in(deployments.frame["deploymentID"].implode())).then(
                pl.lit("DEPLOYMENT_UNKNOWN")
            ),
            pl.when(~pl.col("deploymentID").is_in(deployments.kept()["deploymentID"].implode())).then(
                pl.lit("DEPLOYMENT_BLOCKED")
            ),
            pl.when((_level() == "media") & told_twice).then(pl.lit("MEDIA_LEVEL_LEFT_OUT")),
        )
    )
    out = marked.filter(pl.col("code").is_not_null())
    for code, column in (
        ("MEDIA_LEVEL_LEFT_OUT", "observationLevel"),
        ("DEPLOYMENT_UNKNOWN", "deploymentID"),
        ("DEPLOYMENT_BLOCKED", "deploymentID"),
        ("SETUP_LEFT_OUT", "cameraSetupType"),
        *((code, "observationType") for code in REASONS if code.endswith("_LEFT_OUT")),
    ):
        if code in ("MEDIA_LEVEL_LEFT_OUT", "SETUP_LEFT_OUT") and column == "observationType":
            continue
        rows = out.filter(pl.col("code") == code)
        observations.refuse(rows.with_columns(value=pl.col(column)), column)
    observations.refusals.sort(key=lambda refusal: refusal.row or 0)
    # Of a crew's picture nothing is taken but when it was made. A calibration is made at any time: it shows no end.
    setup = (pl.col("cameraSetupType").str.to_lowercase() == "setup").fill_null(value=False)
    seen = out.filter(setup | (pl.col("code") != "SETUP_LEFT_OUT")).with_columns(
        code=pl.when(setup).then(pl.lit("SETUP_LEFT_OUT")).otherwise("code")
    )
    images = camera_traps.moments(seen, event="deploymentID", told="eventStart")
    return marked.filter(pl.col("code").is_null()).drop("code"), images


def _level() -> pl.Expr:
    """Return whether a row tells of a picture or of an event; where it does not say so, by whether it names a picture.

    By the standard only observations of media have a mediaID. Taken as stated, the same animals would be counted twice.
    """
    stated = pl.col("observationLevel").str.to_lowercase()
    by_media = pl.when(pl.col("mediaID").is_not_null()).then(pl.lit("media")).otherwise(pl.lit("event"))
    return pl.when(stated.is_in(["media", "event"])).then(stated).otherwise(by_media)


def _occurrences(
    animals: pl.DataFrame, events: pl.DataFrame, pictures: pl.Series, file: str, *, own: bool, cells: pl.Series
) -> pl.DataFrame:
    """Return the animals under Darwin Core's terms, with where and how their camera stood."""
    entries = [name for name in (*camera_traps.OF_DEPLOYMENT, "dataGeneralizations") if name in events.columns]
    if own:
        entries.remove("timeZone")  # it may be one that was assumed; the records state theirs themselves
    places = events.select(pl.col("eventID").alias("deploymentID"), *entries)
    names = ("classificationMethod", "classifiedBy", "classificationProbability")
    animals = animals.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in names if name not in animals.columns
    )
    joined = animals.with_columns(pictures.alias("multimedia_extension")).join(
        places, on="deploymentID", how="left", maintain_order="left"
    )
    archived: list[str] = []
    if own:
        before = joined.columns
        joined = _as_archived(joined, cells)
        archived = [name for name in joined.columns if name not in (*before, *_BESIDE, *_TERMS)]
    end = pl.col("eventEnd") if "eventEnd" in joined.columns else pl.lit(None, dtype=pl.String)
    return joined.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        *(pl.col(name).alias(term) for name, term in _TERMS.items() if name in joined.columns),
        *entries,
        *archived,
        camera_traps.interval(pl.col("eventStart"), end).alias("eventDate"),
        pl.lit(camera_traps.BASIS).alias("basisOfRecord"),
        pl.lit(camera_traps.PROTOCOL).alias("samplingProtocol"),
        *camera_traps.machine_word(*(pl.col(name) for name in names)),
        *(name for name in _BESIDE if name in joined.columns),
        "multimedia_extension",
    )


def _as_archived(animals: pl.DataFrame, cells: pl.Series) -> pl.DataFrame:
    """Return the animals of a package that biodata wrote: of no event where their camera is not stated, in no zone if none is.

    One without a sequence is of its deployment itself. Of a cell the year is all that is stated.
    """
    in_cell = pl.col("deploymentID").is_in(cells.implode())
    single = pl.col("eventID").is_null()
    lacking = [
        name for name in (camtrapdp_tables.OBSERVATION_TAGS, "observationComments") if name not in animals.columns
    ]
    animals = animals.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)
    zoneless = pl.col("observationTags").str.contains(ZONE_UNKNOWN, literal=True).fill_null(value=False)
    ends = [name for name in ("eventStart", "eventEnd") if name in animals.columns]
    shared = camtrapdp_tables.shared(animals)
    coarse = pl.col(terms.ARCHIVED_CATEGORY).is_not_null()
    return animals.hstack(shared).with_columns(
        informationWithheld=pl.when(coarse).then("observationComments"),
        observationComments=pl.when(~coarse).then("observationComments"),
        eventID=pl.when(~in_cell).then(pl.coalesce("eventID", "deploymentID")),
        deploymentID=pl.when(~in_cell & ~single).then("deploymentID"),
        **{
            name: pl.when(in_cell)
            .then(pl.col(name).str.slice(0, 4))
            .when(zoneless)
            .then(pl.col(name).str.replace(r"(Z|[+-]\d\d:?\d\d)$", ""))
            .otherwise(name)
            for name in ends
        },
    )


def _licence(package: Package, scope: str) -> str | None:
    """Return the licence of the data or of the media; one without a scope holds for the data."""
    licences: Any = package.told.get("licenses") or ()
    for licence in licences if isinstance(licences, list) else ():
        if isinstance(licence, dict) and licence.get("scope") in ((scope, None) if scope == "data" else (scope,)):
            text = licence.get("name") or licence.get("path")
            return text if isinstance(text, str) else None
    return None
