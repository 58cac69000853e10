"""A demo served on 127.0.0.1, and a headless Chromium that looks at it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from servers import make_demo, need, serving

expect.set_options(timeout=60_000)  # how long a page takes says more of the machine's other work than of ours
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def demo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("demo") / "data"
    make_demo(data)
    with serving("serve", "--data", str(data)) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Give a page of which a quarter of the pixels is drawn: no graphics processor draws them for us, and few tests look at them."""
    with chromium.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=0.5) as context:
        yield open_page(context)


@pytest.fixture
def whole_picture(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        yield open_page(context)


def open_page(context: BrowserContext) -> Page:
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    opened.complaints = []  # type: ignore[attr-defined]
    opened.on("console", lambda m: opened.complaints.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    return opened
