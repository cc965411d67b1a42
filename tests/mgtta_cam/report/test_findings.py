"""Each sentence of a report, from a small log with known figures."""

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


def sentences(path: Path, *records: Record, whole: bool = True) -> list[str]:
    """The findings on a log of these lines."""
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
            "Adapting helped: 100.0 % against 50.0 % accuracy on 100 labeled frames (+50.0 points); it fixed 50 "
            "predictions and broke 0."
        ),
        "The gain is largest under shot_noise:5 (+100.0 points) and smallest under clean (±0.0).",
        (
            "The adapted model's expected calibration error is 25.0 points (the frozen model's is 25.0); it is "
            "underconfident."
        ),
        "10 of 10 updates changed the model; the median update took 20 ms.",
        (
            "blocks.5.norm1.weight ended furthest from the source model (60 of 95.4 for all 6 tensors), followed by "
            "blocks.4.norm1.weight."
        ),
        "Under clean and shot_noise:5, the late layers took the largest steps and the early layers the smallest.",
        "The median frame age when shown was 24 ms, p99 29 ms.",
    ]


@pytest.mark.parametrize(
    ("wrong", "verdict"), [(40, "Adapting hurt: 60.0 % against 100.0 %"), (2, "Adapting made no clear difference")]
)
def test_harm_and_chance(tmp_path: Path, wrong: int, verdict: str) -> None:
    """Two frames of a hundred may be chance; forty are not."""
    frames = [frame(i, "hat" if i < wrong else "mug", "mug", "mug") for i in range(100)]
    assert sentences(tmp_path, *frames)[0].startswith(verdict)


def test_harm_under_one_corruption(tmp_path: Path) -> None:
    """The report names the corruption under which adapting hurt, although it helped elsewhere."""
    frames = [
        frame(i, *(("mug", "hat") if i < 50 else ("hat", "mug")), "mug", corr=FOG if i < 50 else NOISE)
        for i in range(90)
    ]
    text = "The gain is largest under fog:4 (+100.0 points); adapting hurt under shot_noise:5 (−100.0)."
    assert text in sentences(tmp_path, *frames)


def test_only_the_adapted_model(tmp_path: Path) -> None:
    """Without the frozen model the gain is unknown."""
    frames = [frame(i, "mug" if i < 30 else "hat", truth="mug") for i in range(40)]
    assert sentences(tmp_path, *frames)[0] == (
        "Accuracy is 75.0 % on 40 labeled frames (95 %: 59.8 % to 85.8 %). The gain from adapting is unknown: the "
        "frozen model did not run (use --compare split)."
    )


def test_nothing_changed(tmp_path: Path) -> None:
    """No update changed a prediction's correctness, or the method does not adapt."""
    frames = [frame(i, "mug", "mug", "mug") for i in range(40)]
    text = (
        "Adapting neither fixed nor broke a prediction: accuracy is 100.0 % on 40 labeled frames with and without it."
    )
    assert sentences(tmp_path, *frames)[0] == text
    log = write(tmp_path / "b.jsonl", header(method="none"), *frames, summary(4.0))
    text = "Accuracy is 100.0 % on 40 labeled frames (95 %: 91.2 % to 100.0 %). The run did not adapt (--method none)."
    assert findings(load(log))[0].text == text


def test_no_labels(tmp_path: Path) -> None:
    """Agreement, entropy and steadiness are reported; accuracy is called unknown."""
    frames = [
        frame(i, "mug", "mug" if i % 2 else "hat", H=2.0 - i / 400, corr=FOG if i < 200 else None) for i in range(400)
    ]
    texts = sentences(tmp_path, *frames)
    assert texts[:5] == [
        "Accuracy is unknown: no frame has a label (use --truth or --label).",
        "The adapted model's mean entropy is highest under fog:4 (1.75 nats) and lowest under clean (1.25).",
        (
            "Both models agree on 50.0 % of 400 frames; mean confidence is 0.75 for the adapted model and 0.25 for "
            "the frozen one."
        ),
        (
            "Mean entropy fell from 1.75 nats over the first 200 frames to 1.25 over the last 200; lower entropy "
            "alone does not prove better predictions."
        ),
        (
            "The adapted model's prediction changes from one frame to the next in 0.0 % of frames, the frozen "
            "model's in 100.0 %."
        ),
    ]
    assert "One class, mug, makes up 100.0 % of all predictions; for the frozen model it is 50.0 %." in texts


def test_collapse(tmp_path: Path) -> None:
    """One class for everything is reported if the labels have others, and not if they have none."""
    frames = [frame(i, "mug", truth="mug" if i % 4 == 0 else "hat") for i in range(40)]
    text = "One class, mug, makes up 100.0 % of all predictions, but only 25.0 % of the true labels."
    assert text in sentences(tmp_path, *frames)
    alike = [frame(i, "mug", truth="mug") for i in range(40)]
    assert not any("One class" in text for text in sentences(tmp_path, *alike))


def test_estimates_without_labels(tmp_path: Path) -> None:
    """Estimates of accuracy, and the agreement of both models with the source model on clean frames."""
    frames = [frame(i, "mug", "hat", teacher_agree=i < 8, frozen_agree=True) for i in range(10)]
    texts = sentences(
        tmp_path, *frames, stats(1.0, estimate={"adapted": 0.62, "frozen": 0.31}), stats(2.0, estimate=0.5)
    )
    assert "Accuracy estimated without labels (adapted): 62.0 % at the end." in texts
    assert "Accuracy estimated without labels: 50.0 % at the end." in texts
    agreed = "Under corruption, the adapted model agreed with the source model's prediction on the clean frame in"
    assert f"{agreed} 80.0 % of frames, the frozen model in 100.0 %." in texts
    assert any(text.startswith("Both models agree on 0.0 %") for text in texts)


def test_updates_that_changed_nothing(tmp_path: Path) -> None:
    """Skipped updates are reported by reason, and windows of few distinct frames are pointed out."""
    updates = [update(i, skipped="sure" if i < 3 else "loss_not_finite", frames=list(range(64))) for i in range(1, 5)]
    assert sentences(tmp_path, frame(0), *updates)[1:5] == [
        "0 of 4 updates changed the model; the median update took 20 ms.",
        "2 updates changed nothing: the model was as confident as on clean images.",
        "2 updates changed nothing: loss not finite.",
        (
            "The frames of an update are too similar: the median window of 64 has 3 distinct frames; --adapt-stride "
            "takes frames that are further apart."
        ),
    ]
    assert "The model was never updated: no window of 4 frames filled up." in sentences(tmp_path, frame(0))


def test_the_guard(tmp_path: Path) -> None:
    """Guard actions with their reasons; resets and updates undone by hand."""
    alarms = [event(14.2, "rollback", updates=3, reasons="doubt +0.80"), event(20.0, "rollback", reasons="worse +0.20")]
    texts = sentences(
        tmp_path, frame(0), *alarms, event(21.0, "reset"), event(22.0, "undo"), event(23.0, "method", method="tent")
    )
    assert "The guard rolled back harmful updates twice: at 14.2 s (doubt +0.80), at 20.0 s (worse +0.20)." in texts
    assert "The model was reset to the source model once." in texts
    assert "An update was undone by hand once." in texts
    assert "The method was changed once, to tent." in texts


def test_where_the_model_moved(tmp_path: Path) -> None:
    """Under fog the first tensors, under noise the last."""
    way, records = [0.0] * len(TENSORS), []
    for n in range(1, 9):
        near = range(2) if n < 5 else range(4, 6)
        way = [value + (1.0 if i in near else 0.1) for i, value in enumerate(way)]
        records += [frame(n, corr=FOG if n < 5 else NOISE), update(n, way)]
    early, late = "under fog:4, the early layers took the largest steps", "under shot_noise:5, the late layers took the"
    assert f"U{early[1:]}; {late} largest steps." in sentences(tmp_path, *records)


def test_a_stream_with_troubles(tmp_path: Path) -> None:
    """Outages with their duration, stalls, drops by cause, rejected frames."""
    lost = [
        event(1.0, "lost"),
        event(2.0, "reconnect", after_s=1.1),
        event(5.0, "lost"),
        event(7.0, "reconnect", after_s=2.0),
    ]
    drops = [frame(i, dropped_before={"stale": 2, "slot": 1} if i == 5 else {}, refused="black") for i in range(97)]
    texts = sentences(tmp_path, *drops, *lost, event(8.0, "stall"))
    assert "The stream was lost twice, for 3.1 s in total." in texts
    assert "The stream stalled once." in texts
    assert "3.0 % of frames were dropped (3), most because they were too old." in texts
    assert "Adaptation rejected 97 frames: 97 black." in texts
    assert "The median inference time was 8.0 ms, p99 8.0 ms." in texts


def test_how_it_ended(tmp_path: Path) -> None:
    """Killed, with an error, or before its first frame."""
    killed = "The log has no summary: the run was killed or is still running. This report covers what was written."
    assert killed in sentences(tmp_path, frame(0), whole=False)
    texts = sentences(tmp_path, summary(2.0, exit_code=4, error="cam: lost for good"), whole=False)
    assert texts == ["No frame was classified.", "The run ended with exit code 4: cam: lost for good"]
    damaged = [frame(0), summary(2.0, source={"promised": 20, "delivered": 18})]
    assert "The source announced 20 frames, and 18 of them were read." in sentences(tmp_path, *damaged, whole=False)
    assert killed not in sentences(tmp_path, line("stats", 1.0, fps={}, ms={}, dropped={}, memory_mb=1, written="0"))


def test_a_log_that_was_changed(tmp_path: Path) -> None:
    """The report names the changed lines."""
    path = labeled(tmp_path / "a.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"age_ms": 25.0', '"age_ms": 35.0', 1), encoding="utf-8")
    [text] = [finding.text for finding in findings(load(path)) if "log was changed" in finding.text]
    assert text == "The log was changed after the run: lines 1 to 14 of a.jsonl do not match their digest."
