"""Pictures of made-up cameras as Wildlife Insights, MegaDetector and SpeciesNet write what is on them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from recipe import camtrap, files
from recipe.tables import chance, table

CAMERAS: Final = 4
PICTURES: Final = 30
"""Of each camera."""
ANIMALS: Final = ("Muntiacus vaginalis", "Sus scrofa", "Gallus gallus", "Hystrix brachyura", "Rusa unicolor")
KINDS: Final = ("animal", "blank", "human", "vehicle", "unknown")
SHARES: Final = (0.55, 0.25, 0.1, 0.05, 0.05)
RANKS: Final = ("class", "order", "family", "genus")
IDS: Final = {
    "blank": "f1856211-cfb7-4a5b-9158-c0f72fd09ee6;;;;;;blank",
    "human": "990ae9dd-7a59-4344-afcb-1b7b21368000;mammalia;primates;hominidae;homo;sapiens;human",
    "vehicle": "e2895ed5-780b-48f6-8a11-9e27cb594511;;;;;;vehicle",
    "unknown": "1f689929-883d-4dae-958c-3d57ab5b6c16;;;;;;animal",
}
"""Labels of SpeciesNet for what is no species."""
ANIMAL_ID: Final = "00000000-0000-4000-8000-00000000000"
"""Begins the made-up identifiers of the species' labels."""


def make(out: Path) -> None:
    """Write the folders `wildlife_insights` and `detections`."""
    rng = chance("machine forms")
    cameras = camtrap.stood(rng)[:CAMERAS]
    pictures = [_picture(camera, number, rng) for camera in cameras for number in range(1, PICTURES + 1)]
    half = len(pictures) // 2
    for folder in ("wildlife_insights", "detections"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _wildlife_insights(out / "wildlife_insights", cameras, pictures)
    deployments = _deployments(cameras)
    _write(out / "detections" / "deployments.csv", deployments)
    files.write_json(out / "detections" / "megadetector.json", _megadetector(pictures[:half]))
    files.write_json(
        out / "detections" / "speciesnet.json", {"predictions": [_prediction(one) for one in pictures[half:]]}
    )


def _picture(camera: dict[str, Any], number: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return a picture and what is on it."""
    kind = str(rng.choice(KINDS, p=SHARES))
    at = camera["deploymentStart"] + timedelta(minutes=int(rng.integers(60, 80_000)), seconds=number)
    return {
        "camera": camera["deploymentID"],
        "file": f"IMG_{number:04d}.JPG",
        "at": at.replace(tzinfo=None),
        "kind": kind,
        "species": str(rng.choice(ANIMALS)) if kind == "animal" else None,
        "score": round(float(rng.uniform(0.1, 1.0)), 3),
        "box": [round(float(value), 3) for value in rng.uniform(0.05, 0.45, size=4)],
    }


def _ranks(species: str) -> dict[str, str]:
    """Return class, order, family and genus of a species."""
    row = table("species").filter(scientificName=species).row(0, named=True)
    return {rank: row[rank] for rank in RANKS}


def _deployments(cameras: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the table of deployments that stands beside results without places."""
    return [
        {
            "deploymentID": camera["deploymentID"],
            "folder": f"synthetic/{camera['deploymentID']}",
            "latitude": camera["latitude"],
            "longitude": camera["longitude"],
            "coordinateUncertainty": camera["coordinateUncertainty"],
            "deploymentStart": camera["deploymentStart"].isoformat(),
            "deploymentEnd": camera["deploymentEnd"].isoformat(),
            "cameraID": camera["cameraID"],
        }
        for camera in cameras
    ]


def _megadetector(pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return results of MegaDetector with a classifier."""
    categories = {"animal": "1", "unknown": "1", "human": "2", "vehicle": "3"}
    classes = {str(number): species for number, species in enumerate(ANIMALS)}
    images = []
    for one in pictures:
        image: dict[str, Any] = {"file": f"synthetic/{one['camera']}/{one['file']}", "detections": []}
        if one["kind"] != "blank":
            box: dict[str, Any] = {"category": categories[one["kind"]], "conf": one["score"], "bbox": one["box"]}
            if one["species"]:
                box["classifications"] = [[str(ANIMALS.index(one["species"])), round(one["score"] * 0.9, 3)]]
            image["detections"].append(box)
        images.append(image)
    return {
        "info": {"format_version": "1.4", "detector": "SYNTHETIC detector", "classifier": "SYNTHETIC classifier"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "classification_categories": {number: species.lower() for number, species in classes.items()},
        "classification_category_descriptions": {
            number: ";".join(["animalia", "chordata", *(v.lower() for v in _ranks(species).values()), species.lower()])
            for number, species in classes.items()
        },
        "images": images,
    }


def _prediction(one: dict[str, Any]) -> dict[str, Any]:
    """Return a result of SpeciesNet."""
    label = IDS.get(one["kind"])
    if one["species"]:
        above = ";".join(value.lower() for value in _ranks(one["species"]).values())
        label = f"{ANIMAL_ID}{ANIMALS.index(one['species'])};{above};{one['species'].split(' ')[1]};synthetic"
    return {
        "filepath": f"synthetic/{one['camera']}/{one['file']}",
        "prediction": label,
        "prediction_score": one["score"],
        "prediction_source": "classifier",
        "model_version": "SYNTHETIC",
    }


def _wildlife_insights(folder: Path, cameras: list[dict[str, Any]], pictures: list[dict[str, Any]]) -> None:
    """Write a download of Wildlife Insights."""
    project = {"project_id": "9900001", "project_name": "SYNTHETIC cameras of Shangyong and Nam Ha"}
    _write(
        folder / "projects.csv",
        [{**project, "project_admin": "Sample Admin", "project_admin_email": "admin@sample.invalid",
          "metadata_license": "CC-BY"}],
    )  # fmt: skip
    _write(
        folder / "cameras.csv",
        [
            {"project_id": project["project_id"], "camera_id": c["cameraID"], "make": "SYNTHETIC", "model": "1"}
            for c in cameras
        ],
    )
    _write(
        folder / "deployments.csv",
        [
            {
                "project_id": project["project_id"],
                "deployment_id": camera["deploymentID"],
                "placename": camera["locationName"],
                "longitude": camera["longitude"],
                "latitude": camera["latitude"],
                "start_date": _clock(camera["deploymentStart"]),
                "end_date": _clock(camera["deploymentEnd"]),
                "camera_id": camera["cameraID"],
                "camera_functioning": "Camera Functioning" if number else "Camera Hardware Failure",
                "recorded_by": "Sample Crew",
            }
            for number, camera in enumerate(cameras)
        ],
    )
    _write(folder / "images.csv", [_image(one, number) for number, one in enumerate(pictures, start=1)])


def _image(one: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a row of Wildlife Insights' images."""
    ranks = _ranks(one["species"]) if one["species"] else dict.fromkeys(RANKS)
    if one["kind"] == "human":
        ranks = dict(zip(RANKS, ("Mammalia", "Primates", "Hominidae", "Homo"), strict=True))
    common = {"blank": "Blank", "human": "Human", "vehicle": "Vehicle", "unknown": "No CV Result"}
    by_machine = number % 3 == 0
    return {
        "project_id": "9900001",
        "deployment_id": one["camera"],
        "image_id": f"sample-image-{number:04d}",
        "filename": one["file"],
        "location": f"gs://sample.invalid/{one['file']}",
        "is_blank": "1" if one["kind"] == "blank" else "0",
        "identified_by": "Computer vision" if by_machine else "Sample Person",
        **ranks,
        "species": one["species"].split(" ")[1] if one["species"] else "sapiens" if one["kind"] == "human" else None,
        "common_name": common.get(one["kind"], "synthetic"),
        "timestamp": _clock(one["at"]),
        "number_of_objects": "1",
        "cv_confidence": str(one["score"]) if by_machine else None,
        "license": "CC0",
        "fuzzed": "false",
    }


def _clock(moment: datetime) -> str:
    """Return a moment as a camera's clock shows it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV."""
    cells = [[None if value is None else str(value) for value in row.values()] for row in rows]
    path.write_bytes(files.delimited(pl.DataFrame(cells, schema=dict.fromkeys(rows[0], pl.String), orient="row")))
