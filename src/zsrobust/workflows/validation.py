"""What a training is validated by: an honest attack on images held out of the training set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zsrobust.attacks.result import AttackResult
from zsrobust.attacks.run_attack import run_attack
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.dataset import Dataset
from zsrobust.training.batches import read_batch
from zsrobust.training.recipe import Recipe
from zsrobust.training.validation import HELD_OUT, SEEN, Measured, Validate, ValidationSettings


@dataclass(frozen=True)
class _Part:
    """Some images, how they are attacked, and by which seed."""

    images: Dataset
    recipe: Recipe
    settings: ValidationSettings
    seed: int

    def measure(self, classifier: ZeroShotClassifier) -> Measured:
        """Clean and robust accuracy, in fp32, every step of the attack made."""
        whole = read_batch(self.recipe, classifier, self.images, range(len(self.images)))
        result = run_attack(
            classifier,
            whole.pixels,
            whole.labels,
            attack=self.settings.attack,
            eps=self.settings.eps or self.recipe.attack.eps,
            norm=self.recipe.attack.norm,
            seed=self.seed,
            ids=whole.ids,
            batch_size=self.recipe.batch_size,
        )
        return _accuracies(result)


def validator(
    recipe: Recipe, settings: ValidationSettings, held_out: Dataset, seen: Dataset, seed: int
) -> Validate:
    """A function from the model under training to its accuracies on images held out and seen.

    seen: what is trained on; as many of its images as are held out are measured, the first of its
    order, so that the two can be compared.
    """
    parts = {
        HELD_OUT: _Part(held_out, recipe, settings, seed),
        SEEN: _Part(seen.first(min(len(held_out), len(seen))), recipe, settings, seed),
    }

    def validate(classifier: ZeroShotClassifier) -> Mapping[str, Measured]:
        return {name: part.measure(classifier) for name, part in parts.items()}

    return validate


def _accuracies(result: AttackResult) -> Measured:
    n = len(result.status)
    right = n - result.status.count("clean_wrong")
    return Measured(clean=right / n, robust=result.robust_accuracy, n=n)
