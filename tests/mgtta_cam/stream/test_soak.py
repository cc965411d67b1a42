"""For hours: `pytest -m soak`. Memory stays flat and nothing is left over. SOAK_MINUTES, 60 by default."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mgtta_cam.log.format import read
from tests.mgtta_cam.cli.test_exit import MODEL, ROOT, started
from tests.mgtta_cam.tiny import write_model

MINUTES = float(os.environ.get("SOAK_MINUTES", "60"))
WARM_UP = 0.2  # share of a run that is not looked at
MOST_MB_AN_HOUR, MOST_BYTES_A_RECONNECT = 20.0, 1024
SERVER = """
import time
from tests.mgtta_cam.fault_server import FaultServer, Visit

class Endless(FaultServer):
    def _visit(self, place):
        return Visit(5, first=place % 100)

with Endless() as server:
    print(server.url, flush=True)
    time.sleep(1e6)
"""


@pytest.mark.soak
def test_memory_stays_flat(tmp_path: Path) -> None:
    """A camera that is lost after every fifth frame, at full speed, with updates, video and log."""
    write_model(tmp_path / "tiny.safetensors")
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, stdout=-1, text=True) as server:
        assert server.stdout is not None
        words = ["--source", server.stdout.readline().strip(), "--log", "out.jsonl", "--save", "out.mkv"]
        words += ["--reconnect-delay", "0.001", "--reconnect-max-delay", "0.001", "--max-bad-reads", "3"]
        process = started(tmp_path, *words, *MODEL, "--adapt", "background", "--mode", "every-frame", "--json", "-q")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(60 * MINUTES)
        tasks = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
        server.kill()
    assert process.returncode == 143, err
    summary = json.loads(out)
    samples = [(r["t"], r["memory_mb"]) for r in read(tmp_path / "out.jsonl") if r["type"] == "stats"]
    seconds, memory = np.array(samples[int(len(samples) * WARM_UP) :]).T
    slope_mb_s = np.polyfit(seconds, memory, 1)[0]
    count = summary["source"]["reconnects"]
    an_hour, a_reconnect = slope_mb_s * 3600, slope_mb_s * 1e6 * summary["seconds"] / count
    print(f"{summary['frames']} frames, {summary['updates']} updates, {count} reconnects, {tasks} threads")
    print(f"{an_hour:+.1f} MB an hour, {a_reconnect:+.0f} bytes a reconnect")
    assert an_hour < MOST_MB_AN_HOUR
    assert a_reconnect < MOST_BYTES_A_RECONNECT
