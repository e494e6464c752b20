"""The shape of an objective: what the inner attack maximises, what the optimiser minimises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier


@dataclass(frozen=True)
class Batch:
    """Clean pixels (B, 3, H, W), labels (B,) int64 and sample ids of a training step.

    repeatable: the same id brings the same pixels every time (no random transform), so that what
    a frozen model says of them may be kept.
    """

    pixels: Tensor
    labels: Tensor
    ids: Sequence[str]
    repeatable: bool = True


@dataclass(frozen=True)
class LossTerms:
    """Named scalars that sum to what is minimised; the log shows each, weights included."""

    terms: Mapping[str, Tensor]

    @property
    def total(self) -> Tensor:
        """Their sum, a scalar."""
        return torch.stack(list(self.terms.values())).sum()


@dataclass(frozen=True)
class Objective:
    """A training objective as two pure functions.

    inner_loss: (classifier, batch) -> (pixels -> (B,)), which the inner attack maximises.
    outer_loss: (classifier, batch, adversarial pixels) -> LossTerms, which is minimised.
    memory: what the losses keep between steps, tensors of one shape by (sample id, class text). A
    training that resumes must have it again: computed anew in another batch, its last bits differ.
    """

    name: str
    inner_loss: Callable[[ZeroShotClassifier, Batch], Callable[[Tensor], Tensor]]
    outer_loss: Callable[[ZeroShotClassifier, Batch, Tensor], LossTerms]
    memory: MutableMapping[tuple[str, str], Tensor] = field(default_factory=dict)
