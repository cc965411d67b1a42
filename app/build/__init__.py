"""The only place that puts concrete classes together, and the only one that names a device."""

from app.build.loop import model
from app.build.many import check_each, own, sessions
from app.build.output import check_outputs
from app.build.run import session

__all__ = ["check_each", "check_outputs", "model", "own", "session", "sessions"]
