"""Events and their occurrences stand in the lake together or not at all."""

from pathlib import Path

import pytest

from biodata import pipeline
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import commits, staging
from biodata.store.lake import Lake
from survey_events import commit, event, seen

SAMPLE = Path(__file__).parents[2] / "sample_data" / "survey_namha.xlsx"
MUNTJAC = "Muntiacus muntjak"


def held(data):
    with Lake.open(data) as lake:
        events, records = lake.read("events"), lake.read("occurrences")
        return sorted(events["eventID"]), sorted(records["source_record_id"]), lake.snapshot()


def test_a_workbook_is_one_version(tmp_path):
    settings = Settings(data=tmp_path / "data")
    with Lake.open(settings.data) as lake:
        before = lake.snapshot()
    told = pipeline.ingest("survey", [SAMPLE], settings, dataset="namha")
    assert [report.snapshot for report in told] == [before + 1] * 2
    assert told[0].rows == told[0].stored > 0
    with Lake.open(settings.data) as lake:
        assert lake.count("events", snapshot=before) == lake.count("occurrences", snapshot=before) == 0
        assert lake.count("events") == told[0].rows
    found = [report.unchanged for report in pipeline.ingest("survey", [SAMPLE], settings, dataset="namha")]
    assert found == [report.rows for report in told]
    assert held(settings.data)[2] == before + 1, "nothing changed, so there is no version"


@pytest.mark.parametrize(("module", "name"), [(commits, "write_occurrences"), (commits, "write_table")])
def test_what_fails_between_leaves_no_half_survey(tmp_path, monkeypatch, module, name):
    commit(tmp_path, [event("a")], [seen(1, MUNTJAC, "a")])
    before = held(tmp_path)

    def broken(*_, **__):
        message = "the line was cut"
        raise StoreError(message)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, broken)
        with pytest.raises(StoreError):
            commit(tmp_path, [event("a", effort_value=2.0), event("b")], [seen(2, MUNTJAC, "b")])
    assert held(tmp_path) == before
    commit(tmp_path, [event("a", effort_value=2.0), event("b")], [seen(2, MUNTJAC, "b")])
    assert held(tmp_path)[:2] == (["a", "b"], ["cameras-1", "cameras-2"])


def test_events_in_several_files_are_one_state(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "_AT_ONCE", 2)
    _, first = commit(tmp_path, [event(name) for name in "abcde"], [])
    assert (first.new, held(tmp_path)[0]) == (5, list("abcde"))
    again = [event("e"), event("d"), event("f"), event("a", effort_value=2.0), event("f", effort_value=3.0)]
    _, second = commit(tmp_path, again, [], complete_datasets=["cameras"])
    assert (second.new, second.changed, second.unchanged, second.gone, len(second.refusals)) == (1, 1, 2, 2, 1)
    with Lake.open(tmp_path) as lake:
        efforts = dict(lake.read("events", columns=["eventID", "effort_value"]).iter_rows())
    assert efforts == {"a": 2.0, "d": 30.0, "e": 30.0, "f": 30.0}, "of two rows of an event the first counts"


def test_events_that_are_gone_go_where_the_whole_state_is_given(tmp_path):
    commit(tmp_path, [event("a"), event("b"), event("x", "other")], [seen(1, MUNTJAC, "a"), seen(2, MUNTJAC, "b")])
    records, events = commit(tmp_path, [event("b"), event("c")], [seen(2, MUNTJAC, "b")], complete_datasets=["cameras"])
    assert (records.gone, events.gone, events.new, events.unchanged) == (1, 1, 1, 1)
    assert held(tmp_path)[:2] == (["b", "c", "x"], ["cameras-2"])
    _, events = commit(tmp_path, [event("d")], [])
    assert (events.gone, events.new) == (0, 1), "a part of a dataset takes nothing away"


def test_a_second_row_of_an_event_is_refused_by_its_row(tmp_path):
    _, events = commit(tmp_path, [event("a"), event("a", source_row=7, effort_value=1.0)], [])
    assert (events.new, [(r.row, r.code, r.value) for r in events.refusals]) == (
        1,
        [(7, "IDENTIFIER_DUPLICATE", "cameras:a")],
    )
