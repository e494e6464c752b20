"""What the reference attacks share: one image, what was found for it, its ball and its draws.

`zsrobust verify` sets attacks written as their papers state them against the engine: slow, plain,
one image at a time, every step taken, nothing dropped, each formula written out again. Shared with
the engine are only the classifier and the random numbers (`zsrobust.randomness`): the same draws,
keyed by sample id and (seed, attack, round), so that both start at the same points and try the same
squares.

An image is a (3, H, W) tensor in [0, 1]; logits are (C,).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.randomness import key_seed, normal_noise, uniform_noise
from zsrobust.threat_model import ThreatModel

TINY = 1e-12
ROUNDING = 1e-6


@dataclass(frozen=True)
class Victim:
    """One image, what is to be fooled, and how far the attacker may go.

    model: pixels (1, 3, H, W) -> logits (1, C). clean: (3, H, W). ranking: the classes by clean
    logit, best first. sample_id and seed name its random numbers.
    """

    model: Callable[[Tensor], Tensor]
    clean: Tensor
    label: int
    ranking: tuple[int, ...]
    sample_id: str
    threat: ThreatModel
    seed: int


@dataclass(frozen=True)
class Found:
    """The worst of the points seen: whether any was misclassified, the highest margin, and where.

    A misclassified point is worse than any other; then the margin decides.
    """

    fooled: bool
    margin: float
    pixels: Tensor

    def or_worse(self, victim: Victim, pixels: Tensor, logits: Tensor) -> Found:
        """The worse of the two: what stood, and the point just seen, if inside the ball."""
        if (
            length(victim, pixels - victim.clean)
            > victim.threat.eps * (1 + 10 * ROUNDING) + ROUNDING
        ):
            return self
        fooled = int(logits.argmax()) != victim.label
        margin = float(loss_of("margin", logits, victim.label))
        worse = (fooled, margin) > (self.fooled, self.margin)
        return Found(fooled, margin, pixels) if worse else self


def meet(
    model: Callable[[Tensor], Tensor],
    clean: Tensor,
    label: int,
    sample_id: str,
    threat: ThreatModel,
    seed: int,
) -> tuple[Victim, Found]:
    """The victim, its classes ranked by its clean logits, and what the clean image alone says."""
    with torch.no_grad():
        logits = model(clean[None])[0]
    ranking = tuple(logits.sort(descending=True, stable=True).indices.tolist())
    victim = Victim(model, clean, label, ranking, sample_id, threat, seed)
    return victim, nothing(victim).or_worse(victim, clean, logits)


def nothing(victim: Victim) -> Found:
    """Before any point was seen."""
    return Found(False, -math.inf, victim.clean)


def loss_of(loss: str, logits: Tensor, label: int, target: int = -1) -> Tensor:
    """What an attack maximises, a scalar; `target` is for the targeted losses alone.

    The ratios are those of Croce and Hein (ICML 2020, equations 6 and 7).
    """
    true, best = logits[label], logits.sort(descending=True).values
    wrong = torch.cat([logits[:label], logits[label + 1 :]]).max()
    if loss == "cross-entropy":
        return logits.logsumexp(0) - true
    if loss == "margin":
        return wrong - true
    if loss == "dlr":
        return (wrong - true) / (best[0] - best[2] + TINY)
    if loss == "targeted-margin":
        return logits[target] - true
    if loss == "targeted-dlr":
        return (logits[target] - true) / (best[0] - (best[2] + best[3]) / 2 + TINY)
    raise ValueError(f"no loss '{loss}'")


def random_point(victim: Victim, name: str, turn: int) -> Tensor:
    """A uniform point of the ball, clipped to the box."""
    threat, key = victim.threat, (victim.seed, name, turn)
    if threat.norm == "linf":
        return project(victim, victim.clean + threat.eps * uniform(victim, None, name, turn))
    draw = key_seed(victim.sample_id, *key, "radius") / 2.0**63
    radius = threat.eps * draw ** (1 / victim.clean.numel())
    noise = normal(victim, name, turn)
    return project(victim, victim.clean + radius * noise / euclidean(noise))


def point_of_the_sphere(victim: Victim, name: str, turn: int) -> Tensor:
    """Noise (uniform for L-inf, normal for L2) made exactly eps long, clipped to the box."""
    linf = victim.threat.norm == "linf"
    noise = uniform(victim, None, name, turn) if linf else normal(victim, name, turn)
    return project(victim, victim.clean + victim.threat.eps / length(victim, noise) * noise)


def project(victim: Victim, x: Tensor) -> Tensor:
    """Into the ball around the clean image, then into the box."""
    clean, eps = victim.clean, victim.threat.eps
    if victim.threat.norm == "linf":
        x = torch.minimum(torch.maximum(x, clean - eps), clean + eps)
    elif (away := euclidean(x - clean)) > eps:
        x = clean + (x - clean) * (eps / away)
    return x.clamp(0, 1)


def direction(victim: Victim, gradient: Tensor) -> Tensor:
    """The steepest way up of length one: the gradient's sign, or the gradient over its length."""
    if victim.threat.norm == "linf":
        return gradient.sign()
    return gradient / max(euclidean(gradient), TINY)


def differentiate(
    victim: Victim, x: Tensor, loss: str, target: int = -1
) -> tuple[Tensor, float, Tensor]:
    """Logits, the loss, and its gradient in the pixels."""
    x = x.detach().requires_grad_()
    logits = victim.model(x[None])[0]
    value = loss_of(loss, logits, victim.label, target)
    (gradient,) = torch.autograd.grad(value, x)
    return logits.detach(), float(value.detach()), gradient


def logits_of(victim: Victim, x: Tensor) -> Tensor:
    """The model's logits (C,) of one image."""
    with torch.no_grad():
        return victim.model(x[None])[0]


def uniform(
    victim: Victim, shape: tuple[int, ...] | None, name: str, turn: int, *more: str
) -> Tensor:
    """Draws in [-1, 1) of a shape (None: the image's), for one round of an attack."""
    shape = tuple(victim.clean.shape) if shape is None else shape
    key = (victim.seed, name, turn, *more)
    return uniform_noise([victim.sample_id], shape, *key, device=victim.clean.device)[0]


def normal(victim: Victim, name: str, turn: int) -> Tensor:
    """Standard normal draws of the image's shape, for one round of an attack."""
    key = (victim.seed, name, turn)
    shape, device = tuple(victim.clean.shape), victim.clean.device
    return normal_noise([victim.sample_id], shape, *key, device=device)[0]


def signs_of(draws: Tensor) -> Tensor:
    """-1 where a draw is negative, else 1."""
    return torch.where(draws < 0, -1.0, 1.0)


def length(victim: Victim, delta: Tensor) -> float:
    """In the norm of the threat model."""
    return float(delta.abs().max()) if victim.threat.norm == "linf" else euclidean(delta)


def euclidean(delta: Tensor) -> float:
    """The Euclidean length."""
    return float(delta.square().sum().sqrt())


def channel_norms(delta: Tensor) -> Tensor:
    """The Euclidean length of each channel, (3, 1, 1)."""
    return delta.square().sum((1, 2), keepdim=True).sqrt().clamp_min(TINY)
