"""Methods against corruptions on labeled pictures: cells that are measured one by one, kept, and put into tables."""

from mgtta_models.deferred import callable_package

callable_package(__name__, "mgtta_cam.api.bench")
