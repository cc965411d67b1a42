"""Triton's interpreter, which needs no GPU; `make gpu-check` has the compiled kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def interpreted(code: str) -> subprocess.CompletedProcess[str]:
    """Runs it in a process of its own, where kernels are interpreted."""
    pytest.importorskip("triton", reason="Triton comes with torch on Linux only")
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
