"""What tests of the map do with its page."""

import io

import numpy as np
import pytest
from PIL import Image

BORDER = "#8/21.3/101.4"


AT_REST = """(most_ms) => new Promise((resolve) => {
    setTimeout(() => resolve(false), most_ms);
    // Asked again and again: MapLibre tells nobody when tiles that had grown old come back unchanged.
    const again = setInterval(() => window.__map.triggerRepaint(), 500);
    window.__map.once('idle', () => { clearInterval(again); resolve(true); });
    window.__map.triggerRepaint();
})"""


def settle(page, timeout_s=90):
    """Wait until the map has drawn all that it was asked for before."""
    if not page.evaluate(AT_REST, timeout_s * 1000):
        pytest.fail("the map did not come to rest")


def ready(page, address, hash_part=BORDER):
    page.goto(f"{address}/{hash_part}")
    page.wait_for_selector("#list button", state="attached")
    settle(page)


def pixels(page):
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def toggle(page, layer):
    page.click(f"label[for=layer-{layer}]")
    settle(page)
