"""How long cells take on one thread, from what a training step and an attack must compute."""

from __future__ import annotations

from training_cells import OBJECTIVES

FORWARD = 1 / (94 * 7)
"""Seconds of F, a forward of one image through `photos-mini` on one thread: TeCoA at batch 128
under PGD-2 costs 7F an image, and was measured at 94 images a second."""
STARTING = 8.0
"""Seconds that a process takes before its first batch."""
SURVIVING = 0.2
"""Share of a defended model's images that are taken to stand after the whole attack."""
FALLING = 60
"""Forwards' worth of an attack on an image that it overturns, or that is wrong when clean."""
STANDING = {"apgd-ce": 200, "apgd-ce+t": 2000, "pgd": 80}
"""Forwards' worth of an attack on an image that stands to the end: 1000 iterations of a forward
and a backward to the pixels, 100 of them on cross-entropy; 20 steps, twice."""
_LEAST = {case.name: case.least for case in OBJECTIVES}


def training_seconds(method: str, images: int) -> float:
    """Seconds of a training that sees `images`; an unknown method is taken to cost the most."""
    return images * FORWARD * _LEAST.get(method, max(_LEAST.values()))


def attack_seconds(attack: str, images: int, *, defended: bool) -> float:
    """Seconds of an evaluation under an attack; an unknown one is taken to cost the most."""
    standing = SURVIVING if defended else 0.0
    longest = STANDING.get(attack, max(STANDING.values()))
    return images * FORWARD * (standing * longest + (1 - standing) * FALLING)
