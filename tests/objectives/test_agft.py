import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, cosines, drifted, softmax

from zsrobust.training.recipe import load_recipe


def written_out(setting, pixels, scale=180.0, gamma=0.4):
    with torch.no_grad():
        target = softmax(gamma * scale * cosines(setting.original, setting.batch.pixels))
    return -(target * softmax(scale * cosines(setting.student, pixels)).log()).sum(1)


@pytest.mark.parametrize(("scale", "gamma"), [(180.0, 0.4), (20.0, 1.0)])
def test_agft_and_its_gradient_equal_the_equation_written_out(scale, gamma):
    setting = drifted("agft", {"logit_scale": scale, "target_scale": gamma})
    terms = setting.terms()
    assert list(terms) == ["soft_cross_entropy"]
    theirs = written_out(setting, setting.adversarial, scale, gamma).mean()
    assert_equal_with_gradient(terms["soft_cross_entropy"], theirs, setting.student)


def test_the_inner_attack_maximises_the_same_soft_cross_entropy():
    setting = drifted("agft")
    written = written_out(setting, setting.adversarial)
    assert torch.allclose(setting.inner(setting.adversarial), written, rtol=1e-5)


def test_the_target_is_the_frozen_models_on_the_clean_image_and_carries_no_gradient():
    setting = drifted("agft")
    before = setting.terms()["soft_cross_entropy"].item()
    again = setting.objective.outer_loss(setting.student, setting.batch, setting.batch.pixels)
    assert before != pytest.approx(again.total.item())
    assert setting.calls == [(False, 6), (True, 6), (True, 6)]


def test_labels_take_no_part():
    setting = drifted("agft")
    before = setting.terms()["soft_cross_entropy"].item()
    setting.batch.labels.copy_((setting.batch.labels + 1) % 5)
    assert setting.terms()["soft_cross_entropy"].item() == before


def test_model_scale_means_the_models_own():
    chosen, own = drifted("agft", {"logit_scale": "model"}), drifted("agft")
    scale = chosen.student.logit_scale
    theirs = written_out(chosen, chosen.adversarial, scale).mean()
    assert chosen.terms()["soft_cross_entropy"].item() == pytest.approx(theirs.item())
    assert own.terms()["soft_cross_entropy"].item() != pytest.approx(theirs.item())


def test_cost_is_one_forward_a_step_and_the_reference_once():
    setting = drifted("agft")
    loss = setting.objective.inner_loss(setting.student, setting.batch)
    loss(setting.batch.pixels)
    loss(setting.adversarial)
    setting.terms()
    assert setting.calls == [(False, 6)] + [(True, 6)] * 3


def test_the_recipe_holds_the_published_settings():
    agft = load_recipe("agft")
    assert agft.objective.settings == {"logit_scale": 180.0, "target_scale": 0.4}
    assert (agft.optimizer.kind, agft.optimizer.lr, agft.batch_size) == ("sgd", 4e-4, 256)
