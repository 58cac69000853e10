"""Results of surveys in the languages of the region: page, plots and what is printed, without an English sentence left."""

import re
from html import unescape

import pytest
from matplotlib.text import Text

import releases as fixture
from biodata.exports.reports import survey_plots
from biodata.exports.reports.survey_page import summary_rows, survey_page
from biodata.runs import engines as run_engines
from biodata.runs.engines.work import facts_of
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
    "not told: nothing was found", "not told: no place is told", "Exact places, for the team alone.",
    "Places as they are published; where a place is hidden, its cell.",
    "2 more events came as cells alone, and are in no number.", "0 at 0 sites", "0 of 0 species",
)  # fmt: skip
"""What the project of these tests is too large, or too plain, to be told."""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    boundaries = fixture.neighbours()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: boundaries)
        settings = installed(tmp_path_factory.mktemp("languages") / "data", *project(hidden=[(TIGER, "LA1-2023")]))
        made = run_engines.work_on(
            run_engines.Work(settings), "survey-results", {"dataset": "cameras", "records": "public"}
        )
    return facts_of(made.results), made.notes


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
def test_no_english_is_left_in_what_is_printed(found, language):
    told = [retold(str(cell), language) for row in summary_rows(found[0]) for cell in row]
    told += [retold(one, language) for one in (*found[1], "kept as survey-results-1; written: results.html")]
    for line in told:
        assert english_in(line, language, (*NAMES, "survey-results-1")) == [], line


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_what_is_told_of_little(language):
    left = {one: english_in(retold(one, language), language, (*NAMES, "camera_trap")) for one in RARE}
    assert {one: english for one, english in left.items() if english} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_the_plots_where_this_machine_has_the_letters(found, language):
    drawn = survey_plots.plots(found[0], language=language, retold=lambda text: retold(text, language))
    said = [one.get_text() for figure, _ in drawn.values() for one in figure.findobj(Text)]
    if survey_plots.lacks_letters(language):
        assert "all sides" in said
    else:
        assert {one: left for one in said if (left := english_in(one, language, NAMES))} == {}


def test_a_machine_without_the_letters_draws_in_english_and_says_so(found, monkeypatch):
    monkeypatch.setattr(survey_plots, "_fonts", set)
    page = survey_page(found[0], title="nam-ha", run="r1", language="lo", retold=lambda text: retold(text, "lo"))
    assert "fonts-noto-core" in page
    assert english_in(re.search(r"fonts-noto-core[^<]*", page)[0], "lo", ("fonts-noto-core",)) == []
