"""The set an attacker may search: the ball around a clean image, inside the box [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zsrobust.randomness import key_seed, normal_noise, uniform_noise
from zsrobust.threat_model import ThreatModel

_TINY = 1e-12


def project(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    """The nearest allowed pixels: into the ball, then into the box. Shapes (B, 3, H, W).

    Clipping to the box after the ball keeps both, since the clean image lies in the box.
    """
    delta = pixels - clean
    if threat.norm == "linf":
        delta.clamp_(-threat.eps, threat.eps)
    else:
        delta.mul_((threat.eps / _lengths(delta).clamp_min(_TINY)).clamp_max(1.0))
    return delta.add_(clean).clamp_(0.0, 1.0)


def distance(pixels: Tensor, clean: Tensor, threat: ThreatModel) -> Tensor:
    """How far pixels lie from the clean image in the norm of the threat model, (B,)."""
    delta = (pixels - clean).flatten(1)
    return delta.abs().amax(1) if threat.norm == "linf" else torch.linalg.vector_norm(delta, dim=1)


def random_start(clean: Tensor, ids: Sequence[str], threat: ThreatModel, *key: object) -> Tensor:
    """A uniform random point of the ball, clipped to the box, keyed by sample id and `key`.

    L-inf: each element uniform in [-eps, eps]. L2: a random direction of length eps * U^(1/d).
    """
    shape = tuple(clean.shape[1:])
    if threat.norm == "linf":
        delta = uniform_noise(ids, shape, *key, device=clean.device) * threat.eps
    else:
        noise = normal_noise(ids, shape, *key, device=clean.device)
        radii = torch.tensor([_unit_draw(sample, *key) for sample in ids], device=clean.device)
        radii = threat.eps * radii ** (1 / clean[0].numel()) if len(ids) else radii
        delta = noise / _lengths(noise).clamp_min(_TINY) * radii.view(-1, 1, 1, 1)
    return project(clean + delta, clean, threat)


def on_the_sphere(clean: Tensor, ids: Sequence[str], threat: ThreatModel, *key: object) -> Tensor:
    """A random point at distance eps, clipped to the box: noise scaled to that length.

    Uniform noise for L-inf, so that its largest element is eps; normal noise for L2.
    """
    shape = tuple(clean.shape[1:])
    if threat.norm == "linf":
        noise = uniform_noise(ids, shape, *key, device=clean.device)
        lengths = noise.flatten(1).abs().amax(1).view(-1, 1, 1, 1)
    else:
        noise = normal_noise(ids, shape, *key, device=clean.device)
        lengths = _lengths(noise)
    return project(clean + noise * (threat.eps / lengths.clamp_min(_TINY)), clean, threat)


def ascend(
    pixels: Tensor, gradient: Tensor, clean: Tensor, threat: ThreatModel, step: float | Tensor
) -> Tensor:
    """One projected step up the gradient: its sign for L-inf, its direction for L2.

    step: a length, or one an image (B, 1, 1, 1). A zero gradient moves nothing.
    """
    if threat.norm == "linf":
        direction = gradient.sign()
    else:
        direction = gradient / _lengths(gradient).clamp_min(_TINY)
    return project(direction.mul_(step).add_(pixels), clean, threat)


def _lengths(delta: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1)
    return lengths.view(-1, 1, 1, 1)


def _unit_draw(*key: object) -> float:
    return key_seed(*key, "radius") / 2.0**63
