"""Replay a log: bit by bit, to find the first difference, or under other settings."""

from mgtta_models.deferred import callable_package

callable_package(__name__, "mgtta_cam.api.replay")
