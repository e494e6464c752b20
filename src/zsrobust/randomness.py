"""Where random numbers come from: generators keyed by what they are for, never by order.

A draw depends on its key alone, so order, batch size, resumption and sharding change nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def key_seed(*key: object) -> int:
    """A 63-bit seed from any key, the same on every machine: the head of a sha256.

    >>> key_seed(0, "image-1", "pgd", 0) == key_seed(0, "image-1", "pgd", 0)
    True
    """
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def uniform_noise(
    ids: Sequence[str], shape: tuple[int, ...], *key: object, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Noise uniform in [-1, 1), (len(ids), *shape) float32: row i depends on ids[i] and `key` only.

    Drawn on the CPU and then moved, so that every device sees the same numbers.
    """
    return _rows(ids, shape, key, device, normal=False)


def normal_noise(
    ids: Sequence[str], shape: tuple[int, ...], *key: object, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Standard normal noise, (len(ids), *shape) float32, keyed as `uniform_noise` is."""
    return _rows(ids, shape, key, device, normal=True)


@contextmanager
def seeded(*key: object, device: torch.device | str, wanted: bool = True) -> Iterator[None]:
    """Global generators of torch seeded by `key` inside, then put back; nothing if unwanted."""
    import torch

    if not wanted:
        yield
        return
    cuda = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(key_seed(*key))
        yield


def hash_order(ids: Sequence[str]) -> list[int]:
    """Positions of `ids` by their sha256: the order in which subsets of a dataset nest."""
    digests = [hashlib.sha256(sample_id.encode()).hexdigest() for sample_id in ids]
    return sorted(range(len(ids)), key=lambda i: (digests[i], ids[i]))


def _rows(
    ids: Sequence[str],
    shape: tuple[int, ...],
    key: tuple[object, ...],
    device: torch.device | str,
    normal: bool,
) -> torch.Tensor:
    import torch

    noise = torch.empty((len(ids), *shape))
    for row, sample_id in zip(noise, ids, strict=True):
        generator = torch.Generator().manual_seed(key_seed(sample_id, *key))
        if normal:
            row.normal_(generator=generator)
        else:
            row.uniform_(-1.0, 1.0, generator=generator)
    return noise.to(device)
