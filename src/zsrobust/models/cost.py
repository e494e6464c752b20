"""What a model costs and what shape it has: from shapes alone, without weights or arithmetic."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from zsrobust.models.build import build_clip
from zsrobust.models.features import gives_patches, image_features

_SCALARS = ("logit_scale", "logit_bias")


@dataclass(frozen=True)
class Cost:
    """Parameters of each tower, and multiply-adds (MACs) of one image and of one prompt.

    Counted are matrix products, convolutions and attention, as `torch.utils.flop_counter` does
    (its figure halved); norms, activations and sums are not. text_macs: at full context length.
    grid: (h, w) of the patch features, None where the tower gives none. embed_dim: of both towers.
    """

    image_parameters: int
    text_parameters: int
    image_macs: int
    text_macs: int
    grid: tuple[int, int] | None
    embed_dim: int


def shell_of_config(config: Mapping[str, Any], where: str) -> nn.Module:
    """The model of an open_clip `model_cfg` on the meta device: shapes, no weights, no downloads.

    Raises ModelError where open_clip cannot build it.
    """
    with torch.device("meta"):
        return build_clip(config, where).eval().requires_grad_(False)


def shell_of(clip: nn.Module) -> nn.Module:
    """A copy of a built model on the meta device; the model stays as it is."""
    memo: dict[int, Any] = {}
    for tensor in (*clip.parameters(), *clip.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = nn.Parameter(empty) if isinstance(tensor, nn.Parameter) else empty
    return copy.deepcopy(clip, memo).eval().requires_grad_(False)


def cost_of(shell: Any, input_shape: tuple[int, int]) -> Cost:
    """The cost of a model that `shell_of` or `shell_of_config` gave, at (h, w) pixels."""
    pixels = torch.empty(1, 3, *input_shape, device="meta")
    tokens = torch.zeros(1, _context_length(shell), dtype=torch.int64, device="meta")
    image = sum(parameter.numel() for parameter in shell.visual.parameters())
    every = sum(parameter.numel() for parameter in shell.parameters())
    scalars = [getattr(shell, name, None) for name in _SCALARS]
    with torch.no_grad():
        pooled = shell.visual(pixels)
        grid = image_features(shell.visual, pixels).grid if gives_patches(shell.visual) else None
        return Cost(
            image_parameters=image,
            text_parameters=every
            - image
            - sum(each.numel() for each in scalars if each is not None),
            image_macs=_macs(lambda: shell.visual(pixels)),
            text_macs=_macs(lambda: shell.encode_text(tokens)),
            grid=grid,
            embed_dim=int(pooled.shape[-1]),
        )


def _context_length(clip: Any) -> int:
    text = getattr(clip, "text", clip)
    return int(getattr(clip, "context_length", None) or text.context_length)


def _macs(forward: Callable[[], Any]) -> int:
    # The fused fast path of nn.MultiheadAttention is not counted: leave it off meanwhile.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            forward()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2
