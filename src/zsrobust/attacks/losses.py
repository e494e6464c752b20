"""What gradient attacks maximise, per image, from logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from zsrobust.registry import Registry

ImageLoss = Callable[[Tensor], Tensor]
"""Pixels (B, 3, H, W) -> loss (B,), one a image: what every gradient attack maximises."""

LogitLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, C), labels (B,) -> loss (B,)."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per image. logits: (B, C). labels: (B,) int64. Returns (B,)."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Best wrong logit minus true logit, per image: positive means misclassified.

    logits: (B, C) with C >= 2. labels: (B,) int64. Returns (B,). The literature's "CW" loss.

    >>> margin(torch.tensor([[2.0, 5.0]]), torch.tensor([0]))
    tensor([3.])
    """
    true = logits.gather(1, labels[:, None]).squeeze(1)
    wrong = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return wrong - true


LOSSES: Registry[LogitLoss] = Registry(
    kind="attack loss",
    entries={
        "cross-entropy": "zsrobust.attacks.losses:cross_entropy",
        "margin": "zsrobust.attacks.losses:margin",
    },
)
