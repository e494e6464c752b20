"""Which blocks of a run a process computes."""

from __future__ import annotations

import re

from zsrobust.attacks.batches import BLOCK
from zsrobust.errors import SettingsError


def block_count(n: int) -> int:
    """How many blocks of 256 consecutive ids n images make."""
    return -(-n // BLOCK)


def my_blocks(n: int, shard: str | None) -> list[int]:
    """The blocks of shard "k/K" (1 <= k <= K): every K-th block from the k-th; None means all.

    >>> my_blocks(1000, "2/3")
    [1]
    """
    every = range(block_count(n))
    if shard is None:
        return list(every)
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(f"shard = {shard!r}: write k/K with 1 <= k <= K, such as 3/16.")
    return list(every[int(match[1]) - 1 :: int(match[2])])
