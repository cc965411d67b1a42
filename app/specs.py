"""Methods as people write them: `mgtta`, `tent:lr=5e-4`, `mgtta:lr=2e-3:mgg=own.safetensors:memory=balanced`."""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.config import NOT_ADAPTING
from app.errors import UsageError

FILES = {"mgg": ("generator", "lstm"), "stats": ("statistics", "fisher")}  # option -> what a builder makes of the file


@dataclass(frozen=True, slots=True)
class Spec:
    """A method with the options that differ from its published ones."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()  # the builder's own, as (name, value)
    files: tuple[tuple[str, Path], ...] = ()  # instead of those of the run: `mgg`, `stats`
    memory: str | None = None  # what lessons are made of; None: the very window that is answered

    def __str__(self) -> str:
        memory = () if self.memory is None else (("memory", self.memory),)
        return ":".join([self.name, *(f"{key}={value}" for key, value in (*self.options, *self.files, *memory))])


def parse(text: str) -> Spec:
    """From `name[:option=value]...`.

    Raises:
        UsageError: unknown names and options, with the nearest; values of another type than the option's.
    """
    name, *parts = (part.strip() for part in text.split(":"))
    known = options_of(known_method(name))
    options, files, memory = [], [], None
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise UsageError(f"{text!r}: an option of a method is written name=value; got {part!r}")
        if key in FILES and known.keys() & set(FILES[key]):
            files.append((key, Path(value)))
        elif key == "memory" and name != NOT_ADAPTING:
            memory = _memory(value, f"{name}:{key}")
        elif key in known and known[key].default is not inspect.Parameter.empty:
            options.append((key, _value(value, known[key].annotation, f"{name}:{key}")))
        else:
            free = [k for k, p in known.items() if p.default is not inspect.Parameter.empty]
            free += [k for k, wanted in FILES.items() if known.keys() & set(wanted)]
            free += ["memory"] if name != NOT_ADAPTING else []
            hint = f"; its options: {', '.join(free)}" if free else " and has none"
            raise UsageError(f"{text!r}: {name} has no option {key!r}{hint}")
    return Spec(name, tuple(options), tuple(files), memory)


def _memory(value: str, name: str) -> str:
    from mgtta.memory import MEMORIES

    if value not in MEMORIES:
        raise UsageError(f"{name} is expected to be {' or '.join(MEMORIES)}; got {value!r}")
    return value


def parse_all(text: str) -> tuple[Spec, ...]:
    """From a list with commas; `all` is every method there is."""
    from mgtta import METHODS

    words = [word.strip() for word in text.split(",") if word.strip()]
    specs = tuple(parse(word) for word in (METHODS if words == ["all"] else words))
    twice = [str(spec) for i, spec in enumerate(specs) if spec in specs[:i]]
    if not specs or twice:
        raise UsageError(f"--methods: {f'{twice[0]} is named twice' if twice else 'name one method or more'}")
    return specs


def known_method(name: str) -> str:
    """The name, if there is such a method.

    Raises:
        UsageError: with the nearest name.
    """
    from mgtta import METHODS

    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise UsageError(f"no method {name!r}{hint}; known: {', '.join(METHODS)}")
    return name


def options_of(name: str) -> dict[str, inspect.Parameter]:
    """The parameters of a method's builder, without its backbone."""
    from mgtta import METHODS

    return dict(list(inspect.signature(METHODS[name], eval_str=True).parameters.items())[1:])


def _value(text: str, annotation: Any, name: str) -> Any:
    """The text as a value of the annotated type: bool, int, float, one of some words, or `none` where it may be."""
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
    raise UsageError(f"{name} is expected to be {expected}; got {text!r}")
