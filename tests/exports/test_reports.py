"""Reports: what a reader of a candidate or corridor is told, safely, whatever the data hold; nothing from elsewhere."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser

import pytest

import releases as fixture
from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.exports.reports import area_map, findings, material, page
from biodata.store.reader import ReleaseReader
from report_material import candidate, evidence, told

pytest_plugins = ("api_client",)


class Outline(HTMLParser):
    """What a program that reads a page aloud meets."""

    VOID = ("meta", "link", "path", "rect", "circle", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        names = dict(attrs)
        if tag == "svg" and not (names.get("aria-label") or names.get("aria-hidden")):
            self.unnamed.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def plainly(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text.split('<script type="application/json"')[0]))


def test_a_report_is_read_by_headings_and_asks_for_nothing():
    made = page.page(told())
    outline = Outline(made)
    assert outline.open == []
    assert outline.headings[0] == 1
    assert all(after - before <= 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert outline.unnamed == []
    assert '<html lang="en">' in made
    addresses = [value for name, value in outline.attributes if name in ("src", "href", "action", "xlink:href")]
    places = {f"#{value}" for name, value in outline.attributes if name == "id"}
    assert addresses[0] == "data:,"
    assert set(addresses[1:]) <= places
    assert len(addresses) > 10, "every section is in the contents"
    assert not [name for name, _ in outline.attributes if name == "style" or name.startswith("on")]
    assert page.STYLE_SOURCE in html.unescape(made)
    assert made == page.page(told())


def test_what_stands_in_the_data_is_never_markup():
    nasty = '</script><script>alert(1)</script><b onclick="x">\x00'
    row = candidate("run-1-candidate-1", 1, name=nasty, evidence=evidence(notes=[nasty]))
    made = page.page(told(row=row))
    assert "<script>" not in made
    assert "<b onclick" not in made
    assert Outline(made).open == []
    assert json.loads(made.split('id="card">')[1].split("</script>")[0])["feature"]["properties"]["name"] == nasty


def test_the_attached_numbers_are_those_of_the_page():
    made = page.page(told())
    attached = json.loads(made.split('id="card">')[1].split("</script>")[0])
    assert attached["feature"]["properties"]["evidence"]["species"]["by_country"]["LA"]["Bos gaurus"] == 15
    assert attached["others"]["run-1-candidate-2"]["parts"]["cost"]["value"] == 20.0
    assert attached["release"]["id"] == "r000001-x"
    axes = area_map.Axis(
        "cost", "km²", "less", 10.0, [attached["others"]["run-1-candidate-2"]["parts"]["cost"]["value"]]
    )
    assert axes.standing() == "0 of 1 better"


def test_a_candidate_says_what_it_is_and_what_is_unknown():
    said = plainly(page.page(told()))
    for words_of_it in (
        "would join 2 protected areas in China and Lao PDR",
        "1 threatened species has records that count on two sides, 1 species on one side only",
        "It stands first of 2 candidates of its run, on front 1: no other candidate is at least as good in every criterion",
        "Weighed in 10,000 ways drawn by chance, it comes first in 60 % of them",
        "Not tested yet: how sure it is, whether records of animals agree with it better than chance and what fences",
        "Threatened species recorded on both sides passed Both sides. by side: China 1, Lao PDR 1",
        "Gaur · 印度野牛 VU 12 15 two sides",
        "Red List: VU vulnerable",
        "public: made from what is published of the records alone",
        "at the scale of the cell that is published",
        "Human pressure: the input is missing",
        "62 km² overlap another country on this boundary set",
        "No records were held out to test this result: whether it is better than chance is not known",
        "who holds the ground",
        "Release r000001-x of 2026-11-26",
    ):
        assert words_of_it in said
    assert "probability" in said  # said of acceptability: that it is none
    assert not re.search(r"\d{2,3}\.\d{3,}\s*°", said)


def test_a_probable_candidate_says_its_chance_and_what_would_make_it_certain():
    given = evidence()
    given["species"] |= {
        "probably_shared": ["Manis pentadactyla"], "one_sided": [],
        "by_country": {"CN": {"Bos gaurus": 12}, "LA": {"Manis pentadactyla": 3}},
        "uncertain": {"CN": {"Manis pentadactyla": {"chance": 0.97, "records": 6, "cells": 4, "probable": True}}, "LA": {}},
    }  # fmt: skip
    given["species"]["shared"] = []
    findings = "Manis pentadactyla in China: probable by 6 records; one record that surely lies there makes it certain."
    row = candidate("run-1-candidate-1", 1, evidence=given | {"lifts": [{"words": findings}]}, evidence_tier="probable")
    made = plainly(page.page(told(row=row)))
    assert "The evidence is probable: on a side no record of a shared species lies surely" in made
    assert "0; chance 0.97 by 6 records" in made
    assert (
        "0 threatened species have records that count on two sides, 1 more probably, 0 species on one side only" in made
    )
    assert findings in made


def test_ground_that_fails_says_its_first_reason():
    row = candidate("run-1-considered-1", 1) | {
        "considered_id": "run-1-considered-1", "outcome": "failed", "failed": ["two_sided_evidence"],
        "reason": "corridor yes, 0 shared species: survey in Lao PDR", "evidence_tier": None,
    }  # fmt: skip
    made = plainly(page.page(told(table="considered_ground", row=row, others=[])))
    assert "It is no candidate: corridor yes, 0 shared species: survey in Lao PDR." in made


@pytest.mark.parametrize("verdict", ["no better than chance", "better than chance", "too few records"])
def test_a_verdict_is_told_in_its_own_words(verdict):
    found = {"verdict": verdict, "told": f"{verdict} (p = 0.41)", "p": 0.41, "records": 30, "left_out": {"used": 3}}
    said = plainly(page.page(told(findings={"validation": found})))
    assert f"{verdict} (p = 0.41)" in said
    assert "whether it is better than chance is not known" not in said


@pytest.mark.parametrize("assumptions", [{"spread": 2.0}, ["spread: 2"]], ids=["by name", "as lines"])
def test_frequencies_are_told_with_their_assumptions(assumptions):
    found = {
        "assumptions": assumptions,
        "draws": 200,
        "told": "2 of 3 links",
        "pairs": [{"from": "a", "to": "b", "functional_frequency": 0.83}],
    }
    said = plainly(page.page(told(findings={"uncertainty": found})))
    assert "Frequencies under the assumptions below; they are no probabilities" in said
    assert "functional frequency" in said
    assert "0.83" in said
    assert "spread: 2" in said


def test_the_map_shows_sides_band_and_scale_and_no_record():
    drawn = area_map.draw(told(), band_m=5000.0, title="A map")
    assert re.findall(r">(China|Lao PDR)<", drawn)
    assert re.search(r">\d+(,\d+)? (km|m)<", drawn)
    assert ">N</text>" in drawn
    assert 'aria-label="A map"' in drawn
    width = float(re.search(r'stroke-opacity="0.22" stroke-width="([\d.]+)"', drawn)[1])
    scale_px, scale_told = re.search(r'V\d+H([\d.]+)V\d+" fill="none".*?>([\d,]+ k?m)<', drawn).groups()
    metres = float(scale_told.split()[0].replace(",", "")) * (1000 if scale_told.endswith("km") else 1)
    assert width == pytest.approx(2 * 5000.0 * (float(scale_px) - 22) / metres, rel=0.02)
    assert drawn.count("<circle") == 2  # the two areas' numbers
    assert "no band" not in drawn
    assert 'stroke-opacity="0.22"' not in area_map.draw(told(), band_m=None, title="A map")


SECOND = {"boundary_set": "survey office", "boundary_version": "2020", "viewpoint": "one side's", "band_m": 500.0}


def test_borders_of_another_set_than_the_run_s_are_told_apart():
    run_s = {"boundary_set": "natural_earth", "boundary_version": "4.1.0", "viewpoint": "who holds the ground", "band_m": 5000.0}  # fmt: skip
    release = told().release
    same, other = (page.page(told(release=release | {"boundaries": b})) for b in (run_s, SECOND))
    assert "band along the border" in same
    assert 'stroke-opacity="0.22"' in same
    assert "reckoned with another set" not in same
    assert "band along the border" not in other
    assert 'stroke-opacity="0.22"' not in other
    said = plainly(other)
    assert "The map draws the borders of the boundary set of the release, survey office 2020" in said
    assert "reckoned with another set, natural_earth 4.1.0" in said
    assert "Set that the map draws survey office, version 2020 Its viewpoint one side&#39;s Its band 500 m" in said
    assert json.loads(other.split('id="card">')[1].split("</script>")[0])["boundaries"] == SECOND


def test_who_agreed_is_part_of_the_citation_and_has_a_section():
    signed = {code: {"number": 1, "note": "", "date": f"2026-11-0{n}", "key": "ab" * 32, "signature": "c2ln"}
              for n, code in enumerate(("CN", "LA"), 1)}  # fmt: skip
    consent = {"said": "agreed by the national nodes of CN, LA", "answers": {"CN": "agree", "LA": "agree"}}
    made = page.page(
        told(row=candidate("run-1-candidate-1", 1, evidence=evidence(consent={**consent, "signed": signed})))
    )
    text = plainly(made)
    assert "Agreed by the national nodes of CN, LA, the last on 2026-11-02. Release r000001-x" in text
    assert "Who agreed" in text
    assert "CN agree 2026-11-01 abababababababab…" in text
    asked = {
        "said": "nobody was asked: none of its countries has a national node here",
        "answers": {"CN": "no node", "LA": "no node"},
    }
    silent = plainly(page.page(told(row=candidate("run-1-candidate-1", 1, evidence=evidence(consent=asked)))))
    assert "Nobody was asked: none of its countries has a national node here. Release" in silent
    alone = {"said": "it lies in one country", "answers": {}}
    of_one = plainly(page.page(told(row=candidate("run-1-candidate-1", 1, evidence=evidence(consent=alone)))))
    assert "Who agreed" not in of_one


def test_datasets_without_licence_or_citation_are_named_in_a_line():
    datasets = [
        {"key": "a", "title": "Survey", "license": "http://creativecommons.org/licenses/by-nc/4.0/legalcode", "citation": "X", "doi": None},
        {"key": "b-1", "title": None, "license": None, "citation": None, "doi": None},
    ]  # fmt: skip
    made = page.page(told(datasets=datasets))
    assert '<th scope="row">Survey</th><td data-label="Licence">CC BY-NC 4.0</td>' in made
    assert "Datasets that tell neither licence nor citation: b-1." in made
    assert "<td>b-1" not in made


def test_what_a_value_was_made_from_has_units_and_names():
    told_of = {"beyond_band_km2": {"CN": 215.1142, "LA": 2008.7}, "least_km2": 1.0, "dispersal_m": 10000.0,
               "functional": [True, False]}  # fmt: skip
    assert findings.inputs(told_of) == (
        "beyond band: China 215.1 km², Lao PDR 2,009 km²; least: 1 km²; dispersal: 10,000 m; functional: yes, no"
    )
    assert findings.valued(0.2294, "share of the ground") == "22.9 % of the ground"
    assert findings.valued(None, "share of the ground") == findings.NOT_KNOWN


def test_a_row_without_a_shape_has_no_map():
    row = candidate("run-1-candidate-1", 1, geometry=None)
    assert area_map.draw(told(row=row, areas=[], borders=[]), band_m=5000.0, title="A map") == ""
    assert "It has no shape that could be drawn" in page.page(told(row=row, areas=[], borders=[]))


def test_better_is_to_the_right_whichever_way_it_counts():
    for direction, wanted in (("more", True), ("less", False)):
        drawn = area_map.parallel_dots([area_map.Axis("a", "km", direction, 5.0, [1.0])], title="t")
        ring, diamond = (float(re.search(p, drawn)[1]) for p in (r'cx="([\d.]+)"', r'd="M([\d.]+) \d+L'))
        assert (diamond > ring) is wanted


@pytest.mark.parametrize("identifier", ["run-1-1", "c1", "c2", "run-1-considered-1"])
def test_every_kind_of_result_of_a_release_has_a_report_without_secrets(settings: Settings, identifier):
    with ReleaseReader(settings.data) as reader:
        made = page.page(material.read(reader.current(), identifier))
    assert Outline(made).open == []
    assert identifier in made
    for secret in (str(fixture.SECRET_LATITUDE), str(fixture.SECRET_LONGITUDE), *fixture.SECRET_WORDS):
        assert secret not in made


def test_an_unknown_name_is_told_with_known_ones(settings: Settings):
    with ReleaseReader(settings.data) as reader, pytest.raises(InputError, match=r"run-1-1") as error:
        material.read(reader.current(), "nowhere")
    assert error.value.code == "RESULT_UNKNOWN"


def test_the_page_s_own_style_is_the_one_that_its_policy_lets_in():
    style = re.search(r"<style>(.*?)</style>", page.page(told()), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == page.STYLE_SOURCE
