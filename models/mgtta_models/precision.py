"""A model in 16 bits: products in bfloat16 or float16, its norms and what it answers with in float32."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mgtta_models.norms import NarrowNorm, fusible

NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
LOW = {"bf16": torch.bfloat16, "fp16": torch.float16}
# What a loss is multiplied by so that its gradients neither underflow nor overflow in float16: the first that works.
LOSS_SCALES = {torch.float16: (2.0**16, 2.0**12, 2.0**8, 2.0**4, 1.0)}
READ = ("norm", "fc_norm", "head", "head_dist")  # what turns the last tokens into features and logits


def lower(vit: nn.Module, dtype: torch.dtype) -> None:
    """Gives all weights a type of 16 bits, in place, except the parameters of the norms and of the head.

    A norm takes tokens [..., d] of this type, computes in float32, and gives the type back; the final norm, whose
    tokens are features and go to the head, gives float32. On CUDA layer norms become `norms.NarrowNorm`. On CPUs
    attention is computed in plain products: torch's fused kernel takes twice as long in these types, back and forth.
    """
    if next(vit.parameters()).device.type == "cpu":
        attend_plainly(vit)
    tops = (getattr(vit, name, None) for name in READ)
    read = {id(module) for top in tops if isinstance(top, nn.Module) for module in top.modules()}
    for name, module in list(vit.named_modules()):
        norm = isinstance(module, NORMS)
        if fusible(module):
            path, _, leaf = name.rpartition(".")
            setattr(vit.get_submodule(path), leaf, NarrowNorm(module, torch.float32 if id(module) in read else dtype))
            continue
        if norm:
            module.register_forward_pre_hook(_widened)
        if id(module) in read:
            continue
        if norm:
            module.register_forward_hook(partial(_narrowed, dtype))
            continue
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if tensor.is_floating_point():
                tensor.data = tensor.data.to(dtype)


def attend_plainly(vit: nn.Module) -> None:
    """Computes attention in plain products, not in torch's fused kernel: this model's alone, no other's."""
    for module in vit.modules():
        if hasattr(module, "fused_attn"):
            setattr(module, "fused_attn", False)  # noqa: B010  pyright takes it for a tensor or a module


def _widened(_: nn.Module, given: tuple[Tensor, ...]) -> Tensor:
    return given[0].float()


def _narrowed(dtype: torch.dtype, _: nn.Module, __: object, answer: Tensor) -> Tensor:
    return answer.to(dtype)
