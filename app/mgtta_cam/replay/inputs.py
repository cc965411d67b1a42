"""Provide a log's frames again, from the recording of the model's input or from the file that was played."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mgtta_cam.errors import ReplayError
from mgtta_cam.log.format import Record
from mgtta_cam.types import Frame

Label = Callable[[str], int]  # class name -> index


def recorded(records: Iterable[Record], pictures: Iterable[Frame], label_of: Label) -> Iterator[Frame]:
    """Pair the n-th frame of a log with the n-th picture of its recording.

    Raises:
        ReplayError: if the recording is shorter than the log.
    """
    images = iter(pictures)
    for position, record in enumerate(records):
        picture = next(images, None)
        if picture is None:
            raise ReplayError(
                f"the recording ends after {position} pictures, but the log continues with frame {record['i']}"
            )
        corruption = record["corr"]
        frame = Frame(record["i"], record["pts_ms"] / 1000, picture.image, ms=picture.ms)
        known = None if corruption is None else (corruption["name"], corruption["severity"])
        yield replace(_as_logged(frame, record, label_of), corruption=known)


def played(records: Iterable[Record], source: Iterable[Frame], label_of: Label) -> Iterator[Frame]:
    """Select the frames of a source that are in the log, not yet corrupted.

    Raises:
        ReplayError: if the source lacks one of them.
    """
    frames = iter(source)
    for record in records:
        frame = next((frame for frame in frames if frame.index >= record["i"]), None)
        if frame is None or frame.index != record["i"]:
            raise ReplayError(
                f"the log has frame {record['i']}, but the source does not: the file or the log was changed"
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


class LoggedCorruptions:
    """The logged corruption of each frame; `at` must be called once per frame, in order.

    Args:
        records: the log's frame lines.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = iter(records)

    def at(self, index: int) -> tuple[str, int] | None:
        """(name, severity 1..5) for frame `index`."""
        record = next(record for record in self._records if record["i"] == index)
        corruption = record["corr"]
        return None if corruption is None else (corruption["name"], corruption["severity"])
