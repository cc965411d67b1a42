"""The sub-commands that list what there is: `methods`, `corruptions`, `doctor`. One thing a line on stdout."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def methods() -> None:
    """Lists the methods of adaptation, each with its paper."""
    from mgtta.methods import METHODS

    for name in METHODS:
        try:
            about = METHODS.title(name)
        except (ImportError, SyntaxError, ValueError) as error:  # a plug-in that is broken; the others are of use
            about = str(error)
        print(f"{name:12}{about}")


def corruptions() -> None:
    """Lists the corruptions: the 15 of ImageNet-C, then the four kept apart for validation and pre-training."""
    from mgtta_cam.corruptions.names import STANDARD, VALIDATION

    for group, names in (("standard", STANDARD), ("validation", VALIDATION)):
        for name in names:
            print(f"{name:20}{group}")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, on stdout.", show_default=False)] = False,
) -> None:
    """Looks at what this machine can do: devices, display, codecs, cameras, versions, weights, disk; with remedies."""
    from mgtta_cam.cli.doctor import findings

    for finding in findings():
        if as_json:
            print(json.dumps(finding._asdict(), ensure_ascii=False))
        else:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            print(f"{finding.mark:5}{finding.what:12}{finding.found}{remedy}")


COMMANDS = (methods, corruptions, doctor)
