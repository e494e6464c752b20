import pytest
from tests.training.small_training import recipe

from zsrobust.errors import ModelError
from zsrobust.objectives.passes import Passes
from zsrobust.training.methods_section import methods_section
from zsrobust.training.recipe import load_recipe, recipe_names
from zsrobust.training.recipe_comments import recipe_comments
from zsrobust.training.step_cost import StepCost
from zsrobust.training.trained_parameters import trained_parameters

COST = StepCost(Passes(2, 2), Passes(3, 0, 2), 1)
B32 = "ViT-B-32-quickgelu/openai"


def section(name, *overrides, **more):
    """Heading -> (said, source) of a recipe."""
    lines = methods_section(load_recipe(name, overrides), recipe_comments(name), COST, **more)
    return {each.heading: (each.said, each.source) for each in lines}


def test_every_setting_of_the_published_recipe_stands_with_its_source():
    said = section("tga-zsr")
    assert said["Source"][0].startswith("TGA-ZSR, NeurIPS 2024")
    assert "alpha * d(A(x_adv), A0(x))" in said["Objective"][0]
    assert said["Settings"][0].startswith("alpha 0.08, beta 0.05")
    assert said["Settings"][1].startswith("Paper, section 4.1")
    attack = "PGD: 2 steps of 1/255 from a random start, within l-inf 1/255, last iterate"
    assert said["Inner attack"] == (attack, "paper")
    assert said["Optimiser"] == (
        "SGD, momentum 0.9, learning rate 0.0001, weight decay 0",
        "paper",
    )
    assert said["Length"] == ("10 epochs", "release")
    assert said["Prompts"] == ('"This is a photo of a {}"', "release, without a full stop")
    assert said["Images"][0] == "shorter side 256, central 224; no augmentation"


def test_the_cost_is_said_for_the_first_sight_and_for_later_ones():
    lines = methods_section(load_recipe("tga-zsr"), {}, COST)
    first, later = lines[-2:]
    assert first.said.startswith("11 F an image and step")
    assert later.said.startswith("10 F once an image has been seen")


def test_a_prompt_pays_1_f_a_backward_and_the_last_tensors_at_most_2():
    assert section("tecoa-prompts")["Cost"][0].startswith("9 F an image")
    partly = section("tecoa", "trainable.last-tensors=2")["Cost"][0]
    assert partly.startswith("at most 11 F")


def test_what_a_recipe_changes_is_said():
    said = section(
        "tecoa-mini",
        "classes=40",
        "samples_per_class=100",
        "accumulate=2",
        "precision=bf16",
        "validation.images=200",
        "validation.every=50",
        "ema=0.99",
        "attack.kind=n-fgsm",
        "attack.eps_warmup_steps=7",
        "warmup_steps=0",
    )
    assert said["Seen"][0] == "classes: 40, at most 100 images of a class"
    assert "in 2 parts" in said["Batches"][0]
    assert "bfloat16" in said["Precision"][0]
    kept = "a moving average of the weights (decay up to 0.99): the best mean of clean and robust"
    assert said["State kept"][0].startswith(kept)
    assert "200 held-out training images" in said["State kept"][0]
    assert said["Inner attack"][0].startswith("N-FGSM: one step of eps from noise of 2 radii")
    assert "first 7 training steps" in said["Inner attack"][0]
    assert said["Schedule"][0] == "half a cosine down to 0, no warm-up"


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_ships_can_be_read_as_a_section(name):
    lines = methods_section(load_recipe(name), recipe_comments(name), COST)
    assert all(line.said for line in lines)
    assert {"Objective", "Inner attack", "Optimiser", "Cost"} <= {line.heading for line in lines}


def test_comments_belong_to_the_key_above_which_or_behind_which_they_stand(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "# zsrobust train mine.yaml\n"
        "source: me  # who\n"
        "objective:\n"
        "  # two\n"
        "  # lines\n"
        "  kind: tecoa  # and one\n"
        'templates: ["a # of {}"]  # no comment in it\n'
        "steps: 3\n"
    )
    assert recipe_comments(file) == {
        "source": "who",
        "objective.kind": "two lines and one",
        "templates": "no comment in it",
    }


@pytest.mark.parametrize(
    ("trainable", "count"),
    [
        ("tower", 87_849_216),
        ({"last-tensors": 2}, 1_536),
        ({"last-tensors": 14}, 7_089_408),
        ("visual-prompt", 69_840),
        ({"prompt-tokens": {"count": 100}}, 76_800),
        ("linear-probe", 768 * 512),
    ],
)
def test_trained_parameters_are_counted_without_the_weights(trainable, count):
    assert trained_parameters(recipe(trainable=trainable), B32) == count


def test_trained_parameters_of_a_folder_are_those_of_its_tower(tiny_folder, classifier):
    tower = sum(each.numel() for each in classifier.visual.parameters())
    assert trained_parameters(recipe(), str(tiny_folder)) == tower
    with pytest.raises(ModelError):
        trained_parameters(recipe(trainable={"last-tensors": 999}), str(tiny_folder))
