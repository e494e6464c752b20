"""Which attention maps an objective may train: those through which a gradient flows."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from zsrobust.attention.catalogue import MAPS, AttentionMap
from zsrobust.errors import SettingsError
from zsrobust.models.features import ImageFeatures


def check_differentiable(name: str) -> str:
    """`name`, if it is of a map of `attention/` that carries gradient to the patch features.

    Asked of the map itself, on random features. Raises UnknownNameError, or SettingsError with the
    reason: a term of a detached map is a constant, and its weight trains nothing.
    """
    if not carries_gradient(MAPS[name]):
        others = ", ".join(known for known in MAPS if known != name)
        raise SettingsError(
            f"attention = {name}: no gradient passes through this map, so that its terms would be "
            f"constants and train nothing. Choose another: {others}. (What the release trained "
            "with its detached map is target: vision-detached.)"
        )
    return name


def carries_gradient(draw: AttentionMap) -> bool:
    """Whether a map changes with the patch features, by its own gradient on random ones."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(1, 6, 8, generator=generator).requires_grad_()
    text = normalize(torch.randn(1, 8, generator=generator), dim=1)
    with torch.enable_grad():
        drawn = draw(ImageFeatures(patches.mean(1), patches, (2, 3)), text)
        if not drawn.requires_grad:
            return False
        (gradient,) = torch.autograd.grad(drawn.square().sum(), patches, allow_unused=True)
    return gradient is not None and bool(gradient.abs().max() > 0)
