"""What machines found on pictures: results of MegaDetector (formats 1.0-1.6) and of SpeciesNet, as machine observations.

Neither tells where and when a camera stood: a CSV file of deployments is needed beside it. A picture belongs to the deployment
whose `folder` (else whose name) is the picture's folder or stands above it. Pictures are never read, and their people and vehicles
never come in. No species is concluded from `animal`: that is a record of Animalia.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import json_stream
from biodata.ingest import camera_traps
from biodata.ingest.camera_traps import REASONS
from biodata.ingest.machine_results import Found, MegaDetector, SpeciesNet, is_score
from biodata.ingest.protocol import DatasetInfo, VerbatimTable
from biodata.ingest.several_files import Part, dataset_of, parts
from biodata.ingest.tables import check_options

MIN_SCORE: Final = 0.2
"""Below it a result is left out, where nothing else is told: what MegaDetector 5 recommends."""
_OPTIONS: Final = frozenset({"encoding", "min_score"})
_BATCH: Final = 20_000
_EXIF_TIME: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_DEPLOYMENTS_ASKED: Final = (
    "a CSV file with deploymentID, latitude, longitude, deploymentStart and deploymentEnd beside it"
)
_RANKS: Final = ("class", "order", "family", "genus")
_SCHEMA: Final = dict.fromkeys(
    (
        "picture",
        "deploymentID",
        "at",
        "scientificName",
        "taxonRank",
        "vernacularName",
        *_RANKS,
        "score",
        "model",
        "boxes",
    ),
    pl.String,
)


class DetectionsSource:
    """Results of MegaDetector or SpeciesNet, with the deployments of the cameras.

    Parameters
    ----------
    paths : sequence of Path
        JSON files of results and a CSV file of deployments (`deploymentID`, `latitude`, `longitude`, `deploymentStart`,
        `deploymentEnd`, and `folder` where pictures lie elsewhere than in a folder called as their deployment); or a folder or zip
        of them.
    dataset : str, optional
        Key of the dataset; made of the file's or folder's name where nothing is given.
    options : mapping
        `min_score`: results below it are left out and counted (0.2 where nothing is told); `encoding` of the CSV file.
    """

    name: ClassVar[str] = "detections"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no results were given"
            raise InputError(problem, expected="JSON of MegaDetector or SpeciesNet", code="INPUT_MISSING")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress
        self.options = check_options(options, _OPTIONS)
        self.min_score = _score_told(self.options.get("min_score"))

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the deployments as events, then over the animals of each file of results."""
        found = parts(self.paths, suffixes=(".json", ".csv"))
        results = [part for part in found if _is_json(part)]
        tables = [part for part in found if part not in results]
        named = ", ".join(path.name for path in self.paths)
        if not tables:
            for part in results:
                json_stream.scalars(part.open, file=part.file)
            problem = "results of a machine tell neither place nor time"
            raise InputError(problem, file=named, expected=_DEPLOYMENTS_ASKED, code="DEPLOYMENTS_MISSING")
        if not results:
            problem = "there are no results in JSON"
            raise InputError(problem, file=named, expected="JSON of MegaDetector or SpeciesNet", code="TABLE_MISSING")
        dataset = DatasetInfo(self.dataset or dataset_of(self.paths))
        events: list[pl.DataFrame] = []
        for part in tables:
            table, frame = camera_traps.deployment_table(part, dataset, self.options)
            events.append(frame)
            yield table
        places = pl.concat(events, how="diagonal").unique("eventID", keep="first", maintain_order=True)
        seen: set[str] = set()
        for part in results:
            yield self._animals(part, places, dataset, seen)

    def _animals(self, part: Part, places: pl.DataFrame, dataset: DatasetInfo, seen: set[str]) -> VerbatimTable:
        """Return the animals of a file of results; a picture that an earlier file tells of, too, is refused."""
        values, names = json_stream.scalars(part.open, file=part.file)
        if "images" in names and "predictions" not in names:
            reader: MegaDetector | SpeciesNet = MegaDetector(values, self.min_score)
        elif "predictions" in names:
            reader = SpeciesNet(values, self.min_score)
        else:
            problem = "these are no results of MegaDetector or SpeciesNet"
            raise InputError(problem, file=part.file, expected="a list images or predictions", code="TABLE_MISSING")
        version = values.get("info\nformat_version")
        if version is not None and not str(version).startswith("1."):
            problem = "results of this version of the format are not read"
            raise InputError(
                problem, file=part.file, column="info.format_version", value=str(version)[:40], expected="1.0 to 1.6",
                code="VERSION_UNKNOWN",
            )  # fmt: skip
        refusals: list[Refusal] = []
        images: list[pl.DataFrame] = []
        return VerbatimTable(
            kind="occurrences",
            name=part.file,
            dataset=dataset,
            batches=_batches(part, reader, places, refusals, seen, images),
            refusals=refusals,
            images=images,
            notes=[
                f"{part.file}: a result's row is its number in the file, not a line; results below a score of "
                f"{self.min_score:g} are left out"
            ],
        )


def _score_told(told: str | None) -> float:
    """Read the option `min_score`."""
    if told is None:
        return MIN_SCORE
    try:
        score = float(told)
    except ValueError:
        score = math.nan
    if not is_score(score):
        problem = "this is no score"
        raise InputError(
            problem, column="min_score", value=told, expected="a number from 0 to 1", code="OPTION_INVALID"
        )
    return score


def _is_json(part: Part) -> bool:
    """Tell whether a file is called JSON or begins as an object."""
    if part.name.endswith((".json", ".csv")):
        return part.name.endswith(".json")
    with part.open() as stream:
        return stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _plain(path: str) -> str:
    """Return a path with `/` and without what leads nowhere: it is only compared, never opened."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _folders(places: pl.DataFrame) -> dict[str, str]:
    """Return the deployment of each folder."""
    told = (
        places.select("eventID", "folder") if "folder" in places.columns else places.select("eventID", folder="eventID")
    )
    return {_plain(folder or event): event for event, folder in told.iter_rows()}


def _deployment(path: str, folders: Mapping[str, str]) -> str | None:
    """Return the deployment of a picture: the nearest folder above it that is one's, from the root or anywhere."""
    above = path.split("/")[:-1]
    for end in range(len(above), 0, -1):
        for start in range(end):
            found = folders.get("/".join(above[start:end]))
            if found is not None:
                return found
    return None


def _batches(
    part: Part,
    reader: "MegaDetector | SpeciesNet",
    places: pl.DataFrame,
    refusals: list[Refusal],
    seen: set[str],
    images: list[pl.DataFrame],
) -> Iterator[pl.DataFrame]:
    """Yield the animals; everything else becomes a refusal, of blanks and the like with when it was made in `images`."""
    folders = _folders(places)
    without: list[tuple[str | None, int, str | None, str]] = []

    def rows() -> Iterator[tuple[int, tuple[str | None, ...]]]:
        number = 0
        for image in json_stream.items(part.open, reader.array, file=part.file):
            told = image.get(reader.path) if isinstance(image, dict) else None
            if not isinstance(told, str) or not told.strip():
                number += 1
                refusals.append(_refusal(part.file, number, "PICTURE_INVALID", None))
                continue
            path = _plain(told)
            again, deployment = path in seen, _deployment(path, folders)
            seen.add(path)
            for found in reader.results(image):
                number += 1
                code = "PICTURE_REPEATED" if again else found.code
                if code is None and deployment is None:
                    code = "DEPLOYMENT_UNKNOWN"
                if code is not None:
                    value = path if code in ("PICTURE_REPEATED", "DEPLOYMENT_UNKNOWN") else found.value
                    refusals.append(_refusal(part.file, number, code, value))
                    without.append((deployment, number, _taken_at(image), code))
                    continue
                yield number, _row(path, deployment, _taken_at(image), found, reader.model)

    made, empty = rows(), True
    while some := list(islice(made, _BATCH)):
        empty = False
        frame = pl.DataFrame([row for _, row in some], schema=_SCHEMA, orient="row").with_columns(
            source_row=pl.Series([number for number, _ in some], dtype=pl.Int64)
        )
        yield _occurrences(frame, places, part.file)
    schema = {"deployment": pl.String, "source_row": pl.Int64, "told": pl.String, "code": pl.String}
    left_out = pl.DataFrame(without, schema=schema, orient="row").drop_nulls()
    images.append(camera_traps.moments(left_out, event="deployment", told="told"))
    if empty:
        yield _occurrences(pl.DataFrame(schema={**_SCHEMA, "source_row": pl.Int64}), places, part.file)


def _refusal(file: str, row: int, code: str, value: str | None) -> Refusal:
    """Return a result that is not taken."""
    return Refusal(file, row, None, value, code, REASONS[code])


def _taken_at(image: Mapping[str, Any]) -> str | None:
    """Return when a picture was taken, where its results tell it, as ISO 8601."""
    told = image.get("datetime")
    found = _EXIF_TIME.fullmatch(told.strip()) if isinstance(told, str) else None
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}" if found else told if isinstance(told, str) else None


def _row(path: str, deployment: str | None, at: str | None, found: Found, model: str) -> tuple[str | None, ...]:
    """Return a result as the cells of `_SCHEMA`."""
    taxon = found.taxon
    ranks = [taxon.above.get(rank) for rank in _RANKS]
    score = None if found.score is None else f"{found.score:.6g}"
    boxes = None if found.boxes is None else str(found.boxes)
    return (path, deployment, at or None, taxon.name, taxon.rank, taxon.common, *ranks, score, model, boxes)


def _occurrences(frame: pl.DataFrame, places: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return results under Darwin Core's terms, with where and when their camera stood."""
    told = [name for name in camera_traps.OF_DEPLOYMENT if name in places.columns]
    stood = places.select(pl.col("eventID").alias("deploymentID"), pl.col("eventDate").alias("stood"), *told)
    joined = frame.join(stood, on="deploymentID", how="left", maintain_order="left")
    return joined.select(
        pl.lit(file).alias("source_file"),
        "source_row",
        pl.concat_str("picture", "scientificName", separator="#").alias("occurrenceID"),
        pl.col("deploymentID").alias("parentEventID"),
        "scientificName",
        "taxonRank",
        pl.lit("Animalia").alias("kingdom"),
        *_RANKS,
        "vernacularName",
        pl.coalesce("at", "stood").alias("eventDate"),
        *told,
        pl.lit(camera_traps.BASIS).alias("basisOfRecord"),
        pl.lit(camera_traps.PROTOCOL).alias("samplingProtocol"),
        *camera_traps.machine_word(pl.lit("machine"), pl.col("model"), pl.col("score")),
        pl.lit("machine").alias("classificationMethod"),
        "boxes",
    )
