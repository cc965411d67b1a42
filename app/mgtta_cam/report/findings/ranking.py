"""What a log proves, in plain sentences; nothing that it does not."""

from __future__ import annotations

from mgtta_cam.report.findings import answers, stream, updates
from mgtta_cam.report.run import Run
from mgtta_cam.report.words import Finding


def findings(run: Run) -> list[Finding]:
    """The most important first."""
    checks = (answers.accuracy, stream.ended, *answers.CHECKS, *updates.CHECKS, *stream.CHECKS)
    return [finding for check in checks for finding in check(run)]
