"""PMG-AFT: pre-trained model guided adversarial fine-tuning (Wang et al., CVPR 2024)."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.across_processes import place_of
from zsrobust.objectives.divergences import categorical_kl
from zsrobust.objectives.frozen_copy import frozen_copy
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.settings import StrictModel


class PmgAftSettings(StrictModel):
    """Weights of PMG-AFT, and what its release computes otherwise than its paper says.

    alpha: weight of the divergence from the pre-trained model (general). beta: from the model's
    own clean prediction. logit_scale: of all three terms and of the inner attack; the release
    divides it away, which is 1. reduction: `mean` over the batch, or the release's `sum`, which
    weighs a divergence of B images B times as much (B: those of a step, whatever the number of
    processes). direction: `target-first` is
    KL(target || adversarial), as AGFT's authors read the paper and as the release has been since
    2024-05-29; before, it was `adversarial-first`. clean_target: `trained` lets gradient through
    the clean prediction, as the release does; `detached` saves its backward.
    """

    alpha: float = Field(1.0, ge=0)
    beta: float = Field(1.0, ge=0)
    logit_scale: LogitScale = "model"
    reduction: Literal["mean", "sum"] = "mean"
    direction: Literal["target-first", "adversarial-first"] = "target-first"
    clean_target: Literal["trained", "detached"] = "trained"


def pmg_aft(settings: PmgAftSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = CE(x_adv) + alpha KL(q0(x_adv), q(x_adv)) + beta KL(q(x), q(x_adv)), q = softmax.

    q0: the model as it comes in, frozen; it sees the ADVERSARIAL image, so that nothing of it can
    be kept. The inner attack maximises cross-entropy at the same logit scale (release, PMG_AFT.py).
    """
    teacher = frozen_copy(classifier)
    scale = settings.logit_scale

    def logits(model: ZeroShotClassifier, pixels: Tensor) -> Tensor:
        return scaled_logits(model, embed_pixels(model, pixels), scale)

    def divergence(target: Tensor, attacked: Tensor) -> Tensor:
        swap = settings.direction == "adversarial-first"
        apart = categorical_kl(attacked, target) if swap else categorical_kl(target, attacked)
        if settings.reduction == "mean":
            return apart.mean()
        return apart.sum() / place_of(apart).share  # whose share is what the loop takes of it

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        attacked = logits(student, adversarial)
        with torch.no_grad():
            general = logits(teacher, adversarial)
        with torch.set_grad_enabled(settings.clean_target == "trained"):
            clean = logits(student, batch.pixels)
        return LossTerms(
            {
                "cross_entropy": cross_entropy(attacked, batch.labels),
                "general_divergence": settings.alpha * divergence(general, attacked),
                "clean_divergence": settings.beta * divergence(clean, attacked),
            }
        )

    inner_loss = partial(class_cross_entropy, logit_scale=scale)
    return Objective("pmg-aft", inner_loss, outer_loss, in_batch=settings.reduction == "sum")
