"""Keys change what they say, and nothing else."""

from __future__ import annotations

import pytest

from mgtta_cam.stream.controls import KEYS, Controls


def test_toggles() -> None:
    """a, v, h, o and Space change their state and change it back."""
    controls = Controls()
    for key in "avh ":
        controls.press(key)
    assert (controls.adapting, controls.compare, controls.help, controls.paused) == (False, True, True, True)
    for key in "avh ":
        controls.press(key)
    assert controls == Controls()


def test_overlay_goes_round() -> None:
    """Three levels, from everything to nothing and back."""
    controls = Controls()
    levels = []
    for _ in range(4):
        controls.press("o")
        levels.append(controls.overlay)
    assert levels == [1, 0, 2, 1]


@pytest.mark.parametrize("key", ["q", "\x1b"])
def test_quit(key: str) -> None:
    """Both q and Escape end the run well."""
    controls = Controls()
    assert controls.press(key) == "quit"
    assert (controls.stopped, controls.exit_code) == (True, 0)


def test_the_first_wish_to_stop_stands() -> None:
    """A signal after q does not change the exit code."""
    controls = Controls()
    controls.stop(0)
    controls.stop(130)
    assert controls.exit_code == 0


def test_a_single_step() -> None:
    """The key n lets one frame through, then pauses again."""
    controls = Controls(paused=True)
    controls.press("n")
    assert not controls.paused
    controls.frame_done()
    assert controls.paused


def test_space_ends_single_steps() -> None:
    """Going on after a step goes on for good."""
    controls = Controls(paused=True)
    for key in "n", " ", " ":
        controls.press(key)
    controls.frame_done()
    assert not controls.paused


def test_wishes_wait_in_order() -> None:
    """Wishes are taken once, by kind."""
    controls = Controls()
    for key in "rsm":
        controls.press(key)
    assert controls.take("method", "reset") == ["reset", "method"]
    assert controls.take("method", "reset") == []
    assert controls.take("snapshot") == ["snapshot"]


def test_unknown_keys_do_nothing() -> None:
    """A key without meaning has no action and changes nothing."""
    controls = Controls()
    assert controls.press("ß") is None
    assert controls == Controls()


def test_every_key_changes_something() -> None:
    """No key of the help is dead."""
    for key in KEYS:
        controls = Controls()
        assert controls.press(key) == KEYS[key][0]
        assert controls != Controls(), key
