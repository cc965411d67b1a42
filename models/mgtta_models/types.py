"""What the other packages may know of a model.

Notation used for tensor shapes: b batch, c classes, l blocks, d width, n scalars of the norm layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from torch import Tensor

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mgtta_models.preprocess import Preprocess


class Output(NamedTuple):
    """What a classifier gives for a window of pictures."""

    logits: Tensor  # [b, c]
    features: Tensor  # [b, l, d], the class token after each block


Engine: TypeAlias = "Callable[[Tensor, Tensor], Output]"  # pictures [b, 3, h, w], norms [n] -> output of all classes


class Classifier(Protocol):
    """A model with a class token, as methods see it. `Backbone` is one around any timm VisionTransformer.

    All parameters are frozen until a method thaws those that it adapts.
    """

    name: str
    preprocess: Preprocess  # from pixels to its input
    digest: str  # sha256 of the weights
    dtype: torch.dtype  # of the products; norms, features and logits are float32 in any case

    def __call__(self, x: Tensor, prompts: Tensor | None = None) -> Output:
        """[b, 3, h, w] normalized pixels, and prompt tokens [p, d] if there are any -> logits and features."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the c classes, by index."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the weights are; inputs belong there too."""
        ...

    @property
    def depth(self) -> int:
        """Number l of blocks."""
        ...

    @property
    def width(self) -> int:
        """Number d of features of a token."""
        ...

    @property
    def patch(self) -> tuple[int, int]:
        """Height and width of a token's patch, in pixels."""
        ...

    @property
    def loss_scales(self) -> tuple[float, ...]:
        """What a loss is multiplied by for the backward pass: powers of two, the largest first; (1.0,) in float32."""
        ...

    def norms(self) -> Iterator[tuple[str, nn.Module]]:
        """The normalization layers by name, in the model's order."""
        ...

    def norm_parameters(self, blocks: int | None = None) -> dict[str, nn.Parameter]:
        """Weights and biases of the normalization layers by name, in order; of the first `blocks` only, if given."""
        ...

    def weights(self) -> dict[str, nn.Parameter]:
        """All parameters by name, in order."""
        ...

    def with_weights(self, weights: Mapping[str, Tensor], x: Tensor) -> Output:
        """The output for x [b, 3, h, w] with other values in the place of `weights()`; those stay as they are."""
        ...

    def classifier(self) -> Tensor:
        """The head's rows [classes, d], one for each of all classes."""
        ...

    def classify(self, z: Tensor, among_all: bool = False) -> Tensor:
        """The head alone: class tokens [b, d] behind the final norm -> logits [b, c], of all classes if asked."""
        ...

    def twin(self) -> Classifier:
        """A second model that shares every tensor with this one, except copies of the norm layers' parameters."""
        ...
