"""The map's search: each name draws the records that the API counts, at every zoom; cards print what the run noted."""

import json
import math
import urllib.parse
import urllib.request

import numpy as np
import pytest
from map_page import pixels, ready, settle, toggle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # the first one waits for the demo
SPECIES = "Elephas maximus"
ZOOMS = [(1, 14, 60), (3, 14, 103), (6, 18, 103), (9, 21.3, 101.4), (11, 21.2, 101.6)]
"""Zoom, latitude and longitude: at the first everything is in view; at the last two each record stands for itself."""
DRAWN = """() => {
    const map = window.__map, source = map.getSource('occurrences');
    const tiles = map.coveringTiles({ tileSize: 512, minzoom: source.minzoom, maxzoom: source.maxzoom }).map((t) => t.canonical ?? t);
    const found = map.querySourceFeatures('occurrences', { sourceLayer: 'occurrences' });
    return { tiles: tiles.map((t) => [t.z, t.x, t.y]), count: found.reduce((sum, f) => sum + Number(f.properties.count), 0),
             species: [...new Set(found.map((f) => f.properties.species).filter((s) => s))] };
}"""


def ask(address, **parameters):
    with urllib.request.urlopen(f"{address}/v1/occurrence/search?{urllib.parse.urlencode(parameters)}") as answer:
        return json.load(answer)


def places(address, **parameters):
    """Return the column and row, as shares of the world, of every record with a place."""
    found = ask(address, **parameters, hasCoordinate="true", limit=300)
    assert found["endOfRecords"], "one page holds all"
    return [mercator(r["decimalLongitude"], r["decimalLatitude"]) for r in found["results"]]


def mercator(longitude, latitude):
    return (longitude + 180) / 360, (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2


def search(page, text):
    page.fill("#species", text)
    page.press("#species", "Enter")
    page.wait_for_selector("#found:not(:empty)")
    settle(page)


def look_at(page, zoom, latitude, longitude):
    page.evaluate(f"window.__map.jumpTo({{ center: [{longitude}, {latitude}], zoom: {zoom} }})")
    settle(page)


def only_records(page):
    """Hide all layers but the records' by their switches, so that nothing else is asked for and drawn at each zoom."""
    for layer in ("surveys", "reserve_candidates", "corridors", "protected_areas"):
        page.click(f"label[for=layer-{layer}]")
    settle(page)


def in_tiles(found, tiles):
    held = {tuple(tile) for tile in tiles}
    return sum(any((z, int(x * 2**z), int(y * 2**z)) in held for z in {t[0] for t in held}) for x, y in found)


def test_a_name_draws_what_the_api_counts(page, demo_address):
    counted, at = (
        ask(demo_address, scientificName=SPECIES, limit=0)["count"],
        places(demo_address, scientificName=SPECIES),
    )
    ready(page, demo_address)
    only_records(page)
    for name in (SPECIES, "Asian elephant", "亚洲象", "ຊ້າງ"):
        search(page, name)
        message = page.text_content("#found")
        assert f"Published records of {SPECIES}: {counted:,}." in message
        assert (f"not on the map: {counted - len(at)}." in message) == (counted > len(at))
        for zoom, latitude, longitude in ZOOMS if name == SPECIES else ZOOMS[:1]:
            look_at(page, zoom, latitude, longitude)
            drawn = page.evaluate(DRAWN)
            assert drawn["count"] == in_tiles(at, drawn["tiles"]), (name, zoom)
            assert set(drawn["species"]) <= {SPECIES}
            if zoom == 1:
                assert drawn["count"] == len(at), "all of them are in view"
            assert drawn["count"] > 0
        page.fill("#species", "")
        settle(page)
        assert page.text_content("#found") == ""
    assert page.complaints == []


def test_what_is_drawn_is_seen_and_clearing_brings_all_back(whole_picture, demo_address):
    page = whole_picture
    everything = ask(demo_address, hasCoordinate="true", limit=0)["count"]
    ready(page, demo_address, "#1/14/60")
    only_records(page)
    before, drawn = pixels(page), page.evaluate(DRAWN)
    assert drawn["count"] == everything
    search(page, "ຊ້າງ")
    fewer = pixels(page)
    toggle(page, "occurrences")
    none = pixels(page)
    toggle(page, "occurrences")

    def inked(picture):
        return int((np.abs(picture - none).sum(axis=2) > 40)[60:, 320:].sum())

    assert 30 < inked(fewer) < inked(before)
    page.fill("#species", "")
    settle(page)
    assert page.text_content("#found") == ""
    assert page.evaluate(DRAWN) == drawn
    assert inked(pixels(page)) == inked(before)


def test_names_are_suggested_in_any_script_and_chosen_by_keyboard(page, demo_address):
    ready(page, demo_address)
    page.locator("#species").press_sequentially("ຊ້າ")
    page.wait_for_selector("#suggestions li")
    assert page.get_attribute("#species", "aria-expanded") == "true"
    assert "Elephas maximus ຊ້າງ" in page.inner_text("#suggestions")
    for _ in range(page.locator("#suggestions li").count()):
        page.press("#species", "ArrowDown")
        if SPECIES in "".join(page.locator("#suggestions li[aria-selected=true]").all_inner_texts()):
            break
    page.press("#species", "Enter")
    page.wait_for_selector("#found:not(:empty)")
    assert page.input_value("#species") == SPECIES
    assert f"Published records of {SPECIES}" in page.text_content("#found")
    assert not page.is_visible("#suggestions")


def test_a_name_that_nobody_knows_is_named_and_the_map_stays(page, demo_address):
    ready(page, demo_address, "#1/14/60")
    before, asked = page.evaluate(DRAWN)["count"], []
    page.on("request", lambda request: asked.append(request.url))
    search(page, "Elephas nusquam")
    assert page.text_content("#found") == "Nothing in this release is called “Elephas nusquam”; all records are shown."
    assert page.evaluate(DRAWN)["count"] == before
    assert asked
    assert not [one for one in asked if "/tiles/" in one], "what is drawn already is not asked for again"


def test_cards_and_reports_print_what_the_run_noted(page, demo_address):
    with urllib.request.urlopen(f"{demo_address}/ogc/collections/corridors/items?f=json&limit=300") as answer:
        corridors = json.load(answer)["features"]
    noted = next(f for f in corridors if len(notes_of(f)) > 1)
    ready(page, demo_address)
    name = f"{noted['properties']['from_name']} – {noted['properties']['to_name']}"
    page.locator("button[data-collection=corridors]", has_text=name).first.click()
    page.wait_for_selector("#card:not([hidden]) .warning")
    warnings = page.locator("#card > .warning").all_inner_texts()
    assert [one for one in warnings if one in notes_of(noted)] == notes_of(noted)
    page.goto(f"{demo_address}/v1/reports/{noted['id']}")
    printed = page.locator("section[aria-labelledby=short] .warning").all_inner_texts()
    assert [one for one in printed if one in notes_of(noted)] == notes_of(noted)


def notes_of(feature):
    evidence = feature["properties"]["evidence"]
    return (json.loads(evidence) if isinstance(evidence, str) else evidence)["notes"]
