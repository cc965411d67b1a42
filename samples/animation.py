"""Make the README's picture and animation from a demo's video: `python -m samples.animation demo.mkv docs`.

The demo itself saves a small .webm at 10 frames a second; a sharp video of every frame is that of the same run by its
options with --save demo.mkv.
"""

import argparse
from pathlib import Path

import cv2
from PIL import Image

STEP, WIDTH, QUALITY = 20, 400, 40  # frames between pictures; pixels; 0..100
DURATION_MS = 160  # per picture


def frames(video: Path) -> list[Image.Image]:
    """Every `STEP`th frame of the video, at its own size."""
    capture, taken, number = cv2.VideoCapture(str(video)), [], 0
    while capture.grab():
        if number % STEP == 0:
            good, picture = capture.retrieve()
            if good:
                taken.append(Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
        number += 1
    capture.release()
    if not taken:
        raise ValueError(f"expected a video that OpenCV reads; got {video}; run `mgtta-cam demo` first")
    return taken


def main() -> None:
    """Read the options and write `demo.webp` and `demo.png`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--from", type=float, default=0.0, dest="begin", help="share of the video to leave out (0..1)")
    parser.add_argument("--to", type=float, default=1.0, help="share of the video to stop at (0..1)")
    parser.add_argument("--picture", type=float, default=0.9, help="share of the video where the picture is taken")
    options = parser.parse_args()
    every = frames(options.video)
    options.out.mkdir(parents=True, exist_ok=True)
    every[int(options.picture * (len(every) - 1))].save(options.out / "demo.png", optimize=True)
    shown = every[int(options.begin * len(every)) : int(options.to * len(every))]
    small = [picture.resize((WIDTH, round(WIDTH * picture.height / picture.width))) for picture in shown]
    animation = {"save_all": True, "append_images": small[1:], "duration": DURATION_MS, "loop": 0, "quality": QUALITY}
    small[0].save(options.out / "demo.webp", **animation)


if __name__ == "__main__":
    main()
