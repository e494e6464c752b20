"""How a block is cut into batches whose shapes depend on the block alone.

The unit of work is a block of 256 consecutive ids. As images fall out, a batch is refilled from
its own block in a fixed order and, but for searches on a CPU, which has no use for few shapes,
padded up to the next of 8, 16, 32, 64 ..., so that the same
block gives the same bytes whoever computes it (rounding follows shape, and `sign()` amplifies it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

BLOCK = 256
_SMALLEST = 8


def blocks(count: int) -> Iterator[slice]:
    """Slices of at most `BLOCK` consecutive positions."""
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def in_blocks(pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels and labels in blocks of `BLOCK`, from pairs of batches of any size."""
    pixels: list[Tensor] = []
    labels: list[Tensor] = []
    held = 0
    for some_pixels, some_labels in pairs:
        pixels.append(some_pixels)
        labels.append(some_labels)
        held += len(some_pixels)
        while held >= BLOCK:
            all_pixels, all_labels = torch.cat(pixels), torch.cat(labels)
            yield all_pixels[:BLOCK], all_labels[:BLOCK]
            pixels, labels = [all_pixels[BLOCK:]], [all_labels[BLOCK:]]
            held -= BLOCK
    if held:
        yield torch.cat(pixels), torch.cat(labels)


def padded(positions: Tensor, batch_size: int) -> Tensor:
    """`positions` (n,) with the first repeated up to 8, 16, 32, 64 ... or `batch_size` in all."""
    width = _SMALLEST
    while width < len(positions):
        width *= 2
    width = min(width, max(batch_size, len(positions)))
    return torch.cat([positions, positions[:1].expand(width - len(positions))])


def in_batches(function: Callable[[Tensor], Tensor], pixels: Tensor, batch_size: int) -> Tensor:
    """`function` over pixels (n, 3, H, W) in padded batches, rows as if in one call."""
    outputs = []
    for start in range(0, len(pixels), batch_size):
        positions = torch.arange(start, min(start + batch_size, len(pixels)), device=pixels.device)
        outputs.append(function(pixels[padded(positions, batch_size)])[: len(positions)])
    return torch.cat(outputs)
