"""One forward of an image tower: the pooled embedding and the projected patch tokens."""

from __future__ import annotations

from typing import NamedTuple

from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from zsrobust.errors import ModelError


class ImageFeatures(NamedTuple):
    """What an image tower says of a batch, in the space of the text embeddings, not normalised.

    pooled: (B, D). patches: (B, N, D), row-major over the grid. grid: (h, w) with h * w = N.
    """

    pooled: Tensor
    patches: Tensor
    grid: tuple[int, int]


def gives_patches(visual: nn.Module) -> bool:
    """Whether projected patch tokens of this tower lie in the space of its text embeddings.

    So it is for a CLS-pooled ViT with a projection: CLS after it is the image embedding itself.
    """
    return (
        isinstance(visual, VisionTransformer)
        and visual.pool_type == "tok"
        and visual.proj is not None
        and visual.attn_pool is None
        and not visual.final_ln_after_pool
    )


def image_features(visual: nn.Module, pixels: Tensor) -> ImageFeatures:
    """Pooled and projected patch features of normalised pixels (B, 3, S, S), from one forward.

    Raises ModelError where the tower has no projected patch tokens.
    """
    if not gives_patches(visual):
        raise ModelError(
            f"{type(visual).__name__} gives no patch tokens in the space of its text embeddings: "
            "attention maps and TGA-ZSR need a CLS-pooled ViT. Attacks and TeCoA work with it."
        )
    out = visual.forward_intermediates(  # type: ignore[operator]
        pixels,
        indices=1,
        normalize_intermediates=True,
        output_fmt="NLC",
        output_extra_tokens=True,
    )
    patches = out["image_intermediates"][-1] @ visual.proj
    height, width = visual.grid_size  # type: ignore[misc]
    return ImageFeatures(out["image_features"], patches, (int(height), int(width)))
