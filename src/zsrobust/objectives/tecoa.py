"""TeCoA: text-guided contrastive adversarial training (Mao et al., ICLR 2023)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch, LossTerms, Objective
from zsrobust.settings import StrictModel


class TecoaSettings(StrictModel):
    """TeCoA has no settings of its own."""


def tecoa(settings: TecoaSettings, classifier: ZeroShotClassifier) -> Objective:
    """Min over theta, max over the perturbation, of cross-entropy over ALL class prompts.

    L = mean_b CE(s * cos(image(x_adv), text_k), y): adversarial images only, image to text only;
    attack and training use the same loss (TeCoA section 3; its release, finetuning.py).
    """
    return Objective("tecoa", class_cross_entropy, _outer_loss)


def class_cross_entropy(classifier: ZeroShotClassifier, batch: Batch) -> Callable[[Tensor], Tensor]:
    """Pixels (B, 3, H, W) -> cross-entropy (B,) against the batch's labels."""
    return lambda pixels: cross_entropy(classifier(pixels), batch.labels, reduction="none")


def _outer_loss(classifier: ZeroShotClassifier, batch: Batch, adversarial: Tensor) -> LossTerms:
    return LossTerms({"cross_entropy": cross_entropy(classifier(adversarial), batch.labels)})
