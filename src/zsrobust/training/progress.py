"""What a terminal shows of a training: steps, rate, time left, loss terms by name."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from zsrobust.training.log import LogLine
from zsrobust.training.processes import is_first


class Watcher(Protocol):
    """Hears of every step."""

    def __call__(self, line: LogLine) -> None:
        """After the step of `line`."""


@contextmanager
def watching(title: str, steps: int, done: int) -> Iterator[Watcher]:
    """A live line on stderr; where stderr is no terminal, a plain line at every tenth.

    steps: of the whole training, `done` of which an earlier call made. Of several processes the
    first alone shows anything.
    """
    if not is_first():
        yield lambda line: None
        return
    if not sys.stderr.isatty():
        yield _plain(title, steps, done)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=16),
        TextColumn("{task.completed}/{task.total}"), TimeRemainingColumn(),
        TextColumn("{task.fields[terms]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=steps, completed=done, terms="")
        yield lambda line: bars.update(bar, completed=line.step + 1, terms=_terms(line))


def _plain(title: str, steps: int, done: int) -> Watcher:
    begun = time.monotonic()

    def hear(line: LogLine) -> None:
        made = line.step + 1
        if made % max(steps // 10, 1) == 0 or made == steps:
            left = (steps - made) * (time.monotonic() - begun) / (made - done)
            print(f"{title}  {made}/{steps}  {left:.0f} s left  {_terms(line)}", file=sys.stderr)

    return hear


def _terms(line: LogLine) -> str:
    terms = "  ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in line.terms.items())
    return f"{line.images_per_second:.0f} img/s  {terms}"
