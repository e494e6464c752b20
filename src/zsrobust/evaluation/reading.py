"""A block's images brought into memory; what becomes of one that cannot be decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.batches import BLOCK
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import Resolution, read_pixels
from zsrobust.errors import UnreadableImageError
from zsrobust.records.unreadable import Unreadable

OnUnreadable = Literal["stop", "record"]


@dataclass(frozen=True)
class ReadBlock:
    """The images of a block that can be read, and those that cannot.

    pixels: (n, 3, H, W), None where none can be read. labels: (n,) int64, or None.
    """

    ids: list[str]
    pixels: Tensor | None
    labels: Tensor | None
    unreadable: tuple[Unreadable, ...]


def read_block(
    images: Dataset, block: int, resolution: Resolution, on_unreadable: OnUnreadable
) -> ReadBlock:
    """The block's images at a resolution.

    Raises UnreadableImageError for one that cannot be decoded, unless such are to be recorded.
    """
    end = min((block + 1) * BLOCK, len(images))
    positions: Sequence[int] = range(block * BLOCK, end)
    faults: list[Unreadable] = []
    pixels: Tensor | None
    try:
        pixels = read_pixels(images, positions, resolution)
    except UnreadableImageError as error:
        if on_unreadable == "stop":
            raise UnreadableImageError(
                f"{error} Or leave such images out of the numbers: --unreadable record."
            ) from None
        positions, faults = _sorted_out(images, positions)
        pixels = read_pixels(images, positions, resolution) if positions else None
    labels = None
    if images.labels is not None:
        labels = torch.tensor([images.labels[at] for at in positions], dtype=torch.int64)
    return ReadBlock([images.ids[at] for at in positions], pixels, labels, tuple(faults))


def _sorted_out(images: Dataset, positions: Sequence[int]) -> tuple[list[int], list[Unreadable]]:
    """The positions that can be read, and the images that cannot."""
    good, faults = [], []
    for at in positions:
        try:
            images.read(at)
        except UnreadableImageError as error:
            faults.append(Unreadable(id=images.ids[at], reason=str(error)))
        else:
            good.append(at)
    return good, faults
