"""Export an adapted model as a plain ONNX file: `mgtta-cam export`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mgtta import norm_parameters
from mgtta_cam.adaptation.checkpoint import weights
from mgtta_cam.errors import OutputError
from mgtta_models import Backbone, ModelError, files, onnx

SAMPLES = 4  # random pictures to compare on
MAX_DIFFERENCE = 1e-4  # of logits, as a share of the largest


def write(backbone: Backbone, state: Path | None, path: Path) -> float:
    """Load a state, write the model, and check that ONNX Runtime computes the same logits as torch.

    Args:
        backbone: the source model; it becomes the adapted one.
        state: a state that `--state` saved; None: the source model is written.
        path: the file to write.

    Returns:
        The largest difference of a logit, as a share of the largest logit.

    Raises:
        ModelError, UsageError: if the state is missing, belongs to another model, or ONNX Runtime's logits differ.
        OutputError: if the file cannot be written.
    """
    own = norm_parameters(backbone)
    learned = {} if state is None else weights(state, own, backbone.digest)
    with torch.no_grad():
        for name, value in learned.items():
            own[name].copy_(value)
    try:
        with files.whole(path) as part:
            onnx.export(backbone, part)
            apart = difference(backbone, part)
            if not apart <= MAX_DIFFERENCE:
                words = "would not reproduce the model: logits differ by"
                raise ModelError(f"{path} {words} {apart:.1e} of the largest")
    except OSError as error:
        raise OutputError(f"--out {path} cannot be written: {error.strerror or error}") from None
    return apart


def difference(backbone: Backbone, path: Path) -> float:
    """Largest difference between the logits of a model and of its file on random pictures, relative to the largest."""
    size = backbone.preprocess.size
    x = torch.randn(SAMPLES, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = backbone(x.to(backbone.device)).logits.cpu().numpy()
    session = onnx.runtime().InferenceSession(path, providers=["CPUExecutionProvider"])
    found = np.asarray(session.run(["logits"], {"pixels": x.numpy()})[0])
    return float(np.abs(found - expected).max() / np.abs(expected).max())
