"""Images and maps as arrays, so that a report can be drawn without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from zsrobust.explain.attention_shift import AttentionShift, share_in_mask
from zsrobust.records.atomic import replacing

SHOWN = 8
FILE_NAME = "attention.npz"


def attention_file(run: Path) -> Path:
    """Where a run folder keeps its saved attention."""
    return run / "figures" / FILE_NAME


def save_attention(
    run: Path,
    shift: AttentionShift,
    ids: Sequence[str],
    labels: Sequence[int],
    class_names: Sequence[str],
) -> Path:
    """Writes `figures/attention.npz` into a run folder, whole or not at all; returns its path.

    Pictures and maps of the first 8 images; shift and shares in the mask of all of them.
    """
    arrays = {
        "ids": np.array(list(ids)),
        "labels": np.array(list(labels), dtype=np.int64),
        "class_names": np.array(list(class_names)),
        "images": _pictures(shift.pixels[:SHOWN]),
        "adversarial": _pictures(shift.adversarial[:SHOWN]),
        "maps_clean": shift.maps_clean[:SHOWN].numpy(),
        "maps_adversarial": shift.maps_adversarial[:SHOWN].numpy(),
        "predictions_clean": shift.predictions_clean[:SHOWN].numpy(),
        "predictions_adversarial": shift.predictions_adversarial[:SHOWN].numpy(),
        "shift_adversarial": shift.shift_adversarial.numpy(),
        "shift_noise": shift.shift_noise.numpy(),
        "eps_text": np.array(shift.eps_text),
        "attack": np.array(shift.attack),
    }
    if shift.masks is not None:
        arrays |= {
            "masks": shift.masks[:SHOWN].numpy(),
            "mask_share": shift.masks.float().mean((1, 2)).numpy(),
            "in_mask_clean": share_in_mask(shift.maps_clean, shift.masks).numpy(),
            "in_mask_adversarial": share_in_mask(shift.maps_adversarial, shift.masks).numpy(),
            "in_mask_noise": share_in_mask(shift.maps_noise, shift.masks).numpy(),
        }
    path = attention_file(run)
    with replacing(path) as partial:
        np.savez_compressed(partial, allow_pickle=False, **arrays)
    return path


def _pictures(pixels: Tensor) -> np.ndarray:
    """Pixels (k, 3, H, W) in [0, 1] as pictures (k, H, W, 3) uint8."""
    pictures: np.ndarray = (pixels * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return pictures
