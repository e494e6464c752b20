"""What can be trained, by name."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zsrobust.models.model import Model
from zsrobust.registry import Registry
from zsrobust.training.trainable.settings import Trainable

Adaptation = Callable[[Model, Any, int], Model]
"""(a model that is its own, frozen; settings; seed) -> it, with what is trained unfrozen."""

TRAINABLE: Registry[Adaptation] = Registry(
    kind="trainable part",
    entries={
        "tower": "zsrobust.training.trainable.tensors:tower",
        "last-tensors": "zsrobust.training.trainable.tensors:last_tensors",
        "last-blocks": "zsrobust.training.trainable.tensors:last_blocks",
        "linear-probe": "zsrobust.training.trainable.tensors:linear_probe",
        "visual-prompt": "zsrobust.training.trainable.prompts:visual_prompt",
        "prompt-tokens": "zsrobust.training.trainable.prompts:prompt_tokens",
        "tokens+padding": "zsrobust.training.trainable.prompts:tokens_and_padding",
        "lora": "zsrobust.training.trainable.lora:lora",
    },
)


def adapt(model: Model, trainable: Trainable, seed: int) -> Model:
    """A copy of `model` of which exactly what `trainable` names requires a gradient.

    Prompts and low-rank updates become part of its image tower, so that attacks go through them.
    Raises ModelError where the model has no such part.
    """
    student = replace(model, clip=copy.deepcopy(model.clip))
    student.clip.requires_grad_(False)
    return TRAINABLE[trainable.kind](student, trainable, seed)
