"""The settings of a run done again: those of its log, with files where they lie now, and without its outputs."""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from mgtta_cam.adaptation.methods import check_method
from mgtta_cam.config import loading
from mgtta_cam.config.settings import Settings, fields_of_settings, flag
from mgtta_cam.errors import UsageError
from mgtta_cam.log.format import Record
from mgtta_cam.replay.tape import Tape

# What may be otherwise in a what-if, and what belongs to the method before and goes with it.
CHANGEABLE = (
    *("method", "mgg", "stats", "adapt_batch", "memory", "adapt_stride", "adapt_every", "updates_per_window"),
    *("max_updates", "lr", "paper", "guard", "reset_on", "seed"),
)
OF_THE_METHOD = ("lr", "mgg")
OF_THE_PAPER = ("memory", "guard")
OFFLINE = {"adapt": "inline", "budget_ms": None, "compare": "off", "warmup": 0}  # no clock in a what-if


def of_log(tape: Tape, flags: Mapping[str, Any]) -> Settings:
    """The settings of a log, and what the flags say instead.

    Raises:
        UsageError: if this version does not know them.
    """
    return _checked({**_logged(tape), **_given(flags)})


def otherwise(tape: Tape, flags: Mapping[str, Any], text: str) -> Settings:
    """The same with other adaptation options: `method=tent,lr=1e-3`.

    Raises:
        UsageError: for options that are no such ones.
    """
    changes: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.removeprefix("--").partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in CHANGEABLE:
            known = ", ".join(map(_word, CHANGEABLE))
            raise UsageError(f"--what-if: expected OPTION=VALUE with an option of {known}; got {part!r}")
        if name in changes:
            raise UsageError(f"--what-if {text}: {_word(name)} is given twice; for several runs repeat --what-if")
        changes[name] = value.strip()
    if not changes:
        raise UsageError("--what-if expects OPTION=VALUE, several with commas: method=tent,lr=1e-3")
    if changes.get("updates_per_window") == "auto":
        raise UsageError("--what-if: updates-per-window=auto asks a clock, which no what-if has; give a number")
    values = {**_logged(tape), **_given(flags)} | OFFLINE
    if changes.get("method", values["method"]) != values["method"]:
        values |= dict.fromkeys(OF_THE_METHOD)
    if changes.get("paper", "").lower() in ("true", "1", "yes"):
        values |= dict.fromkeys(OF_THE_PAPER)
    if values.get("updates_per_window") == "auto":
        values["updates_per_window"] = None
    return _checked(_given({**values, **changes}))


def found(text: str, tape: Tape) -> str:
    """Where a file that a log names lies now: there, seen from the folder of the run, or beside the log."""
    name = Path(text)
    places = (name, Path(tape.header.get("folder", "")) / name, tape.path.parent / name.name)
    return next((str(place) for place in places if os.path.exists(place)), text)


def _checked(values: Mapping[str, Any]) -> Settings:
    settings = loading.load(values, environment={})
    check_method(settings)
    return settings


def _logged(tape: Tape) -> dict[str, Any]:
    header: Record = tape.header
    fields = fields_of_settings()
    left = {name for name, info in fields.items() if cast("Any", info.json_schema_extra)["panel"] == "Output"}
    left |= {"state"}  # outputs, and what is written at the end
    values = {name: value for name, value in header["configuration"].items() if name not in left}
    values |= {"threads": header["threads"], "device": header["device"], "runtime": header.get("runtime", "torch")}
    for name, info in fields.items():
        if Path in typing.get_args(info.annotation) and isinstance(values.get(name), str):
            values[name] = found(values[name], tape)
    return _given(values)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _word(name: str) -> str:
    return flag(name)[2:]
