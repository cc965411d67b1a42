"""Answers by ONNX Runtime are torch's, and an exported file is the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from mgtta_models import Backbone, ModelError, load_backbone
from mgtta_models.onnx import Session, cached, export, path_of, providers
from tests.arithmetic import Exact, doubled, exact

ROOT = Path(__file__).resolve().parents[2]


def tiny(seed: int = 0) -> Backbone:
    """Random weights, 5 classes."""
    torch.manual_seed(seed)
    return Backbone(VisionTransformer(img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=5))


def answered(model: Backbone, x: Tensor) -> list[Exact]:
    """Logits and features by torch; the longest sum is over a patch's pixels."""
    twin = doubled(model)
    return list(
        exact(lambda: twin(x.double()), terms=twin.vit.get_parameter("patch_embed.proj.weight")[0].numel()).values()
    )


def test_norms_reach_the_session() -> None:
    """Each set of them at once, for any number of pictures; a twin has a set of its own."""
    plain, fast = tiny(), tiny()
    fast.engine = Session(fast, threads=1)
    twin = fast.twin()
    with torch.no_grad():
        source = twin(torch.ones(1, 3, 32, 32)).logits
        for count in (1, 3, 8):
            x = torch.randn(count, 3, 32, 32)
            change = 0.1 * torch.randn_like(plain.norm_vector)
            plain.norm_vector.add_(change)
            fast.norm_vector.add_(change)
            for found, expected in zip(fast(x), answered(plain, x), strict=True):
                expected.assert_near(found)
        assert torch.equal(twin(torch.ones(1, 3, 32, 32)).logits, source)
        assert not torch.equal(fast(torch.ones(1, 3, 32, 32)).logits, source)


@pytest.mark.slow
def test_real_weights(shared: Path) -> None:
    """ViT-Tiny on real numbers, before and after adaptation: as near as float32 lets it be."""
    plain = load_backbone("vit_tiny_patch16_224", shared / "data" / "vit_tiny_patch16_224.safetensors")
    fast = plain.twin()
    fast.engine = Session(plain, threads=1)
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        for scale in (0.0, 0.05):
            change = scale * torch.randn_like(plain.norm_vector)
            plain.norm_vector.add_(change)
            fast.norm_vector.add_(change)
            answered(plain, x)[0].assert_near(fast(x).logits)


def test_gradients_and_prompts_are_torchs() -> None:
    """The session has neither; classes are chosen from its answers as from torch's."""
    fast = tiny()
    fast.engine = Session(fast, threads=1)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert not torch.equal(fast(x, torch.ones(2, 32)).logits, fast(x).logits)
    for _, layer in fast.norms():
        layer.requires_grad_()
    assert fast(x).logits.requires_grad
    fast.restrict([4, 1])
    with torch.no_grad():
        assert fast(x).logits.shape == (2, 2)


def test_the_cache_is_by_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same weights are exported once, others anew; norms do not count, a broken file is made again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    path = cached(tiny())
    before = path.stat().st_mtime_ns
    assert cached(tiny()).stat().st_mtime_ns == before
    assert path_of(tiny(1)) != path
    path.write_bytes(b"torn")
    Session(tiny(), threads=1)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("wrong", "apart"), [("empty", False), ("another", False), ("of the other kind", True)])
def test_a_wrong_file_in_the_cache_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, apart: bool
) -> None:
    """Torn, or another model's: whoever put it there, the next session answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tiny()
    path = path_of(model, apart=apart)
    path.parent.mkdir()
    if wrong == "empty":
        path.touch()
    elif wrong == "another":
        export(model, path)
    else:
        cached(model, apart=not apart).rename(path)
    x, norms = torch.randn(2, 3, 32, 32), model.norm_vector.detach()
    session = Session(model, 1, apart=apart)
    logits = session(x, norms.expand(2, -1) if apart else norms).logits
    with torch.no_grad():
        answered(model, x)[0].assert_near(logits)


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what to do."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME"):
        cached(tiny())


def test_export(tmp_path: Path) -> None:
    """The adapted model as a plain file: pixels in, logits out, and what belongs to the weights in its card."""
    model = tiny()
    model.norm_vector.add_(0.1)
    path = tmp_path / "adapted.onnx"
    export(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["pixels"]
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        [logits] = session.run(["logits"], {"pixels": x.numpy()})
        answered(model, x)[0].assert_near(torch.from_numpy(logits))
    card = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert json.loads(card["preprocess"])["size"] == 32
    assert len(json.loads(card["classes"])) == 5
    assert list(tmp_path.iterdir()) == [path]


def test_providers() -> None:
    """CUDA where the model is on a GPU, never a silent fall back to the CPU."""
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 1)
    assert providers(cpu, ["CPUExecutionProvider"]) == ["CPUExecutionProvider"]
    found = providers(cuda, ["CUDAExecutionProvider", "CPUExecutionProvider"])
    assert found[0] == ("CUDAExecutionProvider", {"device_id": 1, "use_tf32": 0})
    with pytest.raises(ModelError, match="onnxruntime-gpu"):
        providers(cuda, ["CPUExecutionProvider"])


def test_nothing_is_reported(tmp_path: Path) -> None:
    """ONNX Runtime keeps no name for this machine to report under, as its official builds do by themselves."""
    own = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}  # without CI, which it looks for too
    words = "import mgtta_models, onnxruntime; onnxruntime.get_available_providers()"
    subprocess.run([sys.executable, "-c", words], env=own, cwd=ROOT, check=True, timeout=120)
    assert not list(tmp_path.rglob("deviceid"))
