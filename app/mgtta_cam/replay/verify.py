"""Compare a replay with its log, line by line, and report the first difference by name and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mgtta_cam.digests import TENSOR_DIGITS
from mgtta_cam.errors import ReplayError
from mgtta_cam.log.format import Record, finite
from mgtta_cam.log.records import frame_record, update_record
from mgtta_cam.metrics.predictions import LEAST_P
from mgtta_cam.replay.tape import LoggedFrame, Tape
from mgtta_cam.types import FrameResult

# Fields that must be equal; those that explain other differences come first.
FRAME = (
    "in",
    "corr",
    "refused",
    "updates",
    "top",
    "out",
    "H",
    "frozen_top",
    "truth",
    "ok",
    "teacher_agree",
    "frozen_agree",
)
CLEAN = ("teacher_agree", "frozen_agree")  # need the clean frame, which recordings lack
UPDATE = ("n", "frames", "skipped", "params", "tensors", "loss", "gnorm", "unorm", "dnorm", "lr", "ess")
DIGESTS = ("in", "out", "params", "digests")


class Difference(NamedTuple):
    """Where a replay first differs from the log."""

    frame: int
    update: int | None  # the update that differs; None if the frame does
    what: str  # the log's name of the value that differs
    size: float | None  # of the difference, if it is a number
    words: str  # a full description for people


class Comparison:
    """Compares each result with its logged frame.

    Args:
        classes: names by class index.
        topk: classes per frame.
        adapted: returns the names of the adapted tensors, in order.
        damage: damage of the log itself, reported with the first difference.
        tolerance: largest allowed difference of numbers, relative for numbers above 1; None: none at all.
        strict: whether the first difference ends the replay.
    """

    def __init__(
        self,
        classes: Sequence[str],
        topk: int,
        adapted: Callable[[], Sequence[str]],
        damage: str | None,
        tolerance: float | None,
        *,
        strict: bool,
    ) -> None:
        self._classes, self._topk, self._adapted = classes, topk, adapted
        self._damage, self._tolerance, self._strict = damage, tolerance, strict
        self.frames = self.updates = self.other_inputs = 0
        self.first: Difference | None = None

    def __call__(self, logged: LoggedFrame, result: FrameResult) -> None:
        """Compare a frame, and the update after it.

        Raises:
            ReplayError: at the first difference, if the comparison is strict.
        """
        record, _ = finite(frame_record(result, self._classes, self._topk, None))
        self.other_inputs += record["in"] != logged.frame["in"]
        if self.first is None:
            self.first = self._in_frame(logged.frame, record)
        self.frames += 1
        if logged.update is not None and result.update is not None:
            record, _ = finite(update_record(result.update))
            if self.first is None:
                self.first = self._in_update(logged, record)
            self.updates += 1
        if self._strict and self.first is not None:
            raise ReplayError(f"{self.first.words}{f' ({self._damage})' if self._damage else ''}")

    def _in_frame(self, old: Record, new: Record) -> Difference | None:
        found = next(self._differing(old, new, FRAME), None)
        if found is None:
            return None
        what, before, now = found
        place = f"frame {old['i']}"
        if what == "in":
            words = f"{place}: the input differs (digest {now}, the log has {before}): the model saw another picture"
            return Difference(old["i"], None, what, None, words)
        if what in ("top", "out"):
            size = max(abs(p) for p in _changes(old["top"], new["top"]).values())
            by = f"by at most {size:.3f}" if size else "by less than 0.001; if they are equal, the log was changed"
            words = (
                f"{place}, after {old['updates']} updates: the prediction differs (digest {new['out']}, the log has "
                f"{old['out']}); {_answer(new)}, the log has {_answer(old)}; probabilities differ {by}"
            )
            return Difference(old["i"], None, what, size, words)
        return Difference(old["i"], None, what, _size(before, now), f"{place}: {what} is {now}; the log has {before}")

    def _in_update(self, logged: LoggedFrame, new: Record) -> Difference | None:
        assert logged.update is not None
        old, frame = logged.update, logged.frame["i"]
        found = next(self._differing(old, new, UPDATE), None)
        if found is None:
            return None
        what, before, now = found
        place = f"update {old['n']}, after frame {frame}"
        if what in ("params", "tensors") and "tensors" in old and "tensors" in new:
            which = _tensors(old["tensors"], new["tensors"])
            names = self._adapted()
            if which:
                first, size = which[0]
                name = names[first] if first < len(names) else f"tensor {first}"
                words = (
                    f"{place}: {len(which)} of {len(names)} tensors differ, the first is {name}, by about {size:.1e}"
                )
                return Difference(frame, old["n"], name, size, words)
        return Difference(frame, old["n"], what, _size(before, now), f"{place}: {what} is {now}; the log has {before}")

    def _differing(self, old: Record, new: Record, keys: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
        for key in keys:
            if key in new or (key in old and key not in CLEAN):
                before, now = old.get(key), new.get(key)
                same = _alike(before, now, self._tolerance, key)
                if not same:
                    yield key, before, now


def _alike(old: Any, new: Any, tolerance: float | None, name: str = "") -> bool:
    """Whether two logged values are equal within the tolerance."""
    if tolerance is None:
        return bool(old == new)
    if name in DIGESTS:
        return True
    if name in ("top", "frozen_top"):
        leads = {answers[0][0] for answers in (old, new)}
        changes = _changes(old, new)
        return all(abs(p) <= tolerance for p in changes.values()) and (len(leads) == 1 or _tied(old, new, tolerance))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_alike(old[key], new[key], tolerance, key) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_alike(one, other, tolerance) for one, other in zip(old, new, strict=True))
    size = _size(old, new)
    return bool(old == new) if size is None else size <= tolerance * max(1.0, abs(cast("float", old)))


def _changes(old: list[list[Any]], new: list[list[Any]]) -> dict[str, float]:
    """Change of each class's probability; an unlisted class had less than LEAST_P."""
    before, now = dict(map(tuple, old)), dict(map(tuple, new))
    changes = {name: now[name] - before[name] for name in before.keys() & now.keys()}
    changes |= {name: max(0.0, now[name] - LEAST_P) for name in now.keys() - before.keys()}
    return changes | {name: max(0.0, before[name] - LEAST_P) for name in before.keys() - now.keys()}


def _tied(old: list[list[Any]], new: list[list[Any]], tolerance: float) -> bool:
    """Whether the top two classes are, in both, so close that either may lead."""
    return all(len(a) > 1 and abs(a[0][1] - a[1][1]) <= 2 * tolerance for a in (old, new))


def _tensors(old: Record, new: Record) -> list[tuple[int, float]]:
    """Tensors that differ, and by about how much; see `mgtta_cam.digests.sketched`."""
    count = len(old["moved"])
    cut = [slice(i * TENSOR_DIGITS, (i + 1) * TENSOR_DIGITS) for i in range(count)]
    return [
        (i, abs((new["sketch"][i] or 0.0) - (old["sketch"][i] or 0.0)))
        for i in range(min(count, len(new["moved"])))
        if old["digests"][cut[i]] != new["digests"][cut[i]]
    ]


def _size(old: Any, new: Any) -> float | None:
    """Absolute difference of two numbers; None if either is not a number."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new))
    return abs(new - old) if numbers else None


def _answer(record: Record) -> str:
    name, p = record["top"][0]
    return f"{name} {p:.3f}"


def verdict_of(tape: Tape, comparison: Comparison) -> dict[str, Any]:
    """The outcome of a replay: `equal` if all frames were compared, nothing differs and the log is undamaged."""
    return {
        "equal": comparison.first is None and tape.damage is None and comparison.frames == tape.frames,
        "frames_compared": comparison.frames,
        "updates_compared": comparison.updates,
        "other_inputs": comparison.other_inputs,
        "difference": None if comparison.first is None else comparison.first._asdict(),
        "damage": tape.damage,
    }
