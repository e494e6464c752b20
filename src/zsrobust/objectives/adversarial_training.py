"""Standard adversarial training: a fresh linear head, one-hot cross-entropy, no text."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.image_embedding import embed_pixels
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.randomness import seeded
from zsrobust.settings import StrictModel


class AdversarialTrainingSettings(StrictModel):
    """Standard adversarial training has no settings of its own."""


def adversarial_training(
    settings: AdversarialTrainingSettings, classifier: ZeroShotClassifier
) -> Objective:
    """L = mean_b CE(W f(x_adv) + b, y): attack and training alike (Madry et al., ICLR 2018).

    f: the pooled embedding, not normalised. W (C, D) and b (C,) begin at random, alike for every
    seed as the tower's weights do, and are trained with it as `modules`. No text takes part: other
    class names are afterwards decided by their text embeddings, which never moved. TeCoA's table
    holds such a baseline; its settings are not public.
    """
    head = _fresh_head(classifier)

    def inner_loss(student: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
        return lambda pixels: cross_entropy(
            head(embed_pixels(student, pixels)), batch.labels, reduction="none"
        )

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        return LossTerms({"cross_entropy": inner_loss(student, batch)(adversarial).mean()})

    return Objective("adversarial-training", inner_loss, outer_loss, modules=head)


def _fresh_head(classifier: ZeroShotClassifier) -> nn.Linear:
    classes, width = classifier.class_embeddings.shape
    with seeded("linear head", device="cpu"):
        head = nn.Linear(width, classes)
    return head.to(classifier.class_embeddings)
