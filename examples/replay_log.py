"""Logs a run, runs the log again to the bit, and asks what another method would have done on the same frames."""

import sys

import mgtta_cam

VIDEO = sys.argv[1] if len(sys.argv) > 1 else "samples/clip.mp4"

for result in mgtta_cam.stream(VIDEO, model="demo", corrupt="snow:4", max_frames=200, log="run.jsonl", overwrite=True):
    score = result.score
print(f"adapted: {score}")

again = mgtta_cam.replay("run.jsonl")
print(f"the same again: {again}")

for result in mgtta_cam.stream(VIDEO, model="demo", corrupt="snow:4", max_frames=200, method="none"):
    score = result.score
print(f"without adapting: {score}")
