"""What a loaded CLIP-like model is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from zsrobust.models.card import Card


@dataclass(frozen=True, eq=False)
class Model:
    """A CLIP with what it takes to use it: tokenizer, input size, normalisation, card.

    clip: an open_clip model whose `visual` is the image tower and which has `encode_text` and
    `logit_scale` (and a `logit_bias`, SigLIP's). tokenizer: texts -> (N, L) int64.
    image_size: side in pixels of the square images that it is given. mean, std: per channel, of
    pixels in [0, 1].
    config: the open_clip `model_cfg` from which `clip` can be built again. warnings: what must be
    said before any number of it.
    """

    name: str
    clip: nn.Module
    tokenizer: Callable[[Sequence[str]], Tensor]
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    config: Mapping[str, Any]
    source: str
    card: Card | None = field(default=None)
    warnings: tuple[str, ...] = ()

    @property
    def visual(self) -> nn.Module:
        """The image tower."""
        tower: nn.Module = self.clip.visual  # type: ignore[assignment]
        return tower

    @property
    def logit_scale(self) -> float:
        """The model's own scale of cosine logits (100 for OpenAI's CLIP): read, never assumed."""
        return float(self.clip.logit_scale.detach().exp())  # type: ignore[operator]

    @property
    def logit_bias(self) -> float:
        """What is added to scaled cosines (SigLIP's is about -10 to -16); 0 where there is none."""
        bias = getattr(self.clip, "logit_bias", None)
        return 0.0 if bias is None else float(bias.detach())

    @property
    def input_shape(self) -> tuple[int, int]:
        """(h, w) of the tower's input in pixels: (image_size, image_size) unless it is oblong."""
        size = self.config.get("vision_cfg", {}).get("image_size", self.image_size)
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        return int(height), int(width)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.clip.parameters()).device

    def to(self, device: torch.device | str) -> Model:
        """The same model with its weights on `device` (moved in place, as torch does)."""
        self.clip.to(device)
        return self

    def named(self, name: str, card: Card | None) -> Model:
        """The same weights under another name and card."""
        return replace(self, name=name, card=card)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over weights, activation, preprocessing: two models agree iff these do."""
        digest = hashlib.sha256(repr((self.image_size, self.mean, self.std)).encode())
        # QuickGELU has no weights, and makes another model of the same ones.
        digest.update(b"quick_gelu" if self.config.get("quick_gelu") else b"")
        for key, tensor in sorted(self.clip.state_dict().items()):
            digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
