"""What is said, by one process for all, when a training of several processes breaks."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zsrobust.training.log import logged_steps
from zsrobust.training.state import finished_updates

_WAIT = 5
"""Seconds for what is said of a fault, once the launcher ends a process."""
_SAID = "a fault is said"


class Voice:
    """The right to say why a training ended: that of the first of all processes to claim it.

    store: a torch.distributed.Store in which all of them can write.
    """

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


def of_lost_contact(reason: object, out: Path) -> str:
    """What is said where the others cannot be reached. reason: a sentence."""
    return f"After step {logged_steps(out)}: {reason} {_continues(out)}"


def leave_the_terminal() -> None:
    """Begins a new line and shows the cursor, which a live line that was cut off has hidden."""
    if sys.stderr.isatty():
        print("\033[?25h", file=sys.stderr, flush=True)


@contextmanager
def heeding_the_launcher(voice: Voice, out: Path) -> Iterator[None]:
    """SIGTERM, by which a launcher ends the others of a lost process, is told of and obeyed.

    By a thread: the main one may be waiting for a process that is no more. After a fault it stays
    so until the process ends, lest a signal cut off what is said of the fault. Outside the main
    thread, where Python takes no signals, nothing is changed.
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


def _end_on_sigterm(reader: int, voice: Voice, out: Path) -> None:
    while heard := os.read(reader, 1):
        if heard[0] != signal.SIGTERM:
            continue
        leave_the_terminal()
        if voice.mine is not None:
            time.sleep(_WAIT)
        elif voice.claim():
            print(f"zsrobust: {_of_the_launcher(out)}", file=sys.stderr, flush=True)
        os._exit(1)
    os.close(reader)


def _of_the_launcher(out: Path) -> str:
    return (
        f"The launcher ended the training after step {logged_steps(out)}, as it does when a "
        f"process is lost. {_continues(out)}"
    )


def _continues(out: Path) -> str:
    return f"The same command continues from step {finished_updates(out)}."
