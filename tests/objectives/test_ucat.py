import math

import mpmath
import pytest
import torch
from tests.objectives.drifted import (
    assert_equal_with_gradient,
    cosines,
    drifted,
    own_class,
    softmax,
)

from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.training.recipe import load_recipe

WEIGHT = 1e5 / (1 + math.exp(2 / 0.07))


def exact(setting, direction="adversarial-first", temperature=0.07):
    """The divergence of each image with sixty digits."""
    with torch.no_grad():
        rows = [
            (cosines(setting.student, setting.adversarial) + 1) / temperature,
            (cosines(setting.original, setting.batch.pixels) + 1) / temperature,
        ]
    found = []
    with mpmath.workdps(60):
        for logs in zip(*(row.tolist() for row in rows), strict=True):
            a, b = ([mpmath.exp(value) for value in row] for row in logs)
            if direction == "clean-first":
                a, b = b, a
            total = mpmath.loggamma(sum(a)) - mpmath.loggamma(sum(b))
            for x, y in zip(a, b, strict=True):
                total += mpmath.loggamma(y) - mpmath.loggamma(x)
                total += (x - y) * (mpmath.digamma(x) - mpmath.digamma(sum(a)))
            found.append(float(total))
    return sum(found) / len(found)


@pytest.mark.parametrize("direction", ["adversarial-first", "clean-first"])
def test_the_divergence_is_exact_to_1e_5_in_both_directions(direction):
    setting = drifted("ucat", {"direction": direction})
    ours = setting.terms()["evidence_divergence"].item()
    assert ours == pytest.approx(WEIGHT * exact(setting, direction), rel=1e-5)


def test_ucat_and_its_gradient_equal_the_equation_written_out():
    setting = drifted("ucat", {"strength": 10.0, "temperature": 0.7})
    terms = setting.terms()
    labels = setting.batch.labels
    scale = setting.student.logit_scale
    plain = -own_class(softmax(scale * cosines(setting.student, setting.adversarial)), labels).log()
    assert_equal_with_gradient(terms["cross_entropy"], plain.mean(), setting.student)
    a = ((cosines(setting.student, setting.adversarial) + 1) / 0.7).exp()
    with torch.no_grad():
        b = ((cosines(setting.original, setting.batch.pixels) + 1) / 0.7).exp()
    apart = torch.distributions.kl_divergence(
        torch.distributions.Dirichlet(a), torch.distributions.Dirichlet(b)
    )
    weight = 10 / (1 + math.exp(2 / 0.7))
    assert_equal_with_gradient(terms["evidence_divergence"], weight * apart.mean(), setting.student)


def test_trap_kl_direction_the_default_is_adversarial_first_at_the_published_weight():
    assert pytest.approx(3.9e-8, rel=0.01) == WEIGHT
    setting = drifted("ucat")
    ours = setting.terms()["evidence_divergence"].item()
    assert ours != pytest.approx(WEIGHT * exact(setting, "clean-first"), rel=1e-3)


def test_trap_the_reference_is_the_frozen_model_on_the_clean_image():
    setting = drifted("ucat", drift=0.0)
    same = setting.objective.outer_loss(setting.student, setting.batch, setting.batch.pixels)
    assert same.terms["evidence_divergence"].item() == pytest.approx(0, abs=1e-9)
    assert setting.terms()["evidence_divergence"].item() > 0


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_trap_evidence_neither_overflows_nor_loses_its_divergence_under_autocast(precision):
    classifier = tiny_classifier()
    pixels, labels = random_images(6, classifier)
    batch = Batch(pixels, labels, [f"i{i}" for i in range(6)])
    objective = build_objective("ucat", {}, classifier)
    expected = objective.outer_loss(classifier, batch, pixels.flip(3)).terms
    objective.memory.clear()
    with torch.autocast("cpu", dtype=precision):
        terms = objective.outer_loss(classifier, batch, pixels.flip(3))
        for name, term in terms.terms.items():
            assert term.item() == pytest.approx(expected[name].item(), rel=0.05)
        terms.total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in classifier.visual.parameters())


def test_the_inner_attack_maximises_cross_entropy_alone():
    setting = drifted("ucat")
    scale = setting.student.logit_scale
    plain = -own_class(
        softmax(scale * cosines(setting.student, setting.adversarial)), setting.batch.labels
    ).log()
    assert torch.allclose(setting.inner(setting.adversarial), plain, rtol=1e-5)


def test_cost_is_one_forward_shared_by_both_terms_and_the_reference_once():
    setting = drifted("ucat")
    setting.inner()
    setting.terms()
    setting.terms()
    assert setting.calls == [(True, 6), (True, 6), (False, 6), (True, 6)]


def test_the_recipe_holds_the_published_settings():
    ucat = load_recipe("ucat")
    assert ucat.objective.settings == {
        "strength": 1e5,
        "temperature": 0.07,
        "direction": "adversarial-first",
        "logit_scale": "model",
    }
    assert (ucat.optimizer.lr, ucat.batch_size, ucat.warmup_steps) == (1e-4, 256, 1000)
