"""Results are drawn as the keys ask."""

from __future__ import annotations

import numpy as np

from mgtta_cam.overlay.renderer import HELP, renderer
from mgtta_cam.stream.controls import KEYS, Controls
from tests.mgtta_cam.log.test_log import CLASSES, result


def test_the_keys_change_the_picture() -> None:
    """Level, help and pause are seen at once, on the same result."""
    controls = Controls()
    render = renderer(controls, CLASSES, 3, corrupting=False)
    answered = result()
    plain = render(answered)
    for key in " oh":
        controls.press(key)
        changed = render(answered)
        assert changed.shape == plain.shape
        assert not np.array_equal(changed, plain), key
        plain = changed


def test_a_result_is_drawn_once() -> None:
    """Window and video get the same picture; another result another one."""
    render = renderer(Controls(), CLASSES, 3, corrupting=False)
    one, other = result(0), result(1)
    assert render(one) is render(one)
    assert render(other) is not render(one)


def test_help_has_every_key() -> None:
    """Keys that do the same stand together, and none is missing."""
    named = [name for names, _ in HELP for name in names.split(", ")]
    assert len(named) == len(KEYS)
    assert ("q, Esc", "quit") in HELP
