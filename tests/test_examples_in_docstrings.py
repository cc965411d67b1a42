"""The `>>>` examples of mgtta and mgtta_models do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    for folder, package in ((ROOT, "mgtta"), (ROOT / "models", "mgtta_models"))
    for path in (folder / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
MUST_HAVE = {
    *("mgtta.methods", "mgtta.generator", "mgtta.statistics", "mgtta.logits", "mgtta.guard", "mgtta.module"),
    *("mgtta_models.backbone", "mgtta_models.loading"),
}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    """Each module's, from the same random state, with torch at hand."""
    torch.manual_seed(0)
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs={"torch": torch}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.attempted
    assert not results.failed


def test_the_most_used_have_examples() -> None:
    """Those that a reader opens first."""
    assert set(WITH_EXAMPLES) >= MUST_HAVE
