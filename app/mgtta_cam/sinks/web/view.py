"""A window in the browser: a sink that hears keys, like the one on the screen."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence

from mgtta_cam.sinks.web.address import Address
from mgtta_cam.sinks.web.feed import Feed
from mgtta_cam.sinks.web.server import Server
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult, Image


class WebView:
    """Shows results to whoever opens its page.

    Args:
        address: where to listen.
        render: draws a result, on any thread but on one at a time: no other sink may use it.
        classes: names by class index.
        controls: what keys change.
        failed: hears, on any thread, of what went wrong in a viewer's thread.

    Raises:
        OutputError: if the address cannot be used.
    """

    def __init__(
        self,
        address: Address,
        render: Callable[[FrameResult], Image],
        classes: Sequence[str],
        controls: Controls,
        failed: Callable[[str], None],
    ) -> None:
        self._feed = Feed(render, classes, controls)
        self._server = Server(address, self._feed, failed)

    @property
    def url(self) -> str:
        """Of the page, with the token where one is needed to watch: for the person who began the run only."""
        return self._server.guard.url

    def write(self, result: FrameResult) -> None:
        """The result that viewers get from now on."""
        self._feed.write(result)

    def poll(self, wait_ms: int) -> str | None:
        """A key that a viewer pressed."""
        try:
            return self._server.keys.get(block=wait_ms > 0, timeout=wait_ms / 1000)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Tells viewers of the end and lets the port go; a second call does nothing."""
        self._server.stop()
