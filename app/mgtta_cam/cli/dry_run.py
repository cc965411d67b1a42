"""`--dry-run`: assembles a run, prints what it would do, and writes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mgtta_cam.assembly.multi_stream import check_each, own_settings
from mgtta_cam.assembly.session import Outputs, assemble
from mgtta_cam.assembly.sinks import check_outputs
from mgtta_cam.cli.exit import orderly_end
from mgtta_cam.config.settings import Settings, flag
from mgtta_cam.events import ignore
from mgtta_cam.outputs import to_stdout
from mgtta_cam.stream.controls import Controls


def dry_run_one(settings: Settings) -> None:
    """Assembles a run, prints what it would do, and closes it again; writes nothing.

    Raises:
        AppError, ModelError: as the run would.
    """
    facts = _assembled_facts(settings)
    if settings.json:
        to_stdout(json.dumps(facts, allow_nan=False))
        return
    _print_facts(facts, settings)
    print("all checks passed")


def dry_run_all(settings: Sequence[Settings]) -> None:
    """Does the same for several streams, one after another.

    Raises:
        AppError, ModelError: as the run would.
    """
    settings = [own_settings(one, number) for number, one in enumerate(settings, start=1)]
    check_each(settings)
    each = [_assembled_facts(one) for one in settings]
    if settings[0].json:
        to_stdout(json.dumps({"streams": each}, allow_nan=False))
        return
    for number, (facts, own) in enumerate(zip(each, settings, strict=True), start=1):
        print(f"stream {number}")
        _print_facts(facts, own)
    print("all checks passed")


def _assembled_facts(settings: Settings) -> dict[str, Any]:
    with orderly_end():
        check_outputs(settings)
        quiet = replace(settings, log=None, save=None, record_input=None, web=None, show=False)
        session = assemble(quiet, Controls(), ignore, Outputs(sys.argv))
        facts = dict(session.facts())
        session.close()
    named = {name: getattr(settings, name) for name in ("save", "log", "record_input", "state", "web")}
    return {**facts, "outputs": {name: str(value) for name, value in named.items() if value is not None}}


def _print_facts(facts: Mapping[str, Any], settings: Settings) -> None:
    source, model, outputs = facts["source"], facts["model"], facts["outputs"]
    rows = {
        "source": ", ".join(f"{name} {value}" for name, value in source.items() if value not in (None, 0)),
        "model": f"{model['name']}, {model['classes']} classes, input {model['preprocess']['size']} pixels",
        "method": f"{facts['spec']}, {facts['adapt']} updates from {settings.adapt_batch} frames, on {facts['device']}",
        "outputs": ", ".join(f"{flag(name)} {value}" for name, value in outputs.items()) or "none",
    }
    for name, words in rows.items():
        print(f"{name:9}{words}")
