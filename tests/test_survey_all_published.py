"""What all published rows of a survey tell together: what any reader of the release counts, and nothing that it hides."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import releases as fixture
from biodata import pipeline, run_engines, run_records, terms
from biodata.analysis.surveys.all_published import all_published
from biodata.errors import InputError
from biodata.exports.reports.survey_page import survey_page
from biodata.run_engines.work import told_of
from biodata.settings import Settings
from biodata.store import releases
from commands import run
from rule_files import put_rules
from survey_events import commit, event, seen
from test_replays import OPEN_RULES

ELEPHANT, GIBBON, PANGOLIN, PIG = "Elephas maximus", "Nomascus concolor", "Manis javanica", "Sus scrofa"
RULES = (
    OPEN_RULES + f"elephas,{ELEPHANT},0_1_degree,poached,\nnomascus,{GIBBON},0_1_degree,hunted,\n"
    f"manis,{PANGOLIN},withheld,poached,\n"
)
START = datetime.fromisoformat("2024-03-01")


@pytest.fixture(scope="module", autouse=True)
def _neighbours():
    boundaries = fixture.neighbours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: boundaries)
        yield


def survey(*, within=0.0, days=0, swap=False, nights=0.0, open_stations=True):
    """Eight stations on each side, elephants or gibbons at most; the rest tells where, when and of what in a cell's limits."""
    events, records = [], []
    for side, latitude in (("LA", 20.5), ("CN", 21.7)):
        for n in range(8):
            name = f"{side}{n}"
            hidden = n < 6 or not open_stations
            at = {"decimalLatitude": latitude + 0.03 + (within if hidden else 0), "decimalLongitude": 101.03 + 0.1 * n}
            end = START + timedelta(days=22)
            events.append(
                event(
                    name, locationID=name, country_codes=[side], event_start=START, event_end=end, eventDate=None,
                    effort_value=21.0 + n % 3 + (nights if hidden else 0), **at,
                )
            )  # fmt: skip
            met = [(PIG, 2)] + ([(ELEPHANT if (n % 2 == 0) != swap or n > 1 else GIBBON, 1 + n % 3)] if hidden else [])
            for species, times in met:
                for k in range(times):
                    day = (START + timedelta(days=3 * k + (days if hidden else 0))).date()
                    records.append(
                        seen(
                            len(records) + 1, species, name, eventDate=day.isoformat(), event_start=day, event_end=day, year=2024,
                            countryCode=side, country_codes=[side], individualCount=2 + days, **{"class": "Mammalia"}, **at,
                        )
                    )  # fmt: skip
    return events, records


def installed(folder, world):
    folder.mkdir()
    put_rules(folder, RULES)
    commit(folder, *world)
    return Settings(data=folder)


def told(settings, **asked):
    record = run_engines.start(settings, "survey-results", {"dataset": "cameras", **asked})
    return told_of(run_records.results_of(settings, record.id))


@pytest.fixture(scope="module")
def settings(tmp_path_factory, _neighbours):
    return installed(tmp_path_factory.mktemp("published") / "data", survey())


@pytest.fixture(scope="module")
def found(settings):
    return told(settings)


@pytest.fixture(scope="module")
def release(settings):
    made = pipeline.release(settings)
    return releases.read(made, "surveys"), releases.read(made, "occurrences")


def test_it_is_what_the_release_tells(found, release):
    """The same function of the rows that anybody can download."""
    assert found["published"] == all_published(*release)


def test_it_is_what_a_reader_counts_by_hand(found, release):
    surveys, records = (frame.to_dicts() for frame in release)
    of_all = found["published"]
    assert of_all["events"] == {"open": 4, "coarse": 12}
    sides = [row["country_codes"] for row in records]
    assert all(len(codes) == 1 for codes in sides)
    counts = Counter((row["species"], row["country_codes"][0]) for row in records)
    coarse = [row for row in records if row["cell_west"] is not None]
    cells = {
        (row["species"], row["country_codes"][0], row["cell_west"], row["cell_south"])
        for row in coarse
        if row["cell_east"] - row["cell_west"] < 0.11
    }
    assert of_all["records"]["no_cell"] == sum(row["cell_east"] - row["cell_west"] > 0.11 for row in coarse)
    for one in of_all["species"]:
        for side, of in one["by"].items():
            if side == "joint":
                assert of["records"] == sum(n for (name, _), n in counts.items() if name == one["species"])
            else:
                assert of["records"] == counts[one["species"], side]
                if of["coarse"] == of["records"]:
                    assert of["cells"] == sum((one["species"], side) == key[:2] for key in cells)
    assert {one["species"] for one in of_all["species"]} == {ELEPHANT, GIBBON, PIG}
    for row in of_all["effort"]:
        own = [one["effort_value"] for one in surveys if one["country_codes"] == [row["side"]]]
        assert row["effort"] == pytest.approx(sum(own))
        # 21, 22 and 23 nights are told as 20, which stands for 15 to 25.
        assert (row["events"], row["coarse"], row["effort"]) == (8, 6, 120 + 21 + 22)
        assert (row["low"], row["high"]) == (6 * 15 + 43, 6 * 25 + 43)
    rate = next(one for one in of_all["rates"] if one["species"] == ELEPHANT)["by"]["LA"]
    elephants = sum(row["species"] == ELEPHANT and row["country_codes"] == ["LA"] for row in records)
    assert rate["rate"] == pytest.approx(elephants / 163)
    assert rate["low"] < elephants / (6 * 25 + 43) < elephants / (6 * 15 + 43) < rate["high"]


@pytest.mark.parametrize(
    "other", [{"within": 0.05}, {"days": 9}, {"nights": 1.4}, {"swap": True}], ids=["place", "day", "effort", "station"]
)
def test_nothing_that_the_release_hides_changes_it(tmp_path, found, other):
    """Where in its cell, on which day, how long exactly; which station met a gibbon is told by the cells alone."""
    changed = told(installed(tmp_path / "data", survey(**other)))["published"]
    if "swap" in other:
        assert changed["species"] != found["published"]["species"], "it is a count of published records"
    else:
        assert changed == found["published"]


def test_what_is_withheld_changes_nothing(tmp_path, found):
    events, records = survey()
    at = {name: events[0][name] for name in ("decimalLatitude", "decimalLongitude", "country_codes")}
    day = START.date()
    more = [seen(900 + n, PANGOLIN, "LA0", event_start=day, event_end=day, **at) for n in range(3)]
    lonely = {
        **events[0],
        **{"eventID": "LA9", "event_key": "cameras:LA9", "locationID": "LA9", "decimalLatitude": 20.95},
    }
    more.append(seen(990, PANGOLIN, "LA9", event_start=day, event_end=day, **{**at, "decimalLatitude": 20.95}))
    changed = told(installed(tmp_path / "data", ([*events, lonely], [*records, *more])))
    assert changed["published"] == found["published"]
    assert PANGOLIN not in str(changed["published"])


def test_a_survey_of_coarse_events_alone_is_told(tmp_path):
    settings = installed(tmp_path / "data", survey(open_stations=False))
    of_all = told(settings)
    assert of_all["summary"]["events"] == 0
    assert of_all["published"]["events"] == {"open": 0, "coarse": 16}
    page = survey_page(of_all, title="coarse", run="r")
    assert "All that is published" in page
    assert "Effort</h2>" not in page
    said = run("survey", "results", "--dataset", "cameras", "--data", settings.data)
    assert "all that is published: 16 events (16 as cells of up to 0.1 degrees)" in said.stdout
    assert "  Elephas maximus: joint" in said.stdout


def test_a_species_whose_places_are_cells_can_be_asked(settings):
    alone = told(settings, species=[ELEPHANT])
    assert [one["species"] for one in alone["published"]["species"]] == [ELEPHANT]
    assert alone["abundance"] == []
    with pytest.raises(InputError, match="no public record"):
        told(settings, species=[PANGOLIN])


def test_exact_results_have_none(settings):
    assert told(settings, records="exact")["published"] is None


def test_the_page_says_beside_it_what_is_coarse(found):
    page = survey_page(found, title="t", run="r")
    text = " ".join(page.split())
    assert "a release tells a cell of up to 0.1° in place of the station" in text
    assert "12 such events" in text
    assert "is not said to be absent" in text
    assert f"<i>{ELEPHANT}</i>" in page


def rows(*efforts, unit="trap-night"):
    one = {"datasetKey": "d", "design": "camera_trap", "year": 2024, "effort_unit": unit, "country_codes": ["LA"]}
    told = [
        {**one, "effort_value": value, "sharing_category": "0_1_degree", "survey_id": str(n)}
        for n, value in enumerate(efforts)
    ]
    return terms.conform(pl.DataFrame(told), terms.SURVEY)


def test_effort_to_one_figure_lies_between_its_limits():
    """Whatever the exact effort was, the limits of what is published of it hold it."""
    nothing = pl.DataFrame(schema=terms.schema(terms.PUBLISHED_OCCURRENCE))
    rng = np.random.default_rng(4)
    for exact in [*10 ** rng.uniform(-2, 4, 400), 0.95, 9.5, 9.6, 14.99, 95, 150, 1000]:
        power = 10.0 ** np.floor(np.log10(exact))
        shown = float(np.round(exact / power) * power)
        (row,) = all_published(rows(shown), nothing)["effort"]
        assert row["low"] - 1e-9 <= exact <= row["high"] + 1e-9, (exact, shown, row)
    (row,) = all_published(rows(0.0, 20.0), nothing)["effort"]
    assert (row["low"], row["effort"], row["high"]) == (15, 20, 25)


def test_open_surveys_have_none():
    opened = rows(20.0).with_columns(sharing_category=pl.lit("open"))
    assert all_published(opened, pl.DataFrame(schema=terms.schema(terms.PUBLISHED_OCCURRENCE))) is None


def test_a_record_in_a_larger_cell_or_in_none_is_counted_and_has_no_cell():
    base = {
        "datasetKey": "d",
        "species": PIG,
        "scientificName": PIG,
        "country_codes": ["LA"],
        "sharing_category": "0_1_degree",
        "year": 2024,
    }
    cell = {"cell_south": 20.0, "cell_north": 20.1, "decimalLatitude": 20.05}
    some = [
        {**base, **cell, "cell_west": 101.0, "cell_east": 101.1, "decimalLongitude": 101.05},
        {**base, **cell, "cell_west": 101.0, "cell_east": 101.2, "decimalLongitude": 101.1},
        base, {**base, "occurrenceStatus": "ABSENT"},
    ]  # fmt: skip
    records = terms.conform(pl.DataFrame(some, infer_schema_length=None), terms.PUBLISHED_OCCURRENCE)
    of_all = all_published(rows(20.0), records)
    assert of_all["records"] == {"open": 0, "coarse": 3, "no_cell": 2}
    assert of_all["species"][0]["by"]["joint"]["cells"] == 1
