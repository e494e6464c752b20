"""Questions put to a model before it is attacked: what it answers, and whether always the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.judging import judge
from zsrobust.attacks.looking import Logits
from zsrobust.attacks.losses import margin
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.precision import Precision, passes
from zsrobust.attacks.probes import probe
from zsrobust.attacks.pursuit import SLACK
from zsrobust.attacks.randomised import Randomised
from zsrobust.errors import ModelError, RunError


@dataclass(frozen=True)
class Subject:
    """A model and the images that it is checked on, as `run_attack` takes them.

    pixels (n, 3, H, W), labels (n,) on the model's device.
    """

    classifier: Callable[[Tensor], Tensor]
    pixels: Tensor
    labels: Tensor
    ids: tuple[str, ...]
    batch_size: int
    seed: int

    @property
    def draws(self) -> Randomised:
        """The model as one that draws random numbers: 1 sample and 1 vote for any other."""
        known = isinstance(self.classifier, Randomised)
        return self.classifier if known else Randomised(self.classifier, 1, 1)  # type: ignore[return-value]

    def first(self, count: int) -> Subject:
        """The same model on the first images."""
        some = self.pixels[:count], self.labels[:count], self.ids[:count]
        return Subject(self.classifier, *some, self.batch_size, self.seed)

    def logits(self, pixels: Tensor) -> Tensor:
        """Finite fp32 logits (B, C) of one draw; raises ModelError or RunError for others."""
        logits = self.draws.classifier(pixels)
        if logits.ndim != 2 or len(logits) != len(pixels) or logits.shape[1] < 2:
            raise ModelError(
                f"The classifier must give logits (B, C) of at least two classes; for "
                f"{len(pixels)} images it gives {tuple(logits.shape)}."
            )
        if not bool(torch.isfinite(logits).all()):
            raise RunError("The classifier gives NaN or infinite logits: nothing can be checked.")
        return logits.float()


@dataclass(frozen=True)
class Answers:
    """What a model answers on clean images.

    predictions: in fp32. probed: flags of `attacks.probes`. by_batch: batch size -> how many
    decisions differ from those in fp32 at the usual batch, ties left out; empty where random.
    by_precision: the same for lower precisions, -1 where the logits are not finite.
    """

    predictions: tuple[int, ...]
    right: tuple[bool, ...]
    probed: tuple[str, ...]
    has_gradient: bool
    by_batch: dict[int, int]
    by_precision: dict[str, int]


def ask(subject: Subject, batches: tuple[int, ...]) -> Answers:
    """All questions. batches: the sizes at which every decision must be the same."""
    draws = subject.draws
    with measuring(draws.classifier):
        probed = probe(subject.logits, subject.pixels, averaged=draws.samples > 1)
        verdict = judge(
            subject.logits, subject.pixels, subject.labels, subject.batch_size, draws.votes
        )
        random = draws.samples > 1 or {"randomised", "forwards-differ"} & set(probed)
        by_batch = (
            {} if random else {size: _moved(subject, subject.logits, size) for size in batches}
        )
        gradient = has_gradient(subject)
    by_precision = {} if random else _in_lower_precision(subject)
    return Answers(
        predictions=tuple(verdict.prediction.tolist()),
        right=tuple((verdict.prediction == subject.labels).tolist()),
        probed=probed,
        has_gradient=gradient,
        by_batch=by_batch,
        by_precision=by_precision,
    )


def _moved(subject: Subject, logits_of: Logits, size: int) -> int:
    """How many decisions change in batches of `size`, beyond ties within rounding."""
    with torch.no_grad():
        usual = _in_batches_of(subject.logits, subject.pixels, subject.batch_size)
        other = _in_batches_of(logits_of, subject.pixels, size)
    decided = margin(usual, usual.argmax(1)).abs() > SLACK
    return int((decided & (usual.argmax(1) != other.argmax(1))).sum())


def _in_batches_of(logits_of: Logits, pixels: Tensor, size: int) -> Tensor:
    """Logits (n, C) in batches of exactly `size`: the last is filled up with the first."""
    parts = []
    for start in range(0, len(pixels), size):
        rows = torch.arange(start, start + size, device=pixels.device) % len(pixels)
        parts.append(logits_of(pixels[rows])[: len(pixels) - start])
    return torch.cat(parts)


def _in_lower_precision(subject: Subject) -> dict[str, int]:
    moved: dict[str, int] = {}
    lower: tuple[Precision, ...] = ("bf16", "fp16-unscaled")
    for precision in lower:
        _, logits_of = passes(subject.logits, precision)[0]
        # Autocast keeps cast weights until the outermost context ends: one a precision.
        with measuring(subject.draws.classifier):
            try:
                moved[precision] = _moved(subject, logits_of, subject.batch_size)
            except RunError:
                moved[precision] = -1
    return moved


def has_gradient(subject: Subject) -> bool:
    """Whether the logits depend on the pixels in a way that autograd can follow."""
    with torch.enable_grad():
        pixels = subject.pixels[:1].detach().requires_grad_()
        logits = subject.logits(pixels)
        if not logits.requires_grad:
            return False
        (gradient,) = torch.autograd.grad(logits.sum(), pixels, allow_unused=True)
    return gradient is not None
