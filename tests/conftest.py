"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models: more threads wait for each other longer than they work
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as our packages do; tests import ONNX Runtime before them
os.environ.setdefault("MGTTA_CAM_RUNTIME", "torch")  # an export takes seconds: who wants one asks
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, the programs that tests start would not heed it
settings.register_profile("ours", deadline=None)  # a busy machine is no failure
settings.load_profile("ours")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models that tests export are kept from one test to the next, and then no longer; test processes share them."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exports"))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts, goldens and real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: no goldens, no real data")
    return SHARED
