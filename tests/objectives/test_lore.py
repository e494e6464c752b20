import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted, embedded, gradient

from zsrobust.training.recipe import load_recipe


def moved(setting, pixels):
    with torch.no_grad():
        reference = embedded(setting.original, setting.batch.pixels)
    return ((embedded(setting.student, pixels) - reference) ** 2).sum(1), reference


def multipliers(setting, reference):
    """softplus(W2 relu(W1 f0 + b1) + b2), written out."""
    w1, b1, w2, b2 = setting.objective.dual.module.parameters()
    hidden = (reference @ w1.T + b1).clamp_min(0)
    return (1 + (hidden @ w2.T + b2).exp()).log().squeeze(1)


def constraint(setting, rho):
    distance, reference = moved(setting, setting.batch.pixels)
    broken = distance - rho * (reference**2).sum(1)
    return multipliers(setting, reference) * broken


@pytest.mark.parametrize("rho", [0.01, 0.1])
def test_lore_and_its_gradient_equal_the_equation_written_out(rho):
    setting = drifted("lore", {"rho": rho})
    terms = setting.terms()
    attacked, _ = moved(setting, setting.adversarial)
    assert_equal_with_gradient(terms["embedding_distance"], attacked.mean(), setting.student)
    written = constraint(setting, rho).mean()
    assert_equal_with_gradient(terms["constraint"], written, setting.student)


def test_the_dual_loss_and_its_gradient_equal_the_constraint_written_out():
    setting = drifted("lore")
    dual = setting.objective.dual
    ours, theirs = dual.loss(setting.student, setting.batch), constraint(setting, 0.1).mean()
    assert torch.allclose(ours, theirs, rtol=1e-5)
    parameters = list(dual.module.parameters())
    for mine, written in zip(
        torch.autograd.grad(ours, parameters), torch.autograd.grad(theirs, parameters), strict=True
    ):
        assert torch.allclose(mine, written, rtol=1e-5, atol=1e-12)


def test_the_tower_never_learns_from_the_multipliers_nor_they_from_the_tower():
    setting = drifted("lore")
    dual = setting.objective.dual
    raised = dual.loss(setting.student, setting.batch)
    assert float(gradient(raised, setting.student).abs().max()) == 0
    total = torch.stack(list(setting.terms().values())).sum()
    total.backward()
    assert all(parameter.grad is None for parameter in dual.module.parameters())


def test_an_ascent_step_raises_the_multiplier_where_the_constraint_is_broken():
    setting = drifted("lore", {"rho": 1e-6})
    dual = setting.objective.dual
    _, reference = moved(setting, setting.batch.pixels)
    before = dual.module(reference).detach()
    optimizer = torch.optim.Adam(dual.module.parameters(), dual.lr, maximize=True)
    dual.loss(setting.student, setting.batch).backward()
    optimizer.step()
    assert (dual.module(reference) > before).all()
    assert (before > 0).all()


def test_the_margin_is_a_share_of_the_squared_length_of_the_frozen_embedding():
    setting = drifted("lore", {"rho": 0.25}, drift=0.0)
    _, reference = moved(setting, setting.batch.pixels)
    expected = (multipliers(setting, reference) * -0.25 * (reference**2).sum(1)).mean()
    assert setting.terms()["constraint"].item() == pytest.approx(expected.item())


def test_the_inner_attack_maximises_the_first_term_alone():
    setting = drifted("lore")
    distance, _ = moved(setting, setting.adversarial)
    assert torch.allclose(setting.inner(setting.adversarial), distance, rtol=1e-5)


def test_trap_one_perturbation_serves_five_updates_and_one_ascent():
    objective = drifted("lore").objective
    assert objective.updates_per_batch == 5
    assert objective.dual.lr == 5e-4
    assert sum(p.numel() for p in objective.dual.module.parameters()) == 33 * 512 + 513
    assert drifted("lore", {"updates_per_batch": 2}).objective.updates_per_batch == 2


def test_cost_is_two_forwards_an_update_and_one_without_graph_for_the_ascent():
    setting = drifted("lore")
    setting.terms()
    setting.terms()
    setting.objective.dual.loss(setting.student, setting.batch)
    assert setting.calls == [(False, 6)] + [(True, 6)] * 4 + [(False, 6)]


def test_the_first_multipliers_are_the_same_in_every_run_and_draw_nothing_from_the_global_state():
    torch.manual_seed(3)
    one = drifted("lore").objective.dual.module
    drawn = torch.rand(1)
    torch.manual_seed(3)
    drifted("fare")
    assert torch.equal(torch.rand(1), drawn)
    other = drifted("lore").objective.dual.module
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_recipe_holds_the_published_settings():
    lore = load_recipe("lore")
    assert lore.objective.settings == {
        "rho": 0.1, "updates_per_batch": 5, "dual_lr": 5e-4,
    }  # fmt: skip
    assert (lore.optimizer.lr, lore.optimizer.weight_decay) == (1e-5, 1e-4)
    assert (lore.attack.eps, lore.attack.steps, lore.attack.step_size) == ("2/255", 10, "eps/4")
    assert (lore.batch_size, lore.epochs) == (3584, 2)
