"""Test robustness on live streams: `python -m benchmarks.live --minutes 10`. Prints a table, without a verdict.

Each row runs the program in its own process against an HTTP server of pictures that causes trouble: it sends 30
pictures per second to a model that manages ten; it falls silent; it goes away and comes back; it is silent while the
program is asked to stop; and, in the last row, the process is killed.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mgtta_cam.log.format import read
from tests.mgtta_cam.cli.test_exit import MODEL, lines_of, started
from tests.mgtta_cam.fault_server import FaultServer, Visit
from tests.mgtta_cam.sinks.test_video_sink import frames_in_the_end
from tests.mgtta_cam.tiny import write_model

FPS, ENDLESS = 30, 10**6
TIMEOUT_S, OUTAGE_S = 2, 5
LOG, VIDEO = "out.jsonl", "out.mkv"
OUTPUTS = ["--log", LOG, "--save", VIDEO, "--overwrite"]
SLOW = """
    import time
    from mgtta_cam.cli import main
    from mgtta_models import Backbone

    forward = Backbone.forward

    def slow(self, *given):
        time.sleep(0.1)
        return forward(self, *given)

    Backbone.forward = slow
    main.main()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1, help="duration of the stream that outpaces its model")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each way to stop")
    known = parser.parse_args()
    rows: list[tuple[str, str, Callable[[Path], str]]] = [
        ("frame age, 30 fps for 10 Hz", "p99 0.5 s, no slope", lambda folder: age(folder, known.minutes)),
        (f"server falls silent, --read-timeout {TIMEOUT_S}", f"detected within {TIMEOUT_S + 1} s", silent),
        (f"server is gone for {OUTAGE_S} s", "a frame within 2 s of its return", gone),
        ("asked to stop while the server is silent", "1.5 s", lambda folder: stopped(folder, known.rounds)),
        ("killed", "95 % of frames readable, log complete", lambda folder: killed(folder, known.rounds)),
    ]
    table = Table("what", "goal", "measured")
    for what, goal, measure in rows:
        with tempfile.TemporaryDirectory() as folder:
            write_model(Path(folder, "tiny.safetensors"))
            table.add_row(what, goal, measure(Path(folder)))
    Console(width=140).print(table)


def age(folder: Path, minutes: float) -> str:
    """Time from a picture's arrival until it is shown."""
    with FaultServer(Visit(ENDLESS, fps=FPS)) as server:
        process = started(folder, *words(server), "--duration", str(60 * minutes), code=SLOW)
        _, err = process.communicate()
    assert not process.returncode, err
    frames = [record for record in read(folder / LOG) if record["type"] == "frame"]
    seconds, ages = np.array([(record["t"], record["age_ms"] / 1000) for record in frames]).T
    slope = np.polyfit(seconds, ages, 1)[0]
    rate = len(frames) / (seconds[-1] - seconds[0])
    return f"p99 {np.percentile(ages, 99):.3f} s, {1000 * slope:+.3f} ms/s, {rate:.1f} fps, {seconds[-1]:.0f} s"


def silent(folder: Path) -> str:
    """Time from the last picture until the stall is reported, and until the next connection's first picture."""
    with FaultServer(Visit(FPS, "mute", fps=FPS), Visit(ENDLESS, fps=FPS)) as server:
        process = started(folder, *words(server), "--duration", "8")
        _, err = process.communicate()
    assert not process.returncode, err
    last, stall, again = around("stall", folder)
    return f"detected after {stall - last:.2f} s, a frame after {again - last:.2f} s"


def gone(folder: Path) -> str:
    """Time from the server's return until the first frame."""
    with FaultServer(Visit(FPS, fps=FPS)) as server:
        process = started(folder, *words(server), "--duration", "14")
        server.reached.wait()
        port = server.port
    time.sleep(OUTAGE_S)
    with FaultServer(Visit(ENDLESS, fps=FPS), port=port) as server:
        back = time.time()
        _, err = process.communicate()
    assert not process.returncode, err
    header, *records = read(folder / LOG)
    start = datetime.fromisoformat(header["time"]).timestamp()
    waits = [record["wait_s"] for record in records if record.get("kind") == "retry"]
    _, _, again = around("lost", folder)
    return f"{start + again - back:.2f} s; waits {', '.join(f'{wait:.1f}' for wait in waits)} s"


def stopped(folder: Path, rounds: int) -> str:
    """Time from a signal until the end, while a read hangs."""
    spent: list[float] = []
    for number in [signal.SIGINT, signal.SIGTERM] * rounds:
        with FaultServer(Visit(FPS, "mute", fps=FPS)) as server:
            process = started(folder, *words(server), "--read-timeout", "3600")
            next(count for count in lines_of(process, folder / LOG) if count > 5)
            server.reached.wait()
            began = time.monotonic()
            process.send_signal(number)
            process.communicate()
            spent.append(time.monotonic() - began)
        assert process.returncode == 128 + number
        assert list(read(folder / LOG))[-1]["type"] == "summary"
        (folder / LOG).unlink()
    return f"at most {max(spent):.2f} s in {len(spent)} rounds"


def killed(folder: Path, rounds: int) -> str:
    """Share of logged frames that are readable in the video."""
    shares: list[float] = []
    for wait_s in range(rounds):
        with FaultServer(Visit(ENDLESS, fps=FPS)) as server:
            process = started(folder, *words(server))
            next(count for count in lines_of(process, folder / LOG) if count > 5)
            time.sleep(wait_s)
            process.kill()
            process.communicate()
        frames = sum(record["type"] == "frame" for record in read(folder / LOG))
        shares.append(frames_in_the_end(folder / VIDEO, frames) / frames)
        (folder / LOG).unlink()
    return f"at least {100 * min(shares):.1f} % in {len(shares)} rounds; all logs readable to their last line"


def words(server: FaultServer) -> list[str]:
    """The program's command line."""
    return ["--source", server.url, "--read-timeout", str(TIMEOUT_S), *MODEL, *OUTPUTS, "--quiet"]


def around(event: str, folder: Path) -> tuple[float, float, float]:
    """Log times in seconds: the last frame before an event, the event, and the first frame after it."""
    records = list(read(folder / LOG))
    place = next(i for i, record in enumerate(records) if record.get("kind") == event)
    frames = [(i, record["t"]) for i, record in enumerate(records) if record["type"] == "frame"]
    last = max(t for i, t in frames if i < place)
    return last, records[place]["t"], min(t for i, t in frames if i > place)


if __name__ == "__main__":
    main()
