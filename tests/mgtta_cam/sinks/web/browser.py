"""A real browser without a screen, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage"),
)
PATIENCE_S = 60.0  # on a busy machine
T = TypeVar("T")


@contextmanager
def browser(folder: Path, width: int = 1400, height: int = 1000) -> Iterator[Any]:
    """Chromium with a new profile in a folder; skips the test where it is not installed."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip(f"{CHROMIUM} or {DRIVER} is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"user-data-dir={folder}", f"window-size={width},{height}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def awaited(driver: Any, script: str, good: Callable[[T], object] = bool) -> T:
    """What a script returns on the page, once it is good."""
    from selenium.webdriver.support.ui import WebDriverWait

    found: list[T] = []

    def ready(_: Any) -> bool:
        found[:] = [driver.execute_script(f"return {script}")]
        return bool(good(found[0]))

    WebDriverWait(driver, PATIENCE_S, 0.05).until(ready, message=f"{script} was {found}")
    return found[0]


def complaints(driver: Any) -> list[str]:
    """What the browser's console says, of warnings and errors."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
