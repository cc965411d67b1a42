"""The sections of the page on one run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np

from mgtta_cam.metrics.accuracy import wilson
from mgtta_cam.report.findings.updates import moves
from mgtta_cam.report.markup import data_uri, esc, facts, figure, folded, paragraph, section, table, tiles
from mgtta_cam.report.pictures.paint import Picture
from mgtta_cam.report.run import Event, Run
from mgtta_cam.report.series import Share, percentile, share, shares, waits
from mgtta_cam.report.thumbnails import Album, Thumbnail
from mgtta_cam.report.words import NONE, Finding, count, milliseconds, percent, plain, points, span

SHOWN, MAX_EVENTS = 12, 1000  # events shown directly, and at most when expanded


def head(run: Run) -> str:
    """Source, model, method, start, duration and end of the run."""
    source, model = run.part("source"), run.part("model")
    size = f", {plain(source['width'])} × {plain(source['height'])}" if {"width", "height"} <= source.keys() else ""
    device = run.header.get("device_name") or run.header.get("device") or ""
    return section(
        "The run",
        facts(
            [
                ("Source", f"{plain(source.get('name', 'unknown'))} ({plain(source.get('kind', 'unknown'))}{size})"),
                ("Model", f"{plain(model.get('name', 'unknown'))}, {plain(model.get('classes', '?'))} classes"),
                ("Method", plain(run.header.get("spec") or run.header.get("method") or "unknown")),
                ("Device", f"{plain(device)}, CPU threads: {plain(run.header.get('threads', '?'))}"),
                ("Began", began(run)),
                ("Took", span(run.seconds)),
                ("Ended", end(run)),
                ("Log", run.path.name),
            ]
        ),
    )


def began(run: Run) -> str:
    """Start of the run in UTC, to the second."""
    try:
        return datetime.fromisoformat(str(run.header.get("time"))).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return "unknown"


def end(run: Run) -> str:
    """How the run ended, in words."""
    if run.summary is None:
        return "killed or still running: no summary"
    code = run.summary.get("exit_code")
    return "normally (exit code 0)" if code == 0 else f"exit code {plain(code)}"


def figures(run: Run) -> str:
    """The key figures."""
    whole = share(run, "all")
    found: list[tuple[str, str, str]] = []
    if whole.labeled:
        found.append(("Adapted", percent(whole.adapted), f"correct, of {whole.labeled:,} frames"))
    if whole.compared:
        found += [("Frozen", percent(whole.frozen), "correct"), ("Gain", points(whole.gain), "points")]
    elif math.isfinite(whole.same):
        found.append(("Agreement", percent(whole.same), "of frozen and adapted"))
    if not whole.labeled and math.isfinite(whole.entropy):
        found.append(("Entropy", f"{whole.entropy:.2f}", "nats, mean"))
    found.append(("Frames", f"{whole.n:,}", f"in {span(run.seconds)}"))
    effective = sum(why is None for why in run.updates.skipped)
    found.append(("Updates", f"{effective:,}", f"effective, of {len(run.updates):,}"))
    took = waits(run)
    if np.isfinite(took).any():
        name = "frame age when shown" if took is run.frames.age_ms else "inference time"
        found.append(("p99", milliseconds(percentile(took, 99)), name))
    return tiles(found)


def found(findings: list[Finding]) -> str:
    """The findings as a list of sentences, each with its mark."""
    items = "".join(f'<li class="{esc(finding.mark)}">{esc(finding.text)}</li>' for finding in findings)
    return section("Findings", f'<ul class="findings">{items}</ul>' if items else "")


def answers(run: Run, pictures: Mapping[str, Picture]) -> str:
    """Predictions over time and by corruption."""
    rows = shares(run)
    rows += [share(run, "all")] if len(rows) > 1 else []
    return section("Predictions", figure(pictures.get("answers")), by_corruption(rows))


def by_corruption(rows: list[Share]) -> str:
    """Accuracy of both models by corruption; without labels, their agreement and entropy."""
    if any(row.labeled for row in rows):
        headings = ["corruption", "frames", "frozen", "adapted", "95 % interval", "gain, points", "entropy, nats"]
        return table(headings, ([row.name, f"{row.n:,}", *_accuracy(row), _number(row.entropy)] for row in rows))
    headings = ["corruption", "frames", "both models agree", "entropy, nats"]
    return table(headings, ([row.name, f"{row.n:,}", _percent(row.same), _number(row.entropy)] for row in rows))


def _accuracy(row: Share) -> list[str]:
    if not row.labeled:
        return [NONE] * 4
    interval = " to ".join(f"{100 * edge:.1f}" for edge in wilson(round(row.adapted * row.labeled), row.labeled))
    gain = points(row.gain) if row.compared else NONE
    return [_percent(row.frozen), percent(row.adapted), interval, gain]


def album(run: Run, pictures: Album) -> str:
    """Notable frames."""
    shown = "".join(_thumbnail(run, thumbnail) for thumbnail in pictures.thumbnails)
    return section(
        "Notable frames", paragraph(pictures.words, "quiet"), f'<div class="album">{shown}</div>' if shown else ""
    )


def _thumbnail(run: Run, thumbnail: Thumbnail) -> str:
    frames, at = run.frames, thumbnail.moment.position
    truth = run.classes[frames.truth[at]] if frames.truth[at] >= 0 else None
    lines = [f'<b class="{_mark(thumbnail)}">{esc(thumbnail.moment.why)}</b>']
    lines += [f"<span>frame {frames.index[at]:,} at {esc(span(frames.t[at]))}</span>"]
    lines += [f"<span>truth {esc(truth)}</span>"] if truth is not None else []
    answers = (("adapted", frames.answer[at], frames.p[at], frames.right[at] == 1),)
    if frames.frozen[at] >= 0:
        answers = (("frozen", frames.frozen[at], frames.frozen_p[at], frames.frozen[at] == frames.truth[at]), *answers)
    for name, number, p, right in answers:
        mark = "" if truth is None else " ✓" if right else " ✗"
        lines.append(f"<span>{name} {esc(run.classes[number])} {_number(p)}{mark}</span>")
    width, height = thumbnail.size
    alt = esc(f"Frame {frames.index[at]}: {thumbnail.moment.why}")
    address = data_uri("image/jpeg", thumbnail.jpeg)
    picture = f'<img src="{address}" width="{width}" height="{height}" alt="{alt}">'
    return f"<figure>{picture}<figcaption>{''.join(lines)}</figcaption></figure>"


def _mark(thumbnail: Thumbnail) -> str:
    why = thumbnail.moment.why
    return "good" if why.endswith("right") else "bad" if why.endswith("wrong") or "guard" in why else ""


def updates(run: Run, pictures: Mapping[str, Picture]) -> str:
    """The updates, and where in the model they acted."""
    rows = (
        [m.corruption, f"{m.updates:,}", *(f"{part:.2g}" for part in m.parts), m.most or NONE, m.least or NONE]
        for m in moves(run)
    )
    headings = ["corruption", "updates", "early", "middle", "late", "most", "least"]
    steps = table(headings, rows)
    about = "Step size (root mean square per tensor, from sketches) in thirds of the adapted tensors, input to output."
    return section(
        "Updates",
        figure(pictures.get("updates")),
        figure(pictures.get("tensors")),
        paragraph(about, "quiet") if steps else "",
        steps,
    )


def classes(pictures: Mapping[str, Picture]) -> str:
    """Predicted classes, and calibration."""
    return section("Classes and confidence", figure(pictures.get("classes")), figure(pictures.get("calibration")))


def speed(run: Run, pictures: Mapping[str, Picture]) -> str:
    """Latency percentiles by stage, and drops by cause."""
    last = {name: values[np.isfinite(values)][-1] for name, values in run.stats.items() if np.isfinite(values).any()}
    stages = dict.fromkeys(name.split(".")[1] for name in last if name.startswith("ms.") and name.count(".") == 2)
    rows = ([name, *(milliseconds(last.get(f"ms.{name}.p{q}", math.nan)) for q in (50, 95, 99))] for name in stages)
    dropped = ([why, f"{n:,}", percent(n / (n + len(run.frames)))] for why, n in run.dropped.items())
    return section(
        "Speed",
        figure(pictures.get("speed")),
        table(["stage", "p50", "p95", "p99"], rows),
        table(["cause of drops", "frames", "share of frames"], dropped),
    )


def events(run: Run) -> str:
    """Events in order; a long list is collapsed."""
    headings = ["time", "event", "frame", "details"]
    rows = [_event(run, event) for event in run.events[:MAX_EVENTS]]
    kinds = Counter(event.kind for event in run.events)
    words = ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common(SHOWN)) + "." if kinds else ""
    if len(rows) <= SHOWN:
        return section("Events", table(headings, rows, left=4))
    left = len(run.events) - MAX_EVENTS
    more = paragraph(f"{count(left, 'further event')} are in the log.", "quiet") if left > 0 else ""
    return section(
        "Events", paragraph(words), folded(f"All {len(run.events):,} events", table(headings, rows, left=4), more)
    )


def _event(run: Run, event: Event) -> list[str]:
    named = event.facts.get("frame")
    last = run.frames.index[min(event.position, len(run.frames)) - 1] if event.position and len(run.frames) else None
    frame = named if isinstance(named, int) else last
    details = ", ".join(_detail(name, value) for name, value in event.facts.items() if name != "frame")
    return [span(event.t), event.kind, NONE if frame is None else f"{frame:,}", plain(details, 200)]


def _detail(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_detail(str(key), item) for key, item in value.items() if item is not None)
    return f"{name.replace('_', ' ')} {f'{value:.6g}' if isinstance(value, float) else value}"


def _percent(value: float) -> str:
    return percent(value) if math.isfinite(value) else NONE


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else NONE


def of_run(run: Run, findings: list[Finding], pictures: Mapping[str, Picture], shown: Album) -> Iterator[str]:
    """All sections except the settings."""
    yield figures(run)
    yield head(run)
    yield found(findings)
    yield answers(run, pictures)
    yield album(run, shown)
    yield updates(run, pictures)
    yield classes(pictures)
    yield speed(run, pictures)
    yield events(run)
