"""The page of surveys as a ranger and a reviewer use it: from the template to what is published."""

import io
import os
import threading
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

import appointed
import releases
from biodata.access import accounts, api_keys, codes
from biodata.access.passwords import Passwords
from biodata.access.roles import Role, RoleBinding
from biodata.settings import Settings
from biodata.store.registry import Registry
from biodata.surveys import receive, templates, words
from biodata.worker import work
from servers import serving
from test_survey_templates import filled

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=document.title='run'>"
SHOTS = os.environ.get("BIODATA_SHOTS")
PASSWORD = "a long word of the forest"


class Post:
    """An installation that is served, with a team and its reviewers."""

    def __init__(self, settings, address):
        self.settings, self.address, self.keys = settings, address, {}
        with Registry.open(settings) as registry:
            appointed.new(registry, "team", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
            self.keys["team"] = api_keys.new(registry, "team")
            appointed.new(registry, "ranger", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
            Passwords(memory_mib=8).set_by_code(registry, codes.issue(registry, "ranger"), PASSWORD)
            for name in ("noy", "kham"):
                appointed.new(registry, name, roles=[RoleBinding(Role.REVIEWER, dataset="nam-ha")])
                self.keys[name] = api_keys.new(registry, name)

    def settle(self):
        work(self.settings, stop=threading.Event(), once=True)


@pytest.fixture(scope="module")
def post(tmp_path_factory):
    settings = Settings(data=tmp_path_factory.mktemp("post") / "data", memory_limit="500MB")
    releases.make_release(settings.data)
    with serving("serve", "--data", str(settings.data)) as address:
        yield Post(settings, address)


@pytest.fixture
def demo_address(post):
    return post.address


@pytest.fixture
def files(tmp_path):
    """A survey that is right, and the same with faults in it."""
    right = filled("camera_trap", "lo").read()
    (tmp_path / "right.xlsx").write_bytes(right)
    book = openpyxl.load_workbook(io.BytesIO(right))
    sites, records = book.worksheets[2], book.worksheets[4]
    columns = {cell.value: cell.column for cell in sites[1]}
    latitude = next(at for name, at in columns.items() if sites.cell(3, at).value == "21.01123" and name)
    sites.cell(3, latitude).value = "95.5"
    name = next(c.column for c in records[2] if c.value and "Sus scrofa" in str(c.value))
    records.cell(3, name).value = HOSTILE
    book.save(tmp_path / "wrong.xlsx")
    return tmp_path


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def no_wider(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def use_key(page, key):
    page.fill("#key", key)
    page.click("#key-form button")
    expect(page.locator("#key")).to_have_value("")


def log_in(page, name, password):
    page.fill("#account", name)
    page.fill("#password", password)
    page.click("#login-button")


def checked(page, path):
    page.set_input_files("#file", path)
    page.click("#check-button")
    page.wait_for_selector("#report .good, #report .bad", timeout=60_000)


def test_from_a_template_to_what_is_published(page, post, files):
    page.goto(f"{post.address}/surveys?language=lo")
    with page.expect_download() as loading:
        page.click('a[download="survey_camera_trap_lo.xlsx"]')
    assert Path(loading.value.path()).read_bytes() == templates.template("camera_trap", "lo")

    checked(page, files / "wrong.xlsx")
    expect(page.locator("#report .bad")).to_be_visible()
    first = page.locator("#report tbody tr").first
    expect(first.locator(".badge")).to_have_class("badge blocking")
    assert "95.5" in page.inner_text("#report")
    assert HOSTILE in page.inner_text("#report"), "it is shown as it was written"
    assert page.locator("#report img").count() == 0
    assert page.title() != "run"
    shot(page, "check_lo_1280")
    page.select_option("#report-kind", "warning")
    assert page.locator("#report .badge.blocking").count() == 0
    page.select_option("#report-kind", "")
    with page.expect_download() as loading:
        page.locator("#report .row button").first.click()
    marked = openpyxl.load_workbook(io.BytesIO(Path(loading.value.path()).read_bytes()))
    assert len(marked.sheetnames) >= 4

    checked(page, files / "right.xlsx")
    expect(page.locator("#report .good")).to_be_visible()
    use_key(page, post.keys["team"])
    page.click("#send-button")
    page.wait_for_selector("#survey:not([hidden])")
    expect(page.locator("#list table")).to_be_visible()
    expect(page.locator("#send-button")).to_be_enabled()
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "submitted", timeout=20_000)
    assert page.locator("#survey .difference td", has_text="2").count() >= 1
    number = page.url.rsplit("-", 1)[1]
    assert post.keys["team"] not in page.url

    page.evaluate("sessionStorage.clear()")
    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["noy"])
    page.click(f'#list a[href="#survey-{number}"]')
    page.wait_for_selector("[data-decision=ask]")
    page.click("[data-decision=ask]")
    expect(page.locator("#survey")).to_contain_text("Please give your reasons.")
    shot(page, "review_en_1280")
    page.click("[data-decision=accept]")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "accepted", timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "published", timeout=30_000)
    expect(page.locator("#survey .good").first).to_contain_text("the map shows it")
    shot(page, "published_en_1280")
    page.locator("#survey .good a").first.click()
    expect(page.locator("h1")).to_contain_text("nam-ha")
    assert page.complaints == []


def test_two_reviewers_the_second_is_told(page, post, files):
    page.goto(f"{post.address}/surveys?language=en")
    page.set_input_files("#file", files / "right.xlsx")
    use_key(page, post.keys["team"])
    page.click("#send-button")
    page.wait_for_selector("#survey:not([hidden])")
    number = page.url.rsplit("-", 1)[1]
    post.settle()
    use_key(page, post.keys["noy"])
    page.goto(f"{post.address}/surveys?language=en#survey-{number}")
    page.wait_for_selector("[data-decision=refuse]")
    page.evaluate(
        """async ([number, key]) => {
            const headers = { Authorization: `Bearer ${key}` };
            const seen = (await fetch(`/v1/surveys/${number}`, { headers })).headers.get("etag");
            await fetch(`/v1/surveys/${number}/decisions`, { method: "POST", body: '{"decision":"ask","reasons":"sure?"}',
                headers: { ...headers, "If-Match": seen, "Content-Type": "application/json" } });
        }""",
        [number, post.keys["kham"]],
    )
    page.fill("#reasons", "so it is")
    page.click("[data-decision=refuse]")
    expect(page.locator("#survey [role=alert]")).to_contain_text("Somebody else did something")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "asked")
    expect(page.locator("#survey")).to_contain_text("sure?")
    page.set_viewport_size({"width": 390, "height": 844})
    assert no_wider(page)
    shot(page, "asked_en_390")
    use_key(page, post.keys["team"])
    page.click("text=Answer with a mended file")
    expect(page.locator("#answers")).to_have_value(number)


@pytest.mark.parametrize("language", ["en", "lo", "zh", "my", "km", "th"])
def test_on_a_telephone_nothing_is_wider_than_the_screen(page, post, files, language):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{post.address}/surveys?language={language}")
    assert no_wider(page)
    checked(page, files / "wrong.xlsx")
    assert no_wider(page)
    shot(page, f"check_{language}_390")
    page.set_viewport_size({"width": 1200, "height": 900})
    assert no_wider(page)
    shot(page, f"check_{language}_1200")
    assert page.complaints == []


def test_by_keyboard_alone(page, post, files):
    page.goto(f"{post.address}/surveys?language=en")
    page.set_input_files("#file", files / "right.xlsx")
    page.focus("#file")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "check-button"
    page.keyboard.press("Enter")
    expect(page.locator("#report .good")).to_be_visible(timeout=60_000)
    expect(page.locator("#check-status")).to_contain_text("Nothing blocks")


def test_what_a_heading_means_is_decided_once(page, post, tmp_path):
    sheet = tmp_path / "own.csv"
    sheet.write_text(
        "occurrenceID,Tarikh,scientificName,lat,lon,<b>x</b>\nA1,2026-03-01,Muntiacus muntjak,20.9,101.3,1\n"
    )
    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["team"])
    page.set_input_files("#file", sheet)
    page.click("#headings-button")
    page.wait_for_selector("#headings select")
    shot(page, "headings_en_1280")
    page.get_by_label("Meaning: Tarikh").select_option("eventDate")
    page.get_by_label("Meaning: <b>x</b>").select_option("-")
    page.click("#headings > div > button")
    expect(page.locator("#headings-status")).to_contain_text("Kept for dataset nam-ha")
    page.click("#headings-button")
    expect(page.locator("#headings-status")).to_contain_text("All headings are known")


def test_name_and_password_are_enough_and_are_forgotten(page, post, files):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{post.address}/surveys?language=lo")
    log_in(page, "ranger", "not this one, surely")
    expect(page.locator("#login-status.bad")).to_be_visible()
    expect(page.locator("#password")).to_have_value("")
    page.complaints.clear()  # the refusal itself
    log_in(page, "ranger", PASSWORD)
    expect(page.locator("#login-status.good")).to_contain_text("ranger")
    assert PASSWORD not in page.evaluate("JSON.stringify([sessionStorage, localStorage, document.cookie])")
    page.set_input_files("#file", files / "right.xlsx")
    page.click("#send-button")
    page.wait_for_selector("#survey:not([hidden])")
    # An access token that has ended is exchanged without a word.
    page.evaluate("sessionStorage.setItem('biodata-key', sessionStorage.getItem('biodata-key').slice(0, -2) + 'xx')")
    page.reload()
    expect(page.locator("#list table")).to_be_visible(timeout=20_000)
    assert no_wider(page)
    shot(page, "logged_in_lo_390")
    page.click("#logout-button")
    expect(page.locator("#survey")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_code_sets_the_first_password(page, post):
    with Registry.open(post.settings) as registry:
        appointed.new(registry, "keo", roles=[RoleBinding(Role.REVIEWER, dataset="nam-ha")])
        code = codes.issue(registry, "keo")
    page.goto(f"{post.address}/surveys?language=lo#code")
    expect(page.locator("#one-time-code")).to_be_visible()
    page.fill("#one-time-code", code)
    page.fill("#new-password", "keo keeps the forest")
    page.click("#code-button")
    expect(page.locator("#code-status.bad")).to_contain_text(words.words("lo")["DENIED_PASSWORD_NAME"][0])
    page.fill("#new-password", PASSWORD)
    page.set_viewport_size({"width": 390, "height": 844})
    assert no_wider(page)
    shot(page, "code_lo_390")
    page.click("#code-button")
    expect(page.locator("#login-status.good")).to_be_visible()
    expect(page.locator("#new-password")).to_have_value("")
    log_in(page, "keo", PASSWORD)
    expect(page.locator("#login-status.good")).to_contain_text("keo")


def test_after_a_wrong_password_there_is_a_place_for_the_code(page, post):
    page.goto(f"{post.address}/surveys?language=en")
    expect(page.locator("#code-form")).to_be_hidden()
    log_in(page, "ranger", "not this one, surely")
    expect(page.locator("#login-status.bad")).to_contain_text("code")
    page.fill("#one-time-code", "a code of nobody")
    page.fill("#new-password", PASSWORD)
    page.click("#code-button")
    expect(page.locator("#code-status.bad")).to_contain_text("the code cannot be used")


def test_an_earlier_version_is_handed_in_again_from_the_page(page, post):
    with Registry.open(post.settings) as registry:
        appointed.new(registry, "khmer", roles=[RoleBinding(Role.UPLOADER, dataset="kh")])
        team, key = accounts.find(registry, "khmer"), api_keys.new(registry, "khmer")
        for name in ("Muntiacus muntjak", "Rusa unicolor"):
            content = f"occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\nK-1,2026-03-01,{name},12.5,105.0\n"
            number = receive(post.settings, registry, content.encode(), "kh.csv", sender=team)
            post.settle()
    page.goto(f"{post.address}/surveys?language=th")
    use_key(page, key)
    page.click(f'#list a[href="#survey-{number}"]')
    page.click("#versions summary")
    expect(page.locator("#versions tbody tr")).to_have_count(2)
    assert page.locator("#versions button:visible").count() == 1, "there is no return to what is"
    page.click("#versions button:visible")
    page.set_viewport_size({"width": 390, "height": 844})
    assert no_wider(page)
    shot(page, "versions_th_390")
    page.locator("#versions button:visible").click()
    expect(page.locator("#survey h3")).to_contain_text(str(number + 1), timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "published", timeout=20_000)


def test_a_kept_report_is_told_in_the_reader_s_language_and_says_where_its_values_are(page, post, files):
    page.goto(f"{post.address}/surveys?language=km")
    use_key(page, post.keys["team"])
    page.set_input_files("#file", files / "wrong.xlsx")
    page.click("#send-button")
    page.wait_for_selector("#survey:not([hidden])")
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "refused", timeout=20_000)
    told = page.inner_text("#survey")
    assert words.words("km")["REPORT_VALUES_NOT_KEPT"][0] in told
    assert words.words("km")["COORDINATE_OUT_OF_RANGE"][0] in told
    assert "95.5" not in told
    shot(page, "refused_km_1280")


def test_an_upload_that_only_renames_asks_its_sender_before_its_review(page, post, tmp_path):
    few = [["X-1", "2026-03-01", "Muntiacus muntjak", "21.01", "101.3", 2]]
    heads = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "individualCount"]

    def send(name, rows, state="submitted"):
        page.set_input_files("#file", _csv(tmp_path / name, [heads, *rows]))
        page.click("#send-button")
        expect(page.locator("#send-status.good")).to_be_visible(timeout=20_000)
        post.settle()
        expect(page.locator("#survey-state")).to_have_attribute("data-state", state, timeout=20_000)

    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["team"])
    send("first.csv", few)
    use_key(page, post.keys["noy"])
    page.click("[data-decision=accept]")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "accepted", timeout=20_000)
    post.settle()
    use_key(page, post.keys["team"])
    send("renamed.csv", [["Y-1", *few[0][1:]]], state="draft")
    expect(page.locator("#survey [data-code=RENAMED_UNANSWERED]")).to_contain_text("1 rows of the file", timeout=20_000)
    shot(page, "renamed_en_1280")
    page.click("#survey [data-answer=same]")
    # The answer has to be there before the worker looks for it.
    expect(page.locator("#survey-state")).to_contain_text("being checked", timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "submitted", timeout=20_000)
    expect(page.locator("#survey [data-code=RENAMED_SAME]")).to_contain_text("stays one record")
    send("changed.csv", [[*few[0][:3], "21.02", "101.3", 3]])
    page.click("#survey .difference details:not([data-kind]) summary")
    cells = page.locator("#survey .difference details:not([data-kind]) tbody tr")
    assert [row.split("\t")[2:] for row in cells.all_inner_texts()] == [
        ["latitude", "not shown", "not shown"], ["individual count", "2", "3"],
    ]  # fmt: skip
    shot(page, "difference_en_1280")


def _csv(path, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path
