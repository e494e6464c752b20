"""Attacks as others package them, judged by us: pyautoattack's and foolbox's.

They come with the extra `bench`: pip install -e '.[bench]'.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

from zsrobust.attacks.ball import project
from zsrobust.attacks.batches import in_batches
from zsrobust.attacks.measuring import measuring
from zsrobust.threat_model import Norm, ThreatModel

PACKAGES = ("pyautoattack", "foolbox", "git")

MEMBERS = {
    "apgd-ce+t": ("apgd-ce", "apgd-t"),
    "autoattack": ("apgd-ce", "apgd-t", "fab-t", "square"),
    "apgd-ce": ("apgd-ce",),
    "apgd-dlr": ("apgd-dlr",),
    "apgd-t": ("apgd-t",),
    "fab-t": ("fab-t",),
    "square": ("square",),
}
"""Our name of an attack -> the members that pyautoattack runs, in order."""

PGD_STEPS = 40
NORMS = {"linf": "Linf", "l2": "L2"}


def missing_packages() -> list[str]:
    """Which of the packages cannot be imported here."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def run_packaged(
    classifier: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    attack: str,
    eps: float,
    norm: Norm,
    seed: int,
    batch_size: int,
) -> Tensor:
    """Which images theirs breaks, (B,) bool: projected into the ball and judged by us in fp32.

    classifier: pixels (B, 3, H, W) in [0, 1] -> logits; eval mode. attack: a key of `MEMBERS`, run
    by pyautoattack as its standard version runs them (one restart, at most 9 targets), or `pgd`,
    run by foolbox: 40 steps of eps/4, cross-entropy, random start, last iterate.
    """
    run: Callable[..., Tensor] = _foolbox if attack == "pgd" else _pyautoattack
    threat = ThreatModel(norm, eps)
    with measuring(classifier), torch.random.fork_rng():
        found = run(classifier, pixels, labels, attack, threat, seed, batch_size)
        with torch.no_grad():
            found = project(found.detach(), pixels, threat)
            predictions = in_batches(classifier, found, batch_size).argmax(1)
    return predictions != labels


def _pyautoattack(
    classifier: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    attack: str,
    threat: ThreatModel,
    seed: int,
    batch_size: int,
) -> Tensor:
    from pyautoattack import AutoAttack

    with torch.no_grad():
        classes = classifier(pixels[:1]).shape[1]
    suite = AutoAttack(
        classifier,
        attacks=list(MEMBERS[attack]),
        version="custom",
        norm=NORMS[threat.norm],
        eps=threat.eps,
        seed=seed,
        device=str(pixels.device),
    )
    suite.verbose = False
    suite.logger.setLevel(logging.ERROR)
    suite.apgd.n_restarts = 1
    suite.fab.n_restarts = 1
    suite.apgd_targeted.n_target_classes = min(9, classes - 1)
    suite.fab.n_target_classes = min(9, classes - 1)
    found: Tensor = suite.run_standard_evaluation(pixels, labels, batch_size=batch_size)[0]
    return found


def _foolbox(
    classifier: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    attack: str,
    threat: ThreatModel,
    seed: int,
    batch_size: int,
) -> Tensor:
    import foolbox

    kinds = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}
    search = kinds[threat.norm](abs_stepsize=threat.eps / 4, steps=PGD_STEPS, random_start=True)
    model = foolbox.PyTorchModel(classifier, bounds=(0, 1), device=pixels.device)
    found = []
    torch.manual_seed(seed)
    for some, answers in zip(pixels.split(batch_size), labels.split(batch_size), strict=True):
        _, clipped, _ = search(model, some, answers, epsilons=threat.eps)
        found.append(clipped)
    return torch.cat(found)
