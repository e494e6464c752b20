"""The resumable state of a training: whole or not at all, whenever a kill comes."""

from __future__ import annotations

import shutil
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zsrobust.errors import RunError
from zsrobust.records.atomic import replacing

FOLDER = "state"
Memory = MutableMapping[tuple[str, str], torch.Tensor]
_PREFIX = "step-"


def save_state(
    out: Path, step: int, visual: nn.Module, optimizer: torch.optim.Optimizer, memory: Memory
) -> None:
    """Writes all that later steps depend on after `step` updates, then removes older states."""
    content = {
        "visual": visual.state_dict(),
        "optimizer": optimizer.state_dict(),
        "memory_keys": list(memory),
        "memory": torch.stack(list(memory.values())) if memory else torch.empty(0),
    }
    with replacing(out / FOLDER / f"{_PREFIX}{step:08d}.pt") as hidden:
        torch.save(content, hidden)
    half_written = (out / FOLDER).glob(f".{_PREFIX}*")
    for older in [*_states(out)[:-1], *half_written]:
        older.unlink()


def finished_updates(out: Path) -> int:
    """How many updates the newest state in `out` had, 0 where there is none."""
    states = _states(out)
    return int(states[-1].stem.removeprefix(_PREFIX)) if states else 0


def load_state(
    out: Path, visual: nn.Module, optimizer: torch.optim.Optimizer, memory: Memory
) -> int:
    """Restores the newest state into its three places; how many updates it had, else 0.

    Raises RunError naming a state that cannot be read.
    """
    states = _states(out)
    if not states:
        return 0
    try:
        content: dict[str, Any] = torch.load(states[-1], weights_only=True, map_location="cpu")
        visual.load_state_dict(content["visual"])
        optimizer.load_state_dict(content["optimizer"])
        memory.update(zip(content["memory_keys"], content["memory"], strict=True))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(
            f"{states[-1]}: cannot be resumed ({reason}). Delete this file to begin again."
        ) from None
    return finished_updates(out)


def drop_states(out: Path) -> None:
    """Removes the states, once the trained model is in place."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _states(out: Path) -> list[Path]:
    return sorted((out / FOLDER).glob(f"{_PREFIX}*.pt"))
