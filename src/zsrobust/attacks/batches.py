"""How a block is cut into batches whose shapes depend on the block alone.

The unit of work is a block of 256 consecutive ids. As images fall out, a batch is refilled from
its own block in a fixed order and padded up to one of a few shapes, so that the same block gives
the same bytes whoever computes it (rounding follows shape, and `sign()` amplifies it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

BLOCK = 256
_EIGHT = 8


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


def width(count: int, batch_size: int, device: torch.device) -> int:
    """To how many rows a batch of `count` is padded: one of few widths, `batch_size` at most.

    On a GPU 8, 16, 32, 64 ...; a CPU pays for every row, so there 1, 2, 4, 8, 16, 24, 32 ...
    Every width costs memory: libraries of convolutions keep a plan for each.
    """
    on_cpu = device.type == "cpu"
    wide = 1 if on_cpu else _EIGHT
    while wide < count:
        wide = wide + _EIGHT if on_cpu and wide >= _EIGHT else 2 * wide
    return min(wide, max(batch_size, count))


def padded(rows: Tensor, wide: int) -> Tensor:
    """`rows` (n, ...) with the first repeated up to `wide` of them."""
    missing = wide - len(rows)
    return torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])]) if missing else rows


def in_batches(function: Callable[[Tensor], Tensor], pixels: Tensor, batch_size: int) -> Tensor:
    """`function` over pixels (n, 3, H, W) in padded batches, rows as if in one call."""
    outputs = []
    for part in torch.split(pixels, batch_size):
        wide = width(len(part), batch_size, part.device)
        outputs.append(function(padded(part, wide))[: len(part)])
    return torch.cat(outputs)
