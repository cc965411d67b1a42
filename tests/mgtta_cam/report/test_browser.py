"""The page in a real browser: no error, no script, no request, whatever the log says; legible on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mgtta_cam.report.writing import write
from tests.mgtta_cam.report.hostile import write_hostile
from tests.mgtta_cam.report.logs import labeled

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Chromium without a window, a profile, or a network."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is absent: no browser to look with")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium or chromedriver is absent: no browser to look with")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.mark.parametrize("make", [labeled, write_hostile])
def test_in_a_browser(browser: Any, tmp_path: Path, make: Any) -> None:
    """Console empty, pictures painted, nothing fetched, nothing run, no wider than a phone."""
    log = make(tmp_path / "a.jsonl")
    write([log, log], tmp_path / "out", overwrite=False)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    browser.get((tmp_path / "out" / "report.html").as_uri())
    assert browser.get_log("browser") == []
    assert browser.execute_script("return [typeof window.hacked, document.scripts.length]") == ["undefined", 0]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    heights = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().height)"
    )
    assert len(heights) >= 10
    assert min(heights) > 50
    assert browser.get_log("browser") == []


def test_both_schemes(browser: Any, tmp_path: Path) -> None:
    """Ink and paper differ in the light and in the dark, in the drawings too; on paper it is light."""
    write([labeled(tmp_path / "a.jsonl")], tmp_path / "out", overwrite=False)
    found = []
    for media, scheme in (("screen", "light"), ("screen", "dark"), ("print", "dark")):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        browser.get((tmp_path / "out" / "report.html").as_uri())
        colors = "return [getComputedStyle(document.querySelector('section')).backgroundColor, "
        colors += "getComputedStyle(document.querySelector('.plot text')).fill]"
        found.append(browser.execute_script(colors))
    (light_paper, light_ink), (dark_paper, dark_ink), printed = found
    assert light_paper == "rgb(255, 255, 255)"
    assert printed == [light_paper, light_ink]
    assert len({light_paper, light_ink, dark_paper, dark_ink}) == 4
