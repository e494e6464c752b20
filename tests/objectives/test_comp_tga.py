import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted, gradient
from tests.objectives.written_maps import apart, attention, dense, token_gradient
from torch import nn

from zsrobust.classifier.class_embeddings import embed_texts
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.errors import InputError, SettingsError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.testing.tiny_clip import tiny_classifier
from zsrobust.training.recipe import load_recipe

TERMS = ("attention_refinement", "attention_constraint")


def written_terms(setting, distance, template="This is not a photo of a {}"):
    names = [template.format(name) for name in setting.student.class_names]
    negated = embed_texts(tiny_classifier().model, names).double()[setting.batch.labels]
    text = setting.student.class_embeddings[setting.batch.labels]

    def complementary(features):
        return dense(attention(features, text)) * (1 - dense(attention(features, negated)))

    with torch.no_grad():
        original = complementary(setting.original.features(setting.batch.pixels))
    terms = []
    for pixels in (setting.adversarial, setting.batch.pixels):
        features = setting.student.features(pixels)
        terms.append((apart(distance, complementary(features), original), features))
    return terms


@pytest.mark.parametrize("distance", ["l2", "l1", "cos"])
def test_comp_tga_and_its_gradient_equal_the_equations_written_out(distance):
    setting = drifted("comp-tga", {"distance": distance, "gradient_norm": "own"})
    terms = setting.terms()
    for name, weight, (written, _) in zip(
        TERMS, (0.10, 0.07), written_terms(setting, distance), strict=True
    ):
        assert_equal_with_gradient(terms[name], weight * written, setting.student)


@pytest.mark.parametrize("distance", ["l1", "cos"])
def test_a_matched_distance_pulls_as_l2_does(distance):
    setting = drifted("comp-tga", {"distance": distance})
    terms = setting.terms()
    published = written_terms(setting, "l2")
    for name, weight, (own, features), (l2, others) in zip(
        TERMS, (0.10, 0.07), written_terms(setting, distance), published, strict=True
    ):
        factor = (token_gradient(l2, others) / token_gradient(own, features)).detach()
        assert_equal_with_gradient(terms[name], weight * factor * own, setting.student)


def test_the_negated_prompt_is_a_setting():
    setting = drifted("comp-tga", {"negated_templates": ["no {} at all"]})
    (written, _), _ = written_terms(setting, "l2", "no {} at all")
    assert_equal_with_gradient(
        setting.terms()["attention_refinement"], 0.10 * written, setting.student
    )
    with pytest.raises(SettingsError, match=r"must hold .* once"):
        build_objective("comp-tga", {"negated_templates": ["no"]}, tiny_classifier())


def test_both_maps_of_each_image_are_kept_and_drawn_once():
    setting = drifted("comp-tga")
    first = gradient(sum(setting.terms().values()), setting.student)
    assert {value.shape for value in setting.objective.memory.values()} == {(2, 7, 7)}
    again = gradient(sum(setting.terms().values()), setting.student)
    assert torch.allclose(first, again)


def test_a_classifier_without_a_text_tower_is_refused():
    tower = tiny_classifier()
    bare = ZeroShotClassifier(
        tower.visual, nn.Identity(), tower.class_embeddings, 10.0, tower.class_names
    )
    with pytest.raises(InputError, match="no text tower"):
        build_objective("comp-tga", {}, bare)


def test_trap_whether_every_step_begins_with_the_same_noise_is_a_setting():
    assert drifted("comp-tga").objective.random_start == "fresh"
    released = drifted("comp-tga", {"random_start": "repeated"}).objective
    assert released.random_start == "repeated"


def test_the_recipes_say_which_is_as_released():
    honest, released = load_recipe("comp-tga"), load_recipe("comp-tga-as-released")
    assert honest.objective.settings["random_start"] == "fresh"
    assert released.objective.settings["random_start"] == "repeated"
    for recipe in (honest, released):
        assert (recipe.objective.settings["alpha"], recipe.objective.settings["beta"]) == (
            0.10,
            0.07,
        )
        assert recipe.optimizer.lr == 1e-4
