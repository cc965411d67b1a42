"""The only place that puts concrete classes together, and the only one that names a device."""

from mgtta_cam.assembly.model import model
from mgtta_cam.assembly.multi_stream import check_each, own, sessions
from mgtta_cam.assembly.session import play_run, session
from mgtta_cam.assembly.sinks import check_outputs

__all__ = ["check_each", "check_outputs", "model", "own", "play_run", "session", "sessions"]
