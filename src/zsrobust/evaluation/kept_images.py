"""Which adversarial pixels a run keeps: `adversarial/part-*.safetensors`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from torch import Tensor

from zsrobust.attacks.batches import BLOCK

KeepImages = Literal["none", "64", "all"]


def keep_images(
    folder: Path,
    block: int,
    ids: Sequence[str],
    adversarial: Mapping[str, Tensor],
    keep: KeepImages,
) -> None:
    """Writes a block's adversarial pixels, fp32, whole or not at all.

    adversarial: radius as written -> (n, 3, H, W). keep: those of the first 64 ids of the run, of
    all, or none. The file's metadata holds the ids, in order.
    """
    from safetensors.torch import save_file

    count = {"none": 0, "all": len(ids), "64": min(max(64 - block * BLOCK, 0), len(ids))}[keep]
    if not count or not adversarial:
        return
    place = folder / "adversarial"
    place.mkdir(parents=True, exist_ok=True)
    name = f"part-{block:05d}.safetensors"
    tensors = {eps: pixels[:count].contiguous() for eps, pixels in adversarial.items()}
    save_file(tensors, place / f".{name}", metadata={"ids": json.dumps(list(ids[:count]))})
    os.replace(place / f".{name}", place / name)
