"""Each sentence of a report, from a small log whose figures are known."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from mgtta_cam.report.findings.ranking import findings
from mgtta_cam.report.reading import load
from tests.mgtta_cam.report.logs import (
    TENSORS,
    Record,
    event,
    frame,
    header,
    labeled,
    line,
    stats,
    summary,
    update,
    write,
)

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "log.schema.json").read_text(encoding="utf-8"))
FOG, NOISE = {"name": "fog", "severity": 4}, {"name": "shot_noise", "severity": 5}


def told(path: Path, *records: Record, whole: bool = True) -> list[str]:
    """The sentences on a log of these lines."""
    end = [summary(99.0)] if whole else []
    return [finding.text for finding in findings(load(write(path / "a.jsonl", header(), *records, *end)))]


def test_made_logs_are_logs(tmp_path: Path) -> None:
    """The lines that these tests are made of fit the published schema."""
    for text in labeled(tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(text)
        kind = {**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{record['type']}"}]}
        jsonschema.Draft202012Validator(kind).validate(record)


def test_a_log_with_labels(tmp_path: Path) -> None:
    """The verdict first, with both accuracies; gains by corruption; calibration; updates; latency."""
    found = findings(load(labeled(tmp_path / "a.jsonl")))
    assert found[0].mark == "good"
    assert [finding.text for finding in found] == [
        (
            "Adapting helped: 100.0 % against 50.0 % of 100 labeled frames (+50.0 points); it put 50 answers "
            "right and 0 wrong."
        ),
        "The gain is largest under shot_noise:5 (+100.0), least under clean (±0.0).",
        (
            "The adapted model's confidence is off by 25.0 points in the mean, ECE (the frozen model's by 25.0); "
            "it is too modest."
        ),
        "Of 10 updates 10 taught something; the median one took 20 ms.",
        (
            "blocks.5.norm1.weight ended furthest from the source model (60 of 95.4 for all 6 tensors), then "
            "blocks.4.norm1.weight."
        ),
        "Under clean and shot_noise:5 the late layers took the largest steps and the early layers the smallest.",
        "Frames were 24 ms old when shown (median); p99 of frame age is 29 ms.",
    ]


@pytest.mark.parametrize(
    ("wrong", "verdict"), [(40, "Adapting did harm: 60.0 % against 100.0 %"), (2, "Adapting made no clear difference")]
)
def test_harm_and_chance(tmp_path: Path, wrong: int, verdict: str) -> None:
    """Two frames of a hundred may be chance; forty are not."""
    frames = [frame(i, "hat" if i < wrong else "mug", "mug", "mug") for i in range(100)]
    assert told(tmp_path, *frames)[0].startswith(verdict)


def test_harm_under_one_corruption(tmp_path: Path) -> None:
    """It is said where the rest gains."""
    frames = [
        frame(i, *(("mug", "hat") if i < 50 else ("hat", "mug")), "mug", corr=FOG if i < 50 else NOISE)
        for i in range(90)
    ]
    text = "The gain is largest under fog:4 (+100.0); it did harm under shot_noise:5 (−100.0)."
    assert text in told(tmp_path, *frames)


def test_only_the_adapted_model(tmp_path: Path) -> None:
    """Without the frozen one nobody knows what adapting was worth."""
    frames = [frame(i, "mug" if i < 30 else "hat", truth="mug") for i in range(40)]
    assert told(tmp_path, *frames)[0] == (
        "75.0 % of 40 labeled frames are right (95 %: 59.8 % to 85.8 %). What adapting was worth is unknown: the "
        "frozen model did not run (--compare split)."
    )


def test_nothing_changed(tmp_path: Path) -> None:
    """Where no update turned an answer, and where there is nothing that adapts."""
    frames = [frame(i, "mug", "mug", "mug") for i in range(40)]
    text = "Adapting turned no answer right or wrong: 100.0 % of 40 labeled frames are right with it and without."
    assert told(tmp_path, *frames)[0] == text
    log = write(tmp_path / "b.jsonl", header(method="none"), *frames, summary(4.0))
    text = "100.0 % of 40 labeled frames are right (95 %: 91.2 % to 100.0 %). The run did not adapt (--method none)."
    assert findings(load(log))[0].text == text


def test_no_labels(tmp_path: Path) -> None:
    """Agreement, doubt and steadiness, and no word of accuracy but that it is unknown."""
    frames = [
        frame(i, "mug", "mug" if i % 2 else "hat", H=2.0 - i / 400, corr=FOG if i < 200 else None) for i in range(400)
    ]
    texts = told(tmp_path, *frames)
    assert texts[:5] == [
        "Accuracy is unknown: no frame has a label (--truth or --label would give them).",
        "The adapted model was most in doubt under fog:4 (1.75 nats in the mean), least under clean (1.25).",
        (
            "Both models gave the same answer to 50.0 % of 400 frames; the adapted one's answer has a "
            "probability of 0.75 in the mean, the frozen one's 0.25."
        ),
        (
            "The entropy of answers fell from 1.75 nats over the first 200 frames to 1.25 over the last; less "
            "doubt alone does not prove better answers."
        ),
        "The adapted answer changes from one frame to the next in 0.0 % of frames, the frozen one in 100.0 %.",
    ]
    assert "One class, mug, makes 100.0 % of all answers; of the frozen model's 50.0 %." in texts


def test_collapse(tmp_path: Path) -> None:
    """One class for everything, where the world has others; not where it has none."""
    frames = [frame(i, "mug", truth="mug" if i % 4 == 0 else "hat") for i in range(40)]
    assert "One class, mug, makes 100.0 % of all answers, but 25.0 % of the truth." in told(tmp_path, *frames)
    alike = [frame(i, "mug", truth="mug") for i in range(40)]
    assert not any("One class" in text for text in told(tmp_path, *alike))


def test_estimates_without_labels(tmp_path: Path) -> None:
    """Estimates of accuracy, and the agreement of both models with the source model on clean frames."""
    frames = [frame(i, "mug", "hat", teacher_agree=i < 8, frozen_agree=True) for i in range(10)]
    texts = told(tmp_path, *frames, stats(1.0, estimate={"adapted": 0.62, "frozen": 0.31}), stats(2.0, estimate=0.5))
    assert "Accuracy as estimated without labels (adapted): 62.0 % at the end." in texts
    assert "Accuracy as estimated without labels: 50.0 % at the end." in texts
    agreed = "Under corruption the adapted model's answer agreed with what the source model sees in the clean frame in"
    assert f"{agreed} 80.0 %, the frozen one's in 100.0 %." in texts
    assert any(text.startswith("Both models gave the same answer to 0.0 %") for text in texts)


def test_updates_that_taught_nothing(tmp_path: Path) -> None:
    """By reason, in words; windows of few different frames."""
    updates = [update(i, skipped="sure" if i < 3 else "loss_not_finite", frames=list(range(64))) for i in range(1, 5)]
    assert told(tmp_path, frame(0), *updates)[1:5] == [
        "Of 4 updates 0 taught something; the median one took 20 ms.",
        "2 updates taught nothing: the model was as sure as on clean pictures.",
        "2 updates taught nothing: loss not finite.",
        (
            "The frames of an update differ little: 3 different ones in a window of 64 (median); --adapt-stride "
            "takes frames that lie further apart."
        ),
    ]
    assert "Nothing was learned: no window (of 4 frames) became full." in told(tmp_path, frame(0))


def test_the_guard(tmp_path: Path) -> None:
    """When it stepped in, and why; returns by hand and to the source."""
    alarms = [event(14.2, "rollback", updates=3, reasons="doubt +0.80"), event(20.0, "rollback", reasons="worse +0.20")]
    texts = told(
        tmp_path, frame(0), *alarms, event(21.0, "reset"), event(22.0, "undo"), event(23.0, "method", method="tent")
    )
    assert "The guard took back what did harm twice: at 14.2 s (doubt +0.80), at 20.0 s (worse +0.20)." in texts
    assert "The source model was taken up again once." in texts
    assert "An update was taken back by hand once." in texts
    assert "The method was changed once: tent." in texts


def test_where_the_model_moved(tmp_path: Path) -> None:
    """Under fog the first tensors, under noise the last."""
    way, records = [0.0] * len(TENSORS), []
    for n in range(1, 9):
        near = range(2) if n < 5 else range(4, 6)
        way = [value + (1.0 if i in near else 0.1) for i, value in enumerate(way)]
        records += [frame(n, corr=FOG if n < 5 else NOISE), update(n, way)]
    early, late = "under fog:4 the early layers took the largest steps", "under shot_noise:5 the late layers took the"
    assert f"U{early[1:]}; {late} largest steps." in told(tmp_path, *records)


def test_a_stream_with_troubles(tmp_path: Path) -> None:
    """Losses with their length, stalls, drops by cause, frames that may not teach."""
    lost = [
        event(1.0, "lost"),
        event(2.0, "reconnect", after_s=1.1),
        event(5.0, "lost"),
        event(7.0, "reconnect", after_s=2.0),
    ]
    drops = [frame(i, dropped_before={"stale": 2, "slot": 1} if i == 5 else {}, rejected="black") for i in range(97)]
    texts = told(tmp_path, *drops, *lost, event(8.0, "stall"))
    assert "The stream was lost twice, 3.1 s in all." in texts
    assert "No frame came in time once (stalls)." in texts
    assert "3.0 % of frames were dropped (3), most as too old." in texts
    assert "97 frames could not teach, by what they showed: 97 black." in texts
    assert "The model took 8.0 ms for an answer (median), 8.0 ms at p99." in texts


def test_how_it_ended(tmp_path: Path) -> None:
    """Killed, with an error, or before its first frame."""
    killed = "The log has no summary: the run was killed, or is not over. This is what was written."
    assert killed in told(tmp_path, frame(0), whole=False)
    texts = told(tmp_path, summary(2.0, exit_code=4, error="cam: lost for good"), whole=False)
    assert texts == ["No frame was answered.", "It ended with exit code 4: cam: lost for good"]
    damaged = [frame(0), summary(2.0, source={"promised": 20, "delivered": 18})]
    assert "The source promised 20 frames and 18 of them were read." in told(tmp_path, *damaged, whole=False)
    assert killed not in told(tmp_path, line("stats", 1.0, fps={}, ms={}, dropped={}, memory_mb=1, written="0"))


def test_a_log_that_was_changed(tmp_path: Path) -> None:
    """Which lines, however the rest reads."""
    path = labeled(tmp_path / "a.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"age_ms": 25.0', '"age_ms": 35.0', 1), encoding="utf-8")
    [told] = [finding.text for finding in findings(load(path)) if "changed" in finding.text]
    assert told == "The log was changed after the run: lines 1 to 14 of a.jsonl do not match their digest."
