"""`biodata ingest` of a part of a dataset: it takes the place of what the dataset had of that part, and of nothing else."""

import pytest

from biodata.core.settings import Settings
from biodata.store.lake import Lake
from commands import run
from survey_events import commit, event, seen
from survey_versions import FIRST, FIRST_EVENTS, save

MUNTJAC = "Muntiacus muntjak"


def held(data):
    with Lake.open(data) as lake:
        records = lake.read("occurrences").select("source_record_id", "dataset_part", "key").rows()
        events = lake.read("events").select("eventID", "dataset_part").rows()
    return {name: (part, key) for name, part, key in records}, dict(events)


def test_a_file_takes_the_place_of_its_part_and_of_no_other(tmp_path):
    settings = Settings(data=tmp_path / "data")
    events = [[f"X-{row[0]}", *row[1:]] for row in FIRST_EVENTS]
    others = [[f"X-{row[0]}", f"X-{row[1]}", *row[2:]] for row in FIRST]

    def ingest(path, part):
        return run("ingest", "survey", path, "--dataset", "nam-ha", "--part", part, "--data", settings.data)

    for name, *told in (("first", FIRST, FIRST_EVENTS), ("other", others, events)):
        assert ingest(save(tmp_path / f"{name}.xlsx", *told), name).returncode == 0
    records, _ = held(settings.data)
    assert len(records) == 12
    done = ingest(save(tmp_path / "again.xlsx", FIRST[:2], FIRST_EVENTS[:1]), "first")
    assert done.returncode == 0, done.stderr
    now, events = held(settings.data)
    assert now == {name: told for name, told in records.items() if told[0] == "other" or name in ("NH-1", "NH-2")}
    assert events == {"E1": "first", "X-E1": "other", "X-E2": "other", "X-E3": "other"}
    mixed = ingest(
        save(tmp_path / "mixed.xlsx", [*FIRST[:2], others[3]], [*FIRST_EVENTS, events_of(others[3])]), "first"
    )
    assert mixed.returncode == 1
    assert "the part other of the dataset" in mixed.stderr
    assert held(settings.data) == (now, events), "nothing of it went in"


def events_of(record):
    return [record[1], *FIRST_EVENTS[1][1:]]


@pytest.mark.parametrize(("events", "records", "column"), [
    ([event("a", dataset_part="dry")], [], "eventID"),
    ([], [seen(1, MUNTJAC, "a", dataset_part="dry")], "occurrenceID"),
])  # fmt: skip
def test_an_identifier_of_another_part_is_refused_by_the_lake_itself(tmp_path, events, records, column):
    wet = {"dataset_part": "wet"}
    commit(tmp_path, [event("a", **wet)], [seen(1, MUNTJAC, "a", **wet)], part=("cameras", "wet"))
    before = held(tmp_path)
    with pytest.raises(Exception, match="the part wet of the dataset already, row 2") as caught:
        commit(tmp_path, events, records, part=("cameras", "dry"))
    assert (caught.value.code, caught.value.column) == ("IDENTIFIER_IN_TWO_PARTS", column)
    assert held(tmp_path) == before


def test_a_part_of_no_rows_removes_it_with_its_events_and_a_record_that_comes_back_is_the_same(tmp_path):
    for part, number, name in (("wet", 1, "a"), ("dry", 2, "b")):
        of = {"dataset_part": part}
        commit(tmp_path, [event(name, **of)], [seen(number, MUNTJAC, name, **of)], part=("cameras", part))
    before = held(tmp_path)
    records, events = commit(tmp_path, [], [], part=("cameras", "wet"))
    assert (records.gone, events.gone) == (1, 1)
    assert [list(one) for one in held(tmp_path)] == [["cameras-2"], ["b"]]
    records, events = commit(tmp_path, [], [], part=("cameras", "wet"))
    assert (records.gone, events.gone) == (0, 0)
    of = {"dataset_part": "wet"}
    commit(tmp_path, [event("a", **of)], [seen(1, MUNTJAC, "a", **of)], part=("cameras", "wet"))
    assert held(tmp_path) == before
