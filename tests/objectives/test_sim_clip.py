import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted, embedded, gradient

from zsrobust.training.recipe import load_recipe


def cos(a, b):
    return (a * b).sum(1) / ((a * a).sum(1) * (b * b).sum(1)).sqrt()


def total(setting):
    return torch.stack(list(setting.terms().values())).sum()


def test_sim_clip_and_its_gradient_equal_the_symmetric_cosine_written_out():
    setting = drifted("sim-clip")
    attacked = embedded(setting.student, setting.adversarial)
    clean = embedded(setting.student, setting.batch.pixels)
    written = -(cos(attacked, clean.detach()) + cos(clean, attacked.detach())).mean() / 2
    assert_equal_with_gradient(total(setting), written, setting.student)


def test_trap_as_released_the_partner_is_the_frozen_model_and_half_the_loss_has_no_gradient():
    setting = drifted("sim-clip-as-released")
    attacked = embedded(setting.student, setting.adversarial)
    with torch.no_grad():
        clean = embedded(setting.original, setting.batch.pixels)
    similar = cos(attacked, clean).mean()
    ours = total(setting)
    assert ours.item() == pytest.approx(-similar.item(), rel=1e-5)
    mine, written = gradient(ours, setting.student), gradient(-similar / 2, setting.student)
    assert float((mine - written).norm()) <= 1e-5 * float(written.norm())
    assert not setting.terms()["towards_adversarial"].requires_grad


def test_both_halves_of_the_intended_loss_carry_gradient():
    setting = drifted("sim-clip")
    for term in setting.terms().values():
        assert float(gradient(term, setting.student).norm()) > 0


@pytest.mark.parametrize("kind", ["sim-clip", "sim-clip-as-released"])
def test_the_inner_attack_maximises_the_squared_distance_of_embeddings(kind):
    setting = drifted(kind)
    partner = setting.student if kind == "sim-clip" else setting.original
    with torch.no_grad():
        clean = embedded(partner, setting.batch.pixels)
    written = ((embedded(setting.student, setting.adversarial) - clean) ** 2).sum(1)
    assert torch.allclose(setting.inner(setting.adversarial), written, rtol=1e-5)


def test_cost_of_the_intended_loss_is_two_forwards_and_one_for_the_attacks_target():
    setting = drifted("sim-clip")
    loss = setting.objective.inner_loss(setting.student, setting.batch)
    loss(setting.batch.pixels)
    loss(setting.adversarial)
    setting.terms()
    assert setting.calls == [(False, 6)] + [(True, 6)] * 4
    assert dict(setting.objective.memory) == {}


def test_cost_of_the_released_loss_is_that_of_fare():
    setting = drifted("sim-clip-as-released")
    setting.inner()
    setting.terms()
    assert setting.calls == [(False, 6), (True, 6), (True, 6)]


def test_the_recipes_are_named_apart_and_share_the_published_settings():
    intended, released = load_recipe("sim-clip"), load_recipe("sim-clip-as-released")
    assert intended.objective.kind == "sim-clip"
    update = {"objective": intended.objective, "source": intended.source}
    assert released.model_copy(update=update) == intended
    assert (intended.optimizer.lr, intended.optimizer.weight_decay) == (1e-3, 1e-5)
    assert (intended.batch_size, intended.steps, intended.warmup_steps) == (64, 10000, 1400)
    assert (intended.attack.eps, intended.attack.steps) == ("4/255", 10)
