"""Downloads of Wildlife Insights: projects, cameras, deployments, and images or sequences, as CSV in a folder or a zip.

Columns after the platform's data dictionaries, https://www.wildlifeinsights.org/get-started/data-download. Deployments become
events; images of people and vehicles, blanks, and what nobody has named yet are left out and counted. Names and addresses of
people (`recorded_by`, `identified_by`, `project_admin` …) and the addresses of images are never read.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.ingest import camera_traps
from biodata.ingest.camera_traps import refused
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable
from biodata.ingest.table_headings import open_table
from biodata.ingest.tables import Part, dataset_of, needs, parts, whole_table

_WORKING: Final = "camera functioning"
_MACHINE: Final = r"(?i)^\s*(computer\s*vision|cv|ai)\b"
_SIGNS: Final = MappingProxyType(
    {
        "images": (("image_id",), ("deployment_id",)),
        "sequences": (("sequence_id",), ("deployment_id",)),
        "deployments": (("deployment_id",), ("start_date", "end_date", "latitude", "longitude", "placename")),
        "cameras": (("camera_id",), ("make", "model", "serial_number")),
        "projects": (("project_id",), ("project_name", "project_admin", "metadata_license")),
    }
)
"""Table of a download → columns of which it has one of each group; the first that fits, for later ones are stated less surely."""
_RANKS: Final = ("class", "order", "family", "genus")
_SEEN: Final = (
    "deployment_id", "is_blank", "identified_by", *_RANKS, "species", "common_name", "uncertainty", "age", "sex",
    "individual_id", "behavior", "markings", "cv_confidence", "fuzzed", "sequence_id",
)  # fmt: skip
"""Columns that images and sequences share and that are read."""
_IMAGE: Final = ("image_id", "timestamp", "number_of_objects")
_SEQUENCE: Final = ("start_time", "end_time", "group_size")
_HEADINGS: Final = MappingProxyType(
    {
        "parentEventID": "deployment_id", "vernacularName": "common_name", "lifeStage": "age", "organismID": "individual_id",
        "classificationProbability": "cv_confidence", "scientificName": "species",
    }
)  # fmt: skip
"""Term of a record → the column that it comes from, where that is called otherwise."""
_OF_DEPLOYMENT: Final = (
    "bait_type", "feature_type", "quiet_period", "camera_functioning", "sensor_height", "sensor_orientation",
    "plot_treatment", "detection_distance", "event_name", "event_type", "subproject_name",
)  # fmt: skip
"""Columns of deployments that stay beside the event's terms."""


class WildlifeInsightsSource(Source):
    """Tables that Wildlife Insights lets one download.

    Parameters
    ----------
    paths : sequence of Path
        A zip or a folder with `deployments.csv`, `images.csv` or `sequences.csv`, and `projects.csv` and `cameras.csv` where
        they are; or these files.
    dataset : str, optional
        Key of the dataset; the project's `project_id` where nothing is given and there is one project.
    options : mapping
        `encoding`, where the files' is not found.
    """

    name: ClassVar[str] = "wildlife-insights"
    reads: ClassVar[str] = "a zip or folder of Wildlife Insights"
    known_options: ClassVar[frozenset[str]] = frozenset({"encoding"})

    def _read_options(self) -> None:
        self._unread: list[Refusal] = []
        """Rows of projects and cameras that cannot be read: a licence may be lost with one."""

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the deployments as events, then over the animals of each table of images or sequences."""
        found = parts(self.paths, suffixes=(".csv",))
        by_name: dict[str, list[Part]] = {}
        for part in found:
            by_name.setdefault(self._kind(part), []).append(part)
        if "deployments" not in by_name or not ({"images", "sequences"} & set(by_name)):
            lacking = "deployments.csv" if "deployments" not in by_name else "images.csv or sequences.csv"
            problem = "a table of the download is missing"
            file = ", ".join(path.name for path in self.paths)
            raise InputError(problem, file=file, expected=lacking, code="TABLE_MISSING")
        projects = self._projects(by_name.get("projects", []))
        dataset = _dataset(projects, self.dataset, dataset_of(self.paths))
        tables = [self._deployments(part, by_name.get("cameras", []), dataset) for part in by_name["deployments"]]
        places = pl.concat([events for _, events in tables], how="diagonal").unique(
            "eventID", keep="first", maintain_order=True
        )
        tables[0][0].refusals.extend(self._unread)
        for table, _ in tables:
            yield table
        for part in (*by_name.get("sequences", []), *by_name.get("images", [])):
            yield self._animals(part, places, projects, dataset)

    def _kind(self, part: Part) -> str:
        """Tell which table of a download a file is: by its headings, by its name where those do not say; empty for none."""
        headings = {h.strip() for h in open_table(part.open, file=part.file, options=self.options).headings}
        by_headings = (kind for kind, signs in _SIGNS.items() if all(headings & set(group) for group in signs))
        by_name = (kind for kind in _SIGNS if kind in part.name)
        return next(by_headings, None) or next(by_name, "")

    def _whole(self, part: Part) -> pl.DataFrame:
        frame, _, refusals = whole_table(part, self.options)
        self._unread += refusals
        return frame

    def _projects(self, found: Sequence[Part]) -> pl.DataFrame:
        """Return the projects: their id, name and licence of metadata; nothing of the people in charge."""
        names = ("project_id", "project_name", "metadata_license", "country_code")
        frames = [_with(self._whole(part), names).select(names) for part in found]
        empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        return pl.concat([empty, *frames]).unique("project_id", keep="first", maintain_order=True)

    def _deployments(
        self, part: Part, cameras: Sequence[Part], dataset: DatasetInfo
    ) -> tuple[VerbatimTable, pl.DataFrame]:
        """Return the table of deployments as events, and these."""
        frame, headings, refusals = whole_table(part, self.options)
        needs(headings, ("deployment_id", "latitude", "longitude", "start_date", "end_date"), file=part.file,
              what="Wildlife Insights' deployments")  # fmt: skip
        events = camera_traps.deployment_events(frame, file=part.file)
        entries = [name for name in _OF_DEPLOYMENT if name in headings]
        failed = _with(frame, ("camera_functioning",)).select(
            eventRemarks=pl.when(pl.col("camera_functioning").str.to_lowercase() != _WORKING).then(
                pl.lit("The camera failed: ") + pl.col("camera_functioning")
            )
        )
        events = pl.concat([events, frame.select(entries), failed], how="horizontal").with_columns(
            pl.lit("WGS84").alias("geodeticDatum")
        )
        if "cameraID" in events.columns:
            events = events.join(self._models(cameras), on="cameraID", how="left", maintain_order="left")
        events, again = camera_traps.first_refused(events, frame, file=part.file, column="deployment_id")
        failures = events["eventRemarks"].drop_nulls().len()
        notes = [
            f"{part.file}: {failures} deployments whose camera failed; from when is not told, so nothing is taken off"
        ]
        taken = {
            "deployment_id",
            "project_id",
            *entries,
            *(h for hs in camera_traps.DEPLOYMENT_COLUMNS.values() for h in hs),
        }
        return (
            VerbatimTable(
                kind="events",
                name=part.file,
                dataset=dataset,
                batches=iter([events]),
                refusals=[*refusals, *again],
                headings=camera_traps.deployment_headings(frame),
                findings=list(camera_traps.period_findings(frame, file=part.file)),
                notes=[*(notes if failures else []), *camera_traps.left_out_columns(part.file, headings, taken, frame)],
            ),
            events,
        )

    def _models(self, found: Sequence[Part]) -> pl.DataFrame:
        """Return the cameras with make and model."""
        names = ("camera_id", "make", "model")
        frames = [_with(self._whole(part), names).select(names) for part in found]
        empty = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        return (
            pl.concat([empty, *frames])
            .drop_nulls("camera_id")
            .unique("camera_id", keep="first", maintain_order=True)
            .select(
                cameraID="camera_id",
                cameraModel=_unless_empty(pl.concat_str("make", "model", separator="-", ignore_nulls=True)),
            )
        )

    def _animals(self, part: Part, places: pl.DataFrame, projects: pl.DataFrame, dataset: DatasetInfo) -> VerbatimTable:
        """Return the animals of a table of images or sequences, batch by batch."""
        table = open_table(part.open, file=part.file, options=self.options, of_people=True, without_blank=True)
        identifier = "image_id" if "image_id" in table.headings else "sequence_id"
        time = "timestamp" if identifier == "image_id" else "start_time"
        needs(table.headings, ("deployment_id", identifier, time, "genus", "species"), file=part.file,
              what="Wildlife Insights' images or sequences")  # fmt: skip
        licence = projects["metadata_license"][0] if projects.height == 1 else None
        refusals = table.refusals
        images: list[pl.DataFrame] = []

        def batches() -> Iterator[pl.DataFrame]:
            seen: dict[str, int] = {}
            known: set[int] = set()
            for batch in table.batches:
                frame = _with(batch, (*_SEEN, *_IMAGE, *_SEQUENCE)).with_columns(
                    pl.col("deployment_id").str.strip_chars()
                )
                alike = frame.select(pl.struct(pl.exclude("source_row")).hash()).to_series()
                again = alike.is_in(list(known)) | ~alike.is_first_distinct() if known else ~alike.is_first_distinct()
                known.update(alike)
                marked = frame.with_columns(code=_codes(places, again))
                out = marked.filter(pl.col("code").is_not_null())
                images.append(camera_traps.moments(out, event="deployment_id", told=time))
                lost = pl.col("code") == "DEPLOYMENT_UNKNOWN"
                named = pl.coalesce("common_name", "species", "genus", "is_blank")
                refusals.extend(
                    refused(out.filter(~lost).with_columns(value=named), file=part.file, column="common_name")
                )
                of_none = out.filter(lost).with_columns(value="deployment_id")
                refusals.extend(refused(of_none, file=part.file, column="deployment_id"))
                kept = marked.filter(pl.col("code").is_null()).drop("code")
                yield _occurrences(_numbered(kept, identifier, seen), places, part.file, licence)

        return VerbatimTable(
            kind="occurrences", name=part.file, dataset=dataset, batches=batches(), images=images, refusals=refusals,
            headings={**_HEADINGS, "occurrenceID": identifier, "eventDate": time,
                      "individualCount": "number_of_objects" if time == "timestamp" else "group_size"},
        )  # fmt: skip


def _dataset(projects: pl.DataFrame, text: str | None, else_called: str) -> DatasetInfo:
    """Return what is stated of the dataset."""
    only = projects.row(0, named=True) if projects.height == 1 else {}
    return DatasetInfo(
        text or only.get("project_id") or else_called,
        title=only.get("project_name"),
        license=only.get("metadata_license"),
    )


def _with(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return a frame that has these columns, empty where they were not there."""
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(n) for n in names if n not in frame.columns)


def _unless_empty(text: pl.Expr) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(text.str.strip_chars() != "").then(text.str.strip_chars())


def _codes(places: pl.DataFrame, again: pl.Series) -> pl.Expr:
    """Return why rows are left out; null for an animal that has a name."""
    name = pl.concat_str("genus", "species", separator=" ", ignore_nulls=True)
    by_name = [camera_traps.why_left_out(column) for column in (name, pl.col("common_name"), *map(pl.col, _RANKS))]
    ranks = [pl.col(column).str.strip_chars().str.to_lowercase() for column in _RANKS]
    primate = pl.any_horizontal(rank.is_in(["hominidae", "homo"]) for rank in ranks).fill_null(value=False)
    nothing = pl.all_horizontal(pl.col(column).is_null() for column in (*_RANKS, "species"))
    return pl.coalesce(
        pl.when(pl.col("is_blank").str.to_lowercase().is_in(["1", "true", "yes"])).then(pl.lit("BLANK_LEFT_OUT")),
        pl.when(
            primate & (pl.col("species").str.to_lowercase().eq_missing("sapiens") | pl.col("genus").is_null())
        ).then(pl.lit("PERSON_LEFT_OUT")),
        *by_name,
        pl.when(nothing).then(pl.lit("UNCLASSIFIED_LEFT_OUT")),
        pl.when(~pl.col("deployment_id").is_in(places["eventID"].implode()).fill_null(value=False)).then(
            pl.lit("DEPLOYMENT_UNKNOWN")
        ),
        pl.when(pl.lit(again)).then(pl.lit("PICTURE_REPEATED")),
    )


def _numbered(frame: pl.DataFrame, identifier: str, seen: dict[str, int]) -> pl.DataFrame:
    """Add `occurrenceID`: the image's or sequence's, with a number from its second animal on."""
    numbers = []
    for stated in frame[identifier]:
        seen[stated] = seen.get(stated, 0) + 1
        numbers.append(seen[stated])
    number = pl.Series("number", numbers, dtype=pl.Int64)
    return frame.with_columns(number).with_columns(
        occurrenceID=pl.when(pl.col("number") > 1)
        .then(pl.format("{}#{}", identifier, "number"))
        .otherwise(pl.col(identifier))
    )


def _occurrences(frame: pl.DataFrame, places: pl.DataFrame, file: str, licence: str | None) -> pl.DataFrame:
    """Return animals under Darwin Core's terms, with where their camera stood."""
    entries = [name for name in camera_traps.OF_DEPLOYMENT if name in places.columns]
    joined = frame.join(
        places.select(pl.col("eventID").alias("deployment_id"), *entries),
        on="deployment_id",
        how="left",
        maintain_order="left",
    )
    species = pl.when(pl.col("genus").is_not_null() & pl.col("species").is_not_null()).then(
        pl.concat_str("genus", "species", separator=" ")
    )
    by_machine = pl.when(pl.col("identified_by").str.contains(_MACHINE)).then(pl.lit("machine"))
    method = by_machine.otherwise(pl.when(pl.col("identified_by").is_not_null()).then(pl.lit("human")))
    fuzzed = pl.col("fuzzed").str.to_lowercase().is_in(["1", "true", "yes"])
    return joined.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        "occurrenceID",
        pl.col("sequence_id").alias("eventID"),
        pl.col("deployment_id").alias("parentEventID"),
        pl.coalesce(species, "genus", "family", "order", "class").alias("scientificName"),
        pl.lit("Animalia").alias("kingdom"),
        *_RANKS,
        pl.when(species.is_null())
        .then(
            pl.coalesce(
                *(
                    pl.when(pl.col(rank).is_not_null()).then(pl.lit(rank))
                    for rank in ("genus", "family", "order", "class")
                )
            )
        )
        .alias("taxonRank"),
        pl.col("common_name").alias("vernacularName"),
        pl.coalesce("number_of_objects", "group_size").alias("individualCount"),
        pl.col("age").alias("lifeStage"),
        "sex",
        pl.col("individual_id").alias("organismID"),
        "behavior",
        camera_traps.interval(pl.coalesce("timestamp", "start_time"), pl.col("end_time")).alias("eventDate"),
        *entries,
        pl.lit(camera_traps.BASIS).alias("basisOfRecord"),
        pl.lit(camera_traps.PROTOCOL).alias("samplingProtocol"),
        *camera_traps.machine_word(method, pl.lit("Wildlife Insights"), pl.col("cv_confidence")),
        method.alias("classificationMethod"),
        pl.when(fuzzed).then(pl.lit("Wildlife Insights fuzzed the coordinates.")).alias("dataGeneralizations"),
        pl.lit(licence, dtype=pl.String).alias("license"),
    )
