"""A sink that shows the run in a browser and reads keys, like the window on the screen."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence

from mgtta_cam.sinks.web.address import Address
from mgtta_cam.sinks.web.feed import Feed
from mgtta_cam.sinks.web.server import Server
from mgtta_cam.stream.controls import Controls
from mgtta_cam.types import FrameResult, Image


class WebView:
    """Shows results on a web page.

    Args:
        address: where to listen.
        render: draws a result; called from any thread, one at a time, so no other sink may share it.
        classes: names by class index.
        controls: what keys change.
        failed: called with each internal error in a viewer's thread, from that thread.

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
        """The page's address, including the token if watching needs it: show it only to whoever started the run."""
        return self._server.access.url

    def write(self, result: FrameResult) -> None:
        """Show viewers this result from now on."""
        self._feed.write(result)

    def poll(self, wait_ms: int) -> str | None:
        """A key that a viewer pressed; None if there is none within `wait_ms`."""
        try:
            return self._server.keys.get(block=wait_ms > 0, timeout=wait_ms / 1000)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Notify viewers that the run has ended and release the port; a second call does nothing."""
        self._server.stop()
