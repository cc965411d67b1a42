"""The page in a real browser: the picture moves, the curves grow, the buttons work, and the end is shown."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mgtta_cam.log.format import read
from mgtta_cam.sinks.web.page import GROUPS, page, policy
from mgtta_cam.stream.controls import KEYS, Controls
from tests.mgtta_cam.clips import frames
from tests.mgtta_cam.log.test_log import result
from tests.mgtta_cam.sinks.web.browser import awaited, browser, complaints
from tests.mgtta_cam.sinks.web.viewing import EVERYWHERE, ask, press, viewing

ROOT = Path(__file__).resolve().parents[4]
RUN = [
    *("--source", "samples/clip.mp4", "--model", "demo", "--realtime", "--loop", "0", "--corrupt-on", "crop"),
    *("--compare", "split", "--threads", "1", "--no-show", "--web", "127.0.0.1:0"),
]
FACT = "[...document.querySelectorAll('dt')].find(dt => dt.textContent === {!r})?.nextSibling.textContent"
POINTS = "document.querySelector('.chart polyline.adapted')?.points.length || 0"
WIDTH = "document.getElementById('picture').naturalWidth"
SOURCE = "document.getElementById('picture').src"
STATUS = "document.getElementById('status').textContent"


def click(driver: Any, action: str) -> None:
    """A click on a key's button."""
    driver.find_element("css selector", f"[data-action={action}]").click()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for the pages of this file."""
    with browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def driver(chromium: Any) -> Any:
    """The browser, with nothing in it of the test before."""
    chromium.get("about:blank")
    complaints(chromium)
    return chromium


@pytest.fixture
def command(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real program on the embedded clip, and where its page is."""
    program = subprocess.Popen(
        [sys.executable, "-m", "mgtta_cam.cli.main", *RUN, "--log", str(tmp_path / "run.jsonl")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stderr is not None
    said = program.stderr.readline()
    yield program, said.split()[-1]
    program.kill()
    with program:
        pass


def test_the_real_command(command: tuple[subprocess.Popen[str], str], driver: Any, tmp_path: Path) -> None:
    """The picture moves, the curve grows; buttons change the corruption, pause the run, and end it when confirmed."""
    program, url = command
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
    driver.get(url)
    awaited(driver, WIDTH)
    first, points = driver.execute_script(f"return {SOURCE}"), awaited(driver, POINTS)
    awaited(driver, SOURCE, lambda source: source != first)
    awaited(driver, f"({POINTS}) > {points}")
    assert awaited(driver, FACT.format("corruption")) == "clean"
    click(driver, "corruption")
    assert awaited(driver, FACT.format("corruption"), lambda name: name not in (None, "clean")) == "gaussian noise 5"
    click(driver, "weaker")
    awaited(driver, FACT.format("corruption"), lambda name: name == "gaussian noise 4")
    click(driver, "compare")
    awaited(driver, FACT.format("frozen prediction"), lambda answer: answer is None)
    driver.find_element("tag name", "body").send_keys(" ")
    awaited(driver, STATUS, lambda words: words == "paused")
    click(driver, "quit")
    driver.find_element("css selector", "dialog button[value=no]").click()
    click(driver, "step")
    awaited(driver, "document.querySelector('[data-action=pause]').ariaPressed", lambda pressed: pressed == "true")
    assert complaints(driver) == []
    click(driver, "quit")
    driver.find_element("css selector", "dialog button[value=yes]").click()
    awaited(driver, STATUS, lambda words: words == "ended")
    _, err = program.communicate()
    assert program.returncode == 0, err
    keys = [record for record in read(tmp_path / "run.jsonl") if record.get("kind") == "key"]
    actions = ["corruption", "weaker", "compare", "pause", "step", "quit"]
    assert [(record["action"], record["where"]) for record in keys] == [(action, "web") for action in actions]
    assert "Traceback" not in err


def test_a_signal_while_watched(command: tuple[subprocess.Popen[str], str], driver: Any) -> None:
    """The program ends as usual, and the page says so."""
    program, url = command
    driver.get(url)
    awaited(driver, WIDTH)
    program.send_signal(signal.SIGTERM)
    awaited(driver, STATUS, lambda words: words == "ended")
    program.communicate()
    assert program.returncode == 143


def test_one_viewer_too_many(driver: Any) -> None:
    """The page of a ninth viewer says why there is no picture, as long as that holds, and still shows the curves."""
    with viewing() as view:
        view.write(result(0))
        for name in "abcdefgh":
            assert ask(view, f"/picture?viewer={name}&after=0").status == 200
        driver.get(view.url)
        note = "document.getElementById('note').innerText"
        for _ in range(3):
            awaited(driver, note, lambda words: words == "8 viewers are already watching: close one of their pages")
            view.write(result(1))
        awaited(driver, FACT.format("frame"))


def test_with_a_token(driver: Any) -> None:
    """The address loses its token once the page is open, and the cookie lets it be loaded again; without, it is not."""
    with viewing(EVERYWHERE) as view:
        view.write(result(0))
        token = view.url.partition("token=")[2]
        inside = re.sub(r"//[^/:]+", "//127.0.0.1", view.url)
        driver.get(inside)
        awaited(driver, WIDTH)
        assert token not in driver.current_url
        driver.get(driver.current_url)
        awaited(driver, WIDTH)
        assert token not in driver.execute_script("return document.cookie")
        assert complaints(driver) == []
        driver.delete_all_cookies()
        driver.get(inside.partition("?")[0])
        assert "including the token" in driver.find_element("tag name", "body").text


def test_a_new_run_at_the_same_place(driver: Any) -> None:
    """A page that is left open shows the next run, by its own token."""
    with viewing() as view:
        view.write(result(0))
        driver.get(view.url)
        awaited(driver, WIDTH)
        place = view._server.access._address
    awaited(driver, STATUS, lambda words: words == "ended")
    with viewing(place) as again:
        again.write(result(1))
        awaited(driver, FACT.format("frame"), lambda frame: frame == "1")
        click(driver, "corruption")
        assert again.poll(60_000) == "c"


def test_another_site_cannot_press_keys(driver: Any) -> None:
    """A page of another origin can neither read the picture or the page nor send a key."""
    with viewing() as view, viewing() as other:
        view.write(result(0))
        driver.get(other.url)
        script = """
            const [url, done] = arguments, key = {method: "POST", body: '{"key": "q"}', mode: "no-cors"};
            const go = (path, how) => fetch(url + path, how).then(answer => answer.type, () => "blocked");
            Promise.all([go("state"), go("key", key)]).then(done);
        """
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})  # that of the other site is its own affair
        driver.get(other.url)
        assert driver.execute_async_script(script, view.url) == ["blocked", "blocked"]
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        assert view.poll(0) is None


def test_narrow_and_wide(driver: Any) -> None:
    """Nothing sticks out of a phone's screen, and every button can be reached by keyboard and has a name."""
    with viewing(controls=Controls(compare=True)) as view:
        for i, frame in enumerate(frames(30)):
            view.write(result(i, frame=frame))
        metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(view.url)
        awaited(driver, POINTS)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 360
        wide = (
            "[...document.querySelectorAll('button')].filter(b => b.scrollWidth > b.clientWidth).map(b => b.innerText)"
        )
        assert driver.execute_script(f"return {wide}") == []
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        focused = set()
        for _ in range(len(KEYS)):
            driver.switch_to.active_element.send_keys("\ue004")  # Tab
            focused.add(driver.execute_script("return document.activeElement.dataset.action"))
        assert {action for action, _ in KEYS.values()} <= focused
        assert complaints(driver) == []


def test_every_key_has_a_button() -> None:
    """The served page has one button per action, and nothing that its policy forbids."""
    actions = [action for group in GROUPS.values() for action in group]
    assert sorted(actions) == sorted({action for action, _ in KEYS.values()})
    text, nonce = page("the token")
    for action in actions:
        assert f'data-action="{action}"' in text
    assert "@" not in re.sub(r"@media", "", text)
    assert not re.search(r"\son\w+=|\sstyle=|src=|https?://(?!www\.w3\.org)", text.partition("<script")[0])
    assert f"'nonce-{nonce}'" in policy(nonce)
    assert page("x")[1] != nonce


def test_keys_and_pictures_at_once() -> None:
    """Threads that write, draw and press keys at the same time leave a consistent state."""
    with viewing() as view:
        heard: list[str | None] = []
        pressing = threading.Thread(target=lambda: [press(view, "c") for _ in range(10)])
        pressing.start()
        while pressing.is_alive() or None not in heard[-1:]:
            view.write(result(1))
            heard.append(view.poll(0))
        assert [key for key in heard if key] == ["c"] * 10
