"""What the operating system says of this process."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def memory_mb() -> float:
    """Resident memory in MB; its maximum so far where the present value is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
    except (OSError, ValueError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
