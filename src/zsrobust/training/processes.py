"""What several processes that train together do in common: parts, sums, and waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from zsrobust.errors import InputError, RunError
from zsrobust.objectives.across_processes import in_contact, process_count, process_rank

_LONGEST_WAIT = timedelta(days=1)
"""For what the first process does alone (a validation, a cache): a lost one is noticed at once."""


def asked_processes() -> int:
    """How many processes the launcher started, by WORLD_SIZE; raises InputError for no number."""
    asked = os.environ.get("WORLD_SIZE", "1")
    if not asked.isdecimal() or int(asked) < 1:
        raise InputError(f"WORLD_SIZE = '{asked}' is no number of processes. Unset it.")
    return int(asked)


def refuse_unjoined() -> None:
    """Raises InputError where a launcher asked for several processes and they have not met.

    Each would train by itself and write the same folder.
    """
    if (asked := asked_processes()) != process_count():
        raise InputError(
            f"WORLD_SIZE = {asked}, and {process_count()} of them trains here. Several processes "
            "train by `torchrun -m zsrobust train` or zsrobust.finetune; one alone without a "
            "launcher."
        )


def started_first() -> bool:
    """Whether this process is the launcher's first, or the only one; needs no meeting."""
    return asked_processes() == 1 or os.environ.get("RANK") == "0"


def is_first() -> bool:
    """Whether this process is the one that writes, reports and validates."""
    return process_rank() == 0


@cache
def waiting_group() -> Any:
    """The group in which processes wait and exchange what is no gradient, on CPUs."""
    return dist.new_group(backend="gloo", timeout=_LONGEST_WAIT)


def wait_for_all() -> None:
    """Returns once all processes are here."""
    if process_count() > 1:
        with in_contact():
            dist.barrier(group=waiting_group())


@contextmanager
def first_alone() -> Iterator[None]:
    """The first process does what is inside, then the others: they find what it wrote."""
    if not is_first():
        wait_for_all()
    yield
    if is_first():
        wait_for_all()


def own_part(positions: Sequence[int]) -> tuple[int, Sequence[int]]:
    """Where the part of a batch that this process has begins, and the part.

    All parts in order are the batch. They are as even as can be: where it does not divide, the
    earlier ones have one more, and of a batch smaller than the number of processes the later ones
    have nothing.
    """
    each, more = divmod(len(positions), process_count())
    rank = process_rank()
    start = rank * each + min(rank, more)
    return start, positions[start : start + each + (rank < more)]


def sum_gradients(optimizer: torch.optim.Optimizer) -> None:
    """Makes each gradient that of all processes together; one that nobody has stays None.

    One exchange for all, so that a process without an image of this batch takes part in it.
    """
    if process_count() == 1:
        return
    trained = [each for group in optimizer.param_groups for each in group["params"]]
    present = trained[0].new_tensor([each.grad is not None for each in trained])
    gradients = [_gradient(each).flatten() for each in trained]
    whole = torch.cat([present, *gradients])
    with in_contact():
        dist.all_reduce(whole)
    parts = torch.split(whole[len(trained) :], [each.numel() for each in trained])
    for each, part, count in zip(trained, parts, whole[: len(trained)].tolist(), strict=True):
        each.grad = part.view_as(each).to(each.dtype) if count else None


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def sum_numbers(*tables: Mapping[str, float]) -> list[dict[str, float]]:
    """Tables of numbers by name, each number summed over the processes that have it."""
    whole: list[dict[str, float]] = [{} for _ in tables]
    for theirs in _exchanged([dict(table) for table in tables]):
        for table, numbers in zip(whole, theirs, strict=True):
            for name, number in numbers.items():
                table[name] = table.get(name, 0.0) + number
    return whole


def refuse_difference(what: str, value: object) -> None:
    """Raises RunError where processes that must agree on `value` do not."""
    values = _exchanged(value)
    odd = next((rank for rank, each in enumerate(values) if each != values[0]), None)
    if odd is not None:
        raise RunError(
            f"{what}: {values[0]} in process 0, {values[odd]} in process {odd}. All must be "
            "started by the same command and see the same folders."
        )


def _exchanged(value: Any) -> list[Any]:
    """What each process has, in their order."""
    if process_count() == 1:
        return [value]
    values: list[Any] = [None] * process_count()
    with in_contact():
        dist.all_gather_object(values, value, group=waiting_group())
    return values
