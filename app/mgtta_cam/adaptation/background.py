"""Updates on a background thread, so that no prediction waits for one."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mgtta.guard import Guarded, Mode
from mgtta.memory import Member
from mgtta.types import Method
from mgtta_cam.adaptation.learner import Undone, UpdateRunner
from mgtta_cam.types import Update

YIELDING = 10  # niceness of the update thread: predictions come first


class _Result(NamedTuple):
    epoch: int  # resets before the update began
    update: Update
    updates: int
    state: dict[str, Tensor]


class Background:
    """Updates on a thread, with a separate copy of the parameters; whole sets are handed over between two frames.

    Predictions and updates share all weights that no method changes. On CUDA updates run on a stream of their own.

    Args:
        predictor: the method that predicts, on one twin of the model.
        learner: the same method, guarded, on another twin.
        threads: of the CPU, for updates.
    """

    def __init__(self, predictor: Method, learner: Guarded, threads: int = 1) -> None:
        self._predictor, self._learner, self._runner = predictor, learner, UpdateRunner(learner)
        self._threads = threads
        self.probabilities, self.predict = predictor.probabilities, predictor.predict
        self.state_dict, self.adapted = predictor.state_dict, tuple(predictor.parameters())
        self.updates, self.busy = 0, False
        self._epoch = 0
        self._stream: torch.cuda.Stream | None = None
        self._tasks: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mgtta-cam updates", daemon=True)
        self._thread.start()

    @property
    def mode(self) -> Mode:
        """What the guard does."""
        return self._learner.mode

    def begin_update(self, members: Sequence[Member]) -> None:
        """Queues an update for the thread."""
        self.busy = True
        self._tasks.put(partial(self._update, tuple(members), self._epoch))

    def finished_update(self) -> Update | None:
        """An update that the thread has finished; predictions use all of it from now on.

        Raises:
            Exception: whatever ended the update.
        """
        if self._results.empty():
            return None
        result = self._result()
        if result.epoch != self._epoch:
            return None
        self._publish(result.updates, result.state)
        return result.update

    def undo(self) -> Undone:
        """Undoes the last update that predictions use. Waits for one that is under way, and drops it."""
        idle = threading.Event()
        self._tasks.put(idle.set)
        idle.wait()
        dropped: tuple[int, ...] = ()
        if self.busy:
            result = self._result()
            dropped = result.update.frames if result.epoch == self._epoch else ()
            if self._learner.updates > self.updates:
                self._learner.undo()
        back = self._learner.undo()
        if back:
            self._publish(self._learner.updates, self._learner.state_dict())
        return Undone(back, dropped)

    def reset(self) -> None:
        """Returns to the source model at once; an update under way is dropped."""
        self._predictor.reset()
        self.updates = 0
        self._epoch += 1
        self._tasks.put(self._runner.reset)

    def restore(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Restores what earlier updates learned; to be called before the first update."""
        self._learner.updates = updates
        self._learner.load_state_dict(state)
        self._publish(updates, state)

    def close(self, patience_s: float | None = None) -> None:
        """Ends the thread after the update under way; does not wait for it longer than `patience_s`."""
        self._tasks.put(None)
        self._thread.join(patience_s)

    def _result(self) -> _Result:
        result = self._results.get()
        self.busy = False
        if isinstance(result, Exception):
            raise result
        return result

    def _publish(self, updates: int, state: Mapping[str, Tensor]) -> None:
        self._predictor.load_state_dict(state)
        for tensor in state.values():
            if tensor.is_cuda:  # another stream may not take its memory before it is copied
                tensor.record_stream(torch.cuda.current_stream(tensor.device))
        self.updates = updates

    def _work(self) -> None:
        torch.set_num_threads(self._threads)
        with suppress(AttributeError, OSError):  # a thread has a niceness of its own on Linux only
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), YIELDING)
        while (task := self._tasks.get()) is not None:
            task()

    def _update(self, members: Sequence[Member], epoch: int) -> None:
        try:
            with self._aside(members[0].x.device):
                update = self._runner.begin_update(members)
                state = self._learner.state_dict()
            self._results.put(_Result(epoch, update, self._learner.updates, state))
        except Exception as error:  # the main thread raises it
            self._results.put(error)

    @contextmanager
    def _aside(self, device: torch.device) -> Iterator[None]:
        """Computes on a CUDA stream of its own, after all work queued so far; waits for it at the end."""
        if device.type != "cuda":
            yield
            return
        if self._stream is None:
            self._stream = torch.cuda.Stream(device)  # of the lowest priority: recorded answers have a higher one
        self._stream.wait_stream(torch.cuda.default_stream(device))
        with torch.cuda.stream(self._stream):
            yield
            self._stream.synchronize()
