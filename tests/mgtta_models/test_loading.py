"""Models by name, file and hub; every failure is one clear line."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

from mgtta_models import Labels, ModelError, files, load_backbone
from mgtta_models.stem import ConvolutionalStem
from tests.arithmetic import exact

ARGUMENTS = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4, "num_classes": 3}
CARD = {
    "architecture": "VisionTransformer",
    "arguments": json.dumps(ARGUMENTS),
    "mean": "[0.4, 0.5, 0.6]",
    "std": "[0.5, 0.5, 0.5]",
    "input_size": "[3, 32, 32]",
    "interpolation": "bilinear",
    "crop_pct": "1.0",
    "classes": '["cup", "hat", "key"]',
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkpoint of the project's own kind: all that belongs to the weights is in its card."""
    path = tmp_path / "own.safetensors"
    save_file(VisionTransformer(**ARGUMENTS).state_dict(), path, CARD)  # pyright: ignore[reportArgumentType]
    return path


def refusal(*arguments: object, **options: object) -> str:
    """The one line of a refused model."""
    with pytest.raises(ModelError) as error:
        load_backbone(*arguments, **options)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_card_rules(own: Path) -> None:
    """Architecture, normalization and class names come from the file; options override them."""
    backbone = load_backbone("anything", own, preprocess={"crop_pct": 0.5})
    assert backbone.classes == ("cup", "hat", "key")
    assert backbone.preprocess.mean == (0.4, 0.5, 0.6)
    assert (backbone.preprocess.size, backbone.preprocess.crop_pct) == (32, 0.5)
    assert not any(p.requires_grad for p in backbone.parameters())


def test_another_input_size(own: Path) -> None:
    """Positions are interpolated to it; what the patches cannot cover is refused in one line."""
    backbone = load_backbone("anything", own, preprocess={"size": 48})
    assert backbone(torch.zeros(1, 3, 48, 48)).logits.shape == (1, 3)
    assert "multiple" in refusal("anything", own, preprocess={"size": 50})
    assert "one size only" in refusal("demo", preprocess={"size": 160})


def test_convolutional_stem(tmp_path: Path) -> None:
    """A card that names the stem gets a model with it, and answers as the one that was saved."""
    vit = VisionTransformer(**ARGUMENTS, embed_layer=ConvolutionalStem).eval()  # pyright: ignore[reportArgumentType]
    save_file(vit.state_dict(), tmp_path / "stem.safetensors", {**CARD, "stem": "convolutional"})
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        found = load_backbone("any", tmp_path / "stem.safetensors")(x).logits
        exact(lambda: copy.deepcopy(vit).double()(x.double()), terms=3 * 3 * 32)["0"].assert_near(found)
    with pytest.raises(ValueError, match="power of 2"):
        ConvolutionalStem(img_size=32, patch_size=6)


def test_pth_and_safetensors_are_the_same_model(tmp_path: Path) -> None:
    """The same weights in another kind of file, also one level down, have the same digest."""
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=5)
    save_file(vit.state_dict(), tmp_path / "a.safetensors")
    torch.save({"state_dict": vit.state_dict()}, tmp_path / "a.pth")
    a, b = (load_backbone("vit_tiny_patch16_224", tmp_path / name) for name in ("a.safetensors", "a.pth"))
    assert a.digest == b.digest
    assert a.classes == tuple(f"class {i}" for i in range(5))


def test_real_weights(shared: Path) -> None:
    """Augreg ViTs want mean and std of one half, not ImageNet's numbers, and know ImageNet's classes."""
    backbone = load_backbone("vit_tiny_patch16_224", shared / "data" / "vit_tiny_patch16_224.safetensors")
    assert backbone.preprocess.mean == backbone.preprocess.std == (0.5, 0.5, 0.5)
    assert (backbone.preprocess.interpolation, backbone.preprocess.crop_pct) == ("bicubic", 0.9)
    assert backbone.labels.index("water bottle") == backbone.labels.index("n04557648") == 898


def test_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried, and three ways out."""

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("Max retries exceeded\nwith many lines")

    monkeypatch.setattr(timm, "create_model", fail)
    line = refusal("vit_base_patch16_224")
    assert all(word in line for word in ("Max retries exceeded", "--weights FILE", "--model demo", "network"))


def test_a_hub_that_does_not_answer_is_not_tried_for_minutes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing listens at the hub's address: only what lies in the cache is looked for, and nobody talks of retries."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert "--weights FILE" in refusal("vit_tiny_patch16_224")
    assert constants.HF_HUB_OFFLINE is True
    assert capfd.readouterr().err == ""


def test_unknown_model() -> None:
    """The nearest names help."""
    assert "vit_base_patch16_224" in refusal("vit_bse_patch16_224")


def test_broken_files(tmp_path: Path, own: Path) -> None:
    """Missing, truncated, other people's pickles, other kinds: each is named."""
    torn, text = tmp_path / "torn.safetensors", tmp_path / "model.txt"
    torn.write_bytes(own.read_bytes()[:-100])
    text.write_text("hello")
    evil = tmp_path / "evil.pth"
    torch.save({"a": Labels(("x",))}, evil)
    empty = tmp_path / "empty.pth"
    empty.write_bytes(b"")
    assert "no such file" in refusal("demo", tmp_path / "absent.pth")
    assert "damaged" in refusal("vit_tiny_patch16_224", torn)
    assert "damaged" in refusal("vit_tiny_patch16_224", evil)
    assert "damaged" in refusal("vit_tiny_patch16_224", empty)
    assert ".safetensors or .pth" in refusal("vit_tiny_patch16_224", text)


def test_weights_of_another_model(tmp_path: Path) -> None:
    """The first tensor that does not fit is named with both shapes."""
    save_file(timm.create_model("vit_tiny_patch16_224", num_classes=5).state_dict(), tmp_path / "tiny.safetensors")
    line = refusal("vit_small_patch16_224", tmp_path / "tiny.safetensors")
    assert "[1, 1, 192] and should be [1, 1, 384]" in line


def test_wrong_labels_device_and_precision(tmp_path: Path, own: Path) -> None:
    """Options that cannot be met."""
    (tmp_path / "names.txt").write_text("one\ntwo\n")
    assert "3 classes, but 2 class names" in refusal("x", own, labels=tmp_path / "names.txt")
    assert "cannot read" in refusal("x", own, labels=tmp_path / "absent.txt")
    assert "fp32" in refusal("x", own, precision="fp8")
    assert "cannot be used" in refusal("x", own, device="cuda:99")


def test_labels_answer_to_many_names() -> None:
    """Names, synonyms, WordNet ids and numbers; two classes of one name stay apart; a slip of the pen is helped."""
    labels = Labels.of_count(1000)
    assert labels.index("tench") == labels.index("Tinca tinca") == labels.index("n01440764") == labels.index("0") == 0
    assert len(set(labels.names)) == 1000
    with pytest.raises(ValueError, match="water bottle"):
        labels.index("watter bottle")


def test_files_are_written_whole(tmp_path: Path) -> None:
    """A failed write leaves the old file and no other."""
    path = tmp_path / "a.safetensors"
    files.write(path, {"x": torch.ones(2)}, {"kind": "test"})
    with pytest.raises(OSError, match=r"directory|exist"):
        files.write(tmp_path / "absent" / "a.safetensors", {"x": torch.ones(2)}, {})
    tensors, card = files.read(path)
    assert tensors["x"].tolist() == [1, 1]
    assert card == {"kind": "test"}
    (tmp_path / "other").touch()
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode  # whom a new file is open to
    (tmp_path / "other").unlink()
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]
