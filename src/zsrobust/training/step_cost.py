"""What a training step of a recipe costs: a step is made on a minute tower, and passes counted."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch.autograd import backward

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.models.build import build_clip
from zsrobust.models.model import Model
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.objectives.passes import Passes, counting_passes
from zsrobust.randomness import seeded
from zsrobust.training.inner_attack import attack_batch
from zsrobust.training.learned_scale import learn_scale
from zsrobust.training.recipe import Recipe

_CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 4},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
_CLASSES = ("cat", "dog")
LIGHT = ("visual-prompt", "prompt-tokens", "tokens+padding", "lora")
"""What is trained beside frozen weights: no backward computes gradients of the tower's weights."""
PARTLY = ("last-tensors", "last-blocks", "linear-probe")


@dataclass(frozen=True)
class StepCost:
    """Passes of one image in one step of a training, every pass through all of the tower.

    attack: of the inner attack. loss: of all that follows, at the first sight of an image. kept:
    forwards of the frozen model that a later sight of the same image is spared.
    """

    attack: Passes
    loss: Passes
    kept: int

    def cost(self, weights: int = 2) -> int:
        """In forwards, at first sight; a backward to the pixels is 1, to the weights `weights`."""
        both = (self.attack, self.loss)
        return sum(
            each.forwards + each.input_backwards + weights * each.full_backwards for each in both
        )


def step_cost(recipe: Recipe) -> StepCost:
    """The passes of an image in a step of `recipe`, as if its whole tower were trained."""
    with seeded("step cost", device="cpu"):
        model = _minute_clip()
        student = replace(model, clip=copy.deepcopy(model.clip))
        student.clip.requires_grad_(False)
        student.visual.requires_grad_(True)
        learn_scale(recipe, student)
        kind, settings = recipe.objective.kind, recipe.objective.settings
        objective = build_objective(kind, settings, classifier_of(model, _CLASSES))
        trained = classifier_of(student, _CLASSES)
        batch = Batch(torch.rand(2, 3, 16, 16), torch.tensor([0, 1]), ["a", "b"], captions=_CLASSES)
        attack, loss = _step(recipe, trained, objective, batch)
        again = _step(recipe, trained, objective, batch)
    kept = attack.forwards + loss.forwards - sum(each.forwards for each in again)
    return StepCost(attack, loss, kept)


def _step(
    recipe: Recipe, student: ZeroShotClassifier, objective: Objective, batch: Batch
) -> tuple[Passes, Passes]:
    with counting_passes() as attack:
        adversarial = attack_batch(student, objective, batch, recipe.attack, ("step cost",))
    with counting_passes() as loss:
        for _ in range(objective.updates_per_batch):
            student.zero_grad()
            backward(objective.outer_loss(student, batch, adversarial).total)
        if objective.dual is not None:
            backward(objective.dual.loss(student, batch))
    return _per_image(attack, batch), _per_image(loss, batch)


def _per_image(passes: Passes, batch: Batch) -> Passes:
    counts = passes.per_image(len(batch.ids))
    return Passes(**{name: round(number) for name, number in counts.items()})


def _minute_clip() -> Model:
    from open_clip.tokenizer import SimpleTokenizer

    return Model(
        name="minute",
        clip=build_clip(_CONFIG, "step_cost").eval(),
        tokenizer=SimpleTokenizer(context_length=24),
        image_size=16,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        config=_CONFIG,
        source=__name__,
    )
