"""Command-line options generated from the settings, the one source of flags, help and documents."""

from __future__ import annotations

import dataclasses
import inspect
import os
import typing
from collections.abc import Callable, Collection
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Optional, TypeVar

import typer
from rich.console import Console

from mgtta_cam.config import loading
from mgtta_cam.config.settings import Channels, Settings, fields_of_settings, flag
from mgtta_cam.errors import UsageError
from mgtta_cam.outputs import writable

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def takes_settings(only: Collection[str] | None = None, several: Collection[str] = ()) -> Callable[[F], F]:
    """Adds the options of all settings, or of `only` some, to a Typer command, which gets them as keyword arguments.

    Options in `several` may be repeated, and arrive as a list.

    An option that was not given arrives as None, because the settings know its default, and a file or the environment
    may set it. Values arrive as text, which the settings check; flags arrive as booleans.
    """

    def decorate(command: F) -> F:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
        fields = {name: info for name, info in fields_of_settings().items() if only is None or name in only}
        parameters = [*own, *(_parameter(name, info, several=name in several) for name, info in fields.items())]
        command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def takes_options(declared: type[T]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the fields of a dataclass, each annotated with its Typer option, to a command, which gets them as one value.

    To be applied before `takes_settings`, whose options arrive as keyword arguments beside it.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        names = [field.name for field in dataclasses.fields(declared)]  # pyright: ignore[reportArgumentType]

        @wraps(command)
        def call(**given: Any) -> None:
            own = declared(**{name: given.pop(name) for name in names})
            command(own, **given)

        parameters = inspect.signature(declared, eval_str=True).parameters.values()
        call.__signature__ = inspect.Signature(  # pyright: ignore[reportAttributeAccessIssue]
            [p.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in parameters]
        )
        return call

    return decorate


def _parameter(name: str, info: Any, *, several: bool = False) -> inspect.Parameter:
    extra = info.json_schema_extra
    switch = bool in (info.annotation, *typing.get_args(info.annotation))
    names = [f"{flag(name)}/--no-{flag(name)[2:]}" if switch and info.default is None else flag(name)]
    names += [extra["short"]] if extra["short"] else []
    option = typer.Option(
        *names,
        help=info.description + _default(info),
        rich_help_panel=extra["panel"],
        show_default=False,
        metavar=None if switch else _metavar(info),
    )
    kind = bool if switch else list[str] if several else str
    annotation = Annotated[Optional[kind], option]  # noqa: UP045  typer reads it at run time
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _default(info: Any) -> str:
    return "" if info.default is None or info.default is False else f" Default: {info.default}."


def _metavar(info: Any) -> str:
    """Returns the choices of an option, or the kind of value that it takes."""
    choices = (info.annotation, *typing.get_args(info.annotation))
    kinds = [kind for kind in choices if isinstance(kind, type)]
    for choice in choices:
        if typing.get_origin(choice) is typing.Literal:
            return "|".join((*("N" for kind in kinds if kind is int), *typing.get_args(choice)))
        if choice is Channels:
            return "R,G,B"
    return {"int": "N", "float": "NUMBER", "Path": "PATH"}.get(kinds[0].__name__ if kinds else "", "TEXT")


Folder = Annotated[
    Path | None, typer.Option(help="Folder of pictures in folders named by class, or a CSV file `path,class`.")
]


Count = Annotated[int | None, typer.Option(min=1, help="Number of pictures to use; all by default.")]


Skip = Annotated[int, typer.Option(min=0, help="Skip this many pictures at the start of the shuffled folder.")]


MODEL = (
    *("model", "weights", "labels", "img_size", "crop_pct", "interpolation", "mean", "std"),
    *("device", "precision", "threads", "seed", "quiet", "verbose"),
)


def out(about: str) -> Any:
    """Makes the option --out of a command that writes one file."""
    return typer.Option("--out", help=f"{about}, a .safetensors file.")


def begin(
    flags: dict[str, Any],
    path: Path | None = None,
    going_on: bool = False,
    presets: dict[str, Any] | None = None,
    kind: str = ".safetensors",
) -> tuple[Settings, Console]:
    """Returns checked settings and the console; checks that the output file can be written before anything slow."""
    settings = loading.load(flags, environment=os.environ, file=None, presets=presets)
    if path is not None:
        if path.suffix != kind:
            raise UsageError(f"--out: expected a file that ends in {kind}; got {path.name}")
        writable(path, overwrite=settings.overwrite or going_on)
    return settings, Console(stderr=True, quiet=settings.quiet, emoji=False, markup=False, highlight=False)
