"""PGD as the releases of TeCoA and TGA-ZSR run it: the baseline of `attack_speed.py`.

Written from the description of those loops, with their costs on purpose: the text tower encodes
every prompt again at every forward, with gradient; `loss.backward()` makes gradients for all
parameters, which nobody uses and nobody clears; every image, fooled or not, takes every step; the
last iterate alone is judged. Only their half precision is left out, so that both sides compute
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from zsrobust.classifier.preprocess import Preprocess
from zsrobust.models.model import Model


@dataclass(frozen=True, eq=False)
class ReleasedClassifier:
    """A CLIP asked as the releases ask it: both towers at every call, parameters with gradient.

    tokens: (C, L), one prompt a class.
    """

    model: Model
    tokens: Tensor

    @classmethod
    def of(cls, model: Model, classes: Sequence[str], template: str) -> ReleasedClassifier:
        """Over class names, with one template that holds `{}`; makes every parameter trainable."""
        for parameter in model.clip.parameters():
            parameter.requires_grad_(True)
        tokens = model.tokenizer([template.format(name) for name in classes])
        return cls(model, tokens.to(model.device))

    def __call__(self, pixels: Tensor) -> Tensor:
        """Logits (B, C) of pixels (B, 3, H, W) in [0, 1]."""
        clip = self.model.clip
        preprocess = Preprocess(self.model.image_size, self.model.mean, self.model.std)
        images = self.model.visual(preprocess.to(pixels.device)(pixels))
        texts = clip.encode_text(self.tokens)  # type: ignore[operator]
        cosines = functional.normalize(images, dim=-1) @ functional.normalize(texts, dim=-1).T
        return clip.logit_scale.exp() * cosines  # type: ignore[operator]


def released_pgd(
    classifier: ReleasedClassifier,
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: float,
    step_size: float,
    steps: int,
    seed: int,
) -> Tensor:
    """The last of `steps` L-inf iterates of every image of one batch, (B, 3, H, W).

    The loss is the batch's mean cross-entropy; a random start in the ball; no image stops early.
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(pixels.shape, generator=generator).to(pixels.device)
    delta = _in_the_box(pixels, (2 * noise - 1) * eps).requires_grad_()
    for _ in range(steps):
        loss = functional.cross_entropy(classifier(pixels + delta), labels)
        loss.backward()
        if delta.grad is None:
            raise RuntimeError("No gradient reached the perturbation.")
        with torch.no_grad():
            moved = (delta + step_size * delta.grad.sign()).clamp(-eps, eps)
            delta.copy_(_in_the_box(pixels, moved))
        delta.grad.zero_()
    return (pixels + delta).detach()


def released_evaluation(
    classifier: ReleasedClassifier,
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: float,
    step_size: float,
    steps: int,
    seed: int,
    batch_size: int,
) -> Tensor:
    """Which images are right when clean and at the last iterate, (n,) bool, batch by batch."""
    parts = []
    for images, answers in zip(pixels.split(batch_size), labels.split(batch_size), strict=True):
        with torch.no_grad():
            clean = classifier(images).argmax(1) == answers
        found = released_pgd(
            classifier, images, answers, eps=eps, step_size=step_size, steps=steps, seed=seed
        )
        with torch.no_grad():
            parts.append(clean & (classifier(found).argmax(1) == answers))
    return torch.cat(parts)


def _in_the_box(pixels: Tensor, delta: Tensor) -> Tensor:
    return (pixels + delta).clamp(0.0, 1.0) - pixels
