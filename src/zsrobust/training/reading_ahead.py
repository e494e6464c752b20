"""The next batch is read while the present one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def reading_ahead(read: Callable[[int], T], steps: range) -> Iterator[Callable[[int], T]]:
    """A function that gives what `read` gives, for each of `steps` in their order.

    A thread reads the step after the one that was asked for: a GPU need not wait for images to be
    decoded. What reading raises is raised where its step is asked for.
    """
    with ThreadPoolExecutor(1, "reading") as reader:
        coming: dict[int, Future[T]] = {}

        def ask(step: int) -> None:
            if step in steps:
                coming[step] = reader.submit(read, step)

        def share_of(step: int) -> T:
            if step not in coming:
                ask(step)
            ready = coming.pop(step).result()
            ask(step + 1)
            return ready

        yield share_of
