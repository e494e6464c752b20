"""TensorBoard beside the JSON log, through `accelerate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from zsrobust.errors import InputError

Tracker = Literal["none", "tensorboard"]
Track = Callable[[Mapping[str, float], int], None]
INSTALL = "pip install 'zsrobust[track]'"


def refuse_missing(tracker: Tracker) -> None:
    """Raises InputError where a tracker is asked for whose package is missing."""
    if tracker == "tensorboard" and find_spec("tensorboard") is None:
        raise InputError(f"track: tensorboard needs the package 'tensorboard': {INSTALL}.")


@contextmanager
def tracking(tracker: Tracker, out: Path, first: int) -> Iterator[Track]:
    """A function from named values and their step to `out/tensorboard`; it does nothing for `none`.

    first: the step at which the training (re)starts; what was tracked from there on is superseded.
    """
    if tracker == "none":
        yield lambda values, step: None
        return
    from accelerate.tracking import TensorBoardTracker

    board = TensorBoardTracker("tensorboard", logging_dir=out, purge_step=first or None)
    board.start()
    try:
        yield lambda values, step: board.log(dict(values), step=step)
    finally:
        board.finish()
