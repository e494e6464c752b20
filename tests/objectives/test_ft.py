from dataclasses import replace

import pytest
import torch
from tests.objectives.small_batches import batch_of, embedded, move, same_value_and_gradients
from tests.objectives.text_calls import counting_texts
from torch.nn.functional import cross_entropy

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.passes import counting_passes
from zsrobust.testing.tiny_clip import tiny_classifier, tiny_clip
from zsrobust.training.recipe import load_recipe

LABELS = [0, 1, 0, 2, 4, 1]
KINDS = ["ft-clean", "ft-adv"]


def written_out(classifier, pixels, labels, masked):
    """(CE over rows + CE over columns) / 2 of the images times the texts of their classes."""
    z = (
        classifier.logit_scale
        * embedded(classifier, pixels)
        @ classifier.class_embeddings[labels].T
    )
    names = [classifier.class_names[label] for label in labels.tolist()]
    total = torch.zeros(())
    for i in range(len(labels)):
        kept = [j for j in range(len(labels)) if not masked or j == i or names[j] != names[i]]
        rows, columns = z[i, kept].logsumexp(0), z[kept, i].logsumexp(0)
        total = total + ((rows - z[i, i]) + (columns - z[i, i])) / 2
    return total / len(labels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("same_class", ["masked", "as-released"])
def test_the_loss_and_its_gradient_equal_the_symmetric_contrast_written_out(kind, same_class):
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective(kind, {"same_class": same_class}, classifier)
    move(classifier)
    terms = objective.outer_loss(classifier, batch, adversarial)
    assert list(terms.terms) == ["contrast"]
    seen = batch.pixels if kind == "ft-clean" else adversarial
    theirs = written_out(classifier, seen, batch.labels, same_class == "masked")
    same_value_and_gradients(terms.total, theirs, list(classifier.visual.parameters()))


def test_ft_clean_never_looks_at_adversarial_pixels():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("ft-clean", {}, classifier)
    usual = objective.outer_loss(classifier, batch, adversarial).total
    blind = objective.outer_loss(classifier, batch, torch.full_like(adversarial, torch.nan)).total
    assert usual.item() == blind.item()


def test_ft_adv_is_adversarial_only():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective("ft-adv", {}, classifier)
    usual = objective.outer_loss(classifier, batch, adversarial).total
    elsewhere = replace(batch, pixels=torch.full_like(batch.pixels, torch.nan))
    assert objective.outer_loss(classifier, elsewhere, adversarial).total.item() == usual.item()


def test_trap_duplicate_labels_of_a_batch_are_negatives_only_as_released():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, [3, 3, 3])
    loss = {
        same_class: build_objective("ft-adv", {"same_class": same_class}, classifier)
        .outer_loss(classifier, batch, adversarial)
        .total.item()
        for same_class in ("masked", "as-released")
    }
    assert loss["masked"] == 0.0
    assert loss["as-released"] > 0.5


def test_trap_two_labels_of_one_class_name_are_one_text():
    classifier = classifier_of(tiny_clip(), ["crane", "dog", "crane"])
    batch, adversarial = batch_of(classifier, [0, 2, 1])
    objective = build_objective("ft-adv", {}, classifier)
    ours = objective.outer_loss(classifier, batch, adversarial).total
    twins = replace(batch, labels=torch.tensor([0, 0, 1]))
    assert ours.item() == objective.outer_loss(classifier, twins, adversarial).total.item()


@pytest.mark.parametrize("kind", KINDS)
def test_the_inner_attack_is_that_of_the_release_cross_entropy_over_all_classes(kind):
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    loss = build_objective(kind, {}, classifier).inner_loss(classifier, batch)
    expected = cross_entropy(classifier(adversarial), batch.labels, reduction="none")
    assert torch.allclose(loss(adversarial), expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_replaces_the_scale_of_the_model_in_both_losses(kind):
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS)
    objective = build_objective(kind, {"logit_scale": 7}, classifier)
    ours = objective.outer_loss(classifier, batch, adversarial).total.item()
    attacked = objective.inner_loss(classifier, batch)(adversarial)
    classifier.logit_scale = 7.0
    same = build_objective(kind, {}, classifier)
    assert ours == pytest.approx(same.outer_loss(classifier, batch, adversarial).total.item())
    assert torch.allclose(attacked, same.inner_loss(classifier, batch)(adversarial))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_costs_its_floor_of_three_forwards_an_image_and_no_text(kind):
    classifier = tiny_classifier()
    classifier.visual.requires_grad_(True)
    batch, adversarial = batch_of(classifier, LABELS)
    with counting_passes() as passes, counting_texts(classifier) as texts:
        objective = build_objective(kind, {}, classifier)
        objective.outer_loss(classifier, batch, adversarial).total.backward()
    assert passes.cost == 3 * 6
    assert texts == []


def test_the_recipes_hold_the_settings_of_the_release():
    for kind in KINDS:
        plain, released = load_recipe(kind), load_recipe(f"{kind}-as-released")
        assert plain.objective.settings["same_class"] == "masked"
        assert released.objective.settings["same_class"] == "as-released"
        for recipe in (plain, released):
            assert recipe.objective.kind == kind
            assert (recipe.optimizer.kind, recipe.optimizer.lr) == ("sgd", 1e-4)
            assert (recipe.batch_size, recipe.epochs, recipe.warmup_steps) == (128, 10, 1000)
            assert recipe.templates == ["This is a photo of a {}"]
            assert recipe.attack.kind == ("none" if kind == "ft-clean" else "pgd")


def test_the_image_half_of_mmcoa_is_half_of_each_cross_entropy_of_ft_adv_under_adam():
    recipe = load_recipe("mmcoa-image")
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, [0, 1, 2, 3])
    objective = build_objective(recipe.objective.kind, recipe.objective.settings, classifier)
    ours = objective.outer_loss(classifier, batch, adversarial).total
    texts = classifier.class_embeddings[batch.labels]
    z = classifier.logit_scale * embedded(classifier, adversarial) @ texts.T
    own = torch.arange(4)
    theirs = 0.5 * (cross_entropy(z, own) + cross_entropy(z.T, own))
    same_value_and_gradients(ours, theirs, list(classifier.visual.parameters()))
    assert (recipe.optimizer.kind, recipe.optimizer.weight_decay) == ("adamw", 0)  # which is Adam
