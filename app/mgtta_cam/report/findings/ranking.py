"""Collect what a log proves, in plain sentences."""

from __future__ import annotations

from mgtta_cam.report.findings import answers, stream, updates
from mgtta_cam.report.run import Run
from mgtta_cam.report.words import Finding


def findings(run: Run) -> list[Finding]:
    """All findings on a run, the most important first."""
    checks = (answers.accuracy, stream.ended, *answers.CHECKS, *updates.CHECKS, *stream.CHECKS)
    return [finding for check in checks for finding in check(run)]
