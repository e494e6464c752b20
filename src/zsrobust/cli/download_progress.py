"""Progress of a download, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def byte_progress() -> Iterator[Callable[[str], Callable[[int, int | None], None]]]:
    """Name of a file -> a bar of its own, which `(bytes there, bytes in all)` moves."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def of_file(name: str) -> Callable[[int, int | None], None]:
            bar = bars.add_task(name, total=None)
            return lambda there, total: bars.update(bar, completed=there, total=total)

        yield of_file
