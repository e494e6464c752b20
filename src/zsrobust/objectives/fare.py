"""FARE: unsupervised adversarial fine-tuning of the embedding (Schlarmann et al., ICML 2024)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.divergences import squared_l2
from zsrobust.objectives.frozen_embeddings import REMEMBERED, FrozenEmbeddings
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.settings import StrictModel


class FareSettings(StrictModel):
    """FARE has no settings of its own."""


def fare(settings: FareSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = mean_b max |f(x_adv) - f0(x)|^2: squared l2 of unnormalised embeddings (FARE, eq. 3).

    f0: the model as it comes in, on the clean image, frozen. Summed over dimensions; no labels, no
    text, no clean term; the attack maximises the same distance.
    """
    frozen = FrozenEmbeddings(classifier)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        apart = squared_l2(embed_pixels(student, adversarial), frozen.of_batch(batch))
        return LossTerms({"embedding_distance": apart.mean()})

    return Objective(
        "fare",
        distance_from(frozen),
        outer_loss,
        frozen.kept,
        remember=frozen.of_batch,
        remembered=REMEMBERED,
    )


def distance_from(
    frozen: FrozenEmbeddings,
) -> Callable[[ZeroShotClassifier, Batch], Callable[[Tensor], Tensor]]:
    """The inner loss |f(pixels) - f0(x)|^2, (B,): the reference is embedded once, not each step."""

    def inner_loss(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
        reference = frozen.of_batch(batch)
        return lambda pixels: squared_l2(embed_pixels(student, pixels), reference)

    return inner_loss
