"""A small Camtrap DP package, and what is read of it."""

import json

import polars as pl

from biodata.ingest import open_source

DEPLOYMENTS = (
    "deploymentID,latitude,longitude,coordinateUncertainty,deploymentStart,deploymentEnd,setupBy\n"
    "d1,21.2,101.3,30,2026-01-01T00:00:00+07:00,2026-01-31T00:00:00+07:00,Khamla\n"
)


OBSERVATIONS = (
    "observationID,deploymentID,eventStart,eventEnd,observationType,scientificName,count,classifiedBy\n"
    "o1,d1,2026-01-05T06:00:00+07:00,2026-01-05T06:01:00+07:00,animal,Muntiacus muntjak,1,somebody\n"
    "o2,d1,2026-01-05T07:00:00+07:00,2026-01-05T07:00:00+07:00,human,,1,somebody\n"
    "o3,d1,2026-01-05T08:00:00+07:00,2026-01-05T08:00:00+07:00,blank,,,somebody\n"
)


def package(folder, *, path="observations.csv", deployments=DEPLOYMENTS, observations=OBSERVATIONS, media=None, **told):
    folder.mkdir(exist_ok=True)
    (folder / "deployments.csv").write_text(deployments)
    (folder / "observations.csv").write_text(observations)
    resources = [{"name": "deployments", "path": "deployments.csv"}, {"name": "observations", "path": path}]
    if media is not None:
        (folder / "media.csv").write_text(media)
        resources.append({"name": "media", "path": "media.csv"})
    (folder / "datapackage.json").write_text(json.dumps({"name": "nam-ha", "resources": resources, **told}))
    return folder


def read_both(path):
    tables = [(table, pl.concat(table.batches)) for table in open_source("camtrapdp", [path]).read()]
    assert [table.kind for table, _ in tables] == ["events", "occurrences"]
    return tables


def read(path):
    (_, (table, frame)) = read_both(path)
    return frame, table
