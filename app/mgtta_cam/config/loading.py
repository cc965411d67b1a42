"""Merges and checks the settings: flag > environment > file > default.

Nothing else reads configuration. Classes never see it: `mgtta_cam.assembly` passes them plain values.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from mgtta_cam.config.settings import PANELS, Settings, fields_of_settings, flag
from mgtta_cam.errors import UsageError
from mgtta_cam.redaction import redact

PREFIX = "MGTTA_CAM_"
PAPER = {"memory": "window", "adapt": "inline"}  # what --paper implies where these are not given


def load(
    flags: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    file: Path | None = None,
    presets: Mapping[str, Any] | None = None,
) -> Settings:
    """Merges the settings from all places into one checked value.

    Args:
        flags: option name (with underscores) -> value; None where it was not given.
        environment: variables; only those that begin with MGTTA_CAM_ are read.
        file: TOML with option names as keys; `-` and `_` are equivalent.
        presets: defaults of a sub-command.

    Raises:
        UsageError: for unknown keys (it names the known ones and the closest), values out of range, and options that
            are mutually exclusive.
    """
    layers = [
        ("", {name: value for name, value in (presets or {}).items() if value is not None}),
        (f" in {file}", _read_file(file) if file else {}),
        (" in the environment", _read_environment(environment)),
        ("", {name: value for name, value in flags.items() if value is not None}),
    ]
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for where, layer in layers:
        _known(layer, where)
        values |= layer
        origin |= dict.fromkeys(layer, where)
    try:
        settings = TypeAdapter(Settings).validate_python(values)
    except ValidationError as error:
        raise UsageError(_explained(error, origin)) from None
    _exclude(settings, ("corrupt", "corrupt_schedule"), ("truth", "label"), ("quiet", "verbose"))
    own: dict[str, Any] = {name: value for name, value in PAPER.items() if name not in values}
    return replace(settings, **own) if settings.paper else settings


def load_each(flags: Mapping[str, Any], *, environment: Mapping[str, str], file: Path | None = None) -> list[Settings]:
    """Returns the settings of each stream; like `load`, but `source` may be a list, in the flags or in the file.

    Raises:
        UsageError: as `load`.
    """
    listed = _read_file(file).get("source") if file and not environment.get(f"{PREFIX}SOURCE") else None
    if listed == [] and not flags.get("source"):
        raise UsageError(f"--source in {file}: the list is empty; add a camera, a video, a folder or an address to it")
    sources = flags.get("source") or (listed if isinstance(listed, list) else [None])
    return [load({**flags, "source": source}, environment=environment, file=file) for source in sources]


def to_toml(settings: Settings, *others: Settings) -> str:
    """Formats settings as a file that `load_each` reads; secrets are hidden, unset options are comments.

    Args:
        settings: those of the first stream.
        others: those of further streams; only their sources are added.
    """
    sources = tuple(one.source for one in (settings, *others))
    lines: list[str] = []
    for panel in PANELS:
        lines.append(f"# {panel}")
        for name, info in fields_of_settings().items():
            if cast("Any", info.json_schema_extra)["panel"] == panel:
                value = sources if name == "source" and others else getattr(settings, name)
                lines.append(f"# {name} =" if value is None else f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def to_dict(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain JSON values, with secrets in addresses hidden."""
    plain = TypeAdapter(Settings).dump_python(settings, mode="json")
    return {name: redact(value) if isinstance(value, str) else value for name, value in plain.items()}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    text = redact(str(value))
    escaped = "".join(f"\\u{ord(c):04x}" if c < " " or c in '"\\\x7f' else c for c in text)
    return f'"{escaped}"'


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--config {path} is not TOML: {error}") from None
    return {key.replace("-", "_"): value for key, value in content.items()}


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(PREFIX) and value
    }


def _known(layer: Mapping[str, Any], where: str) -> None:
    names = list(fields_of_settings())
    for key in layer:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f" (nearest: {near[0]})" if near else ""
            raise UsageError(f"unknown option {key!r}{where}{hint}; known: {', '.join(names)}")


def _explained(error: ValidationError, origin: Mapping[str, str]) -> str:
    first, *more = error.errors(include_url=False)
    name = str(first["loc"][0])
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    others = {str(one["loc"][0]) for one in more} - {name}  # a field that allows several types has one error per type
    rest = f" (and {len(others)} more)" if others else ""
    return f"{flag(name)}{origin.get(name, '')}: {message}; got {redact(str(first['input']))!r}{rest}"


def _exclude(settings: Settings, *pairs: tuple[str, str]) -> None:
    for one, other in pairs:
        if getattr(settings, one) and getattr(settings, other):
            raise UsageError(f"{flag(one)} and {flag(other)} are mutually exclusive: give only one of them")
