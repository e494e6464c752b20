"""The ascent of an objective's dual: the multipliers of its constraint (LORE)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch, Dual


def dual_optimizer(dual: Dual) -> torch.optim.Optimizer:
    """Adam over the dual's parameters, upwards."""
    return torch.optim.Adam(dual.module.parameters(), dual.lr, maximize=True)


def ascend_dual(
    dual: Dual,
    optimizer: torch.optim.Optimizer,
    student: ZeroShotClassifier,
    parts: Sequence[Batch],
) -> None:
    """One step that raises the dual's loss over the parts of a batch, by their shares."""
    optimizer.zero_grad(set_to_none=True)
    whole = sum(len(part.ids) for part in parts)
    for part in parts:
        loss = dual.loss(student, part) * (len(part.ids) / whole)
        loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
