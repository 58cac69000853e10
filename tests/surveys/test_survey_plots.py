"""The page and the plots of survey results: what stands in them, and that no label is cut off or lies on another one."""

import itertools
import json

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from biodata.analysis.surveys.joining import join
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from biodata.exports.reports import survey_plots
from biodata.exports.reports.survey_page import survey_page
from survey_worlds import event, events, record, records

LONG = "Point Intercept Transect (PIT) method along the reef crest, told in \u7ea2\u5916\u76f8\u673a"
NAMES = (
    "\u0edd\u0eb9\u0e9b\u0ec8\u0eb2",
    "Muntiacus vaginalis (Boddaert, 1785) of the northern hills",
    "\u4e9a\u6d32\u8c61",
    "Sus scrofa",
)
FACTS = {"datasets": ["x"], "evidence_view": "exact", "snapshot": 1, "rules": "r", "sharing_category": "open",
         "boundary_set": "b", "boundary_version": "1", "viewpoint": "v", "band_m": 1, "events_as_cells": 0}  # fmt: skip


@pytest.fixture(scope="module")
def told():
    rng = np.random.default_rng(2)
    some, seen = [], []
    for side, n, year in itertools.product(("LA", "CN", "MM"), range(6), (2023, 2024, 2025)):
        name = f"{side}{n}-{year}"
        scope = ["Mammalia", "Panthera tigris"]
        some.append(event(name, site=f"{side}{n}", side=side, start=f"{year}-02-01", days=28, effort=20 + n,
                          targetTaxonomicScope=scope))  # fmt: skip
        for species, day in itertools.product(NAMES, range(28)):
            if rng.random() < 0.06:
                when = f"{year}-02-{day + 1:02}T{rng.integers(0, 24):02}:10:00+07:00"
                seen.append({**record(name, when), "species": species, "scientificName": species})
    return {**results(join(events(*some), records(*seen)), SurveyNumbers()), "facts": FACTS}


@pytest.fixture(params=["camera_trap", LONG], ids=["camera", "long name"])
def of_method(told, request):
    plain = json.dumps(told, ensure_ascii=False)
    return json.loads(plain.replace('"camera_trap"', json.dumps(request.param, ensure_ascii=False)))


@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_no_label_is_cut_off_or_lies_on_another_one(of_method):
    drawn = survey_plots.plots(of_method)
    assert {name.split("-")[0] for name in drawn} == {"effort", "accumulation", "abundance", "occupancy"}
    for name, (figure, words) in drawn.items():
        assert words
        FigureCanvasAgg(figure).draw()
        (axes,) = figure.axes
        width, height = figure.canvas.get_width_height()
        every = [figure._suptitle, axes.xaxis.label, axes.yaxis.label]
        # Ticks beyond the limits are there and not drawn.
        shown = [
            [label for label in labels if min(limits) <= label.get_position()[at] <= max(limits)]
            for at, labels, limits in ((0, axes.get_xticklabels(), axes.get_xlim()),
                                       (1, axes.get_yticklabels(), axes.get_ylim()))
        ]  # fmt: skip
        every += [*shown[0], *shown[1]]
        for text in every:
            if text.get_text():
                box = text.get_window_extent()
                assert -1 <= box.x0 <= box.x1 <= width + 1, (name, text.get_text())
                assert -1 <= box.y0 <= box.y1 <= height + 1, (name, text.get_text())
        boxes = [label.get_window_extent() for label in shown[1] if label.get_text()]
        assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes)), name


def test_parts_differ_without_colour():
    styles = survey_plots.styles_of(["CN", "LA", "MM"]).values()
    assert len({one.marker for one in styles}) == len({one.dash for one in styles}) == 4


def test_the_page_says_what_the_numbers_are_of(told):
    page = survey_page(told, title="x", run="r")
    assert "Looked for, never found" in page
    assert "Panthera tigris" in page
    assert "174 trap-night<" not in page
    assert "not compared: CN" not in page
    notes = {note for one in told["occupancy"] for found in one["by"].values() for note in found.get("notes", ())}
    assert all(page.count(f": {note}.") == 1 for note in notes), "each note stands once, under the table"
    for method, year in {(one["method"], one["repeat"]) for one in told["totals"]}:
        assert (method, year) in {("camera_trap", 2023), ("camera_trap", 2024), ("camera_trap", 2025)}
