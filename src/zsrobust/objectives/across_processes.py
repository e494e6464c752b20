"""A batch that several processes share: what a loss needs of the images that others hold.

Each process has some images of every batch. A mean over images needs nothing of this file: the
training weighs each process's mean by its share. What looks across the batch gathers here first.
Where there is one process, everything is returned as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from zsrobust.errors import LostContactError

_SOURCE = re.compile(r"^\[\S+:\d+\] ")
"""File and line of torch's own source, with which gloo begins."""


@dataclass(frozen=True)
class Place:
    """Where the `count` images of this process lie in a batch of `total`, from `start` on."""

    start: int
    count: int
    total: int

    @property
    def rows(self) -> slice:
        """Of the whole batch: this process's own."""
        return slice(self.start, self.start + self.count)

    @property
    def share(self) -> float:
        """Of the whole batch, in (0, 1]."""
        return self.count / self.total


def process_count() -> int:
    """How many processes train together, 1 where none were joined."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def process_rank() -> int:
    """Which of them this one is, from 0 on."""
    return dist.get_rank() if process_count() > 1 else 0


def place_of(rows: Tensor) -> Place:
    """The place of this process's images, one a row of `rows`, in the batch; processes in order."""
    counts = torch.zeros(process_count(), dtype=torch.int64, device=rows.device)
    counts[process_rank()] = len(rows)
    each = summed(counts).tolist()
    return Place(sum(each[: process_rank()]), len(rows), sum(each))


def gathered(rows: Tensor, place: Place) -> Tensor:
    """The rows of all processes, (count, ...) -> (total, ...).

    With their gradient: what any process's loss asks of a row reaches the process that holds it,
    so that the sum of the processes' losses has the gradient of one process's loss of all rows.
    """
    if process_count() == 1:
        return rows
    whole: Tensor = _Gathered.apply(rows, place)
    return whole


def gathered_words(words: Sequence[str]) -> list[str]:
    """The words of all processes, in the order of `gathered`."""
    if process_count() == 1:
        return list(words)
    lists: list[Any] = [None] * process_count()
    with in_contact():
        dist.all_gather_object(lists, list(words))
    return [word for each in lists for word in each]


def summed(value: Tensor) -> Tensor:
    """The sum of `value` over all processes, without gradient; the same bits in each of them.

    Raises LostContactError where another process is gone.
    """
    if process_count() == 1:
        return value
    whole = value.detach().clone(memory_format=torch.contiguous_format)
    with in_contact():
        dist.all_reduce(whole)
    return whole


@contextmanager
def in_contact() -> Iterator[None]:
    """Says of a failed exchange what it means: another process is gone."""
    try:
        yield
    except RuntimeError as error:
        reason = _SOURCE.sub("", str(error).splitlines()[0]).partition(". ")[0]
        raise LostContactError(f"Lost contact with another process ({reason}).") from None


class _Gathered(torch.autograd.Function):
    """Rows of all processes as a sum of what each holds, zeros elsewhere: exact, sizes uneven."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, place: Place) -> Tensor:
        ctx.rows = place.rows
        whole = rows.new_zeros(place.total, *rows.shape[1:])
        whole[place.rows] = rows
        return summed(whole)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return summed(gradients[0])[ctx.rows], None
