"""How far attention moves under attack, beside a control of random noise of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, cosine_similarity

from zsrobust.attacks.ball import project
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attention.attention_map import attention_map
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.randomness import uniform_noise
from zsrobust.threat_model import ThreatModel, format_eps

MEASURE = PGD("pgd-ce-20", iterate="last")
"""Every image and model gets the same 20 steps: survivors-only would make a fooled image look as
if its attention had moved little."""


@dataclass(frozen=True)
class AttentionShift:
    """Attention to the true class's text before and after, for n images.

    pixels, adversarial: (n, 3, H, W). maps_clean, maps_adversarial, maps_noise: (n, h, w).
    predictions_clean, predictions_adversarial: (n,). eps_text, attack: what was done.
    masks: (n, H, W) bool, where the object is, or None.
    """

    pixels: Tensor
    adversarial: Tensor
    maps_clean: Tensor
    maps_adversarial: Tensor
    maps_noise: Tensor
    predictions_clean: Tensor
    predictions_adversarial: Tensor
    eps_text: str
    attack: str
    masks: Tensor | None

    @property
    def shift_adversarial(self) -> Tensor:
        """1 - cosine between the clean and the adversarial map, (n,) in [0, 1]."""
        return map_shift(self.maps_clean, self.maps_adversarial)

    @property
    def shift_noise(self) -> Tensor:
        """1 - cosine between the clean map and that under random sign noise, (n,)."""
        return map_shift(self.maps_clean, self.maps_noise)


def measure_attention(
    classifier: ZeroShotClassifier,
    pixels: Tensor,
    labels: Tensor,
    ids: Sequence[str],
    *,
    eps: float,
    masks: Tensor | None = None,
    method: str = "text-guided",
    seed: int = 0,
    batch_size: int = 64,
) -> AttentionShift:
    """Attention to each image's true class, clean, attacked (`stop="never"`) and under noise.

    pixels: (n, 3, H, W) in [0, 1], on the classifier's device. labels: (n,) int64.
    The noise control moves every pixel by +eps or -eps at random.
    """
    threat = ThreatModel("linf", eps)
    result = run_attack(
        classifier,
        pixels,
        labels,
        attack=MEASURE,
        eps=eps,
        seed=seed,
        ids=ids,
        batch_size=batch_size,
        stop="never",
    )
    signs = uniform_noise(ids, tuple(pixels.shape[1:]), seed, "noise control", device=pixels.device)
    noisy = project(pixels + eps * signs.sign(), pixels, threat)
    with measuring(classifier), torch.no_grad():
        clean, attacked, noise = (
            torch.cat(
                [
                    attention_map(
                        classifier, some[at : at + batch_size], labels[at : at + batch_size], method
                    ).cpu()
                    for at in range(0, len(pixels), batch_size)
                ]
            )
            for some in (pixels, result.pixels, noisy)
        )
    return AttentionShift(
        pixels.cpu(),
        result.pixels.cpu(),
        clean,
        attacked,
        noise,
        result.clean_predictions.cpu(),
        result.predictions.cpu(),
        format_eps(eps),
        MEASURE.name,
        masks,
    )


def map_shift(before: Tensor, after: Tensor) -> Tensor:
    """1 - cosine of two maps (n, h, w), (n,): 0 where it stays, 1 where nothing is shared."""
    return 1 - cosine_similarity(before.flatten(1), after.flatten(1), dim=1)


def share_in_mask(maps: Tensor, masks: Tensor) -> Tensor:
    """Share of attention that falls on the object, (n,): maps (n, h, w), masks (n, H, W) bool.

    A token counts by the share of its cell that the mask covers. A map that is zero everywhere
    scores what a uniform one would.
    """
    cover = adaptive_avg_pool2d(masks.float()[:, None], (maps.shape[-2], maps.shape[-1]))[:, 0]
    mass = maps.sum((1, 2))
    inside = (maps * cover).sum((1, 2)) / torch.where(mass > 0, mass, torch.ones_like(mass))
    return torch.where(mass > 0, inside, cover.mean((1, 2)))
