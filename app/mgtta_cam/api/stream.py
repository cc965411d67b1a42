"""`mgtta_cam.stream` and `mgtta_cam.Stream`: results of a source, frame by frame.

All settings of the command line are keyword arguments by their options' names (`--vid-stride 2` is `vid_stride=2`),
with the same defaults but one: no window opens unless `show=True`. The environment's MGTTA_CAM_... are not read.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mgtta_cam.config import loading
from mgtta_cam.config.settings import MODEL, Settings
from mgtta_cam.errors import UsageError
from mgtta_cam.events import EventHandler, ignore
from mgtta_cam.stream.controls import Controls

if TYPE_CHECKING:
    from torch import nn

    from mgtta_cam.stream.result import Result
    from mgtta_cam.stream.session import Running
    from mgtta_cam.types import FrameResult
    from mgtta_models import Backbone

    Source = str | os.PathLike[str] | int | Iterable[Any]
    ResultSink = Callable[[Result], object]

COMPARE = {True: "split", False: "off"}


def stream(
    source: Source,
    *,
    model: str | Backbone | nn.Module = MODEL,
    compare: bool | str = False,
    sinks: Iterable[ResultSink] = (),
    on_event: EventHandler = ignore,
    **settings: Any,
) -> Iterator[Result]:
    """Answers a source frame by frame, adapting the model to it.

    Args:
        source: whatever `--source` takes, or an iterable of RGB arrays uint8 [h, w, 3] or pairs (array, seconds). An
            iterable is read on another thread, one frame ahead.
        model: a name of timm's, `demo`, a `Backbone`, or a timm Vision Transformer.
        compare: answer with the frozen source model too: `result.frozen`.
        sinks: called with each result, in order, before the loop's body gets it.
        on_event: gets events: `on_event("reconnect", name=..., after_s=...)`; see docs/log.md for the kinds.
        settings: all other options by their names.

    Returns:
        An iterator over results. Leaving the loop, an exception in its body and garbage collection close all files.

    Raises:
        UsageError: at once, if a setting is unknown or out of range.
        AppError, ModelError: from the iterator, with one line each.
    """
    return iter(Stream(source, model=model, compare=compare, sinks=sinks, on_event=on_event, **settings))


class Stream:
    """A stream that can be steered while it runs; a context manager and an iterable of results.

    Example:
        with mgtta_cam.Stream(0, model="demo") as stream:
            for result in stream:
                if result.label == "hammer":
                    stream.snapshot()

    Args: as `stream`.
    """

    def __init__(
        self,
        source: Source,
        *,
        model: str | Backbone | nn.Module = MODEL,
        compare: bool | str = False,
        sinks: Iterable[ResultSink] = (),
        on_event: EventHandler = ignore,
        **settings: Any,
    ) -> None:
        self._images = None if isinstance(source, str | os.PathLike | int) else source
        self._model, self._sinks, self._on_event = (
            model,
            tuple(sinks) if isinstance(sinks, Iterable) else (sinks,),
            on_event,
        )
        if not all(map(callable, self._sinks)):
            raise UsageError("sinks are functions of a result, as in sinks=[print]")
        options = {"show": False, **settings, "compare": compare if isinstance(compare, str) else COMPARE[compare]}
        if self._images is None:
            options["source"] = os.fspath(source) if isinstance(source, os.PathLike) else str(source)
        if isinstance(model, str):
            options["model"] = model
        self.settings: Settings = loading.load(options, environment={})
        self._controls = Controls()
        self._running: Running | None = None
        self._closed = False

    def __enter__(self) -> Stream:
        if self._running is None and not self._closed:
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Result]:
        return self._results()

    def _results(self) -> Iterator[Result]:
        alone = self._running is None  # not in a `with`, which would close it
        self.__enter__()
        try:
            while self._running is not None and (result := self._running.turn()) is not None:
                yield self._named(result)
        finally:
            if alone:
                self.close()

    def _begin(self) -> None:
        from mgtta_cam.assembly.session import Outputs, assemble
        from mgtta_cam.stream.session import Running

        outputs = Outputs(["mgtta_cam.stream"], [CallableSink(sink, self._named) for sink in self._sinks])
        self._session = assemble(
            self.settings, self._controls, self._on_event, outputs, images=self._images, load=self._load
        )
        self._running = Running(self._session)

    def _named(self, result: FrameResult) -> Result:
        from mgtta_cam.stream.result import Result

        return Result(result, self._backbone.classes)

    def _load(self, settings: Settings) -> Backbone:
        from mgtta_cam.assembly.model import adopt_model, load_model
        from mgtta_models import Backbone

        if isinstance(self._model, str):
            self._backbone = load_model(settings)
        else:
            given = self._model if isinstance(self._model, Backbone) else Backbone(self._model)
            self._backbone = adopt_model(settings, given)
        return self._backbone

    def close(self) -> None:
        """Ends the stream: the source, all files, threads. A second call does nothing.

        Raises:
            AppError, ModelError: what ended the stream, where that was an error.
        """
        running, self._running, self._closed = self._running, None, True
        if running is None:
            return
        if not running.ended:
            self._controls.stop(0)
        self._outcome = running.finish()
        if running.failures:
            raise running.failures[0]

    def pause(self, paused: bool = True) -> None:
        """Pauses: the loop waits for its next result until another thread calls `pause(False)`."""
        self._controls.paused = paused

    def adapt(self, adapting: bool = True) -> None:
        """Switches adaptation on or off; what was learned stays."""
        self._controls.adapting = adapting

    def reset(self) -> None:
        """Returns to the source model, before the next frame that is not yet under way."""
        self._controls.press("r")

    def undo(self) -> None:
        """Takes the last update back, before the next frame that is not yet under way."""
        self._controls.press("u")

    def stop(self) -> None:
        """Ends the loop after the frame under way."""
        self._controls.stop(0)

    def snapshot(self) -> Path:
        """Saves the latest result, drawn, as a PNG in the current folder; returns its path."""
        running = self._under_way()
        if running.latest is None or self._session.snapshot is None:
            raise UsageError("there is no result to save yet: call snapshot in the loop")
        return Path(str(self._session.snapshot(running.latest)))

    def save_state(self, path: str | os.PathLike[str]) -> None:
        """Writes what was learned so far, a .safetensors file that `state=` takes up in another run.

        Raises:
            OutputError: if it cannot be written.
        """
        self._under_way().settle()
        self._session.save_state_to(Path(path))

    def export(self, path: str | os.PathLike[str]) -> None:
        """Writes the model as it is now as a plain ONNX file, for deployment where nothing adapts.

        Raises:
            UsageError, ModelError, OutputError: with one line each.
        """
        from mgtta_cam.offline.export import write
        from mgtta_cam.outputs import writable

        path = writable(Path(path), overwrite=self.settings.overwrite)
        if path.suffix != ".onnx":
            raise UsageError(f"export expects a file that ends in .onnx; got {path.name}")
        if self.settings.precision != "fp32":
            raise UsageError(f"export writes float32: the stream runs in {self.settings.precision}")
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state.safetensors"
            self.save_state(state)
            write(self._backbone.twin(), state, path)

    def stats(self) -> dict[str, Any]:
        """Counts, rates, latencies and accuracies so far; after the end, the whole summary of the run."""
        if self._closed:
            return dict(self._outcome.summary)
        self._under_way()
        return dict(self._session.summary.facts())

    def _under_way(self) -> Running:
        if self._running is None:
            raise UsageError("the stream is not running: use it in `with mgtta_cam.Stream(...) as stream:`")
        return self._running


class CallableSink:
    """A user's function as a sink."""

    def __init__(self, take: ResultSink, named: Callable[[FrameResult], Result]) -> None:
        self._take, self._named = take, named

    def write(self, result: FrameResult) -> None:
        """Calls it with the result."""
        self._take(self._named(result))

    def close(self) -> None:
        """The function is the user's."""
