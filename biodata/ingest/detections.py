"""What machines found on pictures: results of MegaDetector (formats 1.0-1.6) and of SpeciesNet, as machine observations.

Neither tells where and when a camera stood: a CSV file of deployments is needed beside it. A picture belongs to the deployment
whose `folder` (else whose name) is the picture's folder or stands above it. Pictures are never read, and their people and vehicles
never come in. No species is concluded from `animal`: that is a record of Animalia.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, ClassVar, Final, NamedTuple, TypeGuard

import ijson
import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.ingest import camera_traps
from biodata.ingest.camera_traps import REASONS, words
from biodata.ingest.protocol import DatasetInfo, Source, VerbatimTable
from biodata.ingest.tables import Part, dataset_of, parts

# Large JSON from strangers, read item by item: memory stays flat however large a file is, and what is no JSON is stated.
MOST_ITEM_BYTES: Final = 4 << 20
"""Bytes that one item of an array may take."""
MOST_TEXT_BYTES: Final = 1 << 20
"""Bytes without a quotation mark: the longest text or number."""
MOST_VALUES: Final = 20_000
"""Values beside the array that is read item by item."""
MOST_LEVELS: Final = 100
"""Arrays and objects in each other. What builds items remembers the path of each level: 50,000 of them took 6 GB."""
_BLOCK: Final = 64 << 10


class _Watched:
    """A stream of JSON that ends with an error where a single item or text is too large."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self.stream, self.file = stream, file
        self.since_item = self.since_quote = 0
        self.counts_items = False

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; none where none are asked for, as ijson does to see of what kind they are."""
        if size == 0:
            return b""
        block = self.stream.read(min(size, _BLOCK) if size > 0 else _BLOCK)
        last = block.rfind(b'"')
        self.since_quote = self.since_quote + len(block) if last < 0 else len(block) - last
        self.since_item += len(block)
        if self.since_quote > MOST_TEXT_BYTES or (self.counts_items and self.since_item > MOST_ITEM_BYTES):
            problem = "a single value of this file is too large"
            raise InputError(
                problem, file=self.file, expected=f"items under {MOST_ITEM_BYTES >> 20} MB", code="INPUT_TOO_LARGE"
            )
        return block


def scalars(open_stream: Callable[[], BinaryIO], *, file: str) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the plain values of a JSON object that stand outside of arrays, by their path, and the names at its top.

    Parameters
    ----------
    open_stream : callable
        Opens its bytes anew.
    file : str
        What it is called in errors.

    Returns
    -------
    values : dict
        Path → value; the names of a path are joined by a line break, since a name may hold points.
    names : frozenset of str
        Of the values at its top.

    Raises
    ------
    InputError
        If it is no JSON (JSON_INVALID), no object, has too much outside of arrays or too many levels (INPUT_TOO_LARGE).
    """
    values: dict[str, Any] = {}
    names: set[str] = set()
    path: list[str] = []
    depth = arrays = 0
    with open_stream() as stream:
        for event, value in _events(ijson.basic_parse(_Watched(stream, file), use_float=True), file):
            if depth == 0 and event != "start_map":
                raise _invalid(file, "the top is no object")
            match event:
                case "start_map":
                    depth += 1
                    if not arrays:
                        path.append("")
                case "end_map":
                    depth -= 1
                    if not arrays:
                        path.pop()
                        if not depth:
                            break
                case "start_array":
                    arrays += 1
                case "end_array":
                    arrays -= 1
                case "map_key" if not arrays:
                    path[-1] = value
                    if len(path) == 1:
                        names.add(value)
                case _ if not arrays and event != "map_key":
                    values["\n".join(path)] = value
            if depth + arrays > MOST_LEVELS:
                problem = "lists and objects lie too deep in each other"
                raise InputError(problem, file=file, expected=f"at most {MOST_LEVELS} levels", code="INPUT_TOO_LARGE")
            if len(values) > MOST_VALUES or len(names) > MOST_VALUES:
                problem = "there is too much in it outside of its lists"
                raise InputError(problem, file=file, expected=f"at most {MOST_VALUES:,} values", code="INPUT_TOO_LARGE")
    return values, frozenset(names)


def items(open_stream: Callable[[], BinaryIO], name: str, *, file: str) -> Iterator[Any]:
    """Yield the items of the array of that name at the top of a JSON object, of which `scalars` saw that it is no trap.

    Raises
    ------
    InputError
        If it is no JSON (JSON_INVALID), or an item is too large (INPUT_TOO_LARGE); while it is read.
    """
    with open_stream() as stream:
        watched = _Watched(stream, file)
        watched.counts_items = True
        found = iter(ijson.items(watched, f"{name}.item", use_float=True))
        for item in _events(found, file):
            watched.since_item = 0
            yield item


def _events(found: Iterator[Any], file: str) -> Iterator[Any]:
    """Yield what a parser finds; its errors become ours."""
    while True:
        try:
            one = next(found)
        except StopIteration:
            return
        except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError, OverflowError) as error:
            raise _invalid(file, " ".join(str(error).split())[:120]) from error
        yield one


def _invalid(file: str, why: str) -> InputError:
    """Return the error for what is no JSON."""
    problem = f"this is no JSON that can be read ({why})"
    return InputError(problem, file=file, code="JSON_INVALID")


# What a machine's label names: a taxon with its rank, an animal of no known kind, or something that is left out.
#
# Labels of SpeciesNet: `uuid;class;order;family;genus;species;common name`, https://github.com/google/cameratrapai;
# descriptions of classes in MegaDetector's results begin with the kingdom,
# https://lila.science/megadetector-output-format. A common name alone names no species.

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD: Final = re.compile(r"[a-z]+(-[a-z]+)*")
_ABOVE: Final = ("class", "order", "family", "genus")
_KINGDOM: Final = "animalia"


@dataclass(frozen=True, slots=True)
class MachineTaxon:
    """What a label names.

    Attributes
    ----------
    name, rank : str or None
        Scientific name and rank; None where it is left out.
    common : str or None
        The common name that it gives.
    above : dict of str to str
        Class, order, family and genus, as far as it states them.
    left_out : str or None
        The code of why it is left out.
    """

    name: str | None
    rank: str | None
    common: str | None = None
    above: dict[str, str] = field(default_factory=dict)
    left_out: str | None = None


ANIMAL: Final = MachineTaxon("Animalia", "kingdom")
"""An animal, of which the machine says no more."""


def of_label(label: str) -> MachineTaxon:
    """Return what a label names.

    Parameters
    ----------
    label : str
        A SpeciesNet prediction, a description of a class, or a plain word.
    """
    parts = [part.strip() for part in label.split(";")]
    if len(parts) == 7 and _UUID.fullmatch(parts[0]):
        return _of_ranks(parts[1:5], parts[5], parts[6])
    if len(parts) >= 6 and parts[0].lower() == _KINGDOM:
        *above, last = parts[2:]
        species = last.split(" ", 1)[1] if last.count(" ") == 1 else last
        return _of_ranks([*above, "", "", ""][:4], species if len(above) == 4 else "", "")
    return _of_word(label)


def _of_ranks(above: list[str], species: str, common: str) -> MachineTaxon:
    """Return what ranks name, the lowest first; what is no plain word is not stated."""
    facts = {rank: value.lower() for rank, value in zip(_ABOVE, above, strict=True) if _WORD.fullmatch(value.lower())}
    spelt = {rank: value.capitalize() for rank, value in facts.items()}
    if facts.get("genus") == "homo" or (facts.get("family") == "hominidae" and "genus" not in facts):
        return MachineTaxon(None, None, common or None, left_out="PERSON_LEFT_OUT")
    by_word = _word_left_out(common)
    if by_word is not None:
        return MachineTaxon(None, None, common, left_out=by_word)
    if "genus" in facts and _WORD.fullmatch(species.lower()):
        return MachineTaxon(f"{spelt['genus']} {species.lower()}", "species", common or None, spelt)
    for rank in reversed(_ABOVE):
        if rank in facts:
            return MachineTaxon(spelt[rank], rank, common or None, spelt)
    return _of_word(common) if common else MachineTaxon(None, None, left_out="UNCLASSIFIED_LEFT_OUT")


def _of_word(word: str) -> MachineTaxon:
    """Return what a plain word names: at most an animal."""
    code = _word_left_out(word)
    if code is not None:
        return MachineTaxon(None, None, word, left_out=code)
    if not word.strip():
        return MachineTaxon(None, None, left_out="UNCLASSIFIED_LEFT_OUT")
    return MachineTaxon(ANIMAL.name, ANIMAL.rank, None if word.strip().lower() == "animal" else word.strip())


def _word_left_out(word: str) -> str | None:
    """Return why a word's picture is left out; None for one that may name an animal."""
    plain = re.sub(r"[\s_\-]+", " ", word.strip().lower())
    if plain.startswith(("homo ", "human ", "person ", "people ")):
        return "PERSON_LEFT_OUT"
    return words().get(plain)


# What the results of MegaDetector and of SpeciesNet say of a picture: taxa with their score, or why nothing is taken.


class Found(NamedTuple):
    """One result on a picture: a taxon that is taken, or a code of why it is left out."""

    taxon: MachineTaxon
    score: float | None
    boxes: int | None = None
    code: str | None = None
    value: str | None = None


class MegaDetector:
    """Results of MegaDetector, with or without a classifier's."""

    array, path = "images", "file"

    def __init__(self, values: Mapping[str, Any], min_score: float) -> None:
        self.min_score = min_score
        self.kinds = _named(values, "detection_categories")
        classes, described = (
            _named(values, "classification_categories"),
            _named(values, "classification_category_descriptions"),
        )
        self.taxa = {key: of_label(described.get(key) or name) for key, name in classes.items()}
        entries = [values.get(f"info\n{name}") for name in ("detector", "classifier")]
        self.model = " and ".join(name for name in entries if isinstance(name, str)) or "MegaDetector"

    def results(self, image: Mapping[str, Any]) -> Iterator[Found]:
        """Yield what was found on a picture: each taxon once; where there is none, one line for all that is left out."""
        boxes = image.get("detections")
        if image.get("failure") or image.get("failures"):
            yield _left_out("PICTURE_FAILED", image.get("failure"))
            return
        if not isinstance(boxes, list) or not all(isinstance(box, dict) for box in boxes):
            yield _left_out("PICTURE_INVALID", "detections")
            return
        found: dict[str, list[tuple[MachineTaxon, float]]] = {}
        out: list[Found] = []
        for box in boxes:
            score = box.get("conf")
            if not is_score(score):
                out.append(_left_out("SCORE_INVALID", score))
                continue
            kind = self.kinds.get(str(box.get("category")), "")
            if score < self.min_score:
                out.append(_left_out("SCORE_LOW", score))
            elif kind.lower() != "animal":
                out.append(_left_out(of_label(kind).left_out or "UNCLASSIFIED_LEFT_OUT", kind))
            else:
                taxon, by = self._classified(box, score)
                if taxon.left_out is not None:
                    out.append(_left_out(taxon.left_out, taxon.common))
                else:
                    found.setdefault(taxon.name or "", []).append((taxon, by))
        for entries in found.values():
            taxon, score = max(entries, key=lambda one: one[1])
            yield Found(taxon, score, len(entries))
        if not found:
            yield (
                max(out, key=lambda one: _WEIGHT.get(one.code or "", 0))
                if out
                else _left_out("BLANK_LEFT_OUT", "blank")
            )

    def _classified(self, box: Mapping[str, Any], score: float) -> tuple[MachineTaxon, float]:
        """Return the best class of a box that is sure enough; an animal where there is none."""
        entries = box.get("classifications")
        for one in entries if isinstance(entries, list) else ():
            if isinstance(one, list) and len(one) == 2 and is_score(one[1]) and one[1] >= self.min_score:
                return self.taxa.get(str(one[0]), ANIMAL), one[1]
            break
        return ANIMAL, score


class SpeciesNet:
    """Results of SpeciesNet: what its ensemble of detector, classifier and map says of each picture."""

    array, path = "predictions", "filepath"

    def __init__(self, values: Mapping[str, Any], min_score: float) -> None:
        del values
        self.min_score = min_score
        self.model = "SpeciesNet"

    def results(self, image: Mapping[str, Any]) -> Iterator[Found]:
        """Yield what was found on a picture."""
        label, score = image.get("prediction"), image.get("prediction_score")
        if label is None and image.get("failures"):
            yield _left_out("PICTURE_FAILED", image.get("failures"))
        elif not isinstance(label, str):
            yield _left_out("PICTURE_INVALID", "prediction")
        elif (taxon := of_label(label)).left_out is not None:
            yield _left_out(taxon.left_out, taxon.common or label)
        elif not is_score(score):
            yield _left_out("SCORE_INVALID", score)
        elif score < self.min_score:
            yield _left_out("SCORE_LOW", score)
        else:
            yield Found(taxon, score)


_WEIGHT: Final = {"PERSON_LEFT_OUT": 4, "VEHICLE_LEFT_OUT": 3, "SCORE_INVALID": 2, "UNCLASSIFIED_LEFT_OUT": 1}
"""Which of several reasons for one picture is stated."""


def _left_out(code: str, value: object) -> Found:
    """Return a result that is left out."""
    return Found(ANIMAL, None, code=code, value=None if value is None else str(value)[:200])


def is_score(score: object) -> TypeGuard[float]:
    """Return whether it is a number between 0 and 1."""
    return isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score) and 0 <= score <= 1


def _named(values: Mapping[str, Any], group: str) -> dict[str, str]:
    """Return a table of names in a file of results."""
    start = f"{group}\n"
    return {
        key.removeprefix(start): name for key, name in values.items() if key.startswith(start) and isinstance(name, str)
    }


MIN_SCORE: Final = 0.2
"""Below it a result is left out, where nothing else is stated: what MegaDetector 5 recommends."""
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


class DetectionsSource(Source):
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
        `min_score`: results below it are left out and counted (0.2 where nothing is stated); `encoding` of the CSV file.
    """

    name: ClassVar[str] = "detections"
    reads: ClassVar[str] = "JSON of MegaDetector or SpeciesNet"
    known_options: ClassVar[frozenset[str]] = frozenset({"encoding", "min_score"})

    def _read_options(self) -> None:
        self.min_score = _min_score(self.options.get("min_score"))

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over the deployments as events, then over the animals of each file of results."""
        found = parts(self.paths, suffixes=(".json", ".csv"))
        results = [part for part in found if _is_json(part)]
        tables = [part for part in found if part not in results]
        named = ", ".join(path.name for path in self.paths)
        if not tables:
            for part in results:
                scalars(part.open, file=part.file)
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
        values, names = scalars(part.open, file=part.file)
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


def _min_score(text: str | None) -> float:
    """Read the option `min_score`."""
    if text is None:
        return MIN_SCORE
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not is_score(score):
        problem = "this is no score"
        raise InputError(
            problem, column="min_score", value=text, expected="a number from 0 to 1", code="OPTION_INVALID"
        )
    return score


def _is_json(part: Part) -> bool:
    """Return whether a file is called JSON or begins as an object."""
    if part.name.endswith((".json", ".csv")):
        return part.name.endswith(".json")
    with part.open() as stream:
        return stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def _plain(path: str) -> str:
    """Return a path with `/` and without what leads nowhere: it is only compared, never opened."""
    return "/".join(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def _folders(places: pl.DataFrame) -> dict[str, str]:
    """Return the deployment of each folder."""
    table = (
        places.select("eventID", "folder") if "folder" in places.columns else places.select("eventID", folder="eventID")
    )
    return {_plain(folder or event): event for event, folder in table.iter_rows()}


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
        for image in items(part.open, reader.array, file=part.file):
            text = image.get(reader.path) if isinstance(image, dict) else None
            if not isinstance(text, str) or not text.strip():
                number += 1
                refusals.append(_refusal(part.file, number, "PICTURE_INVALID", None))
                continue
            path = _plain(text)
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
                    without.append((deployment, number, _captured_at(image), code))
                    continue
                yield number, _row(path, deployment, _captured_at(image), found, reader.model)

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


def _captured_at(image: Mapping[str, Any]) -> str | None:
    """Return when a picture was taken, where its results tell it, as ISO 8601."""
    text = image.get("datetime")
    found = _EXIF_TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}" if found else text if isinstance(text, str) else None


def _row(path: str, deployment: str | None, at: str | None, found: Found, model: str) -> tuple[str | None, ...]:
    """Return a result as the cells of `_SCHEMA`."""
    taxon = found.taxon
    ranks = [taxon.above.get(rank) for rank in _RANKS]
    score = None if found.score is None else f"{found.score:.6g}"
    boxes = None if found.boxes is None else str(found.boxes)
    return (path, deployment, at or None, taxon.name, taxon.rank, taxon.common, *ranks, score, model, boxes)


def _occurrences(frame: pl.DataFrame, places: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return results under Darwin Core's terms, with where and when their camera stood."""
    entries = [name for name in camera_traps.OF_DEPLOYMENT if name in places.columns]
    stood = places.select(pl.col("eventID").alias("deploymentID"), pl.col("eventDate").alias("stood"), *entries)
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
        *entries,
        pl.lit(camera_traps.BASIS).alias("basisOfRecord"),
        pl.lit(camera_traps.PROTOCOL).alias("samplingProtocol"),
        *camera_traps.machine_word(pl.lit("machine"), pl.col("model"), pl.col("score")),
        pl.lit("machine").alias("classificationMethod"),
        "boxes",
    )
