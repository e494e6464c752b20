import math
from dataclasses import replace

import pytest
import torch
from tests.objectives.small_batches import batch_of, embedded, move, same_value_and_gradients
from tests.objectives.text_calls import counting_texts

from zsrobust.attacks.pgd import pgd
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.errors import SettingsError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.passes import counting_passes
from zsrobust.testing.tiny_clip import tiny_classifier, tiny_clip
from zsrobust.threat_model import ThreatModel
from zsrobust.training.recipe import load_recipe

LABELS = [0, 1, 0, 2, 4, 1]


def written_out(classifier, pixels, labels):
    """-log of the softmax over all K class texts at the true class, mean over the batch."""
    z = classifier.logit_scale * embedded(classifier, pixels) @ classifier.class_embeddings.T
    losses = [z[i].logsumexp(0) - z[i, label] for i, label in enumerate(labels)]
    return torch.stack(losses).mean()


def frozen_labels(classifier, batch):
    with torch.no_grad():
        return classifier(batch.pixels).argmax(1).tolist()


def test_the_loss_and_its_gradient_equal_cross_entropy_written_out():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    terms = build_objective("tecoa", {}, classifier).outer_loss(classifier, batch, adversarial)
    assert list(terms.terms) == ["cross_entropy"]
    theirs = written_out(classifier, adversarial, LABELS)
    same_value_and_gradients(terms.total, theirs, list(classifier.visual.parameters()))


def test_trap_the_softmax_runs_over_all_prompts_and_not_over_those_of_the_batch():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, [0])
    alone = build_objective("tecoa", {}, classifier).outer_loss(classifier, batch, adversarial)
    assert alone.total.item() == pytest.approx(
        written_out(classifier, adversarial, [0]).item(), rel=1e-5
    )
    assert alone.total.item() > 0.01


@pytest.mark.parametrize("labels", ["given", "pseudo"])
def test_the_attack_maximises_the_very_loss_that_training_minimises(labels):
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("tecoa", {"labels": labels}, classifier)
    attacked = objective.inner_loss(classifier, batch)(adversarial)
    assert attacked.shape == (6,)
    trained = objective.outer_loss(classifier, batch, adversarial).total
    assert attacked.mean().item() == pytest.approx(trained.item(), rel=1e-6)


def test_a_number_replaces_the_scale_of_the_model_in_attack_and_loss():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("tecoa", {"logit_scale": 7}, classifier)
    ours = objective.outer_loss(classifier, batch, adversarial).total
    attacked = objective.inner_loss(classifier, batch)(adversarial).mean()
    classifier.logit_scale = 7.0
    theirs = written_out(classifier, adversarial, LABELS)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    assert attacked.item() == pytest.approx(theirs.item(), rel=1e-5)


def test_trap_there_is_no_clean_term():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("tecoa", {}, classifier)
    usual = objective.outer_loss(classifier, batch, adversarial).total
    elsewhere = replace(batch, pixels=torch.full_like(batch.pixels, torch.nan))
    assert objective.outer_loss(classifier, elsewhere, adversarial).total.item() == usual.item()


def test_trap_the_logit_scale_and_the_class_texts_are_constants_of_the_training():
    classifier = tiny_classifier()
    classifier.model.clip.requires_grad_(True)
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("tecoa", {}, classifier)
    objective.outer_loss(classifier, batch, adversarial).total.backward()
    clip = classifier.model.clip
    assert classifier.logit_scale == pytest.approx(clip.logit_scale.exp().item())
    trained = {name for name, parameter in clip.named_parameters() if parameter.grad is not None}
    assert trained
    assert all(name.startswith("visual.") for name in trained)


def test_trap_two_classes_of_one_name_cost_ln_2_and_turn_the_gradient_at_one_half():
    classifier = classifier_of(tiny_clip(), ["crane", "dog", "crane"])
    batch, adversarial = batch_of(classifier, [0, 2, 0])
    objective = build_objective("tecoa", {"logit_scale": 5}, classifier)
    losses = objective.inner_loss(classifier, batch)(adversarial)
    assert float(losses.detach().min()) >= math.log(2)
    twins = replace(batch, labels=torch.tensor([2, 0, 2]))
    assert torch.equal(losses, objective.inner_loss(classifier, twins)(adversarial))
    cosines = (embedded(classifier, adversarial) @ classifier.class_embeddings.T).detach()
    crane, dog = cosines[:, 0].clone().requires_grad_(), cosines[:, 1]
    loss = -torch.stack([5 * crane, 5 * dog, 5 * crane]).log_softmax(0)[0]
    assert torch.allclose(loss, losses, atol=1e-5)
    (gradient,) = torch.autograd.grad(loss.sum(), crane)
    assert torch.allclose(gradient, 5 * (2 * (-loss.detach()).exp() - 1), atol=1e-5)


def test_pseudo_labels_are_the_frozen_models_on_clean_images():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, [-1] * 6)
    before = frozen_labels(classifier, batch)
    objective = build_objective("tecoa", {"labels": "pseudo"}, classifier)
    move(classifier, by=0.5)
    assert frozen_labels(classifier, batch) != before
    ours = objective.outer_loss(classifier, batch, adversarial).total
    theirs = written_out(classifier, adversarial, before)
    same_value_and_gradients(ours, theirs, list(classifier.visual.parameters()))


@pytest.mark.parametrize(("repeatable", "labellings"), [(True, 1), (False, 2)])
def test_the_frozen_model_labels_an_image_once_or_once_a_batch_under_a_random_transform(
    repeatable, labellings
):
    classifier = tiny_classifier()
    classifier.visual.requires_grad_(True)
    epochs = [batch_of(classifier, LABELS, repeatable=repeatable) for _ in range(2)]
    with counting_passes() as passes:
        objective = build_objective("tecoa", {"labels": "pseudo"}, classifier)
        for batch, adversarial in epochs:
            objective.inner_loss(classifier, batch)
            objective.outer_loss(classifier, batch, adversarial).total.backward()
    assert passes.forwards == 6 * (2 + labellings)
    assert passes.full_backwards == 6 * 2
    assert len(objective.memory) == (6 if repeatable else 0)


def test_a_step_with_pgd_2_costs_its_floor_of_seven_forwards_an_image_and_no_text():
    classifier = tiny_classifier()
    classifier.visual.requires_grad_(True)
    batch, _ = batch_of(classifier, LABELS)
    with counting_passes() as passes, counting_texts(classifier) as texts:
        objective = build_objective("tecoa", {}, classifier)
        adversarial = pgd(
            objective.inner_loss(classifier, batch),
            batch.pixels,
            ThreatModel("linf", 1 / 255),
            steps=2,
            step_size=1 / 255,
            start=batch.pixels,
        )
        assert all(parameter.grad is None for parameter in classifier.visual.parameters())
        objective.outer_loss(classifier, batch, adversarial).total.backward()
    assert passes.cost == 7 * 6
    assert (passes.input_backwards, passes.full_backwards) == (2 * 6, 6)
    assert texts == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"labels": "pseudo", "texts": "captions"}, "set labels to given"),
        ({"direction": "symmetric"}, "set texts to captions"),
        ({"logit_scale": 0}, "logit_scale"),
        ({"logit_scale": "learnt"}, "logit_scale"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        build_objective("tecoa", settings, tiny_classifier())


def test_the_recipes_hold_the_published_settings_at_each_learning_rate():
    assert load_recipe("tecoa").optimizer.lr == 1e-5
    assert load_recipe("tecoa-lr-1e-4").optimizer.lr == 1e-4
    released = load_recipe("tecoa-as-released")
    assert (released.optimizer.lr, released.batch_size) == (1e-7, 256)
    assert load_recipe("tecoa-pseudo").objective.settings["labels"] == "pseudo"
    pairs = load_recipe("tecoa-captions")
    assert pairs.objective.settings["texts"] == "captions"
    assert pairs.objective.settings["direction"] == "symmetric"
    assert (pairs.batch_size, pairs.optimizer.lr) == (256, 1e-4)
