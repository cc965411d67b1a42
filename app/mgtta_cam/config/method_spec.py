"""Methods as users write them: `tent:lr=5e-4`, `mgtta:mgg=own.safetensors:memory=balanced`, `./mine.py:mine:lr=1`."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mgtta_cam.config.settings import NOT_ADAPTING, fields_of_settings
from mgtta_cam.errors import UsageError

if TYPE_CHECKING:
    from mgtta.types import Method

LIVE = ("memory", "guard")  # options of the program that apply to every method
FILES = {
    "mgg": ("generator", "lstm"),
    "stats": ("statistics", "fisher"),
}  # option -> parameters read from its file


@dataclass(frozen=True, slots=True)
class Spec:
    """A method, and its options that differ from the published ones."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()  # parameters of the builder, as (name, value)
    files: tuple[tuple[str, Path], ...] = ()  # files that replace those of the run: `mgg`, `stats`
    live: tuple[tuple[str, str], ...] = ()  # `memory` and `guard`, as on live video

    def __str__(self) -> str:
        return ":".join([self.name, *(f"{key}={value}" for key, value in (*self.options, *self.files, *self.live))])


def parse(text: str) -> Spec:
    """Parses `name[:option=value]...`.

    Raises:
        UsageError: for unknown names and options, with the closest ones, and for values of the wrong type.
    """
    name, parts = _split(text)
    known = options_of(known_method(name))
    options, files, live = [], [], []
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise UsageError(f"{text!r}: expected a method's option as name=value; got {part!r}")
        if key in {name for name, _ in (*options, *files, *live)}:
            raise UsageError(f"{text!r}: {key} is given twice")
        if key in FILES and known.keys() & set(FILES[key]):
            files.append((key, Path(value)))
        elif key in LIVE and name != NOT_ADAPTING:
            live.append((key, _live(value, key, f"{name}:{key}")))
        elif key in known and known[key].default is not inspect.Parameter.empty:
            options.append((key, _value(value, known[key].annotation, f"{name}:{key}")))
        else:
            free = [k for k, p in known.items() if p.default is not inspect.Parameter.empty]
            free += [k for k, wanted in FILES.items() if known.keys() & set(wanted)]
            free += LIVE if name != NOT_ADAPTING else []
            has = f"no option {key!r}; its options: {', '.join(free)}" if free else "no options"
            raise UsageError(f"{text!r}: {name} has {has}")
    return Spec(name, tuple(options), tuple(files), tuple(live))


def _split(text: str) -> tuple[str, list[str]]:
    """Splits off the name from the options. A plug-in, `./mine.py:mine`, has a colon in its own name."""
    words: list[str] = []
    for word in (part.strip() for part in text.split(":")):
        before = words[-1] if words else ""
        named = len(words) == 1 or before.startswith("memory=")
        if named and ("." in before or "/" in before) and ":" not in before and word.isidentifier():
            words[-1] = f"{before}:{word}"
        else:
            words.append(word)
    return words[0], words[1:]


def _live(value: str, key: str, name: str) -> str:
    if key == "memory":
        return known_memory(value, name)
    words = typing.get_args(fields_of_settings()[key].annotation)
    if value not in words:
        raise UsageError(f"{name}: expected {' or '.join(words)}; got {value!r}")
    return value


def parse_all(text: str) -> tuple[Spec, ...]:
    """Parses a comma-separated list; `all` stands for every method."""
    from mgtta import METHODS

    words = [word.strip() for word in text.split(",") if word.strip()]
    specs = tuple(parse(name) for word in words for name in (METHODS if word == "all" else (word,)))
    twice = [str(spec) for i, spec in enumerate(specs) if spec in specs[:i]]
    if not specs or twice:
        raise UsageError(f"--methods: {f'{twice[0]} is listed twice' if twice else 'expected at least one method'}")
    return specs


def known_method(name: str) -> str:
    """Returns the name if there is such a method.

    Raises:
        UsageError: otherwise, with the closest name.
    """
    builder(name)
    return name


def builder(name: str) -> Callable[..., Method]:
    """Returns the builder of a method: built in, from an installed plug-in, or from a file (`./mine.py:mine`).

    Raises:
        UsageError: for an unknown name, with the closest one, or if a plug-in cannot be loaded.
    """
    from mgtta import METHODS

    try:
        return METHODS[name]
    except ValueError as error:
        raise UsageError(str(error)) from None
    except KeyError:
        near = difflib.get_close_matches(name, METHODS, n=1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise UsageError(f"no method {name!r}{hint}; known: {', '.join(METHODS)}, or FILE.py:FUNCTION") from None


def known_memory(name: str, option: str = "--memory") -> str:
    """Returns the name if there is such a memory.

    Raises:
        UsageError: otherwise, with all names, or if a plug-in cannot be loaded.
    """
    from mgtta.plugins import MEMORIES

    try:
        known = name in MEMORIES
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if not known:
        raise UsageError(f"{option}: expected {' or '.join(MEMORIES)}, or FILE.py:FUNCTION; got {name!r}")
    return name


def options_of(name: str) -> dict[str, inspect.Parameter]:
    """Returns the parameters of a method's builder, without the backbone."""
    return dict(list(inspect.signature(builder(name), eval_str=True).parameters.items())[1:])


def _value(text: str, annotation: Any, name: str) -> Any:
    """Converts the text to the annotated type: bool, int, float, a literal word, or `none` where None is allowed."""
    choices = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    if type(None) in choices and text.lower() == "none":
        return None
    for choice in choices:
        if choice is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if typing.get_origin(choice) is typing.Literal and text in typing.get_args(choice):
            return text
        if choice in (int, float):
            try:
                return choice(text)
            except ValueError:
                continue
    words = [w for c in choices if typing.get_origin(c) is typing.Literal for w in typing.get_args(c)]
    kind = "a whole number" if int in choices else "a number"
    expected = " or ".join(words) or ("true or false" if bool in choices else kind)
    raise UsageError(f"{name}: expected {expected}; got {text!r}")
