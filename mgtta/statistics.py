"""Means and standard deviations of the model's features on clean data: the target that adaptation aligns to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from mgtta.gradients import gradient
from mgtta.logits import entropy
from mgtta.parameters import norm_parameters
from mgtta_models import Classifier, ModelError, files

KIND = "mgtta-cam source statistics"
FISHER, ENTROPY = "fisher.", "doubt"  # names in the file, whose format is older than the fields' names


@dataclass(frozen=True, slots=True, eq=False)
class SourceStatistics:
    """Mean and unbiased standard deviation of each class-token feature over clean pictures.

    Columns are `Output.features` flattened: block by block, l * d in all (9,216 for ViT-B).
    """

    std: Tensor  # [l * d] float32
    mean: Tensor  # [l * d] float32
    card: Mapping[str, str] = field(default_factory=dict)  # model, pictures, their hashes, command
    fisher: Mapping[str, Tensor] = field(default_factory=dict)  # EATA's importances by norm parameter, if measured
    entropy: float | None = None  # nats: mean entropy of the answers on those pictures; None in the earliest files

    def __post_init__(self) -> None:
        if self.std.ndim != 1 or self.std.shape != self.mean.shape:
            raise ValueError(
                "source statistics are two vectors of one length, blocks x width; "
                f"got std {list(self.std.shape)} and mean {list(self.mean.shape)}"
            )

    @classmethod
    @torch.no_grad()
    def measure(
        cls, backbone: Classifier, batches: Iterable[Tensor], card: Mapping[str, str] | None = None
    ) -> SourceStatistics:
        """Measures the statistics of a model, in float64, holding one batch at a time.

        Means and sums of squares are merged batch by batch (Chan, Golub, LeVeque 1979), so the order and the sizes of
        the batches do not matter.

        Args:
            backbone: the source model.
            batches: [b, 3, h, w] each, clean pictures as the model expects them; the paper uses 32 pictures in all.
            card: what the file says of them: model, pictures.

        Raises:
            ValueError: with fewer than two pictures, which have no spread.

        Example:
            >>> from mgtta_models.tiny import tiny_backbone
            >>> statistics = SourceStatistics.measure(tiny_backbone(), [torch.randn(8, 3, 32, 32) for _ in range(4)])
            >>> len(statistics.mean)  # 3 blocks of width 32
            96
        """
        count, mean, squares, nats = 0, torch.zeros(()), torch.zeros(()), 0.0
        for batch in batches:
            x = batch[0] if isinstance(batch, tuple | list) else batch  # as a DataLoader gives them
            output = backbone(x.to(backbone.device))
            nats += float(entropy(output.logits).sum())
            features = output.features.flatten(1).double()  # [b, l * d]
            n, batch_mean = len(features), features.mean(dim=0)
            delta = batch_mean - mean.to(features)
            total = count + n
            mean = mean.to(features) + delta * (n / total)
            squares = (
                squares.to(features)
                + (features - batch_mean).square().sum(dim=0)
                + delta.square() * (count * n / total)
            )
            count = total
        if count < 2:
            raise ValueError(f"source statistics need two clean pictures or more; got {count}")
        std = (squares / (count - 1)).sqrt().float()
        return cls(std, mean.float(), dict(card or {}), entropy=nats / count)

    def to(self, device: torch.device | str) -> SourceStatistics:
        """The same numbers on another device."""
        fisher = {name: importance.to(device) for name, importance in self.fisher.items()}
        return replace(self, std=self.std.to(device), mean=self.mean.to(device), fisher=fisher)

    def on(self, backbone: Classifier) -> SourceStatistics:
        """The same numbers on the model's device, if they are of exactly this model.

        Raises:
            ModelError: if they are another model's.
        """
        self.fits(backbone)
        return self.to(backbone.device)

    def fits(self, backbone: Classifier) -> None:
        """Checks that these are the statistics of exactly this model.

        Raises:
            ModelError: if they are another model's.
        """
        columns = backbone.depth * backbone.width
        made_for = self.card.get("model_digest", backbone.digest)
        if len(self.std) != columns or made_for != backbone.digest:
            raise ModelError(
                f"these source statistics ({len(self.std)} columns, of {self.card.get('model', 'another')}) do not "
                f"belong to {backbone.name} with these weights ({columns} columns): make its own with "
                f"mgtta-cam stats --model {backbone.name} --images DIR --out FILE"
            )

    def save(self, path: str | Path) -> None:
        """Writes std, mean, importances, entropy and card as safetensors."""
        more = {FISHER + name: importance for name, importance in self.fisher.items()}
        if self.entropy is not None:
            more[ENTROPY] = torch.tensor([self.entropy])
        files.write(Path(path), {"std": self.std, "mean": self.mean, **more}, {"kind": KIND, **self.card})

    @classmethod
    def load(cls, path: str | Path) -> SourceStatistics:
        """Reads what `save` wrote.

        Raises:
            ModelError: if the file is something else.
        """
        tensors, card = files.read(Path(path))
        if not {"std", "mean"} <= tensors.keys():
            raise ModelError(f"{path} holds no source statistics (std, mean): make them with mgtta-cam stats")
        fisher = {n.removeprefix(FISHER): t.float() for n, t in tensors.items() if n.startswith(FISHER)}
        nats = float(tensors[ENTROPY]) if ENTROPY in tensors else None
        return cls(tensors["std"].float(), tensors["mean"].float(), card, fisher, nats)


def measure_fisher(backbone: Classifier, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """EATA's Fisher importances by name: how much each norm parameter matters on clean pictures [b, 3, h, w].

    The mean over batches of the squared gradient of the batch's mean cross-entropy against the model's own answers
    (arXiv 2204.02610, Eqn. 8, as its code computes it; there, 2,000 pictures in batches of 64).

    Raises:
        ValueError: if there is no batch.
    """
    twin = backbone.twin()
    parameters = {name: p.requires_grad_() for name, p in norm_parameters(twin).items()}
    fisher, count = {name: torch.zeros_like(p) for name, p in parameters.items()}, 0
    for x in batches:
        logits = twin(x.to(backbone.device)).logits
        loss = torch.nn.functional.cross_entropy(logits, logits.argmax(dim=1))
        for name, g in gradient(loss, parameters, twin.loss_scales).items():
            fisher[name] += g.square()
        count += 1
    if not count:
        raise ValueError("Fisher importances need clean pictures; got none")
    return {name: (f / count).detach() for name, f in fisher.items()}
