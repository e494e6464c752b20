"""Progress of an evaluation or of a search, on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def block_progress(title: str, unit: str = "blocks") -> Iterator[Callable[[int, int], None]]:
    """A bar that a callback `(units done, units in all)` moves; it leaves no trace at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed}}/{{task.total}} {unit}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


def time_left() -> Callable[[int], str]:
    """A function that is called after each of several equal parts, with how many are to come.

    It says how long they take by the mean of those before; nothing where none is to come.
    """
    begun, done = time.monotonic(), 0

    def said(to_come: int) -> str:
        nonlocal done
        done += 1
        seconds = (time.monotonic() - begun) / done * to_come
        if not to_come:
            return ""
        shown = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
        return f"; about {shown} to go"

    return said
