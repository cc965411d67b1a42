"""Measure methods on corrupted labeled pictures, cell by cell, and put the results into tables."""

from mgtta_models.deferred import callable_package

callable_package(__name__, "mgtta_cam.api.bench")
