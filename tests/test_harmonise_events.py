"""Events of a survey are interpreted as records are, and stand in the lake with their verbatim cells."""

import json
from pathlib import Path

import polars as pl
import pytest

from biodata import pipeline
from biodata.settings import Settings
from biodata.store.lake import Lake

SAMPLE = Path(__file__).parents[1] / "sample_data" / "survey_namha.xlsx"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return the lake's events after the sample survey was taken in twice."""
    settings = Settings(data=tmp_path_factory.mktemp("events"))
    for _ in range(2):
        told = pipeline.ingest("survey", [SAMPLE], settings, dataset="namha")
    assert [report.table for report in told] == ["events", "occurrences"]
    assert (told[0].new, told[0].changed) == (0, 0)
    with Lake.open(settings.data) as lake:
        return lake.read("events")


def test_each_row_of_the_sheet_is_an_event(events: pl.DataFrame) -> None:
    assert events.height > 0
    assert events["eventID"].is_unique().all()
    assert events["event_start"].null_count() == 0
    assert events["decimalLatitude"].is_between(20, 22).all()
    assert not events["quality_flags"].explode().drop_nulls().str.starts_with("TAXON").any()


def test_the_cells_stay_as_they_came(events: pl.DataFrame) -> None:
    cells = json.loads(events["verbatim"][0])
    assert cells["eventID"] == events["eventID"][0]
