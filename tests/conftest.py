"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: more threads wait for each other longer than they work
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, the programs that tests start would not heed it
settings.register_profile("ours", deadline=None)  # a busy machine is no failure
settings.load_profile("ours")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts, goldens and real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: no goldens, no real data")
    return SHARED
