"""Results of surveys in the languages of the region: page, plots and lines, without an English sentence left."""

import re
from html import unescape

import pytest
from matplotlib.text import Text

import releases as fixture
from biodata import run_engines
from biodata.cli.survey_results import _lines
from biodata.exports.reports import survey_marks, survey_plots
from biodata.exports.reports.survey_page import survey_page
from biodata.run_engines.work import told_of
from biodata.surveys.words.sentences import retold
from english_left import OTHERS, english_in
from test_survey_results_run import MUNTJAC, TIGER, installed, project

NAMES = (MUNTJAC, TIGER, "Sus scrofa", "nam-ha", "natural_earth", "cameras", "Chao", "Jackknife", "Bootstrap")
SOURCES = re.compile(
    r"[A-Z]\w+(?: (?:et al\.|& (?:van )?[A-Z]\w+))? \d{4}|vegan|TRIM|log-linear|offset|profile likelihood"
    r"|Debian.{1,2}fonts-noto-\w+"  # the package of a font that this machine lacks
)

RARE = (
    "not told: fewer than 5 sites: 3 events in 120 trap-nights at 2 sites",
    "Lao PDR: not compared: fewer than 5 sites: 1 event in 1 trap-night at 1 site",
    "fewer than 5 sites: found at 2 of 3 (9 to 99 % at 95 %)",
    "fewer than 5 sites: 3 events at 2 sites in 3 years",
    "not told: fewer than 5 cells: 3 records in 120 trap-nights in 2 cells",
    "not told: nothing was found", "not told: no place is told", "Lao PDR 0 records in 0 cells",
    "1 more event is told as cells alone, for a sensitive species was recorded there. They are in the section All that is "
    "published; every other section is of open events and records alone. Whoever holds the data asks with --records exact.",
    "Where a sensitive species was met, a release tells a cell of up to 0.1° in place of the station, the year in place of the day, "
    "and effort to one figure. Here 1 such event and 1,200 such records stand beside 3 open events and 1 open record. 12 records in no "
    "single cell. Anybody can count this in the release. What is withheld is in no number, here as there, and a species without a "
    "record is not said to be absent.",
    "Records for each unit of effort are not told: records told as cells do not tell their method, and 2 were used.",
    "Records for each unit of effort are not told: no event of this part is published.",
    "Records for each unit of effort are not told: the effort of 3 of 5 events is not known.",
    "Records for each unit of effort are not told: units of effort differ.",
    "Records for each unit of effort are not told: there was no effort.",
    "Records for 100 units of effort, with 95 % limits over cells: records, not independent events, for their days are not told",
    "12.5 (9.1 to 17), 1,023 records in 12 cells", "5 records (all as cells) in 1 cell, 2021", "3 records (1 as cells) in 2 cells, 2021 to 2023",
    "Records for effort, all that is published", "records for 100 trap-nights, 95 % limits over cells",
    "Records for each 100 trap-nights with 95 % limits; records, not independent events.", "all events lie surely on no side",
    "  effort LA, camera_trap 2023: not known, 2 of 2 events as cells", "  effort LA, camera_trap: 150 to 250 trap-nights, 1 of 1 event as cells",
    "  Panthera tigris: joint 5 records in 3 cells, LA 2 records in 1 cell",
    "  and 7 more names, which --out and --json tell", "0 events at 0 sites; 0 records of 0 species",
)  # fmt: skip
"""What the project of these tests is too large, or too plain, to be told."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    boundaries = fixture.neighbours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: boundaries)
        settings = installed(tmp_path_factory.mktemp("languages") / "data", *project(hidden=[(TIGER, "LA1-2023")]))
        made = run_engines.work_on(
            run_engines.Work(settings, {"dataset": "cameras", "records": "public"}, 1, None, None), "survey-results"
        )
    return told_of(made.results), made.notes


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
def test_no_english_is_left_on_the_page(found, language):
    page = survey_page(
        found[0], title="nam-ha", run="r1", language=language, retold=lambda text: retold(text, language)
    )
    assert f'<html lang="{language}">' in page
    # What the boundary set says of itself stays as it was said.
    own = re.compile("|".join(re.escape(found[0]["facts"][name]) for name in ("viewpoint", "boundary_version")))
    read = {one: own.sub("", SOURCES.sub("", own.sub("", one))) for one in read_by_people(page)}
    left = {one: english for one, rest in read.items() if (english := english_in(rest, language, NAMES))}
    assert not left


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_the_lines(found, language):
    for line in (*_lines(found[0]), *found[1], "kept as survey-results-1; written: results.html"):
        assert english_in(retold(line, language), language, (*NAMES, "survey-results-1")) == [], line


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_what_is_told_of_little(language):
    left = {one: english_in(retold(one, language), language, (*NAMES, "camera_trap")) for one in RARE}
    assert {one: english for one, english in left.items() if english} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_the_plots_where_this_machine_has_the_letters(found, language):
    drawn = survey_plots.plots(found[0], language=language, retold=lambda text: retold(text, language))
    said = [one.get_text() for figure, _ in drawn.values() for one in figure.findobj(Text)]
    if survey_marks.lacks_letters(language):
        assert "all sides" in said
    else:
        assert {one: left for one in said if (left := english_in(one, language, NAMES))} == {}


def test_a_machine_without_the_letters_draws_in_english_and_says_so(found, monkeypatch):
    monkeypatch.setattr(survey_marks, "_there", set)
    page = survey_page(found[0], title="nam-ha", run="r1", language="lo", retold=lambda text: retold(text, "lo"))
    assert "fonts-noto-core" in page
    assert english_in(re.search(r"fonts-noto-core[^<]*", page)[0], "lo", ("fonts-noto-core",)) == []
