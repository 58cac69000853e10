"""The page of surveys as a ranger and a reviewer use it: from the template to what is published."""

import io
import os
import re
import threading
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

import appointed
import releases
from biodata.access import credentials
from biodata.access.credentials import Passwords
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from biodata.surveys import templates, words
from biodata.surveys.designs import DESIGNS
from biodata.worker import work
from filled_templates import filled
from servers import serving

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("no_results")]
HOSTILE = "<img src=x onerror=document.title='run'>"
SHOTS = os.environ.get("BIODATA_SHOTS")
PASSWORD = "a long word of the forest"


class Post:
    """An installation that is served, with a team and its reviewers."""

    def __init__(self, settings, address):
        self.settings, self.address, self.keys = settings, address, {}
        with Registry.open(settings) as registry:
            appointed.new(registry, "team", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
            self.keys["team"] = credentials.new_key(registry, "team")
            appointed.new(registry, "ranger", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
            Passwords(memory_mib=8).set_by_code(registry, credentials.new_code(registry, "ranger"), PASSWORD)
            for name in ("noy", "kham"):
                appointed.new(registry, name, roles=[RoleBinding(Role.REVIEWER, dataset="nam-ha")])
                self.keys[name] = credentials.new_key(registry, name)

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
    """A survey that is right, one of other events, and the first with faults in it."""
    right = filled("camera_trap", "lo").read()
    (tmp_path / "right.xlsx").write_bytes(right)
    book = openpyxl.load_workbook(io.BytesIO(right))
    for cell in (cell for sheet in book.worksheets[3:5] for row in sheet.iter_rows(min_row=3) for cell in row):
        if re.fullmatch(r"[ER]\d\d", str(cell.value)):
            cell.value = f"other-{cell.value}"
    book.save(tmp_path / "other.xlsx")
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
    if page.locator("#logout-button").is_visible():
        page.click("#logout-button")
    page.evaluate("document.getElementById('by-key').open = true")
    page.fill("#key", key)
    page.click("#key-form button")
    expect(page.locator("#key")).to_have_value("")


def send(page, post, path, part=None, state="draft"):
    page.set_input_files("#file", path)
    if part is not None:
        page.fill("#part", part)
    page.click("#send-button")
    expect(page.locator("#send-status.good")).to_be_visible(timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", state, timeout=20_000)
    if state == "draft":
        expect(page.locator("#submit")).to_be_visible(timeout=20_000)


def submit(page, state="submitted"):
    page.click("#submit")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", state, timeout=20_000)
    return page.url.rsplit("-", 1)[1]


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
    downloaded, made = (
        openpyxl.load_workbook(io.BytesIO(content))
        for content in (Path(loading.value.path()).read_bytes(), templates.template("camera_trap", "lo"))
    )
    assert {one.title: [*one.values] for one in downloaded} == {one.title: [*one.values] for one in made}
    checked(page, files / "wrong.xlsx")
    expect(page.locator("#report .bad")).to_be_visible()
    expect(page.locator("#report .finding .badge").first).to_have_class("badge blocking")
    kinds = [one.get_attribute("data-code") for one in page.locator("#report > div > .finding").all()]
    assert len(kinds) == len(set(kinds)), "each kind stands once"
    page.locator("#report details:not([open]) > summary").evaluate_all("every => every.forEach((one) => one.click())")
    assert "95.5" in page.inner_text("#report")
    assert HOSTILE in page.inner_text("#report"), "it is shown as it was written"
    assert page.locator("#report img").count() == 0
    assert page.title() != "run"
    shot(page, "check_lo_1280")
    with page.expect_download() as loading:
        page.locator("#report .row button").first.click()
    marked = openpyxl.load_workbook(io.BytesIO(Path(loading.value.path()).read_bytes()))
    assert len(marked.sheetnames) >= 4
    checked(page, files / "right.xlsx")
    expect(page.locator("#report .good")).to_be_visible()
    use_key(page, post.keys["team"])
    expect(page.locator("#dataset")).to_have_value("nam-ha")
    send(page, post, files / "right.xlsx", part="cameras, dry season")
    expect(page.locator("#list table").first).to_be_visible()
    expect(page.locator("#send-button")).to_be_enabled()
    assert page.locator("#survey .difference td", has_text="2").count() >= 1, (
        "what it changes is seen before it is sent on"
    )
    shot(page, "draft_lo_1280")
    number = submit(page)
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
    expect(page.locator("#survey-now")).to_contain_text("The map shows it")
    shot(page, "published_en_1280")
    page.click("#see-dataset")
    expect(page.locator("h1")).to_contain_text("nam-ha")
    assert page.complaints == []


def test_two_reviewers_the_second_is_told(page, post, files):
    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["team"])
    send(page, post, files / "other.xlsx", part="for two reviewers")
    number = submit(page)
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
    page.click("#again")
    expect(page.locator("#part")).to_have_value("for two reviewers")
    expect(page.locator("#file")).to_be_focused()


def test_what_is_typed_while_the_service_answers_stays(page, post):
    waiting = []
    page.route("**/v1/account", lambda route: waiting.append(route))
    page.goto(f"{post.address}/surveys?language=en")
    with page.expect_request("**/v1/account"):
        use_key(page, post.keys["team"])
    page.fill("#part", "typed at once")
    expect(page.locator("#dataset")).to_have_value("")
    waiting[0].continue_()
    expect(page.locator("#dataset")).to_have_value("nam-ha")
    expect(page.locator("#part")).to_have_value("typed at once")


@pytest.mark.parametrize("language", ["en", "lo", "my", "km"])
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


def test_faults_of_a_kind_are_one_line_that_opens(page, post, tmp_path):
    heads = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
    rows = [[f"N-{n}", "2026-03-01", f"Nomen nullum{'abcdefghijkl'[n % 12]}", "20.9", "101.3"] for n in range(40)]
    rows += [[f"D-{n}", "2026-33-44", "Sus scrofa", "20.9", "101.3"] for n in range(3)]
    page.goto(f"{post.address}/surveys?language=en")
    checked(page, _csv(tmp_path / "names.csv", [heads, *rows]))
    kinds = page.locator("#report > div > .finding")
    assert kinds.evaluate_all("every => every.map((one) => one.dataset.code)")[0] == "RECORDED_DATE_INVALID"
    assert kinds.nth(0).get_attribute("open") is not None, "what must be mended is seen at once"
    expect(kinds.nth(0).locator("tbody tr")).to_have_text("2026-33-4442–44eventDate")
    names = page.locator("#report .finding", has_text="12 different values in 40 rows")
    expect(names).to_have_count(1)
    expect(names.locator("tbody")).to_be_hidden()
    names.locator("summary").click()
    expect(names.locator("tbody tr")).to_have_count(12)
    expect(names.locator("tbody tr").first).to_contain_text("2, 14, 26, 38")


def test_proposals_are_accepted_on_the_page_and_sent_along(page, post, tmp_path):
    heads = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
    rows = [
        [f"B-{n}", date, "Sus scrofa", "20.9", "101.3"]
        for n, date in enumerate(("17/03/2569", "18/03/2569", "2026-03-19"))
    ]
    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["team"])
    checked(page, _csv(tmp_path / "years.csv", [heads, *rows]))
    expect(page.locator("#report .bad")).to_be_visible()
    page.click('[data-accept="RECORDED_DATE_BUDDHIST_ERA=17/03/2569"]')
    expect(page.locator("#accepted")).to_be_focused(timeout=30_000)
    expect(page.locator("[data-code=RECORDED_DATE_BUDDHIST_ERA] tbody tr")).to_have_count(1)
    page.click('[data-accept="RECORDED_DATE_BUDDHIST_ERA"]')
    expect(page.locator("#report .good")).to_be_visible(timeout=30_000)
    expect(page.locator("#accepted li")).to_have_count(2)
    shot(page, "accepted_en_1280")
    send(page, post, tmp_path / "years.csv", part="years of another era")


def test_without_scripts_the_templates_are_there(chromium, post):
    with chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(f"{post.address}/surveys?language=lo")
        expect(page.locator("noscript p")).to_be_visible()
        expect(page.locator("#templates a[download]")).to_have_count(len(DESIGNS))


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
    page.click("#check-button")
    for code in ("HEADING_UNKNOWN", "HEADING_TAKEN"):
        page.wait_for_selector(f"#report [data-code={code}]", state="attached")
    page.evaluate("document.querySelectorAll('#report details').forEach((one) => { one.open = true; })")
    shot(page, "headings_en_1280")
    page.get_by_label("Meaning: Tarikh").select_option("eventDate")
    expect(page.locator("#accepted")).to_contain_text("Tarikh → event date")
    page.evaluate("document.querySelectorAll('#report details').forEach((one) => { one.open = true; })")
    page.get_by_label("Meaning: <b>x</b>").select_option("")
    expect(page.locator("#accepted")).to_contain_text("<b>x</b> → ")
    expect(page.locator("#report [data-code^=HEADING]")).to_have_count(0)


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
    expect(page.locator("#part")).to_have_attribute("placeholder", "right")
    page.click("#send-button")
    page.wait_for_selector("#survey:not([hidden])")
    # An access token that has ended is exchanged without a word.
    page.evaluate("sessionStorage.setItem('biodata-key', sessionStorage.getItem('biodata-key').slice(0, -2) + 'xx')")
    page.reload()
    expect(page.locator("#list table").first).to_be_visible(timeout=20_000)
    assert no_wider(page)
    shot(page, "logged_in_lo_390")
    page.click("#logout-button")
    expect(page.locator("#survey")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_code_sets_the_first_password(page, post):
    with Registry.open(post.settings) as registry:
        appointed.new(registry, "keo", roles=[RoleBinding(Role.REVIEWER, dataset="nam-ha")])
        code = credentials.new_code(registry, "keo")
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


def test_a_part_is_sent_again_removed_and_restored(page, post, tmp_path):
    heads = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "individualCount"]
    with Registry.open(post.settings) as registry:
        appointed.new(registry, "khmer", roles=[RoleBinding(Role.UPLOADER, dataset="kh")])
        Passwords(memory_mib=8).set_by_code(registry, credentials.new_code(registry, "khmer"), PASSWORD)
    page.goto(f"{post.address}/surveys?language=th")
    log_in(page, "khmer", PASSWORD)
    expect(page.locator("#dataset")).to_have_value("kh")
    row = ["K-1", "2026-03-01", "Muntiacus muntjak", "12.51", "105.0"]
    for count in (2, 3):
        send(page, post, _csv(tmp_path / "kh.csv", [heads, [*row, count]]))
        submit(page, state="accepted")  # nobody reviews it
        post.settle()
        expect(page.locator("#survey-state")).to_have_attribute("data-state", "published", timeout=20_000)
    assert page.locator("#parts option").evaluate_all("every => every.map((one) => one.value)") == ["kh"]
    page.click(".actions > .once > button")
    expect(page.locator(".actions .question")).to_be_visible()
    page.click(".actions .question .danger")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "accepted", timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "removed", timeout=20_000)
    page.click("#versions > summary")
    expect(page.locator("#versions tbody tr")).to_have_count(3)
    assert page.locator("#versions td button:visible").count() == 2, "what has a file can come back"
    page.locator("#versions td button:visible").last.click()
    page.set_viewport_size({"width": 390, "height": 844})
    assert no_wider(page)
    shot(page, "versions_th_390")
    page.locator("#versions .question button:visible").first.click()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "draft", timeout=20_000)
    post.settle()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "published", timeout=20_000)
    page.go_back()
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "replaced", timeout=20_000)
    page.click("#see-next")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "published", timeout=20_000)
    assert page.complaints == []


def test_a_kept_report_is_told_in_the_reader_s_language_and_says_where_its_values_are(page, post, files):
    page.goto(f"{post.address}/surveys?language=km")
    use_key(page, post.keys["team"])
    send(page, post, files / "wrong.xlsx", state="refused")
    told = page.inner_text("#survey")
    assert words.words("km")["REPORT_VALUES_NOT_KEPT"][0] in told
    assert words.words("km")["COORDINATE_OUT_OF_RANGE"][0] in told
    assert "95.5" not in told
    shot(page, "refused_km_1280")


def test_the_difference_shows_the_cells_that_tell_no_place(page, post, tmp_path):
    heads = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude", "individualCount"]
    rows = [[f"X-{n}", "2026-03-01", "Muntiacus muntjak", "21.01", "101.3", 2] for n in range(3)]
    page.goto(f"{post.address}/surveys?language=en")
    use_key(page, post.keys["team"])
    send(page, post, _csv(tmp_path / "few.csv", [heads, *rows]), part="few")
    number = submit(page)
    use_key(page, post.keys["noy"])
    page.click("[data-decision=accept]")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "accepted", timeout=20_000)
    post.settle()
    use_key(page, post.keys["team"])
    page.click("#again")
    expect(page.locator("#part")).to_have_value("few")
    page.set_input_files("#file", _csv(tmp_path / "changed.csv", [heads, [*rows[0][:3], "21.02", "101.3", 3], rows[1]]))
    expect(page.locator("#part-status")).to_contain_text("version 1: what you send now takes its place")
    send(page, post, tmp_path / "changed.csv")
    assert page.url.rsplit("-", 1)[1] != number
    for kind, told in (
        ("changed", [["2", "latitude", "not shown", "not shown"], ["2", "individual count", "2", "3"]]),
        ("gone", [["4"]]),
    ):
        page.click(f"#survey .difference [data-kind={kind}] summary")
        cells = page.locator(f"#survey .difference [data-kind={kind}] tbody tr")
        assert [row.split("\t")[-len(told[0]) :] for row in cells.all_inner_texts()] == told
    assert page.locator("#submit").is_visible(), "it is sent on by hand"
    shot(page, "difference_en_1280")


def _csv(path, rows):
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path
