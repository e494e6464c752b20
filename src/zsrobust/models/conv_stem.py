"""A convolutional stem in place of a ViT's patch embedding, for small models of real images.

From few images a small ViT learns far less than convolutions do; behind the stem everything is
open_clip's VisionTransformer as it stands, tokens, pooling and projection included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from zsrobust.errors import ModelError


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around a skip: (B, C, h, w) -> (B, C, h, w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The input plus what the two convolutions make of it."""
        inner = self.act(self.first_norm(self.first(x)))
        out: Tensor = self.act(x + self.second_norm(self.second(inner)))
        return out


class ConvStem(nn.Sequential):
    """Normalised pixels (B, 3, S, S) to a map (B, width, S / 2^n, S / 2^n) over n stages.

    Each stage halves the side by a 3x3 convolution of stride 2, then has residual blocks.
    widths: channels of each stage; the last is the width of the tower. blocks: how many a stage.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        before = 3
        for width, count in zip(widths, blocks, strict=True):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            layers += [ResidualBlock(width) for _ in range(count)]
            before = width
        super().__init__(*layers)


def attach_conv_stem(clip: nn.Module, settings: Mapping[str, Any]) -> None:
    """Replaces the patch embedding `clip.visual.conv1` of an open_clip ViT by a `ConvStem`.

    settings: `widths` and `blocks` of the stem. Raises ModelError where its map would not have
    the tower's width and token grid.
    """
    visual = clip.visual
    if not isinstance(visual, VisionTransformer):
        raise ModelError(f"conv_stem needs a ViT; this tower is {type(visual).__name__}.")
    widths, blocks = list(settings["widths"]), list(settings["blocks"])
    width, stride = visual.conv1.out_channels, visual.conv1.stride[0]
    if widths[-1] != width or 2 ** len(widths) != stride:
        raise ModelError(
            f"conv_stem: widths {widths} must end in the tower's width {width}, and their number "
            f"must halve the side down to its patches of {stride} px."
        )
    visual.conv1 = ConvStem(widths, blocks)
