"""CAW: confidence-aware weighting of a divergence from the pre-trained model (arXiv 2510.02913)."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import categorical_kl, squared_l2
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.logit_scale import LogitScale, scaled_logits
from zsrobust.objectives.map_distance import safe_root
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.settings import StrictModel

_ROUNDING = 16
"""In units of the type's last place: by how much of its length an embedding computed anew may
differ. In the same batch those of a ViT-B/32 differ by 4, of a ViT-L/14 by 5 (random weights)."""


class CawSettings(StrictModel):
    """Weights of CAW's two terms beside cross-entropy, and what its text leaves open.

    alpha: weight of the divergence, beta: of the distance of embeddings; the source states neither,
    and these are ours. weight: the factor 1 - p(y) of the divergence is a constant (`detached`), so
    that it says how much an image counts and no more; or it has a gradient (`trained`), which
    raises p(y) the further the prediction is from the frozen one. The source does not say which.
    logit_scale: of both predictions and of the inner attack.
    """

    alpha: float = Field(1.0, ge=0)
    beta: float = Field(1.0, ge=0)
    weight: Literal["detached", "trained"] = "detached"
    logit_scale: LogitScale = "model"


def caw(settings: CawSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = CE(p, y) + alpha mean_b (1 - p(y)) KL(p || p0) + beta mean_b |f(x_adv) - f0(x_adv)|_2.

    p: the trained model on the adversarial image. p0: the model as it comes in, frozen, on the
    CLEAN image, which is kept; f0: its embedding of the ADVERSARIAL one, which cannot be.
    Embeddings are not normalised. The inner attack maximises cross-entropy, which is ours: which
    loss the source attacks was not found.
    """
    frozen = FrozenEmbeddings(classifier)
    scale = settings.logit_scale

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        attacked = embed_pixels(student, adversarial)
        with torch.no_grad():
            before = embed_pixels(frozen.classifier, adversarial)
            clean = scaled_logits(frozen.classifier, frozen.of_batch(batch), scale)
        logits = scaled_logits(student, attacked, scale)
        plain = cross_entropy(logits, batch.labels, reduction="none")
        unsure = -torch.expm1(-plain)  # 1 - p(y)
        if settings.weight == "detached":
            unsure = unsure.detach()
        return LossTerms(
            {
                "cross_entropy": plain.mean(),
                "weighted_divergence": settings.alpha
                * (unsure * categorical_kl(logits, clean)).mean(),
                "embedding_distance": settings.beta * _distance(attacked, before).mean(),
            }
        )

    return Objective(
        "caw",
        partial(class_cross_entropy, logit_scale=scale),
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
    )


def _distance(moved: Tensor, reference: Tensor) -> Tensor:
    """|moved - reference|_2, not squared: (B, D), (B, D) -> (B,).

    Embeddings that differ by rounding alone have distance and gradient 0: before the first update
    every image is such a one, and would pull at full strength towards nowhere. (Under bf16 it does:
    the trained tower alone is rounded to it, and lies by 0.7 % of a length from its frozen copy.)
    """
    squares = squared_l2(moved, reference)
    least = _ROUNDING * torch.finfo(moved.dtype).eps
    return safe_root(squares * (squares > least**2 * reference.square().sum(dim=1)))
