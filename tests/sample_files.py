"""The synthetic sample data, read once for the tests that look at it; a plugin."""

import io
import json
import sys
import zipfile
from types import SimpleNamespace

import polars as pl
import pytest

from biodata.places import load_boundaries
from sample_columns import MEMBERS


@pytest.fixture(scope="session")
def boundaries():
    return load_boundaries("natural_earth")


@pytest.fixture(scope="session")
def planted(sample_data):
    return json.loads((sample_data / "planted_dirt.json").read_text())


@pytest.fixture(scope="session")
def files(sample_data):
    """Return both occurrence files as text, with the line of each row."""
    frames = {}
    for name, member in MEMBERS.items():
        with zipfile.ZipFile(sample_data / name) as archive:
            content = archive.read(member)
        frame = pl.read_csv(io.BytesIO(content), separator="\t", quote_char=None, infer_schema=False)
        frames[name] = frame.with_row_index("line", offset=2).with_columns(pl.col("line").cast(pl.Int64))
    return frames


@pytest.fixture(scope="session")
def sound(files, planted):
    """Return the rows of both files that nothing was planted in, with numbers for coordinates."""
    frames = []
    for name, frame in files.items():
        spoilt = [
            line
            for entry in planted
            for line in entry["lines"]
            if entry["file"] == name and entry["fault"] != "border_band"
        ]
        frames.append(frame.filter(~pl.col("line").is_in(spoilt)).with_columns(file=pl.lit(name)))
    return pl.concat(frames, how="diagonal").with_columns(
        pl.col("decimalLatitude", "decimalLongitude").cast(pl.Float64)
    )


@pytest.fixture(scope="module")
def recipe(sample_data):
    sys.path.insert(0, str(sample_data))
    try:
        from recipe import area_files, camtrap, lists, machine_forms, workbooks

        yield SimpleNamespace(
            area_files=area_files, camtrap=camtrap, lists=lists, machine_forms=machine_forms, workbooks=workbooks
        )
    finally:
        sys.path.remove(str(sample_data))


@pytest.fixture(scope="session")
def checklist(sample_data):
    return pl.read_csv(sample_data / "checklist.csv", infer_schema=False)
