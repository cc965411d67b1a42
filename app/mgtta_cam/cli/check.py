"""The command `check-method`: the contract of methods (`mgtta.contract`), run on one of them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mgtta_cam.errors import UsageError


def check_method(
    method: Annotated[str, typer.Argument(help="A method's name, or where yours is: FILE.py:FUNCTION.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one object a line.", show_default=False)] = False,
) -> None:
    """Checks that a method keeps what the program relies on: predict, step, reset, save and load, on a tiny model.

    Prints a line for each check. The exit code is 0 if all pass, and 2 if one does not.
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
        raise UsageError(f"{method} breaks {failed} of {total} promises of a method; the lines above say which and how")
