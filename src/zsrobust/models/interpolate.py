"""Between a base and the robust model made from it: a straight line through their weights."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from zsrobust.errors import ModelError
from zsrobust.models.model import Model


def check_clean_weight(clean_weight: float) -> None:
    """Raises ModelError unless a share of the base lies in [0, 1]."""
    if not 0 <= clean_weight <= 1:
        raise ModelError(
            f"clean_weight = {clean_weight:g}: the share of the base lies in [0, 1]. "
            "0.7 is 70 % base, 30 % robust."
        )


@torch.no_grad()
def interpolate(base: Model, robust: Model, clean_weight: float) -> Model:
    """The model whose weights are `clean_weight` * base + (1 - clean_weight) * robust.

    0 gives the robust model, 1 the base; batch statistics are averaged like weights, integers are
    the robust model's. The releases mean opposite things by one number: TeCoA's script mixes
    (1 - a) clean + a robust, RobustVLM's eval_utils (1 - b) robust + b clean, and its cli b robust
    + (1 - b) clean. Here the number is always the clean model's share.
    Raises ModelError where it is outside [0, 1] or the two have other weights.
    """
    check_clean_weight(clean_weight)
    theirs, ours = base.clip.state_dict(), robust.clip.state_dict()
    odd = sorted(set(theirs) ^ set(ours))
    odd += [key for key in ours if key in theirs and theirs[key].shape != ours[key].shape]
    if odd:
        raise ModelError(
            f"{robust.name} cannot be mixed with {base.name}: '{odd[0]}' is not the same in both."
        )
    mixed = {
        key: torch.lerp(value.float(), theirs[key].to(value.device).float(), clean_weight)
        if value.is_floating_point()
        else value
        for key, value in ours.items()
    }
    clip = copy.deepcopy(robust.clip)
    clip.load_state_dict(mixed)
    return replace(
        robust,
        clip=clip.eval(),
        name=f"{robust.name}-clean-{clean_weight:g}",
        source=f"{100 * clean_weight:g} % {base.source}, the rest {robust.source}",
        card=None,
    )
