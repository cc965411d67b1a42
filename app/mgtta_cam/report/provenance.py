"""How a run was made: its settings, starting with those that differ from the defaults; versions; digests."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping

from mgtta_cam.config.settings import fields_of_settings, flag
from mgtta_cam.report.markup import esc, facts, folded, paragraph, section, table
from mgtta_cam.report.run import Run
from mgtta_cam.report.words import plain


def settings(run: Run) -> str:
    """The section of the page on how the run was made."""
    given, others = chosen(run)
    headings = ["setting", "value", "default"]
    argv = run.header.get("argv")
    line = shlex.join(map(plain, argv)) if isinstance(argv, list) else ""
    return section(
        "Settings",
        table(headings, given, left=3) or paragraph("All settings are the defaults."),
        folded(f"{len(others)} settings at their defaults", table(headings[:2], (row[:2] for row in others), left=2)),
        folded("Command line", f"<p><code>{esc(line)}</code></p>" if line else ""),
        folded("Versions", facts(_versions(run))),
        folded("Digests", facts(_digests(run))),
    )


def chosen(run: Run) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """(option, value, default) of the settings that differ from their defaults, and of those that do not."""
    fields = fields_of_settings()
    given: list[tuple[str, str, str]] = []
    others: list[tuple[str, str, str]] = []
    for name, value in run.part("configuration").items():
        default = fields[name].default if name in fields else "unknown to this version"
        row = flag(plain(name)), _shown(value), _shown(default)
        (others if value == default else given).append(row)
    return given, others


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return plain(value) if isinstance(value, str) else json.dumps(value, default=str)


def _versions(run: Run) -> list[tuple[str, object]]:
    return [(str(name), value) for name, value in run.part("versions").items()]


def _digests(run: Run) -> list[tuple[str, object]]:
    model, summary = run.part("model"), run.summary or {}
    pairs: list[tuple[str, object]] = [("run", run.header.get("run"))]
    pairs += [(f"model {name}", model.get(name)) for name in ("sha256", "classes_sha256")]
    pairs += [(str(name), value) for name, value in run.part("learned_before").items()]
    pairs += [("source", run.part("source").get("digest"))]
    pairs += [(name, summary.get(name)) for name in ("chain", "written")]
    return [(name, value) for name, value in pairs if not isinstance(value, Mapping | list)]
