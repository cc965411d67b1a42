"""CoTTA: continual test-time domain adaptation (arXiv 2203.13591).

A student learns, in all of its weights, from the answers of its own moving average, the teacher (Eqns. 1-2); where the
source model is unsure, the teacher's answers are averaged over augmented pictures (Eqns. 3-4); now and then weights of
the student fall back to the source (Eqns. 6-7). Answers are the teacher's. Rate and momentum are those of FOA and
MGTTA, 0.005 and 0.9; the loss is the symmetric cross-entropy of the authors' ImageNet code.

Departures: "unsure" is a mean confidence below 0.1 with 1,000 classes, 0.72 with 100 and 0.92 with 10, the authors' own
numbers, and between them in between; 0.1 could never be met with 10 classes. FOA and MGTTA augment pictures that are
already normalized as if they were in 0..1, which cuts their darker half off: `published=True` does so too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mgtta import transforms
from mgtta.adapter import Adapter, Evaluation, Nothing, Objective
from mgtta.draws import drawn, seeded
from mgtta.learned import filled, flat
from mgtta.logits import softmax
from mgtta.methods.cotta_augmentation import augmented
from mgtta.parameters import flatten, unflatten
from mgtta.selection import within
from mgtta.types import Step, Tensors
from mgtta_models import Classifier, ModelError, Output

CLASSES, CONFIDENCES = (10, 100, 1000), (0.92, 0.72, 0.1)  # the authors' thresholds


SAVED = "teaching"  # prefix of the saved tensors' names, which older files have


class State(NamedTuple):
    """What is remembered beside the student."""

    teacher: Tensor  # [m] all of the model's parameters, averaged over time
    generator: Tensor  # [k] uint8, where augmentations and restorations come from


class Cotta:
    """Student, teacher and source. The model that is given is the source, and never changes. See `cotta`."""

    probabilities = False

    def __init__(
        self,
        backbone: Classifier,
        lr: float,
        momentum: float,
        ema: float,
        restore: float,
        augment_below: float,
        augmentations: int,
        published: bool,
        seed: int | None,
    ) -> None:
        self.backbone, self.ema, self.restore, self.seed = backbone, ema, restore, seed
        self.augment_below, self.augmentations, self.published = augment_below, augmentations, published
        self.student = copy.deepcopy(backbone)
        objective = Objective(Nothing, _consistency)
        self.adapter = Adapter(self.student, objective, transforms.sgd(momentum), lr, weights_and_biases)
        self.state = self._start()

    def _start(self) -> State:
        return State(flatten(self.backbone.weights()), seeded(self.seed))

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """[b, 3, h, w] -> [b, c], as `step` would answer."""
        return self._answer(x)[0]

    def step(
        self,
        x: Tensor,
        augmentations: Tensor | None = None,
        restored: Tensor | None = None,
        *,
        scale: float = 1.0,  # noqa: ARG002
    ) -> Step:
        """The teacher answers, the student learns from it, and the teacher follows.

        Args:
            x: [b, 3, h, w].
            augmentations: [a, b, 3, h, w] in place of drawn ones.
            restored: [n] bool over the adapted parameters in order, in place of a draw.
            scale: not used: averaging and restoring, which have no rate, go with every step.
        """
        with torch.inference_mode(False), torch.no_grad():
            x = x.clone() if x.is_inference() else x
            answer, generator, unsure = self._answer(x, augmentations)
        learned = self.adapter.step(x, teacher=answer)
        if learned.skipped:
            return learned._replace(logits=answer)
        with torch.inference_mode(False), torch.no_grad():
            student = flatten(self.student.weights())
            teacher = self.ema * self.state.teacher + (1 - self.ema) * student
            generator = self._restore(generator, restored)
        self.state = State(teacher, generator)
        return Step(answer, {**learned.stats, "augmented": float(unsure)})

    def _answer(self, x: Tensor, given: Tensor | None = None) -> tuple[Tensor, Tensor, bool]:
        """The teacher's logits [b, c], the random state after them, and whether they are of augmented pictures."""
        teacher = dict(unflatten(self.state.teacher, self.backbone.weights()))

        def teacher_answer(pictures: Tensor) -> Tensor:
            return self.student.with_weights(teacher, pictures).logits  # the student, a copy, has no engine

        confidence = softmax(self.backbone(x).logits).amax(dim=1).mean() if self.augment_below else 1.0
        if given is None and not confidence < self.augment_below:
            return teacher_answer(x), self.state.generator, False
        if given is not None:
            return torch.stack([teacher_answer(pictures) for pictures in given]).mean(dim=0), self.state.generator, True
        generator, sums = self.state.generator, None
        for _ in range(self.augmentations):
            pictures, generator = drawn(generator, lambda g: augmented(x, self.backbone.preprocess, g, self.published))
            logits = teacher_answer(pictures)
            sums = logits if sums is None else sums + logits
        assert sums is not None
        return sums / self.augmentations, generator, True

    def _restore(self, generator: Tensor, given: Tensor | None) -> Tensor:
        start = 0
        for name, parameter in self.adapter.parameters().items():
            if given is None:
                noise, generator = drawn(generator, lambda g, shape=parameter.shape: torch.rand(shape, generator=g))
                lost = noise < self.restore
            else:
                lost = given[start : start + parameter.numel()].view_as(parameter)
                start += parameter.numel()
            lost = lost.to(parameter.device)
            parameter[lost] = self.adapter.learned.source[name][lost]
        return generator

    def reset(self) -> None:
        """Returns to the source model, to the bit."""
        self.adapter.reset()
        self.state = self._start()

    def parameters(self) -> Tensors:
        """The student's weights and biases by name, in order: the live tensors, not copies."""
        return self.adapter.parameters()

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of all that was learned."""
        return self.adapter.state_dict() | {name: t.clone() for name, t in flat(self.state, SAVED).items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restores what `state_dict` gave; a ValueError if it is another method's."""
        own = flat(self.state, SAVED)
        if any(name not in state or state[name].shape != tensor.shape for name, tensor in own.items()):
            raise ValueError("this state is not of the same method and model: teacher or generator differ")
        self.adapter.load_state_dict({name: tensor for name, tensor in state.items() if name not in own})
        self.state = filled(self.state, state, SAVED)


def cotta(
    backbone: Classifier,
    lr: float = 5e-3,
    momentum: float = 0.9,
    ema: float = 0.999,
    restore: float = 0.001,
    augment_below: float | None = None,
    augmentations: int = 32,
    published: bool = False,
    seed: int | None = None,
) -> Cotta:
    """A student that learns from its own moving average.

    Args:
        backbone: the source model; the student and the teacher are copies.
        lr: learning rate.
        momentum: of SGD.
        ema: alpha, what the teacher keeps of itself at a step, in (0, 1).
        restore: p, share of the student's scalars that fall back to the source at a step, in [0, 1).
        augment_below: p_th, mean confidence of the source model below which the teacher sees augmented pictures; by
            default interpolated for the number of classes; 0 for never.
        augmentations: N, how many.
        published: augment normalized pictures as if they were in 0..1.
        seed: of augmentations and restorations; torch's own by default.

    Raises:
        ValueError: if a number is out of its range, or the threshold could never be met.
    """
    classes = len(backbone.classes)
    below = float(np.interp(math.log(classes), [math.log(c) for c in CLASSES], CONFIDENCES))
    below = below if augment_below is None else augment_below
    if below:
        within(below, 1 / classes, 1, "CoTTA's confidence threshold", "where a mean confidence can lie; 0 turns it off")
    within(ema, 0, 1, "CoTTA's moving average", "a share")
    if not 0 <= restore < 1:
        raise ValueError(f"CoTTA's share of restored weights is expected in [0, 1); got {restore}")
    if augmentations < 1:
        raise ValueError(f"CoTTA's number of augmentations is expected to be 1 or more; got {augmentations}")
    if backbone.dtype != torch.float32:
        raise ModelError("CoTTA learns in all weights, which 16 bits are too few for: use --precision fp32 or tf32")
    return Cotta(backbone, lr, momentum, ema, restore, below, augmentations, published, seed)


def weights_and_biases(backbone: Classifier) -> dict[str, nn.Parameter]:
    """All parameters that a layer calls its weight or bias; not class token and positions."""
    return {name: p for name, p in backbone.weights().items() if name.rpartition(".")[2] in ("weight", "bias")}


def _consistency(_: Tensor, output: Output, state: Nothing, teacher: Tensor) -> Evaluation:
    """Symmetric cross-entropy between student and teacher, half of each direction."""
    ours, theirs = output.logits.log_softmax(dim=1), teacher.log_softmax(dim=1)
    crossed = -(theirs.exp() * ours + ours.exp() * theirs).sum(dim=1) / 2
    loss = crossed.mean()
    return Evaluation(loss, {"consistency": loss}, state)
