"""TGA-ZSR: text-guided attention for zero-shot robustness (Yu et al., NeurIPS 2024)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.attention.catalogue import MAPS
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.features import refuse_without_patches
from zsrobust.objectives.frozen_maps import FrozenMaps
from zsrobust.objectives.map_distance import DISTANCES
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.objectives.tecoa import class_cross_entropy
from zsrobust.settings import StrictModel


class TgaZsrSettings(StrictModel):
    """Weights and choices of TGA-ZSR; the defaults are those of the published numbers.

    alpha: weight of attention refinement. beta: weight of attention-based model constraint.
    Both are tied to 7x7 tokens and the unsquared l2 on the 224 grid.
    """

    alpha: float = Field(0.08, ge=0)
    beta: float = Field(0.05, ge=0)
    distance: Literal["l2", "l1", "cos"] = "l2"
    attention: Literal["text-guided", "text-guided-channel", "cosine"] = "text-guided"


def tga_zsr(settings: TgaZsrSettings, classifier: ZeroShotClassifier) -> Objective:
    """L = CE(x_adv) + alpha * d(A(x_adv), A0(x)) + beta * d(A(x), A0(x))   (eq. 5 to 8).

    A: attention of the trained model to the true class's text; A0: of the model as it comes in,
    which is copied and frozen here. The inner attack maximises cross-entropy alone. Nothing of A
    is detached; one forward of x_adv serves cross-entropy and attention. Raises ModelError for a
    tower without patch features.
    """
    refuse_without_patches(classifier.visual)
    draw, apart = MAPS[settings.attention], DISTANCES[settings.distance]
    frozen = FrozenMaps.of(classifier, draw)

    def outer_loss(student: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
        text = student.class_embeddings[batch.labels]
        reference = frozen.of_batch(batch)
        attacked = student.features(adversarial)
        clean = student.features(batch.pixels)
        refinement = apart(draw(attacked, text), reference).mean()
        constraint = apart(draw(clean, text), reference).mean()
        return LossTerms(
            {
                "cross_entropy": cross_entropy(student.logits(attacked.pooled), batch.labels),
                "attention_refinement": settings.alpha * refinement,
                "attention_constraint": settings.beta * constraint,
            }
        )

    return Objective("tga-zsr", class_cross_entropy, outer_loss, frozen.kept)
