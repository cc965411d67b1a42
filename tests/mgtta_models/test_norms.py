"""Layer norms of tokens in 16 bits, in Triton's interpreter, which needs no GPU; `make gpu-check` compiles them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mgtta_models.norms import NarrowNorm, fusible
from tests.interpreted import interpreted

INTERPRETED = """
import copy
import pytest
import torch
from torch import nn
from mgtta_models import norm_kernels, norms
from mgtta_models.together import by_torch
from tests.arithmetic import Exact, doubled, exact
from tests.mgtta.test_contract import pictures, tiny

norms.on_cuda = lambda _: True
norm_kernels.PROGRAMS = 8  # some of which sum up more tokens than others; the interpreter takes its time for each
for dtype in (torch.float32, torch.float16):
    torch.manual_seed(0)
    plain = nn.LayerNorm(48, eps=1e-6)
    plain.weight.data.uniform_(0.5, 2)
    plain.bias.data.normal_()
    x = (3 * torch.randn(5, norm_kernels.PROGRAMS // 2, 48) + 1).half().requires_grad_()
    dy = torch.randn(x.shape).to(dtype)

    def results(norm, x, dy):
        y = norm(x)
        return [y, *torch.autograd.grad(y, (x, norm.weight, norm.bias), dy)]

    def by_torch_in_float64():
        return results(copy.deepcopy(plain).double(), x.detach().double().requires_grad_(), dy.double())

    found = results(norms.NarrowNorm(plain, dtype), x, dy)
    assert [each.dtype for each in found] == [dtype, x.dtype, torch.float32, torch.float32]
    for one, expected in zip(found, exact(by_torch_in_float64, terms=x.numel() // 48).values()):
        expected.assert_near(one)

x = pictures(0)[:2]
for dtype, terms in ((torch.float32, 3 * 8 * 8), (torch.float16, 1)):  # sums of 16-bit products have 32
    backbone = tiny()
    backbone.lower(dtype)
    kinds = [type(layer) for _, layer in backbone.norms()]
    assert set(kinds) == {norms.NarrowNorm}, kinds
    assert list(backbone.norm_parameters()) == list(tiny().norm_parameters())
    twin = backbone.twin()
    with torch.no_grad():
        twin.norm_vector.mul_(1.1)
    both = torch.stack((backbone.norm_vector, twin.norm_vector))
    apart = by_torch(backbone)(x, both).logits[:, backbone.kept]
    for i, model in enumerate((backbone, twin)):
        hooked = doubled(tiny())
        hooked.norm_vector.copy_(model.norm_vector)
        expected = exact(lambda: hooked(x.double()).logits, terms=terms, dtype=dtype)["0"]
        expected.assert_near(model(x).logits)
        Exact(expected.value[i], expected.bound).assert_near(apart[i])
print("equal")
"""


@pytest.mark.slow
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
