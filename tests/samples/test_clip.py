"""The shipped clip and its labels, and the script they follow."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

CLIP = Path(__file__).resolve().parents[2] / "samples" / "clip.mp4"
LABELS = CLIP.with_name("clip.labels.csv")
MEGABYTE = 2**20


def _ranges() -> list[tuple[int, int, str]]:
    with LABELS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    ends = [row["frame"].split("-") for row in rows]
    return [(int(first), int(last), row["label"]) for (first, last), row in zip(ends, rows, strict=True)]


def test_clip_and_labels_are_small_enough_for_git():
    """Both together stay under 4 MB."""
    assert CLIP.stat().st_size + LABELS.stat().st_size <= 4 * MEGABYTE


def test_labels_cover_every_frame_of_the_clip_once():
    """Ranges follow each other without gap or overlap, and every listed frame decodes."""
    ranges = _ranges()
    assert ranges[0][0] == 0
    assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges))
    video = cv2.VideoCapture(str(CLIP))
    promised, rate = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), video.get(cv2.CAP_PROP_FPS)
    decoded = 0
    while True:
        good, frame = video.read()
        if not good:
            break
        assert frame.shape == (240, 320, 3)
        decoded += 1
    video.release()
    assert decoded == promised == ranges[-1][1] + 1
    assert rate == pytest.approx(30)
    assert decoded >= 60 * 30


def test_every_class_appears_at_least_twice_and_never_follows_itself():
    """Each class appears, in mixed order."""
    labels = [label for _, _, label in _ranges()]
    assert min(labels.count(label) for label in set(labels)) >= 2
    assert all(before != after for before, after in pairwise(labels))


def test_labels_are_the_classes_of_the_shipped_model():
    """The sidecar's names are those in the model card."""
    checkpoint = CLIP.parents[1] / "models" / "mgtta_models" / "checkpoints" / "demo.safetensors"
    if not checkpoint.exists():
        pytest.skip("the embedded model's weights are absent")
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(str(checkpoint), "pt") as file:
        classes = json.loads(file.metadata()["classes"])
    assert {label for _, _, label in _ranges()} == set(classes)


def test_the_script_is_the_sidecar():
    """The shipped labels are what the program makes for its default seed."""
    pytest.importorskip("pyvista", reason="pyvista, a development dependency, renders the embedded world")
    from samples.clip import script

    assert [(cut.first, cut.last, cut.label) for cut in script(0)] == _ranges()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scripts_of_any_seed_show_each_class_in_every_round(seed: int):
    """Each class gets as many shots as there are rounds, all of the lengths agreed."""
    pytest.importorskip("pyvista", reason="pyvista, a development dependency, renders the embedded world")
    from samples.clip import FRAMES, script
    from samples.objects import KINDS

    cuts = script(seed, rounds=2)
    assert {label: sum(cut.label == label for cut in cuts) for label in KINDS} == dict.fromkeys(KINDS, 2)
    assert all(FRAMES[0] <= cut.last - cut.first + 1 <= FRAMES[1] for cut in cuts)


def test_a_film_is_one_moving_object_a_shot():
    """Neighboring frames of a shot are alike but not equal; frames on two sides of a cut differ."""
    pytest.importorskip("pyvista", reason="pyvista, a development dependency, renders the embedded world")
    from samples.clip import Cut, frames

    film = np.stack(list(frames([Cut(0, 11, "mug", 1), Cut(12, 13, "car", 1)], seed=5))).astype(int)
    step = np.abs(np.diff(film, axis=0)).mean(axis=(1, 2, 3))
    assert film.shape == (14, 240, 320, 3)
    assert (step[:11] > 0).all()
    assert step[11] > 4 * step[:11].max()
