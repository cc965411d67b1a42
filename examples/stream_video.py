"""Streams a video in synthetic noise and prints what the frozen and the adapted model see: stream_video.py [VIDEO]."""

import sys

import mgtta_cam

VIDEO = sys.argv[1] if len(sys.argv) > 1 else "samples/clip.mp4"

right = {"frozen": 0, "adapted": 0}
known = 0
for result in mgtta_cam.stream(VIDEO, model="demo", corrupt="gaussian_noise:5", compare=True, max_frames=300):
    print(f"{result.index:5}  frozen: {result.frozen.label:12} adapted: {result.label:12} {result.confidence:.0%}")
    if result.truth is not None:  # the clip has labels beside it, in clip.labels.csv
        known += 1
        right["frozen"] += result.frozen.label == result.truth
        right["adapted"] += result.label == result.truth

for name, count in right.items():
    print(f"{name}: {count} of {known} right")
