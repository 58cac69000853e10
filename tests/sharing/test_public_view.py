"""Whatever reads the lake for a public result reads the same of open records, with and without hidden ones beside them."""

from datetime import date

import numpy as np
import polars as pl
import pytest

import duets
from biodata import assessments, places, runs
from biodata.core.engine_parameters import SpeciesRecords
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.pipeline.gap_analysis import public_evidence
from biodata.runs.reading import records_of as run_records_of
from biodata.runs.reading import species_records
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.sharing_rules import rules_of
from rule_files import put_rules

BOUNDARIES = places.load_boundaries()
WINDOW = (101.0, 21.0, 103.0, 23.0)
Y, X = 21.9, 102.3
KM = 1 / 111.2
RULES = "rule_id,category,reason,dataset\nmuseum,withheld,the museum asks for it,museum\n"


def seen(dataset: str, number: str, km: float, **more):
    """Return a record so many kilometres north."""
    return duets.record(dataset, number, "2024-05-01T06:30+07:00", Y + km * KM, X, iucnRedListCategory="CR", **more)


CHINESE = {"countryCode": "CN", "eventDate": "2024-05-01T07:30+08:00", "event_time": "07:30", "event_zone": "+08:00"}
OPEN = [
    # One duet that two teams heard; a third one, which tells more, heard it too.
    seen("one", "heard", 0.0), seen("two", "heard", 4.1, **CHINESE),
    *(seen("one", f"used-{n}", 60.0, eventDate=f"2024-06-{n + 1:02d}", event_start=date(2024, 6, n + 1),
           event_end=date(2024, 6, n + 1), recordedBy="the same") for n in range(3)),
]  # fmt: skip
HIDDEN = [
    seen("museum", "heard", 6.0, habitat="forest"),
    # A place where many put what they do not know the place of.
    *(seen("museum", f"used-{n}", 60.0, species=f"Nomascus of{n}", recordedBy=f"Collector {'abcdefghijkl'[n]}",
           eventDate=f"{2000 + n}", year=2000 + n) for n in range(12)),
]  # fmt: skip


def installation(folder, rows) -> Settings:
    """Put records into a lake, whose keys are the same with and without the hidden ones."""
    settings = Settings(data=folder / "data")
    settings.data.mkdir(parents=True)
    put_rules(settings.data, RULES)
    with pytest.MonkeyPatch.context() as patch, Lake.open(settings.data) as lake:
        patch.setattr("biodata.store.staging.os.urandom", np.random.default_rng(1).bytes)
        for part in (rows[: len(OPEN)], rows[len(OPEN) :]):
            with lake.staging() as staging:
                frame = duets.frame(part).drop("key")
                staging.add(frame, frame.select("datasetKey", "source_record_id", "source_row", "source_file"))
                lake.commit_occurrences(staging, author="a test", message="records")
    return settings


@pytest.fixture(scope="module")
def with_hidden(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("with"), [*OPEN, *HIDDEN])


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("without"), OPEN)


def of_run(settings: Settings) -> pl.DataFrame:
    rules = rules_of(settings)
    with Lake.open(settings.data) as lake:
        assessments.assess(settings, lake=lake)
        return run_records_of(settings, lake, WINDOW, rules, BOUNDARIES, EvidenceView.PUBLIC)


def of_window(settings: Settings) -> pl.DataFrame:
    return species_records(settings, SpeciesRecords(), window=WINDOW).records


def of_species(settings: Settings) -> pl.DataFrame:
    return species_records(settings, SpeciesRecords(), species=duets.GIBBON).records


def of_gaps(settings: Settings) -> pl.DataFrame:
    counted, _ = public_evidence(settings, ["LA", "CN"], BOUNDARIES, as_of=date(2026, 11, 26), cell_m=5000.0)
    return counted.records


READERS = [of_run, of_window, of_species, of_gaps]


def test_the_hidden_records_would_change_what_the_lake_tells(with_hidden, without):
    """The control: the lake's own table of doubts and clusters is not the same."""
    told = []
    for settings in (with_hidden, without):
        with Lake.open(settings.data) as lake:
            assessments.assess(settings, lake=lake)
            names = lake.read("occurrences", columns=["key", "occurrenceID"], where=In("datasetKey", ("one", "two")))
            table = lake.read("assessments").join(names, on="key")
        told.append(table)
    first, second = told
    linked = []
    for table in (first, second):
        groups = table.filter(pl.col("cluster_id").is_not_null()).select("occurrenceID", "cluster_id")
        linked.append(dict(groups.iter_rows()))
    assert linked[0] != linked[1]
    assert set(linked[1]) == {"one:heard", "two:heard"}
    assert first["flags"].explode().drop_nulls().to_list() == ["POINT_USED_BY_MANY"] * 3
    assert second["flags"].explode().drop_nulls().to_list() == []


@pytest.mark.parametrize("read", READERS)
def test_hidden_records_change_nothing_that_is_read_for_a_public_result(with_hidden, without, read):
    first, second = (read(settings).sort("key") for settings in (with_hidden, without))
    assert first.height == second.height == len(OPEN)
    assert first.equals(second)
    assert set(runs.EVIDENCE_COLUMNS) - set(first.columns) == set()
