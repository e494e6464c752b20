"""Checkpoints as the releases write them, made from a tiny random tower with QuickGELU."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from zsrobust.models.model import Model
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip

QUICK = dict(CONFIG) | {"quick_gelu": True}
SIDE, WIDTH = 28, 32


@cache
def base() -> Model:
    """The model that the checkpoints were made from; nobody changes it."""
    return tiny_clip(0, QUICK)


@cache
def robust() -> Model:
    """The same, its image tower tuned: every weight moved a little."""
    model = tiny_clip(0, QUICK)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in model.visual.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=generator)
    return replace(model, name="robust")


def tower_state(model: Model) -> dict[str, torch.Tensor]:
    """The image tower's weights under OpenAI's keys."""
    return {key: value.clone() for key, value in model.visual.state_dict().items()}


def release(tower=None, prompt=None, tokens=0) -> dict[str, object]:
    """TeCoA's .pth.tar: TGA-ZSR's and PMG-AFT's have the same keys."""
    generator = torch.Generator().manual_seed(3)
    content = {
        "epoch": 10,
        "state_dict": {f"module.{key}": value for key, value in (prompt or {}).items()},
        "add_prompter": {"module.prompt": torch.randn(1, tokens, WIDTH, generator=generator)},
        "best_acc1": np.mean([38.0, 39.5]),
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": []},
    }
    return content if tower is None else content | {"vision_encoder_state_dict": tower}


def padding(size: int = 3) -> dict[str, torch.Tensor]:
    """A frame of the padding prompter, as trained: on normalised pixels."""
    generator = torch.Generator().manual_seed(5)
    flat, upright = (1, 3, size, SIDE), (1, 3, SIDE - 2 * size, size)
    shapes = {"pad_up": flat, "pad_down": flat, "pad_left": upright, "pad_right": upright}
    return {key: torch.randn(shape, generator=generator) for key, shape in shapes.items()}
