"""The settings of a replay: those of the log, with files where they are now, and without outputs."""

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

# Options that a what-if may change, and those that belong to a method and are dropped with it.
CHANGEABLE = (
    *("method", "mgg", "stats", "adapt_batch", "memory", "adapt_stride", "adapt_every", "updates_per_window"),
    *("max_updates", "lr", "paper", "guard", "reset_on", "seed"),
)
OF_THE_METHOD = ("lr", "mgg")
OF_THE_PAPER = ("memory", "guard")
OFFLINE = {"adapt": "inline", "budget_ms": None, "compare": "off", "warmup": 0}  # a what-if does not run in real time


def of_log(tape: Tape, flags: Mapping[str, Any]) -> Settings:
    """The settings of a log, overridden by flags.

    Raises:
        UsageError: if this version does not know one of them.
    """
    return _checked({**_logged(tape), **_given(flags)})


def otherwise(tape: Tape, flags: Mapping[str, Any], text: str) -> Settings:
    """The settings of a log with other adaptation options, given as `method=tent,lr=1e-3`.

    Raises:
        UsageError: if an option is unknown, malformed, or given twice.
    """
    changes: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.removeprefix("--").partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in CHANGEABLE:
            known = ", ".join(map(_word, CHANGEABLE))
            raise UsageError(f"--what-if: expected OPTION=VALUE, where OPTION is one of {known}; got {part!r}")
        if name in changes:
            raise UsageError(f"--what-if {text}: {_word(name)} is given twice; repeat --what-if for several runs")
        changes[name] = value.strip()
    if not changes:
        raise UsageError("--what-if expects OPTION=VALUE, separated by commas: method=tent,lr=1e-3")
    if changes.get("updates_per_window") == "auto":
        raise UsageError("--what-if: updates-per-window=auto needs a real-time run; give a number")
    values = {**_logged(tape), **_given(flags)} | OFFLINE
    if changes.get("method", values["method"]) != values["method"]:
        values |= dict.fromkeys(OF_THE_METHOD)
    if changes.get("paper", "").lower() in ("true", "1", "yes"):
        values |= dict.fromkeys(OF_THE_PAPER)
    if values.get("updates_per_window") == "auto":
        values["updates_per_window"] = None
    return _checked(_given({**values, **changes}))


def found(text: str, tape: Tape) -> str:
    """Locate a file that a log names: at its path, relative to the run's folder, or next to the log."""
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
    left |= {"state"}  # outputs, including the state written at the end
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
