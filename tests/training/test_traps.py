"""Traps of the releases' training loops that no other file of tests is named after."""

import pytest
import torch
from tests.objectives.drifted import drifted
from tests.objectives.text_calls import counting_texts
from tests.training.small_training import colours, recipe, run
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from zsrobust.attacks.ball import random_start
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.pixels import read_pixels
from zsrobust.objectives.catalogue import OBJECTIVES, build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images, tiny_classifier, tiny_clip
from zsrobust.threat_model import ThreatModel
from zsrobust.training import inner_attack
from zsrobust.training.inner_attack import attack_batch
from zsrobust.training.precision import in_precision
from zsrobust.training.recipe import Optimizer
from zsrobust.training.step import make_optimizer

EPS = 4 / 255
KEY = (0, "train", 3)
KINDS = [(kind, {}) for kind in OBJECTIVES] + [
    ("tecoa", {"labels": "pseudo"}),
    ("tga-zsr", {"target": "vision-detached"}),
]

ALONE = {"ft-clean", "ft-adv", "adversarial-training", "tecoa", "sim-clip"}
"""By their own settings they ask no frozen model."""


def attack(**settings):
    return recipe(attack={"eps": "4/255", "step_size": "1/255", "steps": 5, **settings}).attack


@pytest.fixture
def setting():
    data = colours(8)
    classifier = classifier_of(tiny_clip(), data.class_names, ["a {}"])
    classifier.visual.requires_grad_(True)
    pixels = read_pixels(data, range(8), 28) * 0.8 + 0.1
    return classifier, Batch(pixels, torch.tensor(data.labels), data.ids)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=str)
def test_trap_the_text_tower_is_never_run_again_in_a_step(setting, kind, settings):
    classifier, batch = setting
    objective = build_objective(kind, settings, classifier)
    with counting_texts(classifier) as texts:
        adversarial = attack_batch(classifier, objective, batch, attack(), KEY)
        objective.outer_loss(classifier, batch, adversarial).total.backward()
    assert texts == []


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=str)
def test_trap_a_frozen_tower_has_no_graph_and_no_gradient(setting, kind, settings):
    classifier, batch = setting
    objective = build_objective(kind, settings, classifier)
    own, frozen = set(classifier.visual.modules()), []

    def heard(module, _inputs, output):
        if isinstance(module, nn.Conv2d) and module not in own:
            frozen.append((module, output))

    handle = register_module_forward_hook(heard)
    try:
        adversarial = attack_batch(classifier, objective, batch, attack(), KEY)
        objective.outer_loss(classifier, batch, adversarial).total.backward()
    finally:
        handle.remove()
    assert bool(frozen) == (bool(settings) or kind not in ALONE)
    assert not any(output.requires_grad for _, output in frozen)
    assert all(module.weight.grad is None for module, _ in frozen)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=str)
def test_trap_attacked_pixels_bring_no_graph_into_the_training(setting, kind, settings):
    classifier, batch = setting
    objective = build_objective(kind, settings, classifier)
    adversarial = attack_batch(classifier, objective, batch, attack(), KEY)
    assert not adversarial.requires_grad and adversarial.grad_fn is None
    assert not batch.pixels.requires_grad


@pytest.mark.parametrize("kind", ["tecoa", "tga-zsr", "pmg-aft", "fare", "agft", "ucat", "caw"])
def test_trap_the_attacks_gradient_is_not_divided_by_the_batch(kind):
    """A mean over the batch in half precision leaves confident images unattacked."""
    setting = drifted(kind, count=4)
    pixels = setting.adversarial.clone().requires_grad_()
    loss = setting.objective.inner_loss(setting.student, setting.batch)
    (whole,) = torch.autograd.grad(loss(pixels).sum(), pixels)
    alone = Batch(setting.batch.pixels[1:2], setting.batch.labels[1:2], setting.batch.ids[1:2])
    single = pixels[1:2].detach().requires_grad_()
    loss = setting.objective.inner_loss(setting.student, alone)
    (expected,) = torch.autograd.grad(loss(single).sum(), single)
    assert torch.allclose(whole[1:2], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_trap_a_confident_image_is_attacked_in_every_pixel(precision):
    """1 - p is below 1e-5: the gradient of a mean over 128 images would be 0 in unscaled fp16."""
    classifier = tiny_classifier()
    pixels, _ = random_images(1, classifier)
    with torch.no_grad():
        logits = classifier(pixels)[0]
    order = logits.argsort(descending=True)
    classifier.logit_scale *= 16 / float(logits[order[0]] - logits[order[1]])
    objective = build_objective("tecoa", {}, classifier)
    batch = Batch(pixels, order[:1], ["a"])
    with in_precision(classifier.visual, precision):
        doubt = classifier(pixels).softmax(1)[0, order[1:]].sum().item()
        adversarial = attack_batch(classifier, objective, batch, attack(steps=1), KEY)
    start = random_start(pixels, ["a"], ThreatModel("linf", EPS), *KEY)
    moved = (adversarial != start).float().mean().item()
    assert 0 < doubt < 1e-5
    assert moved > 0.95


def test_trap_a_pass_without_graph_before_one_with_it_costs_no_gradient_under_autocast():
    """Old torch keeps casts of weights that were made without a graph, and reuses them."""
    found = []
    for before in (False, True):
        classifier = tiny_classifier()
        pixels, labels = random_images(3, classifier)
        objective = build_objective("tecoa", {}, classifier)
        with in_precision(classifier.visual, "bf16"):
            if before:
                with torch.no_grad():
                    classifier(pixels)
            batch = Batch(pixels, labels, list("abc"))
            objective.outer_loss(classifier, batch, pixels).total.backward()
        found.append([p.grad for p in classifier.visual.parameters()])
    assert all(
        one is not None and torch.equal(one, other) for one, other in zip(*found, strict=True)
    )


def test_trap_momentum_of_robustvlms_attack_is_inert_and_its_last_iterate_is_taken(setting):
    """v <- sign(0.9 v + g) of signs g is g, wherever g is not 0; written as the release does it."""
    classifier, batch = setting
    classifier, pixels = classifier.double(), batch.pixels.double()
    batch = Batch(pixels, batch.labels, batch.ids)
    objective = build_objective("tecoa", {}, classifier)
    loss = objective.inner_loss(classifier, batch)
    delta = random_start(pixels, batch.ids, ThreatModel("linf", EPS), *KEY) - pixels
    velocity = torch.zeros_like(delta)
    for _ in range(5):
        delta = delta.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(pixels + delta).mean(), delta)
        assert gradient.all()
        velocity = (0.9 * velocity + gradient.sign()).sign()
        delta = (delta + 1 / 255 * velocity).clamp(-EPS, EPS)
        delta = (pixels + delta).clamp(0, 1) - pixels
    ours = attack_batch(classifier, objective, batch, attack(), KEY)
    assert torch.allclose(ours, pixels + delta, atol=1e-9)


def test_trap_weight_decay_is_on_every_tensor_of_the_tower_biases_and_norms_too():
    tower = tiny_clip().visual.requires_grad_(True)
    optimizer = make_optimizer(
        Optimizer(kind="adamw", lr=1e-5, weight_decay=1e-4), tower.parameters()
    )
    decaying = [group for group in optimizer.param_groups if group["weight_decay"] == 1e-4]
    assert {id(p) for group in decaying for p in group["params"]} == {
        id(p) for p in tower.parameters()
    }


@pytest.mark.parametrize("random_start", ["repeated", "fresh"])
def test_trap_comp_tga_as_released_begins_every_step_with_the_same_noise(
    tmp_path, monkeypatch, random_start
):
    noise, plain = [], inner_attack.random_start

    def heard(clean, *arguments):
        start = plain(clean, *arguments)
        noise.append(start - clean)
        return start

    monkeypatch.setattr(inner_attack, "random_start", heard)
    objective = {"kind": "comp-tga", "settings": {"random_start": random_start}}
    run(tmp_path / "run", recipe(objective=objective, steps=3))
    first, second, last = noise
    assert torch.allclose(first, second, atol=1e-6) == (random_start == "repeated")
    assert torch.allclose(first[: len(last)], last, atol=1e-6) == (random_start == "repeated")
