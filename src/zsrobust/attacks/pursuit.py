"""One attack, one restart, over the images of a block that are still standing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.ball import ascend
from zsrobust.attacks.batches import padded
from zsrobust.attacks.losses import LOSSES, margin
from zsrobust.attacks.pgd import PGD, input_gradient, step_length
from zsrobust.errors import RunError
from zsrobust.threat_model import ThreatModel

Logits = Callable[[Tensor], Tensor]


@dataclass
class Findings:
    """What an attack has found for each image of a block, kept up to date as it goes.

    pixels: best iterate by margin. margins: its margin, -inf before any. fooled: at any judged
    iterate. iteration: of the first success, else -1. stuck: the first gradient was all zero.
    """

    pixels: Tensor
    margins: Tensor
    fooled: Tensor
    iteration: Tensor
    forwards: Tensor
    backwards: Tensor
    stuck: Tensor

    @classmethod
    def none_yet(cls, clean: Tensor) -> Findings:
        """Nothing found: clean pixels (n, 3, H, W), no counts."""
        count, device = len(clean), clean.device
        zeros = torch.zeros(count, dtype=torch.int64, device=device)
        never = torch.zeros(count, dtype=torch.bool, device=device)
        return cls(
            clean.clone(),
            torch.full((count,), -torch.inf, device=device),
            never.clone(),
            zeros - 1,
            zeros.clone(),
            zeros.clone(),
            never.clone(),
        )

    def judge(
        self, images: Tensor, pixels: Tensor, logits: Tensor, labels: Tensor, step: Tensor
    ) -> Tensor:
        """Takes in iterates of `images` (m,); returns which of them are misclassified, (m,)."""
        margins = margin(logits, labels)
        fooled = logits.argmax(1) != labels
        first = fooled & ~self.fooled[images]
        # A tie can fool at margin 0: the first success must be kept even so.
        better = first | (margins > self.margins[images])
        self.pixels[images[better]] = pixels[better]
        self.margins[images[better]] = margins[better]
        self.iteration[images[first]] = step[first]
        self.fooled[images[fooled]] = True
        return fooled


def pursue(
    logits_of: Logits,
    clean: Tensor,
    labels: Tensor,
    targets: Tensor,
    start: Tensor,
    attack: PGD,
    threat: ThreatModel,
    findings: Findings,
    *,
    batch_size: int,
    every_step: bool,
) -> None:
    """Runs `attack` once on the images `targets` (m,) of a block, writing into `findings`.

    clean, labels: of the whole block. start: (m, 3, H, W), first iterates of the targets.
    every_step: judge each iterate and drop an image at its first success; otherwise every image
    takes all its steps and its last iterate alone is judged.
    """
    loss, step_size = LOSSES[attack.loss], step_length(attack.step_size, threat.eps)
    pixels = start.clone()
    steps = torch.zeros(len(targets), dtype=torch.int64, device=clean.device)
    done = torch.zeros_like(steps, dtype=torch.bool)
    while not bool(done.all()):
        turn = (~done).nonzero().squeeze(1)[:batch_size]
        slots, images = padded(turn, batch_size), targets[turn]
        last = steps[turn] >= attack.steps
        logits, gradient = _look(
            logits_of, pixels[slots], labels[targets[slots]], loss, bool(last.all()), len(turn)
        )
        findings.forwards[images] += 1
        judged = last | every_step
        fooled = torch.zeros_like(last)
        fooled[judged] = findings.judge(
            images[judged],
            pixels[turn[judged]],
            logits[judged],
            labels[images[judged]],
            steps[turn[judged]],
        )
        done[turn] = last | (fooled & every_step)
        move = ~done[turn]
        if gradient is not None:
            findings.backwards[images] += (~last).long()
            silent = gradient.flatten(1).abs().amax(1) == 0
            findings.stuck[images] |= silent & (steps[turn] == 0)
            moved, where = turn[move], images[move]
            pixels[moved] = ascend(pixels[moved], gradient[move], clean[where], threat, step_size)
            steps[moved] += 1


def _look(
    logits_of: Logits,
    pixels: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    no_gradient: bool,
    count: int,
) -> tuple[Tensor, Tensor | None]:
    """Logits and pixel gradients of the first `count` images of a padded batch, one forward."""
    if no_gradient:
        with torch.no_grad():
            return logits_of(pixels)[:count], None
    with torch.enable_grad():
        pixels = pixels.detach().requires_grad_()
        logits = logits_of(pixels)
        gradient = input_gradient(loss(logits, labels).sum(), pixels)
    if not bool(torch.isfinite(gradient).all()):
        raise RunError("The gradient in the pixels is NaN or infinite: no attack can follow it.")
    return logits.detach()[:count], gradient[:count]
