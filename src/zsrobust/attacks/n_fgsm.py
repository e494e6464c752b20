"""N-FGSM (de Jorge et al., NeurIPS 2022): one step from noise that may leave the ball."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from zsrobust.attacks.looking import pixel_gradient
from zsrobust.attacks.losses import ImageLoss
from zsrobust.randomness import uniform_noise


def n_fgsm(
    loss: ImageLoss,
    clean: Tensor,
    ids: Sequence[str],
    *key: object,
    eps: float,
    noise: float,
    step_size: float,
) -> Tensor:
    """Noisy single-step adversarial pixels (B, 3, H, W), L-inf: for training, never for measuring.

    x + eta + step_size * sign(grad loss(x + eta)), eta uniform in [-noise * eps, noise * eps].
    Clipped to the box [0, 1] and not to the ball, as the paper and its release: a pixel may move by
    noise * eps + step_size. ids and `key` name each image's noise.
    """
    eta = uniform_noise(ids, tuple(clean.shape[1:]), *key, device=clean.device) * (noise * eps)
    noisy = (clean + eta).clamp_(0.0, 1.0)
    return (noisy + step_size * pixel_gradient(loss, noisy).sign()).clamp_(0.0, 1.0)
