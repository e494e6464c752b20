"""What a step costs, in forwards of one image (F), against the floor of each method."""

import pytest
import torch
from tests.objectives.towers import VISION, tower_classifier

from zsrobust.attacks.ball import random_start
from zsrobust.attacks.pgd import pgd
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.objectives.passes import Passes, counting_passes, note_partial_backward
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.threat_model import ThreatModel

COUNT = 3
THREAT = ThreatModel("linf", 4 / 255)


def step(classifier, objective, batch):
    """One training step at PGD-2, counted: (first, later) cost an image."""
    start = random_start(batch.pixels, batch.ids, THREAT, 0)
    adversarial = pgd(
        objective.inner_loss(classifier, batch),
        batch.pixels,
        THREAT,
        steps=2,
        step_size=THREAT.eps,
        start=start,
    )
    objective.outer_loss(classifier, batch, adversarial).total.backward()


def costs(kind, settings, classifier):
    objective = build_objective(kind, settings, classifier)
    pixels, labels = random_images(COUNT, classifier)
    batch = Batch(pixels, labels, [f"i{i}" for i in range(COUNT)])
    counted = []
    for _ in range(2):
        with counting_passes() as passes:
            step(classifier, objective, batch)
        counted.append(passes)
    return counted


@pytest.mark.parametrize(
    ("kind", "settings", "first", "later"),
    [
        ("tecoa", {}, 7, 7),
        ("tga-zsr", {}, 11, 10),
        ("tga-zsr", {"distance": "cos", "gradient_norm": "matched"}, 11, 10),
        ("tga-zsr", {"target": "wrong-text"}, 11, 10),
        ("tga-zsr", {"stretch": "pixels"}, 11, 10),
        ("tga-zsr", {"beta": 0}, 8, 7),
        ("tga-zsr", {"alpha": 0, "beta": 0}, 7, 7),
        ("tga-zsr", {"target": "vision-detached"}, 9, 9),
        ("comp-tga", {}, 11, 10),
        ("patch-anchor", {}, 11, 11),
    ],
)
def test_a_step_costs_no_more_than_the_floor(kind, settings, first, later):
    """4F the attack; 3F each image under gradient; 1F the frozen model, once an image."""
    once, again = costs(kind, settings, tiny_classifier())
    assert (once.cost, again.cost) == (first * COUNT, later * COUNT)
    assert once.input_backwards == again.input_backwards == 2 * COUNT


@pytest.mark.parametrize("tower", VISION)
def test_the_floor_holds_for_every_tower(tower):
    once, again = costs("tga-zsr", {}, tower_classifier(tower))
    assert (once.cost, again.cost) == (11 * COUNT, 10 * COUNT)
    assert (again.forwards, again.full_backwards) == (4 * COUNT, 2 * COUNT)


def test_the_attack_leaves_no_gradient_in_the_parameters():
    classifier = tiny_classifier()
    objective = build_objective("tga-zsr", {}, classifier)
    pixels, labels = random_images(COUNT, classifier)
    loss = objective.inner_loss(classifier, Batch(pixels, labels, list("abc")))
    pgd(loss, pixels, THREAT, steps=2, step_size=THREAT.eps, start=pixels)
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_after_a_fault_nothing_is_counted_any_more():
    classifier = tiny_classifier()
    classifier.visual.conv1.weight.requires_grad_(False)
    pixels, _ = random_images(COUNT, classifier)
    with pytest.raises(ValueError, match="a fault"), counting_passes(classifier.visual) as passes:
        classifier(pixels)
        raise ValueError("a fault")
    classifier(pixels).sum().backward()
    note_partial_backward(COUNT)
    assert passes == Passes(forwards=COUNT)


def test_nothing_is_counted_outside_and_class_embeddings_cost_no_image():
    classifier = tiny_classifier()
    with counting_passes() as passes:
        classifier.embed(["a cat"])
    classifier(torch.rand(2, 3, 28, 28)).sum().backward()
    assert (passes.forwards, passes.cost) == (0, 0)
