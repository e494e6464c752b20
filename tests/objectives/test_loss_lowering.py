"""The objectives of every comparison take steps on the towers that CLIPs come with."""

from itertools import pairwise

import pytest
import torch
from tests.objectives.towers import VISION, tower_classifier

from zsrobust.attacks.ball import random_start
from zsrobust.attacks.pgd import pgd
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images
from zsrobust.threat_model import ThreatModel

STEPS = 20
SHARE = 1e-3
"""Of the loss, that a step of this length along the gradient takes away to first order."""
THREAT = ThreatModel("linf", 2 / 255)


def move_a_little(visual):
    """Away from the frozen model, where the distances of all terms have their kink."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in visual.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.05 * parameter.std(correction=0) * noise)


def losses(kind, classifier):
    """The loss on one attacked batch before each of the steps and after the last."""
    objective = build_objective(kind, {}, classifier)
    move_a_little(classifier.visual)
    pixels, labels = random_images(3, classifier)
    batch = Batch(pixels, (labels + 1) % 5, ["a", "b", "c"])
    start = random_start(pixels, batch.ids, THREAT, 0)
    inner = objective.inner_loss(classifier, batch)
    attacked = pgd(inner, pixels, THREAT, steps=2, step_size=THREAT.eps, start=start)
    parameters = list(classifier.visual.parameters())
    for _ in range(STEPS + 1):
        loss = objective.outer_loss(classifier, batch, attacked).total
        yield loss.item()
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        steepness = sum(float(slope.square().sum()) for slope in slopes if slope is not None)
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                if slope is not None:
                    parameter.sub_(SHARE * loss.item() / steepness * slope)


@pytest.mark.parametrize("tower", VISION)
@pytest.mark.parametrize("kind", ["tecoa", "fare", "tga-zsr"])
def test_each_of_twenty_steps_lowers_the_loss_by_what_its_gradient_says(kind, tower):
    seen = list(losses(kind, tower_classifier(tower)))
    for before, after in pairwise(seen):
        assert 0.5 * SHARE * before < before - after < 1.5 * SHARE * before


@pytest.mark.parametrize("kind", ["comp-tga", "patch-anchor"])
def test_so_do_the_steps_of_its_relatives(kind):
    seen = list(losses(kind, tower_classifier("vit-14x14")))
    assert all(before > after for before, after in pairwise(seen))
