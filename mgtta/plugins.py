"""Names for what users may replace: methods and memories, ours and those of other packages or files.

A name is one of ours, one that an installed package declares as an entry point, or says where the function is:
`./mine.py:mine`, `package.module:mine`. It is resolved each time, so worker processes need no registration.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from mgtta.memory import Memory

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Name -> what it stands for; nothing is imported before it is asked for.

    `KeyError` for an unknown name; `ValueError`, with one line on what is wrong, for a plug-in that cannot be loaded.

    Args:
        kind: what it holds, for messages.
        own: name -> `package.module:function`.
        group: of entry points.
    """

    def __init__(self, kind: str, own: Mapping[str, str], group: str) -> None:
        self.kind, self.own, self.group = kind, own, group

    def __getitem__(self, name: str) -> T:
        if name in self.own:
            return _imported(self.own[name])
        if is_reference(name):
            return load(name)
        for point in entry_points(group=self.group, name=name):
            try:
                return point.load()
            except Exception as error:
                raise ValueError(f"the {self.kind} {name} of {_package(point)} cannot be loaded: {error!r}") from error
        raise KeyError(name)

    def title(self, name: str) -> str:
        """The first line of what a name stands for, read from its source: a list must not wait for imports.

        It is that of the file, which names the paper, or of the function where a file has several.
        """
        reference = self.own.get(name) or next((p.value for p in entry_points(group=self.group, name=name)), "")
        module, _, function = reference.partition(":")
        spec = importlib.util.find_spec(module) if module else None
        if spec is None or not isinstance(spec.loader, InspectLoader):
            raise ValueError(f"the {self.kind} {name} has no source to be read")
        body = ast.parse(spec.loader.get_source(spec.name) or "")
        own = [node for node in body.body if isinstance(node, ast.FunctionDef) and node.name == function]
        in_file = ast.get_docstring(body) if function == module.rpartition(".")[2] or not own else None
        return (in_file or (ast.get_docstring(own[0]) if own else None) or "").split("\n")[0].rstrip(".")

    def __contains__(self, name: object) -> bool:
        """Whether there is such a name; raises ValueError for a reference to nothing."""
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        others = {point.name for point in entry_points(group=self.group)}
        return iter((*self.own, *sorted(others - self.own.keys())))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_reference(name: str) -> bool:
    """Whether a name says where its function is: `./mine.py:mine`, `package.module:mine`."""
    where, colon, function = name.rpartition(":")
    return bool(colon and where) and function.isidentifier()


def load(reference: str) -> Any:
    """A function from a file or a module.

    Args:
        reference: `path/to/file.py:function` or `package.module:function`.

    Raises:
        ValueError: one line on what is wrong: no such file, module or function, or an error while it is imported.
    """
    where, _, name = reference.rpartition(":")
    if not where or not name.isidentifier():
        raise ValueError(f"expected FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION; got {reference!r}")
    if where.endswith(".py") and not Path(where).is_file():
        raise ValueError(f"{reference}: no such file: {where}")
    try:
        module = _of_file(Path(where)) if where.endswith(".py") else import_module(where)
    except Exception as error:  # a user's file may raise anything
        raise ValueError(f"{reference} cannot be imported: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ValueError(f"{where} has no function {name!r}; it has: {', '.join(functions) or 'none'}")
    return found


def _of_file(path: Path) -> ModuleType:
    """The module of a file, executed once a process."""
    path = path.resolve()
    name = f"mgtta_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: its dataclasses look themselves up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imported(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def _package(point: Any) -> str:
    return point.dist.name if point.dist is not None else point.value


MEMORIES: Registry[Callable[[int, int], Memory]] = Registry(
    "memory",
    {
        "window": "mgtta.memory:Latest",
        "reservoir": "mgtta.memory:Reservoir",
        "balanced": "mgtta.memory:Balanced",
    },
    group="mgtta.memories",
)
"""Name -> builder from size and seed: what frames an update is made of (`mgtta.memory`)."""
