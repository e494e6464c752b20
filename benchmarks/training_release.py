"""A training step as the releases execute it: the baseline of `training_step.py`.

Written from the description of those loops, with their costs on purpose. TeCoA, TGA-ZSR, PMG-AFT:
the text tower encodes every prompt again at each call, `loss.backward()` makes gradients for all
parameters in every attack step, the perturbation keeps its gradient in the training graph, the
frozen tower has a graph as well, and TGA-ZSR forwards the attacked images a second time for their
attention. FARE's loop (RobustVLM) takes gradients in the pixels alone, but forwards the clean
images once more for a term of weight 0. Two things differ from them: the arithmetic is fp32, and
gradients are cleared after the attack and not before it, which costs the same (in fp32 without a
loss scaler those of the attack would be learned from).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from zsrobust.classifier.preprocess import Preprocess
from zsrobust.models.features import image_features
from zsrobust.models.model import Model
from zsrobust.objectives.objective import Batch

ALPHA, BETA = 0.08, 0.05
"""Weights of TGA-ZSR's two terms."""
GRID = 224


@dataclass(frozen=True, eq=False)
class Released:
    """A CLIP with every parameter trainable, a frozen tower that nobody froze, and its prompts.

    tokens: (C, L), one prompt a class. texts_once: their embeddings (C, D) as a constant, to time
    a step without its text; None for the step as it is.
    """

    model: Model
    frozen: nn.Module
    tokens: Tensor
    texts_once: Tensor | None = None

    @classmethod
    def of(cls, model: Model, classes: tuple[str, ...], template: str) -> Released:
        """Over class names, with one template that holds `{}`."""
        model.clip.requires_grad_(True)
        tokens = model.tokenizer([template.format(name) for name in classes])
        return cls(model, copy.deepcopy(model.visual), tokens.to(model.device))

    def texts(self) -> Tensor:
        """Unit text embeddings (C, D), encoded anew."""
        if self.texts_once is not None:
            return self.texts_once
        return functional.normalize(self.model.clip.encode_text(self.tokens), dim=-1)  # type: ignore[operator]

    def images(self, tower: nn.Module, pixels: Tensor) -> Tensor:
        """Embeddings (B, D) of pixels (B, 3, H, W) in [0, 1]."""
        pooled: Tensor = tower(self._normalised(pixels))
        return pooled

    def logits(self, tower: nn.Module, pixels: Tensor, texts: Tensor) -> Tensor:
        """Logits (B, C): scaled cosines."""
        unit = functional.normalize(self.images(tower, pixels), dim=-1)
        return self.model.logit_scale * unit @ texts.T

    def attention(self, tower: nn.Module, pixels: Tensor, texts: Tensor) -> Tensor:
        """Maps (B, 224 * 224) of each image towards its own text (B, D): one forward more."""
        features = image_features(tower, self._normalised(pixels))
        tokens = torch.cat([features.pooled[:, None], features.patches], dim=1)
        tokens = tokens / tokens.norm(dim=1, keepdim=True)
        scores = (tokens[:, 1:] @ texts[:, :, None]).squeeze(2)
        low, high = scores.amin(1, keepdim=True), scores.amax(1, keepdim=True)
        maps = ((scores - low) / (high - low)).reshape(len(pixels), 1, *features.grid)
        return functional.interpolate(maps, size=(GRID, GRID), mode="bilinear").flatten(1)

    def _normalised(self, pixels: Tensor) -> Tensor:
        model = self.model
        preprocess = Preprocess(model.image_size, model.mean, model.std).to(pixels.device)
        normalised: Tensor = preprocess(pixels)
        return normalised


def released_attack(
    released: Released,
    loss_of: Callable[[Tensor], Tensor],
    clean: Tensor,
    start: Tensor,
    step_size: float,
    steps: int,
) -> Tensor:
    """The last L-inf iterate, step by step of one radius; it keeps its gradient.

    loss_of: pixels -> the batch's mean loss. Every parameter gets a gradient at every step.
    """
    delta = (start - clean).detach().requires_grad_()
    for _ in range(steps):
        loss_of(clean + delta).backward()
        if delta.grad is None:
            raise RuntimeError("No gradient reached the perturbation.")
        with torch.no_grad():
            delta.copy_(_moved(clean, delta, delta.grad, step_size))
        delta.grad.zero_()
    return clean + delta


def tecoa_loss(released: Released, batch: Batch, start: Tensor, eps: float, steps: int) -> Tensor:
    """Cross-entropy over all prompts; texts with gradient in the loss too."""
    attacked = _attack_on_classes(released, batch, start, eps, steps)
    return _cross_entropy(released, batch, attacked)


def tga_zsr_loss(released: Released, batch: Batch, start: Tensor, eps: float, steps: int) -> Tensor:
    """Cross-entropy and two distances of attention; texts once in the loss, without gradient."""
    attacked = _attack_on_classes(released, batch, start, eps, steps)
    with torch.no_grad():
        texts = released.texts()
    own, visual = texts[batch.labels], released.model.visual
    logits = released.logits(visual, attacked, texts)
    seen_attacked = released.attention(visual, attacked, own)
    reference = released.attention(released.frozen, batch.pixels, own)
    seen_clean = released.attention(visual, batch.pixels, own)
    refinement = (seen_attacked - reference).norm(dim=1).mean()
    constraint = (seen_clean - reference).norm(dim=1).mean()
    plain = functional.cross_entropy(logits, batch.labels)
    return plain + ALPHA * refinement + BETA * constraint


def pmg_aft_loss(released: Released, batch: Batch, start: Tensor, eps: float, steps: int) -> Tensor:
    """Cross-entropy and two divergences, texts anew for each of three models' logits.

    At the model's own logit scale and as means over the batch, as our recipe's default has it.
    """
    attacked = _attack_on_classes(released, batch, start, eps, steps)
    visual = released.model.visual
    logits = released.logits(visual, attacked, released.texts())
    general = released.logits(released.frozen, attacked, released.texts())
    clean = released.logits(visual, batch.pixels, released.texts())
    said = logits.log_softmax(1)
    return (
        functional.cross_entropy(logits, batch.labels)
        + functional.kl_div(said, general.softmax(1), reduction="batchmean")
        + functional.kl_div(said, clean.softmax(1), reduction="batchmean")
    )


def fare_loss(released: Released, batch: Batch, start: Tensor, eps: float, steps: int) -> Tensor:
    """Squared distance of embeddings; gradients in the pixels alone during the attack."""
    visual = released.model.visual
    with torch.no_grad():
        reference = released.images(released.frozen, batch.pixels)

    def apart(pixels: Tensor) -> Tensor:
        return (released.images(visual, pixels) - reference).square().sum(1).mean()

    delta = (start - batch.pixels).detach().requires_grad_()
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(apart(batch.pixels + delta), delta)
        with torch.no_grad():
            delta.copy_(_moved(batch.pixels, delta, gradient, eps))
    unused = released.images(visual, batch.pixels)  # kept with its graph, for a weight of 0
    loss = apart((batch.pixels + delta).detach())
    del unused
    return loss


LOSSES: Mapping[str, Callable[[Released, Batch, Tensor, float, int], Tensor]] = {
    "tecoa": tecoa_loss,
    "tga-zsr": tga_zsr_loss,
    "pmg-aft": pmg_aft_loss,
    "fare": fare_loss,
}
"""Attack and loss of a step: (model, batch, start of the attack, radius, steps) -> scalar."""


def released_step(
    released: Released,
    kind: str,
    batch: Batch,
    start: Tensor,
    optimizer: torch.optim.Optimizer,
    *,
    eps: float,
    steps: int,
) -> float:
    """One whole step; returns its loss."""
    loss = LOSSES[kind](released, batch, start, eps, steps)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def _attack_on_classes(
    released: Released, batch: Batch, start: Tensor, eps: float, steps: int
) -> Tensor:
    return released_attack(
        released,
        lambda pixels: _cross_entropy(released, batch, pixels),
        batch.pixels,
        start,
        eps,
        steps,
    )


def _cross_entropy(released: Released, batch: Batch, pixels: Tensor) -> Tensor:
    logits = released.logits(released.model.visual, pixels, released.texts())
    return functional.cross_entropy(logits, batch.labels)


def _moved(clean: Tensor, delta: Tensor, gradient: Tensor, eps: float) -> Tensor:
    """The perturbation a step of eps further, inside ball and box."""
    moved = (delta + eps * gradient.sign()).clamp(-eps, eps)
    return (clean + moved).clamp(0.0, 1.0) - clean
