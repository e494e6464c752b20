"""The inner attack of a recipe: its settings, and the adversarial images of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator

from zsrobust.attacks.ball import random_start
from zsrobust.attacks.n_fgsm import n_fgsm
from zsrobust.attacks.pgd import pgd
from zsrobust.attacks.step_size import step_length
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.settings import StrictModel
from zsrobust.threat_model import Norm, ThreatModel, parse_eps
from zsrobust.training.faults import faults_of

ADDED = {"kind": "pgd", "noise": 2.0, "eps_warmup_steps": 0}
"""Settings that came later, with the values that mean what was meant before."""


class InnerAttack(StrictModel):
    """What makes a step's adversarial images.

    kind: `pgd`, `steps` steps from a random start, last iterate; `n-fgsm`, one step from noise of
    `noise` radii, not clipped to the ball; `none`, the clean images themselves.
    eps_warmup_steps: over so many training steps the radius and the length of a step grow linearly
    to what is stated; the first has 1/K of it.
    """

    kind: Literal["pgd", "n-fgsm", "none"] = "pgd"
    norm: Norm = "linf"
    eps: str = Field("1/255", coerce_numbers_to_str=True)
    steps: int = Field(2, ge=1)
    step_size: str = Field("1/255", coerce_numbers_to_str=True)
    noise: float = Field(2.0, ge=0)
    eps_warmup_steps: int = Field(0, ge=0)

    @field_validator("norm")
    @classmethod
    def _single_step_norm(cls, norm: Norm, info: ValidationInfo) -> Norm:
        if info.data.get("kind") == "n-fgsm" and norm != "linf":
            raise ValueError("n-fgsm is defined for linf. Use pgd for l2.")
        return norm

    @field_validator("eps")
    @classmethod
    def _radius(cls, eps: str, info: ValidationInfo) -> str:
        with faults_of("eps"):
            parse_eps(eps, info.data.get("norm", "linf"))
        return eps

    @field_validator("step_size")
    @classmethod
    def _length(cls, step_size: str) -> str:
        with faults_of("step_size"):
            step_length(step_size, 1.0)
        return step_size

    @property
    def threat(self) -> ThreatModel:
        """Norm and radius, once warmed up."""
        return ThreatModel(self.norm, parse_eps(self.eps, self.norm))

    def ramp(self, step: int) -> float:
        """The share of radius and step length that training step `step`, 0-based, attacks with."""
        return min(1.0, (step + 1) / self.eps_warmup_steps) if self.eps_warmup_steps else 1.0

    @property
    def content(self) -> dict[str, Any]:
        """What decides numbers; settings that came later stand only where they say something."""
        if self.kind == "none":
            return {"kind": "none"}
        dumped = self.model_dump(mode="json")
        return {k: v for k, v in dumped.items() if k not in ADDED or ADDED[k] != v}


def attack_batch(
    classifier: ZeroShotClassifier,
    objective: Objective,
    batch: Batch,
    settings: InnerAttack,
    key: tuple[object, ...],
    *,
    names: Sequence[str] | None = None,
    ramp: float = 1.0,
) -> torch.Tensor:
    """Adversarial pixels (B, 3, H, W) of a batch, by the objective's inner loss.

    names, default the samples' ids: with `key` they name each image's random numbers. ramp: share
    of the radius and of the step's length. No parameter gradient is made.
    """
    if settings.kind == "none":
        return batch.pixels
    threat = ThreatModel(settings.norm, settings.threat.eps * ramp)
    length = step_length(settings.step_size, settings.threat.eps) * ramp
    ids, loss = names or batch.ids, objective.inner_loss(classifier, batch)
    if settings.kind == "n-fgsm":
        return n_fgsm(
            loss, batch.pixels, ids, *key,
            eps=threat.eps, noise=settings.noise, step_size=length,
        )  # fmt: skip
    start = random_start(batch.pixels, ids, threat, *key)
    return pgd(loss, batch.pixels, threat, steps=settings.steps, step_size=length, start=start)
