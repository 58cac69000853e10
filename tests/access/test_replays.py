"""Citations asked again: after edits, withdrawals, stricter rules, a new checklist, a compaction."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import releases as fixture
from biodata import pipeline
from biodata.access import replays
from biodata.access.citations import Cited
from biodata.core.errors import JobStoppedError
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.compaction import compact
from biodata.store.lake import Lake
from biodata.store.query.filters import And, Compare, InBox
from biodata.store.registry import Registry
from cited_records import BULBUL, HORNBILL, OPEN_RULES, ROWS, TIGER, change, cite, record, replay
from rule_files import put_rules


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return an installation with a release and three citations of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        settings = Settings(data=tmp_path_factory.mktemp("cited") / "data")
        settings.data.mkdir()
        put_rules(settings.data, OPEN_RULES)
        change(settings.data, ROWS)
        pipeline.release(settings)
        made = {
            "all": cite(settings),
            "wide": cite(settings, InBox(100, 19, 103, 22)),
            "tigers": cite(settings, And((Compare("species", "=", TIGER), InBox(101.26, 20.52, 101.30, 20.56)))),
        }
    return settings.data, made


@pytest.fixture
def again(
    first: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], replays.Replay]:
    """Return what asks a citation again, in an installation that the test may change."""
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    shutil.copytree(first[0], tmp_path / "data")
    settings = Settings(data=tmp_path / "data")

    def asked(name: str) -> replays.Replay:
        return replay(settings, first[1][name])

    asked.data, asked.cited = settings.data, first[1]
    return asked


def counted(cause: replays.Cause) -> dict[tuple, int]:
    return {(by.get("dataset"), by.get("rule"), by.get("category")): by["count"] for by in cause.by}


def test_nothing_changed_is_identical(again):
    for name in again.cited:
        found = again(name)
        assert found.identical
        assert found.statement.startswith("Identical")
        assert found.cited["hash"] == found.today["hash"]
        assert not any(cause.count for cause in found.causes.values())


def test_an_edit_a_new_record_and_a_compaction_change_nothing_of_what_was_cited(again):
    edited = [{**ROWS[9], "individualCount": 4, "scientificName": "Pycnonotus jocosus (L.)"}]
    change(again.data, [*edited, record(99, BULBUL, "walks")])
    assert compact(Settings(data=again.data), expire_days=0, grace=timedelta(0)).cited
    found = again("all")
    assert found.identical
    assert found.today["snapshot"] > found.cited["snapshot"]


def test_a_stricter_rule_is_told_with_what_it_does_to_whom(again):
    rules = (
        OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\nhornbills,Buceros bicornis,0_1_degree,trade,museum\n"
    )
    put_rules(again.data, rules)
    found = again("all")
    assert not found.identical
    assert counted(found.causes["withheld"]) == {("cameras", "tigers", "withheld"): 4}
    assert counted(found.causes["generalised"]) == {("museum", "hornbills", "0_1_degree"): 3}
    # What stands for them now was in no release of that version.
    assert found.causes["generalised"].absent == 3
    assert (found.unchanged, found.today["count"], found.added.count) == (12, 12, 0)
    assert "4 withheld by a sharing rule (tigers)" in found.statement
    told = str(found.as_dict())
    assert "decimal" not in told
    with Lake.open(again.data) as lake:
        keys = lake.read("occurrences", columns=["key"])["key"].to_list()
    assert not any(str(key) in told for key in keys)


GIBBON = "Nomascus nasutus"


def test_a_presence_is_told_again_and_not_when_its_records_came(again):
    settings = Settings(data=again.data)
    change(again.data, [record(40, GIBBON, "gibbons")])
    pipeline.release(settings)
    number = cite(settings)
    assert replay(settings, number).identical
    # Another of the same cell changes nothing; one of another cell waits, and was in no release of that version.
    change(again.data, [record(40, GIBBON, "gibbons", source_record_id="more"), record(90, GIBBON, "gibbons")])
    pipeline.release(settings)
    assert replay(settings, number).identical
    put_rules(again.data, OPEN_RULES.replace("0_1_degree", "withheld"))
    found = replay(settings, number)
    assert (found.causes["regrouped"].count, found.unchanged, found.added.count) == (1, len(ROWS), 0)


def test_of_a_question_smaller_than_a_cell_neither_rule_nor_dataset_is_told(again):
    put_rules(again.data, OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n")
    found = again("tigers")
    assert found.cited["count"] > 0 == found.today["count"]
    (by,) = found.causes["withheld"].by
    assert set(by) == {"count", "absent", "note"}
    assert "tigers" not in found.statement
    assert counted(again("wide").causes["withheld"]) == {("cameras", "tigers", "withheld"): 4}


def test_a_withdrawn_dataset_and_a_withdrawn_record_are_told_apart(again):
    change(again.data, [ROWS[-1]], complete_datasets=["walks"], gone=[("cameras", "cameras-10")])
    found = again("all")
    told = {by["dataset"]: (by["count"], by["dataset_withdrawn"]) for by in found.causes["withdrawn"].by}
    assert told == {"walks": (7, True), "cameras": (1, False)}
    assert found.today["count"] == len(ROWS) - 8 == found.unchanged


def test_a_name_that_became_that_of_a_guarded_species_guards_the_old_version_too(again):
    rules = OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n"
    renamed = [{**ROWS[9], "acceptedScientificName": TIGER, "species": TIGER}]
    change(again.data, renamed)
    put_rules(again.data, rules)
    found = again("all")
    assert counted(found.causes["withheld"]) == {
        ("cameras", "tigers", "withheld"): 4,
        ("walks", "tigers", "withheld"): 1,
    }


def test_a_place_that_its_publisher_made_coarser_since_is_not_told(again):
    coarse = {**ROWS[9], "decimalLatitude": 20.7, "coordinateUncertaintyInMeters": 28_000.0}
    change(again.data, [{**coarse, "quality_flags": ["PUBLISHER_GENERALISED"]}])
    found = again("all")
    assert counted(found.causes["coarser_at_source"]) == {("walks", None, None): 1}
    assert found.today["count"] == len(ROWS) - 1


def test_the_rebuilt_file_holds_nothing_that_is_withheld_today(again):
    put_rules(again.data, OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n")
    change(again.data, [ROWS[-1]], complete_datasets=["walks"])
    rows = []

    def read(_cited: Cited, file: Path) -> None:
        with releases.connect(file) as connection:
            rows.extend(
                connection.execute('SELECT species, "datasetKey", count(*) FROM occurrences GROUP BY ALL').fetchall()
            )

    settings = Settings(data=again.data)
    with Registry.open(settings) as registry:
        replays.replay(settings, registry, again.cited["all"], with_rows=read)
    assert sorted(rows) == [(HORNBILL, "cameras", 5), (HORNBILL, "museum", 3)]
    assert not [*(again.data / "staging").rglob("*.duckdb"), *(again.data / "staging").rglob("*.parquet")]


def test_without_the_list_of_records_only_hashes_are_compared(again):
    shutil.rmtree(again.data / "service" / "citations")
    assert again("all").identical
    shutil.rmtree(again.data / "service" / "citations")
    put_rules(again.data, OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n")
    found = again("all")
    assert not found.known
    assert "lost" in found.statement


def test_a_release_that_was_made_by_adding_is_built_again_the_same(again):
    settings = Settings(data=again.data)
    twin = {**ROWS[10], "datasetKey": "museum", "source_record_id": "twin", "occurrenceID": "twin"}
    change(
        again.data,
        [record(n, BULBUL, "walks") for n in range(60, 70)] + [twin, record(71, "Nomascus nasutus", "cameras")],
    )
    pipeline.release(settings)
    number = cite(settings)
    assert replay(settings, number).identical
    change(again.data, [{**ROWS[10], "individualCount": 3}])
    pipeline.release(settings)
    assert replay(settings, number).identical


def test_a_replay_that_is_stopped_leaves_nothing_half(again):
    settings, told = Settings(data=again.data), []

    def stop(share: float) -> None:
        told.append(share)
        if share > 0.5:
            message = "the worker is to end"
            raise JobStoppedError(message)

    with Registry.open(settings) as registry:
        with pytest.raises(JobStoppedError):
            replays.replay(settings, registry, again.cited["all"], step=stop)
        assert not [*(again.data / "staging").rglob("*.duckdb"), *(again.data / "staging").rglob("*.parquet")]
        assert replays.replay(settings, registry, again.cited["all"], step=told.append).identical
    assert told[-1] <= 1
    assert told == sorted(told[:1]) + sorted(told[1:])
