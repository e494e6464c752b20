"""The ascent of an objective's dual: the multipliers of its constraint (LORE)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch, Dual
from zsrobust.training.processes import sum_gradients


def dual_optimizer(dual: Dual) -> torch.optim.Optimizer:
    """Adam over the dual's parameters, upwards."""
    return torch.optim.Adam(dual.module.parameters(), dual.lr, maximize=True)


def ascend_dual(
    dual: Dual,
    optimizer: torch.optim.Optimizer,
    student: ZeroShotClassifier,
    parts: Sequence[Batch],
    whole: int,
) -> None:
    """One step that raises the dual's loss over the parts of a batch, by their shares.

    whole: how many images the batch has, those of other processes included.
    """
    optimizer.zero_grad(set_to_none=True)
    for part in parts:
        loss = dual.loss(student, part) * (len(part.ids) / whole)
        loss.backward()  # type: ignore[no-untyped-call]
    sum_gradients(optimizer)
    optimizer.step()
