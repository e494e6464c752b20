"""One update: outer loss, in as many parts as fit, and the optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from zsrobust.errors import NotFiniteError
from zsrobust.objectives.objective import Batch, LossTerms
from zsrobust.training.processes import sum_gradients
from zsrobust.training.recipe import Optimizer

Part = tuple[float, Callable[[], LossTerms]]
"""The share of a batch that a part is, and its loss, made when it is asked for."""


@dataclass(frozen=True)
class Updated:
    """What an update minimised: terms by name, and their sum, of this process's share of it."""

    terms: dict[str, float]
    total: float


def make_optimizer(
    settings: Optimizer, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimiser over those of the parameters that are trained; scalars do not decay."""
    wanted = [parameter for parameter in parameters if parameter.requires_grad]
    trained: list[Any] = [parameter for parameter in wanted if parameter.ndim]
    if scalars := [parameter for parameter in wanted if not parameter.ndim]:
        trained = [{"params": trained}, {"params": scalars, "weight_decay": 0.0}]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            trained, settings.lr, settings.momentum, weight_decay=settings.weight_decay
        )
    return torch.optim.AdamW(
        trained, settings.lr, settings.betas, weight_decay=settings.weight_decay
    )


def parts_of(batch: Batch, parts: int) -> list[Batch]:
    """A batch in `parts` parts of one size (the last may be smaller); itself where that is one."""
    if parts == 1:
        return [batch]
    size = -(-len(batch.ids) // parts)
    return [
        replace(
            batch,
            pixels=batch.pixels[rows],
            labels=batch.labels[rows],
            ids=batch.ids[rows],
            captions=None if batch.captions is None else batch.captions[rows],
        )
        for rows in (slice(at, at + size) for at in range(0, len(batch.ids), size))
    ]


def update(
    optimizer: torch.optim.Optimizer, parts: Sequence[Part], lr: float, step: int
) -> Updated:
    """One optimiser step on the mean of the parts' losses, weighted by their shares.

    Gradients are zeroed here, after the attack: what an attack left behind must not be learned
    from (in the releases only a loss scaler hides that it is). Each part's graph is gone before
    the next is made. Shares are of the batch of all processes, whose gradients are summed: each
    process makes the update that one alone would make. Raises NotFiniteError for a loss that is not
    finite.
    """
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    named: dict[str, float] = {}
    total = 0.0
    for share, loss_of in parts:
        terms = loss_of()
        loss = terms.total * share
        if not bool(torch.isfinite(loss)):
            shown = ", ".join(
                f"{name} {float(term.detach())}" for name, term in terms.terms.items()
            )
            raise NotFiniteError(
                f"step {step}: the loss is not finite ({shown}). Lower optimizer.lr."
            )
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
        for name, term in terms.terms.items():
            named[name] = named.get(name, 0.0) + share * float(term.detach())
    sum_gradients(optimizer)
    optimizer.step()
    return Updated(named, total)
