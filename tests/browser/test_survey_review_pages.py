"""The reviewer's way on the page of surveys: rows, a question, its answer, one side; by keyboard alone, on a telephone, in Chinese."""

import os
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

import appointed
import releases
from api.survey_page import words
from biodata.access import accounts, credentials
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from biodata.surveys import receive
from biodata.worker import work
from servers import serving
from survey_office import CHINA, LAOS, LAOS_TOO, workbook

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("BIODATA_SHOTS")
ZH = words("zh")
TIGER = ["SECRET-7", "2026-03-14", "Panthera tigris", 20.97345, 101.30678]


class Office:
    """An installation that is served, with a team, both countries' nodes, and a survey that waits for them."""

    def __init__(self, settings, address):
        self.settings, self.address, self.keys = settings, address, {}
        with Registry.open(settings) as registry:
            for name, role in (
                ("team", RoleBinding(Role.UPLOADER, dataset="border")),
                ("laos", RoleBinding(Role.NODE_MANAGER, country="LA")),
                ("china", RoleBinding(Role.REVIEWER, country="CN")),
            ):
                appointed.new(registry, name, roles=[role])
                self.keys[name] = credentials.new_key(registry, name)
            content = workbook(LAOS, LAOS_TOO, CHINA, TIGER)
            self.number = receive(settings, registry, content, "a.xlsx", sender=accounts.find(registry, "team"))
        work(settings, stop=threading.Event(), once=True)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    settings = Settings(data=tmp_path_factory.mktemp("office") / "data", memory_limit="500MB")
    releases.make_release(settings.data)
    with serving("serve", "--data", str(settings.data)) as address:
        yield Office(settings, address)


def shot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def no_wider(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def tab_to(page, selector):
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"nobody reaches {selector} by keyboard")


def come_as(page, office, name):
    page.goto("about:blank")
    page.goto(f"{office.address}/surveys?language=zh")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    tab_to(page, "#by-key > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#key")
    page.keyboard.type(office.keys[name])
    page.keyboard.press("Enter")
    expect(page.locator("#list table").first).to_be_visible(timeout=20_000)


def open_survey(page, office):
    tab_to(page, f'#list a[href="#survey-{office.number}"]')
    page.keyboard.press("Enter")
    expect(page.locator("#survey")).to_be_focused(timeout=20_000)


def test_a_reviewer_sees_rows_asks_gets_the_answer_and_accepts_one_side(page, office):
    page.set_viewport_size({"width": 390, "height": 844})
    come_as(page, office, "laos")
    expect(page.locator("#list caption").first).to_have_text(ZH["waiting_for_you"])
    open_survey(page, office)
    records = page.locator("#rows .species tbody tr")
    expect(records).to_have_count(3)
    assert page.locator("#rows .map rect").count() == 1, "the tiger's cell"
    assert page.locator("#rows .map circle").count() >= 1
    told = page.inner_text("#survey")
    assert "Panthera tigris" in told
    assert f"{ZH['cell']} 20.9–21" in told
    assert "L-2" in told
    assert "C-1" not in told, "that is China's"
    assert "SECRET" not in told
    assert "20.97345" not in page.content()
    expect(page.locator("#your-side")).to_have_text(ZH["side_yours"].replace("{side}", "LA"))
    expect(page.locator(".other-side")).to_contain_text(ZH["side_with_node"].replace("{side}", "CN"))
    expect(page.locator("#refusal-holds")).to_have_text(ZH["side_refusal_holds"])
    assert page.locator("#side").count() == 0, "no other side is offered"
    assert "Withheld" not in told
    assert no_wider(page)
    shot(page, "rows_zh_390")
    tab_to(page, "#rows .species:nth-child(3) tbody button")
    page.keyboard.press("Enter")
    expect(page.locator("#reasons")).to_be_focused()
    expect(page.locator("#reasons")).to_have_value("L-2, Rusa unicolor, 2026-03-03: ")
    page.keyboard.type("谁看到的？")
    tab_to(page, "[data-decision=ask]")
    page.keyboard.press("Enter")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "asked", timeout=20_000)
    come_as(page, office, "team")
    expect(page.locator("#list caption").first).to_have_text(ZH["waiting_for_you"])
    open_survey(page, office)
    asked = page.locator("#conversation li[data-action=asked]")
    expect(asked).to_contain_text("谁看到的？")
    expect(asked).to_contain_text(f"LA · {ZH['role_node_manager']}")
    expect(page.locator("#survey"), "the team sees both sides").to_contain_text("C-1")
    tab_to(page, "#answer-words")
    page.keyboard.type("两名护林员，有照片")
    tab_to(page, "#answer-send")
    page.keyboard.press("Enter")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "submitted", timeout=20_000)
    assert no_wider(page)
    shot(page, "answered_zh_390")
    come_as(page, office, "laos")
    open_survey(page, office)
    expect(page.locator("#conversation li[data-action=answered]")).to_contain_text("两名护林员")
    tab_to(page, "[data-decision=accept]")
    page.keyboard.press("Enter")
    sides = page.locator("#survey dd", has_text="LA:")
    expect(sides).to_have_text(f"CN: {ZH['side_waiting']}; LA: {ZH['side_accepted']}", timeout=20_000)
    expect(page.locator("#list caption")).to_have_count(1)
    expect(page.locator("#list caption")).to_have_text(ZH["your_surveys"])
    assert page.complaints == []
    come_as(page, office, "china")
    open_survey(page, office)
    expect(page.locator("#rows .species tbody tr")).to_have_count(1)
    told = page.inner_text("#survey")
    assert "C-1" in told
    assert "tigris" not in told
    page.set_viewport_size({"width": 1280, "height": 900})
    shot(page, "china_zh_1280")
    tab_to(page, "[data-decision=accept]")
    page.keyboard.press("Enter")
    expect(page.locator("#survey-state")).to_have_attribute("data-state", "accepted", timeout=20_000)
    assert page.complaints == []
