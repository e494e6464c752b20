"""The shape of an objective: what the inner attack maximises, what the optimiser minimises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from zsrobust.classifier.zero_shot import ZeroShotClassifier

LearnsFrom = Literal["labels", "class names", "captions", "images"]
"""What of the data an objective needs beside the images: `labels` bring class names with them."""


@dataclass(frozen=True)
class Batch:
    """Clean pixels (B, 3, H, W), labels (B,) int64 and sample ids of a training step.

    labels: -1 each where the data has none. repeatable: the same id brings the same pixels every
    time (no random transform), so that what a frozen model says of them may be kept. captions: a
    sentence an image, for data of pairs.
    """

    pixels: Tensor
    labels: Tensor
    ids: Sequence[str]
    repeatable: bool = True
    captions: Sequence[str] | None = None


@dataclass(frozen=True)
class LossTerms:
    """Named scalars that sum to what is minimised; the log shows each, weights included."""

    terms: Mapping[str, Tensor]

    @property
    def total(self) -> Tensor:
        """Their sum, a scalar."""
        return torch.stack(list(self.terms.values())).sum()


@dataclass(frozen=True)
class Dual:
    """A network that plays against the image tower (the multipliers of a constraint).

    After the updates of a batch it takes one Adam step that RAISES `loss`, a scalar of (classifier,
    batch), whose gradient reaches `module` alone. lr: of that step, constant. Its parameters and
    those of its Adam belong to the resumable state, and to no other optimiser.
    """

    module: nn.Module
    lr: float
    loss: Callable[[ZeroShotClassifier, Batch], Tensor]


@dataclass(frozen=True)
class Objective:
    """A training objective as two pure functions.

    inner_loss: (classifier, batch) -> (pixels -> (B,)), which the inner attack maximises.
    outer_loss: (classifier, batch, adversarial pixels) -> LossTerms, which is minimised.
    memory: what the losses keep between steps, tensors of one shape by (sample id, class text). A
    training that resumes must have it again: computed anew in another batch, its last bits differ.
    modules: what the objective trains beside the image tower (a fresh linear head). Its parameters
    belong to the optimiser and to the resumable state; the trained model goes without it.
    updates_per_batch: how many optimiser steps one batch and its perturbation serve, each on an
    outer loss computed anew. dual: what takes a step of its own, upwards, after them.
    remember: puts what the frozen model says of a batch into `memory`, for a cache on disk that is
    filled before training. remembered: what that is, so named that nothing else has the name.
    random_start: `repeated` begins the inner attack of every step with the same noise.
    in_batch: whether an image's loss depends on its batch (contrast in it, sums over it), so that
    a batch in parts would be another training.
    """

    name: str
    inner_loss: Callable[[ZeroShotClassifier, Batch], Callable[[Tensor], Tensor]]
    outer_loss: Callable[[ZeroShotClassifier, Batch, Tensor], LossTerms]
    memory: MutableMapping[tuple[str, str], Tensor] = field(default_factory=dict)
    modules: nn.Module | None = None
    updates_per_batch: int = 1
    dual: Dual | None = None
    remember: Callable[[Batch], object] | None = None
    remembered: str = ""
    random_start: Literal["fresh", "repeated"] = "fresh"
    in_batch: bool = False
