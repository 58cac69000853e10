"""The map as a planner sees it: layers drawn, a corridor clicked, its card read."""

from pathlib import Path

import numpy as np
import pytest
from map_page import pixels, ready, settle, toggle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # the first one waits for the demo


def test_the_page_loads_without_a_complaint(page, demo_address, tmp_path):
    ready(page, demo_address)
    assert page.complaints == []
    assert "release r" in page.text_content("#release")


def test_each_layer_draws_pixels_of_its_own(whole_picture, demo_address):
    page = whole_picture
    ready(page, demo_address)
    shown = pixels(page)
    for layer in ("occurrences", "reserve_candidates", "corridors", "protected_areas"):
        toggle(page, layer)
        hidden = pixels(page)
        changed = (np.abs(shown - hidden).sum(axis=2) > 40)[60:, 320:]  # outside bar and panel
        assert changed.sum() > 300, layer
        shown = hidden


def test_a_corridor_is_clicked_and_its_card_read(page, demo_address):
    ready(page, demo_address)
    point = page.evaluate(
        """() => {
            const map = window.__map;
            const path = map.querySourceFeatures('paths')[0].geometry.coordinates;
            const middle = path[Math.floor(path.length / 2)];
            map.jumpTo({ center: middle, zoom: 10 });
            return middle;
        }"""
    )
    settle(page)
    for layer in ("occurrences", "reserve_candidates"):
        toggle(page, layer)
    x, y = page.evaluate(
        "(p) => { const q = window.__map.project(p); const r = document.getElementById('map').getBoundingClientRect();"
        " return [q.x + r.left, q.y + r.top]; }",
        point,
    )
    page.mouse.click(x, y)
    page.wait_for_selector("#card:not([hidden])")
    card = page.inner_text("#card")
    for words in ("Corridor", "Least accumulated cost", "Width, narrowest", "Countries", "Evidence and parameters"):
        assert words in card


RECORD = """(category) => {
    const map = window.__map;
    const found = map.querySourceFeatures('occurrences', { sourceLayer: 'occurrences', filter: [
        category === 'open' ? '==' : '!=', ['get', 'sharing_category'], 'open'] });
    return found.length ? found[0].geometry.coordinates : null;
}"""
GENERALISED, OPEN = (194, 87, 26), (44, 111, 187)


def test_a_record_is_drawn_in_its_colour_and_its_card_read(whole_picture, demo_address):
    page = whole_picture
    ready(page, demo_address)
    for layer in ("surveys", "reserve_candidates", "corridors", "protected_areas"):
        page.click(f"label[for=layer-{layer}]")
    settle(page)
    start = page.evaluate("() => window.__map.getCenter().toArray()")
    for category, colour, told in (("open", OPEN, "Occurrence"), ("coarse", GENERALISED, "biodata sample can change)")):
        place = start
        for zoom in (8, 9, 10):
            page.evaluate("([place, zoom]) => window.__map.jumpTo({ center: place, zoom })", [place, zoom])
            settle(page)
            place = page.evaluate(RECORD, category) or place
        x, y = page.evaluate(
            "(p) => { const q = window.__map.project(p); const r = document.getElementById('map').getBoundingClientRect();"
            " return [q.x + r.left, q.y + r.top]; }",
            place,
        )
        there = pixels(page)[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2, :3].reshape(-1, 3).astype(int)
        assert np.abs(there - colour).sum(axis=1).min() < 40, category
        page.mouse.click(x, y)
        page.wait_for_selector("#card:not([hidden])")
        assert told in page.inner_text("#card")
        drawn = page.evaluate("() => window.__map.querySourceFeatures('chosen').map((one) => one.geometry.type)")
        assert set(drawn) == ({"Point"} if category == "open" else {"Polygon"}), "a presence is the square of its cell"
        page.click("#card .close")


def test_a_candidate_from_the_list_shows_its_rank_and_each_criterion(page, demo_address):
    ready(page, demo_address)
    page.click("button[data-collection=reserve_candidates]")
    page.wait_for_selector("#card:not([hidden]) .part-value")
    assert "(Pareto): no other candidate is at least as good in every criterion" in page.inner_text("#card")
    assert "ways drawn by chance, it comes first in" in page.inner_text("#card")
    strips = page.locator("#card svg.strip")
    assert strips.count() >= 4
    assert "other candidates are better" in strips.first.get_attribute("aria-label")
    assert "Boundary disagreement" in page.inner_text("#card")


def test_a_candidate_s_card_tells_hard_criteria_and_sides_and_leads_to_its_report(page, demo_address):
    ready(page, demo_address)
    page.click("button[data-collection=reserve_candidates]")
    page.wait_for_selector("#card:not([hidden]) .part-value")
    card = page.inner_text("#card")
    for words in ("Hard criteria", "threatened species recorded on both sides: passed", "Records that count, by side",
                  "what is published of them alone", "Unknown"):  # fmt: skip
        assert words in card
    page.wait_for_selector("#card .citation")
    later = page.inner_text("#card")
    for words in ("Tested against records: not run", "Boundary set: natural_earth", "Citation", "Lao PDR"):
        assert words in later
    page.click("#card details summary")
    assert page.locator("#card table.sides tbody tr").count() > 3
    with page.context.expect_page() as opened:
        page.click("#card a.report")
    opened.value.wait_for_load_state()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(opened.value.url)
    assert page.locator("svg.map").count() == 1
    assert page.evaluate("getComputedStyle(document.querySelector('h2')).borderBottomStyle") == "solid"
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def test_on_a_telephone_the_card_leaves_the_map_s_buttons_free(page, demo_address):
    page.set_viewport_size({"width": 390, "height": 844})
    ready(page, demo_address)
    buttons, panel = (page.locator(s).bounding_box() for s in (".maplibregl-ctrl-zoom-in", "#panel"))
    assert panel["x"] + panel["width"] <= buttons["x"]
    page.click("#panel-toggle")
    page.click("button[data-collection=reserve_candidates]")
    page.wait_for_selector("#card:not([hidden])")
    assert not page.is_visible("#panel")
    page.click("#card .close")
    assert page.is_visible("#panel")


def test_the_map_names_the_boundary_set_that_it_draws(page, demo_address):
    ready(page, demo_address)
    page.wait_for_selector(".maplibregl-ctrl-attrib")
    assert "Boundaries: natural earth" in page.inner_text(".maplibregl-ctrl-attrib")
    assert "A band of 5,000 m along each" in page.inner_text("#viewpoint")


def test_a_name_from_the_data_is_never_markup(page, demo_address):
    ready(page, demo_address)
    assert page.evaluate("document.querySelectorAll('#card script, #list script, #card img').length") == 0


def test_the_picture_is_kept_for_a_person_to_look_at(whole_picture, demo_address, tmp_path_factory):
    page = whole_picture
    ready(page, demo_address)
    page.click("button[data-collection=reserve_candidates]")
    page.wait_for_selector("#card:not([hidden])")
    settle(page)
    picture = Path(tmp_path_factory.getbasetemp()) / "map.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 50_000
