"""TensorBoard beside the JSON log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

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
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(out / "tensorboard", purge_step=first or None) as board:
        yield partial(_write, board)


def _write(board: Any, values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        board.add_scalar(name, value, step)
    board.flush()
