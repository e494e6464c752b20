"""How the processes of a launcher become one training, and how it ends if one is lost."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from zsrobust.errors import InputError, LostContactError
from zsrobust.models.load import choose_device
from zsrobust.training.log import logged_steps
from zsrobust.training.processes import asked_processes, waiting_group
from zsrobust.training.state import finished_updates

_TIMEOUT = timedelta(minutes=10)
"""For the processes to meet, and between what two of them do within a step."""
_LAST_WORDS = 5
"""Seconds for what is said of a fault, once the launcher ends a process."""
_SAID = "a fault is said"
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
    if asked_processes() == 1 or dist.is_initialized():
        yield device
        return
    store = _meeting_place()
    voice = _Voice(store)
    with _heeding_the_launcher(voice, out):
        try:
            where = _own_device(device)
            _meet(store, "cpu:gloo,cuda:nccl" if where.startswith("cuda") else "gloo")
            yield where
            dist.destroy_process_group()
        except (Exception, KeyboardInterrupt) as error:
            if not voice.claim():
                raise SystemExit(getattr(error, "exit_code", 1)) from None
            if isinstance(error, LostContactError):
                raise LostContactError(_lost(out)) from None
            raise
        finally:
            waiting_group.cache_clear()


class _Voice:
    """The right to say why a training ended: that of the first of all processes to claim it."""

    def __init__(self, store: Any) -> None:
        self._store, self._lock = store, threading.Lock()
        self.mine: bool | None = None

    def claim(self) -> bool:
        """Whether it is this process's; the answer stays the same."""
        with self._lock:
            if self.mine is None:
                try:
                    self.mine = self._store.add(_SAID, 1) == 1
                except RuntimeError:  # the launcher is gone, and its store with it
                    self.mine = True
            return self.mine


def _meeting_place() -> Any:
    """The store in which all processes of this training can write."""
    try:
        launchers = next(rendezvous("env://", timeout=_TIMEOUT))[0]
    except (ValueError, RuntimeError) as error:
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


@contextmanager
def _heeding_the_launcher(voice: _Voice, out: Path) -> Iterator[None]:
    """SIGTERM, by which a launcher ends the others of a lost process, is told of and obeyed.

    By a thread: the main one may be waiting for a process that is no more. After a fault it stays
    so until the process ends, lest a signal cut off what is said of the fault.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    handler = signal.signal(signal.SIGTERM, lambda *_: None)
    before = signal.set_wakeup_fd(writer)
    threading.Thread(target=_end_on_sigterm, args=(reader, voice, out), daemon=True).start()
    yield
    signal.set_wakeup_fd(before)
    signal.signal(signal.SIGTERM, handler)
    os.close(writer)


def _end_on_sigterm(reader: int, voice: _Voice, out: Path) -> None:
    while heard := os.read(reader, 1):
        if heard[0] != signal.SIGTERM:
            continue
        if voice.mine is not None:
            time.sleep(_LAST_WORDS)
        elif voice.claim():
            print(f"zsrobust: {_ended(out)}", file=sys.stderr, flush=True)
        os._exit(1)
    os.close(reader)


def _lost(out: Path) -> str:
    return f"Lost contact with a training process after step {logged_steps(out)}. {_continues(out)}"


def _ended(out: Path) -> str:
    return (
        f"The launcher ended the training after step {logged_steps(out)}, as it does when a "
        f"process is lost. {_continues(out)}"
    )


def _continues(out: Path) -> str:
    return f"The same command continues from step {finished_updates(out)}."
