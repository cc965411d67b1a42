"""The sub-commands that print lists: `methods`, `corruptions`, `doctor`; one entry per line on stdout."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def methods() -> None:
    """Lists the adaptation methods, each with its paper."""
    from mgtta.methods import METHODS

    for name in METHODS:
        try:
            about = METHODS.title(name)
        except (ImportError, SyntaxError, ValueError) as error:  # a broken plug-in must not hide the others
            about = str(error)
        print(f"{name:12}{about}")


def corruptions() -> None:
    """Lists the corruptions: the 15 of ImageNet-C, then the four reserved for validation and pre-training."""
    from mgtta_cam.corruptions.names import STANDARD, VALIDATION

    for group, names in (("standard", STANDARD), ("validation", VALIDATION)):
        for name in names:
            print(f"{name:20}{group}")


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.", show_default=False)
    ] = False,
) -> None:
    """Checks devices, display, codecs, cameras, versions, weights and disk, and suggests remedies."""
    from mgtta_cam.cli.doctor import findings

    for finding in findings():
        if as_json:
            print(json.dumps(finding._asdict(), ensure_ascii=False))
        else:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            print(f"{finding.mark:5}{finding.what:12}{finding.found}{remedy}")


COMMANDS = (methods, corruptions, doctor)
