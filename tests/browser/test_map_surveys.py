"""Surveys on the map: signs, cards, one dataset alone, a release without any; by mouse, by keyboard, on a telephone."""

import json
import time

import pytest
from map_page import pixels, settle

import mapped_surveys
from biodata.core import vocabularies
from english_left import english_in
from servers import serving

pytestmark = pytest.mark.browser
NEAR = "#12/21.1187/101.4312"


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    data = tmp_path_factory.mktemp("surveyed") / "data"
    mapped_surveys.make(data)
    with serving("serve", "--data", str(data)) as address:
        yield address


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    data = tmp_path_factory.mktemp("bare") / "data"
    mapped_surveys.make(data, with_surveys=False)
    with serving("serve", "--data", str(data)) as address:
        yield address


def until(page, condition, timeout_s=60):
    """Wait for a condition; the page's policy takes no `wait_for_function`, which makes code of text."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(condition):
        if time.monotonic() > end:
            pytest.fail(f"never true: {condition}")
        time.sleep(0.1)


def ready(page, address):
    page.goto(address)
    page.wait_for_selector("#list li", state="attached", timeout=60_000)
    until(page, "!document.getElementById('viewpoint').matches(':empty')")
    settle(page)


def look(page, longitude, latitude, zoom):
    page.evaluate("([x, y, z]) => window.__map.jumpTo({ center: [x, y], zoom: z })", [longitude, latitude, zoom])
    settle(page)


def click(page, longitude, latitude):
    x, y = page.evaluate(
        "(p) => { const q = window.__map.project(p); const r = document.getElementById('map').getBoundingClientRect();"
        " return [q.x + r.left, q.y + r.top]; }",
        [longitude, latitude],
    )
    page.mouse.click(x, y)


def signs(page):
    return page.evaluate(
        "() => window.__map.queryRenderedFeatures({ layers: ['surveys-signs', 'surveys-many'] })"
        ".map((f) => [f.properties.design ?? null, f.properties.count])"
    )


def test_each_design_has_a_sign_and_its_effort_with_the_unit(page, surveyed):
    ready(page, f"{surveyed}/?dataset=nam-ha#11/21.06/101.5")
    assert {design for design, _ in signs(page)} >= {str(design) for design in vocabularies.SurveyDesign}
    look(page, 101.5, 21.06, 9)
    assert sum(count for _, count in signs(page)) == 14, "all but the patrol's, and the tiger's, which nothing hides"
    assert page.complaints == []


def test_the_layer_is_drawn_and_can_be_hidden(whole_picture, surveyed):
    page = whole_picture
    ready(page, f"{surveyed}/#11/21.06/101.5")
    shown = pixels(page)
    page.click("label[for=layer-surveys]")
    settle(page)
    changed = (abs(shown - pixels(page)).sum(axis=2) > 40)[60:, 320:]
    assert changed.sum() > 300


def test_from_afar_they_are_counted_and_a_click_goes_nearer(page, surveyed):
    ready(page, f"{surveyed}/#5/21.06/101.5")
    assert sum(count for _, count in signs(page)) == 15
    where = page.evaluate(
        "() => window.__map.queryRenderedFeatures({ layers: ['surveys-many'] })[0].geometry.coordinates"
    )
    click(page, *where)
    until(page, "window.__map.getZoom() > 6.9")
    assert page.is_hidden("#card")


def test_a_station_that_was_visited_again_has_a_card_for_each_visit(page, surveyed):
    ready(page, f"{surveyed}/{NEAR}")
    click(page, *mapped_surveys.CAMERA)
    page.wait_for_selector("#card:not([hidden]) .citation")
    seen = set()
    for _ in range(3):
        card = page.inner_text("#card")
        assert "of 3 surveys here" in card
        for words in ("Camera trap", "30 trap-nights, as its team tells it", "Mammalia", "CC BY 4.0", "How to cite"):
            assert words in card
        told = page.inner_text("#card dl")
        seen.add(told)
        page.click("#card [aria-label='The next survey']")
        until(page, f"![undefined, {json.dumps(told)}].includes(document.querySelector('#card dl')?.innerText)")
        page.wait_for_selector("#card .citation")
    assert len(seen) == 3
    assert page.complaints == []


def test_what_was_found_leads_to_the_records(page, surveyed):
    ready(page, f"{surveyed}/?dataset=nam-ha{NEAR}")
    page.click("#surveys-list button[data-survey='nam-ha:visit-0']")
    page.wait_for_selector("#card:not([hidden])")
    assert "Published records: 2; species: 1." in page.inner_text("#card")
    page.click("#card >> text=See its records")
    page.wait_for_load_state()
    assert "2 of 2 features" in page.inner_text("main")


def test_of_patrols_nothing_is_there(page, surveyed):
    ready(page, f"{surveyed}/?dataset=nam-ha")
    assert "patrol" not in page.inner_text("body").lower()
    look(page, *mapped_surveys.PATROL, 14)
    assert signs(page) == []
    assert page.inner_text("#surveys-list").strip() == "None in this part of the map."


def test_a_dataset_is_shown_alone_and_where_it_is(page, surveyed):
    ready(page, f"{surveyed}/?dataset=nam-ha")
    page.wait_for_selector("#dataset a.everything")
    settle(page)
    told = page.inner_text("#dataset")
    assert "Published: records 2, survey events 14." in told
    west, south, east, north = page.evaluate("window.__map.getBounds().toArray().flat()")
    assert 100 < west < 101.4
    assert 101.7 < east < 103
    assert (south < 20.97, north > 21.2) == (True, True)
    look(page, 103.9, 18.2, 9)
    assert signs(page) == []
    page.click("#dataset a.everything")
    page.wait_for_selector("#list li", state="attached")
    settle(page)
    assert "dataset" not in page.url
    assert signs(page) == [["camera_trap", 1]], "at the same part of the map"


def test_a_dataset_that_is_not_there_is_told_in_a_sentence(page, surveyed):
    page.goto(f"{surveyed}/?dataset=none")
    page.wait_for_selector("#dataset .warning")
    assert "once it is accepted" in page.inner_text("#dataset")


def test_the_page_of_a_dataset_leads_to_the_map(page, surveyed):
    page.goto(f"{surveyed}/v1/dataset/nam-ha?f=html")
    page.click("text=See it on the map")
    page.wait_for_selector("#dataset a.everything")
    assert page.url.startswith(f"{surveyed}/?dataset=nam-ha")


def test_without_surveys_there_is_a_sentence_and_no_dead_box(page, bare):
    ready(page, bare)
    page.wait_for_selector("#layers .empty")
    assert "No surveys are published in this release yet." in page.inner_text("#layers")
    assert page.locator("#layer-surveys").count() == 0
    assert page.is_hidden("#surveys")
    assert page.complaints == []


def test_by_keyboard_a_survey_is_opened_and_left(page, surveyed):
    ready(page, f"{surveyed}/{NEAR}")
    page.focus("#surveys summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#surveys-list button")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.dataset.survey")
    assert first
    page.keyboard.press("Enter")
    page.wait_for_selector("#card:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "card"
    page.keyboard.press("Escape")
    assert page.is_hidden("#card")


@pytest.mark.parametrize("width", [390, 500])
def test_on_a_narrow_screen_the_map_is_seen_first(page, surveyed, width):
    page.set_viewport_size({"width": width, "height": 844})
    ready(page, f"{surveyed}/")
    assert page.locator("#panel").bounding_box()["height"] < 80
    assert page.locator("#bar").bounding_box()["height"] < 60
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#panel-toggle")
    assert page.get_attribute("#panel-toggle", "aria-expanded") == "true"
    page.uncheck("#layer-surveys")
    page.click("#panel-toggle")
    assert page.is_hidden("#layer-surveys")
    assert page.complaints == []


@pytest.mark.parametrize("language", ["lo", "km", "my", "zh", "vi"])
def test_a_reader_of_another_language_finds_no_english_of_surveys(page, surveyed, language):
    ready(page, f"{surveyed}/?dataset=nam-ha&language={language}{NEAR}")
    page.evaluate("document.getElementById('surveys').open = true")
    page.wait_for_selector("#surveys-list button")
    names = ("nam-ha", "Mammalia", "CC BY", "OGC", "natural earth", "camera", "trap", "tiger", "biodata", "visit")
    for button in range(page.locator("#surveys-list button[data-survey]").count())[:4]:
        page.evaluate(f"document.querySelectorAll('#surveys-list button[data-survey]')[{button}].click()")
        page.wait_for_selector("#card:not([hidden])")
        page.wait_for_selector("#card .survey-cite .citation")
        assert page.get_attribute("#card", "lang") == language
        said = page.evaluate(
            "() => ['#dataset', '.legend', '#surveys', '#card'].flatMap((one) => [...document.querySelectorAll(one + ' *')])"
            ".filter((one) => !one.children.length && !one.closest('.citation')).map((one) => one.textContent)"
        )
        # What the rule says of a record stands in the data, and its heading says that it is English.
        left = [
            one
            for one in said
            if not one.startswith(("Withheld", "Place", "Coordinates")) and english_in(one, language, names)
        ]
        assert left == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
