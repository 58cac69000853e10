"""Fixtures that many test files share."""

import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import hypothesis
import pytest

if TYPE_CHECKING:
    from biodata.core.settings import Settings
    from biodata.store.registry import Registry
    from sample_installations import SampleInstallations

# How long an example takes says more of the machine's other work than of ours. Everybody draws the same examples, so
# that a test answers the same each time; who looks for others asks for it: `pytest --hypothesis-profile=random`.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=True, database=None, max_examples=25)
hypothesis.settings.register_profile("random", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("ours")
if os.environ.get("CI"):
    # A test that runs out of time fails in one of its examples, and to look for a smaller one knows no time at all.
    phases = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.shrink]
    hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("ours"), phases=phases)
    hypothesis.settings.load_profile("ci")

# Where a machine forbids compiled modules to be kept, each worker and each `biodata` of a test compiles all of them
# anew: half of what it takes to collect the tests, or to start a command.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
if os.environ.get("PYTEST_XDIST_WORKER"):
    # Tables of tests are small and each core has a process of its own: threads beside it cost a tenth of the time, and in
    # DuckDB, which waits for them in every question, a quarter.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    import duckdb

    _connect = duckdb.connect

    def _connect_on_one_thread(
        database: str | Path = ":memory:", read_only: bool = False, config: dict[str, Any] | None = None
    ) -> duckdb.DuckDBPyConnection:
        return _connect(database, read_only=read_only, config={"threads": "1", **(config or {})})

    duckdb.connect = _connect_on_one_thread


@pytest.fixture(scope="session")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the empty registry and the empty lake that are copied."""
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module", autouse=True)
def stores(empty_stores: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """Make empty registries and lakes once; where disks are full, workers killed or servers shared, each is made as it is by anybody."""
    if request.path.parent.name in ("cluster", "faults"):
        yield
        return
    from made_once import made_once  # which imports what not every run needs

    with made_once(empty_stores):
        yield


@pytest.fixture
def empty_settings(tmp_path: Path) -> "Settings":
    from biodata.core.settings import Settings

    return Settings(data=tmp_path)


@pytest.fixture
def registry(empty_settings: "Settings") -> "Iterator[Registry]":
    from biodata.store.registry import Registry

    with Registry.open(empty_settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real data and suites that lies beside a checkout; skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the folder of real data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def sample_data() -> Path:
    return Path(__file__).parents[1] / "sample_data"


@pytest.fixture(scope="session")
def sample_installations(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> "SampleInstallations":
    from sample_installations import SampleInstallations

    own = tmp_path_factory.getbasetemp()
    shared_by_workers = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    return SampleInstallations(shared_by_workers, sample_data)


@pytest.fixture(scope="module")
def few_boundaries() -> Iterator[None]:
    """Let releases hold the divisions around alone: files that are copied, and looked through byte by byte, are small."""
    from releases import neighbours

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: neighbours())
        yield


@pytest.fixture(scope="module")
def no_results() -> Iterator[None]:
    """Let this process's worker make no pages of surveys' results: a third of its time, and none of what a file of tests asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.worker.result_pages.make", lambda *_: [])
        yield


HEAVIER: Final = ("clients", "cluster", "faults", "browser")
"""Folders of tiers; what they import (playwright, schemathesis, …) is not waited for where the tier is not asked for."""
NAMED: Final = "readme"
"""The folder that runs where it is named alone: `pytest tests/readme`."""


LONGEST: Final = """
test_long_attacks test_killed_surveys test_map test_survey_pages test_survey_hostile_forms test_planted_files test_map_search
test_map_surveys test_clients_schemathesis test_survey_review test_survey_parts test_nodes test_survey_other_forms
test_withdrawal test_standing_results test_release_deltas test_survey_sides test_survey_messy test_cli_survey_review
test_increments test_survey_round_trips test_survey_publishing test_coarse_round_trips test_camtrapdp_round_trips
test_candidate_runs test_runs_over_runs test_assessments test_replays test_survey_handing_in test_leak_check
test_survey_views test_species_figures test_pipeline test_corridor_runs
""".split()
"""Files that take minutes, in the order in which they begin: one that began last would be waited for by all others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later search for garbage: eleven thousand tests stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a tier's folder closed where the markers leave the tier out, and a file that has no test of the tiers asked for."""
    markers: str = config.option.markexpr
    if collection_path.suffix == ".py" and re.fullmatch(r"\w+( or \w+)*", markers):
        text = collection_path.read_text(encoding="utf-8")
        return None if any(f"mark.{name}" in text for name in markers.split(" or ")) else True
    tier = collection_path.name
    if collection_path.parent != Path(__file__).parent:
        return None
    left_out = tier == NAMED or (tier in HEAVIER and not _asked_for(tier, config))
    return True if left_out else None


def _asked_for(tier: str, config: pytest.Config) -> bool:
    """Return whether the expression of markers (`-m`) lets a tier run; without one all of them run."""
    markers: str = config.option.markexpr
    return not markers or tier in markers.replace(f"not {tier}", "")


def pytest_report_header() -> list[str]:
    """Tell the versions that decide how geometry behaves."""
    import duckdb
    import pyproj
    import rasterio
    import shapely

    return [
        f"GDAL {rasterio.__gdal_version__}, GEOS {shapely.geos_version_string}, "
        f"PROJ {pyproj.proj_version_str}, DuckDB {duckdb.__version__}"
    ]
