"""Putting weights where they belong, or saying in one message why they do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from zsrobust.errors import ModelError
from zsrobust.models.checkpoint_base import fitting_architectures
from zsrobust.models.checkpoint_parts import under

_SHOWN = 3


def load_fitting(module: nn.Module, state: Mapping[str, Tensor], where: str, base: str) -> None:
    """Loads weights into a module of the base, as fp32, every key and every shape matching.

    where: file and container, for the ModelError that names what is missing, unexpected, of other
    shape or not finite, and which architectures would fit. Shapes are compared before anything
    is copied, so that a forged one costs no memory.
    """
    there = module.state_dict()
    faults = _faults(there, state)
    if faults:
        tower = under(state, "visual.") or state
        fitting = fitting_architectures(tower)
        hint = f" Architectures that fit: {', '.join(fitting)}." if fitting else ""
        raise ModelError(f"{where} does not fit {base}: {'; '.join(faults)}.{hint}")
    for key, value in state.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ModelError(f"{where}: '{key}' holds NaN or infinite weights.")
    module.load_state_dict({key: value.to(there[key].dtype) for key, value in state.items()})


def nearness(state: Mapping[str, Tensor], tower: nn.Module) -> float | None:
    """Cosine between a tower's weight matrices and another's, over those of one shape.

    1 for equal weights, about 0 for towers trained apart; None where no shapes agree.
    """
    there = tower.state_dict()
    pairs = [
        (value.float().flatten(), there[key].cpu().float().flatten())
        for key, value in state.items()
        if value.ndim > 1 and key in there and value.shape == there[key].shape
    ]
    if not pairs:
        return None
    ours, theirs = (torch.cat(side) for side in zip(*pairs, strict=True))
    return float(cosine_similarity(ours, theirs, dim=0))


def _faults(there: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    wrong = [
        f"'{key}' is {tuple(state[key].shape)} in the file, {tuple(there[key].shape)} in the base"
        for key in there
        if key in state and state[key].shape != there[key].shape
    ]
    faults = [*wrong[:_SHOWN]]
    if len(wrong) > _SHOWN:
        faults.append(f"and {len(wrong) - _SHOWN} more of other shape")
    for word, keys in (
        ("missing", [key for key in there if key not in state]),
        ("unexpected", [key for key in state if key not in there]),
    ):
        if keys:
            faults.append(f"{word} {_some(keys)}")
    return faults


def _some(keys: Sequence[str]) -> str:
    shown = ", ".join(f"'{key}'" for key in keys[:_SHOWN])
    return shown if len(keys) <= _SHOWN else f"{shown} and {len(keys) - _SHOWN} more"
