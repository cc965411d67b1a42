"""What a bench is to measure, checked before anything slow begins."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mgtta_cam.bench.cells import Budget
from mgtta_cam.bench.data import CLEAN
from mgtta_cam.bench.paper import Plan
from mgtta_cam.bench.streams import GROUPS, PROTOCOLS, RESET
from mgtta_cam.config.method_spec import Spec, parse_all
from mgtta_cam.corruptions.names import STANDARD, check_name, check_severity
from mgtta_cam.errors import UsageError

T = TypeVar("T")
METHODS = "none,tent,sgd,mgtta"
WINDOW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Where a bench's pictures come from, where its results go, and what measures."""

    folders: Mapping[str, Path]  # kind of pictures -> folder
    out: Path  # folder for finished cells and results
    count: int | None = None  # of the shuffled pictures; None: all
    skip: int = 0  # of the shuffled pictures
    workers: int = 1  # processes that measure at once
    ray: str | None = None  # a cluster that measures instead: `local`, `auto` or an address
    memory: bool = True  # measure the memory of methods
    pretrain_on: Path | None = None  # pictures for the generators of Table 6


@dataclass(frozen=True, slots=True)
class Request:
    """Combinations to measure. Fields that a paper's table determines are empty until `decided`."""

    methods: tuple[Spec, ...]
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    batches: tuple[int, ...]
    protocols: tuple[str, ...]
    budgets: tuple[Budget, ...]
    table: int | None

    @classmethod
    def parsed(
        cls,
        methods: str | None,
        corruptions: str,
        severity: str,
        batch: str | None,
        protocol: str | None,
        max_updates: str | None,
        max_seconds: str | None,
        table: int | None,
    ) -> Request:
        """Parse the command line's options.

        Raises:
            UsageError: for unknown names, numbers out of range, and options that exclude each other.
        """
        if table is not None:
            decided = {"--batch": batch, "--protocol": protocol, "--max-updates": max_updates}
            decided |= {"--max-seconds": max_seconds}
            if excluded := [name for name, value in decided.items() if value is not None]:
                raise UsageError(f"{excluded[0]} and --table exclude each other: Table {table} determines it")
        budgets = [Budget(updates=u) for u in _list("--max-updates", max_updates, _updates)]
        budgets += [Budget(seconds=s) for s in _list("--max-seconds", max_seconds, _seconds)]
        free = table is None
        return cls(
            methods=parse_all(METHODS if methods is None else methods) if methods is not None or free else (),
            corruptions=_corruptions(corruptions),
            severities=_list("--severity", severity, lambda text: check_severity(int(text))),
            batches=_list("--batch", batch, _size) or ((WINDOW,) if free else ()),
            protocols=_protocols(protocol or RESET) if free else (),
            budgets=tuple(budgets) or ((Budget(),) if free else ()),
            table=table,
        )

    def decided(self, plan: Plan) -> Request:
        """Fill empty fields with what the table requires."""
        return replace(
            self,
            methods=self.methods or plan.methods,
            batches=plan.batches,
            protocols=(plan.protocol,),
            budgets=plan.budgets,
        )


def _corruptions(text: str) -> tuple[str, ...]:
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words:
        raise UsageError("--corruptions: give one or more names, or all")
    try:
        chosen = [STANDARD if w == "all" else (w if w == CLEAN else check_name(w),) for w in words]
    except ValueError as error:
        raise UsageError(f"--corruptions: {error}") from None
    return tuple(dict.fromkeys(name for group in chosen for name in group))


def _protocols(text: str) -> tuple[str, ...]:
    chosen: list[str] = []
    for word in (part.strip() for part in text.split(",") if part.strip()):
        if word not in (*PROTOCOLS, *GROUPS):
            near = difflib.get_close_matches(word, [*PROTOCOLS, *GROUPS], n=1)
            hint = f" (nearest: {near[0]})" if near else ""
            raise UsageError(f"--protocol: unknown protocol {word!r}{hint}; known: {', '.join((*PROTOCOLS, *GROUPS))}")
        chosen += GROUPS.get(word, (word,))
    if not chosen:
        raise UsageError(f"--protocol: give one or more of {', '.join((*PROTOCOLS, *GROUPS))}")
    return tuple(dict.fromkeys(chosen))


def _list(name: str, text: str | None, read: Callable[[str], T]) -> tuple[T, ...]:
    if text is not None and not text.strip(", "):
        raise UsageError(f"{name}: expected one or more numbers; got {text!r}")
    try:
        return tuple(dict.fromkeys(read(part) for part in (text or "").split(",") if part.strip()))
    except ValueError as error:
        reason = str(error)
        builtin = "literal" in reason or "convert" in reason  # messages of int and float
        raise UsageError(f"{name}: {'expected numbers' if builtin else reason}; got {text!r}") from None


def _updates(text: str) -> int:
    return _at_least(int(text), 0)


def _size(text: str) -> int:
    return _at_least(int(text), 1)


def _at_least(value: int, least: int) -> int:
    if value < least:
        raise ValueError(f"expected {least} or more")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError("expected 0 or more seconds")
    return value
