"""AGFT: alignment-guided fine-tuning towards soft targets (arXiv 2603.29410, CVPR 2026)."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import soft_cross_entropy
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.settings import StrictModel


class AgftSettings(StrictModel):
    """The two temperatures of AGFT; the defaults are the command of its README.

    logit_scale: of the trained model's logits, in attack and loss. target_scale: gamma, by which
    the frozen model's logits are scaled once more: below 1 the targets are softer.
    """

    logit_scale: LogitScale = 180.0
    target_scale: float = Field(0.4, gt=0)


def agft(settings: AgftSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = mean_b CE(softmax(gamma s cos0(x)), softmax(s cos(x_adv))), over all class texts.

    cos0: the model as it comes in, on the clean image, frozen. No labels: the inner attack
    maximises the same soft cross-entropy (release, train.py). An evaluation keeps the model's own
    scale.
    """
    frozen = FrozenEmbeddings(classifier)
    scale = settings.logit_scale

    def target_of(batch: Batch) -> Tensor:
        logits = scaled_logits(frozen.classifier, frozen.of_batch(batch), scale)
        return (settings.target_scale * logits).softmax(dim=1)

    def inner_loss(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
        target = target_of(batch)
        return lambda pixels: soft_cross_entropy(
            target, scaled_logits(student, embed_pixels(student, pixels), scale)
        )

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        return LossTerms({"soft_cross_entropy": inner_loss(student, batch)(adversarial).mean()})

    return Objective(
        "agft",
        inner_loss,
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
    )
