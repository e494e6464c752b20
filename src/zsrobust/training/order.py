"""Which images a step sees: a pure function of the step, so that resuming needs no state."""

from __future__ import annotations

from functools import lru_cache

import torch

from zsrobust.randomness import key_seed


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Steps that see every image once; the last batch may be smaller."""
    return -(-count // batch_size)


def images_seen(steps: int, count: int, batch_size: int) -> int:
    """How many images, repetitions included, `steps` steps see."""
    epochs, rest = divmod(steps, steps_per_epoch(count, batch_size))
    return epochs * count + rest * batch_size


def epoch_of(step: int, count: int, batch_size: int) -> int:
    """Which pass over the images a step, 0-based, belongs to, from 0 on."""
    return step // steps_per_epoch(count, batch_size)


def batch_positions(step: int, count: int, batch_size: int, seed: int) -> list[int]:
    """Positions of the images of a step: a slice of its epoch's permutation."""
    epoch, part = divmod(step, steps_per_epoch(count, batch_size))
    order = _permutation(count, seed, epoch)
    positions: list[int] = order[part * batch_size : (part + 1) * batch_size].tolist()
    return positions


@lru_cache(maxsize=2)
def _permutation(count: int, seed: int, epoch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(key_seed("training order", seed, epoch))
    return torch.randperm(count, generator=generator)
