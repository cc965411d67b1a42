"""`mgtta-cam export`: the adapted model as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from mgtta_models import Backbone, files, load_backbone
from tests.arithmetic import Exact, doubled, exact
from tests.mgtta_cam.conftest import Command

MODEL = ["--model", "tiny", "--weights", "tiny.safetensors"]
UPDATES = ["--adapt-batch", "4", "--corrupt", "gaussian_noise:5", "--guard", "off", "--lr", "5", "--state"]


def logits(path: str, x: torch.Tensor) -> np.ndarray:
    """Logits of an exported file, as its user gets them."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"pixels": x.numpy()})[0])


def answered(model: Backbone, x: torch.Tensor) -> Exact:
    """What torch answers; the longest sum is over a patch's pixels."""
    twin = doubled(model)
    return exact(lambda: twin(x.double()).logits, terms=3 * 8 * 8)["0"]


def test_the_adapted_model(command: Command, ready: list[str]) -> None:
    """The file predicts as the model did at the end of the run, and not as the source model."""
    assert command(*ready, *UPDATES, "s.safetensors").code == 0
    assert command("export", *MODEL, "--out", "source.onnx").code == 0
    ended = command("export", *MODEL, "--state", "s.safetensors", "--out", "adapted.onnx")
    assert (ended.code, "logits equal the model's within" in ended.err) == (0, True), ended.err
    model, x = load_backbone("tiny", "tiny.safetensors"), torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        answered(model, x).assert_near(torch.from_numpy(logits("source.onnx", x)))
        learned = files.read(Path("s.safetensors")).tensors
        for name, parameter in model.vit.named_parameters():
            parameter.copy_(learned.get(f"parameter.{name}", parameter))
        answered(model, x).assert_near(torch.from_numpy(logits("adapted.onnx", x)))
    assert np.abs(logits("adapted.onnx", x) - logits("source.onnx", x)).max() > 1e-3
    assert not list(Path().glob("*.part"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--out", "a.pt"], 2, ".onnx"),
        (["--out", "gone/a.onnx"], 7, "there is no folder gone"),
        (["--out", "a.onnx", "--state", "none.safetensors"], 6, "none.safetensors"),
        (["--out", "a.onnx", "--state", "tiny.safetensors"], 2, "expected format"),
        (["--out", "a.onnx", "--state", "t3a.safetensors"], 2, "t3a learned are no parameters of norm layers"),
        (["--out", "there.onnx"], 7, "there.onnx exists"),
    ],
)
def test_wrong_use(command: Command, ready: list[str], words: list[str], code: int, said: str) -> None:
    """Errors are one line, and nothing is written."""
    Path("there.onnx").touch()
    if "t3a.safetensors" in words:
        assert command(*ready, "--method", "t3a", "--adapt-batch", "4", "--state", "t3a.safetensors").code == 0
    ended = command("export", *MODEL, *words)
    assert (ended.code, said in ended.err, ended.err.count("\n")) == (code, True, 1), ended.err
    assert [path.name for path in Path().glob("*.onnx*")] == ["there.onnx"]
