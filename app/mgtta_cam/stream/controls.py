"""What a user may change while the stream runs: keys in, commands out. Knows no window and no model."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

KEYS: dict[str, tuple[str, str]] = {
    "q": ("quit", "quit"),
    "\x1b": ("quit", "quit"),
    " ": ("pause", "pause or resume"),
    "n": ("step", "one frame, then pause"),
    "a": ("adapt", "adaptation on or off"),
    "r": ("reset", "back to the source model"),
    "u": ("undo", "undo the last update"),
    "c": ("corruption", "next corruption"),
    "[": ("weaker", "weaker corruption"),
    "]": ("stronger", "stronger corruption"),
    "m": ("method", "next method"),
    "v": ("compare", "frozen model next to it"),
    "o": ("overlay", "more or less text"),
    "s": ("snapshot", "save a picture"),
    "h": ("help", "these keys"),
}  # key -> (action, what it does)
OVERLAY_LEVELS = 3


@dataclass(slots=True)
class Controls:
    """The state that keys change, and commands (`reset`, `method`, `snapshot`, ...) that wait to be run.

    Keys come on the main thread; other threads read the state, and take commands.

    `exit_code` is None until the run is to stop: 0 for the key q, 130 and 143 for signals.
    """

    compare: bool = False  # answer with the frozen model too
    adapting: bool = True
    paused: bool = False
    help: bool = False
    overlay: int = OVERLAY_LEVELS - 1  # 0 nothing .. 2 everything
    exit_code: int | None = None
    _single: bool = False  # pause again after the next frame
    _commands: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)  # for the commands

    def press(self, key: str) -> str | None:
        """Handles a key; returns its action, None if it has none."""
        action = KEYS.get(key, (None,))[0]
        match action:
            case None:
                return None
            case "quit":
                self.stop(0)
            case "pause":
                self.paused, self._single = not self.paused, False
            case "step":
                self.paused, self._single = False, True
            case "adapt":
                self.adapting = not self.adapting
            case "compare":
                self.compare = not self.compare
            case "overlay":
                self.overlay = (self.overlay - 1) % OVERLAY_LEVELS
            case "help":
                self.help = not self.help
            case _:
                with self._lock:
                    self._commands.append(action)
        return action

    def stop(self, exit_code: int) -> None:
        """Makes the run end after the current frame. The first exit code stands."""
        if self.exit_code is None:
            self.exit_code = exit_code

    @property
    def stopped(self) -> bool:
        """Whether the run is to end."""
        return self.exit_code is not None

    def frame_done(self) -> None:
        """Marks a frame as answered: a single step ends here."""
        if self._single:
            self.paused, self._single = True, False

    def take(self, *actions: str) -> list[str]:
        """Takes the waiting commands of these kinds, in order."""
        with self._lock:
            taken = [command for command in self._commands if command in actions]
            self._commands = [command for command in self._commands if command not in actions]
        return taken

    def waiting(self, *actions: str) -> bool:
        """Whether commands of these kinds wait."""
        with self._lock:
            return any(command in actions for command in self._commands)
