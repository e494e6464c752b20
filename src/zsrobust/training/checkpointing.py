"""Activation checkpointing: less memory for a second forward of every block."""

from __future__ import annotations

from typing import Any

from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn

from zsrobust.errors import ModelError


def checkpoint_activations(visual: nn.Module) -> None:
    """Makes a tower keep only what goes into its blocks, and compute the rest again going back.

    By open_clip's and timm's own switches, which use `use_reentrant=False`: the reentrant kind
    gives no gradient in the pixels alone, and so no inner attack. Raises ModelError for a tower
    without such a switch.
    """
    tower: Any = visual
    if isinstance(visual, VisionTransformer):
        tower.transformer.grad_checkpointing = True
    elif isinstance(visual, TimmModel) and hasattr(tower.trunk, "set_grad_checkpointing"):
        tower.trunk.set_grad_checkpointing(True)
    else:
        raise ModelError(
            f"activation_checkpointing: {type(visual).__name__} cannot do it. Set it to false, "
            "and set `accumulate` instead to need less memory."
        )
