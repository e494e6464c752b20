"""The contract of every attack, as a check that users can run on theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from zsrobust.attacks.ball import distance
from zsrobust.attacks.losses import margin
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.result import AttackResult
from zsrobust.attacks.run_attack import run_attack
from zsrobust.threat_model import ThreatModel, check_norm, parse_eps

TOLERANCE = 1e-6
ROUNDING = 1e-3
"""Of logits scored again in a batch of another shape."""
SAME_DECISIONS = 0.995
"""Other batch sizes round differently, and `sign()` amplifies it: decisions agree, bits not."""


class ContractError(AssertionError):
    """An attack that does not keep the contract."""


def check_attack(
    attack: Any,
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: str | float,
    norm: str = "linf",
) -> AttackResult:
    """Runs an attack on a batch and checks what every attack must do; returns its result.

    Inside ball and box; same seed, same bytes, in any order of images; independent of batch size
    in 99.5 % of decisions; success judged on the pixels returned; misclassified images never
    attacked; the model left as it was. Raises ContractError saying what is broken.
    """
    before = _state(classifier)
    ids = [f"image-{i}" for i in range(len(pixels))]
    arguments: dict[str, Any] = {"attack": attack, "eps": eps, "norm": norm, "seed": 0}
    result = run_attack(classifier, pixels, labels, ids=ids, **arguments)
    threat = ThreatModel(check_norm(norm), parse_eps(eps, norm))
    _check_result(result, classifier, pixels, labels, threat)
    again = run_attack(classifier, pixels, labels, ids=ids, **arguments)
    _require(torch.equal(again.pixels, result.pixels), "same seed, other bytes")
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    moved = run_attack(
        classifier, pixels[order], labels[order], ids=[ids[i] for i in order], **arguments
    )
    _require(torch.equal(moved.pixels, result.pixels[order]), "other order, other bytes")
    small = run_attack(classifier, pixels, labels, ids=ids, batch_size=8, **arguments)
    _require(_agree(small, result), "decisions depend on the batch size")
    _require(_state(classifier) == before, "the model was changed")
    return result


def _check_result(
    result: AttackResult,
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor,
    threat: ThreatModel,
) -> None:
    away = distance(result.pixels, pixels, threat)
    _require(float(away.max()) <= threat.eps + TOLERANCE, "pixels outside the ball")
    inside = float(result.pixels.min()) >= 0 and float(result.pixels.max()) <= 1
    _require(inside, "pixels outside [0, 1]")
    with measuring(classifier), torch.no_grad():
        margins = margin(classifier(result.pixels).float(), labels)
    for i, status in enumerate(result.status):
        if status == "clean_wrong":
            _require(int(result.forwards[i]) == 0, f"image {i} is clean_wrong, yet was attacked")
            _require(
                torch.equal(result.pixels[i], pixels[i]), f"image {i} is clean_wrong, yet moved"
            )
        elif status == "fooled":
            _require(bool(margins[i] > -ROUNDING), f"image {i} is 'fooled', yet is right")
            _require(bool(result.attack[i]), f"image {i} is fooled by no attack")
        else:
            _require(int(result.iteration[i]) == -1, f"image {i} survived with an iteration")
    right = sum(status != "clean_wrong" for status in result.status) / len(result.status)
    _require(result.robust_accuracy <= right, "accuracy rose under attack")


def _agree(one: AttackResult, other: AttackResult) -> bool:
    same = [left == right for left, right in zip(one.status, other.status, strict=True)]
    return sum(same) >= SAME_DECISIONS * len(same)


def _state(classifier: Callable[[Tensor], Tensor]) -> tuple[Any, ...]:
    """What an attack may not change: modes, gradients, weights, torch's fused attention."""
    fused = torch.backends.mha.get_fastpath_enabled()
    if not isinstance(classifier, nn.Module):
        return (fused,)
    modes = tuple(module.training for module in classifier.modules())
    weights = tuple(float(value.double().sum()) for value in classifier.state_dict().values())
    grads = tuple((p.grad is None, p.requires_grad) for p in classifier.parameters())
    return fused, modes, weights, grads


def _require(held: bool, broken: str) -> None:
    if not held:
        raise ContractError(f"The attack breaks its contract: {broken}.")
