"""The arithmetic of a training step: fp32, TF32, or the tower in bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

Precision = Literal["fp32", "tf32", "bf16"]
"""`tf32`: matrix products and convolutions of a GPU in TF32; elsewhere it is fp32. `bf16`: the
tower's forward under autocast; its weights, embeddings, losses and updates stay fp32."""


@contextmanager
def in_precision(visual: nn.Module, precision: Precision) -> Iterator[None]:
    """The image tower computes in `precision` inside, and as before afterwards."""
    if precision == "tf32":
        with _tf32():
            yield
        return
    plain = type(visual)
    if precision == "bf16":
        visual.__class__ = _halved(plain)
    try:
        yield
    finally:
        visual.__class__ = plain


class _InBfloat16(nn.Module):
    """Both forwards of a tower under autocast, what they return in fp32.

    A class and not a wrapper: the tower stays what `isinstance` and its copies say it is. Casts of
    weights are not cached, so that no forward without a graph hands its casts to one with.
    """

    def forward(self, pixels: Tensor) -> Any:
        with torch.autocast(pixels.device.type, dtype=torch.bfloat16, cache_enabled=False):
            found = super().forward(pixels)
        return _full(found)

    def forward_intermediates(self, pixels: Tensor, *args: Any, **options: Any) -> Any:
        with torch.autocast(pixels.device.type, dtype=torch.bfloat16, cache_enabled=False):
            found = super().forward_intermediates(pixels, *args, **options)  # type: ignore[misc]
        return _full(found)


def _halved(tower: type[nn.Module]) -> type[nn.Module]:
    return type(tower.__name__, (_InBfloat16, tower), {})


def _full(found: Any) -> Any:
    if isinstance(found, Tensor):
        return found.float()
    if isinstance(found, dict):
        return {key: _full(value) for key, value in found.items()}
    return type(found)(_full(value) for value in found)


@contextmanager
def _tf32() -> Iterator[None]:
    cudnn, cuda = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, cuda.allow_tf32
    cudnn.allow_tf32 = cuda.allow_tf32 = True
    try:
        yield
    finally:
        cudnn.allow_tf32, cuda.allow_tf32 = before
