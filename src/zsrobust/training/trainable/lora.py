"""LoRA: low-rank updates beside frozen weights, by `peft`."""

from __future__ import annotations

from zsrobust.models.lora import attach_lora
from zsrobust.models.model import Model
from zsrobust.randomness import seeded
from zsrobust.training.trainable.settings import Lora


def lora(model: Model, settings: Lora, seed: int) -> Model:
    """The model with a trained low-rank update at every module that `targets` name.

    At the start it changes nothing: B is 0, A is drawn by `seed`. Raises ModelError where `peft`
    is missing or no module has such a name.
    """
    with seeded(seed, "lora", device=model.device):
        attach_lora(model.visual, settings)
    model.clip.eval()
    return model
