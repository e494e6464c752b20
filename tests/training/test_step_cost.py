import pytest

from zsrobust.training.recipe import load_recipe
from zsrobust.training.step_cost import step_cost


@pytest.mark.parametrize(
    ("recipe", "first", "later"),
    [
        ("ft-clean", 3, 3),
        ("adversarial-training", 7, 7),
        ("tecoa", 7, 7),
        ("tecoa-pseudo", 8, 7),
        ("tecoa-captions", 7, 7),
        ("tga-zsr", 11, 10),
        ("comp-tga", 11, 10),
        ("placebo-patch-anchor", 11, 11),
        ("pmg-aft", 11, 11),
        ("fare", 24, 23),
        ("tecoa2-vit-l-14", 23, 23),
        ("sim-clip", 27, 27),
        ("lore", 52, 51),
    ],
)
def test_a_step_costs_the_least_that_its_method_needs(recipe, first, later):
    """Sections 7 of the methods: 2 N F for the attack, 3 F a trained image, 1 F a frozen one."""
    cost = step_cost(load_recipe(recipe))
    assert (cost.cost(), cost.cost() - cost.kept) == (first, later)


def test_the_attack_and_the_loss_are_counted_apart():
    cost = step_cost(load_recipe("tga-zsr", ["attack.steps=5"]))
    assert (cost.attack.forwards, cost.attack.input_backwards) == (5, 5)
    assert (cost.loss.forwards, cost.loss.full_backwards, cost.kept) == (3, 2, 1)


def test_a_term_of_weight_0_and_an_attack_of_none_cost_nothing():
    without = ["objective.settings.alpha=0", "objective.settings.beta=0", "attack=none"]
    assert step_cost(load_recipe("tga-zsr", without)).cost() == 3


def test_a_prompt_needs_no_gradient_of_the_weights():
    """2 N F + 2 F for PGD-2, where a tuned tower needs 2 N F + 3 F."""
    assert step_cost(load_recipe("tecoa-prompts")).cost(weights=1) == 6


def test_counting_leaves_the_random_state_as_it_was():
    import torch

    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    step_cost(load_recipe("tecoa"))
    assert torch.equal(torch.rand(2), expected)
