"""Layer norms of tokens in 16 bits, in Triton's interpreter, which needs no GPU; `make gpu-check` compiles them."""

from __future__ import annotations

import torch
from torch import nn

from mgtta_models.norms import NarrowNorm, fusible
from tests.interpreted import interpreted

INTERPRETED = """
import torch
from torch import nn
from mgtta_models import norm_kernels, norms
from mgtta_models.together import by_torch
from tests.mgtta.test_contract import pictures, tiny

norms.on_cuda = lambda _: True
norm_kernels.PROGRAMS = 16  # each still sums up several tokens, and the interpreter takes them one by one
for dtype in (torch.float32, torch.float16):
    torch.manual_seed(0)
    plain = nn.LayerNorm(48, eps=1e-6)
    plain.weight.data.uniform_(0.5, 2)
    plain.bias.data.normal_()
    x = (3 * torch.randn(5, norm_kernels.PROGRAMS // 2, 48) + 1).half().requires_grad_()
    dy = torch.randn(x.shape).to(dtype)
    fused = norms.NarrowNorm(plain, dtype)
    given = (x, plain.weight, plain.bias)
    ours, theirs = fused(x), plain(x.float()).to(dtype)
    assert ours.dtype == dtype
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-5)
    for one, other in zip(torch.autograd.grad(ours, given, dy), torch.autograd.grad(theirs, given, dy)):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=2e-3, atol=2e-3)

backbone, hooked = tiny(), tiny()
backbone.lower(torch.float16)
norms.on_cuda = lambda _: False
hooked.lower(torch.float16)
norms.on_cuda = lambda _: True
kinds = [type(layer) for _, layer in backbone.norms()]
assert set(kinds) == {norms.NarrowNorm}, kinds
assert list(backbone.norm_parameters()) == list(hooked.norm_parameters())
torch.testing.assert_close(backbone(pictures(0)).logits, hooked(pictures(0)).logits, rtol=0, atol=2e-3)
twin = backbone.twin()
with torch.no_grad():
    twin.norm_vector.mul_(1.1)
both = torch.stack((backbone.norm_vector, twin.norm_vector))
apart = by_torch(backbone)(pictures(0)[:2], both).logits[:, backbone.kept]
for i, model in enumerate((backbone, twin)):
    torch.testing.assert_close(apart[i], model(pictures(0)[:2]).logits[i], rtol=0, atol=3e-3)
print("equal")
"""


def test_triton_equals_torch() -> None:
    """Forward, backward, in a whole model, and with norms apart."""
    run = interpreted(INTERPRETED)
    assert run.stdout.strip() == "equal", run.stderr[-2000:]


def test_off_cuda() -> None:
    """A model that was lowered on a GPU goes on elsewhere, in torch's operations; none is changed there."""
    plain = nn.LayerNorm(8)
    assert not fusible(plain)
    assert not fusible(nn.Linear(8, 8))
    x = torch.randn(3, 8).bfloat16()
    assert torch.equal(NarrowNorm(plain, torch.bfloat16)(x), plain(x.float()).bfloat16())
