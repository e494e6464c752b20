"""The contract of every attack, as a check that users can run on theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, get_args

import torch
from torch import Tensor, nn

from zsrobust.attacks.ball import distance
from zsrobust.attacks.batches import BLOCK
from zsrobust.attacks.health import SIGNS
from zsrobust.attacks.losses import margin
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.randomised import Randomised
from zsrobust.attacks.result import AttackResult, MemberResult, Status
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Attack, Cascade
from zsrobust.threat_model import ThreatModel, check_norm, parse_eps

TOLERANCE = 1e-6
ROUNDING = 1e-3
"""Of logits scored again in a batch of another shape."""
SAME_DECISIONS = 0.995
"""Other batch sizes round differently, and `sign()` amplifies it: decisions agree, bits not."""


class ContractError(AssertionError):
    """An attack that does not keep the contract."""


def check_attack(
    attack: str | Attack | Cascade,
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor,
    *,
    eps: str | float,
    norm: str = "linf",
) -> AttackResult:
    """Result of an attack on a batch, once it has been seen to do what every attack must do.

    attack: a name, an `Attack` of one's own, or a tuple of them. pixels: (B, 3, H, W) in [0, 1],
    40 images or more say most. labels: (B,) int64.
    Inside ball and box by its own doing; same seed, same bytes, from a tensor or a loader, in any
    order of images; independent of batch size and company in 99.5 % of decisions (one of fewer
    than 200 may differ); the result complete for each image; success judged on the pixels
    returned; accuracy never rises; model and random state left as they were. A `Randomised`
    classifier's draws follow its batches: of it neither the last verdict nor batch size is asked.
    The attack runs four times. Raises ContractError saying what is broken.
    """
    before = _state(classifier)
    threat = ThreatModel(check_norm(norm), parse_eps(eps, norm))

    def run(rows: Tensor | slice, **how: Any) -> AttackResult:
        arguments = {"attack": attack, "eps": eps, "norm": norm, **how}
        return run_attack(classifier, pixels[rows], labels[rows], **arguments)

    result = run(slice(None))
    _check_complete(result, pixels)
    _check_inside(result, pixels, threat)
    for i in range(len(pixels)):
        _check_image(i, result, pixels, labels)
    _check_members(result)
    if not isinstance(classifier, Randomised):
        _check_success(result)
        _check_verdict(result, classifier, labels)
    pairs = list(zip(torch.split(pixels[:BLOCK], 16), torch.split(labels[:BLOCK], 16), strict=True))
    loader = run_attack(classifier, pairs, attack=attack, eps=eps, norm=norm)
    again = result if len(pixels) <= BLOCK else run(slice(BLOCK))
    _require(torch.equal(loader.pixels, again.pixels), "same seed, other bytes (from a loader)")
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    moved = run(order)
    _require(torch.equal(moved.pixels, result.pixels[order]), "other order, other bytes")
    if not isinstance(classifier, Randomised):
        some = run(slice(None, None, 2), batch_size=8)
        _require(
            _agree(some.status, result.status[::2]),
            "decisions depend on the batch size, or on who else is attacked",
        )
    for what, value in _state(classifier).items():
        _require(_same(value, before[what]), f"{what} changed")
    return result


def _check_complete(result: AttackResult, pixels: Tensor) -> None:
    """One value an image in every field; the fields agree with each other."""
    count = len(pixels)
    parts: list[AttackResult | MemberResult] = [result, *result.members]
    for part in parts:
        for name in [each.name for each in fields(part)]:
            if name not in ("members", "name"):
                found = len(getattr(part, name))
                _require(found == count, f"{name} holds {found} values for {count} images")
    _require(result.pixels.shape == pixels.shape, "pixels of another shape")
    _require(set(result.status) <= set(get_args(Status)), "an unknown status")
    for name in ("margins", "loss", "distance", "pixels"):
        _require(bool(getattr(result, name).isfinite().all()), f"{name} is not finite")
    for name in ("forwards", "backwards"):
        total = torch.stack([getattr(member, name) for member in result.members]).sum(0)
        _require(torch.equal(total, getattr(result, name)), f"{name} are not its members' sum")


def _check_inside(result: AttackResult, pixels: Tensor, threat: ThreatModel) -> None:
    away = distance(result.pixels, pixels, threat)
    _require(float(away.max()) <= threat.eps + TOLERANCE, "pixels outside the ball")
    inside = float(result.pixels.min()) >= 0 and float(result.pixels.max()) <= 1
    _require(inside, "pixels outside [0, 1]")
    _require(torch.allclose(away, result.distance, atol=TOLERANCE), "distances of other pixels")
    flags = sorted({flag for own in result.health for flag in own})
    invalid = [flag for flag in flags if flag in SIGNS and SIGNS[flag].level == "invalid"]
    _require(not invalid, f"flagged {', '.join(invalid)}")


def _check_image(i: int, result: AttackResult, pixels: Tensor, labels: Tensor) -> None:
    """Whether an image's status, winner, counts and predictions tell one story."""
    status, iteration = result.status[i], int(result.iteration[i])
    wrong = bool(result.predictions[i] != labels[i])
    clean_wrong = bool(result.clean_predictions[i] != labels[i])
    _require(clean_wrong == (status == "clean_wrong"), f"image {i} is {status}: the clean one not")
    if status == "clean_wrong":
        _require(int(result.forwards[i]) == 0, f"image {i} is clean_wrong, yet was attacked")
        _require(torch.equal(result.pixels[i], pixels[i]), f"image {i} is clean_wrong, yet moved")
    elif status == "fooled":
        names = [member.name for member in result.members if bool(member.ran[i])]
        _require(wrong, f"image {i} is fooled, yet predicted right")
        _require(result.attack[i] in names[-1:], f"image {i} is fooled by no attack that ran")
    else:
        _require(not wrong, f"image {i} survived, yet is predicted wrong")
        _require(not result.attack[i] and iteration == -1, f"image {i} survived a success")


def _check_success(result: AttackResult) -> None:
    """A success was seen at some look: final draws of a randomised classifier alone need none."""
    for i, status in enumerate(result.status):
        if status == "fooled":
            _require(int(result.iteration[i]) >= 0, f"image {i} is fooled at no iteration")


def _check_members(result: AttackResult) -> None:
    """Accuracy never rises: who is overturned, or wrong from the start, stays so."""
    standing = torch.tensor([status != "clean_wrong" for status in result.status])
    _require(result.robust_accuracy <= float(standing.float().mean()), "accuracy rose")
    for member in result.members:
        _require(torch.equal(member.ran.cpu(), standing), f"{member.name} ran on others than left")
        standing = standing & ~_won(member, result)


def _won(member: MemberResult, result: AttackResult) -> Tensor:
    return torch.tensor([winner == member.name for winner in result.attack])


def _check_verdict(
    result: AttackResult, classifier: Callable[[Tensor], Tensor], labels: Tensor
) -> None:
    """What is said of the returned pixels, by asking the classifier again."""
    with measuring(classifier), torch.no_grad():
        margins = margin(classifier(result.pixels).float(), labels)
    scale = margins.abs().clamp_min(1.0)
    off = float(((margins - result.margins).abs() / scale).max())
    _require(off <= ROUNDING, f"margins of other pixels than those returned (off by {off:.1e})")


def _agree(one: Sequence[str], other: Sequence[str]) -> bool:
    differ = sum(left != right for left, right in zip(one, other, strict=True))
    return differ <= max(1.0, (1 - SAME_DECISIONS) * len(one))


def _state(classifier: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    """What an attack may not change."""
    model = classifier.classifier if isinstance(classifier, Randomised) else classifier
    state = {
        "torch's fused attention": torch.backends.mha.get_fastpath_enabled(),
        "the global random state": torch.get_rng_state(),
        "whether gradients are taken": torch.is_grad_enabled(),
    }
    if isinstance(model, nn.Module):
        parameters = list(model.parameters())
        state["the model's mode"] = [module.training for module in model.modules()]
        state["the model's weights"] = [v.detach().clone() for v in model.state_dict().values()]
        state["which weights are trained"] = [p.requires_grad for p in parameters]
        state["a weight's gradient"] = [p.grad is None or p.grad.clone() for p in parameters]
    return state


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return all(_same(left, right) for left, right in zip(one, other, strict=True))
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    return bool(one == other)


def _require(held: bool, broken: str) -> None:
    if not held:
        raise ContractError(f"The attack breaks its contract: {broken}.")
