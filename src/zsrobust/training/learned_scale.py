"""The scale of the logits where a recipe has it learned."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.model import Model
from zsrobust.training.recipe import Recipe

_CEILING = 100.0


def learn_scale(recipe: Recipe, student: Model) -> None:
    """Makes the student's own scale trained, where the objective's `logit_scale` is `learned`."""
    if recipe.objective.settings.get("logit_scale") == "learned":
        scale: Any = student.clip.logit_scale
        scale.requires_grad_(True)


@torch.no_grad()
def hold_scale(student: ZeroShotClassifier) -> None:
    """Keeps a learned scale in [1, 100] after an update, as CLIP was trained (its section 2.5).

    A model that came with a larger one keeps its own as the ceiling.
    """
    scale: Any = None if student.model is None else student.model.clip.logit_scale
    if scale is not None and scale.requires_grad:
        scale.clamp_(0.0, math.log(max(_CEILING, student.logit_scale)))


def with_learned_scale(student: ZeroShotClassifier) -> ZeroShotClassifier:
    """The student with the scale that it has learned so far, as its model will be loaded."""
    if student.model is None:
        return student
    seen = copy.copy(student)
    seen.logit_scale = student.model.logit_scale
    return seen
