"""A camera classifier that adapts while it watches.

import mgtta_cam

for result in mgtta_cam.stream("video.mp4", model="demo"):
    print(result.index, result.label, result.confidence)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mgtta_models.deferred import deferred

if TYPE_CHECKING:
    from mgtta_cam.api.bench import bench
    from mgtta_cam.api.replay import replay
    from mgtta_cam.api.stream import Stream, stream
    from mgtta_cam.corruptions.picture import corrupt
    from mgtta_cam.errors import AppError
    from mgtta_cam.stream.result import Prediction, Result

__all__ = ["AppError", "Prediction", "Result", "Stream", "bench", "corrupt", "replay", "stream"]
__getattr__ = deferred(
    __name__,
    {
        "AppError": "errors",
        "Prediction": "stream.result",
        "Result": "stream.result",
        "Stream": "api.stream",
        "bench": "",  # a room that can be called: see `mgtta_models.deferred.callable_package`
        "corrupt": "corruptions.picture",
        "replay": "",
        "stream": "",
    },
)
