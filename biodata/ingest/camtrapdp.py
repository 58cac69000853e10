"""Camera-trap data packages (Camtrap DP 1.x): animals that were seen, each with its deployment.

Required fields: https://camtrap-dp.tdwg.org/data/. Images of people are left out, and so are blanks and vehicles: they are
counted as refused with that reason. Names of the people who classified are not taken in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.ingest.protocol import DatasetInfo, VerbatimTable

_DESCRIPTOR: Final = "datapackage.json"
_MAX_DESCRIPTOR_BYTES: Final = 5_000_000
_NEEDED: Final = MappingProxyType(
    {
        "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
        "observations": ("observationID", "deploymentID", "eventStart", "observationType"),
    }
)
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
        "observationComments": "occurrenceRemarks",
        "latitude": "decimalLatitude",
        "longitude": "decimalLongitude",
        "coordinateUncertainty": "coordinateUncertaintyInMeters",
        "locationID": "locationID",
        "locationName": "locality",
        "habitat": "habitat",
    }
)
"""Field of Camtrap DP → Darwin Core term, after https://tdwg.github.io/camtrap-dp/ (appendix: mapping)."""


class CamtrapDp:
    """Camtrap DP packages.

    Parameters
    ----------
    paths : sequence of Path
        A `datapackage.json`, or the folder that holds one.
    dataset : str, optional
        Key of the dataset; the package's `name` or `id` where nothing is given.
    options : mapping
        Nothing so far.
    """

    name: ClassVar[str] = "camtrapdp"

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        dataset: str | None = None,
        options: Mapping[str, str] = MappingProxyType({}),
        progress: bool = False,
    ) -> None:
        if not paths:
            problem = "no package was given"
            raise InputError(problem, expected=f"a {_DESCRIPTOR} or its folder", code="INPUT_MISSING")
        if options:
            problem = "this source takes no options"
            raise InputError(problem, column="--option", value=next(iter(options)), code="OPTION_UNKNOWN")
        self.paths, self.dataset, self.progress = list(paths), dataset, progress

    def read(self) -> Iterator[VerbatimTable]:
        """Iterate over one table a package."""
        for path in self.paths:
            descriptor = path / _DESCRIPTOR if path.is_dir() else path
            yield self._read(descriptor)

    def _read(self, descriptor: Path) -> VerbatimTable:
        """Return the animals of one package."""
        package = _package(descriptor)
        deployments, _ = _resource(package, descriptor, "deployments")
        observations, refusals = _resource(package, descriptor, "observations")
        file = observations["source_file"][0] if observations.height else descriptor.name
        is_animal = (pl.col("observationType") == "animal").fill_null(value=False)
        for row, told in observations.filter(~is_animal).select("source_row", "observationType").iter_rows():
            message = f"no animal was seen ({told or 'nothing told'}): it is left out"
            refusals.append(Refusal(file, row, "observationType", told, "OBSERVATION_LEFT_OUT", message))
        return VerbatimTable(
            kind="occurrences",
            name=descriptor.parent.name or descriptor.name,
            dataset=DatasetInfo(
                self.dataset or package.get("name") or package.get("id"),
                title=package.get("title"),
                license=_data_licence(package),
                citation=package.get("bibliographicCitation"),
            ),
            batches=iter([_occurrences(observations.filter(is_animal), deployments)]),
            refusals=refusals,
        )


def _package(descriptor: Path) -> dict[str, Any]:
    """Read the descriptor."""
    if not descriptor.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(descriptor), expected="a Camtrap DP descriptor", code="FILE_MISSING")
    if descriptor.stat().st_size > _MAX_DESCRIPTOR_BYTES:
        problem = "the descriptor is too large"
        raise InputError(problem, file=descriptor.name, code="INPUT_TOO_LARGE")
    try:
        package = json.loads(descriptor.read_text(encoding="utf-8"))
    except ValueError as error:
        problem = f"the descriptor is no JSON ({error})"
        raise InputError(problem, file=descriptor.name, code="DESCRIPTOR_INVALID") from error
    if not isinstance(package, dict) or not isinstance(package.get("resources"), list):
        problem = "the descriptor has no list of resources"
        raise InputError(problem, file=descriptor.name, code="DESCRIPTOR_INVALID")
    return package


def _resource(package: dict[str, Any], descriptor: Path, name: str) -> tuple[pl.DataFrame, list[Refusal]]:
    """Read one of the package's tables; its file must stand beside the descriptor."""
    found = next((r for r in package["resources"] if isinstance(r, dict) and r.get("name") == name), None)
    told = found.get("path") if found else None
    if not isinstance(told, str):
        problem = f"the package has no table {name!r} in a file of its own"
        raise InputError(problem, file=descriptor.name, code="TABLE_MISSING")
    path = descriptor.parent / told
    inside = path.resolve().is_relative_to(descriptor.parent.resolve())
    if Path(told).is_absolute() or "://" in told or not inside or not path.is_file():
        problem = f"the file of table {name!r} does not stand beside the descriptor"
        raise InputError(problem, file=descriptor.name, column="path", value=told, code="TABLE_MISSING")
    table = delimited.read(lambda: path.open("rb"), file=path.name, encoding="utf-8")
    for heading in _NEEDED[name]:
        if heading not in table.headings:
            problem = f"table {name!r} lacks a column"
            raise InputError(problem, file=path.name, row=1, column=heading, code="HEADING_MISSING")
    batches = list(table.batches)
    frame = pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(table.headings, pl.String))
    return frame.with_columns(pl.lit(path.name).alias("source_file")), table.refusals


def _occurrences(animals: pl.DataFrame, deployments: pl.DataFrame) -> pl.DataFrame:
    """Return the animals under Darwin Core's terms, with where and how their camera stood."""
    places = deployments.drop("source_file", "source_row").unique("deploymentID", keep="first", maintain_order=True)
    joined = animals.join(places, on="deploymentID", how="left", suffix=" of the deployment", maintain_order="left")
    interval = (
        pl.when(pl.col("eventEnd").is_null() | (pl.col("eventEnd") == pl.col("eventStart")))
        .then("eventStart")
        .otherwise(pl.col("eventStart") + "/" + pl.col("eventEnd"))
        if "eventEnd" in joined.columns
        else pl.col("eventStart")
    )
    known = [name for name in _TERMS if name in joined.columns]
    return joined.select(
        "source_file",
        "source_row",
        *(pl.col(name).alias(_TERMS[name]) for name in known),
        interval.alias("eventDate"),
        pl.lit("MachineObservation").alias("basisOfRecord"),
        pl.lit("camera trap").alias("samplingProtocol"),
        pl.lit("WGS84").alias("geodeticDatum"),
    )


def _data_licence(package: dict[str, Any]) -> str | None:
    """Return the licence of the data, which stands apart from that of the media."""
    for licence in package.get("licenses") or ():
        if isinstance(licence, dict) and licence.get("scope") in ("data", None):
            told = licence.get("name") or licence.get("path")
            return told if isinstance(told, str) else None
    return None
