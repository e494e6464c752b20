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

TargetedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Logits (B, C), labels (B,), targets (B,) -> loss (B,)."""

_TINY = 1e-12


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


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio: the margin over best minus third best logit. Returns (B,).

    logits: (B, C) with C >= 3. Scale-free, so that confident answers give gradients too.
    Croce and Hein, ICML 2020, equation 6.
    """
    best = logits.topk(3, dim=1).values
    return margin(logits, labels) / (best[:, 0] - best[:, 2] + _TINY)


def targeted_margin(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Target's logit minus true logit, (B,). targets: (B,) int64, other than the labels."""
    pair = logits.gather(1, torch.stack([targets, labels], 1))
    return pair[:, 0] - pair[:, 1]


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The targeted margin over best minus the mean of third and fourth best logit, (B,).

    logits: (B, C) with C >= 4. Croce and Hein, ICML 2020, equation 7.
    """
    best = logits.topk(4, dim=1).values
    spread = best[:, 0] - (best[:, 2] + best[:, 3]) / 2
    return targeted_margin(logits, labels, targets) / (spread + _TINY)


LOSSES: Registry[LogitLoss] = Registry(
    kind="attack loss",
    entries={
        "cross-entropy": "zsrobust.attacks.losses:cross_entropy",
        "margin": "zsrobust.attacks.losses:margin",
        "dlr": "zsrobust.attacks.losses:dlr",
    },
)

TARGETED: Registry[TargetedLoss] = Registry(
    kind="targeted attack loss",
    entries={
        "targeted-dlr": "zsrobust.attacks.losses:targeted_dlr",
        "targeted-margin": "zsrobust.attacks.losses:targeted_margin",
    },
)
