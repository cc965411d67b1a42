"""Injects faults to test an installation: `--chaos "stall:5s@30 cut@60 bitflip:1e-5"`.

Faults are injected between OpenCV and its readers, so that they are handled exactly like real ones.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.sources.capture import Capture

KINDS = {  # name -> (what it does, whether its value is a duration, bounds of its value)
    "stall": ("no picture arrives for this time", True, None),
    "black": ("pictures are black for this time", True, None),
    "freeze": ("the same picture repeats for this time", True, None),
    "cut": ("the connection ends, until it is opened again", False, None),
    "bitflip": ("each bit of a picture flips with this probability", False, (0.0, 1.0)),
    "corrupt": ("this share of the packets cannot be decoded", False, (0.0, 1.0)),
    "resize": ("pictures are scaled by this factor", False, (0.01, 4.0)),
}
FAULT = re.compile(r"(?P<kind>[a-z]+)(?::(?P<value>[0-9.e+-]+)(?P<unit>s?))?(?:@(?P<start>[0-9.]+)s?)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and when it begins."""

    kind: str
    value: float | None = None  # seconds, a probability, a share or a factor; see KINDS
    start_s: float = 0.0  # stream time at which it begins

    def __str__(self) -> str:
        _, lasting, _ = KINDS[self.kind]
        value = "" if self.value is None else f":{self.value:g}{'s' if lasting else ''}"
        return f"{self.kind}{value}@{self.start_s:g}"

    def active(self, now_s: float) -> bool:
        """Returns whether the fault is active at this stream time."""
        lasting = KINDS[self.kind][1]
        return now_s >= self.start_s and not (lasting and now_s >= self.start_s + (self.value or 0.0))


def parse(text: str) -> tuple[Fault, ...]:
    """Parses faults, KIND[:VALUE][@SECOND], separated by spaces or commas.

    Raises:
        ValueError: if a fault is malformed; the message says what is expected.
    """
    return tuple(_fault(word) for word in re.split(r"[\s,]+", text.strip()) if word)


def _fault(word: str) -> Fault:
    found = FAULT.fullmatch(word)
    if found is None or found["kind"] not in KINDS:
        known = "; ".join(f"{kind} ({about})" for kind, (about, _, _) in KINDS.items())
        raise ValueError(
            f"expected faults such as stall:5s@30 cut@60 bitflip:1e-5, got {word!r}; known faults: {known}"
        )
    about, lasting, bounds = KINDS[found["kind"]]
    try:
        value = None if found["value"] is None else float(found["value"])
        start = float(found["start"] or 0)
    except ValueError:
        raise ValueError(f"expected numbers in {word!r}") from None
    if (value is None) is (lasting or bounds is not None):
        raise ValueError(f"{found['kind']} {'takes no value' if value is not None else 'needs a value'}: {about}")
    low, high = bounds or (0.0, float("inf"))
    if value is not None and not (low < value <= high):
        raise ValueError(f"expected a value above {low:g} and at most {high:g} in {word!r}: {about}")
    return Fault(found["kind"], value, start)


class Chaos:
    """Injects faults into all captures of one source.

    Args:
        faults: what to inject.
        read_timeout_s: timeout of the captures, after which a stall is detected.
        live: whether faults follow the clock; otherwise they follow the file's time.
        seed: for random faults.
        emit: gets `chaos` events when a fault begins, on the reading thread.
        clock: seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        read_timeout_s: float,
        *,
        live: bool,
        seed: int = 0,
        emit: EventHandler = ignore,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.faults, self.read_timeout_s, self.live = tuple(faults), read_timeout_s, live
        self.chance = np.random.default_rng(seed)
        self.sleep = sleep
        self._emit, self._clock = emit, clock
        self._began: float | None = None
        self._now = 0.0
        self._announced: set[Fault] = set()
        self._over: set[Fault] = set()

    def __call__(self, capture: Capture) -> Capture:
        """Wraps a capture so that the faults occur in it."""
        return Faulty(capture, self)

    def active(self, capture: Capture) -> list[Fault]:
        """Returns the active faults, and emits an event for each that begins."""
        clock = self._clock()
        self._began = clock if self._began is None else self._began
        now = clock - self._began if self.live else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._now = now
        found = [fault for fault in self.faults if fault.active(now) and fault not in self._over]
        for fault in found:
            if fault not in self._announced:
                self._announced.add(fault)
                self._emit("chaos", fault=str(fault), seconds=round(now, 3))
        return found

    def waited(self, stall: Fault) -> bool:
        """Waits for the end of a stall; returns False if the timeout comes first."""
        left = stall.start_s + (stall.value or 0.0) - self._now
        self.sleep(min(left, self.read_timeout_s))
        if left <= self.read_timeout_s:
            self._over.add(stall)  # a file's time does not advance during it
        return left <= self.read_timeout_s


class Faulty:
    """A capture with injected faults."""

    def __init__(self, capture: Capture, chaos: Chaos) -> None:
        self._capture, self._chaos = capture, chaos
        self._over = {fault for fault in chaos.faults if fault.kind == "cut" and fault in chaos.active(capture)}
        self._frozen: np.ndarray | None = None
        self.get, self.release, self.isOpened = capture.get, capture.release, capture.isOpened

    def read(self) -> tuple[bool, np.ndarray | None]:
        """Reads a picture like OpenCV's capture."""
        faults = self._chaos.active(self._capture)
        kinds = {fault.kind: fault for fault in faults}
        if any(fault.kind == "cut" and fault not in self._over for fault in faults):
            return False, None
        if "stall" in kinds and not self._chaos.waited(kinds["stall"]):
            return False, None
        ok, picture = self._capture.read()
        if not ok or picture is None or self._by_chance(kinds.get("corrupt")):
            return False, None
        if "freeze" in kinds:
            picture = self._frozen = picture if self._frozen is None else self._frozen
            return True, picture.copy()
        self._frozen = None
        if "black" in kinds:
            return True, np.zeros_like(picture)
        if (resize := kinds.get("resize")) is not None:
            picture = cv2.resize(picture, None, fx=resize.value or 1, fy=resize.value or 1)
        if (flips := kinds.get("bitflip")) is not None:
            picture = self._flipped(picture, flips.value or 0.0)
        return True, picture

    def _by_chance(self, fault: Fault | None) -> bool:
        return fault is not None and self._chaos.chance.random() < (fault.value or 0.0)

    def _flipped(self, picture: np.ndarray, probability: float) -> np.ndarray:
        chance = self._chaos.chance
        flat = np.array(picture).reshape(-1)
        count = chance.binomial(flat.size * 8, probability)
        places = chance.integers(0, flat.size, count)
        np.bitwise_xor.at(flat, places, np.left_shift(np.uint8(1), chance.integers(0, 8, count, dtype=np.uint8)))
        return flat.reshape(picture.shape)
