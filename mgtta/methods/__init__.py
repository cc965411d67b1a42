"""All methods by name: one paper, one file, one line here.

A method's file is imported when the method is asked for: names alone must not wait for torch.

Example:
    >>> import torch
    >>> from mgtta_models.tiny import tiny_backbone
    >>> tent = METHODS["tent"](tiny_backbone(), lr=1e-3)
    >>> step = tent.step(torch.randn(16, 3, 32, 32))
    >>> list(step.logits.shape), step.skipped, sorted(step.stats)
    ([16, 10], None, ['entropy', 'gradient_norm', 'update_norm'])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from mgtta.plugins import Registry

if TYPE_CHECKING:
    from mgtta.types import Method

Builder: TypeAlias = "Callable[..., Method]"  # (backbone, ...) -> Method
NONE = "none"  # the method that learns nothing
METHODS: Registry[Builder] = Registry(
    "method",
    {
        NONE: "mgtta.methods.none:none",
        "lame": "mgtta.methods.lame:lame",
        "t3a": "mgtta.methods.t3a:t3a",
        "tent": "mgtta.methods.tent:tent",
        "cotta": "mgtta.methods.cotta:cotta",
        "sar": "mgtta.methods.sar:sar",
        "foa": "mgtta.methods.foa:foa",
        "eata": "mgtta.methods.eata:eata",
        "deyo": "mgtta.methods.deyo:deyo",
        "foa-bp": "mgtta.methods.foa_bp:foa_bp",
        "sgd": "mgtta.methods.sgd:sgd",
        "mgtta-lstm": "mgtta.methods.mgtta:mgtta_lstm",
        "mgtta": "mgtta.methods.mgtta:mgtta",
    },
    group="mgtta.methods",
)
"""Name -> builder. Names of installed plug-ins follow ours; `./mine.py:mine` and `package.module:mine` work too."""
