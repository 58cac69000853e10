"""Installations of the sample data that several files of tests copy: each is made once a run, by whichever worker asks first."""

import fcntl
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Final

from biodata import pipeline
from biodata.core.settings import Settings

INGESTS: Final = MappingProxyType({
    "areas": (("protected-areas", "protected_areas.geojson"), ("layer", "layers/landcover_china_laos.tif"),
              ("layer", "layers/landcover_china_vietnam.tif")),
    "records": (("checklist", "checklist.csv"), ("dwca", "xishuangbanna_namha.zip"),
                ("layer", "layers/landcover_china_laos.tif"), ("layer", "layers/elevation_china_laos.tif")),
})  # fmt: skip
"""What each installation takes in: sources and files of the sample data."""


class SampleInstallations:
    """Copies of installations that are made in a folder which all workers of a run share."""

    def __init__(self, folder: Path, sample_data: Path) -> None:
        self.folder, self.sample_data = folder, sample_data

    def copy(self, name: str, to: Path) -> Settings:
        """Return a copy of an installation; it is made where no worker has made it yet."""
        made, making = self.folder / name, Settings(data=self.folder / f"{name}-in-the-making")
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                for source, file in INGESTS[name]:
                    pipeline.ingest(source, [self.sample_data / file], making)
                making.data.rename(made)
        shutil.copytree(made, to)
        return Settings(data=to)
