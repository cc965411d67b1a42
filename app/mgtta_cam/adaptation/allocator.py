"""What the C library does with memory that a large model's update is done with."""

from __future__ import annotations

import ctypes
from contextlib import suppress

LARGE = 50_000_000  # parameters: tensors of a window are above the 32 MB from which glibc gives memory back at once
OPTIONS = {  # of glibc's mallopt, malloc.h
    -4: 0,  # M_MMAP_MAX: no block is the system's own
    -1: -1,  # M_TRIM_THRESHOLD: none is given back
    -2: 2**28,  # M_TOP_PAD, bytes: what is taken at once
    -8: 1,  # M_ARENA_MAX: other threads' heaps could hold no block of 64 MB
}


def keep_memory() -> None:
    """Memory that was used is used again; before, each use was a page fault for each 4 kB.

    Of 37 s that a ViT-B's update of 64 took on two cores of a CPU, 15 were those. The process holds then what it held
    at most, and a third more. With other C libraries than glibc nothing changes.
    """
    with suppress(OSError, TypeError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in OPTIONS.items():
            mallopt(option, value)
