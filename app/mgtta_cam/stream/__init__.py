"""The loop: preprocess, predict, update, and the session around it."""

from mgtta_models.deferred import callable_package

callable_package(__name__, "mgtta_cam.api.stream")
