"""How the processes that a launcher started become one training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from zsrobust.errors import InputError, LostContactError
from zsrobust.models.load import choose_device
from zsrobust.objectives.across_processes import process_count
from zsrobust.training.last_words import (
    Voice,
    heeding_the_launcher,
    leave_the_terminal,
    of_lost_contact,
)
from zsrobust.training.processes import asked_processes, waiting_group

_TIMEOUT = timedelta(minutes=10)
"""For the processes to meet, and between what two of them do within a step."""
_TURNS = count()
"""Trainings of this launch, one after another: each meets in a place of its own."""


@contextmanager
def joined(device: str, out: Path) -> Iterator[str]:
    """The processes that a launcher started, joined inside; gives the device of this one.

    device: `auto` and `cuda` give each process of a machine a GPU of its own. out: the folder of
    the training, which says where a broken one continues. A fault is said by one process alone:
    the others end by SystemExit. One process, or joined ones, stay as they are.
    Raises InputError where the processes do not meet, and LostContactError, which says from which
    step the training continues, where one of them is lost.
    """
    if asked_processes() == 1 or process_count() > 1:
        yield device
        waiting_group.cache_clear()  # whoever joined them may part them
        return
    store = _meeting_place()
    voice = Voice(store)
    with heeding_the_launcher(voice, out):
        try:
            where = _own_device(device)
            _meet(store, "cpu:gloo,cuda:nccl" if where.startswith("cuda") else "gloo")
            yield where
            dist.destroy_process_group()
        except (Exception, KeyboardInterrupt) as error:
            if not voice.claim():
                raise SystemExit(getattr(error, "exit_code", 1)) from None
            if isinstance(error, LostContactError):
                leave_the_terminal()
                raise LostContactError(of_lost_contact(error, out)) from None
            raise
        finally:
            waiting_group.cache_clear()


def _meeting_place() -> Any:
    """The store in which all processes of this training can write."""
    try:
        # Not at the top: a torch that was built without these trains in one process.
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        launchers = next(rendezvous("env://", timeout=_TIMEOUT))[0]
    except (ImportError, ValueError, RuntimeError) as error:
        raise _not_met(error) from None
    return PrefixStore(f"training {next(_TURNS)}", launchers)


def _meet(store: Any, backend: str) -> None:
    """Joins the others, in the group of steps and in that of waiting."""
    rank, world = int(os.environ["RANK"]), asked_processes()
    try:
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=_TIMEOUT)
        waiting_group()
    except (ValueError, RuntimeError) as error:
        raise _not_met(error) from None


def _not_met(error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(
        f"WORLD_SIZE = {asked_processes()}, but the processes do not meet ({reason}). Start them "
        "by torchrun."
    )


def _own_device(device: str) -> str:
    """`cuda:LOCAL_RANK` where GPUs are asked for and there."""
    if device.startswith("cuda:"):
        raise InputError(
            f"device '{device}': each of several processes takes its own GPU. Say cuda."
        )
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return str(choose_device(device))
    local, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if local >= gpus:
        raise InputError(
            f"GPUs here: {gpus}, and process {local} has none. Start at most {gpus} on this "
            "machine, or say --device cpu."
        )
    torch.cuda.set_device(local)
    return f"cuda:{local}"
