from itertools import pairwise

import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted, embedded
from tests.objectives.towers import tower_classifier

from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images
from zsrobust.training.recipe import load_recipe


def written_out(setting, pixels):
    with torch.no_grad():
        reference = embedded(setting.original, setting.batch.pixels)
    return ((embedded(setting.student, pixels) - reference) ** 2).sum(1)


def test_fare_and_its_gradient_equal_the_squared_distance_written_out():
    setting = drifted("fare")
    terms = setting.terms()
    assert list(terms) == ["embedding_distance"]
    theirs = written_out(setting, setting.adversarial).mean()
    assert_equal_with_gradient(terms["embedding_distance"], theirs, setting.student)


def test_the_inner_attack_maximises_the_same_distance():
    setting = drifted("fare")
    pixels = setting.adversarial.clone().requires_grad_()
    ours, theirs = setting.inner(pixels), written_out(setting, pixels)
    assert torch.allclose(ours, theirs, rtol=1e-5)
    (mine,) = torch.autograd.grad(ours.sum(), pixels)
    (written,) = torch.autograd.grad(theirs.sum(), pixels)
    assert torch.allclose(mine, written, rtol=1e-5, atol=1e-12)


def test_trap_embeddings_are_not_normalised():
    setting = drifted("fare")
    before = setting.terms()["embedding_distance"].item()
    with torch.no_grad():
        setting.student.visual.proj.mul_(2)
    assert setting.terms()["embedding_distance"].item() > 1.5 * before


def test_labels_and_texts_take_no_part():
    setting = drifted("fare")
    before = setting.terms()["embedding_distance"].item()
    setting.batch.labels.copy_((setting.batch.labels + 1) % 5)
    setting.student.class_embeddings.zero_()
    assert setting.terms()["embedding_distance"].item() == before


def test_trap_no_unused_clean_forward_and_the_reference_is_embedded_once():
    setting = drifted("fare")
    loss = setting.objective.inner_loss(setting.student, setting.batch)
    loss(setting.batch.pixels)
    loss(setting.adversarial)
    setting.terms()
    setting.terms()
    assert setting.calls == [(False, 6)] + [(True, 6)] * 4


def test_under_a_random_transform_attack_and_loss_share_one_reference():
    setting = drifted("fare", repeatable=False)
    setting.inner()
    setting.terms()
    assert setting.calls == [(False, 6), (True, 6), (True, 6)]
    assert dict(setting.objective.memory) == {}


def test_at_the_start_the_clean_image_has_no_distance():
    setting = drifted("fare", drift=0.0)
    assert setting.inner().tolist() == pytest.approx([0] * 6, abs=1e-20)


def test_trap_betas_are_the_papers_and_as_released_the_optimisers_default():
    plain, released = load_recipe("fare"), load_recipe("fare-as-released")
    assert plain.optimizer.betas == (0.9, 0.95)
    assert released.optimizer.betas == (0.9, 0.999)
    update = {"optimizer": plain.optimizer, "source": plain.source}
    assert released.model_copy(update=update) == plain
    assert (plain.optimizer.lr, plain.optimizer.weight_decay) == (1e-5, 1e-4)
    assert (plain.batch_size, plain.steps, plain.warmup_steps) == (128, 20000, 1400)
    assert (plain.attack.eps, plain.attack.steps, plain.attack.step_size) == (
        "1/255", 10, "1/255",
    )  # fmt: skip


@pytest.mark.parametrize("tower", ["vit-14x14", "clip-resnet", "convnext"])
def test_twenty_steps_lower_the_loss_on_towers_of_every_kind(tower):
    classifier = tower_classifier(tower)
    objective = build_objective("fare", {}, classifier)
    pixels, labels = random_images(4, classifier)
    batch = Batch(pixels, labels, ["a", "b", "c", "d"])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in classifier.visual.parameters():
            parameter.mul_(1 + 0.1 * torch.randn(parameter.shape, generator=generator))
    optimizer = torch.optim.AdamW(classifier.visual.parameters(), 1e-5)
    losses = []
    for _ in range(21):
        total = objective.outer_loss(classifier, batch, pixels.flip(3)).total
        losses.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert losses[-1] < 0.8 * losses[0]
