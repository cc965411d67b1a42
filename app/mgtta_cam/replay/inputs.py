"""The frames of a log once more: from the recording of what the model saw, or from the file that was played."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mgtta_cam.errors import ReplayError
from mgtta_cam.log.format import Record
from mgtta_cam.types import Frame

Label = Callable[[str], int]  # a class name -> its index


def recorded(records: Iterable[Record], pictures: Iterable[Frame], label_of: Label) -> Iterator[Frame]:
    """The n-th frame of a log is the n-th picture of its recording.

    Raises:
        ReplayError: if the recording is shorter.
    """
    images = iter(pictures)
    for position, record in enumerate(records):
        picture = next(images, None)
        if picture is None:
            raise ReplayError(f"the recording ends after {position} pictures; the log goes on with frame {record['i']}")
        corruption = record["corr"]
        frame = Frame(record["i"], record["pts_ms"] / 1000, picture.image, ms=picture.ms)
        known = None if corruption is None else (corruption["name"], corruption["severity"])
        yield replace(_as_logged(frame, record, label_of), corruption=known)


def played(records: Iterable[Record], source: Iterable[Frame], label_of: Label) -> Iterator[Frame]:
    """Those frames of a source that the log has, not yet corrupted.

    Raises:
        ReplayError: if the source does not give one of them.
    """
    frames = iter(source)
    for record in records:
        frame = next((frame for frame in frames if frame.index >= record["i"]), None)
        if frame is None or frame.index != record["i"]:
            raise ReplayError(
                f"the source gives no frame {record['i']}, which the log has: another file, or the log was changed"
            )
        yield _as_logged(frame, record, label_of)


def _as_logged(frame: Frame, record: Record, label_of: Label) -> Frame:
    return replace(
        frame,
        label=label_of(record["truth"]) if "truth" in record else None,
        dropped=record["dropped_before"],
        connection=record.get("connection", 0),
        cut=record.get("cut", False),
        rejected=record.get("refused"),
    )


class Weather:
    """The corruption of each frame as the log has it, to be asked once for each, in order.

    Args:
        records: the same frames.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = iter(records)

    def at(self, index: int) -> tuple[str, int] | None:
        """(name, severity 1..5) for frame `index`."""
        record = next(record for record in self._records if record["i"] == index)
        corruption = record["corr"]
        return None if corruption is None else (corruption["name"], corruption["severity"])
