"""What each command imports: what it does not use, nobody waits for."""

from __future__ import annotations

import json
from pathlib import Path

from mgtta_models import load_backbone, onnx
from tests.mgtta_cam.cli.test_exit import started
from tests.mgtta_cam.clips import write_clip

HEAVY = ("torch", "timm", "cv2", "numba", "matplotlib", "onnx", "onnxruntime", "huggingface_hub")
NEEDLESS = (  # on the way to a first answer by ONNX Runtime
    *("sympy", "torch._dynamo", "torch._inductor", "timm", "torchvision", "matplotlib", "onnx", "onnxscript"),
    *("huggingface_hub", "cma", "ray"),
)
QUICK = (
    ["--help"],
    ["--version"],
    ["demo", "--help"],
    ["bench", "--help"],
    ["replay", "--help"],
    ["methods"],
    ["corruptions"],
    ["--source", "gone.mp4"],
    ["--sorce", "x"],
    ["--source", "clip.mkv", "--topk", "0"],
    ["--source", "clip.mkv", "--corrupt", "fog:9"],
    ["--source", "clip.mkv", "--method", "tnet"],
    ["--source", "clip.mkv", "--log", "gone/a.jsonl"],
    ["--print-config"],
)
DEMO = ["--source", "clip.mkv", "--model", "demo", "--runtime", "onnx", "--no-show"]
RUNS = ([*DEMO, "--dry-run"], [*DEMO, "--max-frames", "3", "--log", "out.jsonl"], ["replay", "out.jsonl"])
PROGRAM = """
    import json, sys
    from mgtta_cam.cli import main

    commands, watched = json.loads(sys.argv[1])
    for words in commands:
        sys.argv = ["mgtta-cam", *words]
        code = None
        try:
            main.main()
        except SystemExit as end:
            code = end.code
        print("IMPORTED", json.dumps([code, [name for name in watched if name in sys.modules]]))
"""


def imported(
    folder: Path, commands: tuple[list[str], ...], watched: tuple[str, ...]
) -> dict[str, tuple[int, list[str]]]:
    """Runs commands one after another in one process: of each, how it ended and which modules are there after it."""
    write_clip(folder / "clip.mkv", 6)
    out, err = started(folder, json.dumps([commands, watched]), code=PROGRAM).communicate()
    found = [json.loads(line.removeprefix("IMPORTED")) for line in out.splitlines() if line.startswith("IMPORTED")]
    assert len(found) == len(commands), err
    return {" ".join(words): (code, names) for words, (code, names) in zip(commands, found, strict=True)}


def test_quick_answers_import_nothing_heavy(tmp_path: Path) -> None:
    """Help, listings, usage errors and a missing source come at once."""
    ends = imported(tmp_path, QUICK, HEAVY)
    assert {words: names for words, (_, names) in ends.items() if names} == {}
    assert {code for code, _ in ends.values()} == {0, 2, 3, 7}


def test_a_run_imports_what_it_uses(tmp_path: Path) -> None:
    """The embedded model, exported before: neither torch's compiler nor timm's models stand before the first answer."""
    onnx.cached(load_backbone("demo"))
    ends = imported(tmp_path, RUNS, NEEDLESS)
    assert ends == {" ".join(words): (0, []) for words in RUNS}
