"""Memory that large models use again and again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mgtta_cam.adaptation import allocator
from mgtta_cam.assembly.model import load_model
from mgtta_cam.config.settings import Settings
from tests.mgtta_cam.tiny import write_model

FAULTS = """
import resource
import torch
from mgtta_cam.adaptation.allocator import keep_memory
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def use(times):
    for _ in range(times):
        torch.ones(2**24)  # 64 MB
def counted():
    use(16)  # what lies between two tensors can be in the way of the third
    before = faults()
    use(8)
    return faults() - before
plain = counted()
keep_memory()
print(plain, counted())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_it_is_not_given_back() -> None:
    """A tensor in the place of one before costs no page fault."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=own)
    plain, kept = map(int, run.stdout.split())
    assert kept * 10 < plain, (plain, kept)


def test_only_large_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others hold little, and gain little."""
    kept: list[bool] = []
    monkeypatch.setattr(allocator, "keep_memory", lambda: kept.append(True))
    settings = Settings(model="tiny", weights=write_model(tmp_path / "tiny.safetensors"), device="cpu")
    load_model(settings)
    assert not kept
    monkeypatch.setattr(allocator, "LARGE", 1000)
    load_model(settings)
    assert kept == [True]
