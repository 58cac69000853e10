"""What an earlier release did not tell exactly is not told by a later one, whatever its event is called by then."""

from datetime import date

import pytest
import shapely

from biodata import pipeline
from biodata.store import releases
from survey_events import commit, event, seen
from test_survey_publishing import EXACT, MUNTJAC, PANGOLIN, SECOND, TIGER, shape, surveys
from test_survey_publishing import settings as settings

GONE = [("cameras", "cameras-1")]
FAR = {"decimalLatitude": 20.9, "decimalLongitude": 101.9}


def tells(settings):
    """Return whether the current release tells the station of the sensitive record."""
    made = releases.current(settings.data)
    rows = releases.read(made, "surveys").to_dicts() + releases.read(made, "occurrences").to_dicts()
    shapes = [there for row in releases.read(made, "surveys").to_dicts() if (there := shape(row)) is not None]
    near = [there for there in shapes if there.area < 0.001 and there.distance(shapely.Point(101.2345, 20.5432)) < 0.01]
    return bool(near) or any(word in repr(row) for row in rows for word in EXACT[:2])


@pytest.fixture(
    params=[pytest.param(TIGER, id="coarse"), pytest.param(PANGOLIN, id="withheld", marks=pytest.mark.attacks)]
)
def first(settings, request):
    """Return a release of a survey of two stations, with a sensitive record at one."""
    found = surveys(
        settings, [event("a"), event("b", **SECOND)], [seen(1, request.param, "a"), seen(2, MUNTJAC, "b", **SECOND)]
    )
    assert not tells(settings)
    return found


@pytest.mark.parametrize("how", ["renumbered", "complete", "new beside it"])
def test_a_renumbered_event_stays_coarse_when_the_sensitive_record_is_gone(settings, first, how):
    told = {"renumbered": {"gone_events": ["cameras:a"]}, "complete": {"complete_datasets": {"cameras"}}}.get(how, {})
    events = [event("x"), event("b", **SECOND)]
    commit(settings.data, events, [seen(2, MUNTJAC, "b", **SECOND)], gone=GONE, **told)
    assert "cameras:b" in surveys(settings, [], [], full=True)
    assert not tells(settings)


@pytest.mark.attacks
def test_renumbered_again_and_again_it_stays_coarse(settings, first):
    for was, now in (("a", "x"), ("x", "y"), ("y", "z")):
        commit(settings.data, [event(now)], [], gone=GONE, gone_events=[f"cameras:{was}"])
        pipeline.release(settings)
        assert not tells(settings), now


@pytest.mark.attacks
def test_events_that_swap_their_names_tell_nothing(settings, first):
    commit(settings.data, [event("b"), event("a", **SECOND)], [seen(2, MUNTJAC, "a", **SECOND)], gone=GONE)
    pipeline.release(settings, full=True)
    assert not tells(settings)


@pytest.mark.parametrize("name", ["a", "x"])
@pytest.mark.attacks
def test_what_was_away_for_a_release_and_comes_again_stays_coarse(settings, first, name):
    commit(settings.data, [], [], gone=GONE, gone_events=["cameras:a"])
    assert surveys(settings, [], []).keys() == {"cameras:b"}
    surveys(settings, [event(name)], [])
    assert not tells(settings)


@pytest.mark.attacks
def test_a_site_is_known_by_its_name_and_a_line_by_its_points(settings):
    line = {
        "decimalLatitude": None,
        "decimalLongitude": None,
        "footprintWKT": "LINESTRING (101.2345 20.5432, 101.24 20.55)",
    }
    surveys(settings, [event("a", locationID="S1"), event("walk", **line)], [seen(1, TIGER, "a")])
    moved = {"locationID": "S1", "decimalLatitude": 20.5455}
    back = {**line, "footprintWKT": "LINESTRING (101.24 20.55, 101.2345 20.5432)"}
    gone = ["cameras:a", "cameras:walk"]
    commit(settings.data, [event("x", **moved), event("y", **back)], [], gone=GONE, gone_events=gone)
    pipeline.release(settings)
    assert not tells(settings)


def test_what_was_told_exactly_beside_a_coarse_event_stays_so_and_what_is_new_elsewhere_is_told(settings):
    line = {"footprintWKT": "LINESTRING (101.2345 20.5432, 101.9 20.9)"}
    events = [event("long", **line), event("beside", decimalLatitude=20.5436)]
    tiger = seen(1, TIGER, "long", **FAR)
    found = surveys(settings, events, [tiger])
    assert "cameras:beside" in found
    assert surveys(settings, [], [], full=True) == found
    assert surveys(settings, [event("new", decimalLatitude=20.7)], []).keys() >= {"cameras:beside", "cameras:new"}


@pytest.mark.attacks
def test_a_patrol_takes_no_coarse_event_away(settings):
    walked = {"samplingProtocol": "Ranger patrol on foot", **SECOND}
    first = surveys(settings, [event("a"), event("day", **walked)], [seen(1, TIGER, "a")])
    commit(settings.data, [], [], gone=GONE)
    assert [row["sharing_category"] for row in surveys(settings, [], []).values()] == ["0_1_degree"]
    assert len(first) == 1
    assert "cameras:c" in surveys(settings, [event("c", **SECOND)], []), "a patrol's place hides no camera"


@pytest.mark.attacks
def test_who_lets_ties_go_has_them_gone(settings, first):
    commit(settings.data, [event("x")], [], gone=GONE, gone_events=["cameras:a"])
    opened = surveys(settings.model_copy(update={"keep_ties": False}), [], [], full=True)
    assert opened.keys() == {"cameras:x", "cameras:b"}
    assert surveys(settings, [], [], full=True).keys() == opened.keys()


def test_what_is_kept_tells_no_place_and_no_name(settings, first):
    pipeline.release(settings, full=True)
    (kept,) = settings.data.glob("kept_coarse.parquet")
    assert kept.stat().st_mode & 0o077 == 0
    held = kept.read_bytes()
    assert not any(word.encode() in held for word in (*EXACT, "cameras", "101", "Panthera"))


def test_a_record_tied_to_a_sensitive_one_that_was_away_for_a_release_stays_coarse(settings):
    surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, TIGER, "a"), seen(2, MUNTJAC, "a")])
    gone = [*GONE, ("cameras", "cameras-2")]
    commit(settings.data, [], [], gone=gone, gone_events=["cameras:a"])
    pipeline.release(settings)
    commit(settings.data, [event("a")], [seen(2, MUNTJAC, "a")])
    pipeline.release(settings)
    assert not tells(settings)


@pytest.mark.parametrize(
    ("name", "meanwhile"),
    [
        pytest.param("a", True, id="a release between"),
        pytest.param(None, False, id="at once, of no event"),
        *(
            pytest.param(*rest, marks=pytest.mark.attacks)
            for rest in (("a", False), ("x", True), ("x", False), (None, True))
        ),
    ],
)
def test_a_record_under_a_new_number_stays_coarse_when_the_sensitive_one_is_gone(settings, name, meanwhile):
    surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, TIGER, "a"), seen(2, MUNTJAC, "a")])
    gone = [*GONE, ("cameras", "cameras-2")]
    if meanwhile:
        commit(settings.data, [], [], gone=gone, gone_events=["cameras:a"])
        pipeline.release(settings, full=True)
    again = seen(9, MUNTJAC, name, samplingProtocol="camera trap" if name else None)
    commit(settings.data, [event(name)] if name else [], [again], gone=[] if meanwhile else gone)
    pipeline.release(settings)
    assert not tells(settings)
    pipeline.release(settings, full=True)
    assert not tells(settings)


@pytest.mark.attacks
def test_at_the_station_of_a_sensitive_record_that_is_gone_nothing_new_is_told_exactly(settings):
    surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, TIGER, "a"), seen(2, MUNTJAC, "b", **SECOND)])
    commit(settings.data, [], [seen(9, MUNTJAC, "later"), seen(10, MUNTJAC, "far", **FAR)], gone=GONE)
    pipeline.release(settings)
    assert not tells(settings)
    told = {
        row["key"]: row["sharing_category"]
        for row in releases.read(releases.current(settings.data), "occurrences").to_dicts()
    }
    assert sorted(told.values()) == ["0_1_degree", "open", "open"], "what stands elsewhere, before and now, is told"


def test_what_the_release_tells_exactly_near_a_place_that_is_held_stays_so(settings):
    near = {"decimalLatitude": 20.5445}
    first = [seen(1, TIGER, "a"), seen(2, MUNTJAC, "a"), seen(3, MUNTJAC, "near", **near)]
    few = settings.model_copy(update={"survey_stations": 0})
    surveys(few, [event("a")], first)
    exact = opened(few)
    assert len(exact) == 1
    commit(few.data, [], [], gone=[*GONE, ("cameras", "cameras-2")])
    pipeline.release(few, full=True)
    assert opened(few) == exact
    commit(few.data, [], [seen(9, MUNTJAC, "again")])
    pipeline.release(few, full=True)
    assert opened(few) == exact


@pytest.mark.attacks
def test_a_day_that_tied_a_record_of_no_survey_is_held_for_its_person_alone(settings):
    day = {"samplingProtocol": None, "recordedBy": "A", "event_start": date(2024, 5, 1)}
    first = [seen(1, TIGER, None, **day), seen(2, MUNTJAC, None, **day)]
    surveys(settings, [], first)
    assert not opened(settings)
    gone = [*GONE, ("cameras", "cameras-2")]
    others = seen(10, MUNTJAC, None, **{**day, "recordedBy": "B"})
    commit(settings.data, [], [seen(9, MUNTJAC, None, **day), others], gone=gone)
    pipeline.release(settings)
    assert len(opened(settings)) == 1, "what another person saw there is told"


def opened(settings):
    """Return the numbers of the records that the current release tells exactly."""
    rows = releases.read(releases.current(settings.data), "occurrences").to_dicts()
    return {row["key"] for row in rows if row["sharing_category"] == "open"}
