"""The results of a dataset after its release: published ones for everybody, exact ones for its team and for nobody else."""

import json
import sys
from pathlib import Path

import pytest
import weasyprint

from biodata.access.roles import Role, RoleBinding
from biodata.store import checksums, folders, releases, survey_files
from biodata.store.query.filters import Compare
from biodata.surveys import result_pages
from survey_office import served

SAMPLE = Path(__file__).parents[2] / "sample_data" / "survey_namha.xlsx"
PAGE = "/v1/surveys/results/nam-ha"
TIGER = ("20.9166", "101.2781")
"""Where a tiger was recorded, whose places a bundled rule hides."""


PEOPLE = {
    "team": RoleBinding(Role.UPLOADER, dataset="nam-ha"),
    "rival": RoleBinding(Role.UPLOADER, dataset="elsewhere"),
    "anywhere": RoleBinding(Role.UPLOADER),
    "laos": RoleBinding(Role.NODE_MANAGER, country="LA"),
    "reviewer": RoleBinding(Role.REVIEWER, country="LA"),
    "researcher": RoleBinding(Role.RESEARCHER),
    "administrator": RoleBinding(Role.ADMINISTRATOR),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    with served(tmp_path_factory.mktemp("results") / "data", PEOPLE) as made:
        number = made.hand_in("team", SAMPLE.read_bytes(), dataset="nam-ha")
        assert made.decide("laos", number, "accept").status_code == 200
        made.settle()
        assert made.look("team", number)["state"] == "published"
        yield made


def test_the_sample_is_published_under_its_dataset(office):
    """Of 40 records 13 are of sensitive taxa: two go out as presences, the others wait for ten places."""
    published = releases.read(
        releases.current(office.settings.data), "occurrences", where=Compare("datasetKey", "=", "nam-ha")
    )
    shown = published["sharing_category"].value_counts().rows_by_key("sharing_category", unique=True)
    assert shown == {"open": (27,), "0_1_degree": (2,)}


def ask(office, who=None, path=PAGE, **asked):
    return office.client.get(path, params=asked, headers=office.heads.get(who, {}))


@pytest.mark.parametrize("who", [None, "rival", "anywhere", "laos", "reviewer", "researcher", "administrator"])
def test_exact_results_are_the_teams_alone(office, who):
    for path in (PAGE, f"{PAGE}.pdf"):
        for form in ("html", "json"):
            answer = ask(office, who, path, exact="true", f=form)
            assert answer.status_code == (401 if who is None else 403)
            assert answer.headers["cache-control"] == "private, no-store"
            assert "Elephas" not in answer.text
    assert ask(office, who, "/v1/surveys/results/none", exact="true").status_code == (401 if who is None else 403)
    assert ask(office, who).status_code == 200


def test_the_team_has_exact_results_and_nobody_keeps_them(office):
    answer = ask(office, "team", exact="true", language="lo")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "Elephas maximus" in answer.text
    numbers = ask(office, "team", exact="true", f="json").json()
    assert numbers["facts"]["evidence_view"] == "exact"
    assert "Elephas maximus" in [one["species"] for one in numbers["species"]]
    sheet = ask(office, "team", f"{PAGE}.pdf", exact="true")
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "application/pdf")
    assert sheet.headers["cache-control"] == "private, no-store"


def test_nothing_exact_lies_open_in_the_services_folder(office):
    folder = result_pages.folder(office.settings.data, "nam-ha")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(files) == {"results.json", "exact.sealed"}
    for text in files.values():
        assert not any(form.encode() in text for form in TIGER)
    exact = result_pages.exact(office.settings.data, "nam-ha")
    assert "Panthera tigris" in [one["species"] for one in exact["results"]["species"]], "it is there to be found"
    known = checksums.read(folders.service(office.settings.data))
    assert all(known[f"results/{folder.name}/{name}"] == checksums.digest(folder / name) for name in files)


def test_a_service_without_the_key_says_what_helps(office):
    key = office.settings.data / survey_files.PRIVATE_KEY
    away = key.rename(key.with_name("away"))
    try:
        answer = ask(office, "team", exact="true")
    finally:
        away.rename(key)
    assert answer.status_code == 503
    assert "biodata survey results --dataset nam-ha --records exact" in answer.json()["detail"]


def test_the_published_page_has_map_effort_and_species_with_their_names(office):
    page = ask(office, language="zh").text
    assert page.count("<img") >= 2
    assert "红原鸡" in page, "the red junglefowl's name"
    assert "Places as they are published" not in page
    english = ask(office).text
    assert "Places as they are published; where a place is hidden, its cell." in english
    assert all(word in english for word in ("Days failed", "Effort by side and method", "red junglefowl"))
    numbers = ask(office, f="json").json()
    assert "Panthera tigris" not in json.dumps(numbers)


def test_one_sheet_of_a4(office, monkeypatch):
    rendered = []

    class Pages(weasyprint.HTML):
        def render(self, **options):
            rendered.append(super().render(**options))
            return rendered[-1]

    monkeypatch.setattr(weasyprint, "HTML", Pages)
    for language in ("en", "lo"):
        answer = ask(office, None, f"{PAGE}.pdf", language=language)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        assert answer.content.startswith(b"%PDF-")
        assert len(rendered[-1].pages) == 1


def test_without_weasyprint_the_page_is_there_and_the_sheet_says_what_is_missing(office, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    result_pages._page.cache_clear()
    assert ask(office).status_code == 200
    answer = ask(office, None, f"{PAGE}.pdf")
    assert answer.status_code == 503
    assert "pip install 'biodata[report]'" in answer.json()["detail"]


def test_what_the_rows_do_not_change_is_not_made_again(office):
    sealed = result_pages.folder(office.settings.data, "nam-ha") / "exact.sealed"
    before = sealed.stat().st_mtime_ns
    assert result_pages.make(office.settings, office.registry) == []
    assert sealed.stat().st_mtime_ns == before
