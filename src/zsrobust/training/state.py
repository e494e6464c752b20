"""The resumable state of a training: whole or not at all, whenever a kill comes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zsrobust.errors import RunError

FOLDER = "state"


def save_state(out: Path, step: int, visual: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Writes weights and optimiser after `step` updates, then removes the state before it."""
    place = out / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    name = f"step-{step:08d}.pt"
    partial = place / f".{name}"
    content = {"step": step, "visual": visual.state_dict(), "optimizer": optimizer.state_dict()}
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, place / name)
    for older in _states(out)[:-1]:
        older.unlink()


def load_state(out: Path, visual: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restores the newest state into `visual` and `optimizer`; how many updates it had, else 0.

    Raises RunError naming a state that cannot be read.
    """
    states = _states(out)
    if not states:
        return 0
    try:
        content: dict[str, Any] = torch.load(states[-1], weights_only=True, map_location="cpu")
        visual.load_state_dict(content["visual"])
        optimizer.load_state_dict(content["optimizer"])
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{states[-1]}: cannot be resumed ({reason}). Delete {out}.") from None
    return int(content["step"])


def drop_states(out: Path) -> None:
    """Removes the states, once the trained model is in place."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _states(out: Path) -> list[Path]:
    return sorted((out / FOLDER).glob("step-*.pt"))
