"""Sim-CLIP: Siamese adversarial fine-tuning of the embedding (arXiv 2407.14971)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import squared_l2
from zsrobust.objectives.fare import distance_from
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.settings import StrictModel


class SimClipSettings(StrictModel):
    """Sim-CLIP has no settings of its own."""


def sim_clip(settings: SimClipSettings, classifier: ZeroShotClassifier) -> Objective:
    """As intended: L = -1/2 mean_b [cos(f(x_adv), sg f(x)) + cos(f(x), sg f(x_adv))].

    sg: no gradient flows through it. Both embeddings are the trained model's; there is no frozen
    one, and no predictor as in SimSiam: nothing holds the embeddings apart, and they can collapse
    to one. No labels. The inner attack maximises |f(x_adv) - f(x)|^2.
    """
    return Objective("sim-clip", _distance_from_own, _symmetric_loss)


def sim_clip_as_released(settings: SimClipSettings, classifier: ZeroShotClassifier) -> Objective:
    """As the release computes it: the clean partner is f0(x), of the model as it comes in, frozen.

    L = -1/2 mean_b [cos(f(x_adv), f0(x)) + cos(f0(x), sg f(x_adv))]: the second half carries no
    gradient, so that this is a FARE by cosines at half the gradient. The inner attack maximises
    |f(x_adv) - f0(x)|^2 (adversarial_training_simclip.py).
    """
    frozen = FrozenEmbeddings(classifier)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        return _halves(embed_pixels(student, adversarial), frozen.of_batch(batch))

    return Objective(
        "sim-clip-as-released",
        distance_from(frozen),
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
    )


def _symmetric_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
    return _halves(embed_pixels(student, adversarial), embed_pixels(student, batch.pixels))


def _halves(attacked: Tensor, clean: Tensor) -> LossTerms:
    towards_clean = cosine_similarity(attacked, clean.detach()).mean()
    towards_attacked = cosine_similarity(clean, attacked.detach()).mean()
    return LossTerms(
        {"towards_clean": -towards_clean / 2, "towards_adversarial": -towards_attacked / 2}
    )


def _distance_from_own(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
    with torch.no_grad():
        clean = embed_pixels(student, batch.pixels)
    return lambda pixels: squared_l2(embed_pixels(student, pixels), clean)
