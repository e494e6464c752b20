"""Progress of a self-check, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stage_progress() -> Iterator[tuple[Callable[[str], None], Callable[[int, int, str], None]]]:
    """What says a line, and a bar moved by `(stages done, in all, name of the next)`.

    The bar leaves no trace at the end; the lines stay.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("calibration", total=None)
        yield (
            lambda text: console.print(text, markup=False),
            lambda done, total, name: bars.update(
                bar, completed=done, total=total, description=name
            ),
        )
