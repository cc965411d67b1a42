"""Memory and signals of this process, from the operating system."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path


def ignore_interrupts() -> None:
    """Makes a worker process ignore Ctrl-C, which the main process handles for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def peak_memory_mb() -> float:
    """Returns the peak resident memory of this process, in MB."""
    try:  # unlike getrusage, not inherited from the process that started this one
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return round(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6, 1)
    except (OSError, ValueError, IndexError):
        return _largest_mb()


def memory_mb() -> float:
    """Returns resident memory in MB, or its peak if the current value is not available."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
    except (OSError, ValueError, IndexError):
        return _largest_mb()


def _largest_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
