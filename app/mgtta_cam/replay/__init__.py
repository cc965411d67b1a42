"""Runs a log again: to the bit, to find what differs, or under other settings."""

from mgtta_models.deferred import callable_package

callable_package(__name__, "mgtta_cam.api")
