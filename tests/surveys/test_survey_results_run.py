"""Results of surveys of an installation: kept as a run, told on a page, and in the public view of published values alone."""

import json
import re
from datetime import date, datetime, timedelta
from html import unescape

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text

from biodata import pipeline
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.reports import survey_plots
from biodata.exports.reports.survey_page import summary_rows, survey_page, warnings
from biodata.runs.engines import survey_results
from biodata.runs.engines import work as run_engines
from biodata.runs.engines.work import facts_of
from biodata.store import releases, run_records
from biodata.surveys.words import stated
from cited_records import OPEN_RULES
from commands import run
from english_left import OTHERS, english_in
from rule_files import put_rules
from survey_events import commit, event, seen

pytestmark = pytest.mark.usefixtures("few_boundaries")
MUNTJAC, TIGER, PANGOLIN = "Muntiacus muntjak", "Panthera tigris", "Manis javanica"
RULES = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\npangolins,Manis javanica,withheld,poached,\n"


def project(*, hidden=(), years=(2022, 2023, 2024)):
    """Events of six stations on each side, and records; `hidden` are (species, event) more."""
    rng = np.random.default_rng(3)
    events, records = [], []
    for side, latitude in (("LA", 20.5), ("CN", 21.6)):
        for n in range(6):
            at = {"decimalLatitude": latitude + 0.03 * n, "decimalLongitude": 101.2 + 0.03 * n}
            for year in years:
                start = datetime.fromisoformat(f"{year}-03-01")
                name = f"{side}{n}-{year}"
                events.append(event(name, locationID=f"{side}{n}", country_codes=[side], event_start=start,
                                    event_end=start + timedelta(days=19), effort_value=20.0, eventDate=None, **at))  # fmt: skip
                for species, chance in ((MUNTJAC, 0.3), ("Sus scrofa", 0.15)):
                    for day in np.flatnonzero(rng.random(20) < chance):
                        records.append(
                            _seen(len(records) + 1, species, name, start + timedelta(days=int(day)), side, at)
                        )
    for species, name in hidden:
        of = next(one for one in events if one["eventID"] == name)
        at = {key: of[key] for key in ("decimalLatitude", "decimalLongitude")}
        records.append(_seen(len(records) + 1, species, name, of["event_start"], of["country_codes"][0], at))
    return events, records


def _seen(number, species, name, when, side, at):
    day = when.date()
    return seen(number, species, name, eventDate=day.isoformat(), event_start=day, event_end=day, countryCode=side,
                country_codes=[side], individualCount=2, **{"class": "Mammalia"}, **at)  # fmt: skip


def installed(folder, *survey):
    folder.mkdir()
    put_rules(folder, RULES)
    commit(folder, *survey)
    return Settings(data=folder)


@pytest.fixture(scope="module")
def settings(tmp_path_factory, few_boundaries):
    survey = project(hidden=[(TIGER, "LA2-2023"), (PANGOLIN, "CN4-2024")])
    return installed(tmp_path_factory.mktemp("survey") / "data", *survey)


@pytest.fixture(scope="module")
def public(settings):
    return told(settings)


def told(settings, **asked):
    record = run_engines.start(settings, "survey-results", {"dataset": "cameras", **asked})
    return facts_of(run_records.results_of(settings, record.id)), record


def test_a_run_is_kept_and_repeated(settings, public):
    found, record = public
    assert found["facts"]["sharing_category"] == "open"
    assert found["summary"]["sides"] == ["CN", "LA"]
    assert [(one["side"], one["effort"]) for one in found["effort"]] == [("CN", 360.0), ("LA", 360.0)]
    _, comparison = run_engines.repeat(settings, record.id)
    assert comparison.identical
    assert record.parameters["dataset"] == ["cameras"]
    assert record.snapshot == found["facts"]["snapshot"]


def without_origin(found):
    return {name: value for name, value in found.items() if name != "facts"}


def test_public_results_are_those_of_published_values(settings, public):
    found, _ = public
    exact, _ = told(settings, records="exact")
    text = json.dumps(found)
    assert PANGOLIN not in text
    assert TIGER not in json.dumps({name: part for name, part in found.items() if name != "summary"})
    # Every event that plays a part is told openly by a release, and every open one plays one.
    made = pipeline.release(settings)
    surveys = releases.read(made, "surveys")
    opened = surveys.filter(surveys["sharing_category"] == "open")
    assert found["summary"]["events"] == opened.height
    assert sum(row["effort"] for row in found["effort"]) == pytest.approx(opened["effort_value"].sum())
    assert {one["species"] for one in exact["abundance"]} == {MUNTJAC, "Sus scrofa", TIGER, PANGOLIN}
    assert exact["facts"]["sharing_category"] == "withheld"
    assert exact["summary"]["events"] == 36


def test_a_withheld_record_changes_nothing_that_is_public(tmp_path, public):
    other = installed(tmp_path / "without", *project(hidden=[(TIGER, "LA2-2023")]))
    assert without_origin(told(other)[0]) == without_origin(public[0])


@pytest.mark.parametrize(("asked", "code"), [
    ({"dataset": "nothing"}, "SURVEY_MISSING"),
    ({"species": ["Homo sapiens"]}, "SPECIES_UNKNOWN"),
    ({"species": [PANGOLIN]}, "SPECIES_UNKNOWN"),
    ({"records": "some"}, "PARAMETERS_INVALID"),
    ({"occasion_days": 0}, "PARAMETERS_INVALID"),
    ({"hours": -1}, "PARAMETERS_INVALID"),
    ({"colour": "red"}, "PARAMETERS_INVALID"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(settings, asked, code):
    with pytest.raises(InputError) as error:
        told(settings, **asked)
    assert error.value.code == code


def test_the_page_tells_all_numbers_and_needs_nothing_from_elsewhere(public):
    found, record = public
    page = survey_page(found, title="Nam Ha <and> Shangyong", run=record.id)
    assert page == survey_page(found, title="Nam Ha <and> Shangyong", run=record.id)
    assert "Nam Ha &lt;and&gt; Shangyong" in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert " style=" not in page, "the page's policy would not let it"
    for heading in ("Effort", "Species", "Relative abundance", "Occupancy", "Trend", "Totals across the border"):
        assert f">{heading}</h2>" in page
    assert page.count("<img ") == page.count('alt="') == len(survey_plots.plots(found)) == 4
    attached = json.loads(re.search(r'id="card">(.*?)</script>', page, re.S)[1])
    assert attached == json.loads(json.dumps(found))


@pytest.fixture(scope="module")
def little(tmp_path_factory, few_boundaries):
    events, records = project(years=(2024,))
    lacking = [{**events[0], "effort_value": None, "targetTaxonomicScope": None}]
    own = [one for one in records if one["eventID"] == events[0]["eventID"]]
    return told(installed(tmp_path_factory.mktemp("little") / "one", lacking, own))[0]


def test_the_page_of_one_visit_says_what_cannot_be_told(little):
    page = survey_page(little, title="one", run="r1")
    assert "no scope. What they did not find is no absence." in page
    assert (
        "Camera trap: not told of 2 names, since no event is known to have looked for it: 1 (its scope is not told)."
        in page
    )
    assert "Trend</h2>" not in page
    assert "Totals across" not in page


def test_command(settings, tmp_path):
    out, png = tmp_path / "results.html", tmp_path / "plots"
    said = run("survey", "results", "--dataset", "cameras", "--data", settings.data, "--out", out, "--png", png)
    assert re.search(r"Sides: .*China.*\n", said.stdout)
    assert out.read_text().startswith("<!doctype html>")
    assert {path.name for path in png.iterdir()} == {"effort-1-camera-trap.png", "accumulation-1-camera-trap.png",
                                                     "abundance-1-camera-trap.png", "occupancy-1-camera-trap.png"}  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in png.iterdir())
    said = run("survey", "results", "--dataset", "cameras", "--data", settings.data, "--records", "exact", "--json")
    assert json.loads(said.stdout)["facts"]["sharing_category"] == "withheld"


NAMES = (MUNTJAC, TIGER, "Sus scrofa", "nam-ha", "natural_earth", "cameras", "Chao", "Jackknife", "Bootstrap")
SOURCES = re.compile(
    r"[A-Z]\w+(?: (?:et al\.|& (?:van )?[A-Z]\w+))? \d{4}|vegan|TRIM|log-linear|offset|profile likelihood"
    r"|Debian.{1,2}fonts-noto-\w+"  # the package of a font that this machine lacks
)


def read_by_people(page):
    """Return what a page shows and what is read out, each text by itself."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", page, flags=re.DOTALL)
    shown = re.sub(r"<[^>]*>", "\n", body).split("\n")
    return [
        unescape(one).strip()
        for one in (*shown, *re.findall(r'(?:alt|aria-label|data-label)="([^"]*)"', body))
        if one.strip()
    ]


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_on_the_page(public, little, language):
    for found in (public[0], little):
        page = survey_page(
            found, title="nam-ha", run="r1", language=language, translate=lambda text: stated(text, language)
        )
        assert f'<html lang="{language}">' in page
        # What the boundary set says of itself stays as it was said.
        own = re.compile("|".join(re.escape(found["facts"][name]) for name in ("viewpoint", "boundary_version")))
        read = {one: own.sub("", SOURCES.sub("", own.sub("", one))) for one in read_by_people(page)}
        assert not {one: left for one, rest in read.items() if (left := english_in(rest, language, NAMES))}


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_what_is_printed(public, language):
    told = [stated(cell, language) for row in summary_rows(public[0]) for cell in row]
    told += [stated(one, language) for one in warnings(public[0])]
    for line in told:
        assert english_in(line, language, NAMES) == [], line


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_the_plots_where_this_machine_has_the_letters(public, language):
    drawn = survey_plots.plots(public[0], language=language, translate=lambda text: stated(text, language))
    said = [one.get_text() for figure, _ in drawn.values() for one in figure.findobj(Text)]
    if survey_plots.lacks_letters(language):
        assert "all sides" in said
    else:
        assert {one: left for one in said if (left := english_in(one, language, NAMES))} == {}


def test_a_machine_without_the_letters_draws_in_english_and_says_so(public, monkeypatch):
    monkeypatch.setattr(survey_plots, "_fonts", set)
    page = survey_page(public[0], title="nam-ha", run="r1", language="lo", translate=lambda text: stated(text, "lo"))
    assert "fonts-noto-core" in page
    assert english_in(re.search(r"fonts-noto-core[^<]*", page)[0], "lo", ("fonts-noto-core",)) == []


def test_records_without_events_are_visits_of_their_places_and_days():
    rows = {"key": [1, 2, 3, 4, 5], "datasetKey": ["plain"] * 4 + ["events"], "eventID": [None] * 4 + ["E1"],
            "event_start": [date(2026, 2, 3), date(2026, 2, 3), date(2026, 2, 4), None, date(2026, 2, 3)],
            "decimalLatitude": [17.82, 17.82001, 17.82, 17.82, 17.82], "decimalLongitude": [105.23] * 5,
            "country_codes": [["LA"]] * 5}  # fmt: skip
    seen, records = survey_results.visits(terms.conform(pl.DataFrame(rows), terms.OCCURRENCE), {"plain"})
    assert seen["eventID"].to_list() == ["17.82 105.23 2026-02-03", "17.82 105.23 2026-02-04"]
    assert seen["effort_value"].to_list() == [None, None]
    assert seen["targetTaxonomicScope"].to_list() == [None, None], "what was not found is no absence"
    assert records["eventID"].to_list() == [*(seen["eventID"][n] for n in (0, 0, 1)), None, "E1"]
