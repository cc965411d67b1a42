"""The command `check-method`: runs the contract of methods (`mgtta.contract`) on one of them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mgtta_cam.errors import UsageError


def check_method(
    method: Annotated[str, typer.Argument(help="Name of a method, or FILE.py:FUNCTION for your own.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.", show_default=False)
    ] = False,
) -> None:
    """Checks on a tiny model that a method behaves as the program relies on: predict, step, reset, save and load.

    Prints a line for each check. The exit code is 0 if all checks pass, and 2 otherwise.
    """
    from mgtta.contract import findings
    from mgtta.trial import Trial
    from mgtta_cam.config.method_spec import builder

    failed = total = 0
    for finding in findings(Trial(builder(method))):
        total += 1
        failed += finding.error is not None
        if as_json:
            print(json.dumps(finding._asdict(), ensure_ascii=False), flush=True)
        else:
            print(f"{'ok' if finding.error is None else 'FAILED':8}{finding.check}", flush=True)
            print(f"{'':8}{finding.about}." if finding.error is None else f"{'':8}{finding.error}", flush=True)
    if failed:
        raise UsageError(f"{method} fails {failed} of {total} checks; see the lines above")
