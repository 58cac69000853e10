"""A demo served on 127.0.0.1, and a headless Chromium that looks at it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from servers import make_demo, need, serving

FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def demo_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("demo") / "data"
    make_demo(data)
    with serving("serve", "--data", str(data)) as address:
        yield address


@pytest.fixture
def page() -> Iterator[Page]:
    chromium = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.complaints = []  # type: ignore[attr-defined]
        opened.on("console", lambda m: opened.complaints.append(m.text) if m.type in ("error", "warning") else None)
        opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
        yield opened
        browser.close()
