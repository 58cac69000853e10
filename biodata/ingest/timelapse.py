"""CSV files that Timelapse exports: a row a picture, with the tags of the project's own template.

`RootFolder`, `File`, `RelativePath`, `DateTime` and `DeleteFlag` are Timelapse's, https://timelapse.ucalgary.ca; tags are known by
their headings. The folder below the root is the deployment. Its place comes from tags or from a CSV file of deployments beside it.
Columns that are no known tag, such as who looked at the pictures, are not taken in.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.ingest import camera_traps
from biodata.ingest.camera_traps import refused
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.several_files import Part, dataset_of, parts
from biodata.ingest.table_headings import open_table
from biodata.ingest.tables import check_options
from biodata.ingest.timelapse_tags import TAGS, deployments_of, plain, tagged, why_left_out

_OPTIONS: Final = frozenset({"encoding"})
_OWN: Final = ("file", "relativepath")
"""Headings that tell a table of Timelapse, in small letters."""

_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y %H:%M:%S")
"""How Timelapse writes times, today and in older versions."""


class TimelapseSource:
    """Pictures that were looked through with Timelapse.

    Parameters
    ----------
    paths : sequence of Path
        CSV files of Timelapse and, beside them, a CSV file of deployments (`deploymentID`, `latitude`, `longitude`,
        `deploymentStart`, `deploymentEnd`; `deploymentID` or `folder` is the folder below the root); or a folder or zip of them.
    dataset : str, optional
        Key of the dataset; made of the file's or folder's name where nothing is given.
    options : mapping
        `encoding`, where the files' is not found.
    """

    name: ClassVar[str] = "timelapse"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no file was given"
            raise InputError(problem, expected="CSV files of Timelapse", code="INPUT_MISSING")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress
        self.options = check_options(options, _OPTIONS)

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the deployments as events, then over the animals of each of Timelapse's files."""
        found = parts(self.paths, suffixes=(".csv",))
        opened = [(part, self._headings(part)) for part in found]
        pictures = [part for part, headings in opened if set(_OWN) <= {plain(h) for h in headings}]
        tables = [part for part, _ in opened if part not in pictures]
        if not pictures:
            problem = "this is no table of Timelapse: a column is missing"
            part = found[0]
            raise InputError(problem, file=part.file, row=1, column="RelativePath", code="HEADING_MISSING")
        dataset = DatasetInfo(self.dataset or dataset_of(self.paths))
        if tables:
            made = [camera_traps.deployment_table(part, dataset, self.options) for part in tables]
        else:
            made = [self._events_of_pictures(part, dataset) for part in pictures]
        places = pl.concat([events for _, events in made], how="diagonal").unique(
            "eventID", keep="first", maintain_order=True
        )
        for table, _ in made:
            yield table
        for part in pictures:
            yield self._animals(part, places, dataset, asked=bool(tables))

    def _headings(self, part: Part) -> tuple[str, ...]:
        return open_table(part.open, file=part.file, options=self.options).headings

    def _events_of_pictures(self, part: Part, dataset: DatasetInfo) -> tuple[VerbatimTable, pl.DataFrame]:
        """Return the folders of a file as events: from the first to the last picture, whatever is on them."""
        told: list[pl.DataFrame] = []
        for batch in self._open(part).batches:
            frame = tagged(batch).with_columns(
                moment=pl.coalesce(pl.col("at").str.to_datetime(form, strict=False, time_unit="us") for form in _FORMS)
            )
            told.append(
                frame.group_by("folder", maintain_order=True).agg(
                    pl.col("source_row").first(),
                    pl.col("at", "moment").sort_by("moment", nulls_last=True).first().name.prefix("first_"),
                    pl.col("at", "moment").sort_by("moment").last().name.prefix("last_"),
                    pl.col("latitude", "longitude").drop_nulls().first(),
                )
            )
        moments, texts = ("first_moment", "last_moment"), ("folder", "first_at", "last_at", "latitude", "longitude")
        empty = pl.DataFrame(
            schema=pl.Schema(
                {"source_row": pl.Int64()}
                | dict.fromkeys(texts, pl.String())
                | dict.fromkeys(moments, pl.Datetime("us"))
            )
        )
        put = (
            pl.concat([empty, *told], how="diagonal")
            .group_by("folder", maintain_order=True)
            .agg(
                pl.col("source_row").first(),
                pl.col("first_at").sort_by("first_moment", nulls_last=True).first(),
                pl.col("last_at").sort_by("last_moment").last(),
                pl.col("latitude", "longitude").drop_nulls().first(),
            )
            .drop_nulls("folder")
        )
        events = put.select(
            pl.lit(part.file).alias("source_file"),
            "source_row",
            pl.col("folder").alias("eventID"),
            pl.col("latitude").alias("decimalLatitude"),
            pl.col("longitude").alias("decimalLongitude"),
            camera_traps.interval(pl.col("first_at"), pl.col("last_at")).alias("eventDate"),
        ).with_columns(camera_traps.as_events())
        note = (
            f"{part.file}: no table of deployments is beside it, so each folder is a deployment from its first to its last "
            "picture: the camera may have stood longer"
        )
        return (
            VerbatimTable(kind="events", name=part.file, dataset=dataset, batches=iter([events]), notes=[note]),
            events,
        )

    def _open(self, part: Part) -> delimited.Delimited:
        return open_table(part.open, file=part.file, options=self.options, of_people=True, without_blank=True)

    def _animals(self, part: Part, places: pl.DataFrame, dataset: DatasetInfo, *, asked: bool) -> VerbatimTable:
        """Return the animals of a file; where a table of deployments is `asked`, a folder that it lacks is refused."""
        table = self._open(part)
        known = {tag for tag, names in TAGS.items() if {plain(h) for h in table.headings} & set(names)}
        if "name" not in known and "vernacular" not in known:
            problem = "no column tells what is on the pictures"
            raise InputError(
                problem, file=part.file, row=1, column="Species", expected="such as Species", code="HEADING_MISSING"
            )
        if not {"at", "day"} & known:
            problem = "no column tells when pictures were taken"
            raise InputError(problem, file=part.file, row=1, column="DateTime", code="HEADING_MISSING")
        refusals = table.refusals
        taken = {h for h in table.headings if any(plain(h) in names for names in TAGS.values())}
        others = [h for h in table.headings if h not in taken]
        notes = [f"{part.file}: columns that are no known tag are not taken in: {', '.join(others)}"] if others else []
        images: list[pl.DataFrame] = []
        return VerbatimTable(
            kind="occurrences",
            name=part.file,
            dataset=dataset,
            batches=_batches(table, places, part.file, refusals, images, asked=asked),
            refusals=refusals,
            images=images,
            notes=notes,
            headings={
                "scientificName": next(h for h in table.headings if plain(h) in TAGS["name"] + TAGS["vernacular"])
            },
        )


def _batches(
    table: delimited.Delimited, places: pl.DataFrame, file: str, refusals: list[Refusal], images: list[pl.DataFrame],
    *, asked: bool,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Yield the animals; everything else becomes a refusal, of blanks and the like with when it was made in `images`."""
    seen = pl.Series([], dtype=pl.UInt64)
    folders = deployments_of(places)
    for batch in table.batches:
        frame = tagged(batch)
        alike = frame.select(
            pl.struct("folder", "file", "name", "vernacular", "sex", "stage", "count", "individual").hash()
        )
        picture = alike.to_series()
        again = picture.is_in(seen.implode()) | ~picture.is_first_distinct()
        seen = pl.concat([seen, picture])
        frame = frame.join(folders, on="folder", how="left", maintain_order="left")
        marked = frame.with_columns(code=why_left_out(again, asked=asked))
        out = marked.filter(pl.col("code").is_not_null())
        told = out.with_columns(value=pl.coalesce("name", "vernacular", "folder"))
        refusals.extend(refused(told, file=file, column=None))
        moment = pl.coalesce(pl.col("at").str.to_datetime(form, strict=False, time_unit="us") for form in _FORMS)
        dated = out.with_columns(told=moment.dt.strftime("%Y-%m-%dT%H:%M:%S")).drop_nulls(["told", "deployment"])
        images.append(camera_traps.moments(dated, event="deployment", told="told"))
        yield _occurrences(marked.filter(pl.col("code").is_null()), places, file)


def _occurrences(frame: pl.DataFrame, places: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return animals under Darwin Core's terms, with where their camera stood."""
    told = [name for name in camera_traps.OF_DEPLOYMENT if name in places.columns]
    stood = places.select(pl.col("eventID").alias("deployment"), *told)
    joined = frame.join(stood, on="deployment", how="left", maintain_order="left")
    own = {"decimalLatitude": "latitude", "decimalLongitude": "longitude"}
    whole = pl.all_horizontal(pl.col("latitude", "longitude").is_not_null())
    place = [
        pl.when(whole).then(pl.col(tag)).otherwise(pl.col(term) if term in told else None).alias(term)
        for term, tag in own.items()
    ]
    return joined.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        pl.concat_str(
            "folder",
            "file",
            pl.coalesce("name", "vernacular"),
            "sex",
            "stage",
            "individual",
            separator="#",
            ignore_nulls=True,
        ).alias("occurrenceID"),
        pl.coalesce("deployment", "folder").alias("parentEventID"),
        pl.coalesce("name", "vernacular").alias("scientificName"),
        pl.when(pl.col("name").is_not_null()).then("vernacular").alias("vernacularName"),
        pl.col("count").alias("individualCount"),
        "sex",
        pl.col("stage").alias("lifeStage"),
        "behavior",
        pl.col("individual").alias("organismID"),
        pl.col("remarks").alias("occurrenceRemarks"),
        pl.col("at").alias("eventDate"),
        *place,
        *(name for name in told if name not in own),
        pl.lit(camera_traps.BASIS).alias("basisOfRecord"),
        pl.lit(camera_traps.PROTOCOL).alias("samplingProtocol"),
    )
