from dataclasses import replace

import pytest
import torch
from tests.objectives.small_batches import batch_of, same_value_and_gradients
from tests.objectives.text_calls import counting_texts

from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.passes import counting_passes
from zsrobust.testing.tiny_clip import tiny_classifier

LABELS = [0, 1, 0, 2, 4, 1]


@pytest.fixture
def setting():
    classifier = tiny_classifier()
    classifier.visual.requires_grad_(True)
    batch, adversarial = batch_of(classifier, LABELS)
    return classifier, build_objective("adversarial-training", {}, classifier), batch, adversarial


def written_out(classifier, head, pixels):
    """One-hot cross-entropy of W f + b, f as it leaves the tower."""
    pooled = classifier.visual(classifier.preprocess(pixels))
    z = (pooled[:, None] * head.weight).sum(2) + head.bias
    one_hot = torch.zeros_like(z)
    for i, label in enumerate(LABELS):
        one_hot[i, label] = 1
    return -(one_hot * (z - z.logsumexp(1, keepdim=True))).sum(1).mean()


def test_the_loss_and_its_gradient_equal_one_hot_cross_entropy_written_out(setting):
    classifier, objective, batch, adversarial = setting
    ours = objective.outer_loss(classifier, batch, adversarial).total
    theirs = written_out(classifier, objective.modules, adversarial)
    learned = [*classifier.visual.parameters(), *objective.modules.parameters()]
    same_value_and_gradients(ours, theirs, learned)
    attacked = objective.inner_loss(classifier, batch)(adversarial)
    assert attacked.mean().item() == pytest.approx(ours.item(), rel=1e-6)


def test_the_head_is_fresh_trainable_alike_for_all_and_leaves_the_global_random_state(setting):
    classifier, objective, *_ = setting
    state = torch.random.get_rng_state()
    torch.rand(3)
    again = build_objective("adversarial-training", {}, classifier).modules
    torch.random.set_rng_state(state)
    assert torch.equal(again.weight, objective.modules.weight)
    assert again is not objective.modules
    assert again.weight.shape == (5, 32)
    assert all(parameter.requires_grad for parameter in again.parameters())
    build_objective("adversarial-training", {}, classifier)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_no_text_takes_part_and_none_moves(setting):
    classifier, objective, batch, adversarial = setting
    before = classifier.class_embeddings.clone()
    usual = objective.outer_loss(classifier, batch, adversarial).total
    usual.backward()
    assert torch.equal(classifier.class_embeddings, before)
    classifier.class_embeddings = -before
    assert objective.outer_loss(classifier, batch, adversarial).total.item() == usual.item()


def test_it_is_adversarial_only(setting):
    classifier, objective, batch, adversarial = setting
    usual = objective.outer_loss(classifier, batch, adversarial).total
    elsewhere = replace(batch, pixels=torch.full_like(batch.pixels, torch.nan))
    assert objective.outer_loss(classifier, elsewhere, adversarial).total.item() == usual.item()


def test_tower_and_head_learn_together(setting):
    classifier, objective, batch, adversarial = setting
    learned = [*classifier.visual.parameters(), *objective.modules.parameters()]
    optimizer = torch.optim.SGD(learned, 0.02)
    losses = []
    for _ in range(20):
        loss = objective.outer_loss(classifier, batch, adversarial).total
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


def test_a_step_costs_its_floor_of_three_forwards_an_image_and_no_text(setting):
    classifier, objective, batch, adversarial = setting
    with counting_passes() as passes, counting_texts(classifier) as texts:
        objective.outer_loss(classifier, batch, adversarial).total.backward()
    assert passes.cost == 3 * 6
    assert texts == []
