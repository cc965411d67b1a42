"""The published schema of the log describes exactly what the program writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mgtta_cam.log.format import read
from tests.mgtta_cam.conftest import Command

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs" / "log.schema.json").read_text(encoding="utf-8"))
WHOLE = ["--adapt-batch", "4", "--label", "chair", "--compare", "split", "--corrupt-schedule", "0:clean 5:fog:4"]


def test_the_schema_is_one() -> None:
    """The schema is valid JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("words", [[], WHOLE, ["--method", "none"]], ids=["plain", "whole", "none"])
def test_each_line_fits(command: Command, ready: list[str], tmp_path: Path, words: list[str]) -> None:
    """Every line of a run matches the schema of its type, without unknown keys."""
    assert command(*ready, *words, "--log", "a.jsonl").code == 0
    records = list(read(tmp_path / "a.jsonl"))
    assert {"header", "frame", "event", "stats", "summary"} <= {record["type"] for record in records}
    for record in records:
        kind: Any = {**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{record['type']}"}]}
        jsonschema.Draft202012Validator(kind).validate(record)


def test_what_does_not_fit() -> None:
    """A frame without its digest, or with an unknown key, does not match."""
    frame = {"v": 1, "t": 0.1, "type": "frame"}
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(frame))
