"""Public results of surveys tell no place that only the lake knows, and no absence of animals whose places are hidden."""

import json
from datetime import datetime
from functools import cache

import matplotlib as mpl
import pytest
from matplotlib.text import Text

from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.reports import survey_plots
from biodata.exports.reports.survey_page import survey_page
from biodata.runs.engines import survey_results
from biodata.runs.engines import work as run_engines
from biodata.runs.engines.work import facts_of
from biodata.store import run_records
from cited_records import OPEN_RULES
from rule_files import put_rules
from survey_events import commit, event, frame, seen

pytestmark = pytest.mark.usefixtures("few_boundaries")
MUNTJAC, PIG, PANGOLIN = "Muntiacus muntjak", "Sus scrofa", "Manis javanica"
COARSE = "pangolins,Manis javanica,0_1_degree,poached,\n"
WITHHELD = "pangolins,Manis javanica,withheld,poached,\n"
HIDDEN = "not told here: a sharing rule hides its places"
FIRST = datetime.fromisoformat("2024-02-01")
DAY = {"event_start": FIRST, "event_end": FIRST, "eventDate": "2024-02-01"}


def at(latitude, longitude):
    return {"decimalLatitude": latitude, "decimalLongitude": longitude, "coordinateUncertaintyInMeters": 10.0}


DEN, NEAR, FAR, AWAY = (at(20.612345, 101.254321), at(20.451234, 101.151234), at(20.551234, 101.351234),
                        at(20.8512, 101.0512))  # fmt: skip


def walk(name, place, **more):
    scope = {"targetTaxonomicScope": ["Mammalia", PANGOLIN], "effort_value": 4.0, "effort_unit": "km"}
    way = {"design": "line_transect", "samplingProtocol": "line transect"}
    return event(name, **{**way, **scope, **DAY, **place, **more})


def sighting(number, species, name, place, **more):
    day = FIRST.date()
    return seen(number, species, name, eventDate="2024-02-01", event_start=day, event_end=day, individualCount=2,
                samplingProtocol="line transect", **{"class": "Mammalia"}, **{**place, **more})  # fmt: skip


NOWHERE = dict.fromkeys(at(0, 0))


def far_record():
    """A transect that begins at a sensitive record; its open one lies in another cell."""
    records = [sighting(1, MUNTJAC, "T", AWAY), sighting(2, PIG, "T2", NEAR), sighting(3, PANGOLIN, "T", DEN),
               sighting(4, MUNTJAC, "T", NOWHERE)]  # fmt: skip
    return [walk("T", DEN), walk("T2", NEAR)], records


def parts():
    """A walk at the place of one of its legs, which is coarse."""
    legs = [walk(f"L{n}", place, parentEventID="W") for n, place in enumerate((NEAR, FAR, DEN), start=1)]
    whole = walk("W", DEN, effort_value=None, targetTaxonomicScope=["Mammalia"])
    records = [sighting(1, MUNTJAC, "W", NEAR), sighting(2, PIG, "L2", FAR), sighting(3, PANGOLIN, "L3", DEN)]
    return [whole, *legs], records


def cameras():
    """Three stations with site names; a sensitive species was recorded at one."""
    places = {"D1": NEAR, "D2": DEN, "D3": FAR}
    scope = {"targetTaxonomicScope": ["Mammalia", PANGOLIN]}
    stations = [event(name, locationID=f"S{name[1]}", **{**place, **scope}) for name, place in places.items()]
    records = [seen(1, MUNTJAC, "D1", **NEAR), seen(2, PIG, "D2", **DEN), seen(3, PANGOLIN, "D2", **DEN)]
    return stations, records


def nameless_sites():
    """Stations without site names on both sides, one at a sensitive record."""
    stations, records = cameras()
    other = event("C1", **at(21.654321, 101.123456) | {"country_codes": ["CN"]})
    return [{**one, "locationID": None} for one in stations] + [other], records


WORLDS = {one.__name__: one for one in (far_record, parts, cameras, nameless_sites)}


def installed(folder, world, rule=COARSE):
    folder.mkdir(exist_ok=True)
    put_rules(folder, OPEN_RULES + rule)
    commit(folder, *world())
    return Settings(data=folder)


def told(settings, **asked):
    record = run_engines.start(settings, "survey-results", {"dataset": "cameras", **asked})
    tables = run_records.results_of(settings, record.id)
    return facts_of(tables), tables


@pytest.fixture(scope="module")
def coarse(tmp_path_factory, few_boundaries):
    """Return what gives an installation of a world, and its public results; each is made once."""

    @cache
    def made(world):
        settings = installed(tmp_path_factory.mktemp(world.__name__) / "data", world)
        return settings, *told(settings)

    return made


def texts_of(found, tables):
    """Return all that a run tells, as texts: its values, its kept tables, its page, its plots."""
    drawn = []
    with mpl.rc_context():
        for figure, words in survey_plots.plots(found).values():
            figure.canvas.draw()
            drawn += [words, *(one.get_text() for one in figure.findobj(Text))]
    return [json.dumps(found), *(frame.write_json() for frame in tables.values()),
            survey_page(found, title="t", run="r"), *drawn]  # fmt: skip


def forms(degrees):
    """Return how a coordinate may be written: cut or rounded to so many decimals, and to the grid of places."""
    for digits in range(2, 7):
        yield f"{degrees:.{digits}f}"
        yield f"{int(degrees * 10**digits) / 10**digits:.{digits}f}"
    yield str(round(degrees / 0.0005) * 0.0005)[:7]


@pytest.mark.parametrize(
    "rule", [COARSE, pytest.param(WITHHELD, marks=pytest.mark.attacks)], ids=["coarse", "withheld"]
)
@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_public_results_tell_no_coordinate(tmp_path, coarse, world, rule):
    events, records = world()
    places = {row[name] for row in (*events, *records) for name in ("decimalLatitude", "decimalLongitude")} - {None}
    texts = texts_of(*(coarse(world)[1:] if rule == COARSE else told(installed(tmp_path / "data", world, rule))))
    for written in sorted({form for degrees in places for form in forms(degrees)}):
        assert not [text for text in texts if written in text], written


def test_a_site_without_a_name_is_called_by_its_event(coarse):
    settings, found, _ = coarse(far_record)
    assert [row["site"] for row in found["effort_by_site"]] == ["T", "T2"]
    exact, _ = told(settings, records="exact")
    assert any(row["site"].startswith("20.6125, 101.254") for row in exact["effort_by_site"])


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
@pytest.mark.attacks
def test_where_events_of_the_lake_lie_changes_no_public_result_but_by_what_is_published(tmp_path, world):
    """An event with open records is told by their places: its own may be anywhere in the cell of the sensitive one."""
    events, records = world()
    moved = {"decimalLatitude": 20.65, "decimalLongitude": 101.29}
    there = {one["eventID"] for one in records if one["species"] == PANGOLIN} | {"W"}
    other = [{**one, **moved} if one["eventID"] in there else one for one in events]
    hidden = [{**one, **moved} if one["species"] == PANGOLIN else one for one in records]
    first, _ = told(installed(tmp_path / "one", world))
    second, _ = told(installed(tmp_path / "other", lambda: (other, hidden)))
    assert without_origin(first) == without_origin(second)


def without_origin(found):
    return {name: value for name, value in found.items() if name != "facts"}


@pytest.mark.parametrize("world", [far_record, cameras], ids=["transects", "cameras"])
def test_a_species_whose_places_are_hidden_is_not_said_to_be_absent(coarse, world):
    _, found, _ = coarse(world)
    assert found["summary"]["never_found"] == []
    assert found["summary"]["not_told"] == {PANGOLIN: HIDDEN}
    for kind in ("abundance", "occupancy", "trends", "totals", "species"):
        assert PANGOLIN not in {one["species"] for one in found[kind]}
    page = survey_page(found, title="t", run="r")
    assert "Looked for, never found" not in page
    assert HIDDEN in page
    assert PANGOLIN in page


def test_who_asks_for_a_species_whose_places_are_hidden_gets_nothing(tmp_path, coarse):
    withheld = installed(tmp_path / "data", cameras, WITHHELD)
    for settings, why in ((coarse(cameras)[0], HIDDEN), (withheld, "there is no public record of this")):
        with pytest.raises(InputError, match=why):
            told(settings, species=[PANGOLIN])


def test_sites_are_called_by_their_event_and_told_apart_by_its_dataset():
    told = frame([event("T", **NEAR), event("T", dataset="other", **FAR), event("V", **NEAR),
                  event("U", dataset="other", **NOWHERE), event("X", locationID="S1", **NEAR)])  # fmt: skip
    assert survey_results.site_names(told).to_list() == ["cameras:T", "other:T", "cameras:T", "U", "S1"]
