"""The exponential moving average of what is trained: what is measured and kept instead of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


@dataclass(frozen=True)
class Average:
    """The average of the model's trained tensors, by name; it begins as those that came in.

    decay: the share of the average that is kept at a step, in (0, 1), once warmed up.
    """

    decay: float
    tensors: dict[str, Tensor]

    def update(self, trained: Mapping[str, Tensor], step: int) -> None:
        """Takes in the tensors after step `step`, 0-based."""
        averaged = list(self.tensors.values())
        decay = decay_at(step, self.decay)
        follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        follow(averaged, [trained[name] for name in self.tensors], step)


def begin_average(decay: float | None, trained: Mapping[str, Tensor]) -> Average | None:
    """The average before the first step; None without a decay."""
    if decay is None:
        return None
    return Average(decay, {name: value.clone() for name, value in trained.items()})


def decay_at(step: int, decay: float) -> float:
    """The decay of step `step`, 0-based: min(decay, (1 + step) / (10 + step)).

    Under a constant 0.999 the average of 60 steps would be the model that came in to 94%, that of
    700 to half. Warmed up, it looks back a tenth of the training on average, up to the step from
    which `decay` is the smaller: 8,990 for 0.999.
    """
    return min(decay, (1 + step) / (10 + step))


def average_note(decay: float, steps: int) -> str:
    """What a model card says of weights averaged over `steps` steps."""
    reached = decay_at(steps - 1, decay)
    return (
        f"The trained weights are the exponential moving average of those after each of {steps} "
        f"steps (decay at most {decay:g}, {reached:.4g} at the last), not those of one step."
    )
