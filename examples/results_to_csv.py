"""Writes the results of a stream as CSV, by a sink of your own: any callable that takes a result."""

import csv
import sys
from pathlib import Path

import mgtta_cam

VIDEO = sys.argv[1] if len(sys.argv) > 1 else "samples/clip.mp4"

with Path("results.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["frame", "seconds", "label", "confidence", "frozen", "rejected"])

    def write(result: mgtta_cam.Result) -> None:
        """One row a frame; `result.to_dict()` has all that the log has."""
        confidence = round(float(result.confidence), 4)
        row = [result.index, round(result.seconds, 3), result.label, confidence, result.frozen.label]
        writer.writerow([*row, result.rejected or ""])

    with mgtta_cam.Stream(VIDEO, model="demo", corrupt="fog:4", compare=True, max_frames=200, sinks=[write]) as stream:
        count = sum(1 for _ in stream)

print(f"results.csv has {count} rows")
