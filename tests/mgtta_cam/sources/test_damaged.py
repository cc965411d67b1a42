"""Damaged and odd files: every frame that can be decoded arrives, and missing ones are reported."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mgtta_cam.errors import SourceDamagedError, SourceError
from mgtta_cam.sources.video import VideoSource

FRAMES, GROUP = 60, 15  # of each file, and from one key frame to the next: as `tests.mgtta_cam.damaged` makes them
WHOLE = ("whole.mp4", "whole.mkv", "fragments.mp4", "motion.avi", "mpeg4.avi", "broadcast.ts")
ROOT = Path(__file__).resolve().parents[3]
DAMAGED = [f"{how}_{name}" for name in WHOLE for how in ("truncated", "zeroed", "flipped")]
ODD = ["odd.mkv", "turned.mp4", "variable.mkv", "variable.mp4"]


class Corpus:
    """The files, and the number of frames that PyAV decodes from each."""

    def __init__(self, folder: Path) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "tests.mgtta_cam.damaged", str(folder)], cwd=ROOT, check=True, capture_output=True
        )
        self.folder = folder
        self.counts: Mapping[str, int | None] = json.loads(made.stdout)

    def source(self, name: str, **options: Any) -> tuple[VideoSource, list[str]]:
        """Opens a file; returns it and its list of reports of missing frames."""
        missing: list[str] = []

        def emit(kind: str, **facts: Any) -> None:
            if kind == "missing":
                missing.append(facts["why"])

        return VideoSource(self.folder / name, emit=emit, **options), missing


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The corpus, created once."""
    return Corpus(tmp_path_factory.mktemp("damaged"))


@pytest.mark.parametrize("name", [*WHOLE, *ODD])
def test_whole_files(corpus: Corpus, name: str) -> None:
    """All frames arrive, and none is reported missing."""
    source, missing = corpus.source(name, strict=True)
    assert len(list(source)) == corpus.counts[name] == FRAMES
    assert not missing


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files(corpus: Corpus, name: str) -> None:
    """As many frames arrive as PyAV decodes; those that depend on lost ones are rejected; missing ones are reported."""
    expected = corpus.counts[name]
    if expected is None:  # an .mp4 without its index, which stood at its end
        with pytest.raises(SourceError, match="is not a video"):
            corpus.source(name)
        return
    source, missing = corpus.source(name)
    assert len(list(source)) == expected
    assert source.facts["delivered"] == expected
    promised = source.facts["promised"]
    if isinstance(promised, int) and expected < promised:
        assert missing == [f"{corpus.folder / name} promised {promised} frames and delivered {expected}"]


@pytest.mark.parametrize("name", ["truncated_motion.avi", "truncated_whole.mkv"])
def test_strict(corpus: Corpus, name: str) -> None:
    """With --strict, a file that ends early is an error, whether it stores a count or a duration."""
    source, _ = corpus.source(name, strict=True)
    with pytest.raises(SourceDamagedError, match=r"promised .* and delivered .*; without --strict") as caught:
        list(source)
    assert caught.value.exit_code == 5
    tolerant, missing = corpus.source(name)
    list(tolerant)
    assert len(missing) == 1


def test_variable_rate(corpus: Corpus) -> None:
    """Times are those of the file, and frames that it never had are not reported missing."""
    for name in ("variable.mkv", "variable.mp4"):
        source, _ = corpus.source(name)
        steps = np.diff([frame.seconds * 1000 for frame in source]).round().astype(int)
        assert set(steps) == {20, 40, 120}


def test_turned(corpus: Corpus) -> None:
    """A rotated video is shown upright."""
    frames = [next(iter(corpus.source(name)[0])) for name in ("whole.mp4", "turned.mp4")]
    assert [frame.image.shape for frame in frames] == [(96, 128, 3), (128, 96, 3)]


def test_odd_sizes(corpus: Corpus) -> None:
    """Frames of odd size keep all rows and columns."""
    assert next(iter(corpus.source("odd.mkv")[0])).image.shape == (95, 127, 3)


@pytest.mark.parametrize("name", ["empty.mp4", "text.mp4"])
def test_no_video(corpus: Corpus, name: str) -> None:
    """A file without video is an error at once."""
    with pytest.raises(SourceError, match="is not a video that OpenCV can open"):
        corpus.source(name)


def test_damaged_frames_are_rejected(corpus: Corpus) -> None:
    """After lost packets, frames up to the next key frame are rejected: at most one group of pictures each time."""
    source, _ = corpus.source("flipped_whole.mkv")
    frames = list(source)
    lost = sum(bool(frame.dropped) for frame in frames)
    rejected = sum(frame.rejected is not None for frame in frames)
    assert 0 < lost <= rejected <= GROUP * lost
