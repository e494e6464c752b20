"""One update: inner attack, outer loss, optimiser."""

from __future__ import annotations

import torch
from torch import nn

from zsrobust.attacks.ball import random_start
from zsrobust.attacks.pgd import pgd
from zsrobust.attacks.step_size import step_length
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import RunError
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.training.recipe import InnerAttack, Optimizer


def make_optimizer(settings: Optimizer, visual: nn.Module) -> torch.optim.Optimizer:
    """The optimiser over every parameter of the image tower."""
    parameters = [parameter for parameter in visual.parameters() if parameter.requires_grad]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            parameters, settings.lr, settings.momentum, weight_decay=settings.weight_decay
        )
    return torch.optim.AdamW(
        parameters, settings.lr, settings.betas, weight_decay=settings.weight_decay
    )


def attack_batch(
    classifier: ZeroShotClassifier,
    objective: Objective,
    batch: Batch,
    settings: InnerAttack,
    key: tuple[object, ...],
) -> torch.Tensor:
    """Adversarial pixels (B, 3, H, W) of a batch: PGD on the objective's inner loss.

    key: with each sample's id it names the random start. No parameter gradient is made.
    """
    threat = settings.threat
    return pgd(
        objective.inner_loss(classifier, batch),
        batch.pixels,
        threat,
        steps=settings.steps,
        step_size=step_length(settings.step_size, threat.eps),
        start=random_start(batch.pixels, batch.ids, threat, *key),
    )


def update(optimizer: torch.optim.Optimizer, terms: LossTerms, lr: float, step: int) -> float:
    """One optimiser step on the sum of the terms, which is returned.

    Gradients are zeroed here, after the attack: what an attack left behind must not be learned
    from (in the releases only a loss scaler hides that it is). Raises RunError for a loss that is
    not finite.
    """
    total = terms.total
    if not bool(torch.isfinite(total)):
        shown = ", ".join(f"{name} {float(term.detach())}" for name, term in terms.terms.items())
        raise RunError(f"step {step}: the loss is not finite ({shown}). Lower optimizer.lr.")
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(total.detach())
