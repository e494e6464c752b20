"""Terms of equal pull: a metric or a placebo is compared with another, and its scale is not."""

from __future__ import annotations

import torch
from torch import Tensor

from zsrobust.models.features import ImageFeatures
from zsrobust.objectives.across_processes import place_of, summed


def matched(term: Tensor, reference: Tensor, features: ImageFeatures) -> Tensor:
    """`term` times the number that gives it the gradient norm of `reference`.

    term, reference: scalars that depend on `features`. The norm is that of the gradient in the
    image tower's output, pooled and patches of the whole batch together, that of all processes,
    where every term meets the one tower; so no pass through the tower is spent on it. The number is
    a constant of the step, without gradient; it is 0 where either gradient is 0. The value of the
    term is scaled with it, and is no distance any more.
    """
    share = place_of(features.pooled).share
    own = _pull(term, features, share)
    return term * torch.where(own > 0, _pull(reference, features, share) / own, own)


def _pull(term: Tensor, features: ImageFeatures, share: float) -> Tensor:
    """Norm of a term's gradient in the tower's output, a scalar without gradient.

    term: the mean over this process's images, so that its gradient in the mean over all of them is
    smaller by their share.
    """
    gradients = torch.autograd.grad(
        term, (features.pooled, features.patches), retain_graph=True, allow_unused=True
    )
    reaching = [gradient.flatten() for gradient in gradients if gradient is not None]
    return summed(torch.cat(reaching).square().sum() * share**2).sqrt()
